"""The longest prefix of a number that has a row in force."""


class PrefixTable:
    """Rows of a rate card, ready for looking up many numbers.

    Each row holds in the half-open span [date_from, date_to); ``None`` leaves that side open. Where
    several rows of one prefix are in force, the one that began last wins, and of those that began
    together the later row: the order is stated, not left to how the rows happened to be read.

    :param rows: iterable of (prefix, date_from, date_to, value). The prefix is a ``str`` of the
        same form as the numbers looked up; an empty one stands for every number. The dates are
        anything that compares with the moments looked up.
    :param short_length: numbers of up to so many digits are extensions and short codes, which begin
        with no country's prefix: they have only the row of the whole number, or of the empty
        prefix. 0 where every number is looked up alike

    >>> from datetime import date
    >>> table = PrefixTable([
    ...     ('44', None, None, 'United Kingdom'),
    ...     ('447', date(2024, 1, 1), date(2025, 1, 1), 'mobile'),
    ... ])
    >>> table.find('447700900123', date(2024, 12, 31))
    ('447', 'mobile')
    >>> table.find('447700900123', date(2025, 1, 1))
    ('44', 'United Kingdom')
    >>> table = PrefixTable([('1', None, None, 'USA')], short_length=4)
    >>> table.find('12025550100', None), table.find('112', None)
    (('1', 'USA'), None)
    """

    __slots__ = ("_heads", "_lengths", "_short_length")

    def __init__(self, rows, short_length=0):
        # prefix -> (date_from, date_to, result, the entry to ask next or None). Built from the row
        # that is asked last to the one that is asked first; the sort keeps the order of equals.
        heads = {}
        for prefix, date_from, date_to, value in sorted(rows, key=_start_of_row):
            heads[prefix] = (date_from, date_to, (prefix, value), heads.get(prefix))
        self._heads = heads
        self._lengths = tuple(sorted({len(prefix) for prefix in heads}, reverse=True))
        self._short_length = short_length

    def __len__(self):
        """The number of different prefixes."""
        return len(self._heads)

    def find(self, number, moment):
        """The row for a number at a moment.

        A longer prefix without a row in force yields to a shorter one that has one.

        :param number: the number, a ``str`` in the form of the prefixes
        :param moment: when; compared with the dates of the rows
        :return: (prefix, value), or ``None`` where no row applies
        """
        head = self._heads.get
        size = len(number)
        for length in self._lengths if size > self._short_length else (size, 0):
            entry = head(number[:length])
            while entry is not None:
                date_from, date_to, result, entry = entry
                if (date_from is None or date_from <= moment) and (
                    date_to is None or moment < date_to
                ):
                    return result
        return None


def _start_of_row(row):
    """Sort key: when the row begins, those that always held first."""
    date_from = row[1]
    return (date_from is not None, date_from)
