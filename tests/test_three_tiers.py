"""A month at three tiers in two companies and two currencies, worked out by hand to the cent.

Telco, Brussels: euro, 21 % tax. Rhein, Zurich, a distributor with books of its own: francs, 8.1 %.
Basel, an agent under Rhein, sells in Rhein's books. 1 EUR = 0.95 CHF, from 10 April on 0.96.

                     | Shop (Telco's)   | what Rhein pays Telco | Kiosk (Rhein's) | Cafe (Basel's)
    a minute         | 0.10 EUR         | 0.04 EUR              | 0.12 CHF        | 0.12 CHF
    a line           | 10.00            | 6.00 each             | 12.00           | 12.00
    a number         |                  | 1.20                  | 3.00            |
    an hour free     |                  | 3.00                  |                 | 7.00

In March Shop calls 30 minutes, Kiosk 40, Cafe 90, of which 60 are free. Services are invoiced in
arrears. The invoices of 1 April:

    Telco to Shop:  30 x 0.10 + 10.00           = 13.00 + 21 %   2.73 = 15.73 EUR
    Telco to Rhein: (40 + 30) x 0.04 + 2 x 6.00
                    + 1.20 + 3.00               = 19.00 + export 0.00 = 19.00 EUR
    Rhein to Kiosk: 40 x 0.12 + 12.00 + 3.00    = 19.80 + 8.1 %  1.60 = 21.40 CHF
    Basel to Cafe:  30 x 0.12 + 12.00 + 7.00    = 22.60 + 8.1 %  1.83 = 24.43 CHF

Rhein's bill of 19.00 EUR is 18.05 CHF, an import without tax.

Basel earns, when an invoice is posted, 10 % of calls, 15 % of lines and 20 % of packages:

    Cafe: 0.36 of 3.60, 1.80 of 12.00, 1.40 of 7.00 = 3.56 CHF
"""

from decimal import Decimal

from odoo.fields import Command

from .pipeline_laws import PipelineLaws
from .test_distributor_books import BooksCase

RECEIVABLE, PAYABLE, BANK = "121000", "211000", "101401"
INCOME, EXPENSE, TAX, EXCHANGE_LOSS = "400000", "600000", "251000", "641000"
INPUT_TAX, COMMISSIONS = "131000", "611900"


class ThreeTiers(PipelineLaws, BooksCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.currency.rate"].create(
            {
                "currency_id": cls.currency.id,
                "company_id": cls.books.id,
                "name": "2025-04-10",
                "rate": 1 / 0.96,
            }
        )
        arrears = {"telecom_invoicing": "arrears"}
        cls.line = cls.make_product("Line", price=10, **arrears)
        cls.number = cls.make_product("Number", "did", 2, **arrears)
        cls.hour = cls.make_package("Free hour", 3600, 5, product=arrears)
        cls.retail.rate_ids.price_per_minute = 0.12
        cls.agent = cls.set_up(
            kind="agent",
            name="Basel",
            account_code="BASEL",
            seller_id=cls.distributor.id,
            rate_card_id=False,
            pricelist_id=False,
            makes_card=False,
            makes_pricelist=False,
            invoice_prefix="BSL/",
        )
        cls.agent.write(
            {
                "telecom_commission_method": "percent",
                "telecom_commission_calls": 10,
                "telecom_commission_subscription": 15,
                "telecom_commission_package": 20,
            }
        )
        own = cls.make_card("Shops", [("32", "Belgium", 0.10, {})])
        cls.shop = cls.make_account("Shop", rate_card_id=own.id)
        cls.kiosk = cls.customer("Kiosk", cls.distributor)
        cls.cafe = cls.customer("Cafe", cls.agent)
        cls.tax.invoice_repartition_line_ids.filtered(
            lambda line: line.repartition_type == "tax"
        ).account_id = cls.env["account.account"].search(
            [("code", "=", TAX), ("company_ids", "=", cls.company.id)]
        )
        cls.commission = cls.env.ref("telecom_billing.product_commission")
        cls.commission.supplier_taxes_id = cls.input_tax()
        cls.commission.with_company(cls.books).property_account_expense_id = cls.env[
            "account.account"
        ].create(
            {
                "name": "Agents' commissions",
                "code": COMMISSIONS,
                "account_type": "expense",
                "company_ids": [Command.set(cls.books.ids)],
            }
        )
        for bank in cls.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "in", (cls.company + cls.books).ids)]
        ):
            # money is in the bank when a payment is entered
            methods = bank.inbound_payment_method_line_ids + bank.outbound_payment_method_line_ids
            methods.payment_account_id = bank.default_account_id

    @classmethod
    def customer(cls, name, reseller):
        return cls.env["res.partner"].create(
            {
                "name": name,
                "is_telecom_account": True,
                "account_code": name,
                "reseller_id": reseller.id,
                "rate_card_id": cls.retail.id,
            }
        )

    @classmethod
    def input_tax(cls):
        """Return the tax of 8.1 % that Rhein pays on what it buys at home, and has refunded."""
        tax = cls.make_tax(8.1, company=cls.books, name="Input 8.1 %", type_tax_use="purchase")
        tax.invoice_repartition_line_ids.filtered(
            lambda line: line.repartition_type == "tax"
        ).account_id = (
            cls.env["account.account"]
            .with_company(cls.books)
            .search([("code", "=", INPUT_TAX), ("company_ids", "=", cls.books.id)])
        )
        return tax

    def setUp(self):
        super().setUp()
        self.add_service(self.shop, self.line)
        self.add_service(self.kiosk, self.line, price_unit=12)
        self.add_number(self.kiosk, "41445550100", self.number, price_unit=3)
        self.add_service(self.cafe, self.line, price_unit=12)
        self.add_service(self.cafe, self.hour, price_unit=7)
        self.take_calls(
            [
                *(self.call(self.shop, seconds=600) for _number in range(3)),
                *(self.call(self.kiosk, seconds=1200) for _number in range(2)),
                self.call(self.cafe, start="2025-03-10 10:00:00", seconds=3600),
                self.call(self.cafe, start="2025-03-11 10:00:00", seconds=1800),
            ]
        )
        self.bill("2025-04-01")

    def invoice(self, account):
        return account.billing_period_ids.move_id

    def balances(self, company):
        """Return {account code: balance} of all posted entries of a company."""
        groups = (
            self.env["account.move.line"]
            .with_context(allowed_company_ids=company.ids)
            ._read_group(
                [
                    ("company_id", "=", company.id),
                    ("parent_state", "=", "posted"),
                    ("account_id", "!=", False),
                ],
                ["account_id"],
                ["balance:sum"],
            )
        )
        return {
            account.with_company(company).code: company.currency_id.round(balance)
            for account, balance in groups
        }

    def pay(self, move, day):
        """Enter the payment of what is still open of an invoice or bill."""
        company = move.company_id
        register = (
            self.env["account.payment.register"]
            .with_context(
                allowed_company_ids=company.ids,
                active_model="account.move",
                active_ids=move.ids,
            )
            .create({"payment_date": day})
        )
        payment = register._create_payments()
        self.assertEqual(move.payment_state, "paid")
        return payment

    def credit(self, invoice, day, section, price=None):
        """Return the posted credit note of one section of an invoice, or of a price for its line,
        set off against it."""
        refund = invoice._reverse_moves([{"invoice_date": day, "date": day}])
        kept = refund.invoice_line_ids.filtered(
            lambda line: line.telecom_credited_section == section
        )
        (refund.invoice_line_ids - kept).unlink()
        if price:
            kept.price_unit = price
        refund.action_post()
        (invoice + refund).line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        ).reconcile()
        return refund

    def owed(self, company, kind):
        """Return {partner: open amount} on receivable or payable accounts."""
        lines = self.env["account.move.line"].search(
            [
                ("company_id", "=", company.id),
                ("parent_state", "=", "posted"),
                ("account_type", "=", kind),
            ]
        )
        sums = {}
        for line in lines:
            sums[line.partner_id] = sums.get(line.partner_id, 0) + line.amount_residual
        return {p: company.currency_id.round(s) for p, s in sums.items() if round(s, 2)}


class TestThreeTiers(ThreeTiers):
    def test_the_invoices(self):
        self.assertEqual(
            {
                account.name: (
                    move.company_id.name,
                    move.currency_id.name,
                    move.amount_untaxed,
                    move.amount_tax,
                    move.amount_total,
                )
                for account in (self.shop, self.distributor, self.kiosk, self.cafe)
                for move in self.invoice(account)
            },
            {
                "Shop": ("Telco", "EUR", 13.00, 2.73, 15.73),
                "Rhein": ("Telco", "EUR", 19.00, 0.00, 19.00),
                "Kiosk": ("Rhein", "CHF", 19.80, 1.60, 21.40),
                "Cafe": ("Rhein", "CHF", 22.60, 1.83, 24.43),
            },
        )
        self.assertEqual(self.invoice(self.cafe).name, "BSL/2025/00001")
        self.assertFalse(self.invoice(self.agent))

    def test_what_a_tier_pays_is_what_the_next_one_earns(self):
        """For every call and every span, and in the sums, to the last digit."""
        accounts = self.shop + self.kiosk + self.cafe + self.distributor
        self.assert_laws(accounts)
        # whatever a customer of Rhein was charged for, Rhein was, once, and Shop's it was not
        for table, what in (
            ("telecom_call_charge g JOIN telecom_cdr c ON c.id = g.cdr_id", "g.cdr_id"),
            (
                "telecom_charge g JOIN telecom_subscription c ON c.id = g.subscription_id",
                "(g.subscription_id, g.date_from)",
            ),
        ):
            pairs = self.query(
                f"""
                SELECT c.partner_id, count(*) FILTER (WHERE g.partner_id = c.partner_id),
                       count(*) FILTER (WHERE g.partner_id = %s)
                  FROM {table} WHERE c.partner_id = ANY(%s)
                 GROUP BY c.partner_id, {what} ORDER BY 1
                """,
                self.distributor.id,
                accounts.ids,
            )
            for customer, own, above in pairs:
                self.assertEqual((own, above), (1, int(customer != self.shop.id)))
        # Rhein's cost is Telco's revenue; what its customers are charged is Rhein's
        self.assertEqual(self.charged(self.distributor), 19)
        self.assertEqual(self.charged(self.kiosk) + self.charged(self.cafe), Decimal("42.4"))
        self.assertEqual(self.balances(self.company)[INCOME], -(13 + 19))
        self.assertEqual(self.balances(self.books)[INCOME], -42.4)

    def test_the_books_when_all_is_invoiced(self):
        self.assertEqual(
            self.balances(self.company),
            # 15.73 + 19.00
            {RECEIVABLE: 34.73, INCOME: -32.00, TAX: -2.73},
        )
        # the bill is a draft as yet: 21.40 + 24.43
        self.assertEqual(
            self.balances(self.books),
            {RECEIVABLE: 45.83, INCOME: -42.40, TAX: -3.43},
        )
        self.bills(self.invoice(self.distributor)).action_post()
        self.assertEqual(
            self.balances(self.books),
            {RECEIVABLE: 45.83, INCOME: -42.40, TAX: -3.43, EXPENSE: 18.05, PAYABLE: -18.05},
        )

    def test_the_books_when_it_is_paid(self):
        """Telco credits the number (1.20 EUR), and all pay but Cafe.

        Rhein owes 19.00 - 1.20 = 17.80 EUR, in its books 18.05 - 1.14 = 16.91 CHF, and pays
        17.09 CHF for them: 0.18 are lost by the exchange rate.
        """
        wholesale = self.invoice(self.distributor)
        bill = self.bills(wholesale)
        bill.action_post()
        refund = self.credit(wholesale, "2025-04-05", "did")
        credit = self.bills(refund)
        self.assertEqual((credit.move_type, credit.amount_total), ("in_refund", 1.20))
        credit.action_post()
        (bill + credit).line_ids.filtered(
            lambda line: line.account_id.account_type == "liability_payable"
        ).reconcile()
        for move in (self.invoice(self.shop), wholesale, self.invoice(self.kiosk), bill):
            self.pay(move, "2025-04-10")
        self.assertEqual(
            self.balances(self.company),
            {
                # 15.73 - 15.73 and 19.00 - 1.20 - 17.80
                RECEIVABLE: 0.00,
                # 15.73 + 17.80
                BANK: 33.53,
                # 13.00 + 19.00 - 1.20
                INCOME: -30.80,
                TAX: -2.73,
            },
        )
        self.assertEqual(
            self.balances(self.books),
            {
                # Cafe's
                RECEIVABLE: 24.43,
                # 18.05 - 1.14 - 17.09 + 0.18
                PAYABLE: 0.00,
                # 21.40 - 17.09
                BANK: 4.31,
                # 19.80 + 22.60
                INCOME: -42.40,
                # 1.60 + 1.83
                TAX: -3.43,
                # 18.05 - 1.14
                EXPENSE: 16.91,
                EXCHANGE_LOSS: 0.18,
            },
        )
        for company in (self.company, self.books):
            self.assertAlmostEqual(sum(self.balances(company).values()), 0)
        self.assertEqual(self.owed(self.company, "asset_receivable"), {})
        self.assertEqual(self.owed(self.books, "asset_receivable"), {self.cafe: 24.43})
        self.assertEqual(self.owed(self.books, "liability_payable"), {})
