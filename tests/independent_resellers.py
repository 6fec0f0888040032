"""What is left of invoices to those who sell: margins, and commissions (independent_billing.py)."""

from collections import defaultdict
from decimal import Decimal

try:
    from .independent_prices import resellers, rounded
except ImportError:  # run as a program
    from independent_prices import resellers, rounded

PROVIDER = "Brabant Telecom"
# what a euro is in other currencies
IN_EURO = {"EUR": Decimal(1), "GBP": Decimal("0.87")}


def earn(invoices, accounts):
    """Return what agents earn by invoices: (agent, invoice, kind, what for, how much).

    The setup fees and all else have no commission.
    """
    terms, earned = resellers(), []
    for invoice in invoices:
        agent = accounts.get(invoice.account.issuer)
        if not agent or agent.kind != "agent":
            continue
        bases = defaultdict(Decimal)
        for (kind, *_rest), amount in invoice.lines.items():
            bases[kind] += rounded(amount)
        for kind, base in bases.items():
            amount = rounded(base * Decimal(terms[agent.code].get(kind) or 0) / 100)
            if amount:
                earned.append((agent, invoice, kind, base, amount))
    return earned


def margins(accounts, earned):
    """Return revenue and cost of who sells, in the currency of its books.

    The provider's carriers are no part of this; who resells pays in euro.
    """
    terms, revenue, cost = resellers(), defaultdict(Decimal), defaultdict(Decimal)
    for account in accounts.values():
        books = terms[account.seller]["currency"] if account.seller else "EUR"
        factor = IN_EURO[books] / IN_EURO[account.currency or "EUR"]
        total = sum(charge.amount for charge in account.charges)
        revenue[account.seller] += total * factor
        if account.kind == "distributor":
            resold = sum(charge.amount for charge in account.charges if charge.tier)
            cost[account.code] += resold * IN_EURO[terms[account.code]["currency"]]
    for _agent, invoice, _kind, _base, amount in earned:
        cost[invoice.account.seller] += amount
    return [
        [
            accounts[seller].name if seller else PROVIDER,
            terms[seller]["currency"] if seller else "EUR",
            *map(rounded, (total, cost[seller], total - cost[seller])),
        ]
        for seller, total in revenue.items()
    ]


def by_issuer(invoices, accounts):
    """Return count and sums of what each issuer has invoiced, to whom."""
    found = defaultdict(list)
    for invoice in invoices:
        account = invoice.account
        issuer = accounts[account.issuer].name if account.issuer else PROVIDER
        to = "resellers" if account.kind else "customers"
        found[issuer, to, account.currency].append((invoice.untaxed, invoice.tax, invoice.total))
    return [[*key, len(rows), *map(sum, zip(*rows, strict=True))] for key, rows in found.items()]


def commissions(earned, until):
    """Return the sums of what agents have earned; what they earned before a day is settled."""
    sums = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for agent, invoice, kind, base, amount in earned:
        state = "settled" if invoice.following < until else "accrued"
        total = sums[agent.name, invoice.account.currency, state, kind]
        total[0] += base
        total[1] += amount
    return [[*key, *total] for key, total in sums.items()]
