"""Billing periods and shares that other billing systems have published.

Where a case only tells how many days of how many were charged, the dates are ours. Left out are
rules that the engine does not have: half months, weeks cut at the end of a month, 30-day months,
price x 12 / 365, and what taxes, payments and settlements make of a share.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal

from ..engine.calendar import (
    bridge,
    local_day,
    local_to_utc,
    midnight_utc,
    period_of,
    span_of,
    spans,
)
from ..engine.proration import prorate
from .engine_case import EngineCase

BR = "BillRun/system @e33ca42ce, library/Tests/Monthsdifftest.php and aggregatorTestCases"
KB = "killbill/killbill @cb60779c, invoice/src/test and beatrix/src/test"
LAGO = "getlago/lago-api @1b1c24a6a, spec/services and spec/scenarios/subscriptions"
FSD = "freeside/Freeside @eca9fd0d, FS/t/suite"
OCA = "OCA/contract, contract_variable_qty_prorated/tests/test_compute_proprata.py"
CHARGEBEE = "Chargebee documentation"
ACN = "acnpacific.com knowledge base, first invoice"
STRIPE = "Stripe documentation, billing cycle anchor"
YETI = "yeti-switch/yeti-web @3ec29c9f, spec/lib/billing_period"


def day(text):
    return date.fromisoformat(text)


# case, source, price, whole span, part, step of rounding, share
SHARES = (
    ("PRO-BR-MONTHS-2019-03-01_2019-03-28", BR, 1, "2019-03-01", "2019-04-01",
     "2019-03-01", "2019-03-29", "1E-10", "0.9032258065"),
    ("PRO-BR-MONTHS-2019-03-01_2019-03-10", BR, 1, "2019-03-01", "2019-04-01",
     "2019-03-01", "2019-03-11", "1E-10", "0.3225806452"),
    ("PRO-BR-AGG-2020-07", BR, 100, "2020-07-01", "2020-08-01",
     "2020-07-01", "2020-07-31", "0.000001", "96.774194"),
    ("PRO-BR-UPFRONT-2022-03-31", BR, 100, "2022-03-01", "2022-04-01",
     "2022-03-31", "2022-04-01", "0.000001", "3.225806"),
    ("PRO-BR-UPFRONT-2022-03-01", BR, 100, "2022-03-01", "2022-04-01",
     "2022-03-01", "2022-04-01", "0.000001", "100"),
    ("PRO-KB-CONV-2023-06-23", KB, 1, "2023-06-15", "2023-07-15",
     "2023-06-23", "2023-07-15", "1E-9", "0.733333333"),
    ("PRO-KB-OVERDUE-10of31", KB, "-249.95", "2012-05-31", "2012-07-01",
     "2012-05-31", "2012-06-10", "0.01", "-80.63"),
    ("PRO-KB-LEAD-12of31", KB, 1, "2011-01-13", "2011-02-13",
     "2011-02-01", "2011-02-13", "1E-9", "0.387096774"),
    ("PRO-KB-TRAIL-8of31", KB, 1, "2010-07-17", "2010-08-17",
     "2010-07-17", "2010-07-25", "1E-9", "0.258064516"),
    ("PRO-KB-LEAP-14of29", KB, 1, "2012-02-01", "2012-03-01",
     "2012-02-01", "2012-02-15", "1E-9", "0.482758621"),
    ("PRO-KB-ANN-LEAD-354", KB, 1, "2010-12-04", "2011-12-04",
     "2010-12-15", "2011-12-04", "1E-9", "0.969863014"),
    ("PRO-KB-QTR-14of89", KB, 1, "2011-02-10", "2011-05-10",
     "2011-02-10", "2011-02-24", "1E-9", "0.157303371"),
    ("PRO-KB-QTR-75of89", KB, 1, "2011-02-10", "2011-05-10",
     "2011-02-24", "2011-05-10", "1E-9", "0.842696629"),
    ("PRO-KB-QTR-14of90", KB, 1, "2012-02-01", "2012-05-01",
     "2012-02-01", "2012-02-15", "1E-9", "0.155555556"),
    ("PRO-KB-QTR-LEAD-12of92", KB, 1, "2010-11-13", "2011-02-13",
     "2011-02-01", "2011-02-13", "1E-9", "0.130434783"),
    ("PRO-KB-QTR-DOUBLE-14of92", KB, 1, "2010-10-15", "2011-01-15",
     "2011-01-01", "2011-01-15", "1E-9", "0.152173913"),
    ("PRO-KB-QTR-DOUBLE-12of91", KB, 1, "2011-04-15", "2011-07-15",
     "2011-04-15", "2011-04-27", "1E-9", "0.131868132"),
    ("PRO-KB-QTR-66of90", KB, 1, "2011-01-07", "2011-04-07",
     "2011-01-31", "2011-04-07", "1E-9", "0.733333333"),
    ("PRO-KB-MON-5of28", KB, 1, "2011-02-15", "2011-03-15",
     "2011-03-10", "2011-03-15", "1E-9", "0.178571429"),
    ("PRO-KB-MON-2of31", KB, 1, "2011-03-15", "2011-04-15",
     "2011-03-15", "2011-03-17", "1E-9", "0.064516129"),
    ("PRO-LAGO-WEEK2of7", LAGO, 100, "2022-03-07", "2022-03-14",
     "2022-03-12", "2022-03-14", "1", "29"),
    ("PRO-LAGO-MAR15", LAGO, 100, "2022-03-01", "2022-04-01",
     "2022-03-15", "2022-04-01", "1", "55"),
    ("PRO-LAGO-MAR15-TRIAL", LAGO, 100, "2022-03-01", "2022-04-01",
     "2022-03-18", "2022-04-01", "1", "45"),
    ("PRO-LAGO-TERM20", LAGO, 100, "2022-03-01", "2022-04-01",
     "2022-03-01", "2022-03-21", "1", "65"),
    ("PRO-LAGO-TERM19", LAGO, 100, "2022-03-01", "2022-04-01",
     "2022-03-01", "2022-03-20", "1", "61"),
    ("PRO-LAGO-UPG-YEAR", LAGO, 12000, "2023-09-28", "2024-09-28",
     "2023-09-28", "2024-06-29", "1", "9016"),
    ("PRO-LAGO-FIX-1000-13of31", LAGO, 1000, "2023-07-01", "2023-08-01",
     "2023-07-19", "2023-08-01", "1", "419"),
    # Each side is rounded, then they are subtracted: 3548 - 532 = 3016.
    ("PRO-LAGO-FIX-DELTA new", LAGO, 10000, "2023-07-01", "2023-08-01",
     "2023-07-21", "2023-08-01", "1", "3548"),
    ("PRO-LAGO-FIX-DELTA old", LAGO, 1500, "2023-07-01", "2023-08-01",
     "2023-07-21", "2023-08-01", "1", "532"),
    ("PRO-LAGO-MU-FEE-1000-27", LAGO, 1000, "2023-07-01", "2023-08-01",
     "2023-07-05", "2023-08-01", "1", "871"),
    ("PRO-LAGO-MU-FEE-1500-20", LAGO, 1500, "2023-07-01", "2023-08-01",
     "2023-07-12", "2023-08-01", "1", "968"),
    ("PRO-LAGO-MU-CREDIT-1500-20", LAGO, -1500, "2023-07-01", "2023-08-01",
     "2023-07-12", "2023-08-01", "1", "-968"),
    ("PRO-LAGO-MU-CREDIT-1000-24", LAGO, -1000, "2023-07-01", "2023-08-01",
     "2023-07-08", "2023-08-01", "1", "-774"),
    ("PRO-LAGO-TRIAL-END", LAGO, 5000000, "2024-03-01", "2024-04-01",
     "2024-03-15", "2024-04-01", "1", "2741935"),
    # The minimum of 25 of 28 days; 7000 of usage leave 1929 to pay.
    ("PRO-LAGO-MINSPEND-2", LAGO, 10000, "2023-02-01", "2023-03-01",
     "2023-02-04", "2023-03-01", "1", "8929"),
    ("PRO-LAGO-TERM-2", LAGO, -100, "2025-02-01", "2025-03-01",
     "2025-02-22", "2025-03-01", "0.01", "-25.00"),
    ("PRO-LAGO-TERM-SAMEDAY", LAGO, -100, "2025-02-01", "2025-03-01",
     "2025-02-09", "2025-03-01", "0.01", "-71.43"),
    ("PRO-FSD-DEFER-1", FSD, 30, "2016-04-01", "2016-05-01",
     "2016-04-01", "2016-05-01", "0.01", "30"),
    # With May on the same invoice: 50.
    ("PRO-FSD-DEFER-11", FSD, 30, "2016-04-01", "2016-05-01",
     "2016-04-11", "2016-05-01", "0.01", "20"),
    ("PRO-FSD-CREDIT-TAX", FSD, -30, "2016-04-01", "2016-05-01",
     "2016-04-21", "2016-05-01", "0.01", "-10"),
    ("PRO-OCA-04", OCA, 1, "2018-02-01", "2018-03-01",
     "2018-02-01", "2018-02-26", "0.000001", "0.892857"),
    ("PRO-OCA-06", OCA, 1, "2018-01-01", "2018-02-01",
     "2018-01-05", "2018-02-01", "0.000001", "0.870968"),
    ("PRO-OCA-12", OCA, 1, "2018-02-01", "2018-03-01",
     "2018-02-01", "2018-02-15", "0.000001", "0.5"),
    ("PRO-CHARGEBEE-1 credit", CHARGEBEE, -60, "2024-04-01", "2024-05-01",
     "2024-04-21", "2024-05-01", "0.01", "-20"),
    ("PRO-CHARGEBEE-1 charge", CHARGEBEE, 30, "2024-04-01", "2024-05-01",
     "2024-04-21", "2024-05-01", "0.01", "10"),
    ("PRO-CHARGEBEE-2 credit", CHARGEBEE, -3 * 30, "2024-04-01", "2024-05-01",
     "2024-04-11", "2024-05-01", "0.01", "-60"),
    ("PRO-CHARGEBEE-2 charge", CHARGEBEE, 2 * 30, "2024-04-01", "2024-05-01",
     "2024-04-11", "2024-05-01", "0.01", "40"),
    # That operator takes price x 12 / 365; days of the span make one of the other two figures.
    ("PRO-ACN-365 calendar month", ACN, 45, "2019-11-01", "2019-12-01",
     "2019-11-01", "2019-11-12", "0.01", "16.50"),
    ("PRO-ACN-365 billing period", ACN, 45, "2019-10-12", "2019-11-12",
     "2019-11-01", "2019-11-12", "0.01", "15.97"),
)  # fmt: skip

# case, source, anchor, starts of the spans that follow
ANCHORED = (
    ("PER-LAGO-JAN31-2024", LAGO, "2024-01-31", ("2024-02-29", "2024-03-31", "2024-04-30")),
    ("PER-LAGO-JAN30-2024", LAGO, "2024-01-30",
     ("2024-02-29", "2024-03-30", "2024-04-30", "2024-05-30")),
    ("PER-STRIPE-JAN31", STRIPE, "2023-01-31", ("2023-02-28", "2023-03-31", "2023-04-30")),
    ("PER-KB-2017-BCD31", KB, "2017-01-31", ("2017-02-28", "2017-03-31")),
)  # fmt: skip


class TestPublishedShares(EngineCase):
    def test_shares(self):
        for case, _source, price, span_from, span_to, part_from, part_to, step, share in SHARES:
            with self.subTest(case=case):
                days = map(day, (span_from, span_to, part_from, part_to))
                self.assertEqual(prorate(price, *days, Decimal(step)), Decimal(share))

    def test_each_month_by_its_own_days(self):
        """PRO-BR-MONTHS-2019-01-31_2019-02-01 and PRO-BR-MONTHS-2020-06-01_2020-07-30.

        Their ends are inclusive.
        """
        for start, end, months in (
            ("2019-01-31", "2019-02-02", "0.0679723502"),
            ("2020-06-01", "2020-07-31", "1.9677419355"),
        ):
            shares = [
                prorate(1, *span, max(span[0], day(start)), min(span[1], day(end)), "1E-10")
                for span in spans(day(start), day(end), "monthly", 1, date(2019, 1, 1))
            ]
            self.assertEqual(sum(shares), Decimal(months))

    def test_spans_of_the_shares(self):
        """The whole periods of Kill Bill's cases are those that the calendar finds."""
        for case, first, unit, anchor, span_from, span_to in (
            ("PRO-KB-ANN-LEAD-354", "2010-12-15", "yearly",
             "2009-12-04", "2010-12-04", "2011-12-04"),
            ("PRO-KB-QTR-14of89", "2011-02-10", "quarterly",
             "2011-02-10", "2011-02-10", "2011-05-10"),
            ("PRO-KB-QTR-LEAD-12of92", "2011-02-01", "quarterly",
             "2010-11-13", "2010-11-13", "2011-02-13"),
            ("PRO-KB-QTR-66of90", "2011-01-31", "quarterly",
             "2010-10-07", "2011-01-07", "2011-04-07"),
        ):  # fmt: skip
            with self.subTest(case=case):
                span = span_of(day(first), unit, 1, day(anchor))
                self.assertEqual(span, (day(span_from), day(span_to)))
        for case, first, billing_day, span_from, span_to in (
            ("PRO-KB-CONV-2023-06-23", "2023-06-23", 15, "2023-06-15", "2023-07-15"),
            ("PRO-KB-LEAD-12of31", "2011-02-01", 13, "2011-01-13", "2011-02-13"),
            ("PRO-KB-TRAIL-8of31", "2010-07-17", 17, "2010-07-17", "2010-08-17"),
            ("PRO-KB-MON-5of28", "2011-03-10", 15, "2011-02-15", "2011-03-15"),
            # Their figure is 14/31; from the last edge of day 31 it is 14/28.
            ("PRO-KB-BCD31-DISPUTED", "2011-02-14", 31, "2011-01-31", "2011-02-28"),
        ):
            with self.subTest(case=case):
                period = period_of(day(first), "monthly", billing_day)
                self.assertEqual(period, (day(span_from), day(span_to)))

    def test_part_that_is_longer_than_its_span(self):
        """PRO-OCA-22 charges 76 days as 76/30 of one span; here each span is charged by itself."""
        with self.assertRaises(ValueError):
            prorate(1, *map(day, ("2018-04-30", "2018-05-30", "2018-03-15", "2018-05-30")), "0.01")


class TestPublishedPeriods(EngineCase):
    def test_anchor_is_remembered(self):
        for case, _source, anchor, starts in ANCHORED:
            with self.subTest(case=case):
                span = span_of(day(anchor), "monthly", 1, day(anchor))
                period = bridge(day(anchor), "monthly", day(anchor).day)
                for start in starts:
                    self.assertEqual((span[1], period[1]), (day(start), day(start)))
                    span = span_of(span[1], "monthly", 1, day(anchor))
                    period = bridge(period[1], "monthly", day(anchor).day)

    def test_first_billing_date(self):
        """Kill Bill's TestInAdvanceBillingIntervalDetail.java, OCA's test_contract.py."""
        for case, start, billing_day, expected in (
            ("PER-KB-FIRSTBCD-2012-01-31-30", "2012-01-31", 30, "2012-02-29"),
            ("PER-KB-FIRSTBCD-2012-03-02-3", "2012-03-02", 3, "2012-03-03"),
            ("PER-OCA-LASTDAY-2018-01-05", "2018-01-05", 31, "2018-01-31"),
        ):
            with self.subTest(case=case):
                period = bridge(day(start), "monthly", billing_day)
                self.assertEqual(period, (day(start), day(expected)))
        # PER-KB-FIRSTBCD-2012-03-03-3: the start is an edge itself, the first period is whole.
        self.assertEqual(period_of(date(2012, 3, 3), "monthly", 3)[0], date(2012, 3, 3))

    def test_anniversaries(self):
        """Lago's monthly_service_spec.rb, OCA's test_contract.py."""
        # PER-LAGO-ANNIV-2021-03-31
        span = span_of(date(2022, 3, 29), "monthly", 1, date(2021, 3, 31))
        self.assertEqual(span[0], date(2022, 2, 28))
        # PER-LAGO-ANNIV-2019-04-30, billed on the day on which the next span begins.
        span = span_of(date(2020, 3, 30) - timedelta(days=1), "monthly", 1, date(2019, 4, 30))
        self.assertEqual(span, (date(2020, 2, 29), date(2020, 3, 30)))
        # PER-OCA-YEAR
        span = span_of(date(2018, 1, 5), "yearly", 1, date(2018, 1, 5))
        self.assertEqual(span[1], date(2019, 1, 5))

    def test_period_after_a_manual_invoice(self):
        """PER-YETI-AFTERMANUAL, in whole days: the next period begins where that invoice ended."""
        period = bridge(date(2020, 3, 14), "monthly", 1)
        self.assertEqual(period, (date(2020, 3, 14), date(2020, 4, 1)))

    def test_month_in_new_york(self):
        """TZ-LAGO-NY-JAN: at midnight UTC of 1 March the last whole month there is January."""
        zone = "America/New_York"
        today = local_day(datetime(2022, 3, 1), zone)
        self.assertEqual(today, date(2022, 2, 28))
        date_to = period_of(today, "monthly")[0]
        date_from = period_of(date_to - timedelta(days=1), "monthly")[0]
        self.assertEqual(midnight_utc(date_from, zone), datetime(2022, 1, 1, 5))
        self.assertEqual(midnight_utc(date_to, zone), datetime(2022, 2, 1, 5))

    def test_day_of_23_hours(self):
        """TZ-KB-DSTGAP (TestWithTimeZones.java)."""
        zone = "America/Los_Angeles"
        moment = local_to_utc(datetime(2015, 3, 8, 2), zone)
        self.assertEqual(moment, datetime(2015, 3, 8, 10))
        length = midnight_utc(date(2015, 3, 9), zone) - midnight_utc(date(2015, 3, 8), zone)
        self.assertEqual(length, timedelta(hours=23))
