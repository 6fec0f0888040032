from odoo import models


class AccountMoveReversal(models.TransientModel):
    _inherit = "account.move.reversal"

    def reverse_moves(self, is_modify=False):
        """Correct in the name in which was invoiced; credit notes have it from their invoice."""
        action = super().reverse_moves(is_modify=is_modify)
        if is_modify:
            for move, corrected in zip(self.move_ids, self.new_move_ids, strict=False):
                # one by one, in the order in which they were given
                if corrected.partner_id == move.partner_id:
                    corrected.sudo().telecom_issuer_id = move.sudo().telecom_issuer_id
        return action
