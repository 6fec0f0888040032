"""One file with a deck: opened, its columns proposed, its rows parsed, its bad rows given back."""

import csv
import io
import json
import zlib

from odoo.exceptions import UserError

from ..engine.intake.badrow import Refused, Unreadable
from ..engine.intake.deck_columns import DeckMapping, propose_deck_columns
from ..engine.intake.deck_rows import parse_deck_rows
from ..engine.intake.deck_table import Deck, DeckRow, read_deck
from ..engine.intake.deck_values import parse_prefixes
from .csv_cells import plain_cells
from .rate_deck_words import DeckWords

SAMPLES = 20
# what a recognised layout knows beside what people can choose
LAYOUT_OPTIONS = ("extra_charges", "optional_dates")


class DeckFile:
    """A deck that was read whole.

    :param content: bytes of a CSV file, plain or gzip, or of an .xlsx workbook
    :param name: file name
    :param options: those of `engine.intake.read_deck`
    :raises UserError: when the file cannot be read, with the reason in one sentence
    """

    def __init__(self, env, content, name="", options=None):
        self._env = env
        if not content.strip():
            raise UserError(env._("The file %s is empty.", name))
        try:
            self._take(name, read_deck(content, name or "", options))
        except Refused as refused:
            error = refused.bad_row
            raise UserError(DeckWords(env).reason(error.code, error.params))
        except ValueError as error:
            raise UserError(
                env._("The file %(name)s cannot be read: %(error)s", name=name, error=error)
            )

    @classmethod
    def unpack(cls, env, content, name=""):
        """Return the deck of which `pack` returned the cells."""
        deck = cls.__new__(cls)
        deck._env = env
        header, rows = json.loads(zlib.decompress(content))
        deck._take(
            name, Deck(header, [DeckRow(line, cells, "\t".join(cells)) for line, cells in rows])
        )
        return deck

    def pack(self):
        """Return the cells of a workbook as bytes that are read twenty times as fast."""
        rows = [(row.line, row.cells) for row in self.rows]
        return zlib.compress(json.dumps((self.header, rows)).encode(), 1)

    def _take(self, name, deck):
        env = self._env
        self.rows = list(deck.rows)
        if not self.rows:
            raise UserError(env._("The file %s has no rows below its header.", name))
        self.header = deck.header
        self.mapping = propose_deck_columns(deck.header, self.rows[:SAMPLES])
        if self.mapping.layout == "dids":
            raise UserError(
                env._(
                    "The file %s lists phone numbers for rent, not prices of calls by prefix.",
                    name,
                )
            )

    def columns(self):
        """Return (name, first values) of each column."""
        first = [row.cells for row in self.rows[:SAMPLES] if not row.error]
        width = max([len(cells) for cells in first] + [len(self.header or ())])
        names = [*(self.header or ()), *[""] * width][:width]
        return [
            (name, [cells[at] for cells in first if at < len(cells) and cells[at]][:3])
            for at, name in enumerate(names)
        ]

    def parse(self, columns=None, options=None):
        """Return the rows as `engine.intake.parse_deck_rows` does.

        :param columns: {field: number of the column}; None for those proposed
        :param options: options of `parse_deck_rows`; those proposed otherwise
        :raises UserError: when there is no column of prefixes, or none of prices
        """
        known = self.mapping.options
        if columns is None:
            columns, options = self.mapping.columns, {**known, **(options or {})}
        else:
            layout = {name: known[name] for name in LAYOUT_OPTIONS if name in known}
            options = {**layout, **(options or {})}
        mapping = DeckMapping(columns, {})
        if not mapping.is_complete:
            raise UserError(
                self._env._(
                    "Say which column is the prefix and which one the price. Columns found: %s",
                    ", ".join(name for name, _values in self.columns() if name) or "-",
                )
            )
        parsed = parse_deck_rows(self.rows, mapping, options)
        bad_rows = parsed.bad_rows
        if bad_rows:
            cells = {row.line: row.cells for row in self.rows}
            for row in bad_rows:
                row["prefixes"] = _prefixes(cells.get(row["line"], ()), columns)
        return parsed

    def reject_file(self, rejects):
        """Return the rejected rows as a CSV file: their own columns, then line and reason.

        :param rejects: list of `rate_deck.Reject`
        :return: bytes
        """
        env, words = self._env, DeckWords(self._env)
        cells = {row.line: row.cells or [row.raw] for row in self.rows}
        width = max([len(self.header or ())] + [len(cells[reject.line]) for reject in rejects])
        header = [*(self.header or ()), *[""] * width][:width]
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(plain_cells([*header, env._("Line"), env._("Reason")]))
        for reject in rejects:
            row = [*cells[reject.line], *[""] * width][:width]
            reason = words.reason(reject.code, reject.params)
            writer.writerow(plain_cells([*row, reject.line, reason]))
        # the mark tells spreadsheet programs that it is UTF-8
        return text.getvalue().encode("utf-8-sig")


def _prefixes(cells, columns):
    """Return the prefixes that a row names, none where they cannot be read."""
    parts = []
    for name in ("prefix_country", "prefix_area", "prefix"):
        at = columns.get(name)
        if at is not None and at < len(cells) and cells[at]:
            parts.append(cells[at])
    try:
        found = [""]
        for part in parts:
            found = [start + end for start in found for end in parse_prefixes(part)]
        return [prefix for prefix in found if prefix]
    except Unreadable:
        return []
