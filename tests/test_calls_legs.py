"""One leg of each call is charged, whatever the order in which a switch reports the legs."""

from itertools import permutations
from unittest.mock import patch

from ..models.call_legs import CallLegs
from .common import TelecomCommon
from .pipeline_laws import PipelineLaws


class TestCallsLegs(PipelineLaws, TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cdrs = cls.env["telecom.cdr"]
        cls.package = cls.make_package("P", 90)
        cls.round = 0

    def accounts(self):
        """Return two accounts of this round: a customer with a package, and another one."""
        type(self).round += 1
        first = self.make_account(f"A{self.round}", billing_start="2025-03-01")
        second = self.make_account(f"B{self.round}", billing_start="2025-03-01")
        for account in (first, second):
            self.add_service(account, self.package)
        return first, second

    def rows(self, accounts, legs):
        """Return rows for (name, other leg, account, second, seconds, more values)."""
        return [
            self.call(
                accounts[account] if account is not None else accounts[0],
                uid=f"{self.round}/{name}",
                bleg_uid=other and f"{self.round}/{other}",
                start=f"2025-03-10 10:00:{second:02d}",
                seconds=seconds,
                **({} if account is not None else {"account_code": "nobody", "src": "1"}),
                **more,
            )
            for name, other, account, second, seconds, more in legs
        ]

    def histories(self, legs):
        """Yield (name, batches, whether each batch is rated at once) of all orders of legs."""
        for order in permutations(legs):
            name = "".join(leg[0] for leg in order)
            yield f"{name} in one import", [order], False
            yield f"{name} one by one", [[leg] for leg in order], False
            yield f"{name} one by one, rated", [[leg] for leg in order], True

    def assert_same_end(self, legs, charged):
        """Every history of these legs charges the legs `charged`, with equal amounts."""
        first_state = None
        for name, batches, rated in self.histories(legs):
            accounts = self.accounts()
            for batch in batches:
                self.cdrs.import_calls(self.rows(accounts, batch), "test")
                if rated:
                    self.cdrs.rate_pending()
            self.cdrs.rate_pending()
            both = accounts[0] + accounts[1]
            self.assert_usage_is_charges(both)
            self.assert_allowances_add_up(both)
            calls = self.env["telecom.call.charge"].search([("partner_id", "in", both.ids)])
            legs_charged = sorted(uid.split("/")[1] for uid in calls.cdr_id.mapped("uid"))
            self.assertEqual(legs_charged, sorted(charged), name)
            state = self.end_state(both)
            first_state = first_state or state
            self.assertEqual(state, first_state, name)

    def race(self, accounts, legs, rated=False):
        """Take legs as transactions at the same time leave them, each without having seen the
        others; return their ids by name."""
        for index, row in enumerate(self.rows(accounts, legs)):
            self.cdrs.import_calls([row], f"race {index}")
        if rated:
            self.cdrs.rate_pending()
        calls = self.cdrs.search([("source", "=like", "race %")])
        self.env.cr.execute("UPDATE telecom_cdr SET source = 'test' WHERE source LIKE 'race %'")
        self.env.invalidate_all()
        return {call.uid.split("/")[1]: call.id for call in calls}

    def assert_race_is_settled(self, legs, charged):
        """Whichever of the legs are looked at, and when, the legs `charged` are charged."""
        names = [leg[0] for leg in legs]
        for rated in (False, True):
            for order in (names, *([name] for name in names), names[::-1]):
                with self.subTest(rated=rated, order=order):
                    accounts = self.accounts()
                    ids = self.race(accounts, legs, rated)
                    aside = set().union(*(CallLegs(self.env).settle([ids[n]]) for n in order))
                    self.assertEqual(aside, {ids[name] for name in names if name not in charged})
                    self.assertEqual(CallLegs(self.env).settle(ids.values()), set())
                    self.cdrs.rate_pending()
                    both = accounts[0] + accounts[1]
                    self.assert_usage_is_charges(both)
                    self.assert_allowances_add_up(both)
                    calls = self.env["telecom.call.charge"].search([("partner_id", "in", both.ids)])
                    self.assertEqual(set(calls.cdr_id.ids), {ids[name] for name in charged})

    def test_legs_taken_at_the_same_time_are_settled_afterwards(self):
        pair = [("a", "b", 0, 0, 60, {}), ("b", "", 1, 2, 58, {})]
        self.assert_race_is_settled(pair, "a")
        mutual = [("a", "b", None, 0, 60, {}), ("b", "a", 0, 2, 58, {})]
        self.assert_race_is_settled(mutual, "b")

    def test_pricing_settles_what_was_taken_at_the_same_time(self):
        """Both in one batch of the rater, or one priced before the other was there."""
        pair = [("a", "b", 0, 0, 60, {}), ("b", "", 1, 2, 58, {})]
        for first in (None, "a", "b"):
            with self.subTest(first=first):
                accounts = self.accounts()
                ids = self.race(accounts, pair)
                if first:
                    action = self.cdrs.browse(ids[first])
                    with patch.object(CallLegs, "settle", lambda _self, _ids: set()):
                        action.action_rate()
                self.cdrs.rate_pending()
                charged = self.env["telecom.call.charge"].search(
                    [("partner_id", "in", (accounts[0] + accounts[1]).ids)]
                )
                self.assertEqual(charged.cdr_id.ids, [ids["a"]])
                self.assertEqual(self.cdrs.browse(ids["b"]).reason, "other_leg")

    def test_a_leg_that_was_priced_first_is_withdrawn_with_its_free_units(self):
        pair = [("a", "b", 0, 0, 60, {}), ("b", "", 1, 2, 58, {}), ("c", "", 1, 5, 60, {})]
        accounts = self.accounts()
        ids = self.race(accounts, pair, rated=True)
        free = self.cdrs.browse(ids["c"]).call_charge_ids
        self.assertEqual(free.free_seconds, 32)
        self.assertEqual(CallLegs(self.env).settle([ids["a"]]), {ids["b"]})
        self.cdrs.rate_pending()
        self.assertEqual(self.cdrs.browse(ids["c"]).call_charge_ids.free_seconds, 60)

    def test_a_race_with_an_invoiced_leg_sets_the_late_one_aside(self):
        accounts = self.accounts()
        legs = [("a", "b", 0, 0, 60, {}), ("b", "", 1, 2, 58, {})]
        first, second = self.rows(accounts, legs)
        self.cdrs.import_calls([second], "race 1")
        self.cdrs.rate_pending()
        self.bill("2025-04-01", accounts[1])
        self.cdrs.import_calls([first], "race 0")
        self.env.cr.execute("UPDATE telecom_cdr SET source = 'test' WHERE source LIKE 'race %'")
        self.env.invalidate_all()
        late = self.cdrs.search([("uid", "=", first["uid"])])
        self.assertEqual(CallLegs(self.env).settle(late.ids), set(late.ids))
        self.assertEqual((late.state, late.reason), ("ignored", "other_leg"))

    def test_the_leg_that_names_the_other_is_charged(self):
        self.assert_same_end(
            [("a", "b", 0, 0, 60, {}), ("b", "", 0, 2, 58, {}), ("c", "", 0, 5, 60, {})],
            charged="ac",
        )

    def test_of_legs_that_name_each_other_the_one_with_an_account_is_charged(self):
        self.assert_same_end([("a", "b", None, 0, 60, {}), ("b", "a", 0, 2, 58, {})], charged="b")

    def test_of_legs_that_name_each_other_the_earlier_one_is_charged(self):
        self.assert_same_end([("a", "b", 1, 2, 60, {}), ("b", "a", 0, 1, 58, {})], charged="b")

    def test_a_chain_of_legs_is_one_call(self):
        self.assert_same_end(
            [("a", "b", 0, 0, 60, {}), ("b", "c", 0, 2, 58, {}), ("c", "", 1, 3, 57, {})],
            charged="a",
        )

    def test_a_leg_that_the_reader_marked_takes_no_other_along(self):
        marked = {"ignored": "other_leg"}
        self.assert_same_end(
            [("a", "", 0, 0, 60, {}), ("b", "a", 0, 2, 58, marked), ("c", "b", 0, 2, 58, marked)],
            charged="a",
        )
        self.assert_same_end(
            [("a", "b", None, 0, 60, {}), ("b", "a", 0, 2, 58, marked)],
            charged="",
        )

    def test_free_units_of_a_leg_go_to_the_calls_after_it(self):
        """The other leg had used another account's package when it was still taken for a call."""
        self.assert_same_end(
            [("a", "b", 0, 0, 60, {}), ("b", "", 1, 2, 58, {}), ("c", "", 1, 5, 60, {})],
            charged="ac",
        )

    def test_an_unanswered_leg_decides_for_the_call(self):
        self.assert_same_end([("a", "b", 0, 0, 0, {}), ("b", "", 0, 2, 58, {})], charged="")

    def test_legs_of_two_switches_have_nothing_to_do_with_each_other(self):
        accounts = self.accounts()
        rows = self.rows(accounts, [("a", "b", 0, 0, 60, {}), ("b", "", 0, 2, 58, {})])
        self.cdrs.import_calls(rows[:1], "switch 1")
        self.cdrs.import_calls(rows[1:], "switch 2")
        self.assertEqual(self.cdrs.rate_pending()["rated"], 2)

    def test_a_leg_that_is_invoiced_stays_the_one_that_is_charged(self):
        accounts = self.accounts()
        first, second = self.rows(accounts, [("a", "b", 0, 0, 60, {}), ("b", "", 0, 2, 200, {})])
        self.cdrs.import_calls([second], "test")
        self.cdrs.rate_pending()
        move = self.bill("2025-04-01", accounts[0])
        total = move.amount_untaxed
        self.cdrs.import_calls([first], "test")
        self.cdrs.rate_pending()
        calls = self.cdrs.search([("uid", "in", (first["uid"], second["uid"]))], order="uid")
        self.assertEqual(calls.mapped("state"), ["ignored", "rated"])
        self.assertEqual(
            (move.amount_untaxed, self.charged(accounts[0], "p.move_id IS NULL")), (total, 0)
        )
