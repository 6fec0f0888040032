"""What must come of the two months of tests/month_world.py, worked out with none of the product's
code: plain dates and `Decimal`, in the plainest way that is right.

It lives through the months moment by moment, as the product does; what that world does not need, it
does not know. tests/test_month.py compares.
"""

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

from .independent_accounts import (
    DAY,
    Book,
    CallCharge,
    Charge,
    Invoice,
    Period,
    ServiceBook,
    span_text,
)
from .independent_prices import Rate, best_rate, rounded
from .month_world import ACCOUNTS, EVENTS, ISSUERS, MISSING_RATE, RATES, SERVICES, VAT, calls

SECTIONS = {
    "package": "Packages",
    "subscription": "Subscriptions",
    "did": "Numbers",
    "other": "Other",
}


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
        sold_to = [None, *(tier.terms.name for tier in tiers)]
        for tier, rate, below in zip(tiers, rates, sold_to, strict=False):
            seconds, amount = billed(rate, call.seconds), Decimal()
            if free < call.seconds:
                seconds = free + billed(rate, call.seconds - free)
                amount = rate.price(call.seconds - free, with_fee=not free)
            tier.add_call(CallCharge(call.start, rate.destination, seconds, free, amount, below))

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
            self.invoice_ended(book, asked=True)
        self.early = []
        for book in self.books.values():
            begins = book.terms.begins
            always = begins and book.usage_rules()[0] == "always"
            if book.periods or (always and book.midnight(begins) < self.moment):
                book.extend(self.moment, self.moment)
            self.invoice_ended(book)

    def cut(self, book):
        """End the period that is going on at the midnight that begins today; not for nothing."""
        today = book.today(self.moment)
        period = next(p for p in book.periods if p.state == "open" and p.first < today < p.end)
        rest = Period(today, period.end, book.midnight(today), period.stop)
        before = [call for call in period.calls if call.start < rest.start]
        if not (before or period.charges):
            return
        # no other charge of today is there yet in this world
        rest.calls = [call for call in period.calls if call.start >= rest.start]
        period.calls, period.end, period.stop = before, rest.first, rest.start
        book.periods.insert(book.periods.index(period) + 1, rest)

    def invoice_ended(self, book, asked=False):
        for period in book.periods:
            if period.state == "open" and period.stop <= self.moment:
                waiting = any(period.start <= c.start < period.stop for c in book.unrated)
                if waiting and book.issuer.unrated == "hold":
                    return
                period.state = "closed"
        closed = [p for p in book.periods if p.state == "closed" and not p.is_released]
        self.invoice(book, closed, asked)

    def invoice(self, book, periods, asked=False):
        """Invoice closed periods, each with those that were carried to it.

        :param asked: whether this account was asked for, which no minimum puts off
        """
        no_usage, minimum, carry_periods = book.usage_rules()
        for period in periods:
            carried = [p for p in book.periods if p.state == "carried" and not period.is_manual]
            parts = [*carried, period]
            lines = [line for part in parts for line in book.lines(part)]
            if not lines and no_usage != "always":
                period.state = "skipped"
                continue
            total = sum((amount for _kind, _name, amount in lines), Decimal())
            small = no_usage == "carry" and abs(total) < minimum and not period.is_manual
            if small and not asked and len(carried) < carry_periods:
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
            if part.calls:
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
        # nobody is reminded at night: until the issuer's hour it is yesterday
        today = invoice.book.today(self.moment - timedelta(hours=invoice.book.issuer.hour))
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
