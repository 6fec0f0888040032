from odoo import fields, models


class BillingProfile(models.Model):
    """When an issuer's customers are reminded of what they have not paid."""

    _inherit = "telecom.billing.profile"

    reminder_rule_ids = fields.One2many(
        "telecom.reminder.rule",
        "profile_id",
        string="Reminders",
        copy=True,
        help="None: nobody is reminded.",
    )
