"""Shares of a price add up to it."""

import itertools
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext

from hypothesis import strategies as st

from ..engine.calendar import CYCLES, period_of
from ..engine.proration import prorate
from .engine_case import EngineCase, property_test

CENT = Decimal("0.01")
amounts = st.decimals(-10_000, 10_000, places=4)
steps = st.sampled_from(
    [Decimal(step) for step in ("1", "0.1", "0.05", "0.01", "0.001", "0.000001", "100")]
)
starts = st.dates(date(1990, 1, 1), date(2100, 1, 1))


def rounded(amount, step):
    with localcontext() as context:
        context.prec = 60
        return (amount / step).quantize(Decimal(1), ROUND_HALF_UP) * step


class TestProrate(EngineCase):
    @property_test(
        max_examples=500,
        amount=amounts,
        rounding=steps,
        start=starts,
        length=st.integers(1, 400),
        cuts=st.lists(st.integers(0, 400), max_size=8),
    )
    def test_parts_sum_to_the_whole(self, amount, rounding, start, length, cuts):
        edges = sorted({0, length, *(cut % length for cut in cuts)})
        days = [start + timedelta(days=edge) for edge in edges]
        end = days[-1]
        shares = [
            prorate(amount, start, end, part_from, part_to, rounding)
            for part_from, part_to in itertools.pairwise(days)
        ]
        self.assertEqual(sum(shares), rounded(amount, rounding))
        self.assertEqual(prorate(amount, start, end, start, end, rounding), sum(shares))

    @property_test(
        amount=amounts,
        rounding=steps,
        day=starts,
        cycle=st.sampled_from(CYCLES),
        billing_day=st.integers(1, 31),
        cut=st.integers(0, 400),
    )
    def test_change_within_a_billing_period(self, amount, rounding, day, cycle, billing_day, cut):
        start, end = period_of(day, cycle, billing_day)
        change = start + timedelta(days=cut % (end - start).days)
        old = prorate(amount, start, end, start, change, rounding)
        new = prorate(amount, start, end, change, end, rounding)
        self.assertEqual(old + new, rounded(amount, rounding))

    @property_test(
        max_examples=500,
        amount=amounts,
        rounding=steps,
        start=starts,
        lengths=st.tuples(st.integers(0, 400), st.integers(1, 400), st.integers(0, 400)),
    )
    def test_share_by_days(self, amount, rounding, start, lengths):
        part_from = start + timedelta(days=lengths[0])
        part_to = part_from + timedelta(days=lengths[1])
        end = part_to + timedelta(days=lengths[2])
        share = prorate(amount, start, end, part_from, part_to, rounding)
        self.assertEqual(prorate(-amount, start, end, part_from, part_to, rounding), -share)
        self.assertEqual(share % rounding, 0)
        with localcontext() as context:
            context.prec = 60
            exact = amount * lengths[1] / sum(lengths)
            self.assertLessEqual(abs(share - exact), rounding)
            if part_from == start:
                self.assertEqual(share, rounded(exact, rounding))

    def test_forms_of_the_figures(self):
        month = date(2024, 4, 1), date(2024, 5, 1)
        half = date(2024, 4, 1), date(2024, 4, 16)
        for amount, rounding in ((Decimal("30"), CENT), ("30.00", "0.01"), (30, CENT)):
            self.assertEqual(str(prorate(amount, *month, *half, rounding)), "15.00")
        self.assertEqual(prorate(30, *month, half[0], half[0], CENT), 0)

    def test_halves_go_away_from_zero(self):
        two_days = date(2024, 4, 1), date(2024, 4, 3)
        first = date(2024, 4, 1), date(2024, 4, 2)
        second = date(2024, 4, 2), date(2024, 4, 3)
        for amount, shares in (("0.01", ("0.01", "0.00")), ("-0.01", ("-0.01", "0.00"))):
            for part, share in zip((first, second), shares, strict=True):
                self.assertEqual(prorate(amount, *two_days, *part, CENT), Decimal(share))

    def test_refused(self):
        day = [date(2024, 4, number) for number in range(1, 11)]
        for span_and_part in (
            (day[2], day[5], day[1], day[4]),
            (day[2], day[5], day[3], day[6]),
            (day[2], day[5], day[4], day[3]),
            (day[2], day[2], day[2], day[2]),
            (day[5], day[2], day[2], day[5]),
        ):
            with self.subTest(days=span_and_part), self.assertRaises(ValueError):
                prorate(1, *span_and_part, CENT)
        span = day[0], day[9]
        for rounding in ("0", "-0.01", "NaN", "Infinity"):
            with self.subTest(rounding=rounding), self.assertRaises(ValueError):
                prorate(1, *span, *span, Decimal(rounding))
        for amount, rounding in ((1.5, CENT), (1, 0.01)):
            with self.subTest(amount=amount, rounding=rounding), self.assertRaises(TypeError):
                prorate(amount, *span, *span, rounding)
