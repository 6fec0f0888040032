"""Free units go to calls in order of their start, whatever the order in which calls arrive."""

import random
from decimal import Decimal
from itertools import permutations

from ..models.rating import Rater
from .common import TelecomCommon
from .pipeline_laws import PipelineLaws


class TestRatingPackages(PipelineLaws, TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cdrs = cls.env["telecom.cdr"]
        cls.count = 0
        # 1 a second: amounts are the seconds that no package carries
        world = ("", "World", 60)
        cls.card = cls.make_card("Seconds", [(*world, {}), (*world, {"direction": "inbound"})])

    def account_with(self, *packages, **vals):
        """Return a new account that has these package products from 1 March on."""
        type(self).count += 1
        account = self.make_account(f"A{self.count}", **vals)
        for product in packages:
            self.add_service(account, product)
        return account

    def calls_at(self, account, *calls):
        """Return rows of (day and time of March, seconds[, more values])."""
        return [
            self.call(
                account,
                uid=f"{self.count}/{start}",
                start=f"2025-03-{start}" if start[4] != "-" else start,
                seconds=seconds,
                **(more[0] if more else {}),
            )
            for start, seconds, *more in calls
        ]

    def free_and_paid(self, account):
        """Return [(free seconds, amount)] of the account's calls, in their order."""
        return [(c.free_seconds, c.amount) for c in self.charges_of(account)]

    def assert_split(self, account, calls, split):
        self.take_calls(self.calls_at(account, *calls))
        self.assertEqual(self.free_and_paid(account), split)
        self.assert_allowances_add_up(account)

    # === WHAT A PACKAGE CARRIES ===

    def test_a_call_is_split_where_the_allowance_ends(self):
        """BUN-BR-J, BUN-BR-K1."""
        self.assert_split(
            self.account_with(self.make_package("P", 100)),
            [("10 10:00:00", 30), ("10 11:00:00", 75), ("10 12:00:00", 30)],
            [(30, 0), (70, 5), (0, 30)],
        )
        self.assert_split(
            self.account_with(self.make_package("P", 10)),
            [("10 10:00:00", 8), ("10 11:00:00", 8)],
            [(8, 0), (2, 6)],
        )

    def test_packages_are_used_up_one_after_the_other(self):
        """BUN-BR-F: 100, 40 and 75 seconds; the last call lies across two of them."""
        products = [self.make_package(f"P{s}", s, sequence=10 - s // 20) for s in (40, 75, 100)]
        account = self.account_with(*products)
        self.assert_split(
            account,
            [("10 10:00:00", 60), ("11 10:00:00", 50), ("12 10:00:00", 50), ("13 10:00:00", 280)],
            [(60, 0), (50, 0), (50, 0), (55, 225)],
        )
        used = account.subscription_ids.allowance_ids
        self.assertEqual(
            {a.package_id.name: a.used for a in used}, {"P100": 100, "P40": 40, "P75": 75}
        )
        self.assertEqual(set(used.mapped("remaining")), {0})

    def test_the_quantity_of_the_service_multiplies(self):
        """BUN-BR-W1: 2 x 100."""
        account = self.account_with()
        self.add_service(account, self.make_package("P", 100), quantity=2)
        self.assert_split(
            account,
            [("10 10:00:00", 150), ("11 10:00:00", 50), ("12 10:00:00", 50)],
            [(150, 0), (50, 0), (0, 50)],
        )

    def test_a_package_has_a_direction_and_prefixes(self):
        outbound = self.make_package("Out", 100, prefixes="32, 33", sequence=1)
        inbound = self.make_package("In", 100, direction="inbound", sequence=2)
        both = self.make_package("Both", 100, direction="both", prefixes="49", sequence=3)
        number, way = "dst", {"direction": "inbound"}
        self.assert_split(
            self.account_with(outbound, inbound, both),
            [
                ("10 10:00:00", 60),
                ("10 11:00:00", 60, {number: "33123456789"}),
                ("10 12:00:00", 60, way),
                ("10 13:00:00", 60, {number: "4930123456", **way}),
                ("10 14:00:00", 100, {number: "4930123456"}),
                ("10 15:00:00", 60, {number: "12025550100"}),
            ],
            # the fourth one uses up the second package and begins the third
            [(60, 0), (40, 20), (60, 0), (60, 0), (80, 20), (0, 60)],
        )

    def test_units_of_calls_and_without_limit(self):
        self.assert_split(
            self.account_with(self.make_package("C", 2, unit="calls")),
            [("10 10:00:00", 500), ("10 11:00:00", 1), ("10 12:00:00", 7)],
            [(500, 0), (1, 0), (0, 7)],
        )
        self.assert_split(
            self.account_with(self.make_package("U", 0, unit="unlimited", prefixes="32")),
            [("10 10:00:00", 500), ("10 11:00:00", 100, {"dst": "33123456789"})],
            [(500, 0), (0, 100)],
        )

    def test_used_time_may_count_in_whole_minutes(self):
        """BUN-MAG-PKG: 61 s use 120 of 6000; BUN-FREESPEECH-15: 15 minutes with 10 a day."""
        account = self.account_with(self.make_package("P", 6000, increment=60))
        self.assert_split(account, [("10 10:00:00", 61)], [(61, 0)])
        self.assertEqual(account.subscription_ids.allowance_ids.remaining, 5880)
        daily = self.make_package("D", 600, product={"telecom_recurrence": "daily"})
        self.card.rate_ids.write({"initial_increment": 60, "increment": 60})
        self.assert_split(
            self.account_with(daily),
            [("10 10:00:00", 900), ("11 10:00:00", 61)],
            [(600, 300), (61, 0)],
        )

    def test_a_free_call_keeps_the_seconds_it_would_have_cost(self):
        """RAT-YETI-PACKAGE: 560 s at 60/11 are 566."""
        self.card.rate_ids.write({"initial_increment": 60, "increment": 11})
        account = self.account_with(self.make_package("P", 1000))
        self.assert_split(account, [("10 10:00:00", 560)], [(560, 0)])
        self.assertEqual(self.charges_of(account).billed_seconds, 566)

    def test_a_connection_fee_is_covered_when_the_package_says_so(self):
        self.card.rate_ids.connection_fee = 7
        for covers_fee, fee in ((True, 0), (False, 7)):
            account = self.account_with(self.make_package("P", 50, covers_fee=covers_fee))
            self.assert_split(
                account,
                [("10 10:00:00", 40), ("10 11:00:00", 20), ("10 12:00:00", 20)],
                [(40, fee), (10, 10 + fee), (0, 27)],
            )

    def test_resellers_share_free_seconds_where_the_package_says_so(self):
        for covers, split in ((True, [(40, 0)]), (False, [(0, 40)])):
            type(self).count += 1
            reseller = self.make_reseller(f"R{self.count}")
            account = self.make_account(f"C{self.count}", reseller_id=reseller.id)
            self.add_service(account, self.make_package("P", 50, covers_resellers=covers))
            self.assert_split(account, [("10 10:00:00", 40)], [(40, 0)])
            self.assertEqual(self.free_and_paid(reseller), split)

    # === SPANS ===

    def test_each_span_starts_afresh_on_the_billing_day(self):
        days = [(f"2025-{day} 10:00:00", 60) for day in ("03-14", "03-15", "04-14", "04-15")]
        package = self.make_package("P", 100)
        self.assert_split(
            self.account_with(package, billing_day=15), days, [(60, 0), (60, 0), (40, 20), (60, 0)]
        )
        # in full from the day it began where it is not prorated
        package.telecom_prorate = False
        account = self.account_with()
        self.add_service(account, package, "2025-03-14")
        days = [(f"2025-{day} 10:00:00", 60) for day in ("03-14", "04-13", "04-14")]
        self.assert_split(account, days, [(60, 0), (40, 20), (60, 0)])

    def test_a_call_belongs_to_the_span_of_its_day_in_the_accounts_time_zone(self):
        """BUN-BR-P4: 21:00:01 UTC on 30 September is 1 October in Jerusalem (UTC+3)."""
        package = self.make_package("P", 100)
        account = self.account_with(tz="Asia/Jerusalem")
        self.add_service(account, package, "2017-09-01", date_end="2017-10-01")
        self.assert_split(
            account,
            [("2017-09-30 20:59:59", 60), ("2017-09-30 21:00:01", 60), ("2017-08-31 21:00:00", 30)],
            [(30, 0), (60, 0), (0, 60)],
        )

    def test_a_late_call_is_judged_by_its_own_day(self):
        """BUN-BR-R: 500 s from 10 to 20 September, else 0.1 for each 10 s begun."""
        self.card.rate_ids.write(
            {"price_per_minute": 0.6, "initial_increment": 10, "increment": 10}
        )
        account = self.account_with()
        self.add_service(account, self.make_package("P", 500), "2017-09-10", date_end="2017-09-21")
        calls = (("11", 235), ("12", 245), ("13", 70), ("09", 120), ("21", 60), ("14", 75))
        for day, seconds in calls:
            self.take_calls(self.calls_at(account, (f"2017-09-{day} 10:00:00", seconds)))
        self.assertEqual(
            self.free_and_paid(account),
            [(0, 1.2), (235, 0), (245, 0), (20, 0.5), (0, 0.8), (0, 0.6)],
        )

    def test_a_change_of_quantity_counts_from_its_day(self):
        account = self.account_with(self.make_package("P", 100))
        account.subscription_ids.change_terms(self.day("2025-03-15"), quantity=2)
        self.assert_split(
            account,
            [("14 10:00:00", 150), ("15 10:00:00", 150)],
            [(100, 50), (100, 50)],
        )

    # === ORDER OF ARRIVAL ===

    CALLS = (
        ("10 10:00:00", 45),
        ("10 10:00:01", 45, {"dst": "33123456789"}),
        ("31 21:59:59", 80),
        ("31 22:00:00", 70),
    )

    def history(self, order, size):
        """Import and rate the calls in the order, `size` at a time; return the end state."""
        account = self.account_with(self.belgian, self.any)
        rows = self.calls_at(account, *self.CALLS)
        for index in range(0, len(rows), size):
            self.cdrs.import_calls([rows[i] for i in order[index : index + size]], "test")
            Rater(self.env, batch_size=size).run()
        self.assert_usage_is_charges(account)
        self.assert_allowances_add_up(account)
        return self.end_state(account)

    def test_every_order_of_arrival_and_size_of_batch_ends_in_the_same_charges(self):
        type(self).belgian = self.make_package("B", 60, prefixes="32", sequence=1)
        type(self).any = self.make_package("A", 2, unit="calls", sequence=2)
        quiet = self.history(range(4), 4)
        self.assertEqual(sum(sum(calls.values()) for calls in quiet.values()), 4)
        for order in permutations(range(4)):
            self.assertEqual(self.history(order, 1), quiet, order)
        rng = random.Random(19)
        for size in (2, 3):
            for _example in range(4):
                order = rng.sample(range(4), 4)
                self.assertEqual(self.history(order, size), quiet, (order, size))

    def test_of_calls_that_start_together_arrival_does_not_decide(self):
        package = self.make_package("P", 60)
        states = []
        for order in permutations("abc"):
            account = self.account_with(package)
            for name in order:
                seconds = {"a": 50, "b": 30, "c": 20}[name]
                row = self.call(account, seconds=seconds, uid=f"{self.count}/{name}")
                self.take_calls([row])
            states.append(self.end_state(account))
        self.assertEqual(states, states[:1] * 6)

    def test_pricing_any_part_again_changes_nothing(self):
        account = self.account_with(self.make_package("P", 100))
        rows = self.calls_at(account, *((f"{day} 10:00:00", 37) for day in range(10, 17)))
        self.take_calls(rows)
        state = self.end_state(account)
        calls = self.cdrs.search([("partner_id", "=", account.id)])
        rng = random.Random(19)
        for _example in range(5):
            self.cdrs._rerate(calls=calls.browse(rng.sample(calls.ids, rng.randint(1, 7))))
            self.assertEqual(self.end_state(account), state)
            self.assert_usage_is_charges(account)
            self.assert_allowances_add_up(account)
        self.cdrs._rerate(accounts=account, date_from="2025-03-12", date_to="2025-03-14")
        self.assertEqual(self.end_state(account), state)

    def test_free_units_of_invoiced_calls_stay_with_them(self):
        account = self.account_with(self.make_package("P", 100), billing_cycle="weekly")
        self.take_calls(self.calls_at(account, ("10 10:00:00", 80), ("20 10:00:00", 80)))
        self.assertEqual(self.free_and_paid(account), [(80, 0), (20, 60)])
        self.bill("2025-03-17", account)
        invoiced = self.charged(account, "p.move_id IS NOT NULL")
        self.take_calls(self.calls_at(account, ("09 10:00:00", 50)))
        self.assertEqual(self.free_and_paid(account), [(20, 30), (80, 0), (0, 80)])
        self.assertEqual(self.charged(account, "p.move_id IS NOT NULL"), invoiced)
        self.assertEqual(self.charged(account, "p.move_id IS NULL"), Decimal(110))
        self.assert_laws(account)
