from odoo import api, fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    billing_profile_id = fields.Many2one(
        "telecom.billing.profile",
        help="The rules with which this company invoices its telecom accounts.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        companies._ensure_billing_profile()
        return companies

    def _ensure_billing_profile(self):
        """Create the default profile of each company that has none, and return the profiles."""
        for company in self.sudo():
            if not company.billing_profile_id:
                company.billing_profile_id = (
                    self.env["telecom.billing.profile"]
                    .sudo()
                    .create({"name": company.name, "company_id": company.id})
                )
        return self.sudo().billing_profile_id
