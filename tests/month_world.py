"""Two months of a small telephone company, as plain data: who is billed how, and what happens.

tests/test_month.py lets the product live through it; tests/independent_month.py works out what has
to come of it. Days and moments (UTC) are ISO texts; money is text.
"""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

SEED = 20250301
FIRST, LAST = date(2025, 3, 1), date(2025, 5, 2)
HOURS = (2, 14)
DOLLARS_PER_EURO = 2
VAT = Decimal(21)


@dataclass(frozen=True)
class Reminder:
    """A reminder rule: days from the due date, below zero before it."""

    shift: int
    suspend: bool = False
    grouped: bool = True


@dataclass(frozen=True)
class Issuer:
    """A billing profile; `due` are days after the invoice date."""

    mode: str
    date_rule: str
    due: int
    mail: bool
    no_usage: str
    unrated: str
    prefix: str
    first_number: int
    sender: str
    # full hour from which reminders are sent, and the lines of calls
    hour: int
    detail: str
    reminders: tuple
    minimum: Decimal = Decimal()
    carry_periods: int = 0


@dataclass(frozen=True)
class Account:
    """An account; what is None is as its issuer says."""

    name: str
    day: int = 1
    cycle: str = "monthly"
    zone: str = "Europe/Brussels"
    card: str = "standard"
    reseller: str = ""
    begins: date = None
    excluded: bool = False
    tax: Decimal = None
    mode: str = None
    date_rule: str = None
    due: int = None
    term: int = None
    mail: bool = None
    no_usage: str = None
    minimum: Decimal = Decimal()
    carry_periods: int = 0
    # how much it calls: chance of a call on a day, longest call, last day with calls
    chance: float = 0.5
    longest: int = 400
    silent_from: date = None

    @property
    def currency(self):
        return "USD" if self.card == "dollar" else "EUR"

    @property
    def email(self):
        return f"{self.name}@customer.example"


@dataclass(frozen=True)
class Service:
    """A service; `free` are the free seconds of a package, `list_price` is what a reseller pays."""

    account: str
    name: str
    price: Decimal
    start: date
    kind: str = "subscription"
    quantity: int = 1
    setup: Decimal = Decimal()
    advance: bool = True
    prorate: bool = True
    free: int = 0
    list_price: Decimal = Decimal()


@dataclass(frozen=True)
class Call:
    """A call as the switch reports it, and when."""

    uid: str
    account: str
    number: str
    start: datetime
    seconds: int
    reported: datetime = field(compare=False)


ISSUERS = {
    "telco": Issuer(
        mode="confirmed",
        date_rule="next_day",
        due=14,
        mail=True,
        no_usage="skip",
        unrated="bill",
        prefix="TEL/",
        first_number=1,
        sender="billing@telco.example",
        hour=8,
        detail="destination",
        reminders=(Reminder(-3), Reminder(0), Reminder(7), Reminder(14, suspend=True)),
    ),
    "bright": Issuer(
        mode="draft",
        date_rule="last_day",
        due=20,
        mail=False,
        no_usage="carry",
        minimum=Decimal("1.00"),
        carry_periods=1,
        unrated="hold",
        prefix="BRI/",
        first_number=501,
        sender="billing@bright.example",
        hour=1,
        detail="total",
        reminders=(Reminder(7, grouped=False), Reminder(14, suspend=True, grouped=False)),
    ),
}

# (prefix, destination, price per minute, fee, first block, following blocks)
RATES = {
    "standard": (
        ("32", "Belgium", "0.05", "0", 1, 1),
        ("3247", "Belgium Mobile", "0.12", "0", 30, 6),
        ("33", "France", "0.0333", "0", 1, 1),
        ("1", "USA", "0.02", "0.1", 60, 60),
    ),
    "wholesale": (("", "World", "0.0111", "0", 6, 6),),
}
RATES["dollar"] = RATES["standard"]
# there is none until a person adds it
MISSING_RATE = ("81", "Japan", "0.2", "0", 1, 1)

ACCOUNTS = (
    Account("anna"),
    Account("ben", day=8, due=5),
    Account("carla", day=15),
    Account("dora", day=28, card="dollar", term=10),
    Account("emil", day=31, mode="draft", date_rule="last_day", due=0),
    Account(
        "fay",
        cycle="weekly",
        zone="Pacific/Auckland",
        no_usage="carry",
        minimum=Decimal("2.00"),
        carry_periods=2,
        mail=False,
        chance=0.35,
        longest=900,
    ),
    Account(
        "gus",
        cycle="daily",
        zone="Pacific/Honolulu",
        card="dollar",
        mail=False,
        excluded=True,
        chance=0.25,
    ),
    Account("hana", day=5, cycle="weekly", no_usage="always", chance=0.1),
    Account("ivo", reseller="bright"),
    Account("jana", day=15, reseller="bright", mode="confirmed", mail=True, tax=Decimal(6)),
    Account("kurt", begins=date(2025, 3, 12), no_usage="always", chance=0),
    Account("lena", day=15, silent_from=date(2025, 3, 25)),
    Account("mia"),
    Account("nils", day=8),
    Account("olga", day=15, zone="Pacific/Auckland", date_rule="run_day", mail=False),
    Account("pia", day=3, cycle="weekly", reseller="bright", chance=0.3, longest=500),
    Account("bright", card="wholesale", chance=0),
)

MARCH = date(2025, 3, 1)
SERVICES = (
    Service("anna", "Line Anna", Decimal("10.00"), MARCH),
    Service("ben", "Pack Ben", Decimal("8.00"), MARCH, kind="package", free=300),
    Service("carla", "Line Carla", Decimal("20.00"), MARCH),
    Service(
        "dora",
        "Number Dora",
        Decimal("6.00"),
        date(2025, 3, 5),
        kind="did",
        setup=Decimal("15.00"),
        prorate=False,
    ),
    Service("emil", "Lines Emil", Decimal("7.00"), date(2025, 3, 10), quantity=2, advance=False),
    Service("hana", "Line Hana", Decimal("4.00"), MARCH, advance=False),
    Service("ivo", "Line Ivo", Decimal("9.50"), MARCH, list_price=Decimal("6.00")),
    Service(
        "jana",
        "Pack Jana",
        Decimal("5.00"),
        date(2025, 3, 4),
        kind="package",
        free=240,
        list_price=Decimal("3.00"),
    ),
    Service("lena", "Line Lena", Decimal("31.00"), MARCH),
    Service("mia", "Line Mia", Decimal("6.20"), MARCH),
)

# what people do at a moment, before the jobs of that moment; an invoice is named by its account
# and the first day that it covers
EVENTS = {
    "2025-03-10 02": [("price", "Line Anna", date(2025, 3, 16), Decimal("13.00"))],
    "2025-03-10 14": [("confirm", "bright")],
    "2025-03-12 14": [("cancel", "nils", "2025-02-08")],
    "2025-03-13 14": [("again", "nils", "2025-02-08")],
    "2025-03-17 14": [("billing_day", "carla", 20)],
    "2025-03-18 02": [
        ("charge", "olga", "Courtesy", Decimal("-3.20"), date(2025, 3, 18)),
        ("charge", "olga", "Visit", Decimal("12.50"), date(2025, 3, 18)),
    ],
    "2025-03-19 02": [("invoice_charge", "olga", "Visit")],
    "2025-03-20 14": [
        ("bill_now", "mia"),
        ("pay", "ben", "2025-02-08", None),
        ("end", "Line Lena", date(2025, 3, 25)),
    ],
    "2025-03-25 14": [("pay", "lena", "2025-02-15", None)],
    "2025-03-30 14": [("pay", "carla", "2025-02-15", Decimal("5.00"))],
    "2025-04-02 14": [("pay", "mia", "2025-03-01", None)],
    "2025-04-06 14": [("rate",)],
    "2025-04-08 14": [("dispute", "jana", "2025-02-15", True)],
    "2025-04-10 14": [("confirm", "bright"), ("confirm", "telco")],
    "2025-04-14 14": [("pay", "carla", "2025-02-15", None)],
    "2025-04-20 02": [("pay_all", "hana"), ("dispute", "jana", "2025-02-15", False)],
    "2025-04-22 14": [("pay_all", "jana"), ("pay_all", "gus")],
    "2025-04-24 02": [("bill_now", "fay")],
    "2025-04-30 14": [("pay_all", "anna")],
}

NUMBERS = ("3225551234", "32471234567", "33123456789", "12025550100")
NOWHERE = "81312345678"


def moments():
    """Yield the moments of the two months at which something happens, in their order."""
    day = FIRST
    while day <= LAST:
        for hour in HOURS:
            yield datetime(day.year, day.month, day.day, hour)
        day += timedelta(days=1)


def calls():
    """Return all calls in the order in which they are made: the same ones each time."""
    rng = random.Random(SEED)
    found = []
    for account in ACCOUNTS:
        day = FIRST
        while day <= LAST:
            if rng.random() < account.chance and day < (account.silent_from or date.max):
                start = datetime(day.year, day.month, day.day) + timedelta(
                    seconds=rng.randrange(86400)
                )
                number, seconds = rng.choice(NUMBERS), rng.randrange(1, account.longest)
                # some reports are late; of accounts with free units that would be another story
                late = not account.name.startswith(("ben", "jana")) and rng.random() < 0.1
                found.append((account, number, start, seconds, timedelta(days=2 if late else 0)))
            day += timedelta(days=1)
    names = {account.name: account for account in ACCOUNTS}
    for name, start in (("anna", "2025-03-20 10:00:00"), ("ivo", "2025-03-18 09:00:00")):
        found.append((names[name], NOWHERE, datetime.fromisoformat(start), 90, timedelta()))
    found.sort(key=lambda call: call[2])
    return [
        Call(
            f"month-{index}",
            account.name,
            number,
            start,
            seconds,
            start + timedelta(seconds=seconds) + delay,
        )
        for index, (account, number, start, seconds, delay) in enumerate(found)
    ]
