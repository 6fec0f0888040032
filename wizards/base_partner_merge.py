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
