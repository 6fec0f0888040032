"""Undoing the pricing of calls that are not invoiced yet."""

from odoo import fields

from .bulk import commit_progress, copy_rows, run_batch
from .sellers import sold_calls

# calls of whole accounts are put together to batches of so many
BATCH = 20_000
# and the calls of one account are divided when there are more
LARGEST_BATCH = 100_000

CHARGE_TABLES = """
       telecom_call_charge g
  JOIN telecom_cdr c ON c.id = g.cdr_id
  JOIN telecom_billing_period p ON p.id = g.period_id
"""


class Rerater:
    """Takes call charges back. Runs as superuser: callers check rights first."""

    def __init__(self, env):
        self.env = env(su=True)

    def run(self, calls=None, accounts=None, cards=None, date_from=None, date_to=None):
        """Undo and price again; parameters and result as in `telecom.cdr._rerate`.

        Batch by batch, so that what accounts owe is never short of more than one batch.
        """
        from .rating import Rater

        self.env["telecom.billing.period"].flush_model()
        limits = self._limits(calls, accounts, cards, date_from, date_to)
        found, kept = self._select(*limits), self._count_closed(*limits)
        rater = Rater(self.env)
        counts = {"released": 0, "kept": kept, "rated": 0, "unrated": 0}
        for batch in _batches(found):
            released = run_batch(self.env, lambda batch=batch: self._release_and_queue(batch))
            counts["released"] += len(released)
            counts["kept"] += len(batch) - len(released)
            if released:
                priced = rater.run(only=released)
                counts["rated"] += priced["rated"]
                counts["unrated"] += priced["unrated"]
            commit_progress(self.env)
        return counts

    def release(self, cdr_ids):
        """Take back the charges of calls, where every tier's period is still open.

        Call charges are deleted, their sums appended to the usage with the opposite sign, and
        the units of packages given back. Whose call it was is told by its charges, not by the
        call: whatever became of that since, usage and call charges stay equal.

        :param cdr_ids: ids of calls
        :return: ids of the calls whose charges were taken back
        """
        if not cdr_ids:
            return []
        cr = self.env.cr
        self.env["telecom.billing.period"].flush_model()
        ids = self._lock_open(list(cdr_ids))
        if not ids:
            return []
        self._set_time_zones(ids)
        cr.execute(
            f"""
            WITH gone AS (
                DELETE FROM telecom_call_charge WHERE cdr_id = ANY(%(ids)s) RETURNING *
            ), sold AS ({sold_calls("gone")})
            INSERT INTO telecom_usage (
                period_id, partner_id, customer_id, tier, seller_id, resold_to_id, day, direction,
                destination, resold_as, currency_id, calls, seconds, free_seconds, amount)
            SELECT g.period_id, g.partner_id, g.customer_id, g.tier, g.seller_id, g.resold_to_id,
                   (g.call_date AT TIME ZONE 'UTC' AT TIME ZONE z.tz)::date,
                   c.direction, g.destination, g.resold_as, g.currency_id,
                   -count(*), -sum(g.billed_seconds), -sum(g.free_seconds), -sum(g.amount)
              FROM sold g
              JOIN telecom_account_zone z ON z.partner_id = g.customer_id
              LEFT JOIN telecom_cdr c ON c.id = g.cdr_id
             GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
            """,
            {"ids": ids},
        )
        cr.execute(
            """
            WITH gone AS (
                DELETE FROM telecom_allowance_use WHERE cdr_id = ANY(%s)
                RETURNING allowance_id, units
            )
            UPDATE telecom_allowance a SET used = a.used - g.units
              FROM (SELECT allowance_id, sum(units) AS units
                      FROM gone GROUP BY allowance_id) g
             WHERE a.id = g.allowance_id
            """,
            [ids],
        )
        for model in ("telecom.call.charge", "telecom.usage", "telecom.allowance", "telecom.cdr"):
            self.env[model].invalidate_model(flush=False)
        return ids

    def withdraw(self, cdr_ids):
        """Take back the charges of calls that are not to be charged any more.

        The free units that they had go to the calls after them, which are to be priced again.

        :param cdr_ids: ids of calls
        :return: ids of the calls whose charges were taken back
        """
        if not cdr_ids:
            return []
        self.env.cr.execute(
            """
            SELECT id, partner_id, start FROM telecom_cdr c
             WHERE id = ANY(%s) AND partner_id IS NOT NULL
               AND EXISTS (SELECT 1 FROM telecom_allowance_use WHERE cdr_id = c.id)
            """,
            [list(cdr_ids)],
        )
        had_units = self.env.cr.fetchall()
        released = set(self.release(cdr_ids))
        # of each account the first call that gives units back: all after it may get some
        first = {}
        for call, partner, start in had_units:
            if call in released:
                first[partner] = min(start, first.get(partner, start))
        self._release_and_queue(self._charged_since(first, cdr_ids))
        return list(released)

    def _charged_since(self, first, but):
        """Return the ids of the accounts' calls since a moment that are charged.

        :param first: {account id: moment}
        :param but: ids of calls to be left out
        """
        if not first:
            return []
        self.env.cr.execute(
            """
            SELECT c.id
              FROM unnest(%s::integer[], %s::timestamp[]) AS since (partner_id, start)
              JOIN telecom_cdr c ON c.partner_id = since.partner_id AND c.start >= since.start
             WHERE c.id != ALL(%s)
               AND EXISTS (SELECT 1 FROM telecom_call_charge WHERE cdr_id = c.id)
            """,
            [list(first), list(first.values()), list(but)],
        )
        return [row[0] for row in self.env.cr.fetchall()]

    def _lock_open(self, cdr_ids):
        """Return those of the calls whose periods are all open, with these locked."""
        cr = self.env.cr
        cr.execute(
            """
            SELECT id FROM telecom_billing_period
             WHERE id IN (SELECT period_id FROM telecom_call_charge WHERE cdr_id = ANY(%s))
               AND state = 'open'
             ORDER BY id
               FOR SHARE
            """,
            [cdr_ids],
        )
        cr.fetchall()
        cr.execute(
            """
            SELECT g.cdr_id
              FROM telecom_call_charge g JOIN telecom_billing_period p ON p.id = g.period_id
             WHERE g.cdr_id = ANY(%s)
             GROUP BY g.cdr_id HAVING bool_and(p.state = 'open')
            """,
            [cdr_ids],
        )
        return [row[0] for row in cr.fetchall()]

    def _set_time_zones(self, cdr_ids):
        """Fill a temporary table with the time zone of each account that was charged."""
        cr = self.env.cr
        cr.execute(
            "SELECT DISTINCT partner_id FROM telecom_call_charge WHERE cdr_id = ANY(%s)", [cdr_ids]
        )
        partners = self.env["res.partner"].browse(row[0] for row in cr.fetchall())
        cr.execute(
            """
            CREATE TEMPORARY TABLE IF NOT EXISTS telecom_account_zone (
                partner_id integer PRIMARY KEY, tz varchar
            ) ON COMMIT DROP;
            TRUNCATE telecom_account_zone
            """
        )
        copy_rows(
            cr,
            "telecom_account_zone",
            ("partner_id", "tz"),
            partners._account_zones().items(),
        )

    def _release_and_queue(self, cdr_ids):
        released = self.release(cdr_ids)
        self.env.cr.execute(
            """
            INSERT INTO telecom_cdr_pending (cdr_id, start)
            SELECT id, start FROM telecom_cdr WHERE id = ANY(%s)
                ON CONFLICT (cdr_id) DO NOTHING
            """,
            [released],
        )
        return released

    # === WHICH CALLS ===

    def _limits(self, calls, accounts, cards, date_from, date_to):
        """Return the condition on calls, in SQL, and its parameters."""
        conditions, params = ["g.tier = 0"], {}
        if calls is not None:
            conditions.append("c.id = ANY(%(calls)s)")
            params["calls"] = calls.ids
        if accounts is not None:
            conditions.append("c.partner_id = ANY(%(accounts)s)")
            params["accounts"] = accounts.ids
        if cards is not None:
            conditions.append(
                "EXISTS (SELECT 1 FROM telecom_call_charge x"
                " JOIN telecom_rate r ON r.id = x.rate_id"
                " WHERE x.cdr_id = c.id AND r.card_id = ANY(%(cards)s))"
            )
            params["cards"] = cards.ids
        for name, operator, moment in (("from", ">=", date_from), ("to", "<", date_to)):
            if moment:
                conditions.append(f"c.start {operator} %({name})s")
                params[name] = fields.Datetime.to_datetime(moment)
        return " AND ".join(conditions), params

    def _select(self, condition, params):
        """Return (id, account id) of the rated calls in open periods, by account, oldest first.

        Whether the periods of the tiers above are open, too, is asked once they are locked.
        """
        self.env.cr.execute(
            f"""
            SELECT c.id, g.partner_id FROM {CHARGE_TABLES}
             WHERE p.state = 'open' AND {condition}
             ORDER BY g.partner_id, c.start, c.id
            """,
            params,
        )
        return self.env.cr.fetchall()

    def _count_closed(self, condition, params):
        """Return how many rated calls are in question that are invoiced, or about to be."""
        self.env.cr.execute(
            f"SELECT count(*) FROM {CHARGE_TABLES} WHERE p.state != 'open' AND {condition}",
            params,
        )
        return self.env.cr.fetchone()[0]


def _batches(calls):
    """Yield lists of call ids, each account's together as far as there is room.

    Free units go from call to call of an account: of two batches, the first would take back
    the calls of the second to see what is left.

    :param calls: (id, account id), by account, oldest first
    """
    batch, last = [], None
    for call, account in calls:
        full = BATCH if account != last else LARGEST_BATCH
        if len(batch) >= full:
            yield batch
            batch = []
        batch.append(call)
        last = account
    if batch:
        yield batch
