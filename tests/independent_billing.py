"""Bill the sample files once more, with `Decimal` and none of the product's code.

    python3 tests/independent_billing.py [--json]

It reads the records of demo/*.csv and the files of demo/files, and does what demo/main_job.py lets
the product do: take the calls, price them, use up packages, charge services, close the periods that
end by 1 November 2026. tests/test_demo.py compares. All is held in memory and done in the plainest
way that is right; what the sample files do not need, it does not know.
"""

import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

try:
    from .independent_calls import digits, ignored, read_calls
    from .independent_prices import (
        DEMO,
        Packages,
        best_rate,
        derive,
        read_rates,
        records,
        resellers,
        rounded,
    )
    from .independent_resellers import IN_EURO, by_issuer, commissions, earn, margins
except ImportError:  # run as a program
    from independent_calls import digits, ignored, read_calls
    from independent_prices import (
        DEMO,
        Packages,
        best_rate,
        derive,
        read_rates,
        records,
        resellers,
        rounded,
    )
    from independent_resellers import IN_EURO, by_issuer, commissions, earn, margins

FILES = (
    ("brussels", "freeswitch_Master.csv"),
    ("brussels", "freeswitch_Master_resent.csv"),
    ("antwerp", "freeswitch_cdr.json"),
    ("asterisk", "asterisk_Master.csv.gz"),
    ("sbc", "cdr_header.csv"),
    ("cologne", "cdr_resellers.csv"),
)
UNTIL = date(2026, 11, 1)
VAT = Decimal("0.21")
# business customers abroad, as the provider has them
WITHOUT_VAT = {"C1004", "R2001", "R2002"}
# of the prices of services, for whoever resells them
WHOLESALE = Decimal("0.8")


def month_of(day, anchor):
    """The first days of the month that a day lies in, and of the next one; both are the anchor."""
    first = day.replace(day=anchor)
    if first > day:
        first = (day.replace(day=1) - timedelta(days=1)).replace(day=anchor)
    return first, (first.replace(day=1) + timedelta(days=32)).replace(day=anchor)


# === ACCOUNTS ===


@dataclass
class Account:
    """A customer or a reseller.

    ``issuer`` is who invoices it, empty for the provider; ``seller`` in whose books, which is the
    distributor above an agent; ``books`` is their currency.
    """

    code: str
    name: str
    card: str
    currency: str
    zone: ZoneInfo
    billing_day: int
    country: str
    kind: str
    reseller: str
    issuer: str = ""
    seller: str = ""
    detail: str = "destination"
    charges: list = field(default_factory=list)

    def span(self, day):
        return month_of(day, self.billing_day)

    def day(self, moment):
        return moment.astimezone(self.zone).date()


@dataclass
class Charge:
    """An amount that an account owes.

    ``day`` is within its period; ``line`` is the same for what makes one line of an invoice.
    """

    kind: str
    tier: int
    day: date
    line: object
    amount: Decimal


def read_accounts():
    cards = records("telecom.rate.card")
    partners = records("res.partner")
    accounts = {}
    for row in partners.values():
        card = cards.get(row["rate_card_id/id"])
        account = accounts[row["account_code"]] = Account(
            code=row["account_code"],
            name=row["name"],
            card=row["rate_card_id/id"],
            currency=card["currency_id/id"].removeprefix("base.") if card else "",
            zone=ZoneInfo(row["tz"]),
            billing_day=int(row["billing_day"]),
            country=row["country_id/id"],
            kind=row["reseller_kind"],
            reseller=row["reseller_id/id"] and partners[row["reseller_id/id"]]["account_code"],
        )
        account.issuer = account.seller = account.reseller
    terms = resellers()
    for account in accounts.values():
        if not account.issuer:
            continue
        if accounts[account.issuer].kind == "agent":
            account.seller = accounts[account.issuer].reseller
        if not account.kind:
            # customers pay the prices of who invoices them
            account.card = account.issuer
            account.currency = terms[account.seller]["currency"]
            account.detail = terms[account.issuer]["line_detail"]
    return accounts


def buyers(account, accounts):
    """The account and those above it who pay for what it uses: agents buy nothing."""
    while account:
        if account.kind != "agent":
            yield account
        account = accounts.get(account.reseller)


class Finder:
    """Tells whose call it is."""

    def __init__(self, accounts, services):
        self.accounts = accounts
        numbers = {row["id"]: row["number"] for row in records("telecom.did").values()}
        self.rented = [
            (numbers[s["did_id/id"]], s["account"], s["start"], s["end"])
            for s in services
            if s["did_id/id"]
        ]
        partners = records("res.partner")
        self.known = {}
        for row in records("telecom.account.identifier").values():
            value = digits(row["value"]) if row["kind"] == "caller" else row["value"]
            self.known[row["kind"], value] = partners[row["partner_id/id"]]["account_code"]

    def renter(self, call):
        for number, account, start, end in self.rented:
            day = account.day(call.start)
            if number == call.dst and start <= day and (not end or day < end):
                return account
        return None

    def find(self, call):
        """Return the account of a call, or None, and its direction."""
        renter = self.renter(call)
        known = (
            self.known.get(("sip_user", call.sip_user))
            or self.known.get(("trunk", call.trunk))
            or self.known.get(("caller", call.src))
        )
        # a code that is nobody's says nothing: switches write extensions there
        account = self.accounts.get(call.code) or renter or self.accounts.get(known)
        is_inbound = renter is not None and renter is account
        return account, call.direction or ("inbound" if is_inbound else "outbound")


# === CALLS ===


def charge_calls(calls, accounts, services):
    """Charge each call at every tier; return the calls by what became of them, and the decks."""
    rates, decks = read_rates()
    for reseller in resellers().values():
        currency = reseller["currency"] or "EUR"
        derive(rates, reseller, IN_EURO[currency])
    finder, packages = Finder(accounts, services), Packages(services)
    states = Counter()
    for call in sorted(calls, key=lambda call: call.start):  # sorted keeps the order of arrival
        reason = ignored(call)
        if reason:
            states["ignored", reason] += 1
            continue
        account, direction = finder.find(call)
        if not account:
            states["unrated", "no_account"] += 1
            continue
        tiers = list(buyers(account, accounts))
        found = [best_rate(rates, tier.card, direction, call.dst) for tier in tiers]
        if not all(found):
            states["unrated", "no_rate"] += 1
            continue
        states["rated", None] += 1
        # the tiers above pay for the package as well, and have the same seconds free
        free = packages.use(account, call, direction)
        for tier, (payer, rate) in enumerate(zip(tiers, found, strict=True)):
            amount = Decimal(0)
            if free < call.billsec:
                amount = rate.price(call.billsec - free, with_fee=not free)
            # what is resold is one line per customer of the reseller
            line = ("calls", tiers[tier - 1].code) if tier else ("calls",)
            if not tier and payer.detail != "total":
                line += (direction,)
                line += (rate.destination,) if payer.detail == "destination" else ()
            day = payer.day(call.start)
            payer.charges.append(Charge("calls", tier, day, line, amount))
    return states, decks


# === SERVICES ===


def read_services(accounts):
    """Return the services with their terms: (from, quantity, price), the oldest first."""
    partners = records("res.partner")
    products = records("product.product")
    versions = records("telecom.subscription.version").values()
    services = list(records("telecom.subscription").values())
    for service in services:
        service["account"] = accounts[partners[service["partner_id/id"]]["account_code"]]
        service["product"] = products[service["product_id/id"]]
        service["start"] = date.fromisoformat(service["date_start"])
        service["end"] = service["date_end"] and date.fromisoformat(service["date_end"])
        service["terms"] = [
            (service["start"], int(service["quantity"]), Decimal(service["price_unit"]))
        ] + sorted(
            (
                date.fromisoformat(row["date_from"]),
                int(row["quantity"]),
                Decimal(row["price_unit"]),
            )
            for row in versions
            if row["subscription_id/id"] == service["id"]
        )
    return services


def segments(service):
    """Yield the days that are charged, with due day and terms: all that is due until the end.

    A service that is not prorated has months of its own, from its first day.
    """
    day, terms = service["start"], service["terms"]
    is_prorated = service["product"]["telecom_prorate"] == "True"
    anchor = service["account"].billing_day if is_prorated else day.day
    while True:
        first, following = month_of(day, anchor)
        is_advance = service["product"]["telecom_invoicing"] == "advance"
        due = max(first, service["start"]) if is_advance else following
        end = min(following, service["end"] or following)
        if due > UNTIL or day >= end:
            return
        changes = [changed for changed, *_terms in terms if day < changed < end]
        for begin, stop in zip([day, *changes], [*changes, end], strict=True):
            _since, quantity, price = [term for term in terms if term[0] <= begin][-1]
            yield first, begin, stop, following, due, quantity, price
        day = following


def charge_services(services, accounts):
    """Charge the services at every tier."""
    for service in services:
        product = service["product"]
        for tier, account in enumerate(buyers(service["account"], accounts)):
            fee = rounded(Decimal(product["telecom_setup_fee"]) * IN_EURO[account.currency])
            fee *= service["terms"][0][1]
            if fee:
                add_service_charge(account, "setup", tier, service["start"], fee)
            for first, begin, stop, following, due, quantity, price in segments(service):
                price = Decimal(product["list_price"]) * WHOLESALE if tier else price
                amount = quantity * price
                if product["telecom_prorate"] == "True":
                    days = (following - first).days
                    amount = rounded(amount * (stop - first).days / days) - rounded(
                        amount * (begin - first).days / days
                    )
                add_service_charge(account, product["telecom_kind"], tier, due, amount)


def add_service_charge(account, kind, tier, due, amount):
    """What is due on the first day of a period is on the invoice of the period before."""
    line = (kind, object())
    account.charges.append(Charge(kind, tier, due - timedelta(days=1), line, amount))


# === INVOICES ===


@dataclass
class Invoice:
    """What one invoice says; it is dated the first day after its period, ``following``."""

    account: Account
    first: date
    following: date
    lines: dict
    untaxed: Decimal
    tax: Decimal

    @property
    def total(self):
        return self.untaxed + self.tax


def close(accounts):
    """Return the invoices of the periods that have ended, and what is not billed by currency.

    What lines lose or win by their rounding is one more charge of the period.
    """
    invoices, unbilled = [], defaultdict(Decimal)
    for account in accounts.values():
        if not account.charges:
            continue
        # the day before a service begins may lie before the account's first period
        begin = min(account.begins)
        periods = defaultdict(list)
        for charge in account.charges:
            periods[account.span(max(charge.day, begin))].append(charge)
        for (first, following), charges in sorted(periods.items()):
            if following > UNTIL:
                unbilled[account.currency] += sum(charge.amount for charge in charges)
                continue
            lines = defaultdict(Decimal)
            for charge in charges:
                lines[charge.line] += charge.amount
            exact = sum(lines.values())
            untaxed = sum(map(rounded, lines.values()))
            if untaxed != exact:
                account.charges.append(Charge("rounding", 0, first, None, untaxed - exact))
            # the company rounds the tax of an invoice ("globally"), not that of each line
            tax = rounded(untaxed * tax_rate(account, accounts))
            invoices.append(Invoice(account, first, following, lines, untaxed, tax))
    return invoices, unbilled


def tax_rate(account, accounts):
    """What the seller of an account adds; a distributor nothing to what it sells abroad."""
    if not account.seller:
        return Decimal(0) if account.code in WITHOUT_VAT else VAT
    if account.country != accounts[account.seller].country:
        return Decimal(0)
    return Decimal(resellers()[account.seller]["tax_percent"]) / 100


def bill():
    """Do it all; return the figures as demo/main_job.py names them, and each invoice's."""
    accounts = read_accounts()
    services = read_services(accounts)
    sources = records("telecom.cdr.source")
    files = [(source, sources[f"source_{source}_demo"]["format"], name) for source, name in FILES]
    calls, counts = read_calls(DEMO / "files", files)
    states, decks = charge_calls(calls, accounts, services)
    charge_services(services, accounts)
    for account in accounts.values():
        account.begins = [c.day for c in account.charges if c.kind == "calls"]
    for service in services:
        for account in buyers(service["account"], accounts):
            account.begins.append(service["start"])
    invoices, unbilled = close(accounts)
    charges, totals = defaultdict(list), defaultdict(list)
    for account in accounts.values():
        for charge in account.charges:
            kind = charge.kind + (" of resellers" if charge.tier else "")
            charges[kind, account.currency].append(charge.amount)
    for invoice in invoices:
        totals["posted", invoice.account.currency].append(
            (invoice.untaxed, invoice.tax, invoice.total)
        )
    earned = earn(invoices, accounts)
    return {
        "decks": decks,
        "files": counts,
        "states": [[*key, count] for key, count in states.items()],
        "charges": [[*key, len(found), sum(found)] for key, found in charges.items()],
        "invoices": [
            [*key, len(found), *map(sum, zip(*found, strict=True))] for key, found in totals.items()
        ],
        "issuers": by_issuer(invoices, accounts),
        "margins": margins(accounts, earned),
        "commissions": commissions(earned, UNTIL),
        "unbilled": list(unbilled.items()),
        "each_invoice": [
            [i.account.code, i.first, i.following, i.account.currency, i.untaxed, i.tax]
            for i in invoices
        ],
    }


def as_json(value):
    return {"decimal": str(value)} if isinstance(value, Decimal) else value.isoformat()


def main():
    figures = bill()
    if "--json" in sys.argv:
        json.dump(figures, sys.stdout, default=as_json)
        return
    for title, rows in figures.items():
        sys.stdout.write(f"\n{title}\n")
        for row in rows:
            cells = row.items() if isinstance(row, dict) else row
            texts = (": ".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in cells)
            sys.stdout.write("   " + "   ".join(texts) + "\n")


if __name__ == "__main__":
    main()
