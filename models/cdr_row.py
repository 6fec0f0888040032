"""A call row as programs and readers give it, brought to the types that are stored."""

import json
from datetime import date, datetime, timezone

from dateutil import parser as date_parser

from ..engine.intake import NO, YES, BadRow, is_never_connected, is_unanswered

UTC = timezone.utc
FIELDS = {
    "uid",
    "account_code",
    "direction",
    "src",
    "dst",
    "start",
    "duration",
    "billsec",
    "disposition",
    "bleg_uid",
    "sip_user",
    "trunk",
}
# what is to be filled in where a reader understood nothing of a row
EMPTY = dict.fromkeys(FIELDS, "")
TEXTS = FIELDS - {"start", "duration", "billsec"}
NUMBERS = ("start", "duration", "billsec")
DIRECTIONS = ("", "outbound", "inbound")
# reasons with which a reader says that a row is never charged
NEVER_CHARGED = ("no_answer", "other_leg")
# an index takes no longer text, and no switch writes one
LONGEST = 500


def clean_row(row):
    """Bring what programs may send (text stamps, text numbers) to the readers' types.

    :return: the BadRow that says why the row cannot be taken, else None
    """
    if not row.keys() >= FIELDS:
        for name in FIELDS:
            row.setdefault(name, None if name in NUMBERS else "")
    for name in TEXTS:
        value = row[name]
        if value.__class__ is not str:
            if value is None or value is False:
                value = ""
            elif not isinstance(value, (str, int, float)):
                return BadRow(name, "not_a_call", value)
            row[name] = value = str(value)
        if len(value) > LONGEST:
            return BadRow(name, "line_too_long", value, limit=LONGEST)
    if row["direction"] not in DIRECTIONS:
        return BadRow("direction", "not_a_direction", row["direction"])
    if row.get("ignored") and row["ignored"] not in NEVER_CHARGED:
        return BadRow("ignored", "not_a_call", row["ignored"])
    for name in ("billsec", "duration"):
        value = row[name]
        if value.__class__ is not int:
            if value is None or value is False or value == "":
                row[name] = 0 if name == "billsec" else row["billsec"]
            elif isinstance(value, str) and len(value) < 20 and value.strip().isdecimal():
                row[name] = int(value)
            else:
                return BadRow(name, "not_a_duration", value)
    try:
        row["start"] = _moment(row["start"])
    except (ValueError, OverflowError):
        return BadRow("start", "not_a_stamp", row["start"])
    answered = row.get("answered")
    if answered is True or answered is False:
        return None
    return _decide_answer(row, answered)


def _decide_answer(row, answered):
    """Bring `answered` to True or False; where it is not said, the disposition's words decide.

    :return: the BadRow that says why that is not possible, else None
    """
    if answered is None or answered == "":
        disposition = row["disposition"]
        # a switch that rings for its callers may report seconds of what nobody answered
        is_answered = bool(row["billsec"]) and not is_unanswered(disposition)
        if is_answered and is_never_connected(disposition):
            return BadRow("disposition", "answer_denied", disposition, duration=row["billsec"])
        row["answered"] = is_answered
        return None
    word = ""
    if answered.__class__ in (int, str):
        word = str(answered).strip().lower()
    if word not in YES and word not in NO:
        return BadRow("answered", "not_a_yes_or_no", answered)
    row["answered"] = word in YES
    return None


def line_number(row):
    """Return the number of the row's line in its file, 0 where it has none."""
    line = row.get("line")
    # a truth value is an int to Python, and none to PostgreSQL
    return line if line.__class__ is int and 0 < line < 2**31 else 0


def _moment(stamp):
    """Return a stamp as naive UTC datetime of whole seconds; what is no stamp as it is."""
    if isinstance(stamp, str):
        stamp = date_parser.isoparse(stamp.strip())
    elif isinstance(stamp, date) and not isinstance(stamp, datetime):
        stamp = datetime(stamp.year, stamp.month, stamp.day)
    if isinstance(stamp, datetime):
        if stamp.tzinfo:
            stamp = stamp.astimezone(UTC).replace(tzinfo=None)
        if stamp.microsecond:
            stamp = stamp.replace(microsecond=0)
    return stamp


def as_json(row, indent=None):
    """Return the fields of a row as JSON text."""
    return json.dumps(
        {str(name): value for name, value in row.items() if name not in ("raw", "error")},
        default=str,
        ensure_ascii=True,
        sort_keys=True,
        indent=indent,
    )


def storable(text):
    """Return the text as PostgreSQL can keep it: no NUL, no lone surrogate, bounded length."""
    text = str(text)[:10_000].replace("\x00", "\\x00")
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
