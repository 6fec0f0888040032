"""Whether a call row, whatever it came from, is fit to be taken over."""

from datetime import datetime, timedelta

from .badrow import BadRow

# Before this day no call is taken, however old the calls of a source may be.
_EARLIEST = datetime(1990, 1, 1)
_MAX_AHEAD = timedelta(minutes=5)
# No switch keeps a call for longer; what is longer is a clock that jumped.
MAX_SECONDS = 7 * 86400
# FreeSWITCH takes both as differences of whole seconds.
_ROUNDING = 1
_PLACEHOLDERS = frozenset(
    ("null", "none", "nil", "nan", "undefined", "unknown", "n/a", "na", "uuid", "uid", "test")
)
_TEXTS = (
    "uid",
    "account_code",
    "src",
    "dst",
    "disposition",
    "bleg_uid",
    "sip_user",
    "trunk",
    "direction",
)
_REPEATED_LENGTH = 8
# Of each text; a database does not take an index of much longer ones.
MAX_TEXT_LENGTH = 255


def check_row(row, now, oldest_days=0):
    """Whether a call row can be taken over.

    The bounds exclude NaN and infinity by themselves; a duration must be an ``int``.

    :param row: call row, see the package
    :param now: naive ``datetime`` in UTC
    :param oldest_days: how long ago the call may have started; 0 for any time
    :return: ``None``, or the :class:`BadRow` that says why not
    """
    uid, start, duration, billsec = row["uid"], row["start"], row["duration"], row["billsec"]
    if not uid:
        return BadRow("uid", "empty")
    first = uid[0]
    if (first in "0-.{ " and not uid.strip("0-.{} ")) or uid.lower() in _PLACEHOLDERS:
        return BadRow("uid", "placeholder", uid)
    if uid[-1] == first and len(uid) >= _REPEATED_LENGTH and not uid.strip(first + "-{}"):
        return BadRow("uid", "placeholder", uid)
    if not isinstance(start, datetime):
        return BadRow("start", "empty")
    if start < _EARLIEST:
        return BadRow("start", "too_early", start)
    if oldest_days and start < now - timedelta(days=oldest_days):
        return BadRow("start", "too_old", start, days=oldest_days)
    if start > now + _MAX_AHEAD:
        return BadRow("start", "in_future", start)
    if not (isinstance(duration, int) and duration >= 0):
        return BadRow("duration", "not_a_duration", duration)
    if not (isinstance(billsec, int) and billsec >= 0):
        return BadRow("billsec", "not_a_duration", billsec)
    if duration > MAX_SECONDS:
        return BadRow("duration", "duration_too_long", duration)
    if billsec > duration + _ROUNDING:
        return BadRow("billsec", "above_duration", billsec, duration=duration)
    try:
        text = f"{uid}{row['account_code']}{row['src']}{row['dst']}{row['disposition']}" + (
            f"{row['bleg_uid']}{row['sip_user']}{row['trunk']}{row['direction']}"
        )
        if not text.isascii():
            text.encode()
        if "\0" not in text and len(text) <= MAX_TEXT_LENGTH:
            return None
    except UnicodeEncodeError:
        pass
    return _bad_text(row)


def _bad_text(row):
    """What is wrong with the texts of a row, if anything."""
    for field in _TEXTS:
        text = str(row[field])
        if len(text) > MAX_TEXT_LENGTH:
            return BadRow(field, "text_too_long", text, limit=MAX_TEXT_LENGTH)
        try:
            text.encode()
        except UnicodeEncodeError:
            return BadRow(field, "bad_character", text)
        if "\0" in text:
            return BadRow(field, "bad_character", text)
    return None
