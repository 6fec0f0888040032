"""Price calls from the sample files with `Decimal` and no product code (independent_billing.py)."""

import csv
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from openpyxl import load_workbook

DEMO = Path(__file__).resolve().parent.parent / "demo"
DECKS = (
    ("retail", "rates_provider.csv"),
    ("retail_gbp", "rates_provider.csv"),
    ("wholesale", "rates_wholesale.xlsx"),
)
CENT = Decimal("0.01")


def rounded(value, unit=CENT):
    return value.quantize(unit, rounding=ROUND_HALF_UP)


def records(model):
    with (DEMO / f"{model}.csv").open(encoding="utf-8", newline="") as lines:
        return {row["id"]: row for row in csv.DictReader(lines)}


def resellers():
    """The figures by which resellers sell, by their code."""
    with (DEMO / "resellers.csv").open(encoding="utf-8", newline="") as lines:
        return {row["code"]: row for row in csv.DictReader(lines)}


# === PRICES OF CALLS ===


@dataclass
class Rate:
    """The price of calls to the numbers that begin alike."""

    destination: str
    per_minute: Decimal
    fee: Decimal
    first: int
    following: int

    def price(self, billsec, with_fee=True):
        blocks = -(-max(billsec - self.first, 0) // self.following)
        billed = self.first + blocks * self.following
        price = self.per_minute * billed / 60 + (self.fee if with_fee else 0)
        return rounded(price, Decimal("0.0001"))


def provider_deck():
    with (DEMO / "files" / "rates_provider.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            first, _slash, following = row["Billing increment"].partition("/")
            price, fee = Decimal(row["Price/min (EUR)"]), Decimal(row["Connection fee"])
            yield row["Prefix"], Rate(row["Destination"], price, fee, int(first), int(following))


def wholesale_deck():
    workbook = load_workbook(DEMO / "files" / "rates_wholesale.xlsx", read_only=True)
    rows = list(workbook.active.iter_rows(values_only=True))
    for _country, name, codes, price, first, following, *_dates in rows[3:]:
        rate = Rate(name, Decimal(str(price)), Decimal(0), int(first), int(following))
        for code in str(codes).replace(";", ",").split(","):
            yield code.strip(), rate


def read_rates():
    """Return the rates by card, direction and prefix, and the counts of the decks."""
    rates, counts = {}, []
    for card, name in DECKS:
        deck = provider_deck() if name.endswith(".csv") else wholesale_deck()
        new = 0
        for prefix, rate in deck:
            rates[f"rate_card_{card}_demo", "outbound", prefix] = rate
            new += 1
        counts.append({"file": name, "card": card, "read": new, "new": new})
    for row in records("telecom.rate").values():
        rates[row["card_id/id"], row["direction"], row["prefix"]] = Rate(
            row["destination"],
            Decimal(row["price_per_minute"]),
            Decimal(0),
            int(row["initial_increment"]),
            int(row["increment"]),
        )
    return rates, counts


def derive(rates, reseller, in_euro):
    """Add the rates at which a reseller sells: those of another card, marked up and rounded.

    The card is named by its reseller's code; an offer to one country has a mark-up of its own.

    :param in_euro: what a euro is in the currency of the reseller
    """
    unit = Decimal(1).scaleb(-int(reseller["price_digits"]))

    def price(amount, percent):
        raw = amount * (1 + Decimal(percent) / 100) * in_euro
        # what costs something does not become free
        return max(rounded(raw, unit), unit) if raw else raw

    offer = reseller["offer_prefix"]
    for (card, direction, prefix), rate in list(rates.items()):
        if card == reseller["card"]:
            is_offer = offer and direction == "outbound" and prefix.startswith(offer)
            percent = reseller["offer_percent" if is_offer else "markup_percent"]
            rates[reseller["code"], direction, prefix] = Rate(
                rate.destination,
                price(rate.per_minute, percent),
                price(rate.fee, percent),
                rate.first,
                rate.following,
            )


def best_rate(rates, card, direction, number):
    for length in range(len(number), 0, -1):
        rate = rates.get((card, direction, number[:length]))
        if rate:
            return rate
    return None


# === PACKAGES ===


class Packages:
    """The free seconds that are left of each service in each calendar month."""

    def __init__(self, services):
        self.services = services
        self.packages = sorted(
            records("telecom.package").values(), key=lambda row: int(row["sequence"])
        )
        self.left = {}

    def use(self, account, call, direction):
        """Return how many seconds of a call are free; they are used up."""
        free, day = 0, account.day(call.start)
        for package in self.packages:
            prefixes = tuple(package["prefixes"].replace(" ", "").split(","))
            if package["direction"] != direction or not call.dst.startswith(prefixes):
                continue
            for service in self.services:
                if (
                    service["account"] is account
                    and service["product_id/id"] == package["product_id/id"]
                    and service["start"] <= day
                    and (not service["end"] or day < service["end"])
                ):
                    key = service["id"], day.year, day.month
                    allowance = int(package["quantity"]) * service["terms"][-1][1]
                    left = self.left.get(key, allowance)
                    used = min(left, call.billsec - free)
                    self.left[key] = left - used
                    free += used
        return free
