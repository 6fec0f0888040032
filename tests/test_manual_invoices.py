"""Charges that a person chooses are invoiced at once, apart from their account's periods."""

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError

from .test_closing import ClosingCase

NOON = "2025-03-15 12:00:00"


class TestManualInvoices(ClosingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("boss", "telecom_billing.group_manager")

    def invoice(self, charges, moment=NOON):
        """Invoice charges as the manager; return the run."""
        with freeze_time(moment):
            action = charges.with_user(self.manager).action_invoice_now()
        return self.runs.browse(action["res_id"])

    def regular(self, account):
        return self.of(account).filtered(lambda p: not p.is_manual)

    def assert_reconciled(self, account):
        """The report of the reconciliation shows no difference."""
        self.env.flush_all()
        self.env.invalidate_all()
        rows = self.env["telecom.reconciliation.report"].search([("partner_id", "=", account.id)])
        self.assertTrue(rows)
        self.assertFalse(any(rows.mapped("difference")))

    def test_chosen_charges_are_invoiced_and_the_others_later(self):
        """40 and 2 now, with 21 %: 50.82; 5 and a call of 0.05 at the end of March."""
        account = self.account("2025-03-10 10:00:00")
        chosen = self.adjust(account, 40, "2025-03-12") + self.adjust(account, 2, "2025-03-13")
        self.adjust(account, 5, "2025-03-12")
        run = self.invoice(chosen)
        move = run.move_ids
        self.assertEqual((move.amount_untaxed, move.amount_total), (42.0, 50.82))
        self.assertEqual((move.state, str(move.invoice_date)), ("posted", "2025-03-15"))
        self.assertIn("Manual invoice of 03/15/2025", move.invoice_origin)
        self.assertEqual(run.invoice_count, 1)
        self.assertEqual(self.spans(account)[0], ("2025-03-01", "2025-04-01"))
        self.assertEqual(self.regular(account).state, "open")
        self.assert_laws(account)
        self.assert_reconciled(account)
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 5.05)
        self.assert_laws(account)
        self.assert_reconciled(account)

    def test_each_account_gets_its_own_by_its_profile(self):
        first, second = self.account(), self.account()
        self.profile.mode = "draft"
        charges = self.adjust(first, 10, "2025-03-12") + self.adjust(second, -20, "2025-03-12")
        run = self.invoice(charges)
        self.assertEqual(
            {(m.partner_id, m.move_type, m.amount_untaxed, m.state) for m in run.move_ids},
            {(first, "out_invoice", 10.0, "draft"), (second, "out_refund", 20.0, "draft")},
        )
        self.assert_laws(first + second)

    def test_twice_a_day_and_at_the_start_of_a_period(self):
        """On 1 April, when a period begins on the same day."""
        account = self.account("2025-04-01 10:00:00")
        for amount in (3, 4):
            charge = self.adjust(account, amount, "2025-04-01")
            run = self.invoice(charge, "2025-04-01 12:00:00")
            self.assertEqual(run.move_ids.amount_untaxed, amount)
        self.assertEqual(len(self.regular(account)), 1)
        # a call of before: nothing regular is closed, so that periods may begin earlier
        self.take_calls([self.call(account, start="2025-03-10 10:00:00")])
        self.assertEqual(str(self.regular(account)[0].date_from), "2025-03-01")
        self.assert_laws(account)

    def test_cancelled_it_gives_the_charges_back(self):
        account = self.account("2025-03-10 10:00:00")
        charge = self.adjust(account, 10.005, "2025-03-12")
        move = self.invoice(charge).move_ids
        self.assert_laws(account)
        move.button_draft()
        move.button_cancel()
        self.assertEqual(charge.period_id, self.regular(account))
        self.assertEqual(charge.period_id.state, "open")
        self.assertFalse(self.of(account).activity_ids)
        self.assert_laws(account)
        self.assert_reconciled(account)
        # its charges are elsewhere: it cannot come back
        with self.assertRaises(UserError), self.env.cr.savepoint():
            move.button_draft()
        again = self.invoice(charge).move_ids
        self.assertEqual(again.amount_untaxed, 10.01)
        again.button_draft()
        again.unlink()
        self.assertEqual(charge.period_id, self.regular(account))
        # 10.005 and 0.05, each rounded to the cent
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 10.06)
        self.assert_laws(account)
        self.assert_reconciled(account)

    def test_a_line_taken_off_the_draft_is_on_the_next_invoice(self):
        self.profile.mode = "draft"
        account = self.account("2025-03-10 10:00:00")
        kept, dropped = (self.adjust(account, amount, "2025-03-12") for amount in (10, 20))
        move = self.invoice(kept + dropped).move_ids
        move.invoice_line_ids.filtered(lambda line: line.telecom_charge_id == dropped).unlink()
        self.assertEqual(dropped.period_id, self.regular(account))
        self.assertEqual(move.amount_untaxed, 10.0)
        self.assert_laws(account)

    def test_the_charge_of_a_service(self):
        """March's 10 at once; at the end of March April's 10."""
        account = self.account()
        service = self.add_service(account, self.make_product("Line"))
        self.env["telecom.subscription"]._add_recurring_charges(self.day("2025-03-15"), account)
        move = self.invoice(service.charge_ids).move_ids
        self.assertEqual(move.amount_untaxed, 10.0)
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 10.0)
        self.assert_laws(account)

    def test_less_than_the_minimum_is_invoiced_when_asked_for(self):
        """0.05 of February waits for the next regular invoice, 3 are invoiced."""
        self.profile.write({"no_usage": "carry", "minimum_amount": 5, "carry_periods": 3})
        account = self.account("2025-02-10 10:00:00")
        self.bill("2025-03-01", account)
        run = self.invoice(self.adjust(account, 3, "2025-03-12"))
        self.assertEqual(run.move_ids.amount_untaxed, 3.0)
        self.assertEqual(self.regular(account)[0].state, "carried")
        self.assert_laws(account)

    def test_the_day_is_the_accounts(self):
        """At 11:30 UTC of 31 March it is 1 April in Auckland, and 31 March in Honolulu."""
        for tz, day in (("Pacific/Auckland", "2025-04-01"), ("Pacific/Honolulu", "2025-03-31")):
            account = self.account(tz=tz)
            charge = self.adjust(account, 10, "2025-03-12")
            move = self.invoice(charge, "2025-03-31 11:30:00").move_ids
            self.assertEqual(str(move.invoice_date), day, tz)
            self.assert_laws(account)

    def test_a_failure_is_retried_or_given_up(self):
        account = self.account()
        tax = self.make_tax(6)
        account.telecom_tax_ids = tax
        tax.active = False
        charge = self.adjust(account, 10, "2025-03-12")
        run = self.invoice(charge)
        self.assertEqual(run.failure_count, 1)
        failed = run.failed_period_ids
        failed.with_user(self.manager).action_reopen()
        self.assertEqual((charge.period_id, failed.state), (self.regular(account), "skipped"))
        run = self.invoice(charge)
        account.telecom_tax_ids = False
        run.action_retry()
        self.assertEqual((run.failure_count, run.move_ids.amount_untaxed), (0, 10.0))
        self.assert_laws(account)

    def test_what_cannot_be_chosen(self):
        account = self.account()
        charge = self.adjust(account, 10.005, "2025-03-12")
        self.invoice(charge)
        with self.assertRaisesRegex(UserError, "closed billing period"):
            self.invoice(charge)
        rounding = charge.period_id.charge_ids - charge
        self.assertEqual(rounding.charge_type, "rounding")
        with self.assertRaisesRegex(UserError, "not invoiced by itself"):
            self.invoice(rounding)
        with self.assertRaisesRegex(UserError, "Choose charges"):
            self.invoice(charge.browse())

    def test_billing_managers_only(self):
        charge = self.adjust(self.account(), 10, "2025-03-12")
        with self.assertRaises(AccessError):
            charge.with_user(self.make_user("clerk")).action_invoice_now()
        self.assertEqual(charge.period_id.state, "open")
