"""The cells of a rate deck, whether it is CSV or an Excel workbook."""

import io
import zipfile
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import NamedTuple

from .badrow import RAW_LENGTH, Refused, Unreadable
from .csv_records import read_rows
from .deck_columns import propose_deck_columns
from .delimiters import sniff_delimiter
from .stream import Limits, check_encoding, first_lines, line_blocks, text_blocks

_ZIP_MAGIC, _OLD_EXCEL_MAGIC = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_MAX_COLUMNS = 200
_PREAMBLE_ROWS = 25
_MAX_WORKBOOK_BYTES = 64 << 20
_MAX_STRINGS_BYTES = 64 << 20
_MAX_WORKBOOK_FILES = 2000


class DeckRow(NamedTuple):
    """One row of a rate deck."""

    line: int  # from 1
    cells: list  # of str, without blanks around them
    raw: str
    error: object = None  # BadRow where the line could not be split into cells


class Deck(NamedTuple):
    """A rate deck that was opened."""

    header: list | None  # names of the columns; None where there is no header row
    rows: object  # iterator of DeckRow, the header and what was before it left out


def read_deck(stream, filename="", options=None):
    """Open a rate deck.

    :param stream: ``bytes`` or a binary file; CSV with any delimiter, plain or packed with gzip, or
        an .xlsx workbook (recognised by its content)
    :param filename: name of the file, not needed to recognise it
    :param options: ``dict`` with any of delimiter, encoding, sheet (name; the first one otherwise),
        has_header (``None``: found out), max_rows (500,000), max_bytes (when unpacked, 256 MiB)
    :return: :class:`Deck`; its rows may raise :class:`Refused` too
    :raises Refused: for a file that cannot be opened or is larger than allowed; its ``bad_row``
        says why
    :raises ValueError: for an unknown option
    """
    options = dict(options or {})
    delimiter, encoding = options.pop("delimiter", None), options.pop("encoding", None)
    sheet, has_header = options.pop("sheet", None), options.pop("has_header", None)
    max_rows = options.pop("max_rows", None) or 500_000
    max_bytes = options.pop("max_bytes", None) or 256 << 20
    if options:
        raise ValueError(f"unknown options: {', '.join(sorted(map(str, options)))}")
    content = stream
    if not isinstance(stream, (bytes, bytearray)):
        content = stream.read(_MAX_WORKBOOK_BYTES + 1)
    if content.startswith(_OLD_EXCEL_MAGIC) or filename.lower().endswith(".xls"):
        raise Refused("unknown_archive", "xls")
    if content.startswith(_ZIP_MAGIC):
        rows = _workbook_rows(content, sheet, max_bytes)
    else:
        if not isinstance(stream, (bytes, bytearray)) and len(content) > _MAX_WORKBOOK_BYTES:
            content = _Rest(content, stream)
        rows = _csv_rows(content, delimiter, check_encoding(encoding), max_bytes)
    rows = _limited(rows, max_rows)
    first = list(islice(rows, _PREAMBLE_ROWS))
    header, skipped = _find_header(first, has_header)
    return Deck(header, chain(first[skipped:], rows))


class _Rest:
    """What was read of a stream already, and the rest of it."""

    def __init__(self, head, stream):
        self.head, self.stream = io.BytesIO(head), stream

    def read(self, size):
        return self.head.read(size) or self.stream.read(size)


def _limited(rows, max_rows):
    yield from islice(rows, max_rows)
    for _row in rows:
        raise Refused("too_many_rows", limit=max_rows)


def _find_header(rows, has_header):
    """(header or ``None``, number of rows to leave out)"""
    if has_header is False or not rows:
        return None, 0
    for index, row in enumerate(rows):
        if row.error is None and propose_deck_columns(row.cells).is_complete:
            return row.cells, index + 1
    if has_header or not any(char.isdigit() for char in "".join(rows[0].cells)):
        return rows[0].cells, 1
    return None, 0


def _csv_rows(content, delimiter, encoding, max_bytes):
    limits = Limits(expanded_bytes=max_bytes)
    blocks = line_blocks(text_blocks(content, encoding, limits), limits.line_length)
    head = first_lines(blocks)
    delimiter = delimiter or sniff_delimiter(head[0])
    for row in read_rows(chain([head], blocks), delimiter, _csv_row):
        if isinstance(row, dict):
            row = DeckRow(row["line"], [], row["raw"], row["error"])
        yield row


def _csv_row(line, raw, fields):
    if len(fields) > _MAX_COLUMNS:
        raise Unreadable("line", "columns", len(fields), expected=_MAX_COLUMNS)
    cells = [cell.strip() for cell in fields]
    if not any(cells):
        raise Unreadable("line", "empty")
    return DeckRow(line, cells, raw)


def _workbook_rows(content, sheet, max_bytes):
    try:
        import openpyxl
    except ImportError as error:
        raise Refused("damaged_workbook", error) from None
    if len(content) > _MAX_WORKBOOK_BYTES:
        raise Refused("too_many_bytes", limit=_MAX_WORKBOOK_BYTES)
    # openpyxl lets through whatever the zip and XML parsers make of a damaged file.
    try:
        _check_workbook_size(content, max_bytes)
        workbook = openpyxl.load_workbook(
            io.BytesIO(content), read_only=True, data_only=True, keep_links=False
        )
        worksheet = workbook[sheet] if sheet else workbook.worksheets[0]
        # What a file says of its size is often wrong.
        worksheet.reset_dimensions()
        for line, values in enumerate(
            worksheet.iter_rows(max_col=_MAX_COLUMNS, values_only=True), 1
        ):
            cells = [_cell_text(value) for value in values]
            while cells and not cells[-1]:
                cells.pop()
            yield DeckRow(line, cells, "\t".join(cells)[:RAW_LENGTH])
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001
        raise Refused("damaged_workbook", f"{type(error).__name__}: {error}") from None


def _check_workbook_size(content, max_bytes):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if len(members) > _MAX_WORKBOOK_FILES:
            raise Refused("too_dense")
        if sum(member.file_size for member in members) > max_bytes:
            raise Refused("too_many_bytes", limit=max_bytes)
        for member in members:
            if "sharedstrings" in member.filename.lower() and (
                member.file_size > _MAX_STRINGS_BYTES
            ):
                raise Refused("too_many_bytes", limit=_MAX_STRINGS_BYTES)


def _cell_text(value):
    """A cell of a workbook as a CSV file would have it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float):
        if value.is_integer():
            return str(int(value))
        return f"{Decimal(repr(value)):f}"
    if isinstance(value, datetime):
        # A date is a moment at midnight in a workbook.
        return value.isoformat(" ", "seconds").removesuffix(" 00:00:00")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
