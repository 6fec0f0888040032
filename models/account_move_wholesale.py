from odoo import fields, models


class AccountMove(models.Model):
    """Invoices of resellers: what their customers used, and the file of it."""

    _inherit = "account.move"

    telecom_is_wholesale = fields.Boolean(
        string="Wholesale", compute="_compute_telecom_is_wholesale"
    )

    def _compute_telecom_is_wholesale(self):
        lines = (
            self.env["account.move.line"]
            .sudo()
            ._read_group(
                [("move_id", "in", self.ids), ("telecom_customer_id", "!=", False)], ["move_id"]
            )
        )
        wholesale = {move.id for (move,) in lines}
        for move in self:
            move.telecom_is_wholesale = move.id in wholesale

    def action_telecom_wholesale_file(self):
        """Download each call and service behind this invoice of a reseller."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_url",
            "url": f"/telecom/invoice/{self.id}/details.csv",
            "target": "download",
        }
