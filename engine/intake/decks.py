"""Rate decks of any vendor, read into rates; the parts of it that others use.

Three steps: open the file, settle which column is what, make rates of the rows::

    deck = read_deck(stream, 'rates.xlsx')
    rows = list(deck.rows)
    mapping = propose_deck_columns(deck.header, rows[:50])
    for rate in parse_deck_rows(rows, mapping):
        ...
"""

from .badrow import Refused
from .deck_checks import WARNINGS
from .deck_columns import FIELDS, DeckMapping, propose_deck_columns
from .deck_rows import ParsedDeck, parse_deck_rows
from .deck_table import Deck, DeckRow, read_deck

__all__ = [
    "FIELDS",
    "WARNINGS",
    "Deck",
    "DeckMapping",
    "DeckRow",
    "ParsedDeck",
    "Refused",
    "parse_deck_rows",
    "propose_deck_columns",
    "read_deck",
]
