"""One file with a deck: opened, its columns proposed, its rows parsed, its bad rows given back."""

import csv
import io

from odoo.exceptions import UserError

from ..engine.intake.badrow import Refused
from ..engine.intake.deck_columns import DeckMapping, propose_deck_columns
from ..engine.intake.deck_rows import parse_deck_rows
from ..engine.intake.deck_table import read_deck
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
            deck = read_deck(content, name or "", options)
            self.rows = list(deck.rows)
        except Refused as refused:
            error = refused.bad_row
            raise UserError(DeckWords(env).reason(error.code, error.params))
        except ValueError as error:
            raise UserError(
                env._("The file %(name)s cannot be read: %(error)s", name=name, error=error)
            )
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
        return parse_deck_rows(self.rows, mapping, options)

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
        writer.writerow([*header, env._("Line"), env._("Reason")])
        for reject in rejects:
            row = [*cells[reject.line], *[""] * width][:width]
            writer.writerow([*row, reject.line, words.reason(reject.code, reject.params)])
        # the mark tells spreadsheet programs that it is UTF-8
        return text.getvalue().encode("utf-8-sig")
