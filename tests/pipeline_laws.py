"""Laws of the pipeline that hold after whatever happened, for tests to ask at any moment."""

from collections import Counter
from decimal import Decimal
from itertools import pairwise


class PipelineLaws:
    """Assertions on the database as it is; mixed into a `TelecomCommon` test."""

    def query(self, sql, *params):
        """Return the rows of a query, as the database has them now."""
        self.env.flush_all()
        self.env.cr.execute(sql, params)
        return self.env.cr.fetchall()

    def assert_laws(self, accounts):
        """Assert all laws for these accounts; a `telecom.billing.period` may be open or not."""
        self.assert_usage_is_charges(accounts)
        self.assert_charged_is_invoiced(accounts)
        self.assert_periods_tile(accounts)
        self.assert_allowances_add_up(accounts)

    def assert_usage_is_charges(self, accounts):
        """Usage rows add up to the call charges, per period, destination and tier."""
        charges = self.query(
            """
            SELECT g.period_id, g.partner_id, c.partner_id, g.tier, c.direction, g.destination,
                   g.currency_id, count(*), sum(g.billed_seconds), sum(g.free_seconds),
                   sum(g.amount)::text
              FROM telecom_call_charge g JOIN telecom_cdr c ON c.id = g.cdr_id
             WHERE g.partner_id = ANY(%s)
             GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7
            """,
            accounts.ids,
        )
        usage = self.query(
            """
            SELECT period_id, partner_id, customer_id, tier, direction, destination, currency_id,
                   sum(calls), sum(seconds), sum(free_seconds), sum(amount)::text
              FROM telecom_usage WHERE partner_id = ANY(%s)
             GROUP BY 1, 2, 3, 4, 5, 6, 7
            HAVING sum(calls) != 0 OR sum(seconds) != 0 OR sum(free_seconds) != 0
                OR sum(amount) != 0
             ORDER BY 1, 2, 3, 4, 5, 6, 7
            """,
            accounts.ids,
        )
        self.assertEqual(charges, usage)

    def assert_charged_is_invoiced(self, accounts):
        """What was charged is what was invoiced before tax plus what is still to be, exactly."""
        for account in accounts:
            charged = self.charged(account)
            invoiced = sum(
                (
                    Decimal(str(move.amount_untaxed))
                    * (-1 if move.move_type == "out_refund" else 1)
                    for move in self.env["telecom.billing.period"]
                    .search([("partner_id", "=", account.id)])
                    .move_id
                ),
                Decimal(),
            )
            unbilled = self.charged(account, "p.move_id IS NULL")
            self.assertEqual(charged, invoiced + unbilled, account.name)

    def charged(self, account, condition="TRUE"):
        """Return the exact sum of an account's charges of both kinds."""
        rows = self.query(
            f"""
            SELECT coalesce(sum(amount), 0)::text FROM (
                SELECT g.amount AS amount
                  FROM telecom_call_charge g JOIN telecom_billing_period p ON p.id = g.period_id
                 WHERE g.partner_id = %s AND {condition}
                 UNION ALL
                SELECT c.amount
                  FROM telecom_charge c JOIN telecom_billing_period p ON p.id = c.period_id
                 WHERE c.partner_id = %s AND {condition}
            ) charges
            """,
            account.id,
            account.id,
        )
        return Decimal(rows[0][0])

    def assert_periods_tile(self, accounts):
        """Each period of an account begins where the one before it ended, in days and moments."""
        for account in accounts:
            periods = self.env["telecom.billing.period"].search(
                [("partner_id", "=", account.id), ("is_manual", "=", False)], order="date_from"
            )
            for before, after in pairwise(periods):
                self.assertEqual(before.date_to, after.date_from, account.name)
                self.assertEqual(before.stop, after.start, account.name)

    def assert_allowances_add_up(self, accounts):
        """Each counter of free units is the sum of what calls used of it."""
        rows = self.query(
            """
            SELECT a.id, a.used, (SELECT coalesce(sum(u.units), 0) FROM telecom_allowance_use u
                                   WHERE u.allowance_id = a.id)
              FROM telecom_allowance a JOIN telecom_subscription s ON s.id = a.subscription_id
             WHERE s.partner_id = ANY(%s)
            """,
            accounts.ids,
        )
        for allowance, used, uses in rows:
            self.assertEqual(used, uses, allowance)

    def end_state(self, accounts):
        """Return what was charged, without ids: to compare two histories with one another.

        {(account, day of the period, what, tier): Counter of (which call or span, amount)}
        """
        names = {account.id: str(index) for index, account in enumerate(accounts)}
        state = {}
        for partner, period, destination, tier, uid, free, amount in self.query(
            """
            SELECT g.partner_id, p.date_from, g.destination, g.tier, c.uid, g.free_seconds,
                   g.amount::text
              FROM telecom_call_charge g
              JOIN telecom_cdr c ON c.id = g.cdr_id
              JOIN telecom_billing_period p ON p.id = g.period_id
             WHERE g.partner_id = ANY(%s)
            """,
            accounts.ids,
        ):
            key = (names[partner], str(period), destination, tier)
            state.setdefault(key, Counter())[uid.split("/")[-1], free, amount] += 1
        for partner, period, name, tier, amount in self.query(
            """
            SELECT c.partner_id, p.date_from, c.name, c.tier, sum(c.amount)::text
              FROM telecom_charge c JOIN telecom_billing_period p ON p.id = c.period_id
             WHERE c.partner_id = ANY(%s) AND c.charge_type != 'rounding'
             GROUP BY 1, 2, 3, 4 HAVING sum(c.amount) != 0
            """,
            accounts.ids,
        ):
            state.setdefault((names[partner], str(period), name, tier), Counter())[amount] += 1
        return state
