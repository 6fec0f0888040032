"""Which of the rows that Asterisk writes for one call are charged.

Asterisk writes a row for every pair of channels that were connected, so one conversation may be in
several rows of the same ``linkedid``. A row is charged when it is ANSWERED with at least a second
to bill, except where another row charges the same conversation already:

1. *One channel is in one conversation at a time.* Of rows of one channel (one ``uniqueid``) whose
   answered times overlap, the longest is charged. Rows after each other, as a transfer makes them,
   are each charged.
2. *A Local channel is a piece of wire.* Its far half (``Local/...;2``) is not charged, since the
   row of the channel that was connected to its near half (``;1``) is; unless it reached a public
   number that no other row of the call reached at the same time, for then it is a call that was
   forwarded or made for a ring group, and charged to the account it carries. A far half without
   its near half in the file is not charged.
3. *A channel that was dialled does not dial.* A row of a channel that is the other end of another
   row at the same time is not charged to the same account (or none), unless it reached a public
   number that no other row reached.

What is not charged keeps its seconds and says so in ``ignored`` ('other_leg'), with the row that it
is a leg of in ``bleg_uid`` where that is known.

The result does not depend on the order of the rows as long as those of a call are within 20,000
rows of each other; Asterisk writes them when the channels hang up.
"""

from collections import deque
from datetime import datetime, timedelta
from typing import NamedTuple

_WINDOW = 20_000
_PUBLIC_DIGITS = 7


def mark_duplicate_legs(items, window=_WINDOW):
    """Set ``ignored`` and ``bleg_uid`` of the rows that are not charged.

    :param items: iterator of bad rows and of (call row, legs), with legs ``None`` for a row that
        has nothing to charge, else (linkedid, uniqueid, channel, dstchannel, answer stamp)
    :param window: number of rows over which the rows of a call are gathered
    :return: iterator of the rows in their order
    """
    waiting = deque()
    calls = {}  # linkedid: rows to charge of the calls not yet settled
    for item in items:
        if item.__class__ is dict:
            item = item, None
        elif item[1]:
            linked_id = item[1][0]
            if not linked_id:
                _settle([item])
            elif linked_id in calls:
                calls[linked_id].append(item)
            else:
                calls[linked_id] = [item]
        waiting.append(item)
        if len(waiting) > window:
            yield _settled(waiting.popleft(), calls)
    while waiting:
        yield _settled(waiting.popleft(), calls)


def _settled(item, calls):
    row, legs = item
    if legs and legs[0] in calls:
        call = calls.pop(legs[0])
        if len(call) > 1 or legs[2].endswith(";2"):
            _settle(call)
    return row


class _Leg(NamedTuple):
    is_far_half: bool
    was_dialled: bool
    minus_seconds: int
    begin: datetime
    uid: str
    end: datetime
    unique_id: str
    channel: str  # without the half of a Local channel
    other: str  # the channel it was connected to, likewise
    account: str
    number: str


def _settle(call):
    """Mark the rows of one call, given as (row, legs)."""
    dialled = {legs[3] for _row, legs in call}
    # A row that is in the file twice is one row: both must come out the same.
    legs_by_uid = {}
    for row, (_linked_id, unique_id, channel, other, answer) in call:
        begin = _begin(answer, row)
        leg = _Leg(
            is_far_half=channel.endswith(";2"),
            was_dialled=channel in dialled,
            minus_seconds=-row["billsec"],
            begin=begin,
            uid=row["uid"],
            end=begin + timedelta(seconds=row["billsec"]),
            unique_id=unique_id,
            channel=_wire(channel),
            other=_wire(other),
            account=row["account_code"],
            number=row["dst"],
        )
        known = legs_by_uid.get(leg.uid)
        if known is None or leg < known:
            legs_by_uid[leg.uid] = leg
    legs = sorted(legs_by_uid.values())
    carriers = {}  # uid of a leg that is not charged: of the one that is charged for it
    for index, leg in enumerate(legs):
        carrier = _carrier(leg, legs[:index], carriers)
        if carrier is not None:
            carriers[leg.uid] = carrier
    for row, _legs in call:
        carrier = carriers.get(row["uid"])
        if carrier is not None:
            row["ignored"] = "other_leg"
            row["bleg_uid"] = carrier


def _carrier(leg, earlier, carriers):
    """The uid of the leg that charges for this one, '' if that is not known, ``None`` if none does.

    :param earlier: the legs that come before it: those of callers first, the longest first
    :param carriers: those of the earlier ones that are not charged
    """
    knows_near_half = False
    earlier = [other for other in earlier if leg.begin < other.end and other.begin < leg.end]
    reaches_more = _is_public(leg.number) and not any(
        _is_same_number(leg.number, other.number) for other in earlier
    )
    for other in earlier:
        is_wire = leg.is_far_half and leg.channel in (other.channel, other.other)
        knows_near_half = knows_near_half or is_wire
        if leg.unique_id and leg.unique_id == other.unique_id:
            if other.uid in carriers:
                continue
        elif reaches_more or not (is_wire or _is_dialled_by(leg, other)):
            continue
        return carriers.get(other.uid) or other.uid
    return "" if leg.is_far_half and not knows_near_half else None


def _is_dialled_by(leg, other):
    """Whether a leg is of the channel that another one dialled, and for the same account."""
    return leg.channel == other.other and leg.account in ("", other.account)


def _is_public(number):
    number = number.removeprefix("+")
    return number.isdigit() and len(number.lstrip("0")) >= _PUBLIC_DIGITS


def _is_same_number(one, other):
    """Whether two numbers differ in their first digits at most.

    National and international forms, and routing digits put in front, leave the end as it is.
    """
    short, long = sorted((one.lstrip("+0"), other.lstrip("+0")), key=len)
    return len(short) >= _PUBLIC_DIGITS and long.endswith(short)


def _wire(channel):
    """The name that both halves of a Local channel share."""
    return channel[:-2] if channel.endswith((";1", ";2")) else channel


def _begin(answer, row):
    try:
        return datetime.strptime(answer[:19], "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return row["start"]
