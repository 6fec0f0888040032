from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL

from .common import TelecomCommon


@tagged("post_install", "-at_install")
class TestInvoiceChanges(TelecomCommon):
    """What a person may change on a draft, and what the charges behind it do then.

    After each change: charges = invoiced + to invoice, per account and currency.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.profile.mode = "draft"
        cls.account = cls.make_account("Customer", "C1")
        cls.other = cls.make_account("Other", "C2")
        # of a finer price than the currency has
        cls.fee = cls.add_charge("Fee", 7.005)
        cls.goodwill = cls.add_charge("Goodwill", -1.0)

    def setUp(self):
        super().setUp()
        self.take_calls(
            [
                self.call(self.account, seconds=6000),
                self.call(self.account, "33123456789", seconds=100),
            ]
        )
        # 5.00 + 0.0555 + 7.005 - 1.00, the lines rounded
        self.invoice = self.bill(accounts=self.account)
        self.period = self.invoice.telecom_period_ids

    @classmethod
    def add_charge(cls, name, amount, **vals):
        return cls.env["telecom.charge"].create(
            {
                "name": name,
                "partner_id": cls.account.id,
                "date": "2025-03-05",
                "amount": amount,
                "price_unit": amount,
                **vals,
            }
        )

    def force(self, charge, column, record):
        """Change a charge in a closed period, past all that keeps it as it is."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE telecom_charge SET %s = %s WHERE id = %s",
                SQL.identifier(column),
                record.id,
                charge.id,
            )
        )
        self.env.invalidate_all()

    def line(self, name, invoice=None):
        lines = (invoice or self.invoice).invoice_line_ids
        return lines.filtered(lambda line: line.telecom_section and name in line.name)

    def changes(self):
        """Return {text of the line: amount} of what was changed on invoices."""
        found = self.env["telecom.charge"].search([("charge_type", "=", "change")])
        prefix = "Changed on the invoice: "
        self.assertTrue(all(charge.name.startswith(prefix) for charge in found))
        return {charge.name.removeprefix(prefix).split(" – ")[0]: charge.amount for charge in found}

    def assertBalanced(self, invoiced=None, unbilled=None):
        """Charges are what is invoiced and to invoice, whose sums are these."""
        self.env.flush_all()
        self.env.invalidate_all()
        rows = self.env["telecom.reconciliation.report"].search(
            [("partner_id", "in", (self.account | self.other).ids)]
        )
        self.assertEqual(set(rows.mapped("difference")), {0.0})
        row = rows.filtered(lambda row: row.currency_id == self.currency)
        if invoiced is not None:
            self.assertAlmostEqual(sum(row.mapped("invoiced_amount")), invoiced, 8)
        if unbilled is not None:
            self.assertAlmostEqual(sum(row.mapped("unbilled_amount")), unbilled, 8)

    def assertRefused(self, function, *args):
        with self.assertRaisesRegex(UserError, "[Cc]ancel"), self.env.cr.savepoint():
            function(*args)
        self.invoice.invalidate_recordset()
        self.assertBalanced(11.07, 0.0)

    # === WHOM, IN WHAT AND BY WHOM ===

    def test_as_it_was_made(self):
        self.assertEqual(self.invoice.amount_untaxed, 11.07)
        self.assertBalanced(11.07, 0.0)

    def test_another_customer_is_refused(self):
        self.assertRefused(self.invoice.write, {"partner_id": self.other.id})
        stranger = self.env["res.partner"].create({"name": "No Account"})
        self.assertRefused(self.invoice.write, {"partner_id": stranger.id})
        self.assertRefused(self.invoice.write, {"partner_id": False})

    def test_another_address_of_the_customer(self):
        contact = self.env["res.partner"].create(
            {"name": "Bookkeeping", "parent_id": self.account.id, "type": "invoice"}
        )
        self.invoice.partner_id = contact
        self.invoice.action_post()
        self.assertEqual(self.invoice.commercial_partner_id, self.account)
        self.assertBalanced(11.07, 0.0)

    def test_another_account_of_the_company_is_refused(self):
        site = self.make_account("Site", parent_id=self.account.id, is_telecom_account=True)
        self.assertRefused(self.invoice.write, {"partner_id": site.id})

    def test_another_currency_is_refused(self):
        dollar = self.make_dollar(2.0)
        self.assertRefused(self.invoice.write, {"currency_id": dollar.id})
        journal = self.invoice.journal_id.copy({"currency_id": dollar.id})
        self.assertRefused(self.invoice.write, {"journal_id": journal.id})
        journal.currency_id = False
        self.invoice.journal_id = journal
        self.assertBalanced(11.07, 0.0)

    def test_another_company_is_refused(self):
        company = self.make_company("Second")
        journal = self.env["account.journal"].search(
            [("company_id", "=", company.id), ("type", "=", "sale")], limit=1
        )
        self.env.user.company_ids += company
        companies = [self.company.id, company.id]
        invoice = self.invoice.with_context(allowed_company_ids=companies)
        self.assertRefused(invoice.write, {"journal_id": journal.id})

    def test_credit_note_of_the_draft_is_refused(self):
        self.assertRefused(self.invoice.action_switch_move_type)
        self.assertRefused(self.invoice.write, {"move_type": "out_refund"})

    def test_other_invoices_may_change(self):
        invoice = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.account.id,
                "invoice_line_ids": [Command.create({"name": "Telephone", "price_unit": 99.0})],
            }
        )
        invoice.partner_id = self.other
        invoice.action_switch_move_type()
        self.assertEqual(invoice.move_type, "out_refund")

    # === LINES TAKEN OFF ===

    def test_deleted_line_is_on_the_next_invoice(self):
        self.line("Fee").unlink()
        self.assertEqual(self.fee.period_state, "open")
        self.assertFalse(self.fee.move_id)
        self.assertBalanced(4.06, 7.005)
        self.invoice.action_post()
        self.assertBalanced(4.06, 7.005)
        following = self.bill("2025-05-01", self.account)
        self.assertEqual(following.amount_untaxed, 7.01)
        self.assertEqual(self.fee.move_id, following)
        self.assertBalanced(11.07, 0.0)

    def test_deleted_on_the_form(self):
        commands = [Command.delete(self.line("Fee").id), Command.delete(self.line("Goodwill").id)]
        self.invoice.write({"invoice_line_ids": commands})
        self.assertEqual(self.invoice.amount_untaxed, 5.06)
        self.assertBalanced(5.06, 6.005)

    def test_emptied_line_may_be_filled_again(self):
        self.line("Fee").quantity = 0
        self.assertEqual(self.fee.period_state, "open")
        self.assertBalanced(4.06, 7.005)
        self.line("Fee").quantity = 1
        self.assertEqual(self.fee.move_id, self.invoice)
        self.assertBalanced(11.07, 0.0)

    def test_emptied_line_billed_elsewhere_stays_empty(self):
        self.line("Fee").quantity = 0
        self.bill("2025-05-01", self.account)
        with self.assertRaisesRegex(UserError, "by now"), self.env.cr.savepoint():
            self.line("Fee").quantity = 1
        self.assertBalanced(11.07, 0.0)

    def test_emptied_line_whose_charge_is_deleted(self):
        self.line("Fee").quantity = 0
        self.fee.unlink()
        self.assertBalanced(4.06, 0.0)
        self.line("Fee").quantity = 1
        self.assertEqual(self.changes(), {"Fee": 7.01})
        self.assertBalanced(11.07, 0.0)

    def test_deleted_line_of_calls_is_refused(self):
        with self.assertRaisesRegex(UserError, "Belgium.*cancel the invoice"):
            self.line("Belgium").unlink()
        with self.assertRaisesRegex(UserError, "Belgium.*cancel the invoice"):
            self.invoice.invoice_line_ids = [Command.clear()]

    def test_deleted_section_and_own_line(self):
        self.invoice.invoice_line_ids = [
            Command.create({"name": "A present", "price_unit": 1.0, "tax_ids": False})
        ]
        self.assertBalanced(11.07, 0.0)
        self.invoice.invoice_line_ids.filtered(lambda line: not line.telecom_section).unlink()
        self.assertEqual(len(self.invoice.invoice_line_ids), 4)
        self.assertBalanced(11.07, 0.0)

    def test_deleted_line_in_another_currency(self):
        dollar = self.make_dollar(2.0)
        self.invoice.button_cancel()
        self.force(self.fee, "currency_id", dollar)
        self.invoice = self.bill(accounts=self.account)
        self.assertEqual(self.line("Fee").price_unit, 3.5)
        self.assertBalanced(7.56, 0.0)
        self.line("Fee").unlink()
        self.assertBalanced(4.06, 0.0)
        dollars = self.env["telecom.reconciliation.report"].search(
            [("partner_id", "=", self.account.id), ("currency_id", "=", dollar.id)]
        )
        self.assertEqual(dollars.unbilled_amount, 7.005)

    # === OTHER AMOUNTS ===

    def test_changed_prices_are_charges(self):
        self.line("Belgium").price_unit = 4.0
        self.line("Fee").quantity = 2
        self.line("Goodwill").price_unit = 0
        self.assertEqual(self.changes(), {"Belgium": -1.0, "Fee": 7.01, "Goodwill": 1.0})
        self.assertBalanced(18.08, 0.0)
        # again, and back
        self.line("Belgium").discount = 100
        self.line("Fee").quantity = 1
        self.assertEqual(self.changes(), {"Belgium": -5.0, "Goodwill": 1.0})
        self.line("Belgium").write({"discount": 0, "price_unit": 5.0})
        self.line("Goodwill").price_unit = -1.0
        self.assertFalse(self.changes())
        self.assertBalanced(11.07, 0.0)

    def test_change_and_deletion_of_one_line(self):
        self.line("Fee").price_unit = 3.0
        self.line("Fee").unlink()
        self.assertFalse(self.changes())
        self.assertBalanced(4.06, 7.005)

    def test_emptied_line_of_calls_is_waived(self):
        self.line("France").quantity = 0
        self.assertEqual(self.changes(), {"France": -0.06})
        self.assertBalanced(11.01, 0.0)
        self.invoice.action_post()
        self.assertFalse(self.bill("2025-05-01", self.account))

    def test_fiscal_position_changes_no_price(self):
        """Odoo looks the prices of free lines up anew, in the product."""
        self.call_product.list_price = 50.0
        self.line("France").price_unit = 0.0
        self.invoice.fiscal_position_id = self.env["account.fiscal.position"].create(
            {"name": "Abroad", "company_id": self.company.id}
        )
        self.invoice.action_update_fpos_values()
        self.assertEqual(self.line("France").price_unit, 0.0)
        self.assertBalanced(11.01, 0.0)

    def test_credit_note(self):
        self.invoice.button_cancel()
        self.force(self.add_charge("Back", -50.0), "period_id", self.period)
        self.invoice = self.bill(accounts=self.account)
        self.assertEqual(self.invoice.move_type, "out_refund")
        self.assertBalanced(-38.93, 0.0)
        self.line("Back").price_unit = 40.0
        self.line("Fee").unlink()
        self.assertEqual(self.changes(), {"Back": 10.0})
        self.assertBalanced(-35.94, 7.005)

    def test_changed_line_in_the_annex(self):
        self.line("Belgium").price_unit = 4.0
        table = self.invoice.telecom_itemised_calls()[0]
        self.assertEqual(table["rounding"], "0.0045")
        self.assertEqual(table["changed"], "-1.0000")
        self.assertEqual(table["invoiced"], "4.0600")

    # === GIVEN UP, AND TAKEN BACK ===

    def test_cancelled_is_billed_in_full(self):
        self.line("Belgium").price_unit = 4.0
        self.line("Goodwill").quantity = 0
        self.assertBalanced(11.07, -1.0)
        self.invoice.button_cancel()
        self.assertFalse(self.changes())
        again = self.bill(accounts=self.account)
        self.assertEqual(again.amount_untaxed, 12.07)
        self.assertEqual(self.goodwill.period_state, "open")
        self.assertBalanced(12.07, -1.0)

    def test_deleted_is_billed_in_full(self):
        self.line("Belgium").price_unit = 4.0
        self.line("Fee").unlink()
        self.invoice.unlink()
        self.assertFalse(self.changes())
        self.assertEqual(self.period.state, "closed")
        self.assertEqual(self.bill(accounts=self.account).amount_untaxed, 4.06)
        self.assertBalanced(4.06, 7.005)

    def test_cancelled_and_taken_back(self):
        self.line("Belgium").price_unit = 4.0
        self.line("Goodwill").unlink()
        self.invoice.button_cancel()
        self.invoice.button_draft()
        self.assertEqual(self.changes(), {"Belgium": -1.0})
        self.assertBalanced(11.07, -1.0)
        self.invoice.action_post()
        self.assertBalanced(11.07, -1.0)

    def test_taking_back_when_something_else_is_charged(self):
        self.invoice.button_cancel()
        self.force(self.add_charge("Late fee", 9.0), "period_id", self.period)
        with self.assertRaisesRegex(UserError, "bill again"), self.env.cr.savepoint():
            self.invoice.button_draft()
        self.assertEqual(self.bill(accounts=self.account).amount_untaxed, 20.07)
        self.assertBalanced(20.07, 0.0)

    def test_accountant_without_telecom_rights(self):
        user = self.make_user("accountant", "account.group_account_invoice")
        self.line("Belgium").with_user(user).price_unit = 4.0
        self.line("Fee").with_user(user).unlink()
        self.assertBalanced(3.06, 7.005)
        invoice = self.invoice.with_user(user)
        self.assertRefused_customer(invoice)
        invoice.action_post()
        self.assertBalanced(3.06, 7.005)

    def assertRefused_customer(self, invoice):
        with self.assertRaisesRegex(UserError, "cannot be changed"), self.env.cr.savepoint():
            invoice.partner_id = self.other
        invoice.invalidate_recordset()
