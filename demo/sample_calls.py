"""The calls of the sample files, before any switch has written them down."""

import uuid
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone

from sample_tables import ACCOUNTS, AT_HOME, CALLED, FREE, FREE_DIDS, PREMIUM, UNRATED

FIRST_DAY, DAYS = date(2026, 9, 1), 61
# Of 24 hours of a working day and of a day at the weekend.
WORKDAY = (1, 1, 0, 0, 0, 1, 3, 12, 40, 70, 80, 75, 45, 60, 78, 76, 66, 40, 20, 14, 10, 7, 4, 2)
WEEKEND = (1, 1, 1, 0, 0, 0, 1, 2, 5, 8, 10, 10, 8, 7, 8, 8, 8, 7, 6, 6, 5, 4, 3, 2)
CAUSES = ("NO_ANSWER", "USER_BUSY", "ORIGINATOR_CANCEL", "CALL_REJECTED")
# Who dials as in another country than Belgium.
HOME = {"C1013": "49", "C1014": "49", "C1015": "44", "C1016": "44"}
SIP_USERS = {"C1001": ("acme-100", "acme-101", "acme-102", "acme-103")}


@dataclass(frozen=True)
class Call:
    """One call; times are naive UTC."""

    uid: str
    other_uid: str
    code: str
    name: str
    src: str
    dst: str  # as it was dialled
    number: str  # E.164 digits of it
    start: datetime
    ring: int
    billsec: int
    cause: str
    inbound: bool = False
    sip_user: str = ""
    trunk: str = ""

    @property
    def answered(self):
        return self.billsec > 0

    @property
    def answer(self):
        return self.start + timedelta(seconds=self.ring)

    @property
    def duration(self):
        return self.ring + self.billsec

    @property
    def end(self):
        return self.start + timedelta(seconds=self.duration)

    def without_code(self, sip_user=False, trunk=""):
        """The same call without account code, known by something else."""
        user = SIP_USERS[self.code][self.billsec % 4] if sip_user else ""
        return replace(self, code="", sip_user=user, trunk=trunk)

    def with_uid(self, uid):
        return replace(self, uid=uid)


class Summary:
    """Counts what is in a file, as it is written."""

    def __init__(self):
        self.uids = set()
        self.values = dict.fromkeys(
            ("rows", "bad", "duplicates", "conflicts", "calls", "answered", "other_legs"), 0
        )
        self.values["seconds"] = 0

    def add(self, call, other_legs=0):
        """Count a call, with rows of it that are not charged."""
        self.leg(call.uid, call.billsec)
        for number in range(other_legs):
            self.leg(f"{call.uid} other {number}", 0, is_other=True)

    def leg(self, uid, billsec, is_other=False):
        """Count one row."""
        self.values["rows"] += 1
        if uid in self.uids:
            self.values["duplicates"] += 1
            return
        self.uids.add(uid)
        if is_other:
            self.values["other_legs"] += 1
            return
        self.values["calls"] += 1
        self.values["answered"] += billsec > 0
        self.values["seconds"] += billsec

    def conflict(self):
        self.values["rows"] += 1
        self.values["conflicts"] += 1

    def bad(self, count=1):
        self.values["rows"] += count
        self.values["bad"] += count

    def counts(self):
        """What was counted; bad, duplicates, conflicts, calls and other_legs add up to rows."""
        return self.values


class CallMaker:
    """Makes calls at random, the same ones every time."""

    def __init__(self, random, zone):
        self.random, self.zone = random, zone
        self.first_uid = None

    def uid(self):
        uid, self.first_uid = self.first_uid, None
        return uid or str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def moment(self, day=None):
        """A moment of business in the two months, as naive UTC."""
        chance = self.random
        while True:
            chosen = date(*day) if day else FIRST_DAY + timedelta(days=chance.randrange(DAYS))
            weights = WORKDAY if chosen.weekday() < 5 else WEEKEND
            if day or chance.random() < (1 if chosen.weekday() < 5 else 0.25):
                break
        hour = chance.choices(range(24), weights)[0]
        local = datetime(
            *(chosen.year, chosen.month, chosen.day),
            *(hour, chance.randrange(60), chance.randrange(60)),
            tzinfo=self.zone,
        )
        return local.astimezone(timezone.utc).replace(tzinfo=None)

    def fill(self, pattern):
        pattern = pattern.replace(" ", "")
        return "".join(str(self.random.randrange(10)) if char == "#" else char for char in pattern)

    def number(self, home="32"):
        weights, patterns = zip(*CALLED, *AT_HOME.get(home, ()), strict=True)
        return self.fill(self.random.choices(patterns, weights)[0])

    def dialled(self, number, home="32"):
        """A way in which people in a country dial a number."""
        chance = self.random.random()
        if number.startswith(home) and chance < 0.6:
            return "0" + number[2:]
        return ("00" if chance < 0.75 else "+") + number

    def seconds(self, limits=None):
        """Length of a conversation: half are below two minutes, few above twenty."""
        if limits:
            return self.random.randrange(*limits)
        if self.random.random() < 0.08:
            return self.random.randrange(1, 7)
        return min(5400, max(1, round(self.random.lognormvariate(4.7, 1.0))))

    def call(self, code, src, number, dst, inbound=False, seconds=None, day=None):
        is_answered = bool(seconds) or self.random.random() < 0.82
        name = ACCOUNTS[code][0] if code in ACCOUNTS and not inbound else src
        return Call(
            uid=self.uid(),
            other_uid=self.uid(),
            code="" if inbound else code,
            name=name,
            src=src,
            dst=dst,
            number=number,
            start=self.moment(day),
            ring=self.random.randrange(2, 28),
            billsec=self.seconds(seconds) if is_answered else 0,
            cause="NORMAL_CLEARING" if is_answered else self.random.choice(CAUSES),
            inbound=inbound,
        )

    def outbound(
        self, code, count, unrated=False, premium=False, free=False, seconds=None, day=None
    ):
        """Calls that an account makes."""
        calls, home = [], HOME.get(code, "32")
        for _number in range(count):
            number = self.number(home)
            if unrated:
                number, seconds = self.fill(UNRATED), (20, 400)
            elif premium:
                number, seconds = self.fill(self.random.choice(PREMIUM)), (20, 400)
            elif free:
                number = self.fill(self.random.choice(FREE))
            src = "+" + ACCOUNTS[code][1][0]
            calls.append(
                self.call(code, src, number, self.dialled(number, home), seconds=seconds, day=day)
            )
        return calls

    def inbound(self, code, count):
        """Calls to the numbers of an account; they carry no code."""
        calls = []
        for _number in range(count):
            number = self.random.choice(ACCOUNTS[code][1])
            calls.append(self.call(code, "+" + self.number(), number, "+" + number, inbound=True))
        return calls

    def to_nobody(self, count):
        """Calls to numbers that nobody rents."""
        calls = []
        for _number in range(count):
            number = self.random.choice(FREE_DIDS)
            calls.append(
                self.call(
                    "", "+" + self.number(), number, "+" + number, inbound=True, seconds=(9, 90)
                )
            )
        return calls

    def unknown(self, code, count):
        """Calls of an account that there is not."""
        calls = []
        for _number in range(count):
            number = self.number()
            calls.append(
                self.call(code, "+3225559900", number, self.dialled(number), seconds=(15, 300))
            )
        return calls
