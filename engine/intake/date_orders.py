"""Whether the day or the month comes first in the dates of a call file."""

import io
import re

from .badrow import Unreadable
from .options import Options, options_from
from .stream import text_blocks

_LONGEST = 10  # characters of a date
_DATE = r"(?<![\d./-])(?:{}([-/.]){}\1|{}([-/.]){}\2)(?:19|20)\d\d(?!\d)"
_ANY, _ABOVE_12 = r"\d{1,2}", r"(?:1[3-9]|2\d|3[01])"
_UNDECIDED = re.compile(_DATE.format(_ANY, _ANY, _ANY, _ANY), re.ASCII)
_DECIDED = re.compile(_DATE.format(_ABOVE_12, _ANY, _ANY, _ABOVE_12), re.ASCII)


def find_date_order(stream, options=None):
    """Whether the day or the month comes first in a call file.

    The first date with a day above the 12th decides; a file of the first days of a month is read to
    its end for one, and may have none.

    :param stream: ``bytes`` or a binary file, plain or packed with gzip; read from where it is, and
        set back to there
    :param options: :class:`options.Options`, or the ``dict`` of them
    :return: ('dmy' or 'mdy', whether the dates leave it open); 'dmy' where there are none, or the
        file can be read only once

    >>> find_date_order(b'03/04/2026 10:00;60\\n03/13/2026 10:00;60\\n')
    ('mdy', False)
    >>> find_date_order(b'03/04/2026 10:00;60\\n')
    ('dmy', True)
    """
    if not isinstance(options, Options):
        options = options_from(options)
    if isinstance(stream, (bytes, bytearray, memoryview)):
        stream = io.BytesIO(stream)
    if not (hasattr(stream, "seekable") and stream.seekable()):
        return "dmy", False
    start = stream.tell()
    try:
        return _find(text_blocks(stream, options.encoding, options.limits))
    except Unreadable:
        # said where the file is read for its calls
        return "dmy", False
    finally:
        stream.seek(start)


def _find(texts):
    is_open, rest = False, ""
    for text in texts:
        text = rest + text
        if match := _DECIDED.search(text):
            return ("dmy" if match[1] else "mdy"), False
        # a file without such dates at its beginning has none further on
        if not is_open and not _UNDECIDED.search(text):
            break
        is_open, rest = True, text[-_LONGEST:]
    return "dmy", is_open
