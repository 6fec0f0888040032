"""What comes after an account has moved away, and after the last invoice of whoever sold it."""

from decimal import Decimal

from freezegun import freeze_time

from .test_money_seams import SeamCase
from .test_reseller_moves import MOVED


class TestLateSales(SeamCase):
    def late(self, account):
        return self.of(account).filtered("is_late")

    def test_what_is_told_late_is_invoiced_by_who_sold_it(self):
        """A call, and the end of a service, that come after Former's last invoice: Later, and its
        books, have nothing to do with them."""
        account = self.account("2025-03-10 10:00:00", reseller_id=self.former.id)
        line = self.add_service(account, self.line)
        with freeze_time("2025-03-10 12:00:00"):
            self.env["telecom.subscription"]._add_recurring_charges(self.day("2025-03-10"), account)
        self.move(account, self.later)
        with freeze_time("2025-03-16 10:00:00"):
            self.bill("2025-03-16", account)
            self.take_calls(
                [self.call(account, start=start) for start in ("2025-03-15 11:00:00", MOVED)]
            )
            # priced again as the same
            self.env["telecom.cdr"]._rerate(accounts=account)
        with freeze_time("2025-03-17 10:00:00"):
            self.bill("2025-03-17", account)
        with freeze_time("2025-03-20 10:00:00"):
            line.date_end = "2025-03-20"
            self.env["telecom.subscription"]._add_recurring_charges(self.day("2025-03-20"), account)
        self.assertEqual(
            self.charged_to(self.former),
            {
                "2025-03-10 10:00:00": Decimal("0.03"),
                "2025-03-15 11:00:00": Decimal("0.03"),
                "2025-03-01": Decimal(20),
                # 12 of 31 days
                "2025-03-20": Decimal("-7.74"),
            },
        )
        self.bill("2025-04-01")
        self.assertEqual(
            [
                (p.move_id.telecom_profile_id.owner_id.name, p.is_late, p.move_id.amount_untaxed)
                for p in self.of(account).filtered("move_id").sorted("id")
            ],
            [
                # the call and the line
                ("Former", False, 31.05),
                ("Later", False, 0.05),
                # the late call
                ("Former", True, 0.05),
                # a credit note of 12 days
                ("Former", True, 12.0),
            ],
        )
        late = self.late(account)
        self.assertEqual(late[1].move_id.move_type, "out_refund")
        self.assertEqual(
            self.revenue(account),
            {
                ("Former", "calls"): Decimal("0.1"),
                ("Former", "subscription"): Decimal(19),
                ("Later", "calls"): Decimal("0.05"),
            },
        )
        self.assert_laws(account + self.former + self.later)
        # given up, it waits for a person like any other, and is invoiced again
        invoice = late[0].move_id
        invoice.button_draft()
        invoice.button_cancel()
        self.assertEqual((late[0].state, late[0].is_released), ("closed", True))
        late[0].action_invoice()
        self.assertEqual(late[0].move_id.amount_untaxed, 0.05)
        self.assertEqual(late[0].move_id.telecom_profile_id, self.former.telecom_own_profile_id)
        self.assert_laws(account + self.former + self.later)

    def test_a_late_call_without_a_rate_leaves_no_invoice(self):
        self.former.telecom_own_profile_id.no_usage = "always"
        account = self.moved()
        with freeze_time("2025-03-16 10:00:00"):
            self.bill("2025-03-16", account)
            row = self.call(account, "9991234", start="2025-03-15 11:00:00")
            self.env["telecom.cdr"].import_calls([row], "test")
            self.env["telecom.cdr"].rate_pending()
        with freeze_time("2025-03-17 10:00:00"):
            self.bill("2025-03-17", account)
            self.env["telecom.cdr"].rate_pending()
            # the same period again
            self.assertEqual(self.late(account).mapped("state"), ["open"])
        with freeze_time("2025-03-18 10:00:00"):
            self.bill("2025-03-18", account)
        self.assertEqual(self.late(account).mapped("state"), ["skipped"])

    def test_what_is_taken_off_the_former_ones_draft_stays_its_own(self):
        self.former.telecom_own_profile_id.mode = "draft"
        account = self.account("2025-03-10 10:00:00", reseller_id=self.former.id)
        charge = self.adjust(account, 5, "2025-03-11")
        self.move(account, self.later)
        with freeze_time("2025-03-16 10:00:00"):
            draft = self.bill("2025-03-16", account)
            draft.invoice_line_ids.filtered("telecom_charge_id").unlink()
        self.assertEqual(charge.period_id, self.late(account))
        self.assertEqual(charge.period_id.profile_id, self.former.telecom_own_profile_id)
        self.bill("2025-04-01")
        self.assertEqual(charge.move_id.telecom_profile_id.owner_id, self.former)
        self.assert_laws(account + self.former + self.later)

    def test_what_is_told_late_is_in_the_books_of_who_sold_it(self):
        other = self.make_company("Other")
        self.call_product.taxes_id = self.tax + self.make_tax(21, company=other)
        self.later.telecom_own_profile_id.write({"company_id": other.id, "journal_id": False})
        account = self.account("2025-03-10 10:00:00", reseller_id=self.former.id)
        self.move(account, self.later)
        with freeze_time("2025-03-16 10:00:00"):
            self.bill("2025-03-16", account)
            self.take_calls([self.call(account, start="2025-03-12 10:00:00")])
        self.bill("2025-04-01")
        late = self.of(account).filtered("is_late").move_id
        self.assertEqual((late.company_id, late.amount_untaxed), (self.company, 0.05))
        self.assertFalse(self.of(account).move_id.filtered(lambda m: m.company_id == other))
