from odoo import models
from odoo.exceptions import UserError


class MergePartnerAutomatic(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        """Refuse to merge accounts that have calls or charges.

        Each has billing periods of its own, and the tables of calls have no foreign keys by
        which merging would find them.
        """
        for partner in self.env["res.partner"].sudo().browse(partner_ids).exists():
            if partner != dst_partner and partner._has_telecom_history():
                raise UserError(
                    self.env._(
                        "%s is a telecom account with calls or charges and cannot be merged into "
                        "another contact. Choose it as the contact that stays.",
                        partner.display_name,
                    )
                )
        return super()._merge(partner_ids, dst_partner=dst_partner, extra_checks=extra_checks)

    def _update_values(self, src_partners, dst_partner):
        """Hand the account code over: nobody else may have it while it is written."""
        sources, destination = src_partners.sudo(), dst_partner.sudo()
        codes = [code for code in sources.mapped("account_code") if code]
        sources.account_code = False
        sources.flush_recordset()
        if codes and not destination.account_code:
            destination.account_code = codes[-1]
        return super()._update_values(src_partners, dst_partner)
