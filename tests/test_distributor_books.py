"""A distributor's own books: what it sells is invoiced there, what it buys is entered there."""

from odoo.exceptions import AccessError
from odoo.fields import Command

from .test_reseller_setup import SetupCase


class BooksCase(SetupCase):
    """A distributor in Zurich that buys in euro from Telco and sells in francs; 1 EUR = 0.95 CHF.

    It buys at 0.04 a minute and 6.00 a line, and sells at 0.10 a minute and 9.00 a line.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.franc = cls.env.ref("base.CHF")
        cls.franc.active = True
        # a sale to a customer abroad bears no Belgian tax
        cls.export = cls.make_tax(0.0, name="Export")
        cls.distributor = cls.set_up(
            name="Rhein",
            account_code="RHEIN",
            country_id=cls.env.ref("base.ch").id,
            own_company=True,
            chart_template="generic_coa",
            tax_percent=8.1,
            currency_id=cls.franc.id,
            makes_card=False,
        )
        cls.distributor.telecom_tax_ids = cls.export
        cls.books = cls.distributor.ref_company_ids
        cls.env.user.company_ids += cls.books
        cls.env["res.currency.rate"].create(
            [
                {
                    "currency_id": cls.env.ref(f"base.{code}").id,
                    "company_id": company.id,
                    "name": "2025-01-01",
                    "rate": rate,
                }
                for company, code, rate in (
                    (cls.books, "EUR", 1 / 0.95),
                    (cls.company, "CHF", 0.95),
                )
            ]
        )
        cls.retail = cls.env["telecom.rate.card"].create(
            {
                "name": "Rhein",
                "owner_id": cls.distributor.id,
                "company_id": cls.books.id,
                "currency_id": cls.franc.id,
                "rate_ids": [
                    Command.create(
                        {"prefix": "32", "destination": "Belgium", "price_per_minute": 0.10}
                    )
                ],
            }
        )

    def sold(self, **vals):
        """Return a customer of the distributor with a line and a call of 2 minutes."""
        account = self.env["res.partner"].create(
            {
                "name": "Zurich Shop",
                "is_telecom_account": True,
                "account_code": "SHOP",
                "reseller_id": self.distributor.id,
                "rate_card_id": self.retail.id,
                **vals,
            }
        )
        self.add_service(account, self.line, price_unit=9)
        self.take_calls([self.call(account, seconds=120)])
        return account

    def bills(self, move):
        return (
            self.env["account.move"]
            .with_context(allowed_company_ids=self.books.ids)
            .search([("telecom_mirror_of_id", "=", move.id)])
        )

    def invoice_of_telco(self):
        self.sold()
        self.bill("2025-04-01")
        return self.distributor.billing_period_ids.move_id

    def at_home(self, records):
        """Return records as the distributor's own bookkeeper sees them."""
        user = self.make_user(
            "bookkeeper",
            "account.group_account_manager,telecom_billing.group_manager",
            company_id=self.books.id,
        )
        return records.with_user(user).with_context(allowed_company_ids=self.books.ids)


class TestWhoBills(BooksCase):
    def test_each_company_bills_its_own_and_the_hourly_job_both(self):
        account = self.sold()
        runs = self.env["telecom.billing.run"]
        of_telco = self.make_user("telco", "telecom_billing.group_manager")
        run = runs.with_user(of_telco).close_periods("2025-04-01")
        self.assertEqual(run.sudo().period_ids.partner_id, self.distributor)
        self.assertEqual(account.billing_period_ids[-1].state, "open")
        run = self.at_home(runs).close_periods("2025-04-01")
        self.assertEqual(run.sudo().period_ids.partner_id, account)
        retail = account.billing_period_ids.move_id
        self.assertEqual((retail.company_id, retail.currency_id), (self.books, self.franc))
        self.assertEqual(retail.invoice_line_ids.tax_ids.company_id, self.books)
        # 2 minutes and two months
        self.assertEqual((retail.amount_untaxed, retail.amount_total), (18.2, 19.67))
        self.assertEqual(self.distributor.billing_period_ids.move_id.amount_total, 12.08)

    def test_the_hourly_job(self):
        account = self.sold()
        self.env["telecom.billing.run"].sudo()._cron_close_periods()
        for partner, company in ((account, self.books), (self.distributor, self.company)):
            moves = partner.billing_period_ids.move_id
            self.assertEqual(moves.company_id, company)
            self.assertIn(18.2 if partner == account else 12.08, moves.mapped("amount_untaxed"))

    def test_a_run_of_the_distributor_charges_services_first(self):
        """Also where the accounts themselves name no company of the run."""
        account = self.sold(telecom_company_id=self.company.id)
        self.at_home(self.env["telecom.billing.run"]).close_periods("2025-04-01")
        self.assertEqual(len(account.subscription_ids.charge_ids), 4)


class TestMirror(BooksCase):
    def test_the_wholesale_invoice_is_a_draft_bill(self):
        invoice = self.invoice_of_telco()
        bill = self.bills(invoice)
        self.assertEqual(
            (bill.move_type, bill.state, bill.company_id, bill.journal_id.type),
            ("in_invoice", "draft", self.books, "purchase"),
        )
        self.assertEqual((bill.partner_id, bill.ref), (self.company.partner_id, invoice.name))
        self.assertEqual(
            (bill.invoice_date, bill.invoice_date_due, bill.currency_id),
            (invoice.invoice_date, invoice.invoice_date_due, self.currency),
        )
        own = invoice.invoice_line_ids.sorted("sequence")
        theirs = bill.invoice_line_ids.sorted("sequence")
        self.assertEqual(own.mapped("name"), theirs.mapped("name"))
        self.assertEqual(own.mapped("price_subtotal"), theirs.mapped("price_subtotal"))
        charged = theirs.filtered("price_subtotal")
        # by the fiscal position of that company for suppliers abroad
        self.assertEqual(charged.tax_ids.mapped("name"), ["0% Imports"])
        self.assertEqual(set(charged.account_id.mapped("account_type")), {"expense"})
        # in francs at 0.95
        self.assertEqual((bill.amount_untaxed, bill.amount_total), (12.08, 12.08))
        self.assertEqual(bill.amount_untaxed_signed, -11.48)
        bill.action_post()
        self.assertEqual(bill.state, "posted")

    def test_a_purchase_at_home_is_taxed_as_the_company_says(self):
        """Also what is a product of the supplier alone."""
        self.profile.call_product_id = self.call_product.copy({"company_id": self.company.id})
        self.env["account.fiscal.position"].search([("company_id", "=", self.books.id)]).active = 0
        bill = self.bills(self.invoice_of_telco())
        calls = bill.invoice_line_ids.filtered(lambda line: line.price_subtotal == 0.08)
        self.assertFalse(calls.product_id)
        self.assertEqual(calls.tax_ids, self.books.account_purchase_tax_id)
        self.assertEqual(calls.account_id.account_type, "expense")

    def test_once_only_and_withdrawn_with_its_document(self):
        invoice = self.invoice_of_telco()
        bill = self.bills(invoice)
        invoice.button_draft()
        self.assertEqual(bill.state, "cancel")
        invoice.action_post()
        again = self.bills(invoice) - bill
        self.assertEqual((len(again), again.state), (1, "draft"))
        invoice._telecom_enter_bill()
        self.assertEqual(self.bills(invoice), bill + again)
        again.action_post()
        invoice.button_draft()
        self.assertEqual(again.state, "posted")
        self.assertIn(again.ref, again.activity_ids.note)
        invoice.action_post()
        self.assertEqual(self.bills(invoice), bill + again)

    def test_a_credit_note_is_a_refund(self):
        invoice = self.invoice_of_telco()
        refund = invoice._reverse_moves([{"invoice_date": "2025-04-10"}])
        self.assertFalse(self.bills(refund))
        refund.action_post()
        bill = self.bills(refund)
        self.assertEqual((bill.move_type, bill.ref), ("in_refund", refund.name))
        self.assertEqual(bill.amount_untaxed, 12.08)

    def test_only_where_it_is_wanted_and_into_its_own_books(self):
        self.distributor.telecom_mirror_bill = False
        self.assertFalse(self.bills(self.invoice_of_telco()))
        stranger = self.make_reseller("Stranger", telecom_mirror_bill=True)
        self.take_calls([self.call(stranger)])
        move = self.bill("2025-04-01", stranger)
        self.assertEqual(move.state, "posted")
        self.assertFalse(self.bills(move))

    def test_what_cannot_be_entered_is_told_and_keeps_nobody(self):
        journals = self.env["account.journal"].search(
            [("company_id", "=", self.books.id), ("type", "=", "purchase")]
        )
        journals.active = False
        invoice = self.invoice_of_telco()
        self.assertEqual(invoice.state, "posted")
        self.assertFalse(self.bills(invoice))
        self.assertIn("Rhein", invoice.activity_ids.note)

    def test_nobody_reads_the_books_of_the_other(self):
        invoice = self.invoice_of_telco()
        bill = self.bills(invoice)
        seller = self.make_user(
            "seller", "account.group_account_manager,telecom_billing.group_manager"
        )
        mine = self.at_home(bill)
        self.assertEqual(mine.amount_untaxed, 12.08)
        self.assertNotIn("telecom_mirror_of_id", mine.fields_get())
        for read in (
            lambda: mine.telecom_mirror_of_id.name,
            lambda: mine.read(["telecom_mirror_of_id"]),
            lambda: mine.search([("telecom_mirror_of_id.amount_total", ">", 0)]),
            lambda: invoice.with_env(mine.env).amount_total,
            lambda: bill.with_user(seller).amount_total,
        ):
            self.env.invalidate_all()
            with self.assertRaises(AccessError):
                read()


class TestMirroredAmounts(BooksCase):
    """A bill is its invoice to the cent: charges of 0.02, 0.02 and 6.00 EUR, taxed at 21 % on both
    sides, are 1.26 of tax line by line, 1.2684 together."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.distributor.telecom_tax_ids = cls.tax
        cls.env["account.fiscal.position"].search([("company_id", "=", cls.books.id)]).active = 0

    def both(self, **tax):
        """Return the invoice and its bill, with an input tax of 21 % in the distributor's books."""
        self.books.account_purchase_tax_id = self.make_tax(
            21, company=self.books, name="Input", type_tax_use="purchase", **tax
        )
        for amount in (0.02, 0.02, 6):
            self.env["telecom.charge"].create(
                {
                    "name": "Visit",
                    "partner_id": self.distributor.id,
                    "date": "2025-03-12",
                    "amount": amount,
                }
            )
        invoice = self.bill("2025-04-01", self.distributor)
        return invoice, self.bills(invoice)

    def assertSame(self, invoice, bill):
        for name in ("currency_id", "amount_untaxed", "amount_tax", "amount_total"):
            self.assertEqual(bill[name], invoice[name], name)
        bill.action_post()
        self.assertEqual(bill.amount_total, invoice.amount_total)
        # the entry is whole in both currencies
        for column in ("balance", "amount_currency"):
            self.assertAlmostEqual(sum(bill.line_ids.mapped(column)), 0, 8)

    def test_taxes_are_rounded_as_the_supplier_does(self):
        for mine, theirs, tax in (
            ("round_per_line", "round_globally", 1.26),
            ("round_globally", "round_per_line", 1.27),
            ("round_globally", "round_globally", 1.27),
        ):
            with self.subTest(mine=mine, theirs=theirs), self.env.cr.savepoint() as savepoint:
                self.company.tax_calculation_rounding_method = mine
                self.books.tax_calculation_rounding_method = theirs
                invoice, bill = self.both()
                self.assertEqual(invoice.amount_tax, tax)
                self.assertSame(invoice, bill)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_prices_of_the_bill_are_without_its_taxes(self):
        self.assertSame(*self.both(price_include_override="tax_included"))

    def test_prices_of_the_invoice_are_with_its_taxes(self):
        self.tax.price_include_override = "tax_included"
        self.assertSame(*self.both())

    def test_another_tax_is_what_it_is(self):
        """12 % of 6.04, by the distributor's own rules."""
        self.books.account_purchase_tax_id = self.make_tax(
            12, company=self.books, name="Input", type_tax_use="purchase"
        )
        self.env["telecom.charge"].create(
            {
                "name": "Visit",
                "partner_id": self.distributor.id,
                "date": "2025-03-12",
                "amount": 6.04,
            }
        )
        bill = self.bills(self.bill("2025-04-01", self.distributor))
        self.assertEqual((bill.amount_untaxed, bill.amount_tax), (6.04, 0.72))
