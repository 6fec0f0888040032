from odoo import fields, models


class AccountMove(models.Model):
    """Invoices in the name of their issuer, whoever's books they are in."""

    _inherit = "account.move"

    telecom_issuer_id = fields.Many2one(
        "telecom.issuer",
        string="Issuer",
        readonly=True,
        copy=False,
        ondelete="restrict",
        groups="telecom_billing.group_user",
        help="Whose name, address and logo are printed; empty: the company's.",
    )

    def _telecom_company_as_issuer(self):
        """Return the company as the report's layouts print it: with the issuer's name, address
        and logo. Empty for what is printed in the company's own name."""
        self.ensure_one()
        company, issuer = self.company_id.sudo(), self.sudo().telecom_issuer_id
        if not issuer:
            return None
        return company.new(
            {
                "name": issuer.name,
                "logo": issuer.with_context(bin_size=False).logo,
                "company_details": issuer.details or issuer.name,
                "report_header": issuer.tagline,
                "report_footer": issuer.footer,
            },
            origin=company,
        )
