from odoo import fields, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    telecom_section = fields.Selection(
        [
            ("calls", "Calls"),
            ("package", "Packages"),
            ("subscription", "Subscriptions"),
            ("did", "Numbers"),
            ("other", "Other"),
        ],
        readonly=True,
        copy=False,
    )
    telecom_direction = fields.Selection(
        [("outbound", "Outbound"), ("inbound", "Inbound")], readonly=True, copy=False
    )
    telecom_destination = fields.Char(readonly=True, copy=False)
    telecom_charge_id = fields.Many2one(
        "telecom.charge", readonly=True, copy=False, ondelete="set null", index="btree_not_null"
    )

    # === ACTIONS ===

    def action_telecom_details(self):
        """Open the calls or the charge that this invoice line adds up."""
        self.ensure_one()
        if self.telecom_section == "calls":
            action = self.move_id.action_telecom_calls()
            action["domain"] += [
                ("destination", "=", self.telecom_destination),
                ("cdr_id.direction", "=", self.telecom_direction),
            ]
            return action
        action = self.move_id.action_telecom_charges()
        action["domain"] = [("id", "=", self.telecom_charge_id.id)]
        return action
