"""What the tests of the intake share: files in the making, and their reading."""

import io

from ..engine.intake import read_calls
from ..engine.intake.decks import parse_deck_rows, propose_deck_columns, read_deck

FREESWITCH = {
    "caller_id_name": "Acme",
    "caller_id_number": "+3225550100",
    "destination_number": "00442079460123",
    "context": "default",
    "start_stamp": "2026-09-01 10:00:00",
    "answer_stamp": "2026-09-01 10:00:05",
    "end_stamp": "2026-09-01 10:01:05",
    "duration": "65",
    "billsec": "60",
    "hangup_cause": "NORMAL_CLEARING",
    "uuid": "0b3ee2ab-7f5d-4d49-8c5c-1f0a5f3b7c11",
    "bleg_uuid": "",
    "accountcode": "C1001",
    "read_codec": "PCMA",
    "write_codec": "PCMA",
}
ASTERISK = {
    "accountcode": "C1007",
    "src": "+3225550100",
    "dst": "00442079460123",
    "dcontext": "from-internal",
    "clid": '""Hotel"" <+3225550100>',
    "channel": "PJSIP/hotel-1-000001a2",
    "dstchannel": "PJSIP/carrier-000001a3",
    "lastapp": "Dial",
    "lastdata": "PJSIP/442079460123@carrier,60",
    "start": "2026-09-01 10:00:00",
    "answer": "2026-09-01 10:00:05",
    "end": "2026-09-01 10:01:05",
    "duration": "65",
    "billsec": "60",
    "disposition": "ANSWERED",
    "amaflags": "DOCUMENTATION",
    "uniqueid": "1788249600.1",
    "userfield": "",
    "peeraccount": "",
    "linkedid": "1788249600.1",
    "sequence": "1",
}


def line(fields, **changes):
    """A CSV line of these fields, every one in quotes."""
    fields = {**fields, **changes}
    return ",".join(f'"{value}"' for value in fields.values()) + "\n"


def freeswitch(**changes):
    """A line of FreeSWITCH's Master.csv."""
    return line(FREESWITCH, **changes)


def asterisk(**changes):
    """A line of Asterisk's Master.csv of 21 columns."""
    return line(ASTERISK, **changes)


def read(content, format_name, **options):
    """(good rows, bad rows) of a file given as text or bytes."""
    if isinstance(content, str):
        content = content.encode()
    rows = list(read_calls(content, format_name, options))
    return [row for row in rows if "error" not in row], [row for row in rows if "error" in row]


def codes(bad_rows):
    """(line, code of the error) of bad rows."""
    return [(row["line"], row["error"].code) for row in bad_rows]


def parse_deck(content, options=None, **read_options):
    """The parsed deck of a file given as text or bytes."""
    if isinstance(content, str):
        content = content.encode()
    deck = read_deck(content, options=read_options)
    rows = list(deck.rows)
    return parse_deck_rows(rows, propose_deck_columns(deck.header, rows), options)


def workbook(*rows):
    """The bytes of an .xlsx workbook."""
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def warned(rate):
    """The codes of a rate's warnings."""
    return [code for code, _params in rate["warnings"]]
