"""What is wrong with a row of a file, in words that can be translated."""

RAW_LENGTH = 10_000
_SHOWN_LENGTH = 80

# Every sentence names the field and, where there is one, the value that was found in it.
MESSAGES = {
    # calls and rates
    "empty": "%(field)s is empty",
    "columns": "%(field)s has %(value)s columns where %(expected)s are expected",
    "quotes": "%(field)s has a quotation mark that is never closed: %(value)s",
    "line_too_long": "%(field)s is longer than %(limit)s characters: %(value)s",
    "text_too_long": "%(field)s is longer than %(limit)s characters: %(value)s",
    "bad_character": "%(field)s holds a character that cannot be stored: %(value)s",
    # calls
    "conflict": "%(field)s %(value)s is here already with another %(fields)s",
    "placeholder": "%(field)s identifies no call: %(value)s",
    "other_company": "%(field)s leads to an account of another company: %(value)s",
    "not_a_duration": "%(field)s is no duration: %(value)s",
    "duration_too_long": "%(field)s is too long for a call: %(value)s",
    "above_duration": "%(field)s is %(value)s, more than the duration of %(duration)s seconds",
    "answer_denied": "%(field)s denies %(duration)s seconds of conversation: %(value)s",
    "answer_missing": "%(field)s is empty in spite of %(duration)s seconds of conversation",
    "not_a_yes_or_no": "%(field)s is neither yes nor no: %(value)s",
    "not_a_stamp": "%(field)s is no date and time: %(value)s",
    "too_early": "%(field)s is before 1990: %(value)s",
    "too_old": "%(field)s is more than %(days)s days ago, longer than its source allows: %(value)s",
    "in_future": "%(field)s is in the future: %(value)s",
    "digits_lost": "%(field)s has lost its digits in a spreadsheet: %(value)s",
    "not_json": "%(field)s is no valid JSON: %(value)s",
    "not_a_call": "%(field)s is no report of a call: %(value)s",
    # rates
    "not_a_prefix": "%(field)s is no number prefix: %(value)s",
    "not_a_range": "%(field)s is no range of number prefixes: %(value)s",
    "not_a_price": "%(field)s is no price: %(value)s",
    "price_too_high": "%(field)s is too high for a price: %(value)s",
    "not_an_increment": "%(field)s is no number of seconds: %(value)s",
    "zero_increment": "%(field)s must not be zero: %(value)s",
    "not_a_date": "%(field)s is no date: %(value)s",
    "dates_reversed": "%(field)s is %(value)s, not after the start on %(start)s",
    "not_a_direction": "%(field)s is no direction of calls: %(value)s",
    "not_calls": "%(field)s is %(value)s: the row is no price of calls",
    "duplicate_prefix": "%(field)s has this price in line %(first_line)s already: %(value)s",
    "overlapping_dates": "%(field)s has a price for these dates in line %(first_line)s: %(value)s",
    # the file as a whole
    "too_many_bytes": "%(field)s is larger than %(limit)s bytes when unpacked",
    "too_many_rows": "%(field)s has more than %(limit)s rows",
    "too_dense": "%(field)s is packed too tightly to be genuine",
    "gzip_in_gzip": "%(field)s is packed twice",
    "damaged_gzip": "%(field)s is packed and damaged: %(value)s",
    "unknown_archive": "%(field)s is an archive that must be unpacked first: %(value)s",
    "damaged_workbook": "%(field)s is no readable workbook: %(value)s",
    "missing_column": "%(field)s has no column for %(value)s",
}


class BadRow:
    """Why a row of a file was not understood.

    ``field`` names what is wrong, in the words of the row that was asked for ('start', 'prefix'),
    or is 'line' or 'file'; ``code`` is a key of :data:`MESSAGES`, ``message`` its sentence in
    English and ``params`` what the sentence takes, so that ``translate(message) % params`` is it in
    another language. ``fatal`` says that nothing after it was read.
    """

    __slots__ = ("code", "fatal", "field", "params")

    def __init__(self, field, code, value="", fatal=False, **params):
        self.field = field
        self.code = code
        self.params = {"field": field, "value": shown(value), **params}
        self.fatal = fatal

    @property
    def message(self):
        """The English sentence, with places for ``params``."""
        return MESSAGES[self.code]

    def __str__(self):
        return self.message % self.params

    def __repr__(self):
        return f"<BadRow {self.code}: {self}>"

    def __eq__(self, other):
        if not isinstance(other, BadRow):
            return NotImplemented
        return (self.code, self.params, self.fatal) == (other.code, other.params, other.fatal)

    __hash__ = None


class Unreadable(ValueError):
    """Raised inside the readers where a field is not understood; carries the :class:`BadRow`."""

    def __init__(self, field, code, value="", **params):
        self.bad_row = BadRow(field, code, value, **params)
        super().__init__(str(self.bad_row))


class Refused(Unreadable):
    """Raised inside the readers where the rest of a file is not read."""

    def __init__(self, code, value="", **params):
        super().__init__("file", code, value, fatal=True, **params)


def shown(value):
    """A value of a file in a form that every screen, log and database takes.

    :param value: anything; the text of it is cut to 80 characters
    :return: printable ``str``, with U+FFFD for the rest
    """
    try:
        text = value if isinstance(value, str) else str(value)
    except ValueError:  # an integer of too many digits
        text = "?"
    if len(text) > _SHOWN_LENGTH:
        text = text[:_SHOWN_LENGTH] + "\N{HORIZONTAL ELLIPSIS}"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def clean_raw(text):
    """The original text of a row, in a form that a database takes.

    :param text: ``str`` of any content
    :return: its first 10,000 characters, with U+FFFD for NUL and for halves of surrogate pairs
    """
    text = text[:RAW_LENGTH].replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def bad_row(line, raw, error):
    """What a reader yields in place of a row that it did not understand.

    :param line: number of the line in the file, from 1; 0 for the file as a whole
    :param raw: the text of the row
    :param error: :class:`BadRow`
    :return: ``dict`` of the three
    """
    return {"line": line, "raw": clean_raw(raw), "error": error}
