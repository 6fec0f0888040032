import logging
from contextlib import contextmanager, nullcontext

from odoo import api, fields, models
from odoo.fields import Command

from .billing_closing import PeriodCloser
from .billing_until import parse_until
from .bulk import RETRYABLE, commit_progress, may_commit
from .failures import failure_text
from .session_lock import session_lock

_logger = logging.getLogger(__name__)

# closed ones that could not be invoiced, open ones that are held
FAILED = [("state", "in", ("open", "closed")), ("error", "!=", False)]


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
    all_accounts = fields.Boolean(
        string="Every Account",
        readonly=True,
        help="Whether the run is for all accounts; otherwise for those that are named only.",
    )
    partner_ids = fields.Many2many(
        "res.partner", string="Accounts", readonly=True, context={"active_test": False}
    )
    company_ids = fields.Many2many(
        "res.company",
        string="Companies",
        readonly=True,
        default=lambda self: self._default_company_ids(),
        help="Only accounts that these companies bill are looked at.",
    )
    state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("running", "Running"),
            ("done", "Done"),
            ("failed", "Stopped by an Error"),
        ],
        required=True,
        default="waiting",
        readonly=True,
    )
    error = fields.Text(readonly=True, help="What stopped the run.")
    is_automatic = fields.Boolean(
        string="Automatic",
        readonly=True,
        help="Started by the hourly job, which leaves alone what failed before and what waits "
        "for a person.",
    )
    period_ids = fields.One2many("telecom.billing.period", "run_id", string="Periods")
    period_count = fields.Integer(compute="_compute_counts")
    invoice_count = fields.Integer(compute="_compute_counts")
    skipped_count = fields.Integer(string="Nothing to Invoice", compute="_compute_counts")
    carried_count = fields.Integer(string="Carried Forward", compute="_compute_counts")
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
            # an invoice may cover several periods
            run.invoice_count = self.env["telecom.billing.period"]._read_group(
                [("run_id", "in", run.ids), ("state", "=", "invoiced")],
                aggregates=["move_id:count_distinct"],
            )[0][0]
            run.carried_count = states.get("carried", 0)
            run.skipped_count = states.get("skipped", 0)
            run.failure_count = self.env["telecom.billing.period"].search_count(
                [("run_id", "in", run.ids), *FAILED]
            )
            run.waiting_count = self.env["telecom.billing.period"].search_count(
                [("run_id", "in", run.ids), ("state", "=", "closed"), ("error", "=", False)]
            )
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

    # === CONSTRAINTS ===

    @api.constrains("until")
    def _check_until(self):
        for run in self:
            parse_until(self.env, run.until)

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
        """Try again what failed in these runs; those that were stopped, in the background."""
        self.check_access("write")
        done = self.filtered(lambda run: run.state == "done")
        unfinished = self - done
        stopped = unfinished.filtered(lambda run: run.state == "failed")
        stopped.write({"state": "waiting", "error": False, "ended": False})
        if unfinished:
            unfinished._trigger_job()
        for run in done:
            run._retry()

    # === BUSINESS METHODS ===

    @api.model
    def close_periods(self, until, partners=None, early=False):
        """Close the periods that end by `until` and invoice them; heal what failed before.

        The work is done in batches, each committed; a failing account leaves the others done.

        :param until: date, periods whose last day is before it in the account's own time zone;
            or UTC datetime, periods that end at that moment or before (also as text). Periods
            that have not ended are left open in any case.
        :param partners: accounts (`res.partner`, or ids) to which it is limited, none of them
            means nobody; None: all
        :param early: whether periods that are going on are cut, so that everything until then is
            invoiced, but for the day that has not ended
        :return: the `telecom.billing.run`
        """
        run = self._new(until, partners, state="running", is_early=early)
        run._process()
        return run

    @api.model
    def _start(self, until, partners=None, **vals):
        """Make a run that cron works off at once, in the background, and return it."""
        run = self._new(until, partners, **vals)
        run._trigger_job()
        return run

    @api.model
    def _new(self, until, partners, **vals):
        """Return a run to come; parameters as in `close_periods`."""
        self.check_access("create")
        return self.create(self._new_vals(until, partners, **vals))

    @api.model
    def _new_vals(self, until, partners, **vals):
        """Return the values of a run to come; parameters as in `close_periods`."""
        if isinstance(partners, (list, tuple)):
            partners = self.env["res.partner"].browse(partners)
        return {
            "until": str(parse_until(self.env, until)),
            "all_accounts": partners is None,
            "partner_ids": [Command.set(partners.ids if partners else [])],
            **vals,
        }

    def _trigger_job(self):
        self.env.ref("telecom_billing.ir_cron_close_periods").sudo()._trigger()

    @api.model
    def _cron_close_periods(self):
        """Run the billing of each company where anything is due; what was begun goes first.

        What failed before is tried again in its own run, so that a failure that lasts does not
        make a run an hour. When the job's seconds are used up, the next call goes on.
        """
        begun = self.search([("state", "in", ("waiting", "running"))], order="id")
        if not begun._in_turn(lambda run: run._process()):
            return
        now = fields.Datetime.now()
        # before any company's periods are closed: a service is charged in several at once
        self.env["telecom.subscription"]._cron_add_recurring_charges()
        runs = self.browse()
        for company in PeriodCloser(self.env).companies_due(now):
            runs += self._automatic(company, now)
        commit_progress(self.env, remaining=len(runs))
        if not runs._in_turn(lambda run: run._process()):
            return
        # last: many failures, each of which takes its time, keep no other account waiting
        failed = self.search([("period_ids", "any", FAILED), ("state", "=", "done")])
        if not failed._in_turn(lambda run: run._retry()):
            return
        orphans = self.env["telecom.billing.period"].search(
            [*FAILED, ("state", "=", "closed"), ("run_id", "=", False)]
        )
        if orphans:
            self._new_for(orphans)._in_turn(lambda run: run._process())

    @api.model
    def _automatic(self, company, now):
        """Return the run in which cron bills a company: one that was stopped, else a new one."""
        vals = {"until": str(now), "state": "waiting", "error": False}
        run = self.search(
            [
                ("is_automatic", "=", True),
                ("state", "=", "failed"),
                ("company_ids", "in", company.ids),
            ],
            limit=1,
        )
        if run:
            run.write(vals)
            return run
        return self.create(
            {
                **vals,
                "all_accounts": True,
                "is_automatic": True,
                "company_ids": [Command.set(company.ids)],
            }
        )

    def _in_turn(self, work):
        """Do the work of each of these runs; one that is stopped by an error stops no other.

        :param work: called with a run, returns False when the job's seconds are used up
        :return: False when they are, and the next call has to go on
        """
        for index, run in enumerate(self):
            try:
                if not work(run):
                    return False
            except Exception:
                _logger.exception("Billing run %s was stopped", run.id)
            left = len(self) - index - 1
            if commit_progress(self.env, remaining=left) <= 0 and left:
                return False
        return True

    def _process(self):
        """Do what is left of this run's work.

        :return: False when the cron job's seconds are used up: the next call goes on
        """
        self.ensure_one()
        with self._at_work() as alone:
            if not alone:
                return True
            run = self.sudo()
            run.write({"state": "running", "error": False})
            closer = PeriodCloser(self.env, self)
            if not run.until:
                return closer.invoice(run.period_ids.filtered(lambda p: p.state == "closed"))
            return closer.close(parse_until(self.env, run.until), run._accounts())

    def _retry(self):
        """Try again what this run held or could not invoice, but for what was cancelled since:
        what becomes of that, a person decides.

        :return: as `_process`
        """
        self.ensure_one()
        with self._at_work() as alone:
            return not alone or PeriodCloser(self.env, self).retry()

    @contextmanager
    def _at_work(self):
        """Keep other processes from this run meanwhile, and on the run whatever stops it.

        Yields whether there is anything to do: False while another process is at it.
        """
        commits = may_commit(self.env)
        with session_lock(self.env.cr, self._table, self.id) as alone:
            try:
                with nullcontext() if commits else self.env.cr.savepoint():
                    yield alone
            except Exception as error:
                if commits:
                    self.env.cr.rollback()
                    self.env.transaction.reset()
                # where another transaction was faster, the next call goes on with the run
                if not isinstance(error, RETRYABLE) and self.sudo().exists():
                    self.sudo().write({"state": "failed", "error": failure_text(error)})
                    commit_progress(self.env)
                raise

    @api.model
    def _invoice_closed(self, periods):
        """Invoice closed periods in a run of their own, and return it."""
        run = self._new_for(periods)
        run._process()
        return run

    @api.model
    def _new_for(self, periods):
        """Return a run that closes nothing and invoices these closed periods."""
        periods = periods.sudo().filtered(lambda p: p.state == "closed")
        vals = {"until": "", "state": "running"}
        if periods:
            vals["company_ids"] = [Command.set(periods.company_id.ids)]
        run = self.create(vals)
        periods.write({"run_id": run.id})
        return run
