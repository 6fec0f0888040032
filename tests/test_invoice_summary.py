from lxml import html

from odoo.fields import Command
from odoo.tests import tagged

from .common import TelecomCommon


@tagged("post_install", "-at_install")
class TestInvoiceSummary(TelecomCommon):
    """Previous balance, payments, this invoice, balance due."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls.make_account("Customer")
        # 12.10 with tax
        cls.add_service(
            cls.account, cls.make_product("Line", telecom_invoicing="arrears"), "2025-01-01"
        )

    def invoices(self):
        return [
            self.bill(until, self.account) for until in ("2025-02-01", "2025-03-01", "2025-04-01")
        ]

    def pay(self, invoice, day, amount=None, **vals):
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create(
            {"payment_date": day, "amount": amount or invoice.amount_residual, **vals}
        )._create_payments()

    def assertSummary(self, invoice, previous, payments, this, due, other=0.0):
        self.assertEqual(
            invoice.telecom_summary(),
            {
                "previous": previous,
                "payments": payments,
                "other": other,
                "invoice": this,
                "due": due,
            },
        )

    def test_unpaid(self):
        first, second, third = self.invoices()
        self.assertSummary(first, 0.0, 0.0, 12.1, 12.1)
        self.assertSummary(second, 12.1, 0.0, 12.1, 24.2)
        self.assertSummary(third, 24.2, 0.0, 12.1, 36.3)

    def test_paid_between(self):
        first, second, third = self.invoices()
        self.pay(first, "2025-02-10")
        self.assertSummary(second, 12.1, -12.1, 12.1, 12.1)
        self.assertSummary(third, 12.1, 0.0, 12.1, 24.2)
        self.pay(second, "2025-03-15", 2.0)
        self.assertSummary(third, 12.1, -2.0, 12.1, 22.2)

    def test_paid_on_the_day_of_an_invoice(self):
        """A summary says the same before and after: it is of the beginning of that day."""
        first, second, third = self.invoices()
        self.pay(first, "2025-03-01")
        self.assertSummary(second, 12.1, 0.0, 12.1, 24.2)
        self.assertSummary(third, 24.2, -12.1, 12.1, 24.2)

    def test_paid_later_changes_nothing(self):
        first, *_others = self.invoices()
        self.pay(first, "2025-06-01")
        self.assertSummary(first, 0.0, 0.0, 12.1, 12.1)

    def test_credited_and_other_invoices(self):
        first, second, _third = self.invoices()
        first._reverse_moves([{"invoice_date": "2025-02-10", "date": "2025-02-10"}]).action_post()
        other = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.account.id,
                "invoice_date": "2025-02-12",
                "invoice_line_ids": [
                    Command.create({"name": "Telephone", "price_unit": 99.0, "tax_ids": False})
                ],
            }
        )
        other.action_post()
        self.assertSummary(second, 12.1, -12.1, 12.1, 111.1, other=99.0)

    def accounts_of_one_company(self):
        """Return two contacts of a company that are accounts, at 24.20 a month each."""
        parent = self.env["res.partner"].create({"name": "Parent", "is_company": True})
        product = self.make_product("Other Line", price=20.0, telecom_invoicing="arrears")
        accounts = [
            self.make_account(name, parent_id=parent.id, type="other") for name in ("A", "B")
        ]
        for account in accounts:
            self.add_service(account, product, "2025-02-01")
        return accounts

    def test_two_accounts_of_one_company(self):
        """Each invoice asks for what its own account owes, and no euro is asked for twice."""
        one, two = self.accounts_of_one_company()
        first, second = self.bill("2025-03-01", one), self.bill("2025-03-01", two)
        self.assertEqual(first.commercial_partner_id, second.commercial_partner_id)
        self.assertSummary(first, 0.0, 0.0, 24.2, 24.2)
        self.assertSummary(second, 0.0, 0.0, 24.2, 24.2)
        # the company pays one of them
        self.pay(first, "2025-03-10")
        third, fourth = self.bill("2025-04-01", one), self.bill("2025-04-01", two)
        self.assertSummary(third, 24.2, -24.2, 24.2, 24.2)
        self.assertSummary(fourth, 24.2, 0.0, 24.2, 48.4)

    def test_company_that_is_an_account_as_its_contact_is(self):
        one, two = self.accounts_of_one_company()
        company = one.parent_id
        company.write(
            {"is_telecom_account": True, "account_code": "HQ", "telecom_company_id": self.company}
        )
        self.add_service(
            company,
            self.make_product("Trunk", price=100.0, telecom_invoicing="arrears"),
            "2025-02-01",
        )
        invoices = [self.bill("2025-03-01", account) for account in (company, one, two)]
        # Odoo books the payment of a contact's invoice as the company's
        self.pay(invoices[1], "2025-03-10", 10.0)
        self.pay(invoices[0], "2025-03-11", 100.0)
        later = [self.bill("2025-04-01", account) for account in (company, one, two)]
        self.assertSummary(later[0], 121.0, -100.0, 121.0, 142.0)
        self.assertSummary(later[1], 24.2, -10.0, 24.2, 38.4)
        self.assertSummary(later[2], 24.2, 0.0, 24.2, 48.4)

    def test_other_documents_of_one_of_two_accounts(self):
        one, two = self.accounts_of_one_company()
        first, _second = self.bill("2025-03-01", one), self.bill("2025-03-01", two)
        first._reverse_moves([{"invoice_date": "2025-03-10", "date": "2025-03-10"}]).action_post()
        self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": two.id,
                "invoice_date": "2025-03-12",
                "invoice_line_ids": [
                    Command.create({"name": "Telephone", "price_unit": 99.0, "tax_ids": False})
                ],
            }
        ).action_post()
        third, fourth = self.bill("2025-04-01", one), self.bill("2025-04-01", two)
        self.assertSummary(third, 24.2, -24.2, 24.2, 24.2)
        self.assertSummary(fourth, 24.2, 0.0, 24.2, 147.4, other=99.0)

    def test_two_accounts_paid_in_another_currency(self):
        one, two = self.accounts_of_one_company()
        dollar = self.make_dollar(2.0)
        first, _second = self.bill("2025-03-01", one), self.bill("2025-03-01", two)
        self.pay(first, "2025-03-10", 48.4, currency_id=dollar.id)
        third, fourth = self.bill("2025-04-01", one), self.bill("2025-04-01", two)
        self.assertSummary(third, 24.2, -24.2, 24.2, 24.2)
        self.assertSummary(fourth, 24.2, 0.0, 24.2, 48.4)

    def test_draft_without_a_date(self):
        first, second, third = self.invoices()
        third.button_draft()
        third.invoice_date = False
        self.env.flush_all()
        self.assertFalse(third.invoice_date)
        self.assertSummary(third, 24.2, 0.0, 12.1, 36.3)
        content, _type = self.env["ir.actions.report"]._render_qweb_html(
            "account.account_invoices", third.ids
        )
        self.assertIn(b"36.30", content)
        self.assertSummary(second, 12.1, 0.0, 12.1, 24.2)
        self.assertSummary(first, 0.0, 0.0, 12.1, 12.1)

    def test_paid_in_another_currency(self):
        dollar = self.make_dollar(2.0)
        first, second, third = self.invoices()
        self.pay(first, "2025-02-10", 24.2, currency_id=dollar.id)
        self.assertEqual(first.amount_residual, 0.0)
        self.assertSummary(second, 12.1, -12.1, 12.1, 12.1)
        self.assertSummary(third, 12.1, 0.0, 12.1, 24.2)

    def test_printed(self):
        _first, second, _third = self.invoices()
        content, _type = self.env["ir.actions.report"]._render_qweb_html(
            "account.account_invoices", second.ids
        )
        table = html.fromstring(content).xpath("//*[@name='telecom_summary']")[0]
        cells = [" ".join(cell.text_content().split()) for cell in table.xpath(".//td")]
        self.assertEqual(
            cells,
            ["Previous Balance", "Payments and Credits", "This Invoice", "Balance Due"]
            + ["12.10 €", "0.00 €", "12.10 €", "24.20 €"],
        )
