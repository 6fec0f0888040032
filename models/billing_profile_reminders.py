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
    reminder_hour = fields.Integer(
        string="Sent From",
        required=True,
        default=8,
        help="Full hour of the day from which reminders are sent, in the account's time zone.",
    )

    _reminder_hour_of_day = models.Constraint(
        "CHECK (reminder_hour BETWEEN 0 AND 23)",
        "Reminders are sent from an hour between 0 and 23.",
    )
