from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import TelecomCommon


@tagged("post_install", "-at_install")
class TestInvoiceLifecycle(TelecomCommon):
    """What becomes of charges when accountants do with their invoice what they always do."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls.make_account("Customer", "C1")
        cls.line = cls.make_product("Line", price=10.0, telecom_invoicing="arrears")

    def setUp(self):
        super().setUp()
        self.service = self.add_service(self.account, self.line)
        self.take_calls(
            [
                self.call(self.account, seconds=60),
                self.call(self.account, "33123456789", seconds=100),
                self.call(self.account, "33123456789", seconds=101),
            ]
        )
        # 0.05 + (0.0555 + 0.0561) + 10.00
        self.invoice = self.bill()
        self.period = self.invoice.telecom_period_ids

    def assertBills(self, *totals, until="2025-04-01"):
        """The next run makes invoices of these totals before taxes, and nothing else."""
        moves = self.bill(until, self.account)
        self.assertEqual(sorted(moves.mapped("amount_untaxed")), sorted(totals))
        return moves

    def assertBilledOn(self, move):
        self.assertEqual(self.period.move_id, move)
        self.assertEqual(self.period.state, "invoiced")

    def assertFree(self):
        self.assertFalse(self.period.move_id)
        self.assertEqual(self.period.state, "closed")

    def unbilled(self):
        return self.account._unbilled_amounts().get(self.account.id, 0.0)

    # === CONFIRMED ===

    def test_confirmed(self):
        self.assertRecordValues(
            self.invoice,
            [
                {
                    "move_type": "out_invoice",
                    "state": "posted",
                    "partner_id": self.account.id,
                    "amount_untaxed": 10.16,
                    "amount_tax": 2.13,
                    "invoice_date": self.day("2025-04-01"),
                }
            ],
        )
        self.assertBilledOn(self.invoice)
        self.assertBills()
        self.assertEqual(self.unbilled(), 0.0)

    def test_late_call_goes_to_the_next_invoice(self):
        self.take_calls([self.call(self.account, seconds=60)])
        self.assertBills()
        self.assertEqual(self.invoice.amount_untaxed, 10.16)
        self.assertBills(10.05, until="2025-05-01")

    # === CANCELLING, DELETING, RESETTING ===

    def test_cancel_frees(self):
        self.invoice.button_cancel()
        self.assertFree()
        self.assertEqual(self.unbilled(), 10.16)
        again = self.assertBills(10.16)
        self.assertNotEqual(again, self.invoice)
        self.assertBilledOn(again)
        self.assertBills()

    def test_cancel_twice_bills_once(self):
        self.invoice.button_cancel()
        self.assertBills(10.16).button_cancel()
        self.assertBills(10.16)
        self.assertBills()

    def test_delete_draft_frees(self):
        self.invoice.button_draft()
        self.invoice.unlink()
        self.assertFree()
        self.assertBills(10.16)

    def test_delete_of_an_invoice_never_confirmed(self):
        self.profile.mode = "draft"
        self.invoice.button_cancel()
        draft = self.assertBills(10.16)
        self.assertEqual(draft.state, "draft")
        self.assertBilledOn(draft)
        self.assertBills()
        draft.unlink()
        self.assertFree()
        self.assertBills(10.16)

    def test_reset_to_draft_keeps(self):
        self.invoice.button_draft()
        self.assertBilledOn(self.invoice)
        self.assertBills()
        self.invoice.action_post()
        self.assertBilledOn(self.invoice)

    def test_redraft_of_a_cancelled_invoice_takes_back(self):
        self.invoice.button_cancel()
        self.invoice.button_draft()
        self.assertBilledOn(self.invoice)
        self.assertBills()
        self.invoice.action_post()
        self.assertEqual(self.unbilled(), 0.0)

    def test_redraft_is_refused_when_billed_elsewhere(self):
        self.invoice.button_cancel()
        again = self.assertBills(10.16)
        with self.assertRaisesRegex(UserError, again.name):
            self.invoice.button_draft()
        self.assertBilledOn(again)
        self.assertEqual(self.invoice.state, "cancel")
        # free again, whichever of the two comes first has them
        again.button_cancel()
        self.invoice.button_draft()
        self.assertBilledOn(self.invoice)
        with self.assertRaisesRegex(UserError, self.invoice.name):
            again.button_draft()

    def test_delete_of_a_cancelled_invoice_changes_nothing(self):
        self.profile.mode = "draft"
        self.invoice.button_cancel()
        draft = self.assertBills(10.16)
        draft.button_cancel()
        draft.unlink()
        self.assertFree()
        self.assertBills(10.16)

    def test_what_was_added_since_is_on_another_invoice(self):
        self.invoice.button_cancel()
        self.take_calls([self.call(self.account, seconds=120)])
        self.assertBills(10.16)
        self.assertBills(10.1, until="2025-05-01")

    # === CREDITING ===

    def reverse(self, move, modify=False, **vals):
        """Use Odoo's own wizard; return the moves it made."""
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"reason": "test", "journal_id": move.journal_id.id, **vals})
        )
        if modify:
            wizard.modify_moves()
        else:
            wizard.refund_moves()
        return wizard.new_move_ids

    def test_credit_note_bills_nothing_again(self):
        credit = self.reverse(self.invoice)
        self.assertFalse(credit.telecom_period_ids)
        self.assertFalse(credit.telecom_profile_id)
        credit.action_post()
        self.assertEqual(credit.amount_untaxed, 10.16)
        self.assertBilledOn(self.invoice)
        self.assertEqual(self.unbilled(), 0.0)
        self.assertBills()
        self.assertBills(10.0, until="2025-05-01")

    def test_partial_credit_note(self):
        credit = self.reverse(self.invoice)
        lines = credit.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        lines[1:].unlink()
        credit.action_post()
        self.assertLess(credit.amount_total, self.invoice.amount_total)
        self.assertBilledOn(self.invoice)
        self.assertBills()

    def test_credit_note_that_settles(self):
        credit = self.invoice._reverse_moves([{"date": self.invoice.date}], cancel=True)
        self.assertEqual(credit.state, "posted")
        self.assertEqual(self.invoice.payment_state, "reversed")
        self.assertBilledOn(self.invoice)
        self.assertBills()

    def test_credit_and_correct(self):
        moves = self.reverse(self.invoice, modify=True)
        corrected = moves.filtered(lambda move: move.move_type == "out_invoice")
        self.assertEqual(corrected.state, "draft")
        self.assertFalse(corrected.telecom_period_ids)
        self.assertFalse(corrected.telecom_profile_id)
        corrected.unlink()
        self.assertBilledOn(self.invoice)
        self.assertBills()

    def test_cancelling_the_credit_note_frees_nothing(self):
        credit = self.reverse(self.invoice)
        credit.action_post()
        credit.button_cancel()
        self.assertBilledOn(self.invoice)
        self.assertBills()

    # === COPIES, PAYMENTS, OTHER INVOICES ===

    def test_duplicate_has_no_telecom_links(self):
        copy = self.invoice.copy()
        self.assertFalse(copy.telecom_period_ids)
        self.assertFalse(copy.telecom_profile_id)
        self.assertFalse(copy.invoice_line_ids.filtered("telecom_section"))
        self.assertEqual(copy._get_name_invoice_report(), "account.report_invoice_document")
        copy.unlink()
        self.assertBilledOn(self.invoice)

    def test_payment(self):
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=self.invoice.ids
        ).create({"payment_date": "2025-04-05"})._create_payments()
        self.assertIn(self.invoice.payment_state, ("paid", "in_payment"))
        self.assertEqual(self.invoice.amount_residual, 0.0)
        self.assertBilledOn(self.invoice)
        self.assertBills()
        self.invoice.button_cancel()
        self.assertBills(10.16)

    def test_negative_total_is_a_credit_note(self):
        self.env["telecom.charge"].create(
            {
                "name": "Goodwill",
                "partner_id": self.account.id,
                "date": "2025-04-10",
                "amount": -50.0,
                "price_unit": -50.0,
            }
        )
        credit = self.bill("2025-05-01")
        self.assertRecordValues(
            credit,
            [{"move_type": "out_refund", "state": "posted", "amount_untaxed": 40.0}],
        )
        self.assertRecordValues(
            credit.invoice_line_ids.filtered("telecom_section"),
            [
                {"telecom_section": "subscription", "price_subtotal": -10.0},
                {"telecom_section": "other", "price_subtotal": 50.0},
            ],
        )
        # the receivable goes down
        receivable = credit.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        self.assertEqual(receivable.balance, -credit.amount_total)
        self.assertBills(until="2025-05-01")

    def test_other_invoices_are_left_alone(self):
        other = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.account.id,
                "invoice_line_ids": [Command.create({"name": "Telephone", "price_unit": 99.0})],
            }
        )
        self.assertEqual(other._get_name_invoice_report(), "account.report_invoice_document")
        other.action_post()
        other.button_cancel()
        other.button_draft()
        other.unlink()
        self.assertBilledOn(self.invoice)

    # === FROM A LINE TO WHAT IS BEHIND IT ===

    def opened(self, action):
        return self.env[action["res_model"]].search(action["domain"])

    def test_lines_open_their_charges(self):
        lines = self.invoice.invoice_line_ids.filtered("telecom_section")
        calls = self.charges_of(self.account)
        self.assertEqual(self.opened(self.invoice.action_telecom_calls()), calls.sorted("id")[::-1])
        france = lines.filtered(lambda line: line.telecom_destination == "France")
        opened = self.opened(france.action_telecom_details())
        self.assertEqual(opened, calls.filtered(lambda call: call.destination == "France")[::-1])
        self.assertEqual(opened.move_id, self.invoice)
        service = lines.filtered(lambda line: line.telecom_section == "subscription")
        charge = self.opened(service.action_telecom_details())
        self.assertEqual(charge.subscription_id, self.service)
        self.assertEqual(charge.move_id, self.invoice)
        self.assertIn(charge, self.opened(self.invoice.action_telecom_charges()))
