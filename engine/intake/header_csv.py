"""Call files in CSV whose columns are told by a header row, or by their numbers."""

import re
from datetime import timedelta
from hashlib import sha256
from itertools import chain
from operator import itemgetter

from .answers import NO, is_cause, is_never_connected, is_unanswered, outweighs_answer
from .badrow import Refused, Unreadable
from .columns import FIELDS, INBOUND_WORDS, OUTBOUND_WORDS, propose_columns
from .csv_records import Splitter, read_rows
from .delimiters import sniff_delimiter
from .durations import parse_seconds
from .options import DURATION_UNITS, options_from
from .stamps import NEVER, stamp_parser
from .stream import first_lines, line_blocks, text_blocks

_COMMENT = "#"
_NO_STAMP = NEVER | NO
_ROUNDING = 1  # second, between stamps and durations that a switch rounds each for itself
_LENGTHS = ("billsec", "billsec_ms", "duration", "duration_ms", "end")
_DIRECTIONS = {
    **dict.fromkeys(OUTBOUND_WORDS, "outbound"),
    **dict.fromkeys(INBOUND_WORDS, "inbound"),
}
# What a spreadsheet leaves of a long number.
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d{1,3}", re.ASCII)


def read_header_csv(stream, options):
    """The calls of a CSV file with a header row.

    Answered is what has an answer stamp, or without a column for it more than 0 seconds to bill,
    unless the disposition says the contrary. A row that contradicts itself is a bad row, since
    either word may be the wrong one: seconds to bill without an answer stamp, or with a cause (see
    :mod:`answers`) of calls that were never connected.

    Without a column of seconds to bill they are those between answer and end, or else the duration.
    Where they are a second more than the duration, one of the two was rounded, and the smaller is
    taken. Without a column for ``uid`` it is a mark of the whole row. A row of more or fewer
    columns than the header, and one with still more seconds to bill than it lasted, is a bad row:
    its columns are not where they are believed to be.

    :param stream: ``bytes`` or a binary file
    :param options: :class:`options.Options`; ``columns`` is a ``dict`` of field (see
        :data:`columns.FIELDS`): name in the header, or number of the column from 0; without it,
        what :func:`columns.propose_columns` makes of the header. Fields beyond those of a call row:
        ``start_time`` is the time where ``start`` is a date, ``answer`` and ``end`` are stamps,
        ``billsec_ms`` and ``duration_ms`` are milliseconds
    :return: iterator of call rows and bad rows
    :raises ValueError: for a field that there is not
    :raises Refused: where the header has no column for a field that is needed
    """
    columns = options.columns or {}
    unknown = set(columns) - set(FIELDS)
    if unknown:
        raise ValueError(f"a call has no {', '.join(sorted(map(str, unknown)))}")
    if any(isinstance(column, int) and column < 0 for column in columns.values()):
        raise ValueError("columns are counted from 0")
    return _read(stream, options)


def read_samples(stream, options=None, rows=3):
    """The header of a CSV file of calls and its first rows, for choosing its columns by hand.

    :param stream: ``bytes`` or a binary file, plain or packed with gzip
    :param options: ``dict``, see :func:`options.options_from`
    :param rows: number of rows
    :return: list of the columns' names, and list of rows, each a list of its cells
    :raises ValueError: where the file is refused (:class:`badrow.Refused`)

    >>> read_samples(b'To;Seconds\\n3225551234;60\\n')
    (['To', 'Seconds'], [['3225551234', '60']])
    """
    options = options_from(options)
    texts = text_blocks(stream, options.encoding, options.limits)
    lines, _is_odd = first_lines(line_blocks(texts, options.limits.line_length))
    delimiter = options.delimiter or sniff_delimiter(lines, _COMMENT, header_first=True)
    skipped, header = _header(lines, delimiter)
    splitter, samples = Splitter(delimiter), []
    for line in lines[skipped:]:
        if len(samples) == rows:
            break
        if line.strip() and not line.startswith(_COMMENT):
            cells = splitter.split(line[:100_000].replace("\0", ""))
            samples.append([cell.strip() for cell in cells or ()])
    return header or [], samples


def _read(stream, options):
    texts = text_blocks(stream, options.encoding, options.limits)
    blocks = line_blocks(texts, options.limits.line_length)
    columns = options.columns or None
    by_number = bool(columns) and all(isinstance(column, int) for column in columns.values())
    has_header = not by_number if options.header_row is None else options.header_row
    before, skipped, header = 0, 0, None
    while True:
        lines, is_odd = first_lines(blocks)
        if not lines:
            return
        delimiter = options.delimiter or sniff_delimiter(lines, _COMMENT, has_header)
        if has_header:
            skipped, header = _header(lines, delimiter)
        if header is not None or not has_header:
            break
        before += len(lines)
    convert = _converter(_places(columns, header), header, options)
    yield from read_rows(
        chain([(lines[skipped:], is_odd)], blocks),
        delimiter,
        convert,
        comment=_COMMENT,
        first_line=before + skipped + 1,
        max_length=options.limits.line_length,
    )


def _header(lines, delimiter):
    """(number of lines up to the header, its cells)"""
    for index, line in enumerate(lines):
        if line.strip() and not line.startswith(_COMMENT):
            cells = Splitter(delimiter).split(line[:100_000].replace("\0", ""))
            return index + 1, [cell.strip() for cell in cells or ()]
    return len(lines), None


def _places(columns, header):
    """Number of the column of each field."""
    if columns is None:
        columns = propose_columns(header or ())
    places = {}
    for field, column in columns.items():
        if isinstance(column, int):
            places[field] = column
        elif header and column in header:
            places[field] = header.index(column)
        else:
            raise Refused("missing_column", column)
    for needed in (("start",), ("dst",), _LENGTHS):
        if not places.keys() & set(needed):
            raise Refused("missing_column", needed[0])
    return places


def _converter(places, header, options):
    width = header and len(header)
    parse_stamp = stamp_parser(options.timezone, options.date_order)
    rounding, per_second = options.duration_rounding, DURATION_UNITS[options.duration_unit]
    least = max(places.values()) + 1
    # Fields that the file has not are read from an empty cell put behind the others.
    pick = itemgetter(*(places.get(field, -1) for field in FIELDS))
    has_uid, has_answer = "uid" in places, "answer" in places
    named = dict(enumerate(header or ()))
    tells_cause = is_cause(named.get(places.get("disposition"), ""))

    def seconds(text, text_of_milliseconds, field):
        if text:
            return parse_seconds(text, field, rounding, per_second)
        if text_of_milliseconds:
            return parse_seconds(text_of_milliseconds, field, rounding, 1000)
        return None

    def convert(line, raw, fields):
        count = len(fields)
        if count != width and (count < (width or least) or (width and any(fields[width:]))):
            raise Unreadable("line", "columns", count, expected=width or least)
        cells = [cell.strip() for cell in fields]
        cells.append("")
        (
            uid,
            account,
            src,
            dst,
            start,
            start_time,
            answer,
            end,
            billsec,
            billsec_ms,
            duration,
            duration_ms,
            disposition,
            direction,
            sip_user,
            trunk,
            bleg,
        ) = pick(cells)
        if not start:
            raise Unreadable("start", "empty")
        if _SCIENTIFIC.fullmatch(dst):
            raise Unreadable("dst", "digits_lost", dst)
        start = parse_stamp(f"{start} {start_time}" if start_time else start, "start")
        has_stamp = (answer.lower() not in _NO_STAMP) if has_answer else None
        duration = seconds(duration, duration_ms, "duration")
        counted = billsec = seconds(billsec, billsec_ms, "billsec")
        if billsec is None:
            billsec = _between(parse_stamp, answer, end) if has_stamp and end else duration
        if billsec is None:
            raise Unreadable("billsec", "empty")
        if duration is None:
            duration = billsec
        elif billsec > duration + _ROUNDING:
            raise Unreadable("billsec", "above_duration", billsec, duration=duration)
        else:
            billsec = min(billsec, duration)
        is_answered = _is_answered(has_stamp, billsec, counted, disposition, tells_cause)
        return {
            "uid": uid if has_uid else _mark(cells),
            "account_code": account,
            "direction": _DIRECTIONS.get(direction.lower(), ""),
            "src": src,
            "dst": dst,
            "start": start,
            "duration": duration,
            "billsec": billsec if is_answered else 0,
            "disposition": disposition,
            "answered": is_answered,
            "bleg_uid": bleg,
            "sip_user": sip_user,
            "trunk": trunk,
            "ignored": "",
            "line": line,
            "raw": raw,
        }

    return convert


def _is_answered(has_stamp, billsec, counted, disposition, tells_cause):
    """Whether a call was answered, as its row says in several ways.

    :param has_stamp: whether there is a time of an answer; ``None`` for a file without them
    :param billsec: seconds to bill, from where ever they are taken
    :param counted: seconds to bill that the switch itself has counted, or ``None``
    :param tells_cause: whether the disposition is the cause or the code of the call's end
    """
    if has_stamp is False and not counted:
        # what lasted otherwise is how long it rang
        return False
    if not billsec:
        return bool(has_stamp)
    if is_unanswered(disposition):
        if not tells_cause and (not has_stamp or outweighs_answer(disposition)):
            return False
        is_denied = True
    else:
        is_denied = is_never_connected(disposition)
    if is_denied:
        raise Unreadable("disposition", "answer_denied", disposition, duration=billsec)
    if has_stamp is False:
        raise Unreadable("answer", "answer_missing", duration=billsec)
    return True


def _between(parse_stamp, answer, end):
    length = parse_stamp(end, "end") - parse_stamp(answer, "answer")
    if length < timedelta(0):
        raise Unreadable("end", "not_a_stamp", end)
    return int(length.total_seconds())


def _mark(cells):
    return "row-" + sha256("\x1f".join(cells).encode("utf-8", "replace")).hexdigest()[:32]
