"""Why a row of a deck is refused, and what is odd about one, in the user's language.

The engine names reasons by codes; the sentences stand here once more because Odoo collects what
is to be translated from calls of `env._`.
"""

from ..engine.intake.badrow import MESSAGES
from ..engine.intake.deck_checks import WARNINGS


class DeckWords:
    """The sentences in one language, looked up once."""

    def __init__(self, env):
        self._reasons = _reasons(env)
        self._oddities = _oddities(env)
        self._labels = {**field_labels(env), "line": env._("The line"), "file": env._("The file")}
        self._orders = {"dmy": env._("day-month-year"), "mdy": env._("month-day-year")}

    def reason(self, code, params):
        """Return why a row is refused, or a file cannot be read.

        :param code: key of `engine.intake.MESSAGES`, or of a refusal by the merge
        :param params: what the sentence takes; `field` is the engine's name of a field
        """
        sentence = self._reasons.get(code) or MESSAGES[code]
        field = params.get("field")
        return sentence % {**params, "field": self._labels.get(field, field)}

    def warning(self, code, params):
        """Return what is odd about a row, or about a deck; keys of `deck_checks.WARNINGS`."""
        sentence = self._oddities.get(code) or WARNINGS[code]
        params = dict(params)
        if code == "increment_above_initial":
            params["sum"] = params["initial"] + params["increment"]
        if code == "ambiguous_dates":
            params["order"] = self._orders.get(params["order"], params["order"])
        return sentence % params


def _reasons(env):
    return {
        "empty": env._("%(field)s is empty."),
        "columns": env._("The line has %(value)s columns; at most %(expected)s are read."),
        "quotes": env._("A quotation mark is never closed: %(value)s"),
        "csv": env._("The line cannot be split into columns: %(value)s"),
        "line_too_long": env._("The line is longer than %(limit)s characters."),
        "bad_character": env._("The line has a character that cannot be stored: %(value)s"),
        "text_too_long": env._("%(field)s is longer than %(limit)s characters: %(value)s"),
        "digits_lost": env._("%(field)s has lost its digits in a spreadsheet: %(value)s"),
        "not_a_prefix": env._("%(field)s is not made of digits: %(value)s"),
        "not_a_range": env._("%(field)s is not a range of prefixes: %(value)s"),
        "not_a_price": env._("%(field)s is not a price: %(value)s"),
        "price_too_high": env._("%(field)s is too high, 1,000,000 or more: %(value)s"),
        "not_an_increment": env._("%(field)s is not a number of seconds: %(value)s"),
        "zero_increment": env._("%(field)s is zero; it must be one second at least."),
        "not_a_date": env._("%(field)s is not a date: %(value)s"),
        "dates_reversed": env._("%(field)s is %(value)s, not after the start on %(start)s."),
        "not_a_direction": env._("%(field)s is neither outbound nor inbound: %(value)s"),
        "not_calls": env._("The row is not a price of calls: %(value)s"),
        "duplicate_prefix": env._("Prefix %(value)s has a price in line %(first_line)s already."),
        "overlapping_dates": env._(
            "Prefix %(value)s has a price for these dates in line %(first_line)s."
        ),
        "ended_before": env._(
            "Prefix %(value)s: the price ends on %(date_to)s, before the deck takes effect."
        ),
        "superseded": env._(
            "Prefix %(value)s: line %(next_line)s replaces this price before the deck takes effect."
        ),
        # the file as a whole
        "too_many_bytes": env._(
            "The file is larger than %(limit)s bytes when unpacked. Divide it into several files."
        ),
        "too_many_rows": env._(
            "The file has more than %(limit)s rows. Divide it into several files."
        ),
        "too_dense": env._("The file is packed too tightly to be genuine. Send it unpacked."),
        "gzip_in_gzip": env._("The file is packed twice. Unpack it once and try again."),
        "damaged_gzip": env._("The packed file is damaged: %(value)s. Fetch it again."),
        "unknown_archive": env._(
            "This kind of file is not read: %(value)s. Save the deck as .xlsx or CSV."
        ),
        "damaged_workbook": env._(
            "The workbook cannot be read. Open it in a spreadsheet program and save it as .xlsx "
            "or CSV (%(value)s)."
        ),
    }


def _oddities(env):
    return {
        "high_price": env._(
            "%(price)s a minute is more than 100 times the usual price of %(median)s."
        ),
        "zero_price": env._("Calls are free of charge."),
        "no_destination": env._("The destination has no name; the country's is used."),
        "increment_above_initial": env._(
            "The increment of %(increment)s seconds is longer than the first block of "
            "%(initial)s: a call that exceeds it is billed at least %(sum)s seconds."
        ),
        "price_rounded": env._(
            "Rounded to 8 decimals: %(price)s a minute, connection fee %(fee)s."
        ),
        "extra_charges": env._("The charges in columns %(columns)s have no place in a rate."),
        "ended_by_next": env._(
            "The price ends on %(date_to)s: line %(line)s has another one from then on."
        ),
        "fee_equals_price": env._(
            "The connection fee equals the price of a minute in all %(rows)s rows. Is the column "
            "right?"
        ),
        "no_destinations": env._(
            "The deck has no names of destinations: the names that the card has are kept, else "
            "the country's name is used."
        ),
        "ambiguous_dates": env._(
            "The dates may be day-month-year or month-day-year; they are read as %(order)s."
        ),
    }


def field_labels(env):
    """Return {field of a deck: label}, in the order in which they are offered."""
    return {
        "prefix": env._("Prefix"),
        "prefix_country": env._("Country code (first part of the prefix)"),
        "prefix_area": env._("Area code (second part of the prefix)"),
        "destination": env._("Destination"),
        "price_per_minute": env._("Price per minute"),
        "price_per_second": env._("Price per second"),
        "connection_fee": env._("Connection fee"),
        "included_seconds": env._("Included seconds"),
        "initial_increment": env._("First increment"),
        "increment": env._("Increment"),
        "date_from": env._("In force from"),
        "date_to": env._("In force until"),
        "direction": env._("Direction"),
        "service": env._("Service (only voice is imported)"),
    }
