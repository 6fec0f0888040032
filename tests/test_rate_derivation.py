"""Rate cards derived from other ones by mark-up, and kept in step with them."""

from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from hypothesis import strategies as st

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command

from odoo.addons.telecom_billing.models.rate_derivation import RateDerivation, Terms

from .engine_case import property_test
from .rate_import_common import RateImportCommon

DAY = timedelta(days=1)
START = datetime(2025, 3, 1)


def moment(day):
    """The start of a day of the tests, None for none."""
    return None if day is None else START + day * DAY


class DerivationCase(RateImportCommon):
    RATES = (
        ("32", "Belgium", 0.05, {}),
        ("3247", "Belgium Mobile", 0.12, {"initial_increment": 30, "increment": 6}),
        ("33", "France", 0.0333, {"included_seconds": 10}),
        ("1", "USA", 0.02, {"connection_fee": 0.1, "initial_increment": 60, "increment": 60}),
        ("", "Received", 0.008, {"direction": "inbound"}),
    )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reseller = cls.make_reseller("Voice")
        cls.cards = cls.env["telecom.rate.card"]

    def derive(self, percent=20, digits=4, parent=None, **vals):
        parent = parent or self.card
        return self.cards._derive_card(
            owner=self.reseller, parent_card=parent, percent=percent, digits=digits, **vals
        )

    def rows(self, card):
        """{(direction, prefix): (price, fee)} of the rates in force for ever."""
        card.invalidate_recordset()
        return {
            (rate.direction[:3], rate.prefix or ""): (rate.price_per_minute, rate.connection_fee)
            for rate in card.rate_ids
            if not rate.date_to
        }

    def spans(self, card, prefix="32", direction="outbound"):
        """[(first day, last day + 1, price)] of the rates of a prefix, by start."""
        self.env.invalidate_all()
        rates = card.rate_ids.filtered(
            lambda r: (r.prefix or "") == prefix and r.direction == direction
        ).filtered(lambda r: not r.date_from or r.date_from != r.date_to)
        card.rate_ids._check_overlap()
        return [
            (
                rate.date_from and (rate.date_from - START) / DAY,
                rate.date_to and (rate.date_to - START) / DAY,
                rate.price_per_minute,
            )
            for rate in rates.sorted(lambda r: r.date_from or datetime.min)
        ]

    def versions(self, *cards):
        """Where the rates of these cards stand in their table: a row that is written moves."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT id, ctid FROM telecom_rate WHERE card_id = ANY(%s) ORDER BY id",
            [[card.id for card in cards]],
        )
        return self.env.cr.fetchall()


class TestDerivation(DerivationCase):
    def test_prices_and_fees_are_marked_up_and_all_else_is_taken_over(self):
        card = self.derive(
            name="Voice retail",
            markup_ids=[
                Command.create({"prefix": "+3247", "percent": 50, "fixed_amount": 0.005}),
                Command.create({"prefix": "1", "percent": 10}),
                Command.create({"prefix": "", "direction": "inbound", "percent": 25}),
            ],
        )
        self.assertEqual(
            self.rows(card),
            {
                ("out", "32"): (0.06, 0),  # 0.05 x 1.2
                ("out", "3247"): (0.185, 0),  # 0.12 x 1.5 + 0.005
                ("out", "33"): (0.04, 0),  # 0.0333 x 1.2 = 0.03996
                ("out", "1"): (0.022, 0.11),
                ("inb", ""): (0.01, 0),  # 0.008 x 1.25
            },
        )
        taken = ("direction", "prefix", "destination", "included_seconds")
        taken += ("initial_increment", "increment", "date_from", "date_to")
        self.assertEqual(
            sorted([rate[name] for name in taken] for rate in card.rate_ids),
            sorted([rate[name] for name in taken] for rate in self.card.rate_ids),
        )
        self.assertEqual((card.owner_id, card.parent_card_id), (self.reseller, self.card))
        self.assertFalse(card.is_derivation_due)
        self.assertIn("20.00 %", card.derivation_note)

    def test_rounding_up_or_to_the_nearest_and_never_to_nothing(self):
        parent = self.make_card(
            "P", [("1", "A", 0.0501, {}), ("2", "B", 0.00001, {}), ("3", "Free", 0, {})]
        )
        # 0.0501 x 1.2 = 0.06012
        for method, price in (("half_up", 0.06), ("up", 0.07)):
            card = self.derive(parent=parent, digits=2, derived_method=method)
            prices = {key[1]: row[0] for key, row in self.rows(card).items()}
            self.assertEqual(prices, {"1": price, "2": 0.01, "3": 0})

    def test_another_currency_is_converted_once_at_the_rate_of_the_day(self):
        dollar = self.make_dollar(1.1)
        card = self.derive(currency_id=dollar.id)
        self.assertEqual(self.rows(card)["out", "32"], (0.066, 0))  # 0.05 x 1.1 x 1.2
        self.assertEqual(self.rows(card)["out", "1"], (0.0264, 0.132))
        self.assertIn("1 EUR = 1.1 USD", card.derivation_note)
        # a change of the parent is followed at the rate by which the card was derived
        dollar.rate_ids.rate = 2.0
        self.card.rate_ids.filtered(lambda r: r.prefix == "32").price_per_minute = 0.1
        self.assertEqual(self.rows(card)["out", "32"], (0.132, 0))
        self.assertEqual(self.rows(card)["out", "33"], (0.044, 0))  # 0.0333 x 1.32 = 0.043956
        # deriving again takes the rate of that day
        card._derive(datetime(2025, 7, 1))
        self.assertEqual(self.rows(card)["out", "32"], (0.24, 0))
        with (
            self.assertRaisesRegex(ValidationError, "Make a new card"),
            self.env.cr.savepoint(),
        ):
            self.card.currency_id = dollar
        pound = self.env.ref("base.GBP")
        pound.active = True
        pound.rate_ids.unlink()
        with self.assertRaisesRegex(UserError, "no exchange rate of GBP"):
            self.derive(currency_id=pound.id)

    def test_nothing_before_the_moment_changes(self):
        card = self.make_card("Own", [("32", "Mine", 1, {}), ("49", "Mine", 2, {})])
        card.write({"parent_card_id": self.card.id, "markup_percent": 100})
        self.assertTrue(card.is_derivation_due)
        with self.assertRaisesRegex(UserError, "Say from which moment"):
            card._derive()
        card._derive(moment(5))
        self.assertEqual(self.spans(card), [(False, 5, 1), (5, False, 0.1)])
        self.assertEqual(self.spans(card, "49"), [(False, 5, 2)])
        self.assertEqual(self.spans(card, "33"), [(5, False, 0.0666)])
        # a new mark-up holds from a moment, too; in between nothing of it is seen
        card.markup_percent = 200
        self.assertTrue(card.is_derivation_due)
        self.assertEqual(self.spans(card, "33"), [(5, False, 0.0666)])
        card._derive(moment(9))
        self.assertEqual(self.spans(card, "33"), [(5, 9, 0.0666), (9, False, 0.0999)])
        self.assertFalse(card.is_derivation_due)

    def test_deriving_again_writes_nothing(self):
        card = self.derive()
        deeper = self.derive(parent=card, percent=10)
        before = self.versions(card, deeper)
        logged = len(card.message_ids)
        for day in (0, 3, 3):
            self.assertFalse(card._derive(moment(day)).changes)
            self.assertFalse(deeper._derive(moment(day)).changes)
        self.assertFalse(card.derived_since)
        self.assertEqual(self.versions(card, deeper), before)
        self.assertEqual(len(card.message_ids), logged)

    def test_a_price_that_cannot_be_kept_is_refused(self):
        parent = self.make_card("P", [("1", "A", 600_000, {})])
        with self.assertRaisesRegex(UserError, "prefix 1 would be 1200000"):
            self.derive(parent=parent, percent=100)

    def test_no_card_is_derived_from_itself(self):
        card = self.derive()
        deeper = self.derive(parent=card)
        with (
            self.assertRaisesRegex(ValidationError, "directly or through others"),
            self.env.cr.savepoint(),
        ):
            self.card.parent_card_id = deeper
        with self.assertRaisesRegex(ValidationError, "kept in step with no card"):
            self.card.is_kept_in_step = True

    def test_wizard_shows_what_changes_and_does_it(self):
        card = self.make_card("Own", [("32", "Mine", 1, {}), ("49", "Mine", 2, {})])
        card.write(
            {
                "parent_card_id": self.card.id,
                "markup_percent": 100,
                "markup_ids": [Command.create({"prefix": "861", "percent": 5})],
            }
        )
        action = card.with_user(self.manager).action_derive()
        wizard = (
            self.env[action["res_model"]]
            .with_user(self.manager)
            .with_context(**action["context"])
            .create({"effective": moment(5)})
        )
        self.assertIn("4 new, 1 changed, 0 unchanged, 1 closed", wizard.summary)
        self.assertIn("prefixes of mark-ups: 861", wizard.summary)
        self.assertFalse(self.spans(card, "33"))
        wizard.action_derive()
        self.assertEqual(self.spans(card, "33"), [(5, False, 0.0666)])
        self.assertIn("4 new, 1 changed, 1 closed", card.message_ids[0].body)


class TestKeptInStep(DerivationCase):
    def test_imports_edits_and_ends_are_followed_to_any_depth(self):
        card = self.derive(percent=20)
        deeper = self.derive(percent=50, parent=card)
        once = self.derive(percent=20, is_kept_in_step=False)
        deck = "prefix,destination,price\n32,Belgium,0.10\n44,United Kingdom,0.03\n"
        self.run_import(deck, card=self.card, effective=moment(10))
        self.assertEqual(self.spans(card), [(False, 10, 0.06), (10, False, 0.12)])
        self.assertEqual(self.spans(deeper), [(False, 10, 0.09), (10, False, 0.18)])
        self.assertEqual(self.spans(deeper, "44"), [(10, False, 0.054)])
        self.assertEqual(self.spans(once), [(False, False, 0.06)])
        self.assertFalse(self.spans(once, "44"))
        # a replacement ends what it does not name, from its moment on
        self.run_import(
            "prefix,destination,price\n32,Belgium,0.10\n",
            card=self.card,
            effective=moment(20),
            mode="replace",
        )
        self.assertEqual(self.spans(deeper, "44"), [(10, 20, 0.054)])
        self.assertEqual(self.spans(deeper, "", "inbound"), [(False, False, 0.0144)])
        # by hand: a price, an end, a new rate, a deleted one
        rate = self.card.rate_ids.filtered(lambda r: r.prefix == "32" and not r.date_to)
        rate.price_per_minute = 0.2
        self.assertEqual(self.spans(deeper), [(False, 10, 0.09), (10, False, 0.36)])
        rate.date_to = moment(30)
        self.assertEqual(self.spans(deeper), [(False, 10, 0.09), (10, 30, 0.36)])
        new = rate.create(
            {
                "card_id": self.card.id,
                "prefix": "32",
                "destination": "Belgium",
                "price_per_minute": 0.3,
                "date_from": moment(40),
            }
        )
        self.assertEqual(self.spans(deeper)[1:], [(10, 30, 0.36), (40, False, 0.54)])
        new.unlink()
        self.assertEqual(self.spans(deeper)[1:], [(10, 30, 0.36)])
        # a rate that moves to another prefix is gone from the first
        rate.prefix = "352"
        self.assertEqual(self.spans(deeper), [(False, 10, 0.09)])
        self.assertEqual(self.spans(deeper, "352"), [(10, 30, 0.36)])

    def test_mark_ups_that_are_edited_wait_for_the_next_derivation(self):
        card = self.derive(percent=20)
        card.markup_percent = 100
        rate = self.card.rate_ids.filtered(lambda r: r.prefix == "32")
        rate.price_per_minute = 0.1
        self.assertEqual(self.spans(card), [(False, False, 0.12)])
        card._derive(moment(7))
        self.assertEqual(self.spans(card), [(False, 7, 0.12), (7, False, 0.2)])
        # what the parent changes before that moment is not followed any more
        rate.price_per_minute = 0.4
        self.assertEqual(self.spans(card), [(False, 7, 0.12), (7, False, 0.8)])

    def test_the_rates_of_a_card_that_follows_are_not_edited(self):
        card = self.derive()
        rate = card.rate_ids[0]
        for change in (
            lambda: rate.write({"price_per_minute": 1}),
            rate.unlink,
            lambda: rate.create({"card_id": card.id, "prefix": "49", "destination": "D"}),
            lambda: self.card.rate_ids[0].write({"card_id": card.id}),
            lambda: card._import_deck(b"prefix,price\n32,1\n", effective=moment(1)),
            lambda: self.wizard("prefix,price\n32,1\n", card=card).action_preview(),
        ):
            with self.assertRaisesRegex(UserError, "is kept in step with Standard"):
                change()
        card.is_kept_in_step = False
        rate.price_per_minute = 1
        # what was edited in between is not overwritten by the way, but by the next derivation
        card.is_kept_in_step = True
        self.assertTrue(card.is_derivation_due)
        self.card.rate_ids.price_per_minute = 2
        self.assertEqual(rate.price_per_minute, 1)
        card._derive(moment(3))
        self.assertEqual(self.spans(card, "1")[-1], (3, False, 2.4))
        card.unlink()
        self.assertFalse(rate.exists())

    def test_inbound_minutes_have_a_price_at_every_tier(self):
        card = self.derive(percent=50, name="Voice retail")
        reseller = self.reseller
        customer = self.make_account("ACME", reseller_id=reseller.id, rate_card_id=card.id)
        calls = [
            self.call(customer, direction="inbound", src="4420", seconds=300),
            self.call(customer, dst="3247555123", seconds=60),
        ]
        self.take_calls(calls)
        # 5 min x 0.012 and 0.18; the reseller 5 min x 0.008 and 0.12
        self.assertEqual(self.charges_of(customer).mapped("amount"), [0.06, 0.18])
        self.assertEqual(self.charges_of(reseller).mapped("amount"), [0.04, 0.12])
        # nothing for want of a rate: without one, neither tier is charged
        self.card.rate_ids.filtered(lambda r: r.direction == "inbound").date_to = moment(5)
        self.env["telecom.cdr"].import_calls(
            [self.call(customer, direction="inbound", start="2025-03-20 10:00:00")], "test"
        )
        self.assertEqual(self.env["telecom.cdr"].rate_pending()["unrated"], 1)


PREFIXES = ("", "1", "12", "123", "2")
PRICES = st.decimals("0", "2", places=5)
SPAN = st.tuples(
    st.sampled_from(PREFIXES),
    st.sampled_from(("outbound", "inbound")),
    st.lists(st.integers(0, 12), min_size=2, max_size=4, unique=True).map(sorted),
    st.lists(st.tuples(PRICES, PRICES), min_size=3, max_size=3),
)
MARKUPS = st.dictionaries(
    st.tuples(st.sampled_from(PREFIXES), st.sampled_from(("", "outbound", "inbound"))),
    st.tuples(st.decimals("-99", "300", places=4), st.decimals("0", "1", places=4)),
    max_size=4,
)


class TestDerivationLaw(DerivationCase):
    def rates_of(self, spans):
        """Values of rates: per prefix and direction, spans that follow each other; the last one
        may be open."""
        rows = {}
        for prefix, direction, days, prices in spans:
            if (prefix, direction) in rows:
                continue
            rows[prefix, direction] = [
                {
                    "prefix": prefix,
                    "direction": direction,
                    "destination": f"D{prices[at][0]}",
                    "price_per_minute": float(prices[at][0]),
                    "connection_fee": float(prices[at][1]),
                    "increment": 1 + days[at],
                    "date_from": moment(days[at]) if days[at] else False,
                    "date_to": moment(days[at + 1]) if days[at + 1] != 12 else False,
                }
                for at in range(len(days) - 1)
            ]
        return [Command.create(vals) for found in rows.values() for vals in found]

    def at(self, card, day):
        """{(direction, prefix): terms} of the rates in force at the start of a day."""
        self.env.cr.execute(
            """
            SELECT direction, coalesce(prefix, ''), destination, price_per_minute::text,
                   connection_fee::text, increment
              FROM telecom_rate
             WHERE card_id = %s AND coalesce(date_from, '-infinity') <= %s
               AND coalesce(date_to, 'infinity') > %s
            """,
            [card.id, moment(day), moment(day)],
        )
        rows = self.env.cr.fetchall()
        found = {
            (way, prefix): (name, Decimal(price), Decimal(fee), increment)
            for way, prefix, name, price, fee, increment in rows
        }
        self.assertEqual(len(rows), len(found), "two rates of one prefix at one moment")
        return found

    @staticmethod
    def expected(rates, percent, markups, digits, method):
        """The derived rates, by plain arithmetic."""
        step = Decimal(1).scaleb(-digits)
        rounding = {"up": ROUND_CEILING, "half_up": ROUND_HALF_UP}[method]

        def rounded(exact):
            return max(step, exact.quantize(step, rounding)) if exact else Decimal(0)

        found = {}
        for (direction, prefix), (name, price, fee, increment) in rates.items():
            chosen = percent, Decimal(0)
            for length in range(len(prefix) + 1):
                for way in ("", direction):
                    chosen = markups.get((prefix[:length], way), chosen)
            multiplier = 1 + chosen[0] / 100
            found[direction, prefix] = (
                name,
                rounded(price * multiplier + chosen[1]),
                rounded(fee * multiplier),
                increment,
            )
        return found

    @property_test(
        max_examples=40,
        parent=st.lists(SPAN, min_size=1, max_size=6),
        later=st.lists(SPAN, max_size=4),
        own=st.lists(SPAN, max_size=4),
        percent=st.decimals("-50", "200", places=2),
        markups=MARKUPS,
        digits=st.integers(0, 6),
        method=st.sampled_from(("half_up", "up")),
        since=st.integers(1, 11),
    )
    def test_sql_agrees_with_plain_arithmetic(
        self, parent, later, own, percent, markups, digits, method, since
    ):
        with self.env.cr.savepoint() as savepoint:
            source = self.make_card("P", rate_ids=self.rates_of(parent))
            card = self.make_card("D", rate_ids=self.rates_of(own))
            self.env.flush_all()
            terms = Terms(
                source.id,
                str(percent),
                digits,
                method,
                [[way, prefix, str(p), str(f)] for (prefix, way), (p, f) in markups.items()],
            )
            before = [self.at(card, day) for day in range(-1, 14)]
            derivation = RateDerivation(self.env)

            def check():
                for day, old in zip(range(-1, 14), before, strict=True):
                    expected = old
                    if day >= since:
                        expected = self.expected(
                            self.at(source, day), percent, markups, digits, method
                        )
                    self.assertEqual(self.at(card, day), expected, day)
                again = self.versions(card)
                self.assertFalse(derivation.apply(card, terms, moment(since)).changes)
                self.assertEqual(self.versions(card), again)

            planned = derivation.preview(card, terms, moment(since)).counts
            self.assertEqual(derivation.apply(card, terms, moment(since)).counts, planned)
            check()
            # what changes in some prefixes is followed by looking at these only
            prefixes = list({span[0] for span in later})
            source.rate_ids.filtered(lambda r: (r.prefix or "") in prefixes).unlink()
            source.rate_ids = self.rates_of(later)
            derivation.apply(card, terms, moment(since), prefixes)
            check()
            savepoint.rollback()
        self.env.invalidate_all()
