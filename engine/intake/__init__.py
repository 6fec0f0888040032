"""Intake: call files and price lists of any vendor, read into uniform rows.

Calls: :func:`read_calls`, :func:`check_row`, :func:`detect_format`, :func:`propose_columns`.
"""

from .answers import NO, YES, is_never_connected, is_unanswered
from .badrow import MESSAGES, BadRow
from .checks import check_row
from .columns import FIELDS as CALL_FIELDS
from .columns import propose_columns
from .date_orders import find_date_order
from .formats import FORMATS, detect_format, read_calls
from .header_csv import read_samples

__all__ = [
    "CALL_FIELDS",
    "FORMATS",
    "MESSAGES",
    "NO",
    "YES",
    "BadRow",
    "check_row",
    "detect_format",
    "find_date_order",
    "is_never_connected",
    "is_unanswered",
    "propose_columns",
    "read_calls",
    "read_samples",
]
