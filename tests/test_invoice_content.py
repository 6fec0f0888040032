from odoo.fields import Command
from odoo.tests import tagged

from .common import TelecomCommon


@tagged("post_install", "-at_install")
class TestInvoiceContent(TelecomCommon):
    """Currencies, assigned taxes and signs of invoices."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls.make_account("Customer", "C1")

    def add_charge(self, name, amount, taxes=None):
        product = self.make_product(name, price=1.0)
        if taxes is not None:
            product.taxes_id = taxes
        return self.env["telecom.charge"].create(
            {
                "name": name,
                "partner_id": self.account.id,
                "date": "2025-03-05",
                "amount": amount,
                "price_unit": amount,
                "product_id": product.id,
            }
        )

    def failure(self):
        """Bill the account, which must fail, and return the reason."""
        run = self.env["telecom.billing.run"].close_periods("2025-04-01", self.account)
        self.assertFalse(run.period_ids.move_id)
        return run.period_ids.error

    def assertTies(self):
        self.env.flush_all()
        rows = self.env["telecom.reconciliation.report"].search(
            [("partner_id", "=", self.account.id)]
        )
        self.assertEqual(set(rows.mapped("difference")), {0.0})
        self.assertEqual(set(rows.mapped("unbilled_amount")), {0.0})

    # === CURRENCIES ===

    def use_francs(self):
        """Let the account call in Swiss francs and be billed in euro afterwards."""
        franc = self.env.ref("base.CHF")
        franc.active = True
        self.env["res.currency.rate"].search([("currency_id", "=", franc.id)]).unlink()
        self.account.rate_card_id = self.make_card("Francs", self.RATES, currency_id=franc.id)
        self.take_calls([self.call(self.account, seconds=60000)])
        self.account.rate_card_id = self.card
        return franc

    def add_rate(self, currency, day, rate):
        self.env["res.currency.rate"].create(
            {
                "currency_id": currency.id,
                "company_id": self.company.id,
                "name": day,
                "rate": rate,
            }
        )

    def test_calls_in_a_currency_without_a_rate_are_not_invoiced(self):
        franc = self.use_francs()
        self.assertRegex(self.failure(), "Customer.*CHF.*no exchange rate on 03/31/2025")
        # nor with one of later days only
        self.add_rate(franc, "2025-04-02", 2.0)
        self.assertRegex(self.failure(), "Customer.*CHF.*no exchange rate on 03/31/2025")
        self.add_rate(franc, "2025-01-01", 2.0)
        self.assertEqual(self.bill().amount_untaxed, 25.0)
        self.assertTies()

    def test_rate_of_the_last_day(self):
        franc = self.use_francs()
        self.add_rate(franc, "2025-03-30", 4.0)
        self.add_rate(franc, "2025-03-31", 2.0)
        self.add_rate(franc, "2025-04-01", 5.0)
        self.assertEqual(self.bill().amount_untaxed, 25.0)
        self.assertTies()

    def test_charge_in_a_currency_without_a_rate_is_not_invoiced(self):
        dollar = self.env.ref("base.USD")
        dollar.active = True
        self.env["res.currency.rate"].search([("currency_id", "=", dollar.id)]).unlink()
        self.add_charge("Fee", 8.0).currency_id = dollar
        self.assertRegex(self.failure(), "Customer.*USD.*no exchange rate")
        self.make_dollar(2.0)
        self.assertEqual(self.bill().amount_untaxed, 4.0)
        self.assertTies()

    # === ASSIGNED TAXES ===

    def test_archived_assigned_tax_is_not_replaced(self):
        exempt = self.make_tax(0.0, name="Exempt, article 44")
        self.account.telecom_tax_ids = exempt
        self.take_calls([self.call(self.account, seconds=6000)])
        exempt.active = False
        self.assertRegex(self.failure(), "Exempt, article 44 assigned to Customer is archived")
        exempt.active = True
        invoice = self.bill()
        self.assertEqual(invoice.amount_tax, 0.0)
        self.assertEqual(invoice.invoice_line_ids.tax_ids, exempt)

    def test_archived_tax_of_another_company_matters_not(self):
        company = self.make_company("Second")
        other = self.make_tax(6.0, company=company)
        self.account.telecom_tax_ids = other
        other.active = False
        self.take_calls([self.call(self.account, seconds=6000)])
        self.assertEqual(self.bill().amount_tax, 1.05)

    # === SIGNS ===

    def assertDocument(self, move_type, untaxed, total):
        move = self.bill()
        self.assertRecordValues(
            move,
            [
                {
                    "state": "posted",
                    "move_type": move_type,
                    "amount_untaxed": untaxed,
                    "amount_total": total,
                }
            ],
        )
        self.assertTies()

    def test_taxes_make_it_a_credit_note(self):
        self.add_charge("Exempt", 100.0, self.make_tax(0.0))
        self.add_charge("Taxed", -90.0, self.tax)
        self.assertDocument("out_refund", -10.0, 8.9)

    def test_taxes_make_it_an_invoice(self):
        self.add_charge("Taxed", 100.0, self.tax)
        self.add_charge("Exempt", -110.0, self.make_tax(0.0))
        self.assertDocument("out_invoice", -10.0, 11.0)

    def test_taxes_level_it_out(self):
        self.add_charge("Taxed", 100.0, self.tax)
        self.add_charge("Exempt", -121.0, self.make_tax(0.0))
        self.assertDocument("out_invoice", -21.0, 0.0)

    def test_nothing_but_credits(self):
        self.add_charge("Back", -10.0)
        self.assertDocument("out_refund", 10.0, 12.1)

    def test_assigned_taxes_decide(self):
        self.account.telecom_tax_ids = self.make_tax(6.0)
        self.add_charge("Exempt", 100.0, self.make_tax(0.0))
        self.add_charge("Taxed", -90.0, self.tax)
        self.assertDocument("out_invoice", 10.0, 10.6)

    def test_fiscal_position_decides(self):
        zero, position = self.make_tax(0.0), self.env["account.fiscal.position"]
        position = position.create({"name": "Abroad", "company_id": self.company.id})
        zero.write(
            {
                "fiscal_position_ids": [Command.set(position.ids)],
                "original_tax_ids": [Command.set(self.tax.ids)],
            }
        )
        self.account.with_company(self.company).property_account_position_id = position
        self.add_charge("One", 100.0, self.tax)
        self.add_charge("Two", -90.0, self.tax)
        self.assertDocument("out_invoice", 10.0, 10.0)

    def test_invoices_that_native_code_makes(self):
        """Where the builder leaves an invoice to native code, that adds its taxes up, too."""
        transition = self.env["account.account"].create(
            {
                "name": "Taxes to come",
                "code": "TTC",
                "account_type": "liability_current",
                "reconcile": True,
                "company_ids": [Command.set(self.company.ids)],
            }
        )
        self.company.tax_exigibility = True
        due = self.make_tax(21.0, name="due on payment")
        due.write(
            {"tax_exigibility": "on_payment", "cash_basis_transition_account_id": transition.id}
        )
        self.add_charge("Exempt", 100.0, self.make_tax(0.0))
        self.add_charge("Taxed", -90.0, due)
        self.assertDocument("out_refund", -10.0, 8.9)
