"""Charges are taken back and made again: nothing is lost, whatever became of the calls since."""

from unittest.mock import patch

from odoo.exceptions import AccessError

from ..models import rerating
from ..models.rating import Rater
from .common import TelecomCommon
from .pipeline_laws import PipelineLaws


class TestRerating(PipelineLaws, TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cdrs = cls.env["telecom.cdr"]
        cls.reseller = cls.make_reseller("R1")
        cls.account = cls.make_account("A1", reseller_id=cls.reseller.id)

    def calls_of(self, account):
        return self.cdrs.search([("account_code", "=", account.account_code)], order="start")

    def use(self, account=None, count=1, **vals):
        """Take and rate calls of one minute, one a day from 10 March; return them."""
        account = account or self.account
        self.take_calls(
            self.call(account, start=f"2025-03-{10 + day} 10:00:00", **vals) for day in range(count)
        )
        return self.calls_of(account)

    # === CALLS ARE EVIDENCE ===

    def test_nobody_changes_a_call(self):
        call = self.use()
        rate = self.card.rate_ids.filtered(lambda rate: rate.prefix == "32")
        for user, price in (
            (self.make_user("clerk"), 0.1),
            (self.make_user("manager", "telecom_billing.group_manager"), 0.2),
        ):
            for vals in ({"billsec": 1}, {"partner_id": False}, {"ignored": "no_answer"}, {}):
                with self.assertRaises(AccessError):
                    call.with_user(user).write(vals)
            # ... but whoever may import calls may have them priced
            calls = call.with_user(user)
            rate.price_per_minute = price
            calls.action_rerate()
            self.cdrs.import_calls([self.call(self.account)], "test")
            calls.search([("state", "=", "pending")]).action_rate()
            self.assertFalse(calls.search([("state", "=", "pending")]))
        amounts = sorted(self.charges_of(self.account).mapped("amount"))
        self.assertEqual(amounts, [0.1, 0.2, 0.2])

    def test_nobody_else_has_calls_priced(self):
        call = self.use()
        user = self.make_user("internal", "base.group_user")
        self.env["ir.model.access"].create(
            {
                "name": "Readers",
                "model_id": self.env["ir.model"]._get_id("telecom.cdr"),
                "group_id": self.env.ref("base.group_user").id,
                "perm_read": True,
            }
        )
        calls = call.with_user(user)
        self.assertEqual(calls.billsec, 60)
        for verb in (calls.action_rate, calls.action_rerate, calls.rate_pending):
            with self.assertRaises(AccessError):
                verb()

    # === WHAT IS TAKEN BACK IS WHAT WAS ADDED ===

    def test_usage_is_charges_whatever_became_of_the_call(self):
        both = self.account + self.reseller
        other = self.make_account("B1")
        for vals in ({"partner_id": False}, {"partner_id": other.id}, {"start": "2025-05-01"}):
            call = self.use()[-1:]
            call.write(vals)
            counts = self.cdrs._rerate(calls=call)
            self.assertEqual(counts["released"], 1, vals)
            self.env.cr.execute(
                """
                SELECT partner_id, sum(amount), sum(calls), min(customer_id), max(customer_id)
                  FROM telecom_usage GROUP BY partner_id ORDER BY partner_id
                """
            )
            usage = {row[0]: row[1:3] for row in self.env.cr.fetchall()}
            self.env.cr.execute(
                "SELECT partner_id, sum(amount), count(*) FROM telecom_call_charge GROUP BY 1"
            )
            charged = {row[0]: row[1:] for row in self.env.cr.fetchall()}
            for account in both + other:
                self.assertEqual(
                    usage.get(account.id, (0, 0)), charged.get(account.id, (0, 0)), vals
                )
            call.write({"partner_id": self.account.id, "start": "2025-03-10 10:00:00"})
            self.cdrs._rerate()
            self.assert_usage_is_charges(both + other)

    def days(self, account):
        """{day: calls} of the account's usage, as far as there are any."""
        groups = self.env["telecom.usage"]._read_group(
            [("partner_id", "=", account.id)], ["day:day"], ["calls:sum", "amount:sum"]
        )
        return {str(day): calls for day, calls, amount in groups if calls or round(amount, 8)}

    def test_another_time_zone_takes_the_usage_along(self):
        self.account.tz = "Europe/Brussels"
        self.take_calls(
            self.call(self.account, start=f"2025-03-{at}")
            for at in ("09 22:30:00", "09 23:30:00", "10 04:30:00", "10 12:00:00")
        )
        for account in (self.account, self.reseller):
            self.assertEqual(self.days(account), {"2025-03-09": 1, "2025-03-10": 3})
        for tz, days in (
            ("America/New_York", {"2025-03-09": 2, "2025-03-10": 2}),
            ("Asia/Tokyo", {"2025-03-10": 4}),
            # that of the company
            (False, {"2025-03-09": 1, "2025-03-10": 3}),
        ):
            self.account.tz = tz
            for _again in range(2):
                for account in (self.account, self.reseller):
                    self.assertEqual(self.days(account), days, tz)
                self.assert_usage_is_charges(self.account + self.reseller)
                self.cdrs._rerate(accounts=self.account)

    def test_days_of_invoiced_usage_stay(self):
        self.account.tz = "Europe/Brussels"
        self.take_calls([self.call(self.account, start="2025-03-09 23:30:00")])
        invoice = self.bill(accounts=self.account)
        self.account.tz = "America/New_York"
        self.assertEqual(self.days(self.account), {"2025-03-10": 1})
        self.assertTrue(invoice)

    # === BATCHES ===

    def many(self, name):
        """Calls of three accounts with a package, one above the other in time; their accounts."""
        accounts = self.env["res.partner"]
        for index in range(3):
            account = self.make_account(f"{name}{index}", reseller_id=self.reseller.id)
            self.add_service(account, self.package)
            rows = [
                self.call(
                    account,
                    start=f"2025-03-{10 + day} 10:0{index}:00",
                    seconds=30,
                    uid=f"{name}/{index}/{day}",
                )
                for day in range(5)
            ]
            self.take_calls(rows)
            accounts += account
        return accounts

    def test_any_size_of_batch_prices_the_same(self):
        self.package = self.make_package("P", 75)
        rates = self.card.rate_ids.filtered(lambda rate: rate.prefix == "32")
        states, runs = [], []
        run = Rater.run

        def watch(rater, only=None, **options):
            self.env.cr.execute("SELECT count(*) FROM telecom_cdr_pending")
            runs.append((len(only), self.env.cr.fetchone()[0]))
            return run(rater, only=only, **options)

        for size, largest, batches in (
            (1, 2, [2, 2, 1] * 3),
            (6, 100, [10, 5]),
            (100, 100, [15]),
        ):
            rates.price_per_minute = 0.05
            accounts = self.many(f"S{size}")
            rates.price_per_minute = 0.5
            runs.clear()
            with (
                patch.object(rerating, "BATCH", size),
                patch.object(rerating, "LARGEST_BATCH", largest),
                patch.object(Rater, "run", watch),
            ):
                counts = self.cdrs._rerate(accounts=accounts)
            self.assertEqual(counts, {"released": 15, "kept": 0, "rated": 15, "unrated": 0})
            # nothing waits but the batch that is priced next
            self.assertEqual(runs, [(count, count) for count in batches])
            self.assert_usage_is_charges(accounts + self.reseller)
            self.assert_allowances_add_up(accounts)
            for account in accounts:
                self.assertEqual(
                    self.charges_of(account).mapped("amount"), [0, 0, 0.125, 0.25, 0.25]
                )
            states.append(self.end_state(accounts))
        self.assertEqual(states, states[:1] * 3)

    def test_only_calls_in_open_periods_are_read(self):
        other = self.make_account("B1")
        self.use(other, 4)
        self.use(count=3)
        self.bill(accounts=other)
        seen = []
        release = rerating.Rerater.release

        def watch(rerater, cdr_ids):
            seen.append(len(cdr_ids))
            return release(rerater, cdr_ids)

        with patch.object(rerating.Rerater, "release", watch):
            counts = self.cdrs._rerate()
        self.assertEqual(seen, [3])
        self.assertEqual(counts, {"released": 3, "kept": 4, "rated": 3, "unrated": 0})
        # the reseller's period is closed, the customer's open
        self.env["telecom.billing.period"].search(
            [("partner_id", "=", self.reseller.id)]
        ).state = "closed"
        counts = self.cdrs._rerate()
        self.assertEqual((counts["released"], counts["kept"]), (0, 7))

    # === SETTING ASIDE ===

    def test_withdrawn_calls_give_their_units_to_those_after_them(self):
        product = self.make_package("P", 90)
        other = self.make_account("B1")
        for account in (self.account, other):
            self.add_service(account, product)
        calls = self.use(count=4)
        others = self.use(other, 2)
        self.assertEqual(self.charges_of(self.account).mapped("free_seconds"), [60, 30, 0, 0])
        rerater = rerating.Rerater(self.env)
        self.assertEqual(set(rerater.withdraw(calls[1:3].ids)), set(calls[1:3].ids))
        self.assertEqual(calls.mapped("state"), ["rated", "rated", "rated", "pending"])
        self.assertEqual(set(others.mapped("state")), {"rated"})
        self.cdrs.rate_pending()
        self.assertEqual(self.charges_of(self.account).mapped("free_seconds"), [60, 30])
        # a call without free units gives nothing back, and nothing is priced again
        self.assertTrue(rerater.withdraw(others[1:].ids))
        late = self.make_account("C1")
        found = self.use(late, 3)
        rerater.withdraw(found[0].ids)
        self.assertFalse(self.cdrs.search([("state", "=", "pending")]))

    def test_withdrawing_many_reads_each_later_call_once(self):
        self.add_service(self.account, self.make_package("P", 100_000))
        calls = self.use(count=20)
        statements = []
        execute = type(self.env.cr).execute

        def watch(cursor, query, params=None, log_exceptions=True):
            result = execute(cursor, query, params, log_exceptions)
            statements.append(cursor.rowcount)
            return result

        with patch.object(type(self.env.cr), "execute", watch):
            rerating.Rerater(self.env).withdraw(calls[:10].ids)
        # 10 calls are withdrawn and 10 come after; the pairs of both would be 100
        self.assertLessEqual(max(statements), 2 * 10)
        self.assertEqual(len(self.cdrs.search([("state", "=", "pending")])), 10)
