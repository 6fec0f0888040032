"""Settling commissions: what agents have earned becomes vendor bills, each amount once."""

import logging
from decimal import Decimal

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from ..engine.calendar import local_day, period_of
from .bulk import RETRYABLE, commit_progress, run_batch
from .commission_accrual import CommissionAccrual, exact
from .failures import failure_text, warn
from .session_lock import session_lock

_logger = logging.getLogger(__name__)

BATCH = 100


class CommissionSettlement:
    """Makes one vendor bill per agent, company and currency. Runs as superuser.

    `failures` holds what was said of agents whose bill could not be made.
    """

    def __init__(self, env, until, date=None, companies=None):
        """
        :param date until: the first day that is not covered
        :param date date: of the bills; None for today
        :param companies: in whose books; None for all
        """
        self.env = env(su=True)
        self.model = self.env["telecom.commission"]
        self.until = fields.Date.to_date(until)
        self.date = fields.Date.to_date(date) or fields.Date.context_today(self.model)
        self.companies = companies
        self.failures = []

    def run(self, agents=None):
        """Settle with each agent by itself, so that none stops the others.

        :param agents: `res.partner`; None for all
        :return: the bills that were made
        :raises UserError: while another process settles
        """
        bills = self.env["account.move"]
        with session_lock(self.env.cr, "telecom_commission", 0) as alone:
            if not alone:
                raise UserError(
                    self.env._("Commissions are being settled already. Wait until that is done.")
                )
            for agent, company, currency in self._due(agents):
                bills += self._try(agent, company, currency)
        return bills

    @classmethod
    def run_scheduled(cls, env):
        """Do the hourly work: mend what could not be entered, settle with whom it is due."""
        env = env(su=True)
        with session_lock(env.cr, "telecom_commission", 0) as alone:
            if not alone:
                return
            failed = env["account.move"].search(
                [("telecom_commission_error", "!=", False), ("state", "=", "posted")]
            )
            agents = env["res.partner"].search(
                [
                    ("telecom_commission_cycle", "!=", "manual"),
                    ("telecom_commission_ids.state", "=", "accrued"),
                ]
            )
            commit_progress(env, remaining=len(failed) + len(agents))
            for start in range(0, len(failed), BATCH):
                batch = failed[start : start + BATCH]
                run_batch(env, lambda moves=batch: CommissionAccrual(env).accrue(moves))
                if commit_progress(env, processed=len(batch)) <= 0:
                    return
            for agent in agents:
                cls._settle_scheduled(agent)
                if commit_progress(env, processed=1) <= 0:
                    # Odoo calls again while something remains
                    return

    @classmethod
    def _settle_scheduled(cls, agent):
        """Settle with an agent when the first day of a new span of its cycle has come."""
        today = local_day(fields.Datetime.now(), agent._account_tz())
        day = period_of(today, agent.telecom_commission_cycle, agent.telecom_commission_day)[0]
        if agent.telecom_commission_settled and agent.telecom_commission_settled >= day:
            return
        settlement = cls(agent.env, day, today)
        for group in settlement._due(agent):
            settlement._try(*group)
        if not settlement.failures:
            agent.telecom_commission_settled = day

    # === WHAT IS DUE ===

    def _domain(self):
        domain = [("state", "=", "accrued"), ("date", "<", self.until)]
        if self.companies is not None:
            domain.append(("company_id", "in", self.companies.ids))
        return domain

    def _due(self, agents=None):
        """Return (agent, company, currency) of what there is to settle."""
        domain = self._domain()
        if agents is not None:
            domain.append(("partner_id", "in", agents.ids))
        return self.model._read_group(domain, ["partner_id", "company_id", "currency_id"])

    def _try(self, agent, company, currency):
        """Settle one group; what stops it is kept for a person to mend."""
        try:
            return run_batch(self.env, lambda: self._settle(agent, company, currency))
        except RETRYABLE:
            raise
        except Exception as error:
            if not isinstance(error, UserError):
                _logger.exception("Commissions of %s were not settled", agent.id)
            message = failure_text(error)
            self.failures.append(f"{agent.display_name}: {message}")
            if not agent.activity_ids.filtered(lambda activity: message in (activity.note or "")):
                rows = self.model.search([*self._domain(), ("partner_id", "=", agent.id)], limit=1)
                warn(agent, message, self.env._("Commission not settled"), about=rows)
            return self.env["account.move"]

    # === ONE BILL ===

    def _settle(self, agent, company, currency):
        """Make the bill of an agent, or none where it is to wait; may be repeated."""
        rows = self.model.search(
            [
                *self._domain(),
                ("partner_id", "=", agent.id),
                ("company_id", "=", company.id),
                ("currency_id", "=", currency.id),
            ],
            order="date, id",
        )
        # whoever settles or frees one of them meanwhile makes this transaction repeat
        rows.lock_for_update()
        total = sum((exact(row.amount) for row in rows), Decimal())
        if total <= 0 or total < self._minimum(agent, company, currency):
            return self.env["account.move"]
        found = rows.grouped(lambda row: (row.date.replace(day=1), self._place(row.kind), row.kind))
        groups = {(kind, month): same for (month, _place, kind), same in sorted(found.items())}
        bill = self._make_bill(agent, company, currency, groups)
        lines = bill.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        for line, same in zip(lines.sorted("sequence"), groups.values(), strict=True):
            same.write({"state": "settled", "bill_line_id": line.id})
        if company.telecom_commission_mode == "confirmed":
            bill.action_post()
        return bill

    def _minimum(self, agent, company, currency):
        agent = agent.with_company(company)
        minimum = agent.telecom_commission_minimum
        source = agent.telecom_currency_id
        if source != currency:
            minimum = source._convert(minimum, currency, company, self.date)
        return exact(minimum)

    def _place(self, kind):
        return [name for name, _label in self.model._fields["kind"].selection].index(kind)

    def _make_bill(self, agent, company, currency, groups):
        """Return a draft bill with a line for each kind and month; taxes, accounts and due date
        are Odoo's own for this vendor and product."""
        lang = agent.lang or self.env.lang
        env = self.env(context={**self.env.context, "lang": lang})
        product = company._telecom_commission_product()
        kinds = dict(env["telecom.commission"]._fields["kind"]._description_selection(env))
        lines = []
        for index, ((kind, month), rows) in enumerate(groups.items()):
            name = env._(
                "Commission on %(kind)s, %(month)s – documents: %(count)s",
                kind=kinds[kind],
                month=format_date(env, month, lang_code=lang, date_format="MMMM yyyy"),
                count=len(set(rows.mapped("move_name"))),
            )
            amount = sum((exact(row.amount) for row in rows), Decimal())
            lines.append(
                Command.create(
                    {
                        "sequence": 10 + index,
                        "product_id": product.id,
                        "name": name,
                        "quantity": 1.0,
                        "price_unit": float(amount),
                    }
                )
            )
        last = fields.Date.subtract(self.until, days=1)
        return (
            env["account.move"]
            .with_company(company)
            .create(
                {
                    "move_type": "in_invoice",
                    "company_id": company.id,
                    "partner_id": agent.id,
                    "currency_id": currency.id,
                    "invoice_date": self.date,
                    "invoice_origin": env._(
                        "Commission until %s", format_date(env, last, lang_code=lang)
                    ),
                    "telecom_commission_until": self.until,
                    "invoice_line_ids": lines,
                }
            )
        )
