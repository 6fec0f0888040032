from odoo import api, models

from .commission_accrual import CommissionAccrual


class AccountPartialReconcile(models.Model):
    """Payments, from the side of what follows them: commissions that are earned when paid."""

    _inherit = "account.partial.reconcile"

    @api.model_create_multi
    def create(self, vals_list):
        """Enter what agents earn by these payments."""
        partials = super().create(vals_list)
        CommissionAccrual(self.env).follow(partials._telecom_documents())
        return partials

    def unlink(self):
        """Take back what agents earned by payments that are undone."""
        documents = self._telecom_documents()
        result = super().unlink()
        CommissionAccrual(self.env).follow(documents.exists())
        return result

    def _telecom_documents(self):
        moves = (self.debit_move_id + self.credit_move_id).move_id
        return moves.filtered(lambda move: move.is_sale_document())
