"""Cells of CSV files that people open in spreadsheet programs."""

import re

# a formula begins with one of these
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# but what has digits only can be no more than a sum: +32 47, -0.5
_NUMBER = re.compile(r"[+-]?[\d\s.,()/+-]*", re.ASCII)


def plain_cells(cells):
    """Return the cells of a row so that no spreadsheet program runs one as a formula.

    Numbers stay as they are, those with a sign before them, too: the file is to be read again.

    >>> plain_cells(["=cmd|' /C calc'!A0", "+32 47", "-0.5", "-2+3+cmd|x", 7, None])
    ["'=cmd|' /C calc'!A0", '+32 47', '-0.5', "'-2+3+cmd|x", '7', '']
    """
    return [_plain("" if cell is None else str(cell)) for cell in cells]


def _plain(text):
    if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
