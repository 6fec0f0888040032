"""Billing periods and recurring spans: days, and the moments at which they begin.

Days are ``datetime.date``, spans of days are half-open: [from, to). An account's day begins at
midnight of its own time zone; the database keeps moments as naive UTC ``datetime``.
"""

from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

CYCLES = ("daily", "weekly", "monthly", "quarterly", "yearly")

_DAYS = {"daily": 1, "weekly": 7}
_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}
_ONE_DAY = timedelta(days=1)


# ----------------------------------------------------------------------------------------------
# Billing periods
# ----------------------------------------------------------------------------------------------


def period_of(day, cycle, billing_day=1):
    """The billing period that contains a day.

    Months begin on the billing day, or on the last day of a month that is shorter; quarters begin
    so in January, April, July and October, years in January. Weeks begin on weekday 1 (Monday) to
    7; a higher billing day, left from a monthly cycle, counts on through the week.

    :param day: the day
    :param cycle: one of CYCLES
    :param billing_day: 1 to 31
    :return: (first day, day after the last)
    :raises ValueError: for an unknown cycle or a billing day outside 1 to 31

    >>> period_of(date(2024, 2, 10), 'monthly', 31)
    (datetime.date(2024, 1, 31), datetime.date(2024, 2, 29))
    >>> period_of(date(2024, 2, 29), 'monthly', 31)
    (datetime.date(2024, 2, 29), datetime.date(2024, 3, 31))
    """
    if not 1 <= billing_day <= 31:
        raise ValueError(f"{billing_day} is no day of a month")
    if cycle in _MONTHS:
        months = _MONTHS[cycle]
        month = _month_number(day) // months * months
        start = _day_in_month(month, billing_day)
        if day < start:
            return _day_in_month(month - months, billing_day), start
        return start, _day_in_month(month + months, billing_day)
    days = _days_of(cycle)
    start = day - timedelta(days=(day.isoweekday() - billing_day) % days)
    return start, start + timedelta(days=days)


def bridge(date_to, cycle, billing_day=1):
    """The period after one that ended: from its end to the next regular edge.

    Where the account's cycle or billing day has changed it is a part of a period: no day is billed
    twice or missed.

    :param date_to: the day after the last one of the period that ended
    :param cycle: one of CYCLES, the one in force from then on
    :param billing_day: 1 to 31
    :return: (date_to, day after the last)
    :raises ValueError: as :func:`period_of`

    >>> bridge(date(2024, 2, 29), 'monthly', 31)
    (datetime.date(2024, 2, 29), datetime.date(2024, 3, 31))
    >>> bridge(date(2024, 3, 1), 'monthly', 15)
    (datetime.date(2024, 3, 1), datetime.date(2024, 3, 15))
    """
    return date_to, period_of(date_to, cycle, billing_day)[1]


# ----------------------------------------------------------------------------------------------
# Recurring spans, counted from an anchor
# ----------------------------------------------------------------------------------------------


def span_of(day, unit, interval, anchor):
    """The recurring span that contains a day, where spans of so many units begin at the anchor.

    Months are counted from the anchor, not from one span to the next: 31 January, 29 February,
    31 March.

    :param day: the day, not before the anchor
    :param unit: one of CYCLES
    :param interval: units in a span, at least 1
    :param anchor: first day of the first span
    :return: (first day, day after the last)
    :raises ValueError: for a day before the anchor, an unknown unit, an interval below 1

    >>> span_of(date(2024, 3, 30), 'monthly', 1, date(2024, 1, 31))
    (datetime.date(2024, 2, 29), datetime.date(2024, 3, 31))
    """
    if day < anchor:
        raise ValueError(f"{day} is before the first span, which begins on {anchor}")
    if interval < 1:
        raise ValueError("a span has at least one unit")
    if unit in _MONTHS:
        months = _MONTHS[unit] * interval
        first = _month_number(anchor)
        month = first + (_month_number(day) - first) // months * months
        start = _day_in_month(month, anchor.day)
        if day < start:
            return _day_in_month(month - months, anchor.day), start
        return start, _day_in_month(month + months, anchor.day)
    days = _days_of(unit) * interval
    start = day - timedelta(days=(day - anchor).days % days)
    return start, start + timedelta(days=days)


def spans(date_from, date_to, unit, interval, anchor):
    """All recurring spans that share a day with [date_from, date_to), whole, in their order.

    Before the anchor there are none.

    :param date_from: first day
    :param date_to: day after the last
    :param unit: one of CYCLES
    :param interval: units in a span, at least 1
    :param anchor: first day of the first span
    :return: iterator of (first day, day after the last)
    :raises ValueError: for an unknown unit, an interval below 1

    >>> [str(start) for start, end in spans(
    ...     date(2024, 2, 1), date(2024, 4, 1), 'monthly', 1, date(2024, 1, 31))]
    ['2024-01-31', '2024-02-29', '2024-03-31']
    """
    day = max(date_from, anchor)
    while day < date_to:
        start, day = span_of(day, unit, interval, anchor)
        yield start, day


def _days_of(cycle):
    try:
        return _DAYS[cycle]
    except KeyError:
        raise ValueError(f"unknown cycle {cycle!r}") from None


def _month_number(day):
    """Months since January of the year 0."""
    return day.year * 12 + day.month - 1


def _day_in_month(month_number, day):
    """That day of a month, or the month's last one where it is shorter."""
    year, month = divmod(month_number, 12)
    try:
        return date(year, month + 1, day)
    except ValueError:
        if day <= 28:
            raise
    year, month = divmod(month_number + 1, 12)
    return date(year, month + 1, 1) - _ONE_DAY


# ----------------------------------------------------------------------------------------------
# Days and moments
# ----------------------------------------------------------------------------------------------


@cache
def _zone(tz_name):
    """The time zone of that IANA name.

    The system's table of zones comes first; one that leaves out the older names (US/Eastern) is
    made up for by the ``pytz`` library where that is installed.
    """
    try:
        return ZoneInfo(tz_name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        pass
    try:
        from pytz import open_resource

        with open_resource(tz_name) as table:
            return ZoneInfo.from_file(table, key=tz_name)
    except (ImportError, ValueError, TypeError, AttributeError, OSError):
        raise ValueError(f"unknown time zone {tz_name!r}") from None


@lru_cache(maxsize=16384)
def midnight_utc(day, tz_name):
    """The moment at which a day begins in a time zone: the first one whose local date is that day.

    Where the clock skips midnight that is the moment of the change; where midnight comes twice it
    is the first. A day that the zone skips altogether is as long as nothing: it begins with the
    next.

    :param day: the local day
    :param tz_name: IANA name of the zone
    :return: naive UTC ``datetime``
    :raises ValueError: for an unknown zone

    >>> midnight_utc(date(2018, 11, 4), 'America/Sao_Paulo')
    datetime.datetime(2018, 11, 4, 3, 0)
    """
    # A skipped midnight is read with the offset before the change (PEP 495), which makes it the
    # change itself: since 1919 no zone has put its clock forward over midnight from before it.
    return local_to_utc(datetime(day.year, day.month, day.day), tz_name)


def local_day(moment_utc, tz_name):
    """The day to which a moment belongs in a time zone: the one whose midnights stand around it.

    That is the local date, but for clocks that are set back over midnight: once a day has begun,
    the evening that comes a second time belongs to it.

    :param moment_utc: naive UTC ``datetime``
    :param tz_name: IANA name of the zone
    :return: ``date``
    :raises ValueError: for an unknown zone

    >>> local_day(datetime(2022, 3, 1, 4, 59), 'America/New_York')
    datetime.date(2022, 2, 28)
    """
    local = _local(moment_utc, _zone(tz_name))
    day = local.date()
    if local.fold and moment_utc >= midnight_utc(day + _ONE_DAY, tz_name):
        return day + _ONE_DAY
    return day


def local_to_utc(naive_local, tz_name):
    """The moment of a local time that was written without its zone.

    A time that the clock shows twice is the first of the two; one that it skips is as much later as
    the clock was put forward.

    :param naive_local: naive local ``datetime``
    :param tz_name: IANA name of the zone
    :return: naive UTC ``datetime``
    :raises ValueError: for an unknown zone

    >>> local_to_utc(datetime(2015, 3, 8, 2, 0), 'America/Los_Angeles')
    datetime.datetime(2015, 3, 8, 10, 0)
    """
    return _utc(naive_local.replace(tzinfo=_zone(tz_name), fold=0))


def _utc(local):
    return local.replace(tzinfo=None) - local.utcoffset()


def _local(moment_utc, zone):
    return zone.fromutc(moment_utc.replace(tzinfo=zone))
