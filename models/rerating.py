"""Undoing the pricing of calls that are not invoiced yet."""

from odoo import fields

from .bulk import commit_progress, copy_rows, run_batch

BATCH = 20_000


class Rerater:
    """Takes call charges back. Runs as superuser: callers check rights first."""

    def __init__(self, env):
        self.env = env(su=True)

    def run(self, calls=None, accounts=None, cards=None, date_from=None, date_to=None):
        """Undo and price again; parameters and result as in `telecom.cdr._rerate`."""
        from .rating import Rater

        ids = self._select(calls, accounts, cards, date_from, date_to)
        released = []
        for index in range(0, len(ids), BATCH):
            batch = ids[index : index + BATCH]
            released += run_batch(self.env, lambda batch=batch: self._release_and_queue(batch))
            commit_progress(self.env)
        counts = Rater(self.env).run(only=released) if released else {"rated": 0, "unrated": 0}
        return {
            "released": len(released),
            "kept": len(ids) - len(released),
            "rated": counts["rated"],
            "unrated": counts["unrated"],
        }

    def release(self, cdr_ids):
        """Take back the charges of calls, where every tier's period is still open.

        Call charges are deleted, their sums appended to the usage with the opposite sign, and
        the units of packages given back.

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
            """
            WITH gone AS (
                DELETE FROM telecom_call_charge WHERE cdr_id = ANY(%(ids)s) RETURNING *
            )
            INSERT INTO telecom_usage (
                period_id, partner_id, customer_id, tier, day, direction, destination,
                currency_id, calls, seconds, free_seconds, amount)
            SELECT g.period_id, g.partner_id, c.partner_id, g.tier,
                   (g.call_date AT TIME ZONE 'UTC' AT TIME ZONE z.tz)::date,
                   c.direction, g.destination, g.currency_id,
                   -count(*), -sum(g.billed_seconds), -sum(g.free_seconds), -sum(g.amount)
              FROM gone g
              JOIN telecom_cdr c ON c.id = g.cdr_id
              JOIN telecom_account_zone z ON z.partner_id = c.partner_id
             GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
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
              FROM (SELECT allowance_id, sum(units)::integer AS units
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
            SELECT c.id, later.id
              FROM telecom_cdr c
              JOIN telecom_cdr later ON later.partner_id = c.partner_id
               AND later.start >= c.start AND later.id != ALL(%(ids)s)
             WHERE c.id = ANY(%(ids)s)
               AND EXISTS (SELECT 1 FROM telecom_allowance_use WHERE cdr_id = c.id)
               AND EXISTS (SELECT 1 FROM telecom_call_charge WHERE cdr_id = later.id)
            """,
            {"ids": list(cdr_ids)},
        )
        after = self.env.cr.fetchall()
        released = set(self.release(cdr_ids))
        self._release_and_queue(list({later for call, later in after if call in released}))
        return list(released)

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
        """Fill a temporary table with the time zone of each account that called."""
        cr = self.env.cr
        cr.execute("SELECT DISTINCT partner_id FROM telecom_cdr WHERE id = ANY(%s)", [cdr_ids])
        partners = self.env["res.partner"].browse(row[0] for row in cr.fetchall() if row[0])
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
            [(partner.id, partner._account_tz()) for partner in partners],
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

    def _select(self, calls, accounts, cards, date_from, date_to):
        """Return the ids of rated calls in question, oldest first."""
        conditions, params = [], {}
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
        # without any limit: whatever still lies in an open period
        self.env.cr.execute(
            f"""
            SELECT c.id FROM telecom_cdr c
             WHERE EXISTS (SELECT 1 FROM telecom_call_charge g WHERE g.cdr_id = c.id)
               AND {" AND ".join(conditions) or "TRUE"}
             ORDER BY c.start, c.id
            """,
            params,
        )
        return [row[0] for row in self.env.cr.fetchall()]
