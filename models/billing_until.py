"""The day or moment by which the periods end that a billing run closes."""

from datetime import date, datetime, timezone

from dateutil.parser import isoparse

from odoo import fields
from odoo.exceptions import UserError

from ..engine.calendar import local_day

# nowhere does a day begin earlier
FIRST_ZONE = "Pacific/Kiritimati"
# ... and nowhere later
LAST_ZONE = "Etc/GMT+12"
# older days have no time zones that could be reckoned with
FIRST_YEAR = 1900


def parse_until(env, until):
    """Return a date, or a naive UTC datetime of whole seconds; for nothing the moment it is now.

    :param until: date, datetime (naive: UTC), or either as ISO text
    :raises UserError: for what is neither, and for what has not come yet
    """
    parsed = _parse(until or fields.Datetime.now())
    if not parsed or parsed.year < FIRST_YEAR:
        raise UserError(env._("%s is no day and no moment such as 2025-03-31.", until))
    now = fields.Datetime.now()
    latest = now if isinstance(parsed, datetime) else local_day(now, FIRST_ZONE)
    if parsed > latest:
        raise UserError(
            env._("%s has not come yet: only billing periods that have ended are closed.", until)
        )
    return parsed


def day_of(until, tz):
    """Return the day in a time zone of a UTC datetime; a date is that day everywhere.

    :param until: date or naive UTC datetime
    :param tz: IANA name of the zone
    """
    return local_day(until, tz) if isinstance(until, datetime) else until


def _parse(until):
    if isinstance(until, str):
        text = until.strip()
        try:
            until = date.fromisoformat(text) if len(text) == 10 else isoparse(text)
        except ValueError:
            return None
    if isinstance(until, datetime):
        if until.tzinfo:
            until = until.astimezone(timezone.utc).replace(tzinfo=None)
        return until.replace(microsecond=0)
    return until if isinstance(until, date) else None
