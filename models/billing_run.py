import logging
from datetime import date, datetime, timezone

from dateutil.parser import isoparse

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from .billing_closing import PeriodCloser

_logger = logging.getLogger(__name__)

FAILED = [("state", "=", "closed"), ("error", "!=", False)]


class BillingRun(models.Model):
    """One execution of the job that closes due periods and invoices what is closed."""

    _name = "telecom.billing.run"
    _description = "Billing Run"
    _inherit = ["mail.thread"]
    _order = "id desc"

    name = fields.Char(required=True, readonly=True, default=lambda self: self.env._("New"))
    date = fields.Datetime(
        string="Started", required=True, readonly=True, default=fields.Datetime.now
    )
    until = fields.Char(
        readonly=True, help="Periods that end by this day, or UTC moment, are closed."
    )
    partner_ids = fields.Many2many(
        "res.partner", string="Accounts", readonly=True, help="Empty: every account."
    )
    company_ids = fields.Many2many(
        "res.company",
        string="Companies",
        readonly=True,
        default=lambda self: self._default_company_ids(),
        help="Only accounts that these companies bill are looked at.",
    )
    state = fields.Selection(
        [("waiting", "Waiting"), ("running", "Running"), ("done", "Done")],
        required=True,
        default="waiting",
        readonly=True,
    )
    period_ids = fields.One2many("telecom.billing.period", "run_id", string="Periods")
    period_count = fields.Integer(compute="_compute_counts")
    invoice_count = fields.Integer(compute="_compute_counts")
    skipped_count = fields.Integer(string="Nothing to Invoice", compute="_compute_counts")
    failure_count = fields.Integer(string="Failures", compute="_compute_counts")
    failed_period_ids = fields.Many2many(
        "telecom.billing.period", string="Failed Periods", compute="_compute_failed_period_ids"
    )
    waiting_count = fields.Integer(string="Still to Do", compute="_compute_counts")
    progress = fields.Float(compute="_compute_counts", help="Percent of the periods.")
    totals = fields.Char(
        compute="_compute_totals",
        compute_sudo=True,
        help="Untaxed amount, tax and total of the invoices.",
    )
    move_ids = fields.Many2many(
        "account.move", string="Invoices", compute="_compute_totals", compute_sudo=True
    )
    ended = fields.Datetime(readonly=True)

    @api.model
    def _default_company_ids(self):
        """Return the companies of the user, for the system itself all."""
        companies = self.env["res.company"]
        if self.env.su:
            return companies.search([])  # pylint: disable=no-search-all
        return self.env.companies

    # === COMPUTE METHODS ===

    @api.depends("period_ids.state", "period_ids.error")
    def _compute_counts(self):
        for run in self:
            states = dict(
                self.env["telecom.billing.period"]._read_group(
                    [("run_id", "in", run.ids)], ["state"], ["__count"]
                )
            )
            run.period_count = sum(states.values())
            run.invoice_count = states.get("invoiced", 0)
            run.skipped_count = states.get("skipped", 0)
            run.failure_count = self.env["telecom.billing.period"].search_count(
                [("run_id", "in", run.ids), *FAILED]
            )
            run.waiting_count = states.get("closed", 0) - run.failure_count
            done = run.period_count - run.waiting_count
            run.progress = (
                100.0 * done / run.period_count
                if run.period_count
                else (100.0 if run.state == "done" else 0.0)
            )

    @api.depends("period_ids.state", "period_ids.error")
    def _compute_failed_period_ids(self):
        for run in self:
            run.failed_period_ids = self.env["telecom.billing.period"].search(
                [("run_id", "in", run.ids), *FAILED], limit=500
            )

    @api.depends("period_ids.move_id")
    def _compute_totals(self):
        for run in self:
            run.move_ids = run.period_ids.move_id
            lines = []
            for currency, untaxed, tax, total in self.env["account.move"]._read_group(
                [("telecom_period_ids.run_id", "in", run.ids)],
                ["currency_id"],
                ["amount_untaxed:sum", "amount_tax:sum", "amount_total:sum"],
            ):
                lines.append(
                    self.env._(
                        "%(untaxed)s + tax %(tax)s = %(total)s",
                        untaxed=currency.format(untaxed),
                        tax=currency.format(tax),
                        total=currency.format(total),
                    )
                )
            run.totals = "; ".join(lines)

    # === CRUD METHODS ===

    @api.model_create_multi
    def create(self, vals_list):
        self.check_access("create")
        for vals in vals_list:
            if not vals.get("name"):
                vals["name"] = self.env["ir.sequence"].sudo().next_by_code("telecom.billing.run")
        return super().create(vals_list)

    # === ACTIONS ===

    def action_open_invoices(self):
        """Open the invoices that this run made."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account.action_move_out_invoice_type"
        )
        action["domain"] = [("id", "in", self.move_ids.ids)]
        return action

    def action_open_failures(self):
        """Open the periods that could not be invoiced."""
        self.ensure_one()
        return self._open_periods(FAILED)

    def action_open_periods(self):
        """Open the periods that this run closed."""
        self.ensure_one()
        return self._open_periods([])

    def _open_periods(self, domain):
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "telecom_billing.billing_period_action"
        )
        action["domain"] = [("run_id", "=", self.id), *domain]
        return action

    def action_retry(self):
        """Try again what failed in these runs."""
        self.check_access("write")
        self._retry()

    # === BUSINESS METHODS ===

    @api.model
    def close_periods(self, until, partners=None):
        """Close the periods that end by `until` and invoice them; heal what failed before.

        The work is done in batches, each committed; a failing account leaves the others done.

        :param until: date, periods whose last day is before it in the account's own time zone;
            or UTC datetime, periods that end at that moment or before (also as text)
        :param partners: accounts (`res.partner`, or ids) to which it is limited; None: all
        :return: the `telecom.billing.run`
        """
        self.check_access("create")
        until = self._parse_until(until)
        if isinstance(partners, (list, tuple)):
            partners = self.env["res.partner"].browse(partners)
        run = self.create(
            {
                "until": str(until),
                "partner_ids": [Command.set(partners.ids if partners else [])],
                "state": "running",
            }
        )
        PeriodCloser(self.env, run).close(until, partners)
        return run

    @api.model
    def _cron_close_periods(self):
        """Run the billing of each company where anything is due; runs that wait go first.

        What failed before is tried again in its own run, so that a failure that lasts does not
        make a run an hour.
        """
        for run in self.search([("state", "=", "waiting")], order="id"):
            run._process()
        self.search([("period_ids", "any", FAILED)])._retry()
        orphans = self.env["telecom.billing.period"].search([*FAILED, ("run_id", "=", False)])
        if orphans:
            self._invoice_closed(orphans)
        now = fields.Datetime.now()
        # before any company's periods are closed: a service is charged in several at once
        self.env["telecom.subscription"]._cron_add_recurring_charges()
        for company in PeriodCloser(self.env).companies_due(now):
            run = self.create(
                {"until": str(now), "company_ids": [Command.set(company.ids)], "state": "running"}
            )
            PeriodCloser(self.env, run).close(now, retry=False)

    def _process(self):
        """Do the work of a run that was started by hand."""
        self.ensure_one()
        self.state = "running"
        PeriodCloser(self.env, self).close(self._parse_until(self.until), self.partner_ids or None)

    def _retry(self):
        """Invoice the closed periods of these runs that have no invoice yet."""
        for run in self:
            PeriodCloser(self.env, run).invoice(
                run.period_ids.filtered(lambda p: p.state == "closed")
            )

    @api.model
    def _start(self, until, partners=None):
        """Make a run that cron works off at once, in the background, and return it."""
        run = self.create(
            {
                "until": str(self._parse_until(until)),
                "partner_ids": [Command.set(partners.ids if partners else [])],
            }
        )
        self.env.ref("telecom_billing.ir_cron_close_periods").sudo()._trigger()
        return run

    @api.model
    def _invoice_closed(self, periods):
        """Invoice closed periods in a run of their own, and return it."""
        run = self.create({"until": "", "state": "running"})
        PeriodCloser(self.env, run).invoice(periods.filtered(lambda p: p.state == "closed"))
        return run

    @api.model
    def _parse_until(self, until):
        """Return a date, or a naive UTC datetime of whole seconds."""
        if isinstance(until, str) and until:
            text = until.strip()
            try:
                if len(text) == 10:
                    return date.fromisoformat(text)
                until = isoparse(text)
            except ValueError as error:
                raise UserError(
                    self.env._("%s is no day and no moment such as 2025-03-31.", text)
                ) from error
        if isinstance(until, datetime):
            if until.tzinfo:
                until = until.astimezone(timezone.utc).replace(tzinfo=None)
            return until.replace(microsecond=0)
        return until if isinstance(until, date) else fields.Datetime.now()
