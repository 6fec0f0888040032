from odoo import api, models

from .account_chain import AccountChain
from .branding import Brand


class ResPartner(models.Model):
    """An account's mails are in the name of whoever bills it."""

    _inherit = "res.partner"

    def _telecom_brand(self):
        """Return the `Brand` that an account, or a contact of one, is mailed in; else None."""
        profile = self._telecom_issuing_profile()
        return Brand(profile, profile._issuer(self.lang or self.env.lang)) if profile else None

    def _telecom_issuing_profile(self):
        """Return the billing profile in force for an account, or the account of a contact; else
        an empty one."""
        self.ensure_one()
        account = self.sudo()
        while account and not account.is_telecom_account:
            account = account.parent_id
        if not account._origin:
            return self.env["telecom.billing.profile"].sudo()
        return AccountChain(self.env).profile(account)

    @api.private
    def get_base_url(self):
        """Return the root of links: that of the account's issuer."""
        brand = len(self) == 1 and self._telecom_brand()
        return (brand and brand.base_url) or super().get_base_url()
