"""Commissions become vendor bills, each amount once, and nothing gets lost in between."""

import io

from freezegun import freeze_time
from lxml import html

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form
from odoo.tools.pdf import PdfFileReader

from ..models.session_lock import session_lock
from .commission_case import CommissionCase


class SettlementCase(CommissionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.purchase_tax = cls.make_tax(21.0, name="Input VAT 21%", type_tax_use="purchase")
        cls.product = cls.env.ref("telecom_billing.product_commission")
        cls.product.supplier_taxes_id = cls.purchase_tax
        cls.expense = cls.env["account.account"].create(
            {
                "name": "Agents' commissions",
                "code": "611900",
                "account_type": "expense",
                "company_ids": [Command.link(cls.company.id)],
            }
        )
        cls.product.property_account_expense_id = cls.expense
        cls.term = cls.env["account.payment.term"].create(
            {
                "name": "10 days",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 100, "nb_days": 10})
                ],
            }
        )
        cls.agent.property_supplier_payment_term_id = cls.term

    def assertSettled(self, bill):
        """The bill's lines are the commissions that are linked to them, to the cent."""
        for line in bill.invoice_line_ids:
            rows = self.commissions.search([("bill_line_id", "=", line.id)])
            self.assertTrue(rows)
            self.assertEqual(set(rows.mapped("state")), {"settled"})
            self.assertAlmostEqual(sum(rows.mapped("amount")), line.price_subtotal, 6)


class TestSettlement(SettlementCase):
    def test_one_bill_of_an_agent(self):
        self.invoice()
        self.use(month="04", hours=5)
        self.bill("2025-05-01")
        bill = self.settle("2025-06-01", "2025-06-02")
        self.assertEqual(
            (bill.move_type, bill.state, bill.partner_id, bill.currency_id, bill.company_id),
            ("in_invoice", "draft", self.agent, self.currency, self.company),
        )
        lines = bill.invoice_line_ids
        # April's: the invoice of 1 April; May's: five hours 15.00 and the line of May 20.00
        self.assertEqual(lines.mapped("price_subtotal"), [3.0, 10.0, 1.85, 1.5, 5.0])
        self.assertEqual(lines[0].name, "Commission on Calls, April 2025 – documents: 1")
        self.assertEqual(lines[4].name, "Commission on Subscriptions, May 2025 – documents: 1")
        self.assertEqual((lines.account_id, lines.tax_ids), (self.expense, self.purchase_tax))
        self.assertEqual(str(bill.invoice_date_due), "2025-06-12")
        self.assertEqual(bill.invoice_origin, "Commission until 05/31/2025")
        self.assertEqual((bill.amount_untaxed, bill.amount_total), (21.35, 25.83))
        self.assertSettled(bill)
        self.assertEqual(self.agent.telecom_commission_balance, 0.0)
        # again: nothing new
        self.assertFalse(self.settle("2025-06-01", "2025-06-02"))

    def test_until_a_day(self):
        """What is earned on the day itself is of the next settlement."""
        self.invoice()
        self.assertFalse(self.settle("2025-04-01"))
        self.assertEqual(self.settle("2025-04-02").amount_untaxed, 14.85)

    def test_minimum_and_negative_amounts_wait(self):
        self.agent.telecom_commission_minimum = 15.0
        invoice = self.invoice()
        self.assertFalse(self.settle())
        self.agent.telecom_commission_minimum = 14.85
        self.assertEqual(self.settle().amount_untaxed, 14.85)
        self.credit(invoice)
        self.assertFalse(self.settle())
        self.use(hours=20, month="04")
        self.use(hours=20, month="04")
        self.bill("2025-05-01")
        self.agent.telecom_commission_minimum = 0.0
        # 40 hours and May's line: 12.00 and 5.00, less the 14.85 that were paid for nothing
        bill = self.settle("2025-06-01", "2025-06-02")
        self.assertEqual(bill.amount_untaxed, 2.15)
        self.assertSettled(bill)

    def test_agents_companies_and_currencies_apart(self):
        dollar = self.make_dollar(1.25)
        other = self.make_agent("Dollars", calls=10, card=0.01, currency=dollar)
        self.use(self.make_account("Of other", reseller_id=other.id))
        self.use()
        self.bill()
        bills = self.settle()
        self.assertEqual(
            {bill.partner_id: (bill.currency_id, bill.amount_untaxed) for bill in bills},
            {self.agent: (self.currency, 3.0), other: (dollar, 3.75)},
        )

    def test_confirmed_at_once(self):
        self.company.telecom_commission_mode = "confirmed"
        self.invoice()
        self.assertEqual(self.settle().state, "posted")

    def test_one_that_fails_stops_no_others(self):
        other = self.make_agent("Other", calls=10)
        self.use(self.make_account("Of other", reseller_id=other.id))
        self.use()
        self.bill()
        journal = self.env["account.journal"].search(
            [("company_id", "=", self.company.id), ("type", "=", "purchase")]
        )
        journal.active = False
        self.assertFalse(self.settle())
        self.assertEqual(self.agent.activity_ids.mapped("summary"), ["Commission not settled"])
        self.assertFalse(self.settle())
        self.assertEqual(len(self.agent.activity_ids), 1)
        journal.active = True
        self.assertEqual(len(self.settle()), 2)

    def test_one_process_at_a_time(self):
        self.invoice()
        with self.registry.cursor() as cr, session_lock(cr, "telecom_commission", 0) as held:
            self.assertTrue(held)
            with self.assertRaisesRegex(UserError, "being settled already"):
                self.settle()
            self.commissions._cron_settle()
        self.assertEqual(set(self.rows().mapped("state")), {"accrued"})
        self.assertTrue(self.settle())


class TestSchedule(SettlementCase):
    def run_on(self, day):
        with freeze_time(f"{day} 10:00:00"):
            self.commissions._cron_settle()
        bills = self.env["account.move"].search([("telecom_commission_until", "!=", False)])
        return [(str(b.telecom_commission_until), b.amount_untaxed) for b in bills.sorted("id")]

    def test_monthly(self):
        self.agent.telecom_commission_day = 10
        self.invoice()
        first = [("2025-04-10", 14.85)]
        self.assertEqual(self.run_on("2025-04-09"), [])
        self.assertEqual(self.run_on("2025-04-10"), first)
        self.assertEqual(self.agent.telecom_commission_settled, self.day("2025-04-10"))
        # what is entered late waits for the next day of settlement
        self.use(hours=5, month="04")
        late = self.make_account("Late", reseller_id=self.agent.id)
        self.use(late, hours=1)
        self.bill("2025-04-01", late)
        self.assertEqual(self.run_on("2025-04-11"), first)
        self.bill("2025-05-01")
        # 0.30 of March, and 1.50 and 5.00 of 1 May
        self.assertEqual(self.run_on("2025-05-10"), [*first, ("2025-05-10", 6.8)])
        self.assertEqual(self.run_on("2025-05-10"), [*first, ("2025-05-10", 6.8)])

    def test_quarterly_and_by_hand(self):
        self.agent.write({"telecom_commission_cycle": "manual", "telecom_commission_day": 31})
        self.invoice()
        self.assertEqual(self.run_on("2025-07-31"), [])
        self.agent.telecom_commission_cycle = "quarterly"
        # due on 31 July last; on the day before that on 30 April
        self.assertEqual(self.run_on("2025-07-30"), [("2025-04-30", 14.85)])

    def test_what_waits_is_looked_at_once_a_month(self):
        self.agent.telecom_commission_minimum = 20.0
        self.invoice()
        self.assertEqual(self.run_on("2025-05-01"), [])
        self.agent.telecom_commission_minimum = 0.0
        self.assertEqual(self.run_on("2025-05-02"), [])
        self.assertEqual(self.run_on("2025-06-01"), [("2025-06-01", 14.85)])


class TestBill(SettlementCase):
    def test_given_up(self):
        """A bill that is deleted or cancelled, or a line of it, is settled again; once."""
        self.invoice()
        bill = self.settle()
        bill.unlink()
        self.assertEqual(set(self.rows().mapped("state")), {"accrued"})
        bill = self.settle()
        bill.action_post()
        bill.button_draft()
        self.assertEqual(set(self.rows().mapped("state")), {"settled"})
        bill.button_cancel()
        self.assertEqual(set(self.rows().mapped("state")), {"accrued"})
        with self.assertRaisesRegex(UserError, "Leave it cancelled"):
            bill.button_draft()
        again = self.settle()
        self.assertEqual(again.amount_untaxed, 14.85)
        again.invoice_line_ids[1].unlink()
        self.assertEqual(again.amount_untaxed, 4.85)
        self.assertSettled(again)
        self.assertEqual(self.settle().amount_untaxed, 10.0)

    def test_keeps_its_amounts_and_agent(self):
        self.invoice()
        bill = self.settle()
        with self.assertRaisesRegex(UserError, "keeps its amount"), self.env.cr.savepoint():
            bill.invoice_line_ids[0].price_unit = 5.0
        with self.assertRaisesRegex(UserError, "cannot be changed"), self.env.cr.savepoint():
            bill.partner_id = self.customer
        with Form(bill) as form, form.invoice_line_ids.new() as line:
            line.name = "Bonus"
            line.price_unit = 5.0
        self.assertEqual(bill.amount_untaxed, 19.85)
        self.assertEqual(bill.copy().telecom_commission_until, False)

    def test_invoice_taken_back_after_settlement(self):
        invoice = self.invoice()
        bill = self.settle()
        bill.action_post()
        invoice.button_draft()
        self.assertEqual(self.agent.telecom_commission_balance, -14.85)
        self.assertFalse(self.settle())
        # posted again it is as it was: nothing more is owed
        invoice.action_post()
        self.assertEqual(self.agent.telecom_commission_balance, 0.0)
        self.assertFalse(self.settle())
        self.assertSettled(bill)

    def test_bill_given_up_after_the_invoice_was(self):
        invoice = self.invoice()
        bill = self.settle()
        invoice.button_draft()
        bill.unlink()
        self.assertEqual(set(self.rows().mapped("state")), {"reversed"})
        self.assertFalse(self.settle())


class TestBooks(SettlementCase):
    def balances(self):
        """Return the trial balance: {account type: balance}, without what is 0."""
        groups = self.env["account.move.line"]._read_group(
            [("company_id", "=", self.company.id), ("parent_state", "=", "posted")],
            ["account_id"],
            ["balance:sum"],
        )
        result = {}
        for account, balance in groups:
            if not self.currency.is_zero(balance):
                key = "commission" if account == self.expense else account.account_type
                key = "tax" if account == self.tax_account else key
                result[key] = round(result.get(key, 0.0) + balance, 2)
        return result

    def test_trial_balance(self):
        """Customer, agent, credit note, bill and payments, as an accountant has them."""
        self.tax_account = self.env["account.account"].create(
            {
                "name": "VAT",
                "code": "451000",
                "account_type": "liability_current",
                "company_ids": [Command.link(self.company.id)],
            }
        )
        for tax in (self.tax, self.purchase_tax):
            lines = tax.invoice_repartition_line_ids + tax.refund_repartition_line_ids
            lines.filtered(
                lambda line: line.repartition_type == "tax"
            ).account_id = self.tax_account
        invoice = self.invoice()
        # 82.34 and 17.29 of tax; nothing of the commission is in the books before its bill
        sales = {"asset_receivable": 99.63, "income": -82.34, "tax": -17.29}
        self.assertEqual(self.balances(), sales)
        note = self.credit(invoice, keep=["subscription"], subscription=10.0)
        # 20.00 and 4.20 are given back, and 5.00 of the commission with them
        sales = {"asset_receivable": 75.43, "income": -62.34, "tax": -13.09}
        self.assertEqual(self.balances(), sales)
        self.assertEqual(self.sums(note), {"subscription": -5.0})
        bill = self.settle()
        bill.action_post()
        # 9.85 and 2.07 of input tax are owed to the agent
        self.assertEqual(
            self.balances(),
            {**sales, "commission": 9.85, "tax": -11.02, "liability_payable": -11.92},
        )
        (invoice + note).line_ids.filtered(
            lambda line: line.display_type == "payment_term"
        ).reconcile()
        self.pay(invoice)
        self.pay(bill, day="2025-05-12")
        after = self.balances()
        self.assertNotIn("asset_receivable", after)
        self.assertNotIn("liability_payable", after)
        self.assertEqual(
            (after["income"], after["commission"], after["tax"]), (-62.34, 9.85, -11.02)
        )
        self.assertAlmostEqual(sum(after.values()), 0.0, 2)
        # what is in the bank: 75.43 in, 11.92 out
        money = sum(balance for kind, balance in after.items() if kind.startswith("asset"))
        self.assertAlmostEqual(money, 63.51, 2)
        report = self.env["telecom.reconciliation.report"].search([])
        self.assertEqual(set(report.mapped("difference")), {0.0})


class TestStatement(SettlementCase):
    def render(self, bill):
        content, _type = self.env["ir.actions.report"]._render_qweb_html(
            "telecom_billing.commission_statement_report", bill.ids
        )
        return html.fromstring(content)

    def test_statement_adds_up_to_the_bill(self):
        invoice = self.invoice()
        other = self.make_account("Another Customer", reseller_id=self.agent.id)
        self.use(other, hours=1)
        self.bill(accounts=other)
        note = self.credit(invoice, keep=["calls"], calls=15.0)
        bill = self.settle()
        bill.action_post()
        statement = bill.telecom_commission_statement()
        self.assertEqual(statement["total"], bill.amount_untaxed)
        self.assertEqual(
            [(each["customer"], each["total"]) for each in statement["customers"]],
            [(other, 0.3), (self.customer, 13.35)],
        )
        self.assertEqual(
            statement["kinds"], [("Calls", 1.8), ("Subscriptions", 10.0), ("Setup and Other", 1.85)]
        )
        page = self.render(bill)
        rows = [
            [
                " ".join(cell.text_content().replace("\ufeff", "").split())
                for cell in row.xpath("td")
            ]
            for row in page.xpath("//table[1]/tbody/tr")
        ]
        for row in (
            ["04/01/2025", invoice.name, "Subscriptions", "40.00 €", "25", "10.00 €"],
            ["04/10/2025", note.name, "Calls", "-15.00 €", "10", "-1.50 €"],
            ["Sum of Customer", "13.35 €"],
        ):
            self.assertIn(row, rows)
        with self.allow_pdf_render():
            pdf, _type = (
                self.env["ir.actions.report"]
                .with_context(force_report_rendering=True)
                ._render_qweb_pdf("telecom_billing.commission_statement_report", bill.ids)
            )
        self.assertIn(PdfFileReader(io.BytesIO(pdf)).getNumPages(), (1, 2))

    def test_an_accountant_prints_it(self):
        self.invoice()
        bill = self.settle()
        accountant = self.make_user("accountant", "account.group_account_invoice")
        action = bill.with_user(accountant).action_telecom_commission_statement()
        self.assertEqual(action["report_name"], "telecom_billing.commission_statement")
        self.env.invalidate_all()
        self.assertIn(
            "Commission Statement", self.render(bill.with_user(accountant)).text_content()
        )


class TestScreens(SettlementCase):
    def test_by_the_people_who_do_it(self):
        """A billing manager sets the terms and settles; accountants post and register payments
        without telecom rights; users only look on."""
        manager = self.make_user("boss", "telecom_billing.group_manager")
        accountant = self.make_user("accountant", "account.group_account_invoice")
        self.profile.mode = "draft"
        with Form(self.agent.with_user(manager)) as form:
            form.telecom_commission_when = "paid"
        invoice = self.invoice().with_user(accountant)
        invoice.action_post()
        self.env["account.payment.register"].with_user(accountant).with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({"payment_date": "2025-04-20"})._create_payments()
        self.assertEqual(
            self.sums(state="accrued"), {"calls": 3.0, "subscription": 10.0, "other": 1.85}
        )
        action = self.agent.with_user(manager).action_settle_commissions()
        wizard = Form(
            self.env["telecom.commission.settle"]
            .with_user(manager)
            .with_context(**action["context"])
        )
        wizard.date_to = "2025-04-19"
        self.assertIn("Nothing was earned", wizard.preview)
        with self.assertRaisesRegex(UserError, "nothing to settle"):
            wizard.save().action_settle()
        wizard.date_to = "2025-04-20"
        self.assertIn("14.85", wizard.preview)
        bills = self.env["account.move"].search(wizard.save().action_settle()["domain"])
        self.assertEqual(bills.partner_id, self.agent)
        user = self.make_user("user")
        self.assertEqual(self.agent.with_user(user).telecom_commission_ids, self.rows())
        with self.assertRaises(AccessError):
            self.env["telecom.commission.settle"].with_user(user).create({})
        with self.assertRaises(AccessError):
            self.rows()[0].with_user(manager).amount = 100.0
