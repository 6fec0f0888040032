from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .account_chain import AccountChain


class ResCompany(models.Model):
    _inherit = "res.company"

    billing_profile_id = fields.Many2one(
        "telecom.billing.profile",
        domain="[('company_id', '=', id), ('owner_id', '=', False)]",
        help="The rules with which this company invoices its telecom accounts.",
    )
    telecom_commission_product_id = fields.Many2one(
        "product.product",
        string="Commission Product",
        domain="[('purchase_ok', '=', True)]",
        help="Gives the lines of agents' vendor bills their expense account and taxes. Empty: the "
        "product that comes with this application.",
    )
    telecom_commission_mode = fields.Selection(
        [("draft", "Draft"), ("confirmed", "Confirmed")],
        string="Commission Bills",
        required=True,
        default="draft",
        help="Whether a settlement confirms the vendor bills of agents.",
    )

    # === CONSTRAINTS ===

    @api.constrains("billing_profile_id")
    def _check_billing_profile(self):
        for company in self:
            profile = company.sudo().billing_profile_id
            if profile and (profile.company_id != company or profile.owner_id):
                raise ValidationError(
                    self.env._(
                        "%(company)s cannot invoice with %(profile)s, the billing profile of "
                        "%(issuer)s.",
                        company=company.name,
                        profile=profile.name,
                        issuer=profile.owner_id.name or profile.company_id.name,
                    )
                )

    # === CRUD METHODS ===

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        companies._ensure_billing_profile()
        return companies

    # === BUSINESS METHODS ===

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

    @api.model
    def _of_resellers(self):
        """Return the companies that are resellers' own: distributors invoice their customers in
        them, and are invoiced by another company."""
        profiles = self.env["telecom.billing.profile"].sudo().search([("owner_id", "!=", False)])
        chain = AccountChain(self.env)
        return self.union(
            *(
                profile.company_id
                for profile in profiles
                if chain.profile(profile.owner_id).company_id != profile.company_id
            )
        )

    def _telecom_commission_product(self):
        """Return the product of the bills with which commissions are settled.

        :raises UserError: when there is none
        """
        self.ensure_one()
        product = self.telecom_commission_product_id or self.env.ref(
            "telecom_billing.product_commission", raise_if_not_found=False
        )
        if not product:
            raise UserError(
                self.env._(
                    "%s has no product for commissions. Choose one in the Telecom settings.",
                    self.name,
                )
            )
        return product
