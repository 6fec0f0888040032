"""What is odd about the rates of a deck, seen as a whole."""

from collections import defaultdict
from datetime import datetime
from itertools import pairwise
from statistics import median

from .badrow import BadRow, bad_row

# Each is kept; the sentence says what to look at.
WARNINGS = {
    "high_price": "%(price)s a minute is more than 100 times the median of %(median)s",
    "zero_price": "calls are free of charge",
    "no_destination": "the destination has no name",
    "increment_above_initial": "the increment of %(increment)s seconds is longer than the first"
    " block of %(initial)s",
    "price_rounded": "rounded to 8 decimals: %(price)s a minute, connection fee %(fee)s",
    "extra_charges": "charges in columns %(columns)s have no place in a rate",
    "ended_by_next": "ends on %(date_to)s, since line %(line)s has another price from then on",
    # of the deck
    "fee_equals_price": "the connection fee equals the price of a minute in all %(rows)s rows",
    "no_destinations": "the destinations have no names",
    "ambiguous_dates": "the dates may be day-month-year or month-day-year; read as %(order)s",
}
_HIGH = 100
_FEW = 5


def check_deck(parsed, has_names):
    """Refuse rates that contradict each other and mark those that are odd.

    Of two rates for one prefix and direction that hold at the same time, the later in the file is
    refused; but a rate without end ends where one without end begins after it, as price lists with
    a coming change have it.

    :param parsed: list of rates and bad rows, in the order of the file; rates are changed in place
    :param has_names: whether the deck has names of destinations at all
    :return: (list of rates and bad rows, list of (code, parameters) on the deck)
    """
    refused = _refuse_overlaps([row for row in parsed if "error" not in row])
    rows = [
        bad_row(row["line"], row["raw"], refused[id(row)]) if id(row) in refused else row
        for row in parsed
    ]
    rates = [row for row in rows if "error" not in row]
    prices = [rate["price_per_minute"] for rate in rates if rate["price_per_minute"]]
    usual = median(prices) if prices else None
    for rate in rates:
        _mark(rate, usual, has_names)
    warnings = []
    if len(rates) >= _FEW and all(
        rate["connection_fee"] and rate["connection_fee"] == rate["price_per_minute"]
        for rate in rates
    ):
        warnings.append(("fee_equals_price", {"rows": len(rates)}))
    if rates and not has_names:
        warnings.append(("no_destinations", {}))
    return rows, warnings


def _mark(rate, usual, has_names):
    warnings, price = rate["warnings"], rate["price_per_minute"]
    if not price:
        warnings.append(("zero_price", {}))
    elif usual and price > _HIGH * usual:
        warnings.append(("high_price", {"price": str(price), "median": str(usual)}))
    if rate["increment"] > rate["initial_increment"]:
        warnings.append(
            (
                "increment_above_initial",
                {"increment": rate["increment"], "initial": rate["initial_increment"]},
            )
        )
    if has_names and not rate["destination"]:
        warnings.append(("no_destination", {}))


def _refuse_overlaps(rates):
    """The error of each rate to be refused, by its ``id``."""
    by_prefix = defaultdict(list)
    for rate in rates:
        by_prefix[rate["prefix"], rate["direction"]].append(rate)
    refused = {}
    for group in by_prefix.values():
        if len(group) > 1:
            _refuse_in_group(group, refused)
    return refused


def _refuse_in_group(group, refused):
    """Refuse rates of one prefix and direction, given in the order of the file."""
    by_start = {}
    for rate in group:
        first = by_start.setdefault(rate["date_from"], rate)
        if first is not rate:
            is_same = first["date_to"] == rate["date_to"]
            _refuse(rate, first, refused, "duplicate_prefix" if is_same else "overlapping_dates")
    kept = []
    for rate in sorted(by_start.values(), key=lambda rate: rate["date_from"] or datetime.min):
        while kept and _overlap(kept[-1], rate):
            first, second = sorted((kept[-1], rate), key=lambda rate: rate["line"])
            _refuse(second, first, refused, "overlapping_dates")
            if second is rate:
                break
            kept.pop()
        else:
            kept.append(rate)
    for rate, following in pairwise(kept):
        if rate["date_to"] is None:
            rate["date_to"] = following["date_from"]
            rate["warnings"].append(
                ("ended_by_next", {"date_to": str(rate["date_to"]), "line": following["line"]})
            )


def _overlap(rate, following):
    if rate["date_to"] is None:
        # One that holds for a while only does not end what holds for ever.
        return following["date_to"] is not None
    return following["date_from"] < rate["date_to"]


def _refuse(rate, first, refused, code):
    refused[id(rate)] = BadRow("prefix", code, rate["prefix"], first_line=first["line"])
