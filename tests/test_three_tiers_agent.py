"""The month of three tiers, gone on with: the agent is paid, and each seller's margin is told."""

from decimal import Decimal

from odoo.tools import SQL

from .test_three_tiers import (
    BANK,
    COMMISSIONS,
    INCOME,
    INPUT_TAX,
    PAYABLE,
    RECEIVABLE,
    TAX,
    ThreeTiers,
)


class TestThreeTiersAgent(ThreeTiers):
    def commissions(self, *moves):
        """Return {kind: what Basel earns} by documents."""
        rows = self.env["telecom.commission"].search([("move_id", "in", [m.id for m in moves])])
        self.assertEqual((rows.partner_id, rows.seller_id), (self.agent, self.distributor))
        self.assertEqual((rows.company_id, rows.currency_id), (self.books, self.franc))
        return {kind: sum(same.mapped("amount")) for kind, same in rows.grouped("kind").items()}

    def test_the_agent_is_paid(self):
        """On 8 April Rhein credits Cafe 4.00 of its line, which earned Basel 0.60. Settled on 1 May
        are 0.36 + 1.80 - 0.60 + 1.40 = 2.96 CHF + 8.1 % 0.24 = 3.20 CHF.

        On 10 May the package is credited, too: its 1.40 wait for what Basel earns later. Cafe pays
        24.43 - (4.00 + 0.32) - (7.00 + 0.57) = 12.54 CHF.
        """
        invoice = self.invoice(self.cafe)
        self.assertEqual(
            self.commissions(invoice), {"calls": 0.36, "subscription": 1.80, "package": 1.40}
        )
        # an entry of nobody's books before it is settled
        self.assertEqual(self.balances(self.books), {RECEIVABLE: 45.83, INCOME: -42.40, TAX: -3.43})
        note = self.credit(invoice, "2025-04-08", "subscription", 4)
        self.assertEqual(self.commissions(note), {"subscription": -0.60})
        bill = self.env["telecom.commission"]._settle("2025-05-01", self.agent, "2025-05-01")
        self.assertEqual((bill.company_id, bill.partner_id), (self.books, self.agent))
        self.assertEqual(
            [(line.name, line.price_subtotal) for line in bill.invoice_line_ids],
            [
                ("Commission on Calls, April 2025 – documents: 1", 0.36),
                ("Commission on Packages, April 2025 – documents: 1", 1.40),
                ("Commission on Subscriptions, April 2025 – documents: 2", 1.20),
            ],
        )
        bill.action_post()
        self.assertEqual(
            (bill.amount_untaxed, bill.amount_tax, bill.amount_total), (2.96, 0.24, 3.2)
        )
        self.assertEqual(
            self.balances(self.books),
            {
                # 45.83 - 4.32
                RECEIVABLE: 41.51,
                # 42.40 - 4.00
                INCOME: -38.40,
                # 3.43 - 0.32
                TAX: -3.11,
                COMMISSIONS: 2.96,
                INPUT_TAX: 0.24,
                PAYABLE: -3.20,
            },
        )
        self.pay(bill, "2025-05-05")
        late = self.credit(invoice, "2025-05-10", "package")
        self.assertEqual(self.commissions(late), {"package": -1.40})
        self.assertFalse(
            self.env["telecom.commission"]._settle("2025-06-01", self.agent, "2025-06-01")
        )
        self.assertEqual(self.agent.telecom_commission_balance, -1.40)
        self.pay(invoice, "2025-05-12")
        self.assertEqual(
            self.balances(self.books),
            {
                # Kiosk's
                RECEIVABLE: 21.40,
                # 12.54 - 3.20
                BANK: 9.34,
                # 42.40 - 4.00 - 7.00
                INCOME: -31.40,
                # 3.43 - 0.32 - 0.57
                TAX: -2.54,
                COMMISSIONS: 2.96,
                INPUT_TAX: 0.24,
                PAYABLE: 0.00,
            },
        )
        self.assertAlmostEqual(sum(self.balances(self.books).values()), 0)
        self.assertEqual(self.owed(self.books, "asset_receivable"), {self.kiosk: 21.40})
        self.assertEqual(self.owed(self.books, "liability_payable"), {})
        # Telco has nothing to do with it
        self.assertEqual(
            self.balances(self.company), {RECEIVABLE: 34.73, INCOME: -32.00, TAX: -2.73}
        )

    def test_the_margins(self):
        """Rhein pays Telco 8.80 EUR for what Kiosk used (40 x 0.04, a line, a number) and 10.20 for
        Cafe (30 x 0.04, a line, a package): 8.36 and 9.69 CHF."""
        self.assertEqual(
            self.margins("customer_id"),
            {
                (None, "Shop"): ("EUR", "13.00", "0.00"),
                (None, "Rhein"): ("EUR", "19.00", "0.00"),
                ("Rhein", "Kiosk"): ("CHF", "19.80", "8.36"),
                # 9.69 and Basel's commission of 3.56
                ("Rhein", "Cafe"): ("CHF", "22.60", "13.25"),
            },
        )
        self.assertEqual(
            self.margins("kind"),
            {
                # Shop's 3.00 and 70 minutes of Rhein's
                (None, "calls"): ("EUR", "5.80", "0.00"),
                (None, "subscription"): ("EUR", "22.00", "0.00"),
                (None, "did"): ("EUR", "1.20", "0.00"),
                (None, "package"): ("EUR", "3.00", "0.00"),
                # 70 minutes at 0.12; 2.80, 12.00, 1.20 and 3.00 EUR at 0.95
                ("Rhein", "calls"): ("CHF", "8.40", "2.66"),
                ("Rhein", "subscription"): ("CHF", "24.00", "11.40"),
                ("Rhein", "did"): ("CHF", "3.00", "1.14"),
                ("Rhein", "package"): ("CHF", "7.00", "2.85"),
                ("Rhein", "commission"): ("CHF", "0.00", "3.56"),
            },
        )
        # as charged, what a tier pays is what the one above takes, row by row and in sum
        rows = self.report(
            """
            SELECT seller_id, kind, currency_id, date, product_id,
                   sum(revenue_currency)::text, sum(cost_currency)::text
              FROM (%s) report WHERE customer_id = %s OR seller_id = %s AND kind != 'commission'
             GROUP BY 1, 2, 3, 4, 5
            """,
            self.distributor.id,
            self.distributor.id,
        )
        euro = self.currency.id
        taken = {tuple(key): Decimal(took) for seller, *key, took, _paid in rows if not seller}
        paid = {
            tuple(key): Decimal(cost)
            for seller, *key, _took, cost in rows
            if seller and key[1] == euro
        }
        self.assertEqual(taken, paid)
        self.assertEqual(sum(taken.values()), 19)
        # 42.40 - 18.05 - 3.56 and 32.00: no tier's margin is in another's
        sums = self.report("SELECT seller_id, sum(margin)::text FROM (%s) report GROUP BY 1")
        self.assertEqual(
            {seller: round(Decimal(margin), 8) for seller, margin in sums},
            {None: Decimal(32), self.distributor.id: Decimal("20.79")},
        )

    def report(self, query, *params):
        self.env.flush_all()
        report = self.env["telecom.margin.report"]._table_query
        return self.env.execute_query(SQL(query, report, *params))

    def margins(self, what):
        """Return {(seller, customer or kind): (currency, revenue, cost)} in the books' currency."""
        what = SQL({"customer_id": "customer.name", "kind": "report.kind"}[what])
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT seller.name, %s, currency.name, sum(report.revenue), sum(report.cost)
                  FROM (%s) report
             LEFT JOIN res_partner seller ON seller.id = report.seller_id
                  JOIN res_partner customer ON customer.id = report.customer_id
                  JOIN res_currency currency ON currency.id = report.company_currency_id
                 GROUP BY 1, 2, 3
                """,
                what,
                self.env["telecom.margin.report"]._table_query,
            )
        )
        return {
            (seller, key): (currency, f"{revenue:.2f}", f"{cost:.2f}")
            for seller, key, currency, revenue, cost in rows
        }
