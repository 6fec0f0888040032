"""The price of one call: blocks, fees, rounding, packages."""

import itertools
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal, localcontext

from hypothesis import strategies as st

from ..engine.tariff import (
    METHODS,
    SCALE,
    billed_seconds,
    explain,
    from_decimal,
    price_call,
    pricer,
    terms,
    to_decimal,
)
from .engine_case import EngineCase, property_test

ROUNDINGS = {
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "up": ROUND_UP,
    "down": ROUND_DOWN,
}

money = st.decimals(0, 100, places=SCALE) | st.decimals(0, 2, places=4)
all_terms = st.builds(
    terms,
    price_per_minute=money,
    connection_fee=st.just(0) | money,
    included_seconds=st.just(0) | st.integers(0, 120),
    initial_increment=st.integers(1, 90),
    increment=st.sampled_from((1, 6, 10, 30, 60)) | st.integers(1, 90),
    digits=st.integers(0, SCALE),
    method=st.sampled_from(METHODS),
)
durations = st.integers(0, 200) | st.integers(0, 100_000)


def counted_seconds(seconds, included, initial, increment):
    """The rule in words: deduct, one first block, then whole steps until the call is covered."""
    if seconds <= included:
        return 0
    billed = initial
    while billed < seconds - included:
        billed += increment
    return billed


def decimal_price(rate, priced_seconds, fee_covered):
    """The price in decimal arithmetic of so many digits that only the last step rounds."""
    with localcontext() as context:
        context.prec = 80
        exact = to_decimal(rate.price) * priced_seconds / 60
        if not fee_covered:
            exact += to_decimal(rate.fee)
        return exact.quantize(Decimal(1).scaleb(-rate.digits), ROUNDINGS[rate.method])


class TestMoney(EngineCase):
    def test_decimal_to_integer(self):
        for value, expected in (
            ("0.015", 1_500_000),
            (Decimal("0.00000001"), 1),
            ("1E+3", 100_000_000_000),
            (7, 700_000_000),
            ("-2.5", -250_000_000),
            ("0E-30", 0),
            ("99999999999999999999.99999999", 10**28 - 1),
        ):
            with self.subTest(value=value):
                self.assertEqual(from_decimal(value), expected)

    def test_what_is_no_exact_amount_is_refused(self):
        for value in (
            'NaN', 'sNaN', 'Infinity', '-Infinity', '', 'abc', '0.000000001', '1E-40',
            '1E+21', '1E+999999', '1E-999999', 10**20,
        ):  # fmt: skip
            with self.subTest(value=value), self.assertRaises(ValueError):
                from_decimal(value)
        for value in (0.015, None, [1]):
            with self.subTest(value=value), self.assertRaises(TypeError):
                from_decimal(value)

    @property_test(value=st.decimals(-(10**19), 10**19, places=SCALE))
    def test_there_and_back(self, value):
        self.assertEqual(to_decimal(from_decimal(value)), value)

    @property_test(values=st.lists(st.decimals(-(10**9), 10**9, places=SCALE), max_size=20))
    def test_sums_are_the_sums_of_decimals(self, values):
        self.assertEqual(to_decimal(sum(map(from_decimal, values))), sum(values))

    def test_large_amounts_keep_all_digits(self):
        self.assertEqual(str(to_decimal(10**40 + 1)), "1" + "0" * 32 + ".00000001")


class TestTerms(EngineCase):
    def test_refused_figures(self):
        for figures in (
            {"price_per_minute": "-0.01"},
            {"price_per_minute": "NaN"},
            {"price_per_minute": "0.000000001"},
            {"connection_fee": "-1"},
            {"connection_fee": "Infinity"},
            {"included_seconds": -1},
            {"initial_increment": -1},
            {"increment": -6},
            {"digits": -1},
            {"digits": 9},
            {"method": "nearest"},
        ):
            with self.subTest(**figures), self.assertRaises(ValueError):
                terms(**{"price_per_minute": "1", **figures})

    def test_floats_are_refused(self):
        for figures in (
            {"price_per_minute": 0.1},
            {"connection_fee": 0.1},
            {"included_seconds": 1.0},
            {"initial_increment": 30.0},
            {"increment": 6.0},
            {"digits": 4.0},
        ):
            with self.subTest(**figures), self.assertRaises(TypeError):
                terms(**{"price_per_minute": "1", **figures})

    def test_increments_of_zero(self):
        """0 is no step: per second. A first block of 0 never lengthens a call of whole steps."""
        for initial, increment, seconds, expected in (
            (0, 0, 61, 61),
            (30, 0, 31, 31),
            (0, 60, 60, 60),
            (0, 60, 61, 120),
        ):
            with self.subTest(initial=initial, increment=increment):
                rate = terms(1, initial_increment=initial, increment=increment)
                self.assertEqual(price_call(rate, seconds)[0], expected)


class TestPrice(EngineCase):
    def test_blocks(self):
        for seconds, included, initial, increment, expected in (
            (31, 0, 30, 6, 36),
            (31, 0, 30, 60, 90),
            (30, 0, 30, 6, 30),
            (1, 0, 30, 6, 30),
            (0, 0, 30, 6, 0),
            (-5, -10, 30, 6, 0),
            (10, 10, 30, 6, 0),
            (11, 10, 30, 6, 30),
            (41, 10, 30, 6, 36),
        ):
            with self.subTest(seconds=seconds, included=included):
                self.assertEqual(billed_seconds(seconds, included, initial, increment), expected)

    def test_every_duration_around_the_blocks(self):
        blocks = itertools.product((0, 1, 7, 30), (1, 6, 30, 45), (1, 2, 6, 30, 60))
        for included, initial, increment in blocks:
            price_one = pricer(terms(60, 0, included, initial, increment))
            for seconds in range(1, 200):
                expected = counted_seconds(seconds, included, initial, increment)
                self.assertEqual(billed_seconds(seconds, included, initial, increment), expected)
                self.assertEqual(price_one(seconds), (expected, from_decimal(expected)))

    def test_call_without_seconds_is_free_of_everything(self):
        rate = terms("1", "0.50", initial_increment=60, increment=60, digits=0, method="up")
        for seconds in (0, -1):
            self.assertEqual(price_call(rate, seconds), (0, 0))
            self.assertEqual(price_call(rate, seconds, 60, True), (0, 0))

    def test_call_within_the_included_seconds_costs_the_fee(self):
        rate = terms("1", "0.50", included_seconds=20)
        self.assertEqual(price_call(rate, 20), (0, from_decimal("0.50")))

    def test_ties(self):
        for method, cents in (("half_up", (13, 14)), ("half_even", (12, 14))):
            for price, expected in zip(("0.125", "0.135"), cents, strict=True):
                with self.subTest(method=method, price=price):
                    rate = terms(price, digits=2, method=method)
                    self.assertEqual(to_decimal(price_call(rate, 60)[1]) * 100, expected)

    def test_wholly_free_call(self):
        rate = terms("0.60", "0.10", initial_increment=60, increment=10)
        for free in (61, 80, 10_000):
            self.assertEqual(price_call(rate, 61, free), (70, from_decimal("0.10")))
            self.assertEqual(price_call(rate, 61, free, fee_covered=True), (70, 0))

    def test_split_call_starts_anew_after_the_free_seconds(self):
        rate = terms("0.60", "0.10", initial_increment=60, increment=10)
        # 30 s free, 31 s left: one first block of 60 s, and the fee once.
        self.assertEqual(price_call(rate, 61, 30), (90, from_decimal("0.70")))
        self.assertEqual(price_call(rate, 61, 30, fee_covered=True), (90, from_decimal("0.60")))

    def test_free_seconds_use_up_the_included_ones(self):
        rate = terms("0.60", included_seconds=40)
        for free, expected in ((0, 60), (10, 60), (40, 60), (50, 50), (99, 1)):
            with self.subTest(free=free):
                self.assertEqual(price_call(rate, 100, free)[1], from_decimal("0.01") * expected)

    @property_test(rate=all_terms, seconds=durations, free=durations, covered=st.booleans())
    def test_equals_the_rule_in_decimals(self, rate, seconds, free, covered):
        billed, amount = price_call(rate, seconds, free, covered)
        if seconds == 0:
            self.assertEqual((billed, amount), (0, 0))
            return
        rest = max(0, seconds - free)
        blocks = (rate.initial, rate.increment)
        priced = counted_seconds(rest, max(0, rate.included - free), *blocks) if rest else 0
        self.assertEqual(to_decimal(amount), decimal_price(rate, priced, covered))
        whole = counted_seconds(seconds, rate.included, *blocks)
        self.assertEqual(billed, free + priced if rest and free else whole)

    @property_test(rate=all_terms, seconds=durations, more=st.integers(0, 200), free=durations)
    def test_never_falls_when_the_call_grows(self, rate, seconds, more, free):
        for covered in (False, True):
            shorter = price_call(rate, seconds, free, covered)
            longer = price_call(rate, seconds + more, free, covered)
            self.assertLessEqual(shorter[0], longer[0])
            self.assertLessEqual(shorter[1], longer[1])

    @property_test(rate=all_terms, seconds=durations, free=durations, more=st.integers(0, 200))
    def test_never_rises_when_more_is_free(self, rate, seconds, free, more):
        self.assertGreaterEqual(
            price_call(rate, seconds, free)[1], price_call(rate, seconds, free + more)[1]
        )

    @property_test(
        tiers=st.lists(all_terms, min_size=1, max_size=4),
        calls=st.lists(durations, max_size=30),
        size=st.integers(1, 10),
    )
    def test_tiers_and_batches_change_nothing(self, tiers, calls, size):
        """Each tier is priced from the duration alone, in whatever portions the calls come."""
        expected = [[price_call(rate, seconds) for rate in tiers] for seconds in calls]
        batches = [calls[start : start + size] for start in range(0, len(calls), size)]
        by_tier = [
            [pricer(rate)(seconds) for batch in batches for seconds in batch] for rate in tiers
        ]
        self.assertEqual([list(prices) for prices in zip(*by_tier, strict=True)], expected)


class TestExplain(EngineCase):
    def test_split_call(self):
        rate = terms("0.10", "0.05", included_seconds=40, initial_increment=30, increment=6)
        self.assertEqual(
            explain(rate, 100, free_seconds=15),
            [
                ("duration", {"seconds": 100}),
                ("free", {"seconds": 15}),
                ("included", {"seconds": 25}),
                ("first_block", {"seconds": 30}),
                ("increments", {"count": 5, "increment": 6, "seconds": 30}),
                (
                    "usage",
                    {"seconds": 60, "price": 10_000_000, "amount": 10_000_000, "exact": True},
                ),
                ("fee", {"amount": 5_000_000, "covered": False}),
                ("rounded", {"method": "half_up", "digits": 4, "amount": 15_000_000}),
            ],
        )

    def test_not_answered(self):
        self.assertEqual(
            explain(terms("1", "1"), 0),
            [("duration", {"seconds": 0}), ("not_answered", {"amount": 0})],
        )

    @property_test(rate=all_terms, seconds=durations, free=durations, covered=st.booleans())
    def test_steps_lead_to_the_price(self, rate, seconds, free, covered):
        billed, amount = price_call(rate, seconds, free, covered)
        steps = explain(rate, seconds, free, covered)
        self.assertEqual(steps[-1][1]["amount"], amount)
        by_code = dict(steps)
        self.assertEqual(len(by_code), len(steps))
        if "usage" in by_code:
            usage = by_code["usage"]
            blocks = ("free", "first_block", "increments")
            self.assertEqual(
                sum(by_code[code]["seconds"] for code in blocks if code in by_code), billed
            )
            self.assertEqual(usage["exact"], usage["amount"] * 60 == rate.price * usage["seconds"])
            priced = usage["seconds"]
            self.assertEqual(to_decimal(amount), decimal_price(rate, priced, covered))
