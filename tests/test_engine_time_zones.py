"""Days and moments in time zones whose clocks are put forward and back."""

import itertools
from datetime import date, datetime, timedelta, timezone
from importlib.util import find_spec
from unittest import skipUnless
from unittest.mock import patch
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hypothesis import strategies as st

from ..engine import calendar
from ..engine.calendar import CYCLES, bridge, local_day, local_to_utc, midnight_utc, period_of
from .engine_case import EngineCase, property_test

ONE_DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
# With summer time, among them the ones that change at midnight, by half an hour or two hours, in
# Ramadan, one minute after midnight, or that have left out a whole day.
ZONES = (
    'Africa/Cairo', 'Africa/Casablanca', 'America/Asuncion', 'America/Chicago', 'America/Havana',
    'America/Los_Angeles', 'America/New_York', 'America/Nuuk', 'America/Santiago',
    'America/Sao_Paulo', 'America/St_Johns', 'Antarctica/Troll', 'Asia/Amman', 'Asia/Beirut',
    'Asia/Gaza', 'Asia/Pyongyang', 'Asia/Tehran', 'Atlantic/Azores', 'Australia/Lord_Howe',
    'Australia/Sydney', 'Europe/Berlin', 'Europe/London', 'Pacific/Apia', 'Pacific/Auckland',
)  # fmt: skip
zones = st.sampled_from(ZONES)


def local_date(moment_utc, tz_name):
    return moment_utc.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(tz_name)).date()


class TestDaysInTimeZones(EngineCase):
    def test_thirty_years_of_midnights(self):
        """In every zone each moment belongs to one day, and each day begins when its date does."""
        for tz_name in ZONES:
            with self.subTest(tz_name=tz_name):
                midnight = midnight_utc(date(1999, 12, 31), tz_name)
                day = date(2000, 1, 1)
                while day < date(2030, 1, 1):
                    before, midnight = midnight, midnight_utc(day, tz_name)
                    if midnight - before != ONE_DAY:
                        self.check_day(day - ONE_DAY, before, tz_name)
                        self.check_day(day, midnight, tz_name)
                    day += ONE_DAY

    def check_day(self, day, midnight, tz_name):
        """The definition itself: before midnight no moment has the day's date or a later one."""
        self.assertGreaterEqual(local_date(midnight, tz_name), day)
        for minutes in range(0, 28 * 60, 10):
            before = midnight - timedelta(minutes=minutes) - INSTANT
            self.assertLess(local_date(before, tz_name), day)
        following = midnight_utc(day + ONE_DAY, tz_name)
        if following == midnight:
            self.assertEqual((tz_name, day), ("Pacific/Apia", date(2011, 12, 30)))
            return
        self.assertEqual(local_day(midnight, tz_name), day)
        self.assertEqual(local_day(following - INSTANT, tz_name), day)
        self.assertEqual(local_day(following, tz_name), day + ONE_DAY)

    @property_test(
        max_examples=1000,
        moment=st.datetimes(datetime(1990, 1, 2), datetime(2100, 1, 1)),
        tz_name=zones,
        cycle=st.sampled_from(CYCLES),
        billing_day=st.integers(1, 31),
    )
    def test_moment_is_between_the_edges_of_its_period(self, moment, tz_name, cycle, billing_day):
        day = local_day(moment, tz_name)
        self.assertLessEqual(midnight_utc(day, tz_name), moment)
        self.assertLess(moment, midnight_utc(day + ONE_DAY, tz_name))
        date_from, date_to = period_of(day, cycle, billing_day)
        self.assertLessEqual(midnight_utc(date_from, tz_name), moment)
        self.assertLess(moment, midnight_utc(date_to, tz_name))

    @property_test(
        max_examples=100,
        tz_name=zones,
        cycle=st.sampled_from(CYCLES),
        billing_day=st.integers(1, 31),
    )
    def test_periods_tile_time(self, tz_name, cycle, billing_day):
        """Thirty years of moments: the seconds of all periods are the seconds of the years."""
        periods = [period_of(date(2000, 1, 1), cycle, billing_day)]
        while periods[-1][1] < date(2030, 1, 1) and len(periods) < 400:
            periods.append(bridge(periods[-1][1], cycle, billing_day))
        edges = [
            (midnight_utc(date_from, tz_name), midnight_utc(date_to, tz_name))
            for date_from, date_to in periods
        ]
        self.assertTrue(all(begin < end for begin, end in edges))
        for (_begin, end), (following, _end) in itertools.pairwise(edges):
            self.assertEqual(end, following)
        total = sum((end - begin for begin, end in edges), timedelta())
        self.assertEqual(total, edges[-1][1] - edges[0][0])

    def test_first_moment_of_a_day(self):
        for tz_name, day, expected in (
            ("UTC", (2024, 2, 29), (2024, 2, 29)),
            # Midnight is skipped.
            ("America/Sao_Paulo", (2018, 11, 4), (2018, 11, 4, 3)),
            ("Asia/Beirut", (2022, 3, 27), (2022, 3, 26, 22)),
            ("Africa/Cairo", (2023, 4, 28), (2023, 4, 27, 22)),
            # Midnight comes twice.
            ("America/Havana", (2023, 11, 5), (2023, 11, 5, 4)),
            ("Atlantic/Azores", (2023, 10, 29), (2023, 10, 29)),
            # One minute past midnight the clock goes back into the evening.
            ("America/St_Johns", (2010, 11, 7), (2010, 11, 7, 2, 30)),
            # A day that never was, and the one after it.
            ("Pacific/Apia", (2011, 12, 30), (2011, 12, 30, 10)),
            ("Pacific/Apia", (2011, 12, 31), (2011, 12, 30, 10)),
            # Beyond the 32 bits of old tables.
            ("Europe/Berlin", (2099, 7, 1), (2099, 6, 30, 22)),
            ("Europe/Berlin", (2100, 1, 1), (2099, 12, 31, 23)),
        ):
            with self.subTest(tz_name=tz_name, day=day):
                self.assertEqual(midnight_utc(date(*day), tz_name), datetime(*expected))

    def test_evening_that_comes_again_belongs_to_the_day_that_has_begun(self):
        midnight = datetime(2010, 11, 7, 2, 30)
        for minutes, expected in ((-1, 6), (0, 7), (1, 7), (59, 7), (61, 7)):
            moment = midnight + timedelta(minutes=minutes)
            self.assertEqual(local_day(moment, "America/St_Johns"), date(2010, 11, expected))

    def test_local_times(self):
        for local, tz_name, expected in (
            ((2024, 7, 1, 12), "Europe/Berlin", (2024, 7, 1, 10)),
            # Shown twice: the first one.
            ((2024, 10, 27, 2, 30), "Europe/Berlin", (2024, 10, 27, 0, 30)),
            # Skipped: as much later as the clock was put forward.
            ((2024, 3, 31, 2, 30), "Europe/Berlin", (2024, 3, 31, 1, 30)),
            ((2024, 10, 6, 2, 10), "Australia/Lord_Howe", (2024, 10, 5, 15, 40)),
        ):
            with self.subTest(local=local, tz_name=tz_name):
                self.assertEqual(local_to_utc(datetime(*local), tz_name), datetime(*expected))
        second = datetime(2024, 10, 27, 2, 30, fold=1)
        self.assertEqual(local_to_utc(second, "Europe/Berlin"), datetime(2024, 10, 27, 0, 30))

    @property_test(moment=st.datetimes(datetime(1990, 1, 2), datetime(2100, 1, 1)), tz_name=zones)
    def test_local_time_leads_back(self, moment, tz_name):
        local = moment.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(tz_name))
        if not local.fold:
            self.assertEqual(local_to_utc(local.replace(tzinfo=None), tz_name), moment)

    @skipUnless(find_spec("pytz"), "needs the pytz library")
    def test_zone_that_the_system_does_not_know(self):
        """Debian and Ubuntu keep the older names in a package of their own."""
        expected = ZoneInfo("US/Eastern").utcoffset(datetime(2099, 7, 1))

        class SystemWithoutOlderNames(ZoneInfo):
            def __new__(cls, key):
                raise ZoneInfoNotFoundError(key)

        with patch.object(calendar, "ZoneInfo", SystemWithoutOlderNames):
            zone = calendar._zone.__wrapped__("US/Eastern")
        self.assertEqual(zone.utcoffset(datetime(2099, 7, 1)), expected)

    def test_unknown_zones_are_refused(self):
        for tz_name in ("Mars/Olympus", "", "../../etc/passwd", "posixrules/..", None, "zone.tab"):
            for function, moment in (
                (midnight_utc, date(2024, 1, 1)),
                (local_day, datetime(2024, 1, 1)),
                (local_to_utc, datetime(2024, 1, 1)),
            ):
                with self.subTest(tz_name=tz_name), self.assertRaises(ValueError):
                    function(moment, tz_name)
