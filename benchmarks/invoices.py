"""Making invoices: InvoiceBuilder beside native Odoo and OCA contract, in one process.

SIZE (1,000) accounts get an invoice of 8 lines with one tax from each way, in batches of BATCH
(100) that are committed each. The ways take turns, batch by batch, so that a busy machine is
as busy for each; the table shows medians over the batches.
"""

import os
import statistics
import time
from collections import defaultdict
from datetime import date

from _database import environment, make_database, table

DATABASE = "bench_invoices"
SIZE = int(os.environ.get("SIZE", "1000"))
BATCH = min(int(os.environ.get("BATCH", "100")), SIZE)
LINES = 8
DAY = date(2026, 9, 1)


class Ways:
    """Three ways to invoice the same accounts, each in a journal of its own."""

    def __init__(self, env):
        self.env = env
        # imported late: there is no odoo.addons before Odoo has read its configuration
        from odoo.addons.telecom_billing.models.invoice_builder import InvoiceBuilder

        self.builder_class = InvoiceBuilder

    def set_up(self):
        """Make the books, the products, the accounts and, for OCA contract, their contracts."""
        env = self.env
        company = env.company
        env["account.chart.template"].try_loading("generic_coa", company, install_demo=False)
        tax = company.account_sale_tax_id
        tax.amount = 15
        self.journals = {
            name: env["account.journal"].create(
                {"name": name, "code": f"W{index}", "type": "sale", "company_id": company.id}
            )
            for index, name in enumerate(("contract", "native", "builder"))
        }
        self.products = env["product.product"].create(
            [{"name": f"Service {n}", "type": "service", "taxes_id": tax.ids} for n in range(LINES)]
        )
        self.term = env["account.payment.term"].create(
            {"name": "15 days", "line_ids": [(0, 0, {"value_amount": 100, "nb_days": 15})]}
        )
        self.accounts = env["res.partner"].create(
            [{"name": f"Account {n}", "country_id": env.ref("base.us").id} for n in range(SIZE)]
        )
        self.contracts = env["contract.contract"].create(
            [self.contract(account) for account in self.accounts]
        )
        env.cr.commit()

    def lines(self):
        """Return the lines of every invoice."""
        return [
            {
                "name": product.name,
                "price_unit": 3.0 + 1.25 * number,
                "product_id": product.id,
                "quantity": 1.0 + number,
            }
            for number, product in enumerate(self.products)
        ]

    def contract(self, account):
        """Return values of a monthly contract."""
        recurrence = {
            "date_start": DAY,
            "recurring_interval": 1,
            "recurring_invoicing_type": "pre-paid",
            "recurring_next_date": DAY,
            "recurring_rule_type": "monthly",
        }
        return {
            "name": f"Contract of {account.name}",
            "contract_type": "sale",
            "journal_id": self.journals["contract"].id,
            "partner_id": account.id,
            "payment_term_id": self.term.id,
            "contract_line_ids": [
                (0, 0, {**line, **recurrence, "uom_id": self.products[0].uom_id.id})
                for line in self.lines()
            ],
        }

    def vals_list(self, accounts, journal):
        """Return the values of invoices as for native `create`."""
        return [
            {
                "company_id": self.env.company.id,
                "currency_id": self.env.company.currency_id.id,
                "invoice_date": DAY,
                "invoice_line_ids": [(0, 0, line) for line in self.lines()],
                "invoice_payment_term_id": self.term.id,
                "journal_id": self.journals[journal].id,
                "move_type": "out_invoice",
                "partner_id": account.id,
            }
            for account in accounts
        ]

    # each way returns how to create a batch and how to post it

    def contract_way(self, accounts):
        """OCA contract."""
        contracts = self.contracts.filtered(lambda contract: contract.partner_id in accounts)
        return contracts._recurring_create_invoice, lambda moves: moves.action_post()

    def native_way(self, accounts):
        """Native `create` and `action_post`, whole batches at once."""
        moves = self.env["account.move"]
        return (
            lambda: moves.create(self.vals_list(accounts, "native")),
            lambda made: made.action_post(),
        )

    def builder_way(self, accounts):
        """InvoiceBuilder."""
        builder = self.builder_class(self.env)
        return lambda: builder.build(self.vals_list(accounts, "builder")), builder.post


def measure(ways):
    """Return {way: [(milliseconds an invoice to create, to post)]}, one pair a batch."""
    env = ways.env
    names = ("contract", "native", "builder")
    times, sums = defaultdict(list), defaultdict(float)
    for number, start in enumerate(range(0, SIZE, BATCH)):
        accounts = ways.accounts[start : start + BATCH]
        # PostgreSQL would come to know the growing tables by itself, some minutes later
        env.cr.execute("ANALYZE account_move, account_move_line")
        for turn in range(len(names)):
            name = names[(turn + number) % len(names)]
            env.cr.commit()
            env.invalidate_all()
            create, post = getattr(ways, f"{name}_way")(accounts)
            begin = time.perf_counter()
            moves = create()
            env.flush_all()
            created = time.perf_counter()
            post(moves)
            env.cr.commit()
            end = time.perf_counter()
            found = [line.move_id for line in moves.invoice_line_ids]
            if len(moves) != len(accounts) or len(found) != LINES * len(accounts):
                raise SystemExit(f"{name} made {len(moves)} invoices of {len(found)} lines")
            times[name].append(
                tuple(1000 * span / len(moves) for span in (created - begin, end - created))
            )
            sums[name] += sum(moves.mapped("amount_total"))
    if len({round(total, 2) for total in sums.values()}) != 1:
        raise SystemExit(f"the ways do not agree on the amounts: {dict(sums)}")
    return times


def main():
    """Run the benchmark and print its table."""
    make_database(DATABASE)
    with environment(DATABASE) as env:
        env["ir.module.module"].search([("name", "=", "contract")]).button_immediate_install()
    with environment(DATABASE) as env:
        ways = Ways(env)
        ways.set_up()
        times = measure(ways)
    medians = {
        name: [statistics.median(column) for column in zip(*pairs, strict=True)]
        for name, pairs in times.items()
    }
    totals = {name: sum(parts) for name, parts in medians.items()}
    titles = {
        "contract": "OCA contract",
        "native": "native create + action_post",
        "builder": "InvoiceBuilder",
    }
    table(
        f"{SIZE:,} invoices of {LINES} lines with one tax, batches of {BATCH}:"
        " milliseconds an invoice",
        ("", "create", "post", "total", "against contract", "against native"),
        [
            (
                title,
                f"{medians[name][0]:.1f}",
                f"{medians[name][1]:.1f}",
                f"{totals[name]:.1f}",
                f"{totals[name] / totals['contract']:.2f}",
                f"{totals[name] / totals['native']:.2f}",
            )
            for name, title in titles.items()
        ],
    )


if __name__ == "__main__":
    main()
