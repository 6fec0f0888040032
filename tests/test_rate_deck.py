"""What decks do to a rate card, whatever their order, dates and mode."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from odoo.exceptions import UserError

from odoo.addons.telecom_billing.engine.intake.deck_rows import parse_deck_rows
from odoo.addons.telecom_billing.models.rate_deck import RateDeck
from odoo.addons.telecom_billing.models.rating_rates import Rates

from .common import TelecomCommon
from .engine_case import property_test

DAY = timedelta(days=1)
START = datetime(2025, 3, 1)
COLUMNS = {"prefix": 0, "price_per_minute": 1, "date_from": 2, "date_to": 3, "destination": 4}


def moment(day):
    """The start of a day of the tests, None for none."""
    return None if day is None else START + day * DAY


class TestRateDeck(TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.deck = RateDeck(cls.env)
        cls.empty = cls.make_card("Empty")

    def rows(self, *rows):
        """Parsed rows from (prefix, price, first day, last day + 1, destination)."""
        cells = []
        for prefix, price, *rest in rows:
            first, end, name = (*rest, None, None, None)[:3]
            cells.append(
                [prefix, str(price), str(moment(first) or ""), str(moment(end) or ""), name or "X"]
            )
        return parse_deck_rows(cells, COLUMNS)

    def put(self, rows, day=0, replace=False, card=None):
        """Apply a deck; return its counts of new, changed, unchanged, closed and rejected rows."""
        card = self.empty if card is None else card
        effective = moment(day)
        planned = self.deck.preview(card, rows, effective, replace).counts
        counts = self.deck.apply(card, rows, effective, replace).counts
        self.assertEqual(planned, counts, "the preview tells another story than the import")
        self.assert_no_overlap(card)
        return tuple(counts[k] for k in ("new", "changed", "unchanged", "closed", "rejected"))

    def assert_no_overlap(self, card):
        """What the constraint for edits by hand asks must hold for bulk imports, too."""
        self.env.invalidate_all()
        card.rate_ids._check_overlap()

    def price(self, day, prefix="32", card=None):
        """The price that rating finds for a number of a prefix at the start of a day, None for
        none."""
        card = self.empty if card is None else card
        rates = Rates(self.env)
        at, number = str(moment(day)), prefix.ljust(11, "0")
        rates.load([card.id], [(0, 0, "outbound", number, at, 60)])
        found = rates.table(card.id, "outbound").find(number, at)
        return found and Decimal(found[1].terms.price).scaleb(-8).normalize()

    def prices(self, days, prefix="32"):
        return [None if (p := self.price(day, prefix)) is None else float(p) for day in days]

    # === SINGLE STEPS ===

    def test_first_deck_holds_since_ever(self):
        self.assertEqual(self.put(self.rows(("32", 1), ("33", 2)), None), (2, 0, 0, 0, 0))
        self.assertEqual(self.prices([-9999, 0, 9999]), [1, 1, 1])
        self.assertFalse(self.empty.rate_ids.filtered("date_from"))

    def test_card_with_rates_needs_a_moment(self):
        self.put(self.rows(("32", 1)), None)
        with self.assertRaisesRegex(UserError, "Say from which moment"):
            self.deck.preview(self.empty, self.rows(("32", 2)), None)

    def test_new_price_closes_the_old_one(self):
        self.put(self.rows(("32", 1), ("33", 5)), None)
        self.assertEqual(self.put(self.rows(("32", 2), ("34", 3)), 10), (1, 1, 0, 0, 0))
        self.assertEqual(self.prices([0, 9, 10, 11]), [1, 1, 2, 2])
        self.assertEqual(self.prices([9, 10], "33"), [5, 5])
        self.assertEqual(self.prices([9, 10], "34"), [None, 3])

    def test_replacement_ends_what_it_does_not_name(self):
        self.put(self.rows(("32", 1), ("33", 5), ("34", 6)), None)
        counts = self.put(self.rows(("32", 1), ("33", 7)), 10, replace=True)
        self.assertEqual(counts, (0, 1, 1, 1, 0))
        self.assertEqual(self.prices([9, 10], "34"), [6, None])
        self.assertEqual(self.prices([9, 10], "33"), [5, 7])

    def test_replacement_leaves_the_other_direction(self):
        card = self.make_card("Both", [("32", "In", 0.5, {"direction": "inbound"})])
        self.put(self.rows(("33", 1)), 5, replace=True, card=card)
        self.assertFalse(card.rate_ids.filtered(lambda r: r.direction == "inbound").date_to)

    def test_same_deck_twice_changes_nothing(self):
        deck = self.rows(("32", 1), ("33", 2, 0, 5), ("33", 3, 5))
        self.put(deck, 0)
        self.env.flush_all()
        before = self.env.execute_query(self._table())
        for replace in (False, True):
            self.assertEqual(self.put(deck, 0, replace), (0, 0, 3, 0, 0))
            self.assertEqual(self.env.execute_query(self._table()), before)

    def _table(self):
        from odoo.tools import SQL

        return SQL("SELECT * FROM telecom_rate WHERE card_id = %s ORDER BY id", self.empty.id)

    def test_corrected_deck_changes_prices_in_place(self):
        self.put(self.rows(("32", 1)), None)
        self.put(self.rows(("32", 20)), 10)
        count = len(self.empty.rate_ids)
        self.assertEqual(self.put(self.rows(("32", 2)), 10), (0, 1, 0, 0, 0))
        self.assertEqual(len(self.empty.rate_ids), count)
        self.assertEqual(self.prices([9, 10]), [1, 2])

    def test_announced_price_survives_an_update(self):
        self.put(self.rows(("32", 1), ("32", 5, 20)), None)
        self.put(self.rows(("32", 2)), 10)
        self.assertEqual(self.prices([9, 10, 19, 20]), [1, 2, 2, 5])

    def test_announced_price_goes_with_a_replacement(self):
        self.put(self.rows(("32", 1), ("32", 5, 20), ("33", 1, 20)), None)
        self.assertEqual(self.put(self.rows(("32", 2)), 10, replace=True), (0, 1, 0, 1, 0))
        self.assertEqual(self.prices([9, 10, 19, 20]), [1, 2, 2, 2])
        self.assertEqual(self.prices([20], "33"), [None])
        # ... and may be announced once more: the emptied span is used again
        self.put(self.rows(("32", 6, 20), ("33", 7, 20)), 10)
        self.assertEqual(self.prices([19, 20]), [2, 6])
        self.assertEqual(self.prices([19, 20], "33"), [None, 7])

    def test_price_of_a_coming_date_leaves_the_present_one(self):
        self.put(self.rows(("32", 1)), None)
        self.assertEqual(self.put(self.rows(("32", 2, 20)), 10, replace=True), (0, 1, 0, 0, 0))
        self.assertEqual(self.prices([10, 19, 20]), [1, 1, 2])

    def test_present_and_coming_price_in_one_deck(self):
        self.put(self.rows(("32", 1)), None)
        deck = self.rows(("32", 1, 2), ("32", 2, 20))
        self.assertEqual(self.put(deck, 10, replace=True), (0, 2, 0, 0, 0))
        self.assertEqual(self.prices([1, 10, 19, 20]), [1, 1, 1, 2])
        self.assertEqual(len(self.empty.rate_ids), 2, "the price that goes on is not cut in two")

    def test_dates_before_the_deck_are_clipped(self):
        self.put(self.rows(("32", 1)), None)
        result = self.deck.apply(self.empty, self.rows(("32", 2, 3)), moment(10))
        self.assertEqual(result.counts["clipped"], 1)
        self.assertEqual(self.prices([3, 9, 10]), [1, 1, 2])

    def test_row_that_is_over_is_rejected(self):
        result = self.deck.apply(
            self.empty,
            self.rows(("32", 2, 1, 5), ("33", 1), ("34", 1, 1), ("34", 2, 5)),
            moment(10),
        )
        self.assertEqual(
            [(r.line, r.code) for r in result.rejects], [(1, "ended_before"), (3, "ended_before")]
        )
        self.assertEqual(self.prices([10], "34"), [2])

    def test_row_that_is_over_ends_no_other(self):
        """An ended row without a start is the oldest one, not the newest."""
        for replace in (False, True):
            card = self.make_card(f"C{replace}", [("3", "Three", 0.01, {}), ("32", "B", 0.05, {})])
            rows = self.rows(("32", 0.05, None, 9), ("32", 0.07, 10), ("3", 0.01))
            result = self.deck.apply(card, rows, moment(19), replace)
            self.assertEqual([(r.line, r.code) for r in result.rejects], [(1, "ended_before")])
            self.assertEqual(self.price(18, card=card), Decimal("0.05"))
            self.assertEqual(self.price(19, card=card), Decimal("0.07"))

    def test_undated_row_is_older_than_a_dated_one(self):
        """... also where the dated one has begun before the deck takes effect."""
        for dated, undated in ((5, 1), (10, 1), (5, 3), (10, 3)):
            card = self.make_card(f"C{dated}{undated}", [("32", "B", 0.05, {})])
            rows = [("32", 0.07, dated), ("33", 1), ("34", 1)]
            rows.insert(undated, ("32", 0.06))
            self.put(self.rows(*rows), 10, card=card)
            self.assertEqual(self.price(9, card=card), Decimal("0.05"), rows)
            self.assertEqual(self.price(10, card=card), Decimal("0.07"), rows)

    def test_replacement_leaves_what_only_rejected_rows_name(self):
        card = self.make_card(
            "Card",
            [
                ("32", "Ended row", 0.05, {}),
                ("33", "Named twice, once rejected", 0.05, {}),
                ("34", "Not named", 0.05, {}),
                ("32", "Other direction", 0.05, {"direction": "inbound"}),
            ],
        )
        rows = self.rows(("32", 0.06, None, 9), ("33", 0.06, None, 9), ("33", 0.07, 10), ("35", 1))
        rows.append({**rows[-1], "prefix": "36", "direction": "inbound"})
        counts = self.put(rows, 10, replace=True, card=card)
        self.assertEqual(counts, (2, 1, 0, 2, 2))
        self.assertEqual(self.price(10, "32", card), Decimal("0.05"))
        self.assertEqual(self.price(10, "33", card), Decimal("0.07"))
        self.assertIsNone(self.price(10, "34", card))
        inbound = card.rate_ids.filtered(lambda r: r.direction == "inbound" and r.prefix == "32")
        self.assertEqual(inbound.date_to, moment(10), "the rejected row was about other calls")

    def test_end_of_its_own(self):
        self.put(self.rows(("32", 1), ("3", 9)), None)
        self.put(self.rows(("32", 2, 10, 20)), 10)
        self.assertEqual(self.prices([9, 10, 19, 20]), [1, 2, 2, 9])

    def test_destination_is_kept_else_the_country(self):
        card = self.make_card("Named", [("3247", "Belgium Proximus", 0.1, {})])
        rows = parse_deck_rows(
            [["3247", "0.1"], ["33", "1"], ["8816", "2"]], {"prefix": 0, "price_per_minute": 1}
        )
        result = self.deck.apply(card, rows, moment(1))
        self.assertEqual(result.counts["unchanged"], 1)
        self.assertEqual(result.counts["unnamed"], 3)
        self.assertEqual(
            card.rate_ids.sorted("prefix").mapped("destination"),
            ["Belgium Proximus", "France", "8816"],
        )

    def test_dates_are_of_the_time_zone(self):
        deck = RateDeck(self.env, "Europe/Brussels")
        deck.apply(self.empty, self.rows(("32", 1, 0), ("32", 2, 60)))
        self.assertEqual(
            self.empty.rate_ids.sorted("date_from").mapped("date_from"),
            [datetime(2025, 2, 28, 23), datetime(2025, 4, 29, 22)],
        )

    def test_priced_call_keeps_its_rate(self):
        account = self.make_account("A1")
        self.take_calls([self.call(account, start="2025-03-10 10:00:00")])
        rate = self.charges_of(account).rate_id
        deck = self.rows(("32", 9))
        self.deck.apply(self.card, deck, datetime(2025, 3, 5), replace=True)
        self.env["telecom.cdr"]._rerate(cards=self.card)
        charge = self.charges_of(account)
        self.assertEqual(charge.amount, 9)
        self.assertNotEqual(charge.rate_id, rate)
        self.assertEqual(rate.date_to, datetime(2025, 3, 5))

    # === ANY SEQUENCE OF DECKS ===

    @property_test(
        max_examples=60,
        decks=st.lists(
            st.tuples(
                st.integers(0, 5),  # effective
                st.booleans(),  # replace
                st.lists(
                    st.tuples(
                        st.sampled_from(["", "3", "32", "33"]),
                        st.integers(1, 3),
                        st.none() | st.integers(-1, 6),
                        st.none() | st.integers(0, 7),
                    ),
                    min_size=1,
                    max_size=5,
                ),
            ),
            min_size=1,
            max_size=5,
        ),
    )
    def test_any_sequence_of_decks(self, decks):
        card = self.make_card("Any")
        days = range(-2, 9)
        for effective, replace, cells in decks:
            # a row may have prefix '' here, which a file cannot say
            rows = [row for row in self.rows(*((p or "9", *r) for p, *r in cells))]
            for row in rows:
                if row.get("prefix") == "9":
                    row["prefix"] = ""
            before = self._state(card, days)
            result = self.deck.apply(card, rows, moment(effective), replace)
            self.assert_no_overlap(card)
            after = self._state(card, days)
            good = self._effective_rows(rows, effective, result)
            # those that only rejected rows name stay in a replacement
            lines = {reject.line for reject in result.rejects}
            rejected = {r["prefix"] for r in rows if "error" not in r and r["line"] in lines}
            for prefix in ("", "3", "32", "33"):
                named = good[prefix]
                ends = replace and any(good.values()) and prefix not in rejected
                for day in days:
                    old, new = before[prefix][day], after[prefix][day]
                    if day < min(named, default=effective) or (not named and not ends):
                        # before its first row a prefix keeps its price; so does what is not named
                        self.assertEqual(new, old, (prefix, day))
                    elif not named:
                        self.assertIsNone(new, (prefix, day))
                    elif day in named:
                        self.assertEqual(new, named[day][0], (prefix, day))
                    elif replace and named:
                        start = max(d for d in named if d <= day)
                        price, end = named[start]
                        self.assertEqual(new, price if end is None or day < end else None)
            # the same deck again
            self.assertEqual(
                self.deck.apply(card, rows, moment(effective), replace).counts["changed"], 0
            )
            self.assertEqual(self._state(card, days), after)
        card.rate_ids.unlink()

    def _effective_rows(self, rows, effective, result):
        """{prefix: {first day in force: (price, day it ends or None)}} of the rows taken."""
        refused = {reject.line for reject in result.rejects}
        found = defaultdict(dict)
        for row in rows:
            if "error" not in row and row["line"] not in refused:
                day = effective
                if row["date_from"]:
                    day = max(effective, (row["date_from"] - START).days)
                end = row["date_to"] and (row["date_to"] - START).days
                found[row["prefix"]][day] = (row["price_per_minute"], end)
        return found

    def _state(self, card, days):
        """{prefix: {day: price in force or None}}, of each prefix by itself."""
        self.env.invalidate_all()
        state = {prefix: dict.fromkeys(days) for prefix in ("", "3", "32", "33")}
        for rate in card.rate_ids:
            for day in days:
                at = moment(day)
                if (not rate.date_from or rate.date_from <= at) and (
                    not rate.date_to or at < rate.date_to
                ):
                    self.assertIsNone(state[rate.prefix or ""][day], "two rates in force")
                    state[rate.prefix or ""][day] = Decimal(str(rate.price_per_minute))
        return state
