"""Little is carried forward: one invoice of several periods, and no charge lost or doubled."""

from odoo.exceptions import UserError

from .test_closing import ClosingCase


class TestCarryForward(ClosingCase):
    """Invoices of less than 10 wait, for two periods at most."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.profile.write({"no_usage": "carry", "minimum_amount": 10, "carry_periods": 2})
        cls.reports = cls.env["telecom.reconciliation.report"]

    def states(self, account, count):
        return self.of(account)[:count].mapped("state")

    def charged_account(self, *amounts, **vals):
        """Return an account with a charge of each amount, in March, April and so on."""
        account = self.account(**vals)
        for month, amount in enumerate(amounts, 3):
            if amount:
                self.adjust(account, amount, f"2025-{month:02}-10")
        return account

    def assert_ties(self, account):
        self.env.flush_all()
        self.env.invalidate_all()
        rows = self.reports.search([("partner_id", "=", account.id)])
        self.assertTrue(rows)
        self.assertEqual(set(rows.mapped("difference")), {0.0})
        self.assert_laws(account)

    def test_periods_wait_until_the_amount_is_reached(self):
        """3 and 4 are less than 10; 3 + 4 + 8 are not."""
        account = self.charged_account(3, 4, 8)
        march = self.runs.close_periods("2025-04-01", account)
        self.assertEqual(self.states(account, 1), ["carried"])
        self.assertEqual((march.carried_count, march.invoice_count, march.progress), (1, 0, 100))
        self.assertFalse(march.move_ids)
        self.assert_ties(account)
        self.assertFalse(self.bill("2025-05-01", account))
        self.assertEqual(account.telecom_balance, -15)
        run = self.runs.close_periods("2025-06-01", account)
        periods = self.of(account)[:3]
        move = periods.move_id
        self.assertEqual(periods.mapped("state"), ["invoiced"] * 3)
        self.assertEqual((len(move), move.amount_untaxed), (1, 15))
        self.assertEqual(move.invoice_origin, "03/01/2025 – 05/31/2025")
        self.assertEqual(str(move.invoice_date), "2025-06-01")
        self.assertEqual(move.telecom_period_ids, periods)
        # three periods are one invoice, of the run that made it
        self.assertEqual((run.invoice_count, run.move_ids), (1, move))
        self.assertEqual((march.invoice_count, march.carried_count), (0, 0))
        self.assert_ties(account)

    def test_at_most_so_many_periods(self):
        account = self.charged_account(1, 2, 3, 4)
        for until, states in (
            ("2025-04-01", ["carried"]),
            ("2025-05-01", ["carried"] * 2),
            ("2025-06-01", ["invoiced"] * 3),
            ("2025-07-01", ["invoiced"] * 3 + ["carried"]),
        ):
            self.bill(until, account)
            self.assertEqual(self.states(account, len(states)), states, until)
        self.assertEqual(self.of(account).move_id.amount_untaxed, 6)
        self.assert_ties(account)

    def test_all_at_once_is_as_month_by_month(self):
        """One run over five months makes the invoices that five runs make."""
        slow, fast = (self.charged_account(1, 2, 3, 40, 5) for _two in range(2))
        for month in range(4, 9):
            self.bill(f"2025-{month:02}-01", slow)
        self.bill("2025-08-01", fast)
        for account in (slow, fast):
            self.assertEqual(
                [(move.amount_untaxed, move.invoice_origin) for move in self.moves(account)],
                [(6, "03/01/2025 – 05/31/2025"), (40, "06/01/2025 – 06/30/2025")],
            )
            self.assertEqual(self.of(account)[4].state, "carried")
            self.assert_ties(account)

    def moves(self, account):
        return self.of(account).move_id.sorted("invoice_date")

    def test_months_without_anything_wait_too_and_nothing_is_nothing(self):
        account = self.charged_account(5, 0, 0, 0)
        for month in range(4, 8):
            self.bill(f"2025-{month:02}-01", account)
        self.assertEqual(self.states(account, 4), [*["invoiced"] * 3, "skipped"])
        self.assertEqual(self.moves(account).amount_untaxed, 5)
        self.assert_ties(account)

    def test_calls_of_each_period_are_shown_by_themselves(self):
        account = self.account("2025-03-10 10:00:00", "2025-04-10 10:00:00")
        self.take_calls([self.call(account, "33123456789", "2025-04-11 12:00:00")])
        self.adjust(account, 12, "2025-04-20")
        move = self.bill("2025-05-01", account)
        self.assertEqual(
            [(line.name, line.price_subtotal) for line in move.invoice_line_ids.sorted("sequence")],
            [
                ("Calls, 03/01/2025 – 03/31/2025", 0),
                ("Belgium – calls: 1, minutes: 1:00", 0.05),
                ("Calls, 04/01/2025 – 04/30/2025", 0),
                ("Belgium – calls: 1, minutes: 1:00", 0.05),
                ("France – calls: 1, minutes: 1:00", 0.03),
                ("Other", 0),
                ("Adjustment", 12),
            ],
        )
        # 0.0333 is invoiced as 0.03: one rounding for the whole invoice
        rounding = self.env["telecom.charge"].search(
            [("partner_id", "=", account.id), ("charge_type", "=", "rounding")]
        )
        self.assertEqual((len(rounding), round(rounding.amount, 8)), (1, -0.0033))
        self.assert_ties(account)

    def test_small_credits_wait_and_large_ones_do_not(self):
        small, large = self.charged_account(-3), self.charged_account(-30)
        moves = self.bill("2025-04-01", small + large)
        self.assertEqual((moves.partner_id, moves.move_type), (large, "out_refund"))
        self.assertEqual(self.states(small, 1), ["carried"])

    def test_cancelling_frees_every_period_and_billing_again_gives_the_same(self):
        account = self.charged_account(3, 4, 8)
        self.take_calls([self.call(account, "33123456789", "2025-03-11 12:00:00")])
        for month in range(4, 7):
            move = self.bill(f"2025-{month:02}-01", account)
        self.assertEqual(move.amount_untaxed, 15.03)
        move.button_cancel()
        periods = self.of(account)[:3]
        self.assertEqual(periods.mapped("state"), ["closed"] * 3)
        self.assertEqual(periods.mapped("is_released"), [True] * 3)
        self.assert_ties(account)
        # it can be taken back while nothing else has them
        move.button_draft()
        self.assertEqual(move.telecom_period_ids, periods)
        self.assert_ties(account)
        move.button_cancel()
        again = self.bill("2025-06-01", account)
        self.assertEqual(again.telecom_period_ids, periods)
        self.assertEqual((again.amount_untaxed, again.invoice_origin), (15.03, move.invoice_origin))
        self.assert_ties(account)
        with self.assertRaisesRegex(UserError, "are on"):
            move.button_draft()
        again.button_draft()
        again.unlink()
        self.assertEqual(periods.mapped("state"), ["closed"] * 3)
        self.assert_ties(account)

    def test_a_charge_taken_off_goes_to_the_open_period(self):
        self.profile.mode = "draft"
        account = self.charged_account(3, 4, 8)
        for month in range(4, 7):
            move = self.bill(f"2025-{month:02}-01", account)
        move.invoice_line_ids.filtered(lambda line: line.price_unit == 4).unlink()
        self.assertEqual((move.amount_untaxed, len(move.telecom_period_ids)), (11, 3))
        charge = self.env["telecom.charge"].search(
            [("partner_id", "=", account.id), ("amount", "=", 4)]
        )
        self.assertEqual(str(charge.period_id.date_from), "2025-06-01")
        self.assert_ties(account)

    def test_what_the_account_says_goes_before_the_profile(self):
        account = self.charged_account(
            3, 4, telecom_no_usage="carry", telecom_minimum_amount=5, telecom_carry_periods=9
        )
        eager = self.charged_account(3, telecom_no_usage="skip")
        moves = self.bill("2025-04-01", account + eager)
        self.assertEqual(moves.partner_id, eager)
        self.assertEqual(self.bill("2025-05-01", account).amount_untaxed, 7)
        self.assert_ties(account)

    def test_another_rule_since_invoices_what_was_carried(self):
        for no_usage in ("skip", "always"):
            account = self.charged_account(3)
            self.bill("2025-04-01", account)
            account.telecom_no_usage = no_usage
            self.assertEqual(self.states(account, 1), ["carried"])
            move = self.bill("2025-05-01", account)
            self.assertEqual((move.amount_untaxed, len(move.telecom_period_ids)), (3, 2))
            self.assert_ties(account)

    def test_the_smallest_amount_is_in_the_currency_of_who_says_it(self):
        """The company's 10 are 20 dollars; the account's own 10 are dollars."""
        dollar = self.make_dollar(2)
        card = self.make_card("Dollars", self.RATES, currency_id=dollar.id)
        by_profile, by_account = (
            self.account(rate_card_id=card.id),
            self.account(rate_card_id=card.id),
        )
        by_account.write(
            {
                "telecom_no_usage": "carry",
                "telecom_minimum_amount": 10,
                "telecom_carry_periods": 1,
            }
        )
        for account in by_profile + by_account:
            self.env["telecom.charge"].create(
                {
                    "name": "Fee",
                    "partner_id": account.id,
                    "amount": 15,
                    "currency_id": dollar.id,
                    "date": "2025-03-10",
                }
            )
        move = self.bill("2025-04-01", by_profile + by_account)
        self.assertEqual((move.partner_id, move.amount_untaxed), (by_account, 15))
        self.assertEqual(self.states(by_profile, 1), ["carried"])

    def test_a_carried_period_can_be_opened_again(self):
        account = self.charged_account(3)
        self.bill("2025-04-01", account)
        period = self.of(account)[0]
        period.action_reopen()
        self.assertEqual(period.state, "open")
        self.adjust(account, 9, "2025-03-11")
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 12)
        self.assert_ties(account)

    def test_in_another_company_nothing_comes_after_it(self):
        """What a company carried is invoiced by it when another bills the account."""
        account = self.charged_account(3)
        self.bill("2025-04-01", account)
        other = self.make_company("Other")
        self.env.user.company_ids += other
        account.telecom_company_id = other
        self.assertEqual(self.states(account, 1), ["closed"])
        move = self.bill("2025-04-01", account)
        self.assertEqual((move.company_id, move.amount_untaxed), (self.company, 3))
        self.assert_ties(account)

    def test_an_earlier_period_that_failed_takes_what_waits(self):
        account = self.charged_account(30, 4)
        account.telecom_tax_ids = tax = self.make_tax(6)
        tax.active = False
        self.runs.close_periods("2025-04-01", account)
        self.assertEqual(self.of(account)[0].state, "closed")
        self.runs.close_periods("2025-05-01", account)
        self.assertEqual(self.states(account, 2), ["closed", "carried"])
        tax.active = True
        move = self.bill("2025-05-01", account)
        self.assertEqual((move.amount_untaxed, len(move.telecom_period_ids)), (34, 2))
        self.assert_ties(account)
