"""One billing run from end to end: accounts with calls and services, closed and invoiced.

ACCOUNTS (1,000), CALLS (200 an account) and three services each; the table tells where the time
goes, in milliseconds an invoice. benchmarks/invoices.py sets the making of invoices beside others'.
"""

import os
import random
import time
from datetime import date, datetime, timedelta

from _database import environment, make_database, table

DATABASE = "bench_run"
ACCOUNTS = int(os.environ.get("ACCOUNTS", "1000"))
CALLS = int(os.environ.get("CALLS", "200"))
DESTINATIONS = ("32", "3247", "33", "44", "49", "1", "31", "39", "34", "352")


def set_up(env):
    """Make the company's books, a card, products and the accounts with their services."""
    company = env.company
    env["ir.default"].set("telecom.cdr.source", "oldest_days", 0)
    env["account.chart.template"].try_loading("generic_coa", company, install_demo=False)
    card = env["telecom.rate.card"].create({"name": "Bench"})
    env["telecom.rate"].create(
        [
            {
                "card_id": card.id,
                "prefix": prefix,
                "destination": f"Destination {prefix}",
                "price_per_minute": 0.0123 * (1 + index),
                "initial_increment": 30,
                "increment": 6,
            }
            for index, prefix in enumerate(DESTINATIONS)
        ]
    )
    products = env["product.product"].create(
        [
            {
                "name": f"Service {n}",
                "type": "service",
                "telecom_kind": "subscription",
                "list_price": 5.0 + n,
            }
            for n in range(3)
        ]
    )
    accounts = env["res.partner"].create(
        [
            {
                "name": f"Account {n}",
                "is_telecom_account": True,
                "account_code": f"A{n}",
                "rate_card_id": card.id,
            }
            for n in range(ACCOUNTS)
        ]
    )
    env["telecom.subscription"].create(
        [
            {"partner_id": account.id, "product_id": product.id, "date_start": "2026-09-05"}
            for account in accounts
            for product in products
        ]
    )


def rows():
    """Yield the calls of September."""
    chance = random.Random(3)
    base = datetime(2026, 9, 5)
    for number in range(ACCOUNTS * CALLS):
        seconds = chance.randint(1, 600)
        yield {
            "uid": f"{number:09d}",
            "account_code": f"A{number % ACCOUNTS}",
            "src": "3225550000",
            "dst": f"{chance.choice(DESTINATIONS)}{chance.randrange(10**6):06d}",
            "start": base + timedelta(seconds=chance.randrange(25 * 86400)),
            "duration": seconds,
            "billsec": seconds,
            "disposition": "ANSWERED",
        }


def main():
    """Run the benchmark and print its table."""
    make_database(DATABASE)
    steps = []

    def timed(name, function):
        with environment(DATABASE) as env:
            start = time.perf_counter()
            function(env)
            env.cr.commit()
            steps.append((name, time.perf_counter() - start))

    with environment(DATABASE) as env:
        set_up(env)
    timed("import calls", lambda env: env["telecom.cdr"].import_calls(rows(), "bench"))
    timed("rate", lambda env: env["telecom.cdr"].rate_pending())
    timed(
        "add recurring charges",
        lambda env: env["telecom.subscription"]._add_recurring_charges(date(2026, 10, 1)),
    )
    timed("close and invoice", lambda env: env["telecom.billing.run"].close_periods("2026-10-01"))
    timed("run again", lambda env: env["telecom.billing.run"].close_periods("2026-10-01"))
    with environment(DATABASE) as env:
        invoices = env["account.move"].search([("telecom_profile_id", "!=", False)])
        lines = len(invoices.invoice_line_ids)
        posted = len(invoices.filtered(lambda move: move.state == "posted"))
    table(
        f"{ACCOUNTS:,} accounts, {CALLS} calls and 3 services each:"
        f" {posted:,} invoices posted, {lines:,} lines",
        ("", "seconds", "ms an invoice"),
        [(name, f"{s:.1f}", f"{1000 * s / max(posted, 1):.1f}") for name, s in steps],
    )


if __name__ == "__main__":
    main()
