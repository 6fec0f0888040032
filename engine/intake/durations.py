"""Durations of calls, as switches write them, to whole seconds."""

import re
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, Decimal

from .badrow import Unreadable

ROUNDINGS = {"up": ROUND_CEILING, "down": ROUND_DOWN, "half_up": ROUND_HALF_UP}
MAX_SECONDS = 2**31 - 1

_DECIMAL = re.compile(r"\d{1,13}(?:[.,]\d{1,12})?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,5}):([0-5]?\d):([0-5]?\d(?:[.,]\d{1,12})?)", re.ASCII)
_UNITS = re.compile(
    r"(?:(\d{1,6})\s*h)?\s*(?:(\d{1,8})\s*m(?:in)?)?\s*(?:(\d{1,10}(?:\.\d{1,12})?)\s*s(?:ec)?)?"
    r"\s*(?:(\d{1,13}(?:\.\d{1,12})?)\s*ms)?",
    re.ASCII,
)


def parse_seconds(text, field, rounding="up", per_second=1):
    """The whole seconds of a duration.

    Understood are seconds with or without decimals, hh:mm:ss (but not mm:ss, which may as well be
    hours and minutes), and 1h2m3s with any of its parts.

    :param text: the text of a column, without blanks around it
    :param field: name of the field, for the error
    :param rounding: what becomes of a part of a second: 'up', 'down' or 'half_up'
    :param per_second: units of a plain number in one second: 1000 for milliseconds
    :return: ``int``
    :raises Unreadable: for what is no duration, or longer than 2**31 seconds

    >>> parse_seconds('1m30s', 'billsec'), parse_seconds('00:05:36', 'billsec')
    (90, 336)
    >>> parse_seconds('67540', 'billsec', per_second=1000)
    68
    """
    if per_second == 1 and len(text) <= 10 and text.isdigit() and text.isascii():
        seconds = int(text)
    elif not text:
        raise Unreadable(field, "empty")
    else:
        seconds = _whole(_exact_seconds(text, field, per_second), rounding)
    if seconds > MAX_SECONDS:
        raise Unreadable(field, "duration_too_long", text)
    return seconds


def _exact_seconds(text, field, per_second):
    if _DECIMAL.fullmatch(text):
        return Decimal(text.replace(",", ".")) / per_second
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = match.groups()
        return int(hours) * 3600 + int(minutes) * 60 + Decimal(seconds.replace(",", "."))
    if text and len(text) <= 64 and (match := _UNITS.fullmatch(text.lower())):
        hours, minutes, seconds, milliseconds = match.groups()
        return (
            int(hours or 0) * 3600
            + int(minutes or 0) * 60
            + Decimal(seconds or 0)
            + Decimal(milliseconds or 0) / 1000
        )
    raise Unreadable(field, "not_a_duration", text)


def _whole(seconds, rounding):
    return int(Decimal(seconds).to_integral_value(ROUNDINGS[rounding]))
