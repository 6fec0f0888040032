"""What one account of tests/month_world.py owes and when it is billed, with plain dates and
`Decimal` and none of the product's code (see tests/independent_month.py)."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from .independent_prices import rounded
from .month_world import ISSUERS

DAY = timedelta(days=1)
RESOLD = {"package": "Packages", "subscription": "Subscriptions", "did": "Numbers"}


# === DAYS ===


def in_month(year, month, day):
    """That day of a month (its number may leave the year), or the last one of a shorter month."""
    first = date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - DAY
    return min(first + timedelta(days=day - 1), last)


def month_of(day, anchor):
    """The month, from one anchor day to the next, that a day lies in."""
    edges = [in_month(day.year, day.month + shift, anchor) for shift in (-1, 0, 1)]
    return (edges[0], edges[1]) if day < edges[1] else (edges[1], edges[2])


def midnight(day, zone):
    """The moment (naive UTC) at which a day begins."""
    local = datetime.combine(day, time(), ZoneInfo(zone))
    return local.astimezone(timezone.utc).replace(tzinfo=None)


def local_day(moment, zone):
    return moment.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone)).date()


def american(day):
    return f"{day:%m/%d/%Y}"


def minutes(seconds):
    return f"{seconds // 60}:{seconds % 60:02}"


def span_text(first, end):
    """A half-open span of days as it is printed."""
    return f"{american(first)} – {american(end - DAY)}"


# === WHAT IS OWED ===


@dataclass
class CallCharge:
    start: datetime
    destination: str
    seconds: int
    free: int
    amount: Decimal
    # the account that the reseller sold it to
    resold_to: str = None


@dataclass
class Charge:
    kind: str
    name: str
    amount: Decimal
    quantity: int = 1
    price: Decimal = None
    first: date = None
    end: date = None
    resold_to: str = None

    def line_name(self):
        """What is printed: days, and the units where the amount is not units times price."""
        name = f"{self.name}, setup" if self.kind == "setup" else self.name
        if self.first:
            name += f", {american(self.first)} to {american(self.end - DAY)}"
        is_whole = self.quantity > 0 and self.price and self.quantity * self.price == self.amount
        if not is_whole and self.quantity not in (1, -1):
            name += f" ({self.quantity} units)"
        return name


@dataclass
class Period:
    first: date
    end: date
    start: datetime
    stop: datetime
    state: str = "open"
    is_released: bool = False
    is_manual: bool = False
    calls: list = field(default_factory=list)
    charges: list = field(default_factory=list)
    invoice: object = None

    def span(self):
        if self.is_manual:
            return f"Manual invoice of {american(self.first)}"
        return span_text(self.first, self.end)

    def call_lines(self, detail):
        """Return (section, name, amount) of the calls, by destination or of all; those that were
        resold by the customer to whom."""
        found = defaultdict(list)
        for call in self.calls:
            own = call.destination if detail == "destination" else "All calls"
            found[f"Calls of {call.resold_to}" if call.resold_to else own].append(call)
        lines = []
        for what, these in found.items():
            seconds, free = sum(c.seconds for c in these), sum(c.free for c in these)
            name = f"{what} – calls: {len(these)}, minutes: {seconds // 60}:{seconds % 60:02}"
            if free:
                name += f", of which free: {free // 60}:{free % 60:02}"
            lines.append(("calls", name, rounded(sum(c.amount for c in these))))
        return lines

    def charge_lines(self):
        """Return (section, name, amount) of the charges; those that were resold are summed up by
        customer and section."""
        lines, resold = [], defaultdict(list)
        for charge in self.charges:
            section = {"setup": "other", "adjustment": "other"}.get(charge.kind, charge.kind)
            if charge.resold_to:
                resold[section, charge.resold_to].append(charge.amount)
            else:
                lines.append((section, charge.line_name(), rounded(charge.amount)))
        for (section, customer), amounts in resold.items():
            name = f"{RESOLD[section]} of {customer} – charges: {len(amounts)}"
            lines.append((section, name, rounded(sum(amounts))))
        return lines

    def owed(self):
        return sum((c.amount for c in self.calls + self.charges), Decimal())


@dataclass
class Invoice:
    book: object
    periods: list
    origin: str
    titles: list
    lines: list
    invoice_date: date
    due: date
    untaxed: Decimal
    tax: Decimal
    state: str = "draft"
    posted: int = None
    paid: Decimal = Decimal()
    disputed: bool = False
    # {days from the due date: (state, day, amount, address)}
    reminders: dict = field(default_factory=dict)
    holds: bool = False

    @property
    def total(self):
        return self.untaxed + self.tax

    @property
    def residual(self):
        return self.total - self.paid

    def is_remindable(self):
        return (
            self.state == "posted"
            and self.residual > 0
            and not self.disputed
            and not self.book.terms.excluded
        )

    def facts(self):
        """Return what can be compared; amounts of credit notes are positive."""
        sign = -1 if self.total < 0 else 1
        return {
            "origin": self.origin,
            "periods": [(p.first, p.end) for p in self.periods],
            "type": "out_refund" if sign < 0 else "out_invoice",
            "state": self.state,
            "dates": (self.invoice_date, self.due),
            "amounts": (sign * self.untaxed, sign * self.tax, sign * self.total),
            "open": sign * self.residual if self.state == "posted" else None,
            "titles": self.titles,
            "lines": sorted((kind, name, sign * amount) for kind, name, amount in self.lines),
            "reminders": self.reminders,
        }


# === AN ACCOUNT ===


class Book:
    """What one account owes, and by which rules it is billed."""

    def __init__(self, terms):
        self.terms = terms
        self.billing_day = terms.day
        self.issuer = ISSUERS[terms.reseller or "telco"]
        self.periods, self.invoices, self.unrated = [], [], []
        self.used = defaultdict(int)
        self.is_suspended = False

    def rule(self, name):
        own = getattr(self.terms, name)
        return getattr(self.issuer, name) if own is None else own

    def usage_rules(self):
        """Return the rule for little usage with the figures that belong to it."""
        who = self.issuer if self.terms.no_usage is None else self.terms
        return who.no_usage, who.minimum, who.carry_periods

    def due_on(self, invoice_date):
        own = [days for days in (self.terms.due, self.terms.term) if days is not None]
        return invoice_date + timedelta(days=own[0] if own else self.issuer.due)

    def today(self, moment):
        return local_day(moment, self.terms.zone)

    def midnight(self, day):
        return midnight(day, self.terms.zone)

    # --- periods

    def edges_of(self, day):
        """The regular period that a day lies in."""
        if self.terms.cycle == "monthly":
            return month_of(day, self.billing_day)
        length = {"daily": 1, "weekly": 7}[self.terms.cycle]
        first = day - timedelta(days=(day.isoweekday() - self.billing_day) % length)
        return first, first + timedelta(days=length)

    def extend(self, first, last):
        """Make the periods that are missing until a moment; one is open at least."""
        if not self.periods:
            begin = self.terms.begins or self.edges_of(self.today(first))[0]
            self.add(begin)
        regular = [p for p in self.periods if not p.is_manual]
        while regular[-1].stop <= last or not any(p.state == "open" for p in regular):
            self.add(regular[-1].end)
            regular = [p for p in self.periods if not p.is_manual]

    def add(self, first):
        end = self.edges_of(first)[1]
        self.periods.append(Period(first, end, self.midnight(first), self.midnight(end)))

    def open_at(self, moment):
        """The open period that contains a moment, else the oldest open one."""
        found = [p for p in self.periods if p.state == "open"]
        return next((p for p in found if p.start <= moment < p.stop), found[0])

    def add_call(self, charge):
        self.extend(charge.start, charge.start)
        self.open_at(charge.start).calls.append(charge)

    def add_service_charge(self, due, charge):
        """On the first invoice that is issued on the day it is due, or later."""
        first = min(charge.first or due, due)
        self.extend(self.midnight(first), self.midnight(due))
        self.open_at(self.midnight(due - DAY)).charges.append(charge)

    def add_adjustment(self, day, charge):
        self.extend(self.midnight(day), self.midnight(day))
        self.open_at(self.midnight(day)).charges.append(charge)

    def lines(self, period):
        return period.call_lines(self.issuer.detail) + period.charge_lines()

    # --- sums

    def unbilled(self):
        return sum((p.owed() for p in self.periods if not p.invoice), Decimal())

    def balance(self):
        return sum((i.residual for i in self.invoices if i.state == "posted"), Decimal())


class ServiceBook:
    """A service, its prices from day to day, and what of it is charged."""

    def __init__(self, terms, tiers):
        self.terms, self.tiers = terms, tiers
        self.prices = [(terms.start, terms.price)]
        self.end = None
        self.next_day = terms.start
        self.spans = []
        self.has_setup = False

    def month(self, day):
        anchor = self.tiers[0].billing_day if self.terms.prorate else self.terms.start.day
        return month_of(day, anchor)

    def price(self, tier, day):
        if tier:
            return self.terms.list_price
        return [price for since, price in self.prices if since <= day][-1]

    def amount(self, whole, first, end, price):
        """The share of some days in the price of the whole month: shares add up to the price."""
        full = self.terms.quantity * price
        if not self.terms.prorate:
            return full
        days = (whole[1] - whole[0]).days
        until, before = (full * (day - whole[0]).days / days for day in (end, first))
        return rounded(until) - rounded(before)

    def charge(self, tier, due, first, end, price, amount, sign=1):
        charge = Charge(
            *(self.terms.kind, self.terms.name, amount),
            *(sign * self.terms.quantity, price, first, end),
            resold_to=self.tiers[tier - 1].terms.name if tier else None,
        )
        self.tiers[tier].add_service_charge(due, charge)

    def charge_until(self, moment):
        """Charge what is due by a moment, at all tiers."""
        today, terms = self.tiers[0].today(moment), self.terms
        if terms.setup and not self.has_setup and terms.start <= today:
            self.has_setup = True
            amount = terms.setup * terms.quantity
            setup = Charge("setup", terms.name, amount, terms.quantity, terms.setup)
            self.tiers[0].add_service_charge(terms.start, setup)
        while True:
            whole = self.month(self.next_day)
            first, end = max(whole[0], self.next_day), min(whole[1], self.end or date.max)
            due = first if terms.advance else end
            if first >= end or due > today:
                return
            for tier in range(len(self.tiers)):
                edges = [first, end]
                if not tier:
                    edges[1:1] = [day for day, _price in self.prices if first < day < end]
                for begin, stop in pairwise(edges):
                    price = self.price(tier, begin)
                    self.charge(
                        tier, due, begin, stop, price, self.amount(whole, begin, stop, price)
                    )
            self.spans.append((whole, first, end, due))
            self.next_day = whole[1]

    def correct(self, day, price=None):
        """Take back what is charged from a day on; charge it anew where there is a new price."""
        for whole, first, end, was_due in self.spans:
            if not first <= day < end:
                continue
            due = max(day, was_due)
            # resellers pay their own price, whatever the customer's is
            for tier in range(1 if price else len(self.tiers)):
                old = self.price(tier, first)
                undue = -self.amount(whole, day, end, old)
                self.charge(tier, due, day, end, old, undue, sign=-1)
                if price:
                    self.charge(tier, due, day, end, price, self.amount(whole, day, end, price))
