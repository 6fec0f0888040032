"""The records of a CSV file whose lines may be torn, unbalanced or hostile."""

import csv

from .badrow import RAW_LENGTH, BadRow, Unreadable, bad_row
from .stream import CutLine

# A record with line ends inside quotes spans this many lines at most. Switches write one line a
# call; what is longer is a quotation mark gone astray.
_MAX_SPAN = 8
# The csv module has such a limit too, but one that every program sets as it likes.
MAX_FIELD_LENGTH = 100_000


class Splitter:
    """Splits one line at a time with the csv module, which is quick only when it is kept alive."""

    def __init__(self, delimiter):
        self.delimiter = delimiter
        slot = []
        # pop() of the empty slot raises IndexError where a record asks for a second line.
        reader = csv.reader(iter(slot.pop, None), delimiter=delimiter)
        self.put, self.take = slot.append, reader.__next__

    def split(self, line):
        """The fields of a line, or ``None`` where a quotation mark is left open.

        :param line: text without line end
        :return: list of ``str``; empty for an empty line
        :raises csv.Error: for a field longer than the csv module takes
        """
        self.put(line)
        try:
            return self.take()
        except IndexError:
            return None

    def split_span(self, lines):
        """The fields of the record that starts in the first of some lines.

        :param lines: list of lines without line ends
        :return: (fields, number of lines it takes); (``None``, 1) where there is none
        """
        reader = csv.reader((line + "\n" for line in lines), delimiter=self.delimiter, strict=True)
        try:
            return next(reader), reader.line_num
        except (csv.Error, StopIteration):
            return None, 1


def read_rows(blocks, delimiter, convert, comment=None, first_line=1, max_length=1 << 20):
    """Call rows and bad rows from the lines of a CSV file.

    A line that is a good row by itself is always that row. Only a line with an open quotation mark
    is read together with the lines after it, up to 8, as long as none of these is a good row by
    itself: so a bad line never takes a good one with it. Within quotes, NUL apart, anything goes.

    :param blocks: what :func:`stream.line_blocks` yields
    :param delimiter: one character
    :param convert: function of (line number, raw text, fields) that returns a row or raises
        :class:`Unreadable`
    :param comment: character that starts a line to be left out, if any
    :param first_line: number of the first line of the blocks in its file
    :param max_length: characters of a line, for the error
    :return: iterator of rows as ``convert`` makes them and of :func:`badrow.bad_row`
    """
    splitter = Splitter(delimiter)
    put, take = splitter.put, splitter.take
    blank = delimiter + '" \t'
    number = first_line - 1  # of the last line done
    held = []
    for lines, is_odd, is_last in _with_last(blocks):
        if held:
            lines, held, is_odd = held + lines, [], True
        index, count = 0, len(lines)
        while index < count:
            line = lines[index]
            index += 1
            number += 1
            if is_odd and (error := _oddity(line, max_length)):
                yield bad_row(number, line, error)
                continue
            put(line)
            try:
                fields = take()
            except IndexError:
                fields = None
            except csv.Error:
                fields = [line]
            if len(line) > MAX_FIELD_LENGTH and fields and max(map(len, fields)) > MAX_FIELD_LENGTH:
                error = BadRow("line", "text_too_long", line, limit=MAX_FIELD_LENGTH)
                yield bad_row(number, line, error)
            elif fields:
                if comment and line.startswith(comment):
                    continue
                try:
                    raw = line if len(line) <= RAW_LENGTH else line[:RAW_LENGTH]
                    row = convert(number, raw, fields)
                except Unreadable as error:
                    if not line.strip(blank):
                        continue
                    row = bad_row(number, line, error.bad_row)
                yield row
            elif fields is None and not (comment and line.startswith(comment)):
                if count - index < _MAX_SPAN and not is_last:
                    # Not enough lines yet to see how it goes on.
                    held = lines[index - 1 :]
                    number -= 1
                    break
                row, span = _spanning_row(splitter, convert, number, lines, index - 1)
                yield row
                index += span - 1
                number += span - 1


def _with_last(blocks):
    """The blocks, with whether there is none after it."""
    last = [], False
    for block in blocks:
        if last[0]:
            yield *last, False
        last = block
    yield *last, True


def _oddity(line, max_length):
    """What keeps a line from being split at all, if anything."""
    if isinstance(line, CutLine):
        return BadRow("line", "line_too_long", line, limit=max_length)
    return BadRow("line", "bad_character", line) if "\0" in line else None


def _spanning_row(splitter, convert, number, lines, index):
    """The row that starts in a line with an open quotation mark, and how many lines it takes."""
    line = lines[index]
    window = lines[index : index + _MAX_SPAN]
    fields, span = splitter.split_span(window)
    if fields and not any(
        _oddity(text, 0) or _is_row(splitter, convert, text) for text in window[1:span]
    ):
        try:
            return convert(number, "\n".join(window[:span])[:RAW_LENGTH], fields), span
        except Unreadable:
            pass
    return bad_row(number, line, BadRow("line", "quotes", line)), 1


def _is_row(splitter, convert, line):
    """Whether a line is a good row by itself, and not the end of one that started earlier."""
    if line.count('"') % 2:
        return False
    try:
        fields = splitter.split(line)
        if fields:
            convert(0, line, fields)
            return True
    except (Unreadable, csv.Error):
        pass
    return False
