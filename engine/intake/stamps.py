"""Dates with times, as switches write them, to naive UTC."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ..calendar import local_to_utc
from .badrow import Unreadable

DATE_ORDERS = ("dmy", "mdy")
# What stands for "never" in the columns of databases.
NEVER = frozenset(
    ("", "0", "-", "null", "none", "nil", "\\n", "0000-00-00", "0000-00-00 00:00:00", "n/a")
)

_EPOCH = datetime(1970, 1, 1)
_GREGORIAN_SECONDS = 62_167_219_200  # from the year 0 to 1970
_MINUTES_KEPT = 20_000
_SECONDS = {f":{second:02}": timedelta(seconds=second) for second in range(60)}

_CLOCK = r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?\s*([AaPp][Mm])?"
_ZONE = r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?(?:\s+\(?[A-Za-z]{2,5}\)?)?"
_YEAR_FIRST = re.compile(
    rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}})(?:[T ]\s*|,\s*){_CLOCK}{_ZONE}", re.ASCII
)
_YEAR_LAST = re.compile(
    rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}})(?:[T ]\s*|,\s*){_CLOCK}{_ZONE}", re.ASCII
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})T?(\d{2})(\d{2})(\d{2})(?:\.\d{1,9})?(Z)?", re.ASCII)
_NUMBER = re.compile(r"(\d{9,17})(?:\.\d{1,9})?", re.ASCII)


def stamp_parser(timezone_name="UTC", date_order="dmy", read_hint=None):
    """A function that reads the stamps of one source.

    Understood are year-month-day and day-month-year (or month-day-year) with a time, with or
    without seconds, fractions (dropped), AM or PM, and zone; yyyymmddhhmmss; seconds since 1970, or
    since the year 0 as Kazoo counts them, milliseconds and microseconds.

    In the hour that a zone goes through twice, the nearer to the hint is taken, or the first one.
    A time that a zone leaves out is read as if its clocks had not been changed.

    :param timezone_name: IANA name of the zone of stamps that carry none
    :param date_order: what 03/04/2026 means, 'dmy' or 'mdy'
    :param read_hint: function that makes seconds since 1970, or ``None``, of a hint
    :return: a function of (text, name of the field, hint) that returns a naive ``datetime`` in UTC
        and raises :class:`Unreadable`
    :raises ValueError: for an unknown zone or date order

    >>> stamp_parser('Europe/Brussels')('2026-09-01 10:00:05', 'start')
    datetime.datetime(2026, 9, 1, 8, 0, 5)
    """
    local_to_utc(_EPOCH, timezone_name)
    if date_order not in DATE_ORDERS:
        raise ValueError(f"{date_order!r} is no order of day and month")
    minutes = {}  # text of a minute: the same in UTC
    # A stamp of minute precision is a minute and no seconds.
    get_minute, get_second = minutes.get, {"": timedelta(0), **_SECONDS}.get

    def parse(text, field, hint=None):
        minute = get_minute(text[:16])
        if minute is not None:
            second = get_second(text[16:])
            if second is not None:
                return minute + second
        text = text.strip()
        if hint is not None:
            hint = read_hint(hint)
        stamp = len(text) <= 64 and _read(text, timezone_name, date_order, hint)
        if not stamp:
            raise Unreadable(field, "not_a_stamp", text)
        stamp, is_repeatable = stamp
        if is_repeatable and len(text) in (16, 19) and text[13] == ":":
            if len(minutes) >= _MINUTES_KEPT:
                minutes.clear()
            minutes[text[:16]] = stamp.replace(second=0)
        return stamp

    return parse


def _read(text, timezone_name, date_order, hint):
    """(naive UTC, whether the whole minute is read alike), or ``None``."""
    try:
        if match := _YEAR_FIRST.fullmatch(text):
            year, _separator, month, day, *clock = match.groups()
        elif match := _YEAR_LAST.fullmatch(text):
            day, _separator, month, year, *clock = match.groups()
            if date_order == "mdy":
                day, month = month, day
        elif match := _COMPACT.fullmatch(text):
            year, month, day, hour, minute, second, is_utc = match.groups()
            clock = hour, minute, second, None, is_utc
        elif match := _NUMBER.fullmatch(text):
            return _from_number(int(match[1])), False
        else:
            return None
        hour, minute, second, half, offset = clock
        hour = int(hour)
        if half:
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if half in ("PM", "pm", "Pm", "pM") else 0)
        # A leap second is written 60.
        local = datetime(
            int(year), int(month), int(day), hour, int(minute), min(int(second or 0), 59)
        )
        if second and int(second) > 60:
            return None
        if offset:
            return local - _offset(offset), False
        return _to_utc(local, timezone_name, hint)
    except (ValueError, OverflowError):
        return None


def _from_number(number):
    if number >= 10**15:
        number //= 10**6
    elif number >= 10**12:
        number //= 10**3
    elif number >= _GREGORIAN_SECONDS:
        number -= _GREGORIAN_SECONDS
    return _EPOCH + timedelta(seconds=number)


def _offset(text):
    if text in ("Z", "UTC", "GMT"):
        return timedelta(0)
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 15 or minutes > 59:
        raise ValueError(text)
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if text[0] == "-" else offset


def _to_utc(local, timezone_name, hint):
    first = local_to_utc(local, timezone_name)
    try:
        second = local - local.replace(tzinfo=ZoneInfo(timezone_name), fold=1).utcoffset()
    except (KeyError, OSError):
        second = first  # a zone under an older name
    if first < second and hint is not None:
        hinted = _EPOCH + timedelta(seconds=hint)
        return min(first, second, key=lambda stamp: abs(stamp - hinted)), False
    return first, first == second


def from_epoch(seconds):
    """The moment of a count of seconds.

    :param seconds: seconds since 1970, ``int``
    :return: naive ``datetime`` in UTC
    :raises OverflowError: for what lies beyond the year 9999
    """
    return _EPOCH + timedelta(seconds=seconds)
