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
    telecom_destination = fields.Char(readonly=True, copy=False)

    def action_telecom_details(self):
        """Open the calls or charges that this invoice line adds up."""
        self.ensure_one()
        periods = self.move_id.sudo().telecom_period_ids
        if self.telecom_section == "calls":
            action = periods.action_open_calls()
            action["domain"].append(("destination", "=", self.telecom_destination))
            return action
        action = periods.action_open_charges()
        types = {
            "other": ["setup", "adjustment", "commission"],
        }.get(self.telecom_section, [self.telecom_section])
        action["domain"].append(("charge_type", "in", types))
        return action
