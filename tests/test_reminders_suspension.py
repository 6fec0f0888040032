from freezegun import freeze_time

from .test_reminders import ReminderCase


class TestSuspension(ReminderCase):
    """Reminders that suspend the account, and what ends it."""

    def setUp(self):
        super().setUp()
        self.rule(7)
        self.rule(14, suspend=True)

    def suspended(self, name="Anna", **vals):
        move = self.invoice(name, **vals)
        self.run_job("2025-04-22")
        self.assertFalse(move.partner_id.telecom_suspended)
        self.run_job("2025-04-29")
        self.assertTrue(move.partner_id.telecom_suspended)
        return move

    def notes(self, account, words):
        return account.message_ids.filtered(lambda m: words in (m.body or ""))

    def test_suspended_until_paid(self):
        move = self.suspended()
        account = move.partner_id
        self.assertEqual(str(account.telecom_suspended_since), "2025-04-29")
        self.assertEqual(len(self.notes(account, f"Suspended: {move.name}")), 1)
        found = self.env["res.partner"].search([("telecom_suspended", "=", True)])
        self.assertEqual(found, account)
        # what the switch lets through is charged all the same
        self.take_calls([self.call(account, start="2025-04-30 10:00:00")])
        # at once, not with the next job
        self.pay(move)
        self.assertIn(move.payment_state, ("paid", "in_payment"))
        self.assertFalse(account.telecom_suspended)
        self.assertFalse(account.telecom_suspended_since)
        self.assertEqual(len(self.notes(account, "The suspension has ended")), 1)
        self.run_job("2025-05-10")
        self.assertFalse(account.telecom_suspended)

    def test_all_that_led_to_it_must_be_paid(self):
        account = self.customer("Anna")
        first = self.bill(accounts=account)
        self.take_calls([self.call(account, start="2025-04-10 10:00:00")])
        second = self.bill("2025-05-01", accounts=account)
        second.invoice_date_due = first.invoice_date_due
        self.take_calls([self.call(account, start="2025-05-10 10:00:00")])
        third = self.bill("2025-06-01", accounts=account)
        self.run_job("2025-04-29")
        self.assertTrue(account.telecom_suspended)
        self.assertFalse(third.telecom_reminder_ids)
        self.pay(first)
        self.assertTrue(account.telecom_suspended)
        self.pay(second)
        self.assertFalse(account.telecom_suspended)
        self.assertEqual(third.payment_state, "not_paid")

    def test_the_job_ends_it_when_the_cause_is_gone_otherwise(self):
        disputed = self.suspended("Disputed")
        put_off = self.invoice("Put Off")
        reversed_move = self.invoice("Reversed")
        deleted = self.invoice("Deleted")
        self.run_job("2025-04-30")
        accounts = (disputed + put_off + reversed_move + deleted).partner_id
        self.assertTrue(all(accounts.mapped("telecom_suspended")))
        self.run_job("2025-05-01")
        self.assertTrue(all(accounts.mapped("telecom_suspended")))

        disputed.telecom_disputed = True
        put_off.line_ids.filtered("date_maturity").date_maturity = "2025-06-01"
        self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=reversed_move.ids
        ).create({"journal_id": reversed_move.journal_id.id}).modify_moves()
        self.run_job("2025-05-02")
        self.assertEqual(accounts.filtered("telecom_suspended"), deleted.partner_id)
        deleted.button_draft()
        deleted.name = False
        with freeze_time("2025-05-03"):
            deleted.unlink()
        self.assertFalse(accounts.filtered("telecom_suspended"))

    def test_a_rule_that_was_missed_suspends_all_the_same(self):
        self.rule(21)
        move = self.invoice("Anna")
        self.assertEqual(len(self.run_job("2025-05-08")), 1)
        self.assertEqual(self.states(move), {7: "skipped", 14: "skipped", 21: "sent"})
        self.assertTrue(move.partner_id.telecom_suspended)

    def test_nobody_is_suspended_unheard(self):
        move = self.invoice("Silent", email=False)
        self.run_job("2025-04-29")
        self.assertFalse(move.partner_id.telecom_suspended)

    def test_what_a_person_suspended_a_person_ends(self):
        account = self.customer("Anna")
        account.telecom_suspended = True
        move = self.bill(accounts=account)
        self.run_job("2025-04-22")
        self.pay(move)
        self.run_job("2025-04-30")
        self.assertTrue(account.telecom_suspended)
        account.telecom_suspended = False
        self.assertFalse(account.telecom_suspended_since)
