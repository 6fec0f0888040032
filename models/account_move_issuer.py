from odoo import api, fields, models

from .branding import STOCK_TEMPLATES, Brand, header_height


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

    # === BUSINESS METHODS ===

    def _has_field_access(self, field, operation):
        """Keep from a reseller's customers the company's own contact."""
        allowed = super()._has_field_access(field, operation)
        if not allowed or self.env.su or field.name != "bank_partner_id":
            return allowed
        return not self.env.user._telecom_is_under_brand()

    def _reverse_moves(self, default_values_list=None, cancel=False):
        """Credit in the name in which was invoiced."""
        reversals = super()._reverse_moves(default_values_list, cancel=cancel)
        for move, reversal in zip(self.sudo(), reversals.sudo(), strict=True):
            if move.telecom_issuer_id:
                reversal.telecom_issuer_id = move.telecom_issuer_id
        return reversals

    def _telecom_brand(self):
        """Return the `Brand` of an invoice that a billing run made, or of what credits or corrects
        one; None for any other."""
        self.ensure_one()
        move = self.sudo()
        issuer = move.telecom_issuer_id
        profile = move.telecom_profile_id or issuer.profile_id
        profile = profile or move.reversed_entry_id.telecom_profile_id
        return Brand(profile, issuer) if profile or issuer else None

    def _telecom_company_as_issuer(self):
        """Return the company as the report's layouts print it: with the issuer's name, address
        and logo. None for what is printed in the company's own name."""
        self.ensure_one()
        issuer = self.sudo().telecom_issuer_id
        return issuer._as_company() if issuer else None

    def _generate_qr_code(self, silent_errors=False):
        """Leave out the code to scan where it would name the company above the issuer: it says
        whose the bank account is."""
        brand = self._telecom_brand()
        owner = brand and brand.profile.owner_id
        if owner:
            account = self.sudo().partner_bank_id
            holder = account.acc_holder_name or account.partner_id.name
            own = account.partner_id.commercial_partner_id == owner.commercial_partner_id
            if not own and holder != brand.issuer.name:
                return None
        return super()._generate_qr_code(silent_errors=silent_errors)

    def _telecom_forced_vat(self):
        """Return the tax number of the company's that is printed for a fiscal position; it is not
        a reseller's."""
        self.ensure_one()
        brand = self._telecom_brand()
        return not (brand and brand.profile.owner_id) and self.fiscal_position_id.foreign_vat

    def _telecom_header_height(self):
        """Return the millimetres that the header of these invoices' pages needs; None for those
        of the paper format."""
        # one of each company and issuer
        issued = {
            (move.company_id, move.telecom_issuer_id): move
            for move in self.sudo()
            if move.telecom_profile_id or move.telecom_issuer_id
        }
        return header_height(
            (move._telecom_company_as_issuer() or move.company_id, move.company_id)
            for move in issued.values()
        )

    def _get_mail_template(self):
        """Send an issuer's documents with the templates of its billing profile."""
        template = super()._get_mail_template()
        xml_id = template.get_external_id().get(template.id)
        if xml_id not in STOCK_TEMPLATES:
            return template
        brands = [move._telecom_brand() for move in self]
        own = {brand.template(xml_id) if brand else template.browse() for brand in brands}
        return own.pop().with_env(self.env) or template if len(own) == 1 else template

    @api.private
    def get_base_url(self):
        """Return the root of links: that of the issuer."""
        brand = len(self) == 1 and self._telecom_brand()
        return (brand and brand.base_url) or super().get_base_url()
