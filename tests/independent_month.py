"""What must come of the two months of tests/month_world.py, worked out with none of the product's
code: plain dates and `Decimal`, in the plainest way that is right.

It lives through the months moment by moment, as the product does; what that world does not need, it
does not know. tests/test_month.py compares.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from .independent_prices import Rate, best_rate, rounded
from .month_world import (
    ACCOUNTS,
    EVENTS,
    ISSUERS,
    MISSING_RATE,
    RATES,
    SERVICES,
    VAT,
    calls,
)

DAY = timedelta(days=1)
SECTIONS = {
    "package": "Packages",
    "subscription": "Subscriptions",
    "did": "Numbers",
    "other": "Other",
}


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


def span_text(first, end):
    """A half-open span of days as it is printed."""
    return f"{american(first)} – {american(end - DAY)}"


# === WHAT IS OWED ===


@dataclass
class CallCharge:
    destination: str
    seconds: int
    free: int
    amount: Decimal


@dataclass
class Charge:
    kind: str
    name: str
    amount: Decimal
    quantity: int = 1
    price: Decimal = None
    first: date = None
    end: date = None

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

    def call_lines(self):
        """Return (section, name, amount) of the calls, by destination."""
        found = defaultdict(list)
        for call in self.calls:
            found[call.destination].append(call)
        lines = []
        for destination, these in found.items():
            seconds, free = sum(c.seconds for c in these), sum(c.free for c in these)
            name = f"{destination} – calls: {len(these)}, minutes: {seconds // 60}:{seconds % 60:02}"
            if free:
                name += f", of which free: {free // 60}:{free % 60:02}"
            lines.append(("calls", name, rounded(sum(c.amount for c in these))))
        return lines

    def charge_lines(self):
        kinds = {"setup": "other", "adjustment": "other"}
        return [(kinds.get(c.kind, c.kind), c.line_name(), rounded(c.amount)) for c in self.charges]

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

    def add_call(self, moment, charge):
        self.extend(moment, moment)
        self.open_at(moment).calls.append(charge)

    def add_service_charge(self, due, charge):
        """On the first invoice that is issued on the day it is due, or later."""
        first = min(charge.first or due, due)
        self.extend(self.midnight(first), self.midnight(due))
        self.open_at(self.midnight(due - DAY)).charges.append(charge)

    def add_adjustment(self, day, charge):
        self.extend(self.midnight(day), self.midnight(day))
        self.open_at(self.midnight(day)).charges.append(charge)

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
            self.terms.kind, self.terms.name, amount, sign * self.terms.quantity, price, first, end
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
                for begin, stop in zip(edges, edges[1:], strict=False):
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


# === THE MONTHS ===


class Month:
    """The world at a moment; `tick` goes on to the next one."""

    def __init__(self):
        self.books = {terms.name: Book(terms) for terms in ACCOUNTS}
        self.rates = {}
        for card, rates in RATES.items():
            for rate in rates:
                self.add_rate(card, *rate)
        self.services = []
        for terms in SERVICES:
            self.services.append(ServiceBook(terms, self.tiers(self.books[terms.account])))
        self.calls = calls()
        self.moment = datetime.min
        self.ticks = 0
        self.early = []
        self.mails = Counter()

    def add_rate(self, card, prefix, destination, price, fee, first, following):
        rate = Rate(destination, Decimal(price), Decimal(fee), first, following)
        self.rates[card, "outbound", prefix] = rate

    def tiers(self, book):
        return [book, *([self.books[book.terms.reseller]] if book.terms.reseller else [])]

    def tick(self, moment):
        """Let everything happen that happens at a moment; return the mails of it.

        :return: Counter of (address, sender, is a reminder, names of invoices, amount)
        """
        before, self.moment = self.moment, moment
        self.ticks += 1
        self.mails = Counter()
        for name, *values in EVENTS.get(f"{moment:%Y-%m-%d %H}", ()):
            getattr(self, f"do_{name}")(*values)
        for call in self.calls:
            if before < call.reported <= moment:
                self.charge_call(call)
        for service in self.services:
            service.charge_until(moment)
        self.close()
        self.remind()
        return self.mails

    def snapshot(self):
        """Return {account: what can be compared}."""
        return {
            name: {
                "invoices": [i.facts() for i in sorted(book.invoices, key=_place)],
                "unbilled": book.unbilled(),
                "balance": book.balance(),
                "suspended": book.is_suspended,
            }
            for name, book in self.books.items()
        }

    # --- calls

    def charge_call(self, call):
        book = self.books[call.account]
        tiers = self.tiers(book)
        rates = [self.best_rate(tier.terms.card, call.number) for tier in tiers]
        if not all(rates):
            book.unrated.append(call)
            return
        free = self.free_seconds(book, call)
        for tier, rate in zip(tiers, rates, strict=True):
            seconds, amount = billed(rate, call.seconds), Decimal()
            if free < call.seconds:
                seconds = free + billed(rate, call.seconds - free)
                amount = rate.price(call.seconds - free, with_fee=not free)
            tier.add_call(call.start, CallCharge(rate.destination, seconds, free, amount))

    def best_rate(self, card, number):
        return best_rate(self.rates, card, "outbound", number) or self.rates.get(
            (card, "outbound", "")
        )

    def free_seconds(self, book, call):
        """Use up what a package leaves of its free seconds in the month of the call."""
        free, day = 0, book.today(call.start)
        for service in self.services:
            if service.tiers[0] is book and service.terms.free and service.terms.start <= day:
                month = service.month(day)
                free = min(service.terms.free - book.used[month], call.seconds)
                book.used[month] += free
        return free

    # --- billing

    def close(self):
        """Close and invoice what has ended; what was asked for by hand goes first."""
        for book in self.early:
            book.extend(self.moment, self.moment)
            self.cut(book)
            self.invoice_ended(book)
        self.early = []
        for book in self.books.values():
            always = book.usage_rules()[0] == "always" and book.terms.begins
            if book.periods or (always and book.midnight(book.terms.begins) < self.moment):
                book.extend(book.midnight(book.terms.begins or book.today(self.moment)), self.moment)
            self.invoice_ended(book)

    def cut(self, book):
        """End the period that is going on at the midnight that begins today."""
        today = book.today(self.moment)
        period = next(p for p in book.periods if p.state == "open" and p.first < today < p.end)
        rest = Period(today, period.end, book.midnight(today), period.stop)
        period.end, period.stop = rest.first, rest.start
        book.periods.insert(book.periods.index(period) + 1, rest)
        # nothing of today is charged yet in this world

    def invoice_ended(self, book):
        for period in book.periods:
            if period.state == "open" and period.stop <= self.moment:
                waiting = any(period.start <= c.start < period.stop for c in book.unrated)
                if waiting and book.issuer.unrated == "hold":
                    return
                period.state = "closed"
        self.invoice(book, [p for p in book.periods if p.state == "closed" and not p.is_released])

    def invoice(self, book, periods):
        """Invoice closed periods, each with those that were carried to it."""
        no_usage, minimum, carry_periods = book.usage_rules()
        for period in periods:
            carried = [p for p in book.periods if p.state == "carried" and not period.is_manual]
            parts = [*carried, period]
            lines = [line for part in parts for line in part.call_lines() + part.charge_lines()]
            if not lines and no_usage != "always":
                period.state = "skipped"
                continue
            total = sum((amount for _kind, _name, amount in lines), Decimal())
            small = no_usage == "carry" and abs(total) < minimum
            if small and not period.is_manual and len(carried) < carry_periods:
                period.state = "carried"
                continue
            invoice = self.make(book, parts, lines)
            if book.rule("mode") == "confirmed":
                self.post(invoice)
                if book.rule("mail"):
                    self.mail(book, False, [invoice])

    def make(self, book, periods, lines):
        titles = []
        for part in periods:
            if part.call_lines():
                titles.append(f"Calls, {part.span()}")
        kinds = {kind for kind, _name, _amount in lines}
        titles += [title for kind, title in SECTIONS.items() if kind in kinds]
        if not lines:
            lines = [("calls", "No calls and no services", Decimal())]
            titles = [f"Calls, {periods[-1].span()}"]
        untaxed = sum((amount for _kind, _name, amount in lines), Decimal())
        percent = VAT if book.terms.tax is None else book.terms.tax
        last, rule = periods[-1], book.rule("date_rule")
        day = {
            "last_day": last.end - DAY,
            "next_day": last.end,
            "run_day": book.today(self.moment),
        }["last_day" if last.is_manual else rule]
        origin = last.span() if last.is_manual else span_text(periods[0].first, last.end)
        tax = rounded(untaxed * percent / 100)
        due = book.due_on(day)
        invoice = Invoice(book, periods, origin, titles, lines, day, due, untaxed, tax)
        for part in periods:
            part.state, part.invoice = "invoiced", invoice
        book.invoices.append(invoice)
        return invoice

    def post(self, invoice):
        invoice.state, invoice.posted = "posted", self.ticks

    # --- reminders

    def remind(self):
        for book in self.books.values():
            self.end_suspension(book)
            groups = defaultdict(list)
            for invoice in book.invoices:
                due = self.due_reminder(invoice)
                if due:
                    rule, missed, day = due
                    alone = None if rule.grouped else id(invoice)
                    groups[rule.shift > 0, alone].append((invoice, rule, missed, day))
            for group in groups.values():
                self.send(book, group)

    def due_reminder(self, invoice):
        """Return the latest rule that is due, those before it, and its day; or nothing."""
        if not invoice.is_remindable():
            return None
        today = invoice.book.today(self.moment)
        due = []
        for rule in invoice.book.issuer.reminders:
            day = invoice.due + timedelta(days=rule.shift)
            if rule.shift not in invoice.reminders and day <= today:
                due.append((day, rule))
        if not due:
            return None
        due.sort(key=lambda each: each[0])
        return due[-1][1], due[:-1], due[-1][0]

    def send(self, book, group):
        for invoice, rule, missed, day in group:
            invoice.reminders[rule.shift] = ("sent", day, invoice.residual, book.terms.email)
            for earlier, skipped in missed:
                invoice.reminders[skipped.shift] = ("skipped", earlier, Decimal(), False)
            if rule.suspend or any(skipped.suspend for _day, skipped in missed):
                invoice.holds = book.is_suspended = True
        self.mail(book, True, [each[0] for each in group])

    def end_suspension(self, book):
        today = book.today(self.moment)
        held = [i for i in book.invoices if i.holds]
        for invoice in held:
            invoice.holds = invoice.is_remindable() and invoice.due < today
        if held and not any(i.holds for i in book.invoices):
            book.is_suspended = False

    def mail(self, book, is_reminder, invoices):
        origins = tuple(sorted(i.origin for i in invoices))
        amount = sum(i.residual for i in invoices) if is_reminder else None
        self.mails[book.terms.email, book.issuer.sender, is_reminder, origins, amount] += 1

    # --- what people do

    def find(self, account, first):
        day = date.fromisoformat(first)
        return next(p.invoice for p in self.books[account].periods if p.first == day)

    def do_pay(self, account, first, amount):
        invoice = self.find(account, first)
        invoice.paid += amount or invoice.residual
        if not invoice.residual and invoice.holds:
            self.end_suspension(invoice.book)

    def do_pay_all(self, account):
        book = self.books[account]
        for invoice in book.invoices:
            if invoice.state == "posted" and invoice.residual > 0:
                invoice.paid = invoice.total
        self.end_suspension(book)

    def do_dispute(self, account, first, disputed):
        self.find(account, first).disputed = disputed

    def do_billing_day(self, account, day):
        self.books[account].billing_day = day

    def do_bill_now(self, account):
        self.early.append(self.books[account])

    def do_confirm(self, issuer):
        for book in self.books.values():
            for invoice in book.invoices:
                if invoice.state == "draft" and book.issuer is ISSUERS[issuer]:
                    self.post(invoice)

    def do_cancel(self, account, first):
        invoice = self.find(account, first)
        for period in invoice.periods:
            period.state, period.invoice, period.is_released = "closed", None, True
        invoice.state, invoice.periods = "cancel", []

    def do_again(self, account, first):
        day = date.fromisoformat(first)
        periods = [p for p in self.books[account].periods if p.first == day]
        self.invoice(self.books[account], periods)

    def do_price(self, name, day, price):
        service = self.service(name)
        service.correct(day, price)
        service.prices.append((day, price))

    def do_end(self, name, day):
        service = self.service(name)
        service.correct(day)
        service.end = day

    def service(self, name):
        return next(s for s in self.services if s.terms.name == name)

    def do_charge(self, account, name, amount, day):
        self.books[account].add_adjustment(day, Charge("adjustment", name, amount))

    def do_invoice_charge(self, account, name):
        book = self.books[account]
        today = book.today(self.moment)
        manual = Period(today, today + DAY, datetime.min, datetime.min, "closed", is_manual=True)
        for period in book.periods:
            manual.charges += [c for c in period.charges if c.name == name]
            period.charges = [c for c in period.charges if c.name != name]
        book.periods.insert(0, manual)
        self.invoice(book, [manual])

    def do_rate(self):
        for card in ("standard", "dollar"):
            self.add_rate(card, *MISSING_RATE)
        for book in self.books.values():
            waiting, book.unrated = book.unrated, []
            for call in waiting:
                self.charge_call(call)


def billed(rate, seconds):
    """The seconds that are charged: the first block, then whole blocks."""
    return rate.first + -(-max(seconds - rate.first, 0) // rate.following) * rate.following


def _place(invoice):
    return invoice.invoice_date, invoice.origin, invoice.state
