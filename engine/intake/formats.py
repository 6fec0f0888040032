"""The formats of call files, and which of them a file has."""

import zlib
from datetime import datetime
from itertools import islice

from .asterisk_csv import CDR_CUSTOM_COLUMNS, read_asterisk_csv
from .badrow import Refused, Unreadable, bad_row
from .columns import looks_like_header
from .csv_records import Splitter
from .date_orders import find_date_order
from .delimiters import sniff_delimiter
from .freeswitch_csv import read_freeswitch_csv
from .freeswitch_json import read_freeswitch_json
from .header_csv import read_header_csv
from .options import options_from
from .stamps import stamp_parser
from .stream import Limits, first_lines, line_blocks, text_blocks


def _read_asterisk_custom(stream, options):
    """The calls of cdr_custom's "Simple" mapping; see :func:`read_asterisk_csv`."""
    return read_asterisk_csv(
        stream, options._replace(columns=options.columns or CDR_CUSTOM_COLUMNS)
    )


# Name: (label, reader). The names are stored with the sources of calls.
FORMATS = {
    "freeswitch_csv": ("FreeSWITCH Master.csv (mod_cdr_csv)", read_freeswitch_csv),
    "freeswitch_json": ("FreeSWITCH JSON (mod_json_cdr)", read_freeswitch_json),
    "asterisk_csv": ("Asterisk Master.csv (cdr_csv)", read_asterisk_csv),
    "asterisk_custom_csv": ("Asterisk Simple.csv (cdr_custom)", _read_asterisk_custom),
    "header_csv": ("CSV with a header row", read_header_csv),
}
_HEAD_BYTES = 1 << 16
_STAMP = stamp_parser()


def read_calls(stream, format_name, options=None):
    """The calls of a file, as uniform rows.

    A call row is a ``dict``: uid, account_code, direction ('outbound', 'inbound' or ''), src and
    dst (as reported), start (naive UTC), duration and billsec (seconds; billsec is 0 where the call
    was not answered), disposition (as reported), answered, bleg_uid (uid of the other leg, or ''),
    sip_user, trunk, ignored ('other_leg' where it must not be charged since another row of the
    call is, else ''), line (from 1) and raw (its text, up to 10,000 characters).

    What is not understood is yielded as a ``dict`` of line, raw and error (:class:`BadRow`). No
    content of a file raises anything. Where the rest of a file is refused, the last row is a bad
    one of line 0 whose error is ``fatal``.

    :param stream: ``bytes`` or a binary file, plain or packed with gzip
    :param format_name: a key of :data:`FORMATS`
    :param options: ``dict``, see :func:`options.options_from`
    :return: iterator of call rows and bad rows, in the order of the file
    :raises ValueError: for an unknown format or option
    """
    if format_name not in FORMATS:
        raise ValueError(f"unknown format of calls: {format_name!r}")
    options = options_from(options)
    if options.date_order is None:
        options = options._replace(date_order=find_date_order(stream, options)[0])
    rows = FORMATS[format_name][1](stream, options)
    return _guarded(rows, options.limits.rows)


def _guarded(rows, limit):
    try:
        yield from islice(rows, limit)
        for _row in rows:
            raise Refused("too_many_rows", limit=limit)
    except Refused as refused:
        refused.bad_row.fatal = True
        yield bad_row(0, "", refused.bad_row)


def detect_format(head):
    """The format that the beginning of a file speaks for.

    :param head: the first bytes of the file, a few thousand at best; may be packed with gzip
    :return: a key of :data:`FORMATS`, or '' where nothing is recognised
    """
    if head.startswith(b"\x1f\x8b"):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, _HEAD_BYTES)
        except zlib.error:
            return ""
    texts = text_blocks(head[:_HEAD_BYTES], None, Limits())
    try:
        lines, _is_odd = first_lines(line_blocks(texts, _HEAD_BYTES))
    except Refused:
        return ""
    lines = [line for line in lines if line.strip() and line[0] != "#" and "\0" not in line]
    if not lines:
        return ""
    if lines[0].lstrip()[0] in "{[":
        return "freeswitch_json"
    votes = [name for name in map(_format_of_line, lines[:20]) if name]
    if votes:
        return max(set(votes), key=votes.count)
    delimiter = sniff_delimiter(lines, header_first=True)
    cells = Splitter(delimiter).split(lines[0])
    return "header_csv" if cells and looks_like_header(cells) else ""


def _format_of_line(line):
    cells = Splitter(",").split(line) or []
    count = len(cells)
    if 15 <= count <= 16 and _is_stamp(cells[4]) and _is_stamp(cells[6]):
        return "freeswitch_csv"
    if 16 <= count <= 21:
        if _is_stamp(cells[9]) and _is_stamp(cells[11]) and cells[14].isupper():
            return "asterisk_csv"
        if count == 19 and _is_stamp(cells[8]) and _is_stamp(cells[10]) and cells[13].isupper():
            return "asterisk_custom_csv"
    return ""


def _is_stamp(text):
    try:
        return isinstance(_STAMP(text, "start"), datetime)
    except Unreadable:
        return False
