from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class ReminderRule(models.Model):
    """When the customers of an issuer are reminded of invoices that are not paid, and how."""

    _name = "telecom.reminder.rule"
    _description = "Reminder Rule"
    _order = "profile_id, sequence, shift, id"

    profile_id = fields.Many2one(
        "telecom.billing.profile", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="profile_id.company_id")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    days = fields.Integer(default=7, help="Days before or after the due date.")
    moment = fields.Selection(
        [
            ("before", "Days Before the Due Date"),
            ("on", "On the Due Date"),
            ("after", "Days After the Due Date"),
        ],
        string="When",
        required=True,
        default="after",
    )
    shift = fields.Integer(
        string="Days From the Due Date",
        compute="_compute_shift",
        store=True,
        help="Below zero: before it.",
    )
    template_id = fields.Many2one(
        "mail.template",
        string="Mail Template",
        domain="[('model', '=', 'account.move')]",
        ondelete="restrict",
        help="Empty: the reminder that comes with this application.",
    )
    is_grouped = fields.Boolean(
        string="In One Mail",
        default=True,
        help="Invoices of one customer of which to remind on the same day are in one mail.",
    )
    suspend = fields.Boolean(
        help="Suspend the account with this reminder. The suspension ends when no invoice that "
        "led to it is overdue any more."
    )
    since = fields.Date(
        string="In Force Since",
        readonly=True,
        copy=False,
        help="Nobody is reminded of what was due to be reminded of long before this day.",
    )

    _days_not_negative = models.Constraint(
        "CHECK (days >= 0)", "The days of a reminder are counted from 0."
    )

    # === COMPUTE METHODS ===

    @api.depends("days", "moment")
    def _compute_shift(self):
        signs = {"before": -1, "on": 0, "after": 1}
        for rule in self:
            rule.shift = signs.get(rule.moment, 0) * rule.days

    @api.depends("days", "moment")
    def _compute_display_name(self):
        for rule in self:
            texts = {
                "before": self.env._("%s days before the due date", rule.days),
                "on": self.env._("On the due date"),
                "after": self.env._("%s days after the due date", rule.days),
            }
            rule.display_name = texts.get(rule.moment, "")

    # === CONSTRAINTS ===

    @api.constrains("moment", "suspend")
    def _check_suspend(self):
        if any(rule.suspend and rule.moment != "after" for rule in self):
            raise ValidationError(
                self.env._("An account is suspended only after the due date, not before it.")
            )

    @api.constrains("template_id")
    def _check_template(self):
        for rule in self:
            template = rule.template_id.sudo()
            if template and template.model != "account.move":
                raise ValidationError(
                    self.env._("“%s” is no mail template for invoices.", template.name)
                )

    # === CRUD METHODS ===

    @api.model_create_multi
    def create(self, vals_list):
        today = fields.Date.context_today(self)
        return super().create([{**vals, "since": today} for vals in vals_list])

    def write(self, vals):
        """Let a rule begin anew when its day is changed or it is taken up again."""
        changed = self.filtered(
            lambda rule: (
                vals.get("days", rule.days) != rule.days
                or vals.get("moment", rule.moment) != rule.moment
                or (vals.get("active") and not rule.active)
                or vals.get("profile_id", rule.profile_id.id) != rule.profile_id.id
            )
        )
        vals = {name: value for name, value in vals.items() if name != "since"}
        result = super().write(vals)
        if changed:
            super(ReminderRule, changed).write({"since": fields.Date.context_today(self)})
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        """Keep what tells which reminders were sent, or they would be sent again."""
        reminders = self.env["telecom.reminder"].sudo()
        used = reminders.search([("rule_id", "in", self.ids)], limit=1).rule_id
        if used:
            raise UserError(
                self.env._(
                    "Reminders were sent by the rule “%s”: archive it instead of deleting it.",
                    used.display_name,
                )
            )
