from odoo import api, fields, models
from odoo.tools import SQL

from ..engine.calendar import local_day
from .reminder_job import ReminderJob


class Reminder(models.Model):
    """What became of one reminder rule for one invoice: it is sent once, whatever runs twice."""

    _name = "telecom.reminder"
    _description = "Reminder"
    _order = "date desc, id desc"

    move_id = fields.Many2one(
        "account.move", string="Invoice", required=True, readonly=True, ondelete="cascade"
    )
    rule_id = fields.Many2one(
        "telecom.reminder.rule", required=True, readonly=True, index=True, ondelete="restrict"
    )
    partner_id = fields.Many2one(
        "res.partner", string="Account", readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one("res.company", readonly=True, index=True)
    state = fields.Selection(
        [("sent", "Sent"), ("skipped", "Skipped"), ("failed", "Not Sent")],
        required=True,
        readonly=True,
        index=True,
        help="Skipped: a later reminder of the same invoice went out in its stead, or the "
        "invoice was settled before it could be sent.",
    )
    day = fields.Date(readonly=True, help="The day that the rule says, in the account's time zone.")
    due_date = fields.Date(
        readonly=True, help="The earliest day on which something of the invoice is to be paid."
    )
    tried = fields.Date(
        string="Last Tried", readonly=True, help="In the account's time zone; once a day."
    )
    date = fields.Datetime(string="Done", readonly=True)
    amount = fields.Monetary(string="Amount Due", readonly=True)
    currency_id = fields.Many2one(related="move_id.currency_id")
    email = fields.Char(string="Sent To", readonly=True)
    error = fields.Text(readonly=True, help="Why it could not be sent; tried again the next day.")
    mail_id = fields.Many2one(
        "mail.mail",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_system",
    )
    activity_id = fields.Many2one("mail.activity", readonly=True, ondelete="set null")
    holds_suspension = fields.Boolean(
        string="Suspends",
        readonly=True,
        help="The account is suspended because of this invoice.",
    )

    _once_per_invoice = models.UniqueIndex(
        "(move_id, rule_id)", "An invoice is reminded of once by each rule."
    )
    _holding = models.Index("(partner_id) WHERE holds_suspension")

    # === COMPUTE METHODS ===

    @api.depends("move_id.name", "rule_id")
    def _compute_display_name(self):
        for reminder in self.sudo():
            reminder.display_name = f"{reminder.move_id.name}, {reminder.rule_id.display_name}"

    # === BUSINESS METHODS ===

    @api.model
    def _cron_send(self):
        """Remind the customers of all issuers, and end suspensions whose cause is gone."""
        ReminderJob(self.env).run()

    @api.model
    def _today(self, account):
        """Return today's date where the account is."""
        return local_day(fields.Datetime.now(), account._account_tz())

    @api.model
    def _claim(self, move, rule, state):
        """Take the only chance to send a reminder, for this transaction.

        :param str state: what becomes of it
        :return: the reminder; none where it was sent or skipped already
        """
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                INSERT INTO telecom_reminder
                       (move_id, rule_id, state, create_uid, create_date, write_uid, write_date)
                VALUES (%(move)s, %(rule)s, %(state)s, %(user)s, now() AT TIME ZONE 'UTC',
                        %(user)s, now() AT TIME ZONE 'UTC')
                    ON CONFLICT (move_id, rule_id) DO UPDATE SET state = EXCLUDED.state
                 WHERE telecom_reminder.state = 'failed'
             RETURNING id
                """,
                move=move.id,
                rule=rule.id,
                state=state,
                user=self.env.uid,
            )
        )
        reminder = self.browse(row[0] for row in rows)
        reminder.invalidate_recordset()
        move.invalidate_recordset(["telecom_reminder_ids"])
        return reminder

    def _settle(self):
        """Follow what became of the invoices: end suspensions, forget what failed."""
        for reminder in self.filtered(lambda r: r.state == "failed"):
            if not reminder.move_id._telecom_is_unpaid():
                reminder._drop_activity()
                reminder.state = "skipped"
        released = self.filtered(
            lambda r: r.holds_suspension and not r.move_id._telecom_is_overdue()
        )
        if not released:
            return
        released.holds_suspension = False
        accounts = released.partner_id
        held = self.search(
            [("partner_id", "in", accounts.ids), ("holds_suspension", "=", True)]
        ).partner_id
        for account in accounts - held:
            moves = released.filtered(lambda r, account=account: r.partner_id == account).move_id
            account._end_suspension(
                self.env._(
                    "The suspension has ended: nothing is overdue any more of %s.",
                    ", ".join(moves.mapped("display_name")),
                )
            )

    def _drop_activity(self):
        self.activity_id.unlink()
