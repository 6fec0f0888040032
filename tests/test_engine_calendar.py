"""Billing periods and recurring spans tile the calendar."""

import itertools
from calendar import monthrange
from datetime import date, timedelta

from hypothesis import strategies as st

from ..engine.calendar import (
    CYCLES,
    bridge,
    period_of,
    span_of,
    spans,
)
from .engine_case import EngineCase, property_test

ONE_DAY = timedelta(days=1)
MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}
cycles = st.sampled_from(CYCLES)
billing_days = st.integers(1, 31)
days = st.dates(date(1990, 1, 1), date(2100, 12, 31))


def months_later(anchor, months):
    """The naive rule: so many months on, on the anchor's day or the month's last one."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


def begins_regularly(day, cycle, billing_day):
    """Whether a regular period of the cycle begins on that day, in words of the calendar."""
    if cycle == "daily":
        return True
    if cycle == "weekly":
        return day.isoweekday() == (billing_day - 1) % 7 + 1
    last = monthrange(day.year, day.month)[1]
    return (day.month - 1) % MONTHS[cycle] == 0 and day.day == min(billing_day, last)


class TestPeriods(EngineCase):
    def test_thirty_years_without_gap_or_overlap(self):
        """Every day of thirty years begins a period, or goes on with the one of the day before."""
        start, end = date(1999, 12, 20), date(2030, 1, 10)
        for cycle, billing_day in itertools.product(CYCLES, range(1, 32)):
            with self.subTest(cycle=cycle, billing_day=billing_day):
                period = bridge(start, cycle, billing_day)
                self.assertEqual(period[0], start)
                while period[1] < end:
                    previous, period = period, bridge(period[1], cycle, billing_day)
                    self.assertEqual(previous[1], period[0])
                    self.assertTrue(begins_regularly(period[0], cycle, billing_day))
                    self.assertEqual(period_of(period[1] - ONE_DAY, cycle, billing_day), period)

    @property_test(max_examples=500, day=days, cycle=cycles, billing_day=billing_days)
    def test_period_of_a_day(self, day, cycle, billing_day):
        start, end = period_of(day, cycle, billing_day)
        self.assertLessEqual(start, day)
        self.assertLess(day, end)
        inside = [start + timedelta(days=passed) for passed in range((end - start).days)]
        regular = [at for at in [*inside, end] if begins_regularly(at, cycle, billing_day)]
        self.assertEqual(regular, [start, end])
        self.assertEqual(period_of(inside[-1], cycle, billing_day), (start, end))
        self.assertEqual(bridge(start, cycle, billing_day), (start, end))

    @property_test(day=days, cycle=cycles, billing_day=billing_days)
    def test_partial_periods_end_at_the_next_edge(self, day, cycle, billing_day):
        end = period_of(day, cycle, billing_day)[1]
        self.assertEqual(bridge(day, cycle, billing_day), (day, end))

    @property_test(
        day=days, changes=st.lists(st.tuples(cycles, billing_days, st.integers(1, 3)), max_size=8)
    )
    def test_changes_of_cycle_and_day_leave_no_gap(self, day, changes):
        """However often the rule changes: each day belongs to one period."""
        periods = [bridge(day, "monthly", 1)]
        for cycle, billing_day, count in changes:
            periods.append(bridge(periods[-1][1], cycle, billing_day))
            for _period in range(count):
                periods.append(bridge(periods[-1][1], cycle, billing_day))
        for (_start, end), (following, _end) in itertools.pairwise(periods):
            self.assertEqual(end, following)
        self.assertTrue(all(start < end for start, end in periods))
        lengths = sum((end - start).days for start, end in periods)
        self.assertEqual(lengths, (periods[-1][1] - day).days)

    def test_edges(self):
        for day, cycle, billing_day, expected in (
            ((2024, 1, 30), "monthly", 31, ((2023, 12, 31), (2024, 1, 31))),
            ((2024, 1, 31), "monthly", 31, ((2024, 1, 31), (2024, 2, 29))),
            ((2023, 2, 28), "monthly", 30, ((2023, 2, 28), (2023, 3, 30))),
            ((2024, 12, 31), "monthly", 1, ((2024, 12, 1), (2025, 1, 1))),
            ((2024, 1, 14), "quarterly", 15, ((2023, 10, 15), (2024, 1, 15))),
            ((2024, 4, 30), "quarterly", 31, ((2024, 4, 30), (2024, 7, 31))),
            ((2024, 1, 1), "yearly", 15, ((2023, 1, 15), (2024, 1, 15))),
            ((2024, 7, 1), "yearly", 1, ((2024, 1, 1), (2025, 1, 1))),
            ((2024, 7, 3), "weekly", 1, ((2024, 7, 1), (2024, 7, 8))),
            ((2024, 7, 3), "weekly", 7, ((2024, 6, 30), (2024, 7, 7))),
            ((2024, 7, 3), "weekly", 8, ((2024, 7, 1), (2024, 7, 8))),
            ((2024, 7, 3), "weekly", 31, ((2024, 7, 3), (2024, 7, 10))),
            ((2024, 2, 29), "daily", 31, ((2024, 2, 29), (2024, 3, 1))),
        ):
            with self.subTest(day=day, cycle=cycle, billing_day=billing_day):
                period = period_of(date(*day), cycle, billing_day)
                self.assertEqual(period, tuple(date(*edge) for edge in expected))

    def test_refused(self):
        for cycle, billing_day in (("hourly", 1), (None, 1), ("monthly", 0), ("daily", 32)):
            with self.subTest(cycle=cycle, billing_day=billing_day), self.assertRaises(ValueError):
                period_of(date(2024, 1, 1), cycle, billing_day)


class TestSpans(EngineCase):
    @property_test(
        max_examples=500,
        anchor=st.dates(date(1990, 1, 1), date(2030, 1, 1)),
        later=st.integers(0, 12_000),
        unit=cycles,
        interval=st.integers(1, 5),
    )
    def test_span_of_a_day(self, anchor, later, unit, interval):
        day = anchor + timedelta(days=later)
        start, end = span_of(day, unit, interval, anchor)
        self.assertLessEqual(start, day)
        self.assertLess(day, end)
        if unit in MONTHS:
            step = MONTHS[unit] * interval
            passed = (start.year - anchor.year) * 12 + start.month - anchor.month
            self.assertEqual(passed % step, 0)
            self.assertEqual(start, months_later(anchor, passed))
            self.assertEqual(end, months_later(anchor, passed + step))
        else:
            length = {"daily": 1, "weekly": 7}[unit] * interval
            self.assertEqual((start - anchor).days % length, 0)
            self.assertEqual((end - start).days, length)
        self.assertEqual(span_of(start, unit, interval, anchor), (start, end))
        self.assertEqual(span_of(end - ONE_DAY, unit, interval, anchor), (start, end))
        self.assertEqual(span_of(end, unit, interval, anchor)[0], end)

    @property_test(
        anchor=st.dates(date(1990, 1, 1), date(2030, 1, 1)),
        before=st.integers(-200, 2000),
        length=st.integers(0, 800),
        unit=cycles,
        interval=st.integers(1, 3),
    )
    def test_spans_that_share_a_day(self, anchor, before, length, unit, interval):
        date_from = anchor + timedelta(days=before)
        date_to = date_from + timedelta(days=length)
        found = list(spans(date_from, date_to, unit, interval, anchor))
        expected = []
        for passed in range(length):
            day = date_from + timedelta(days=passed)
            if day >= anchor and span_of(day, unit, interval, anchor) not in expected[-1:]:
                expected.append(span_of(day, unit, interval, anchor))
        self.assertEqual(found, expected)

    @property_test(anchor=days, later=st.integers(0, 400), cycle=st.sampled_from(["monthly"]))
    def test_monthly_span_is_the_period_of_the_anchor_day(self, anchor, later, cycle):
        day = anchor + timedelta(days=later)
        self.assertEqual(span_of(day, cycle, 1, anchor), period_of(day, cycle, anchor.day))

    def test_leap_day(self):
        anchor = date(2024, 2, 29)
        starts = [start for start, _end in spans(anchor, date(2029, 1, 1), "yearly", 1, anchor)]
        self.assertEqual(
            starts,
            [
                date(2024, 2, 29),
                date(2025, 2, 28),
                date(2026, 2, 28),
                date(2027, 2, 28),
                date(2028, 2, 29),
            ],
        )

    def test_refused(self):
        anchor = date(2024, 1, 31)
        for day, unit, interval in (
            (anchor - ONE_DAY, "monthly", 1),
            (anchor, "monthly", 0),
            (anchor, "daily", -1),
            (anchor, "hourly", 1),
        ):
            with self.subTest(day=day, unit=unit), self.assertRaises(ValueError):
                span_of(day, unit, interval, anchor)
