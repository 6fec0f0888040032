from odoo import api, fields, models

from .branding import Brand, header_height


class AccountPayment(models.Model):
    """A receipt is in the name of whoever invoiced what was paid."""

    _inherit = "account.payment"

    telecom_issuer_id = fields.Many2one(
        "telecom.issuer",
        string="Issuer",
        readonly=True,
        copy=False,
        ondelete="restrict",
        groups="telecom_billing.group_user",
        help="Whose name, address and logo are on the receipt; empty: the company's.",
    )

    # === ACTIONS ===

    def action_post(self):
        """Keep in whose name the receipt is, as of now."""
        result = super().action_post()
        for payment in self.sudo().filtered(lambda each: not each.telecom_issuer_id):
            brand = payment._telecom_found_brand()
            if brand and brand.issuer:
                payment.telecom_issuer_id = brand.issuer
        return result

    # === BUSINESS METHODS ===

    def _telecom_brand(self):
        """Return the `Brand` of the receipt; None for what is no customer's of an issuer."""
        self.ensure_one()
        issuer = self.sudo().telecom_issuer_id
        if issuer:
            return Brand(issuer.profile_id, issuer)
        return self._telecom_found_brand()

    def _telecom_found_brand(self):
        """Return the `Brand` of the invoices that are paid, else of the account that pays."""
        payment = self.sudo()
        if payment.partner_type != "customer":
            return None
        for move in payment.invoice_ids | payment.reconciled_invoice_ids:
            brand = move._telecom_brand()
            if brand:
                return brand
        return payment.partner_id._telecom_brand() if payment.partner_id else None

    def _telecom_company_as_issuer(self):
        """Return the company as the receipt's layout prints it; None for the company itself."""
        brand = self._telecom_brand()
        return brand and brand.company

    def _telecom_header_height(self):
        """Return the millimetres that the header of these receipts needs; None for those of the
        paper format."""
        return header_height(
            (company, payment.company_id)
            for payment in self
            if (company := payment._telecom_company_as_issuer())
        )

    @api.private
    def get_base_url(self):
        """Return the root of links: that of the issuer."""
        brand = len(self) == 1 and self._telecom_brand()
        return (brand and brand.base_url) or super().get_base_url()
