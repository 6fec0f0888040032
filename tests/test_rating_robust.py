"""No call stops the rating of others, and a late call changes only what it has to."""

from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tools import mute_logger

from ..models import bulk, rating
from ..models.rating import Rater
from .common import TelecomCommon
from .pipeline_laws import PipelineLaws

LOGGER = "odoo.addons.telecom_billing.models.rating"


class TestRatingRobust(PipelineLaws, TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cdrs = cls.env["telecom.cdr"]
        world = ("", "World", 60)
        cls.seconds = cls.make_card("Seconds", [(*world, {}), (*world, {"direction": "inbound"})])

    def account(self, name, *packages, **vals):
        account = self.make_account(name, rate_card_id=self.seconds.id, **vals)
        for package in packages:
            self.add_service(account, package)
        return account

    def at(self, account, start, seconds=60, **vals):
        """Return the row of a call on a day of March 2025."""
        return self.call(
            account, uid=f"{account.id}/{start}", start=f"2025-03-{start}", seconds=seconds, **vals
        )

    def amounts(self, account):
        return self.charges_of(account).mapped("amount")

    # === ONE BAD CALL ===

    def test_a_call_that_fails_unexpectedly_leaves_the_others_rated(self):
        accounts = [self.account(f"R{n}") for n in range(5)]
        rows = [self.at(a, f"10 1{n}:00:00") for a in accounts for n in range(4)]
        bad = rows[9]["uid"]
        self.cdrs.import_calls(rows, "test")
        price = rating.Rater._price

        def fail(rater, calls, *args):
            numbers = {call[0] for call in calls}
            if numbers & set(self.cdrs.search([("uid", "=", bad)]).ids):
                raise ZeroDivisionError("of some account")
            return price(rater, calls, *args)

        with patch.object(rating.Rater, "_price", fail), self.assertLogs(LOGGER, "WARNING"):
            counts = self.cdrs.rate_pending()
        self.assertEqual((counts["rated"], counts["unrated"]), (19, 1))
        self.assertEqual(counts["reasons"], {"error": 1})
        call = self.cdrs.search([("uid", "=", bad)])
        self.assertEqual((call.state, call.reason), ("unrated", "error"))
        self.assertIn("ZeroDivisionError: of some account", call.reason_detail)
        self.assertEqual(self.cdrs.rate_pending()["rated"], 1)
        self.assert_laws(sum(accounts, self.env["res.partner"]))

    def test_an_account_whose_calls_all_fail_is_not_tried_call_by_call(self):
        good, bad = self.account("Good"), self.account("Bad")
        rows = [
            self.at(account, f"10 {n // 60:02}:{n % 60:02}:00")
            for account in (good, bad)
            for n in range(200)
        ]
        self.cdrs.import_calls(rows, "test")
        routes, batches = rating.Rater._routes, []
        rate_batch = rating.Rater._rate_batch

        def fail(rater, account, direction):
            if account.id == bad.id:
                raise RuntimeError("broken")
            return routes(rater, account, direction)

        def count(rater, claimed, started):
            batches.append(len(claimed))
            return rate_batch(rater, claimed, started)

        with (
            patch.object(rating.Rater, "_routes", fail),
            patch.object(rating.Rater, "_rate_batch", count),
            self.assertLogs(LOGGER, "WARNING") as logs,
        ):
            counts = self.cdrs.rate_pending()
        self.assertEqual((counts["rated"], counts["unrated"]), (200, 200))
        self.assertLess(len(batches), 30)
        self.assertEqual(len(logs.output), 1)
        self.assertEqual(self.cdrs.rate_pending()["rated"], 200)

    def test_billing_goes_on_when_a_call_cannot_be_priced(self):
        good, bad = self.account("Good"), self.account("Bad")
        self.cdrs.import_calls([self.at(good, "10 10:00:00"), self.at(bad, "10 10:00:00")], "test")
        routes = rating.Rater._routes

        def fail(rater, account, direction):
            if account.id == bad.id:
                raise RuntimeError("broken")
            return routes(rater, account, direction)

        with patch.object(rating.Rater, "_routes", fail), mute_logger(LOGGER):
            self.bill("2025-04-01", good + bad)
        self.assertEqual(good.billing_period_ids.move_id.amount_untaxed, 60)
        self.assertFalse(bad.billing_period_ids.filtered("move_id"))

    def test_more_seconds_than_four_bytes_hold(self):
        account = self.account("Long")
        account.rate_card_id = self.make_card("Cheap", [("", "World", 0.01, {})])
        week = 7 * 86400
        rows = [self.call(account, uid=f"w{n}", seconds=week) for n in range(3600)]
        self.cdrs.import_calls(rows, "test")
        self.assertEqual(self.cdrs.rate_pending()["rated"], 3600)
        usage = self.env["telecom.usage"].search([("partner_id", "=", account.id)])
        self.assertEqual(sum(usage.mapped("seconds")), 3600 * week)
        unlimited = self.account("Unlimited", self.make_package("U", 0, unit="unlimited"))
        rows = [{**row, "uid": f"u{row['uid']}", "account_code": "UNLIMITED"} for row in rows]
        unlimited.account_code = "UNLIMITED"
        self.cdrs.import_calls(rows, "test")
        self.assertEqual(self.cdrs.rate_pending()["rated"], 3600)
        self.assert_allowances_add_up(unlimited)
        self.assertEqual(self.cdrs._rerate(accounts=unlimited)["rated"], 3600)

    # === THE BILLING DAY ===

    def test_a_new_billing_day_gives_no_second_allowance(self):
        package = self.make_package("P", 600)
        account = self.account("Moved", package)
        self.env["telecom.subscription"]._add_recurring_charges(self.day("2025-03-01"))
        self.take_calls([self.at(account, "02 10:00:00", 600)])
        account.billing_day = 15
        self.take_calls([self.at(account, "06 10:00:00", 10), self.at(account, "16 10:00:00", 20)])
        self.assertEqual(self.amounts(account), [0, 10, 20])
        # the bridge is a span of its own, and so is the month after it
        self.env["telecom.subscription"]._add_recurring_charges(self.day("2025-04-15"))
        self.take_calls(
            [
                self.call(account, uid=f"a{day}", start=f"2025-{day} 10:00:00", seconds=500)
                for day in ("04-02", "04-20")
            ]
        )
        self.assertEqual(self.amounts(account)[3:], [0, 0])
        self.assert_allowances_add_up(account)

    def test_a_billing_day_or_rhythm_changed_before_the_first_charge(self):
        """The counter of a span stays, though the span ends on another day."""
        for vals in ({"billing_day": 28}, {"billing_day": 30}):
            account = self.account(f"B{vals}", self.make_package("P", 600), billing_day=31)
            self.take_calls([self.at(account, "05 10:00:00", 400)])
            account.write(vals)
            self.take_calls([self.at(account, "06 10:00:00", 300)])
            self.assertEqual(self.amounts(account), [0, 100], vals)
            self.assert_allowances_add_up(account)

    # === CALLS THAT COME LATE ===

    def test_calls_priced_again_keep_their_rates(self):
        account = self.account("Late", self.make_package("P", 100))
        self.take_calls([self.at(account, "10 10:00:00", 60), self.at(account, "10 11:00:00", 60)])
        self.assertEqual(self.amounts(account), [0, 20])
        # dearer from now on, and no price for where it went before
        account.rate_card_id = self.make_card("Dear", [("331", "Paris", 6000, {})])
        late = self.at(account, "10 09:00:00", 30, dst="33142681234")
        self.take_calls([late])
        self.assertEqual(self.amounts(account), [0, 0, 50])
        self.assertEqual(
            self.charges_of(account).mapped("destination"), ["Paris", "World", "World"]
        )
        self.assertEqual(self.charges_of(account)[1:].mapped("rate_id.card_id"), self.seconds)
        self.assert_laws(account)

    def test_a_call_without_a_rate_takes_nothing_back(self):
        account = self.account("Waiting", self.make_package("P", 100))
        account.rate_card_id = self.make_card("Belgium", [("32", "Belgium", 60, {})])
        self.take_calls([self.at(account, f"1{n} 10:00:00", 60) for n in range(4)])
        self.cdrs.import_calls([self.at(account, "09 10:00:00", 60, dst="33142681234")], "test")
        before = self.charges_of(account).ids
        usage = self.env["telecom.usage"].search_count([("partner_id", "=", account.id)])
        for _again in range(3):
            self.cdrs.rate_pending()
        self.assertEqual(self.charges_of(account).ids, before)
        self.assertEqual(
            self.env["telecom.usage"].search_count([("partner_id", "=", account.id)]), usage
        )

    def test_resellers_are_free_for_what_covers_them_alone(self):
        reseller = self.make_reseller("Above")
        reseller.rate_card_id = self.seconds
        account = self.account(
            "Below",
            self.make_package("Own", 60, covers_resellers=False, sequence=1),
            self.make_package("Shared", 60, covers_resellers=True, sequence=2),
            reseller_id=reseller.id,
        )
        self.take_calls([self.at(account, "10 10:00:00", 130)])
        self.assertEqual(self.amounts(account), [10])
        self.assertEqual(self.amounts(reseller), [70])
        self.assertEqual(self.charges_of(reseller).free_seconds, 60)

    def test_a_part_of_a_package_is_counted_exactly(self):
        account = self.account("Part")
        self.add_service(account, self.make_package("P", 6000), quantity=1.15)
        self.take_calls([self.at(account, "10 10:00:00", 6901)])
        self.assertEqual(self.amounts(account), [1])

    # === RATES ===

    def test_a_rate_in_use_cannot_be_deleted(self):
        account = self.account("Used")
        self.take_calls([self.at(account, "10 10:00:00")])
        used, unused = self.seconds.rate_ids.sorted(lambda r: r.direction != "outbound")
        with self.assertRaisesRegex(UserError, "end them"):
            used.unlink()
        rater = Rater(self.env)
        rater.rates.load(self.seconds.ids, [(0, 0, "outbound", "3225551234", "", 0)] * 1)
        deleted = self.seconds.rates_deleted
        unused.unlink()
        self.seconds.invalidate_recordset(["rates_deleted"])
        self.assertGreater(self.seconds.rates_deleted, deleted)

    # === COMMITS ===

    def test_what_was_done_before_a_batch_survives_its_repetition(self):
        """A batch that is repeated is rolled back; its caller's rows are committed before."""
        commits, rollbacks = [], []
        cursor = self.env.cr
        calls = iter([bulk.ConcurrencyError("once"), None])

        def work():
            error = next(calls)
            if error:
                raise error
            return "done"

        env = self.env(context={**self.env.context, "telecom_commit": True})
        with (
            patch.object(cursor, "commit", lambda: commits.append(len(rollbacks))),
            patch.object(cursor, "rollback", lambda: rollbacks.append(len(commits))),
        ):
            self.assertEqual(bulk.run_batch(env, work), "done")
        self.assertEqual((commits[0], rollbacks), (0, [1]))
