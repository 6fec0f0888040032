"""Pricing calls in bulk, at every tier, in one pass of plain Python between two COPYs.

Moments are texts as PostgreSQL prints timestamps ('2026-09-01 10:00:00', UTC): they compare
like the moments they stand for, and cost no conversion on the way in or out.
"""

import logging
from collections import Counter, defaultdict
from datetime import timedelta

from .bulk import RETRYABLE, commit_progress, copy_lines, copy_rows, run_batch
from .call_legs import CallLegs
from .failures import failure_text
from .rating_accounts import Accounts
from .rating_allowances import Allowances
from .rating_rates import Rates

_logger = logging.getLogger(__name__)

BATCH = 100_000
FEW_FAILURES = 3
# several raters commit one batch after the other, and each is waited for
OTHERS_TRIES = 50

CALL = "c.id, c.partner_id, c.direction, coalesce(c.dst, ''), c.start::text, c.billsec"
CALL_ORDER = "c.start, c.source, c.uid"
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
    "seller_id",
    "resold_to_id",
    "day",
    "direction",
    "destination",
    "resold_as",
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
        # {(account, what was said): ids of the calls that failed with it}
        self._failures = defaultdict(list)
        # whether the last run came to its end: the time of a cron job may be over before
        self.finished = True

    def run_all(self, retry_after_minutes=0):
        """Price all calls that wait, those that other raters hold, too; see `run`."""
        self.run(retry_after_minutes=retry_after_minutes)
        # as often as the others may be interrupted
        for _attempt in range(OTHERS_TRIES):
            if not self.finished or not self.wait_for_others():
                return
            self.run(retry_after_minutes=retry_after_minutes)

    def run(self, limit=None, only=None, retry_after_minutes=0):
        """Price calls, oldest first; then try again those that failed before.

        :param limit: number of calls at most, None for all
        :param only: ids of calls to which the work is limited
        :param retry_after_minutes: leave alone what failed less than so many minutes ago
        :return: dict of counts `rated`, `unrated`, `reasons` {reason: calls}
        """
        counts = {"rated": 0, "unrated": 0, "reasons": Counter()}
        self.finished = True
        # everything is read from the database
        self.env.flush_all()
        # the database's clock: two runs within a second, or in a test's frozen time, differ
        self.env.cr.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
        started = self.env.cr.fetchone()[0]
        before = started - timedelta(minutes=retry_after_minutes)
        for which in (Queue(False, before, started), Queue(True, before, started)):
            while limit is None or limit > 0:
                size = min(self.batch_size, limit) if limit is not None else self.batch_size
                done, rated, reasons = self._rate_or_split(which, size, only)
                if not done:
                    break
                counts["rated"] += rated
                counts["unrated"] += sum(reasons.values())
                counts["reasons"] += reasons
                if limit is not None:
                    limit -= done
                remaining = self._remaining()
                if commit_progress(self.env, done, remaining=remaining) <= 0:
                    self.finished = not remaining
                    return counts
        return counts

    def wait_for_others(self):
        """Wait until the calls that other raters are at are priced.

        `run` passes over them, and they may not have come to their periods yet: who closes these
        before would put calls that came in time on the next invoice.

        :return: whether calls are left to be priced, for another gave them up or they are new
        """

        def wait():
            # when the other one commits, there is a serialization failure, and this is repeated
            self.env.cr.execute(
                "SELECT 1 FROM telecom_cdr_pending WHERE reason IS NULL LIMIT 1 FOR UPDATE",
                log_exceptions=False,
            )
            return bool(self.env.cr.fetchone())

        return run_batch(self.env, wait, tries=OTHERS_TRIES)

    def _rate_or_split(self, queue, size, only):
        """Price a batch; when that fails, its parts, and put aside the calls that fail alone.

        :return: as `_rate_batch`
        """
        claimed = []

        def rate():
            with self.env.cr.savepoint(flush=False):
                claimed[:] = self._claim(queue, size, only)
                return self._rate_batch(claimed, queue.started)

        try:
            return run_batch(self.env, rate)
        except RETRYABLE:
            raise
        except Exception as error:
            if not claimed:
                raise
            self.env.invalidate_all(flush=False)
            ids, accounts = [call[0] for call in claimed], {call[1] for call in claimed}
            text = failure_text(error)[:500]
            if len(accounts) == 1:
                failures = self._failures[accounts.pop(), text]
                # where a few calls of an account fail alike, so do the rest
                if len(ids) == 1 or len(failures) >= FEW_FAILURES:
                    if not failures:
                        _logger.warning("Call %s could not be priced", ids[0], exc_info=True)
                    failures += ids
                    return run_batch(self.env, lambda: self._put_aside(ids, text, queue.started))
        done, rated, reasons = 0, 0, Counter()
        for part in _halves(claimed):
            ids = [call[0] for call in part]
            part_done, part_rated, part_reasons = self._rate_or_split(queue, len(ids), ids)
            done, rated, reasons = done + part_done, rated + part_rated, reasons + part_reasons
        return done, rated, reasons

    # === CLAIMING ===

    def _claim(self, queue, size, only):
        """Take the next calls from the queue; what another rater holds is left to it.

        They are deleted from it at once, which a rollback undoes; those that cannot be priced
        are put back. Where another rater has committed since this transaction's snapshot, there
        is a serialization failure, and the claim is repeated.

        :return: calls as `_read` returns them, each with why it failed before, None if untried
        """
        self.env.cr.execute(
            f"""
            WITH claimed AS (
                DELETE FROM telecom_cdr_pending WHERE ctid = ANY(ARRAY(
                    SELECT ctid FROM telecom_cdr_pending
                     WHERE {queue.condition}
                       {"AND cdr_id = ANY(%(only)s)" if only is not None else ""}
                     ORDER BY start, cdr_id
                     LIMIT %(size)s
                       FOR UPDATE SKIP LOCKED))
                RETURNING cdr_id, reason
            )
            SELECT {CALL}, claimed.reason
              FROM claimed JOIN telecom_cdr c ON c.id = claimed.cdr_id
             ORDER BY {CALL_ORDER}
            """,
            {"size": size, "only": only, "before": queue.before, "started": queue.started},
            log_exceptions=False,
        )
        return self.env.cr.fetchall()

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
        aside = self._set_aside_legs(claimed)
        calls = self._with_accounts([call for call in claimed if call[0] not in aside])
        accounts = Accounts(self.env, calls)
        self.rates.load(accounts.card_ids(), calls)
        allowances = Allowances(self.env, accounts, calls)
        retaken = allowances.take_back_later_calls(self._can_be_priced, self.rates)
        if retaken:
            calls = self._read([*(call[0] for call in calls), *retaken])
        allowances.prepare(calls)
        usage, failures = {}, []
        copy_lines(
            self.env.cr,
            "telecom_call_charge",
            CHARGE_COLUMNS,
            self._price(calls, accounts, allowances, retaken, usage, failures),
        )
        self._append_usage(usage)
        allowances.store()
        self._put_back(failures, started)
        for model in ("telecom.cdr", "telecom.call.charge", "telecom.usage"):
            self.env[model].invalidate_model(flush=False)
        reasons = Counter(reason for _call, reason, _detail in failures)
        return len(claimed), len(claimed) - len(aside) - len(failures), reasons

    def _set_aside_legs(self, claimed):
        """Set aside legs of calls that came in at the same time as the leg that is charged: when
        they were taken, neither was there for the other. Return those of the claimed calls."""
        self.env.cr.execute(
            # by the index of such calls alone: most switches report none
            "SELECT 1 FROM telecom_cdr WHERE bleg_uid IS NOT NULL ORDER BY source, bleg_uid LIMIT 1"
        )
        if not self.env.cr.fetchone():
            return set()
        ids = [call[0] for call in claimed]
        return CallLegs(self.env).settle(ids).intersection(ids)

    def _with_accounts(self, claimed):
        """Return the claimed calls, after another look for the account of those that had none
        and at the numbers that had no rate: accounts are made and rules mended meanwhile."""
        missing = [
            call[0] for call in claimed if call[1] is None or call[-1] in ("no_number", "no_rate")
        ]
        if not missing:
            return [call[:-1] for call in claimed]
        self.env["telecom.cdr"].browse(missing)._find_accounts()
        return self._read([call[0] for call in claimed])

    def _read(self, ids):
        """Return the calls as tuples, in order of start: a package is used up in that order.

        Of calls that start together the ID decides, which does not depend on their arrival.
        """
        self.env.cr.execute(
            f"SELECT {CALL} FROM telecom_cdr c WHERE c.id = ANY(%s) ORDER BY {CALL_ORDER}", [ids]
        )
        return self.env.cr.fetchall()

    def _price(self, calls, accounts, allowances, retaken, usage, failures):
        """Price calls at every tier; a call that misses a tier's rate is not priced at any.

        The lines are computed while PostgreSQL takes in those before, so nothing in here may
        ask the database. This is where a million calls spend their time: what could be called
        once is not called per call.

        :param retaken: {call id: [(tier, rate, period)]} of calls that keep their rates
        :param usage: gets {(tier, destination and direction, destination at the tier below,
            period, day): [calls, billed seconds, free seconds, amount]}
        :param failures: gets (call, reason, detail)
        :return: iterator of the COPY lines of the charges
        """
        find_account, usage_of = accounts.get, usage.get
        for call in calls:
            call_id, partner_id, direction, number, start, seconds = call
            account = find_account(partner_id)
            if account is None or not number:
                failures.append((call, "no_number" if account else "no_account", None))
                continue
            if account.eras:
                account = account.at(start)
            found = []
            routes = account.routes.get(direction) or self._routes(account, direction)
            if retaken and call_id in retaken:
                found, routes = retaken[call_id], ()
            for tier, find, find_period in routes:
                match = find and find(number, start)
                period = match and find_period(start)
                if not period:
                    failures.append((call, *_why(tier, find, match, number)))
                    break
                found.append((tier, match[1], period))
            else:
                own = above = None
                if account.id in allowances.holders:
                    own, above = allowances.take(account, call)
                # offsets are whole minutes, so one look-up a minute is enough
                day = account.days.get(start[:16]) or account.day(start)
                resold_as = ""
                for tier, rate, period in found:
                    if own:
                        free, covered = above if tier.level else own
                        billed, amount = rate.price(seconds, free, covered)
                    else:
                        free = 0
                        billed, amount = rate.price(seconds)
                    yield (
                        f"{call_id}\t{tier.prefix}\t{rate.columns}\t{billed}\t{free}"
                        f"\t{amount}e-8\t{tier.currency_id}\t{start}\t{period}"
                    )
                    key = tier, rate.usage, resold_as, period, day
                    total = usage_of(key)
                    if total is None:
                        usage[key] = [1, billed, free, amount]
                    else:
                        total[0] += 1
                        total[1] += billed
                        total[2] += free
                        total[3] += amount
                    if not tier.is_agent:
                        resold_as = rate.destination

    def _can_be_priced(self, account, call):
        """Tell whether a call has a rate and a period at every tier."""
        _call_id, _partner, direction, number, start, _seconds = call
        if account.eras:
            account = account.at(start)
        return bool(number) and all(
            find and find(number, start) and find_period(start)
            for _tier, find, find_period in self._routes(account, direction)
        )

    def _routes(self, account, direction):
        """Return [(tier, find a rate, find a period)] of an account's calls in one direction."""
        routes = account.routes[direction] = [
            (tier, None if table is None else table.find, tier.period)
            for tier in account.tiers
            for table in [self.rates.table(tier.card_id, direction)]
        ]
        return routes

    # === STORING ===

    def _append_usage(self, usage):
        """Append the batch's sums."""
        copy_lines(
            self.env.cr,
            "telecom_usage",
            USAGE_COLUMNS,
            (
                f"{period}\t{tier.usage}\t{day}\t{columns}\t{below}\t{tier.currency_id}"
                f"\t{calls}\t{billed}\t{free}\t{amount}e-8"
                for (tier, columns, below, period, day), sums in usage.items()
                for calls, billed, free, amount in [sums]
            ),
        )

    def _put_back(self, failures, started):
        """Queue again the calls that could not be priced, with the reason."""
        copy_rows(
            self.env.cr,
            "telecom_cdr_pending",
            ("cdr_id", "start", "tried", "reason", "detail"),
            [(call[0], call[4], started, reason, detail) for call, reason, detail in failures],
        )

    def _put_aside(self, ids, text, started):
        """Leave calls that cannot be priced in the queue, with what was said of them."""
        self.env.cr.execute(
            "UPDATE telecom_cdr_pending SET tried = %s, reason = 'error', detail = %s"
            " WHERE cdr_id = ANY(%s)",
            [started, text, ids],
        )
        self.env["telecom.cdr"].invalidate_model(flush=False)
        return len(ids), 0, Counter(error=len(ids))


class Queue:
    """Which calls of the queue are looked at: new ones, or those that failed before."""

    __slots__ = ("before", "condition", "started")

    def __init__(self, retry, before, started):
        """
        :param retry: whether those that failed are meant
        :param before: those that were tried later are left alone
        :param started: when this run began: what failed in it is not tried again by it
        """
        self.condition = (
            "reason IS NOT NULL AND tried <= %(before)s AND tried < %(started)s"
            if retry
            else "reason IS NULL"
        )
        self.before = before
        self.started = started


def _halves(calls):
    """Divide claimed calls in two, by account where there are several."""
    by_account = defaultdict(list)
    for call in calls:
        by_account[call[1]].append(call)
    parts = list(by_account.values())
    if len(parts) == 1:
        parts = [[call] for call in calls]
    middle = len(parts) // 2
    return [call for part in parts[:middle] for call in part], [
        call for part in parts[middle:] for call in part
    ]


def _why(tier, find, match, number):
    """Return (reason, detail) of a call that a tier could not price."""
    if not find:
        return "no_card", tier.name
    if not match:
        return "no_rate", f"{number} · {tier.card_name}"
    return "no_period", tier.name
