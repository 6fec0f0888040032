"""Closing billing periods: freeze first, then invoice what is frozen, account by account."""

import logging
from datetime import datetime

from odoo import fields
from odoo.exceptions import UserError
from odoo.tools import SQL

from .account_chain import AccountChain
from .billing_until import FIRST_ZONE, LAST_ZONE, day_of
from .bulk import RETRYABLE, commit_progress, run_batch
from .failures import failure_text, heal, keep_failure
from .held_periods import HeldPeriods
from .invoice_content import InvoiceContent
from .rating import Rater
from .subscription_charging import SubscriptionCharger

_logger = logging.getLogger(__name__)

FREEZE_BATCH = 200
INVOICE_BATCH = 50
RETRY_AFTER_MINUTES = 50
# an account's periods are closed in their order: one that a person opened again goes first
BEHIND_RELEASED = SQL(
    """EXISTS (SELECT 1 FROM telecom_billing_period earlier
               WHERE earlier.partner_id = telecom_billing_period.partner_id
                 AND earlier.start < telecom_billing_period.start
                 AND earlier.state = 'open' AND earlier.is_released)"""
)


class PeriodCloser:
    """Closes and invoices periods for one run. Runs as superuser: callers check rights first."""

    def __init__(self, env, run=None):
        self.env = env(su=True)
        self.run = run.with_env(self.env) if run else None
        self.companies = self.run.company_ids if run else self.env["res.company"].search([])
        self.periods = self.env["telecom.billing.period"]

    def companies_due(self, moment):
        """Return the companies in which a period has ended by a UTC moment, or a closed one waits
        to be invoiced that did not fail before; what waits for a person aside."""
        self._extend(moment, None)
        self.periods.flush_model()
        due = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT company_id FROM telecom_billing_period
                 WHERE is_released IS NOT TRUE
                   AND (state = 'closed' AND error IS NULL
                        -- what is held is tried again in the run that found it
                        OR state = 'open' AND stop <= %s AND NOT %s
                           AND (error IS NULL OR run_id IS NULL))
                """,
                moment,
                BEHIND_RELEASED,
            )
        )
        return self.companies.browse(sorted(company for (company,) in due))

    def close(self, until, partners=None):
        """Rate, charge, freeze and invoice.

        Nothing is frozen as long as calls or services wait to be charged: they would be on the
        next invoice. So when the seconds of a cron job are used up before, or while invoices are
        made, the run stays as it is, and the next call goes on with it.

        :param until: date or UTC datetime
        :param partners: accounts to which it is limited; None: all
        :return: whether the run is done
        """
        if not self._charge(until, partners):
            commit_progress(self.env, remaining=1)
            return False
        self._extend(until, partners)
        if self.run.is_early:
            self._cut(until, partners)
        self._freeze(until, partners)
        domain = [
            ("state", "=", "closed"),
            ("move_id", "=", False),
            ("company_id", "in", self.companies.ids),
        ]
        if partners is not None:
            domain.append(("partner_id", "in", partners.ids))
        if self.run.is_automatic:
            domain += [("error", "=", False), ("is_released", "=", False)]
        return self.invoice(self.periods.search(domain))

    def retry(self):
        """Try again what the run could not do: close what was held, invoice what failed; what was
        cancelled is for a person to decide.

        :return: as `invoice`
        """
        held = self.run.period_ids.filtered(lambda p: p.state == "open" and p.error)
        if held:
            self._freeze_those(SQL("id = ANY(%s)", held.ids))
        return self.invoice(
            self.run.period_ids.filtered(lambda p: p.state == "closed" and not p.is_released)
        )

    def invoice(self, periods):
        """Invoice closed periods in batches, then one by one where a batch fails.

        :return: whether all were tried; False when the seconds of a cron job are used up
        """
        chain = AccountChain(self.env)

        def place(period):
            profile = period._billing_rules(chain).profile
            return period.company_id.id, profile.id, period.partner_id.id, period.date_from

        ordered = periods.sorted(place).ids
        for index in range(0, len(ordered), INVOICE_BATCH):
            batch = self.periods.browse(ordered[index : index + INVOICE_BATCH])
            self._invoice_or_split(batch)
            left = len(ordered) - index - len(batch)
            if commit_progress(self.env, len(batch), remaining=left) <= 0 and left:
                return False
        run_batch(self.env, self._finish)
        return True

    # === STEPS ===

    def _charge(self, until, partners):
        """Charge calls and services; return whether all of it was done.

        What failed a moment ago is tried again when a person asks for it, not by each job.
        """
        patience = RETRY_AFTER_MINUTES if self.run.is_automatic else 0
        rater = Rater(self.env)
        rater.run_all(retry_after_minutes=patience)
        charger = SubscriptionCharger(self.env, patience)
        charger.run(until, partners, self.companies)
        return rater.finished and charger.finished

    def _extend(self, until, partners):
        """Make the periods of accounts without charges, too: time goes on for them."""
        moment = str(until if isinstance(until, datetime) else fields.Datetime.to_datetime(until))
        self.env.cr.execute(
            SQL(
                """
                SELECT partner_id, min(start)::text FROM telecom_billing_period
                 WHERE %s AND is_manual IS NOT TRUE GROUP BY partner_id
                """,
                self._mine(partners),
            )
        )
        bounds = {partner: (first, max(first, moment)) for partner, first in self.env.cr.fetchall()}
        domain = [("is_telecom_account", "=", True), ("id", "not in", list(bounds))]
        if partners is not None:
            domain.append(("id", "in", partners.ids))
        chain = AccountChain(self.env)
        for partner in self.env["res.partner"].search(domain):
            rules = chain.rules(partner)
            if rules.no_usage == "always" and rules.profile.company_id in self.companies:
                begin = partner.billing_start or partner.create_date.date()
                first = str(fields.Datetime.to_datetime(begin))
                if first < moment:
                    bounds[partner.id] = (first, moment)
        run_batch(self.env, lambda: self.periods._ensure(bounds))

    def _mine(self, partners):
        """Return the condition for periods of the run's companies and of these accounts."""
        mine = SQL("company_id = ANY(%s)", self.companies.ids)
        if partners is not None:
            mine = SQL("%s AND partner_id = ANY(%s)", mine, partners.ids)
        return mine

    def _cut(self, until, partners):
        """Cut the periods that are going on, so that what was charged until today is due."""
        first, last = day_of(until, LAST_ZONE), day_of(until, FIRST_ZONE)
        self.periods.flush_model()
        self.env.cr.execute(
            SQL(
                """
                SELECT id FROM telecom_billing_period
                 WHERE state = 'open' AND date_from < %s AND date_to > %s AND %s ORDER BY id
                """,
                last,
                first,
                self._mine(partners),
            )
        )
        ids = [row[0] for row in self.env.cr.fetchall()]
        for index in range(0, len(ids), INVOICE_BATCH):
            batch = self.periods.browse(ids[index : index + INVOICE_BATCH])
            run_batch(self.env, lambda batch=batch: batch._cut(until, self.run))

    def _freeze(self, until, partners):
        """Close the periods that are due: what is charged from now on goes to the next one.

        Waits for raters that hold one of them, and is committed before anything is added up.
        Whatever day is asked for, a period that is still going on where its account is stays open.
        """
        due = SQL("stop <= %s", fields.Datetime.now())
        if isinstance(until, datetime):
            due = SQL("%s AND stop <= %s", due, until)
        else:
            due = SQL("%s AND date_to <= %s", due, until)
        if self.run.is_automatic:
            due = SQL("%s AND is_released IS NOT TRUE AND NOT %s", due, BEHIND_RELEASED)
        self._freeze_those(SQL("%s AND %s", due, self._mine(partners)))

    def _freeze_those(self, due):
        """Close open periods, but for those that are held.

        :param SQL due: condition for the periods
        """
        self.env["telecom.billing.period"].flush_model()
        due = SQL("state = 'open' AND %s", due)
        holder, held = HeldPeriods(self.env), {}

        def hold():
            held.clear()
            held.update(holder.find(due))
            holder.keep(held, due, self.run)

        run_batch(self.env, hold)
        ids = [period.id for period in held]
        due = SQL("%s AND id != ALL(%s)", due, ids)
        while True:

            def freeze():
                self.env.cr.execute(
                    SQL(
                        """
                        SELECT id FROM telecom_billing_period
                         WHERE %s ORDER BY partner_id, start LIMIT %s FOR UPDATE
                        """,
                        due,
                        FREEZE_BATCH,
                    ),
                    log_exceptions=False,
                )
                ids = [row[0] for row in self.env.cr.fetchall()]
                periods = self.periods.browse(ids)
                # nothing holds them any more
                heal(periods)
                periods.write({"state": "closed", "run_id": self.run.id, "is_released": False})
                return len(ids)

            if not run_batch(self.env, freeze):
                return

    def _invoice_or_split(self, periods):
        """Invoice a batch; when that fails, each period alone, and keep what fails."""
        try:
            run_batch(self.env, lambda: self._invoice(periods))
        except RETRYABLE:
            raise
        except Exception as error:
            if len(periods) > 1:
                for period in periods:
                    self._invoice_or_split(period)
                return
            if not isinstance(error, UserError):
                _logger.warning(
                    "Billing period %s could not be invoiced", periods.id, exc_info=True
                )
            message = failure_text(error)
            run_batch(self.env, lambda: self._keep_failure(periods, message))

    def _invoice(self, periods):
        """Make the invoices of closed periods, in one transaction."""
        with self.env.cr.savepoint():
            self.env.cr.execute(
                "SELECT id FROM telecom_billing_period WHERE id = ANY(%s)"
                " AND state = 'closed' AND move_id IS NULL ORDER BY id FOR UPDATE",
                [periods.ids],
                log_exceptions=False,
            )
            periods = self.periods.browse([row[0] for row in self.env.cr.fetchall()])
            periods.invalidate_recordset()
            # what another run closed and left is this run's now
            periods.write({"run_id": self.run.id, "is_released": False})
            moves = InvoiceContent(self.env, periods).make()
            self._check_companies(moves)
            self.env.flush_all()

    def _check_companies(self, moves):
        """Whoever started the run must not have made entries in books of somebody else."""
        for move in moves.filtered(lambda move: move.company_id not in self.companies):
            raise UserError(
                self.env._(
                    "%(account)s is billed in the books of %(company)s, which is not among the "
                    "companies of this run.",
                    account=move.partner_id.name,
                    company=move.company_id.name,
                )
            )

    def _keep_failure(self, period, message):
        period.write({"run_id": self.run.id, "is_released": False})
        keep_failure(period, message, self.env._("Could not be invoiced"))

    def _finish(self):
        if self.run and self.run.state != "done":
            self.run.write({"state": "done", "ended": fields.Datetime.now()})
