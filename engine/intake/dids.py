"""Lists of phone numbers to rent (DIDs)."""

from .badrow import BadRow, Refused, Unreadable, bad_row
from .columns import name_key
from .deck_table import read_deck
from .deck_values import parse_price, parse_whole_seconds

# Our field: the names that vendors give it, as `name_key` writes them.
_NAMES = {
    "number": "did dids didnumber number phonenumber phone numero nummer rufnummer",
    "country": "country countryname pays land pais paese",
    "account_code": "account accountcode accountnumber customer compte kunde cuenta conto",
    "city": "city town ville stadt ciudad citta",
    "province": "province region state provincia",
    "setup_fee": "setupfee setup setupcost nrc activationfee",
    "monthly_fee": "monthlyfee monthly monthlycost mrc monthlyrate recurringfee",
    "price_per_minute": "perminutecost costmin priceperminute rateperminute permin",
    "connection_fee": "connectionfee connectioncost connectioncharge",
    "included_seconds": "includedseconds gracetime",
    "initial_increment": "initialincrement",
    "increment": "increment",
    "call_type": "calltype type",
    "destination": "destination target",
}
_PRICES = ("setup_fee", "monthly_fee", "price_per_minute", "connection_fee")
_SECONDS = ("included_seconds", "initial_increment", "increment")
_PUNCTUATION = dict.fromkeys(map(ord, " \t.-/()"))
_DIGITS = range(4, 16)


def propose_did_columns(header):
    """Which column of a list of phone numbers holds which field.

    :param header: list of the columns' names
    :return: ``dict`` of field: number of the column, from 0

    >>> propose_did_columns(['DID', 'Country', 'Setup Fee', 'Monthly Fee'])
    {'number': 0, 'country': 1, 'setup_fee': 2, 'monthly_fee': 3}
    """
    keys = [name_key(name) for name in header]
    columns = {}
    for field, names in _NAMES.items():
        for name in names.split():
            if name in keys and keys.index(name) not in columns.values():
                columns[field] = keys.index(name)
                break
    return columns


def read_dids(stream, columns=None, options=None):
    """The phone numbers of a list, CSV or .xlsx, with a header row.

    A row is a ``dict`` with every field of the list, texts as they are, prices as ``Decimal`` and
    increments in seconds (``None`` where the cell is empty), number (digits, without +), line and
    raw; a bad one is a ``dict`` of line, raw and error.

    :param stream: ``bytes`` or a binary file
    :param columns: ``dict`` of field: number of the column, from 0; else what
        :func:`propose_did_columns` makes of the header
    :param options: as for :func:`deck_table.read_deck`
    :return: list of rows, in the order of the file
    :raises Refused: for a file that cannot be read or that has no column of numbers
    """
    deck = read_deck(stream, options={**(options or {}), "has_header": True})
    if columns is None:
        columns = propose_did_columns(deck.header or [])
    if "number" not in columns:
        raise Refused("missing_column", "number")
    rows, first_lines = [], {}
    for row in deck.rows:
        error = row.error
        if error is None and any(row.cells):
            try:
                did = _did(row, columns)
            except Unreadable as unreadable:
                error = unreadable.bad_row
            else:
                first = first_lines.setdefault(did["number"], row.line)
                if first == row.line:
                    rows.append(did)
                    continue
                error = BadRow("number", "duplicate_did", did["number"], first_line=first)
        if error is not None:
            rows.append(bad_row(row.line, row.raw, error))
    return rows


def _did(row, columns):
    did = {"line": row.line, "raw": row.raw}
    for field, at in columns.items():
        cell = row.cells[at] if at < len(row.cells) else ""
        if field in _PRICES:
            did[field] = parse_price(cell, field)[0] if cell else None
        elif field in _SECONDS:
            did[field] = parse_whole_seconds(cell, field) if cell else None
        else:
            did[field] = cell
    number = did["number"].translate(_PUNCTUATION).removeprefix("+")
    if not (number.isdigit() and number.isascii() and len(number) in _DIGITS):
        raise Unreadable("number", "not_a_did", did["number"])
    did["number"] = number.removeprefix("00")
    return did
