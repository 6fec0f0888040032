"""From the cells of a rate deck to rates."""

from decimal import Decimal

from .badrow import Refused, Unreadable, bad_row
from .columns import INBOUND_WORDS, OUTBOUND_WORDS
from .deck_checks import check_deck
from .deck_columns import DeckMapping
from .deck_table import DeckRow
from .deck_values import (
    date_order_of,
    parse_increments,
    parse_prefixes,
    parse_price,
    parse_whole_seconds,
    read_date,
)

_DIRECTIONS = {
    **dict.fromkeys(OUTBOUND_WORDS, "outbound"),
    **dict.fromkeys(INBOUND_WORDS, "inbound"),
    "": "outbound",
}
_CALL_SERVICES = frozenset(("", "audio", "voice", "call", "calls", "telephony", "voip", "phone"))
_OPTIONS = {
    "price_scale": "1",  # what one unit of the price column is worth in the currency
    "fee_scale": "1",  # the same of the connection fee
    "decimal_mark": None,  # '.' or ',' where it is known
    "date_order": None,  # 'dmy' or 'mdy' where it is known
    "direction": "outbound",  # of rows without one
    "initial_increment": 1,  # seconds, of rows without one
    "increment": 1,  # likewise
    "optional_dates": False,  # whether what is no date counts as none
    "extra_charges": (),  # numbers of columns with charges that a rate has no place for
}


class ParsedDeck(list):
    """The rows of a rate deck, good and bad, in the order of the file.

    ``warnings`` is a list of (code, parameters) on the deck as a whole.
    """

    def __init__(self, rows=(), warnings=()):
        super().__init__(rows)
        self.warnings = list(warnings)

    @property
    def rates(self):
        """The good rows."""
        return [row for row in self if "error" not in row]

    @property
    def bad_rows(self):
        """The bad rows."""
        return [row for row in self if "error" in row]


def parse_deck_rows(rows, mapping, options=None):
    """The rates of a deck.

    A rate is a ``dict``: prefix (digits), destination, price_per_minute and connection_fee
    (``Decimal`` of at most 8 decimals), included_seconds, initial_increment, increment (seconds),
    date_from and date_to (naive local ``datetime`` between which it holds, the latter not
    included, or ``None`` for open), direction, line, raw and warnings, a list of (code,
    parameters) whose sentences are :data:`deck_checks.WARNINGS`. A bad row is a ``dict`` of line,
    raw and error (:class:`BadRow`).

    A last day without a time is a day on which the price still holds: 31/10/2026 ends with it, at
    2026-11-01 00:00.

    :param rows: the rows of :func:`deck_table.read_deck`, or lists of cells
    :param mapping: :class:`DeckMapping`, or ``dict`` of field: number of the column
    :param options: ``dict`` that overrides those of the mapping: price_scale, fee_scale,
        decimal_mark, date_order, direction, initial_increment, increment
    :return: :class:`ParsedDeck`
    :raises ValueError: for an unknown option, or a mapping without prefix or price
    """
    if not isinstance(mapping, DeckMapping):
        mapping = DeckMapping(dict(mapping), {})
    if not mapping.is_complete:
        raise ValueError("a rate deck needs a prefix and a price")
    options = {**_OPTIONS, **mapping.options, **(options or {})}
    unknown = options.keys() - _OPTIONS.keys()
    if unknown:
        raise ValueError(f"unknown options: {', '.join(sorted(unknown))}")
    rows, refusal = _all_rows(rows)
    warnings = []
    if options["date_order"] is None:
        options["date_order"], is_open = date_order_of(_date_cells(rows, mapping.columns))
        if is_open:
            warnings.append(("ambiguous_dates", {"order": options["date_order"]}))
    parse = _parser(mapping.columns, options)
    parsed = []
    for row in rows:
        if row.error is not None:
            parsed.append(bad_row(row.line, row.raw, row.error))
        elif any(row.cells):
            try:
                parsed += parse(row)
            except Unreadable as error:
                parsed.append(bad_row(row.line, row.raw, error.bad_row))
    parsed, deck_warnings = check_deck(parsed, "destination" in mapping.columns)
    if refusal:
        parsed.append(bad_row(0, "", refusal.bad_row))
    return ParsedDeck(parsed, warnings + deck_warnings)


def _all_rows(rows):
    """(all rows, why there are no more of them)"""
    read = []
    try:
        for number, row in enumerate(rows, 1):
            if not isinstance(row, DeckRow):
                cells = [str(cell).strip() for cell in row]
                row = DeckRow(number, cells, "\t".join(cells))
            read.append(row)
    except Refused as refused:
        refused.bad_row.fatal = True
        return read, refused
    return read, None


def _date_cells(rows, columns):
    places = [columns[field] for field in ("date_from", "date_to") if field in columns]
    return (row.cells[at] for row in rows for at in places if at < len(row.cells))


def _parser(columns, options):
    place = columns.get
    price_scale, fee_scale = Decimal(options["price_scale"]), Decimal(options["fee_scale"])
    decimal_mark, date_order = options["decimal_mark"], options["date_order"]
    at_price, price_field = place("price_per_minute"), "price_per_minute"
    if at_price is None:
        at_price, price_scale = place("price_per_second"), price_scale * 60
    at_country = place("prefix_country")
    at_prefix = place("prefix", place("prefix_area", at_country))
    if at_country == at_prefix:
        at_country = None
    at_destination, at_fee = place("destination"), place("connection_fee")
    at_included, at_direction = place("included_seconds"), place("direction")
    at_initial, at_increment = place("initial_increment"), place("increment")
    at_from, at_to, at_service = place("date_from"), place("date_to"), place("service")

    def parse(row):
        cells, warnings = row.cells, []
        width = len(cells)

        def cell(at):
            return cells[at] if at is not None and at < width else ""

        service = cell(at_service).lower()
        if service not in _CALL_SERVICES:
            raise Unreadable("service", "not_calls", cell(at_service))
        if "\0" in row.raw:
            raise Unreadable("line", "bad_character", row.raw)
        prefixes = _prefixes(cell(at_country), cell(at_prefix), at_country is not None)
        price, is_rounded = parse_price(cell(at_price), price_field, price_scale, decimal_mark)
        fee = Decimal(0)
        if cell(at_fee):
            fee, is_fee_rounded = parse_price(
                cell(at_fee), "connection_fee", fee_scale, decimal_mark
            )
            is_rounded = is_rounded or is_fee_rounded
        if is_rounded:
            warnings.append(("price_rounded", {"price": str(price), "fee": str(fee)}))
        included = cell(at_included)
        included = parse_whole_seconds(included, "included_seconds") if included else 0
        initial, increment = _increments(cell(at_initial), cell(at_increment), options)
        date_from, date_to = _dates(cell(at_from), cell(at_to), date_order, options)
        direction = _DIRECTIONS.get(cell(at_direction).lower())
        if direction is None:
            raise Unreadable("direction", "not_a_direction", cell(at_direction))
        if not cell(at_direction):
            direction = options["direction"]
        extra = [at for at in options["extra_charges"] if cell(at).strip("0. ")]
        if extra:
            warnings.append(("extra_charges", {"columns": ", ".join(str(at + 1) for at in extra)}))
        return [
            {
                "prefix": prefix,
                "destination": cell(at_destination),
                "price_per_minute": price,
                "connection_fee": fee,
                "included_seconds": included,
                "initial_increment": initial,
                "increment": increment,
                "date_from": date_from,
                "date_to": date_to,
                "direction": direction,
                "line": row.line,
                "raw": row.raw,
                "warnings": list(warnings),
            }
            for prefix in prefixes
        ]

    return parse


def _prefixes(country_text, prefix_text, has_country):
    """Whole prefixes, from one cell, or from one of country codes and one of area codes."""
    if not has_country:
        return parse_prefixes(prefix_text)
    areas = parse_prefixes(prefix_text) if prefix_text else [""]
    return [country + area for country in parse_prefixes(country_text) for area in areas]


def _increments(initial_text, increment_text, options):
    """(first block, increment), from two cells, or from one such as 30/6."""
    initial = increment = None
    if increment_text:
        *first, increment = parse_increments(increment_text, "increment")
        initial = first[0] if first else None
    if initial_text:
        if "/" in initial_text:
            initial, increment = parse_increments(initial_text, "initial_increment")
        else:
            initial = parse_whole_seconds(initial_text, "initial_increment")
    if increment is None:
        increment = options["increment"] if initial is None else initial
        if initial is None:
            initial = options["initial_increment"]
    # A first block of 0 means that there is none of its own.
    return initial or increment or 1, increment or 1


def _dates(from_text, to_text, date_order, options):
    start = read_date(from_text, date_order)
    end = read_date(to_text, date_order, is_end=True)
    if start is None and not options["optional_dates"]:
        raise Unreadable("date_from", "not_a_date", from_text)
    if end is None and not options["optional_dates"]:
        raise Unreadable("date_to", "not_a_date", to_text)
    date_from, date_to = start or None, end or None
    if date_from and date_to and date_to <= date_from:
        raise Unreadable("date_to", "dates_reversed", to_text, start=from_text)
    return date_from, date_to
