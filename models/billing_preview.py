"""What a billing run would do, said before it is started."""

from collections import defaultdict
from contextlib import closing
from datetime import datetime

from odoo import fields
from odoo.tools import SQL, format_date

from .billing_closing import PeriodCloser
from .billing_until import FIRST_ZONE, day_of, parse_until
from .bulk import rehearsal_of
from .cdr import REASONS
from .charge import OF_INVOICES

# Up to here the run itself is rehearsed, in a few seconds; beyond, what is charged is added up.
REHEARSED_ACCOUNTS = 50
REHEARSED_CALLS = 2_000
REHEARSED_SERVICES = 500
# lines of the page
SHOWN_PERIODS = 200
SHOWN_NAMES = 10


class BillingPreview:
    """Runs as superuser: callers check rights first. Leaves nothing behind.

    For few accounts the steps of the run are done, within a savepoint that is rolled back: the
    figures are those of the run that follows. For many, what is charged by now is added up.
    """

    def __init__(self, env, vals):
        """
        :param vals: values of the `telecom.billing.run` to come
        """
        self.env = rehearsal_of(env)
        self.vals = vals
        # nothing of it is kept, so that its name uses up no number
        self.run = self.env["telecom.billing.run"].new({**vals, "name": "-"})
        self.until = parse_until(self.env, vals["until"])
        self.companies = self.env["res.company"].browse(self.run.company_ids.ids)
        partners = None if self.run.all_accounts else self.run.partner_ids._origin
        self.partners = self.run._issued_by(self.run.profile_ids._origin, partners)

    def values(self):
        """Return the values of the page.

        `exact` (whether the run was rehearsed), `accounts`, `periods` (how many lines there are:
        an invoice may cover several), `lines` (the first: dicts of account, span, amount, total,
        note, failure), `totals` [texts], `invoices`, `skipped`, `carried`, `failures`,
        `unrated` [(reason, calls)], and `warnings` {what: number or names}.
        """
        accounts = self._due_accounts()
        warnings = self._warnings(accounts)
        exact = (
            len(accounts) <= REHEARSED_ACCOUNTS
            and self._rated_first() <= REHEARSED_CALLS
            and self._charged_first() <= REHEARSED_SERVICES
        )
        if exact:
            values = self._rehearse()
        else:
            values = self._add_up()
            values["unrated"] = self._unrated()
        return {**values, "exact": exact, "warnings": warnings}

    # === WHAT IS DUE ===

    def _due_domain(self):
        """Return which periods the run would close, or finds closed already."""
        now, edge = fields.Datetime.now(), "start" if self.run.is_early else "stop"
        due = [("state", "=", "open"), (edge, "<=", now)]
        if isinstance(self.until, datetime):
            due.append((edge, "<=", self.until))
        else:
            due.append(("date_from" if self.run.is_early else "date_to", "<=", self.until))
        domain = [
            ("company_id", "in", self.companies.ids),
            *("|", "&", ("state", "=", "closed"), ("move_id", "=", False)),
            *["&"] * (len(due) - 1),
            *due,
        ]
        return domain + self._of_partners()

    def _of_partners(self):
        return [] if self.partners is None else [("partner_id", "in", self.partners.ids)]

    def _due_accounts(self):
        """Return the accounts that have a period to be invoiced."""
        groups = self.env["telecom.billing.period"]._read_group(
            self._due_domain(), ["partner_id"], order="partner_id"
        )
        ids = [partner.id for (partner,) in groups]
        return self.env["res.partner"].browse(ids)

    def _rated_first(self):
        """Return how many calls the run would try to rate, whosever they are."""
        self.env.flush_all()
        return self.env.execute_query(SQL("SELECT count(*) FROM telecom_cdr_pending"))[0][0]

    def _charged_first(self):
        """Return how many services the run would look at."""
        domain = [("state", "in", ("running", "ended"))]
        # nowhere is it later than there
        day = day_of(self.until, FIRST_ZONE)
        domain += ["|", ("to_review", "=", True), ("next_charge_date", "<=", day)]
        return self.env["telecom.subscription"].search_count(domain)

    # === WARNINGS ===

    def _warnings(self, accounts):
        """Return what is worth a look before the run is started."""
        periods, calls = self.env["telecom.billing.period"], self.env["telecom.cdr"]
        mine = [*self._of_partners(), ("company_id", "in", self.companies.ids)]
        failed = periods.search(
            [*mine, ("state", "in", ("open", "closed")), ("error", "!=", False)]
        )
        released = [*mine, ("is_released", "=", True), ("state", "in", ("open", "closed"))]
        services = self.env["telecom.subscription"].search(
            [*self._of_partners(), ("error", "!=", False), ("company_id", "in", self.companies.ids)]
        )
        mailed = accounts.filtered(self._is_mailed)
        return {
            "pending": calls.search_count([*self._of_partners(), ("state", "=", "pending")]),
            "failed": self._names(failed.partner_id),
            "failed_services": self._names(services.partner_id),
            "without_mail": self._names(mailed.filtered(lambda account: not account.email)),
            "released": periods.search_count(released),
        }

    def _is_mailed(self, account):
        rules = account._billing_rules()
        return rules.send_mail and rules.mode == "confirmed"

    def _names(self, accounts):
        """Return (how many, the first names)."""
        return len(accounts), accounts[:SHOWN_NAMES].mapped("display_name")

    def _unrated(self):
        """Return [(reason, calls)] of these accounts' calls and of those that may be anybody's."""
        calls = self.env["telecom.cdr"]
        mine = self._of_partners()
        if mine:
            mine = ["|", ("partner_id", "=", False), *mine]
        waiting = [("state", "=", "unrated"), *mine]
        labels = dict(calls._fields["reason"]._description_selection(self.env))
        counts = [
            (labels[reason], calls.search_count([*waiting, ("reason", "=", reason)]))
            for reason, _label in REASONS
        ]
        return [(label, count) for label, count in counts if count]

    # === FEW ACCOUNTS: THE RUN ITSELF ===

    def _rehearse(self):
        """Do all that the run would do, read what came of it, and take it back."""
        with closing(self.env.cr.savepoint()):
            run = self.env["telecom.billing.run"].create({**self.vals, "name": "-"})
            PeriodCloser(self.env, run).close(self.until, run._accounts())
            values = self._read(run.period_ids)
            values["unrated"] = self._unrated()
            # only texts and numbers are left: the records are gone now
            return values

    def _read(self, periods):
        """Return the figures of what the run has done; an invoice may cover several periods."""
        lines, sums = [], defaultdict(lambda: [0.0, 0.0])
        counts = dict.fromkeys(("invoices", "skipped", "carried", "failures"), 0)
        kinds = {"invoiced": "invoices", "skipped": "skipped", "carried": "carried"}
        seen = set()
        for period in periods.sorted(lambda p: (p.partner_id.display_name or "", p.start)):
            move, currency = period.move_id, period.currency_id
            if move in seen:
                continue
            seen.update(move)
            counts[kinds.get(period.state, "failures")] += 1
            sign = -1 if move.move_type == "out_refund" else 1
            untaxed, total = sign * move.amount_untaxed, sign * move.amount_total
            covered = move.telecom_period_ids.sorted("start") or period
            line = self._line(covered, currency.format(untaxed), self._note(period, move))
            line.update(total=currency.format(total), failure=period.error or "")
            lines.append(line)
            sums[currency][0] += untaxed
            sums[currency][1] += total
        totals = [
            self.env._(
                "%(untaxed)s + tax %(tax)s = %(total)s",
                untaxed=currency.format(untaxed),
                tax=currency.format(total - untaxed),
                total=currency.format(total),
            )
            for currency, (untaxed, total) in sums.items()
            if untaxed or total
        ]
        return {
            **counts,
            "accounts": len(periods.partner_id),
            "periods": len(lines),
            "lines": lines[:SHOWN_PERIODS],
            "totals": totals,
        }

    def _note(self, period, move):
        """Return what will become of a period."""
        if move.move_type == "out_refund":
            return self.env._("Credit note")
        if move.state == "draft":
            return self.env._("Draft")
        if move:
            return self.env._("Invoice")
        if period.state == "skipped":
            return self.env._("Nothing to invoice")
        if period.state == "carried":
            return self.env._("Carried forward")
        return self.env._("Cannot be invoiced")

    def _line(self, periods, amount, note):
        """Return a line of the page, of periods of one account, oldest first."""
        days = (periods[0].date_from, fields.Date.subtract(periods[-1].date_to, days=1))
        return {
            "account": periods.partner_id.display_name,
            "account_id": periods.partner_id.id,
            "span": " – ".join(format_date(self.env, day) for day in days),
            "amount": amount,
            "total": "",
            "note": note,
            "failure": "",
        }

    # === MANY ACCOUNTS: SUMS ===

    def _add_up(self):
        """Add up what is charged by now."""
        periods = self.env["telecom.billing.period"].search(self._due_domain(), order="start, id")
        lines = []
        for period in periods[:SHOWN_PERIODS]:
            note = self.env._("Closed already") if period.state == "closed" else ""
            lines.append(self._line(period, period.currency_id.format(period.amount), note))
        return {
            "invoices": 0,
            "skipped": 0,
            "carried": 0,
            "failures": 0,
            "accounts": len(periods.partner_id),
            "periods": len(periods),
            "lines": lines,
            "totals": [currency.format(amount) for currency, amount in self._sums(periods)],
        }

    def _sums(self, periods):
        """Return [(currency, amount)] of what is charged in these periods and is invoiced to
        their accounts: what agents' customers use is not."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT rows.currency_id, sum(rows.amount) FROM (
                    SELECT partner_id, tier, currency_id, amount
                      FROM telecom_usage WHERE period_id = ANY(%(periods)s)
                    UNION ALL
                    SELECT partner_id, tier, currency_id, amount
                      FROM telecom_charge
                     WHERE period_id = ANY(%(periods)s) AND charge_type != ALL(%(apart)s)
                ) rows JOIN res_partner p ON p.id = rows.partner_id
                 WHERE rows.tier = 0 OR p.reseller_kind IS DISTINCT FROM 'agent'
                 GROUP BY 1 ORDER BY 1
                """,
                periods=periods.ids,
                apart=list(OF_INVOICES),
            )
        )
        currencies = self.env["res.currency"]
        return [(currencies.browse(currency), float(amount)) for currency, amount in rows]
