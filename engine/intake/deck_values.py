"""The cells of a rate deck: prefixes, prices, increments and dates."""

import re
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from .badrow import Unreadable
from .stamps import NEVER

_SEPARATORS = re.compile(r"[,;|/\n]+")
_PUNCTUATION = dict.fromkeys(map(ord, " \t\r.()[]'\"\u00a0\u2007\u202f\u200b"))
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
_MAX_PREFIX_DIGITS = 15
_MAX_RANGE = 1000
_RANGE_DIGITS = 3
_COUNTRY_CODE_DIGITS = 3

_PRICE = re.compile(r"(-?)(\d{1,15}(?:\.\d{1,40})?|\.\d{1,40})(?:[eE]([+-]?\d{1,2}))?", re.ASCII)
_CURRENCY = re.compile(r"[$€£¥]|\b[A-Za-z]{3}\b|/ ?min\.?$")
_STEP = Decimal("0.00000001")
_MAX_PRICE = Decimal(1_000_000)
_NOISE = Decimal("1e-12")

_SECONDS = re.compile(r'(\d{1,6})(?:[.,]0+)?\s*(?:s|sec|secs|seconds|sek|")?\.?', re.ASCII)
_MAX_INCREMENT = 86_400

# Of texts in lower case.
_YEAR_FIRST = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})(?:[t ](.*))?", re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?:[t ](.*))?", re.ASCII)
_NAMED = re.compile(r"(\d{1,2})[ -]([a-z]{3})[a-z]*[ ,-]+(\d{4}|\d{2})(?: (.*))?", re.ASCII)
_NAMED_US = re.compile(r"([a-z]{3})[a-z]* (\d{1,2}),? (\d{4})(?: (.*))?", re.ASCII)
_SERIAL = re.compile(r"(\d{5})(?:\.\d+)?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?", re.ASCII)
_ONE_DAY = timedelta(days=1)
_EXCEL_EPOCH = date(1899, 12, 30)
_MONTH_NAMES = "janfebmaraprmayjunjulaugsepoctnovdec"
_MONTHS = {_MONTH_NAMES[3 * month - 3 : 3 * month]: month for month in range(1, 13)}
# Databases write "for ever" as a date that nobody will live to see.
_ENDLESS_YEAR = 2900


def parse_prefixes(text):
    """The prefixes in a cell.

    Commas, semicolons, slashes, bars and line ends separate prefixes; blanks do not. A range such
    as 4471-4475 stands for each prefix in it.

    :param text: the cell
    :return: list of ``str`` of digits, without + and 00
    :raises Unreadable: for what is no prefix

    >>> parse_prefixes('+44 77, 0044 78; 4471-4473')
    ['4477', '4478', '4471', '4472', '4473']
    """
    prefixes = []
    for part in _SEPARATORS.split(text):
        part = part.translate(_PUNCTUATION).translate(_DASHES)
        if part:
            prefixes += _range(part) if "-" in part else [_prefix(part, text)]
    if not prefixes:
        raise Unreadable("prefix", "empty")
    return prefixes


def _prefix(part, text):
    digits = part.removeprefix("+")
    if digits.startswith("00"):
        digits = digits[2:]
    if not (digits.isdigit() and digits.isascii() and len(digits) <= _MAX_PREFIX_DIGITS):
        raise Unreadable("prefix", "not_a_prefix", text)
    return digits


def _range(part):
    """The prefixes of 4471-4475, or the one of 1-242 (a country code and an area code)."""
    ends = part.split("-")
    if len(ends) != 2 or not all(ends):
        raise Unreadable("prefix", "not_a_range", part)
    first, last = (_prefix(end, part) for end in ends)
    length, kept = len(first), max(1, len(first) - _RANGE_DIGITS)
    if length >= 3 and length == len(last) and first[:kept] == last[:kept]:
        count = int(last) - int(first) + 1
        if 1 <= count <= _MAX_RANGE:
            return [str(int(first) + step) for step in range(count)]
    elif length <= _COUNTRY_CODE_DIGITS and len(ends[0]) != len(ends[1]):
        return [_prefix(first + last, part)]
    # 4471-75 may be either, and 44-77 as well.
    raise Unreadable("prefix", "not_a_range", part)


def parse_price(text, field, scale=Decimal(1), decimal_mark=None):
    """The amount in a cell.

    Of a comma and a point the last one is the decimal mark; a single one is the decimal mark
    always, since calls do not cost thousands. Currencies around the number do not matter.

    :param text: the cell
    :param field: name of the field, for the error
    :param scale: what one unit of the cell is worth in the currency (``Decimal``)
    :param decimal_mark: '.' or ',' where it is known, else ``None``
    :return: (amount as ``Decimal`` of at most 8 decimals, whether digits were lost for that)
    :raises Unreadable: for what is no amount, negative, or 1,000,000 or more

    >>> parse_price('€ 0,0123', 'price_per_minute')
    (Decimal('0.0123'), False)
    """
    plain = text
    match = _PRICE.fullmatch(plain)
    if not match or decimal_mark == ",":
        plain = _CURRENCY.sub("", plain).replace(" ", "").replace("\u00a0", "").replace("'", "")
        match = _PRICE.fullmatch(_with_point(plain, decimal_mark))
    if not match:
        raise Unreadable(field, "not_a_price" if text else "empty", text)
    sign, number, exponent = match.groups()
    try:
        exact = Decimal(f"{number}e{exponent or 0}") * scale
        amount = exact.quantize(_STEP, ROUND_HALF_UP)
    except InvalidOperation:
        raise Unreadable(field, "price_too_high", text) from None
    if sign and amount:
        raise Unreadable(field, "not_a_price", text)
    if amount >= _MAX_PRICE:
        raise Unreadable(field, "price_too_high", text)
    places = max(0, -amount.normalize().as_tuple().exponent) if amount else 0
    return amount.quantize(Decimal(1).scaleb(-places)), abs(exact - amount) > _NOISE


def _with_point(text, decimal_mark):
    if decimal_mark is None:
        decimal_mark = "," if text.rfind(",") > text.rfind(".") else "."
    if decimal_mark == ",":
        return text.replace(".", "").replace(",", ".")
    return text.replace(",", "")


def parse_increments(text, field):
    """The billing increments in a cell: '60', '30/6', or '60/30/6' with a minimum before them.

    :param text: the cell
    :param field: name of the field, for the error
    :return: list of seconds: one for '60', the first block and the increment otherwise
    :raises Unreadable: for what is no number of seconds, or an increment of 0

    >>> parse_increments('30/6', 'increment'), parse_increments('60/1/1', 'increment')
    ([30, 6], [60, 1])
    """
    parts = [_whole_seconds(part.strip(), field, text) for part in re.split(r"[/+:|-]", text)]
    if len(parts) > 3:
        raise Unreadable(field, "not_an_increment", text)
    if len(parts) == 3:
        parts = [max(parts[:2]), parts[2]]
    if not parts[-1]:
        raise Unreadable(field, "zero_increment", text)
    return parts


def parse_whole_seconds(text, field):
    """The seconds in a cell.

    :param text: the cell
    :param field: name of the field, for the error
    :return: ``int``
    :raises Unreadable: for what is no number of seconds, or more than a day
    """
    return _whole_seconds(text, field, text)


def _whole_seconds(part, field, text):
    match = _SECONDS.fullmatch(part.lower())
    if not match or int(match[1]) > _MAX_INCREMENT:
        raise Unreadable(field, "not_an_increment" if text else "empty", text)
    return int(match[1])


def read_date(text, date_order="dmy", is_end=False):
    """The moment in a cell, in local time.

    :param text: the cell, a date with or without a time
    :param date_order: what 03/04/2026 means, 'dmy' or 'mdy'
    :param is_end: whether a day stands for its end, and so does its last minute
    :return: naive ``datetime``; ``False`` for an open end; ``None`` for what is no date

    >>> read_date('31/10/2026', is_end=True), read_date('2026-10-31 10:00:00', is_end=True)
    (datetime.datetime(2026, 11, 1, 0, 0), datetime.datetime(2026, 10, 31, 10, 0))
    """
    text = text.strip().lower()
    if text in NEVER:
        return False
    try:
        parts = _date_parts(text, date_order)
        if parts is None:
            return None
        year, month, day, clock = parts
        year = int(year)
        if year < 100:
            year += 2000
        if year >= _ENDLESS_YEAR:
            return False
        moment = datetime(year, int(month), int(day))
        if clock:
            match = _CLOCK.fullmatch(clock)
            if not match:
                return None
            hour, minute, second = (int(part or 0) for part in match.groups())
            if is_end and (hour, minute) == (23, 59):
                return moment + _ONE_DAY
            return moment.replace(hour=hour, minute=minute, second=second)
        return moment + _ONE_DAY if is_end else moment
    except (ValueError, KeyError, OverflowError):
        return None


def _date_parts(text, date_order):
    """(year, month, day, time or '') of a date in any form, or ``None``."""
    if match := _YEAR_FIRST.fullmatch(text):
        year, separator, month, day, clock = match.groups()
        if not separator and len(month + day) != 4:
            return None
    elif match := _YEAR_LAST.fullmatch(text):
        day, _separator, month, year, clock = match.groups()
        if date_order == "mdy":
            day, month = month, day
    elif match := _NAMED.fullmatch(text):
        day, month, year, clock = match.groups()
        month = _MONTHS[month]
    elif match := _NAMED_US.fullmatch(text):
        month, day, year, clock = match.groups()
        month = _MONTHS[month]
    elif match := _SERIAL.fullmatch(text):
        moment = _EXCEL_EPOCH + timedelta(days=int(match[1]))
        return moment.year, moment.month, moment.day, ""
    else:
        return None
    return year, month, day, (clock or "").strip()


def date_order_of(texts):
    """Whether the day or the month comes first in the dates of a deck.

    :param texts: the cells with dates
    :return: ('dmy' or 'mdy', whether the dates leave it open)
    """
    is_open = False
    for text in texts:
        match = _YEAR_LAST.fullmatch(text.strip())
        if match:
            first, second = int(match[1]), int(match[3])
            if first > 12:
                return "dmy", False
            if second > 12:
                return "mdy", False
            is_open = is_open or first != second
    return "dmy", is_open
