"""Pricing calls in bulk, at every tier, in one pass of plain Python between two COPYs.

Moments are texts as PostgreSQL prints timestamps ('2026-09-01 10:00:00', UTC): they compare
like the moments they stand for, and cost no conversion on the way in or out.
"""

from collections import Counter
from datetime import timedelta
from operator import add

from .bulk import commit_progress, copy_lines, escape, run_batch
from .rating_accounts import Accounts
from .rating_allowances import Allowances
from .rating_rates import Rates

BATCH = 100_000

CHARGE_COLUMNS = (
    "cdr_id",
    "partner_id",
    "tier",
    "rate_id",
    "destination",
    "billed_seconds",
    "free_seconds",
    "amount",
    "currency_id",
    "call_date",
    "period_id",
)
USAGE_COLUMNS = (
    "period_id",
    "partner_id",
    "customer_id",
    "tier",
    "day",
    "direction",
    "destination",
    "currency_id",
    "calls",
    "seconds",
    "free_seconds",
    "amount",
)


class Rater:
    """Prices pending calls. Runs as superuser: callers check rights first."""

    def __init__(self, env, batch_size=BATCH):
        self.env = env(su=True)
        self.batch_size = batch_size
        self.rates = Rates(self.env)

    def run(self, limit=None, only=None, retry_after_minutes=0):
        """Price calls, oldest first; then try again those that failed before.

        :param limit: number of calls at most, None for all
        :param only: ids of calls to which the work is limited
        :param retry_after_minutes: leave alone what failed less than so many minutes ago
        :return: dict of counts `rated`, `unrated`, `reasons` {reason: calls}
        """
        counts = {"rated": 0, "unrated": 0, "reasons": Counter()}
        # everything is read from the database
        self.env.flush_all()
        # the database's clock: two runs within a second, or in a test's frozen time, differ
        self.env.cr.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
        started = self.env.cr.fetchone()[0]
        retry_before = started - timedelta(minutes=retry_after_minutes)
        for retry in (False, True):
            while limit is None or limit > 0:
                size = min(self.batch_size, limit) if limit is not None else self.batch_size

                def rate(retry=retry, size=size):
                    return self._rate_batch(
                        self._claim(size, retry, only, retry_before, started), started
                    )

                done, rated, reasons = run_batch(self.env, rate)
                if not done:
                    break
                counts["rated"] += rated
                counts["unrated"] += sum(reasons.values())
                counts["reasons"] += reasons
                if limit is not None:
                    limit -= done
                if commit_progress(self.env, done, remaining=self._remaining()) <= 0:
                    return counts
        return counts

    # === CLAIMING ===

    def _claim(self, size, retry, only, retry_before, started):
        """Lock the next calls; what another rater holds is left to it."""
        self.env.cr.execute(
            f"""
            SELECT cdr_id FROM telecom_cdr_pending
             WHERE reason IS {"NOT NULL" if retry else "NULL"}
               {"AND tried <= %(before)s AND tried < %(started)s" if retry else ""}
               {"AND cdr_id = ANY(%(only)s)" if only is not None else ""}
             ORDER BY start, cdr_id
             LIMIT %(size)s
               FOR UPDATE SKIP LOCKED
            """,
            {"size": size, "only": only, "before": retry_before, "started": started},
        )
        return [row[0] for row in self.env.cr.fetchall()]

    def _remaining(self):
        self.env.cr.execute(
            "SELECT count(*) FROM (SELECT 1 FROM telecom_cdr_pending"
            " WHERE reason IS NULL LIMIT 1000000) waiting"
        )
        return self.env.cr.fetchone()[0]

    # === ONE BATCH ===

    def _rate_batch(self, claimed, started):
        """Price the claimed calls; return (calls tried, calls rated, Counter of reasons)."""
        if not claimed:
            return 0, 0, Counter()
        self._find_accounts(claimed)
        calls = self._read(claimed)
        accounts = Accounts(self.env, calls)
        allowances = Allowances(self.env, accounts, calls)
        retaken = allowances.take_back_later_calls()
        if retaken:
            calls = self._read([*claimed, *retaken])
            accounts = Accounts(self.env, calls)
        allowances.prepare(accounts, calls)
        self.rates.load(accounts.card_ids(), calls)
        usage, failures = {}, []
        copy_lines(
            self.env.cr,
            "telecom_call_charge",
            CHARGE_COLUMNS,
            self._price(calls, accounts, allowances, usage, failures),
        )
        self._append_usage(usage)
        allowances.store()
        self._dequeue([call[0] for call in calls], failures, started)
        reasons = Counter(reason for _call, reason, _detail in failures)
        failed = {call for call, _reason, _detail in failures}
        return len(claimed), len(claimed) - len(failed.intersection(claimed)), reasons

    def _find_accounts(self, claimed):
        """Look again for the account of calls that had none, and read again the numbers that
        had no rate: accounts are made and dialling rules mended meanwhile."""
        self.env.cr.execute(
            """
            SELECT c.id FROM telecom_cdr c JOIN telecom_cdr_pending p ON p.cdr_id = c.id
             WHERE c.id = ANY(%s)
               AND (c.partner_id IS NULL OR p.reason IN ('no_number', 'no_rate'))
            """,
            [claimed],
        )
        missing = [row[0] for row in self.env.cr.fetchall()]
        if missing:
            self.env["telecom.cdr"].browse(missing)._find_accounts()

    def _read(self, ids):
        """Return the calls as tuples, in order of start: a package is used up in that order.

        Of calls that start together the ID decides, which does not depend on their arrival.
        """
        self.env.cr.execute(
            """
            SELECT id, partner_id, direction, coalesce(dst, ''), start::text, billsec
              FROM telecom_cdr WHERE id = ANY(%s)
             ORDER BY start, source, uid
            """,
            [ids],
        )
        return self.env.cr.fetchall()

    def _price(self, calls, accounts, allowances, usage, failures):
        """Price calls at every tier; a call that misses a tier's rate is not priced at any.

        The lines are computed while PostgreSQL takes in those before, so nothing in here may
        ask the database. This is where a million calls spend their time.

        :param usage: gets {(tier, rate, period, day): [calls, billed seconds, free seconds,
            amount]}
        :param failures: gets (call id, reason, detail)
        :return: iterator of the COPY lines of the charges
        """
        has_packages = allowances.has_packages
        for call in calls:
            call_id, partner_id, direction, number, start, seconds = call
            account = accounts.get(partner_id)
            if account is None or not number:
                failures.append((call_id, "no_number" if account else "no_account", None))
                continue
            found = []
            for tier, find, find_period in self._routes(account, direction):
                match = find and find(number, start)
                period = match and find_period(start)
                if not period:
                    failures.append((call_id, *_why(tier, find, match, number)))
                    break
                found.append((tier, match[1], period))
            else:
                free = 0
                if has_packages(account):
                    free, covered, for_resellers = allowances.take(account, call)
                day = account.day(start)
                for tier, rate, period in found:
                    if free and (for_resellers or not tier.level):
                        billed, amount = rate.price(seconds, free, covered)
                        tier_free = free
                    else:
                        billed, amount = rate.price(seconds)
                        tier_free = 0
                    yield (
                        f"{call_id}\t{tier.prefix}\t{rate.columns}\t{billed}\t{tier_free}"
                        f"\t{amount}e-8\t{tier.currency_id}\t{start}\t{period}"
                    )
                    key = (tier, rate, period, day)
                    total = usage.get(key)
                    if total is None:
                        usage[key] = [1, billed, tier_free, amount]
                    else:
                        total[0] += 1
                        total[1] += billed
                        total[2] += tier_free
                        total[3] += amount

    def _routes(self, account, direction):
        """Return [(tier, find a rate, find a period)] of an account's calls in one direction."""
        routes = account.routes.get(direction)
        if routes is None:
            routes = account.routes[direction] = [
                (tier, None if table is None else table.find, tier.period)
                for tier in account.tiers
                for table in [self.rates.table(tier.card_id, direction)]
            ]
        return routes

    # === STORING ===

    def _append_usage(self, usage):
        """Append the batch's sums, by destination rather than by rate."""
        sums = {}
        for (tier, rate, period, day), counts in usage.items():
            key = (tier, rate.destination, rate.direction, period, day)
            if key in sums:
                counts = list(map(add, sums[key], counts))
            sums[key] = counts
        copy_lines(
            self.env.cr,
            "telecom_usage",
            USAGE_COLUMNS,
            [
                f"{period}\t{tier.id}\t{tier.customer_id}\t{tier.level}\t{day}\t{direction}"
                f"\t{destination}\t{tier.currency_id}\t{calls}\t{billed}\t{free}\t{amount}e-8"
                for (tier, destination, direction, period, day), (
                    calls,
                    billed,
                    free,
                    amount,
                ) in sums.items()
            ],
        )

    def _dequeue(self, ids, failures, started):
        cr = self.env.cr
        failed = {call_id for call_id, _reason, _detail in failures}
        done = [call_id for call_id in ids if call_id not in failed]
        cr.execute("DELETE FROM telecom_cdr_pending WHERE cdr_id = ANY(%s)", [done])
        if failures:
            cr.execute(
                """
                CREATE TEMPORARY TABLE IF NOT EXISTS telecom_cdr_failure (
                    cdr_id integer, reason varchar, detail varchar
                ) ON COMMIT DROP;
                TRUNCATE telecom_cdr_failure
                """
            )
            copy_lines(
                cr,
                "telecom_cdr_failure",
                ("cdr_id", "reason", "detail"),
                [f"{call}\t{reason}\t{escape(detail)}" for call, reason, detail in failures],
            )
            cr.execute(
                """
                INSERT INTO telecom_cdr_pending (cdr_id, start, tried, reason, detail)
                SELECT c.id, c.start, %s, f.reason, f.detail
                  FROM telecom_cdr_failure f JOIN telecom_cdr c ON c.id = f.cdr_id
                    ON CONFLICT (cdr_id) DO UPDATE
                   SET tried = excluded.tried, reason = excluded.reason, detail = excluded.detail
                """,
                [started],
            )
        self.env["telecom.cdr"].invalidate_model(flush=False)
        self.env["telecom.call.charge"].invalidate_model(flush=False)
        self.env["telecom.usage"].invalidate_model(flush=False)


def _why(tier, find, match, number):
    """Return (reason, detail) of a call that a tier could not price."""
    if not find:
        return "no_card", tier.name
    if not match:
        return "no_rate", f"{number} · {tier.card_name}"
    return "no_period", tier.name
