"""Billing an account now: the period that is going on is cut at the midnight that begins today."""

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form

from ..models.billing_preview import BillingPreview
from .test_closing import ClosingCase

NOON = "2025-03-15 12:00:00"


class TestBillNow(ClosingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("boss", "telecom_billing.group_manager")

    def bill_now(self, accounts, moment=NOON):
        """Bill everything until today; return the run."""
        with freeze_time(moment):
            run = self.runs.close_periods(self.moment(moment), accounts, early=True)
        self.assertEqual(run.state, "done")
        self.assertFalse(run.failed_period_ids.mapped("error"))
        return run

    def test_what_happened_until_today_is_billed_and_the_rest_at_the_regular_edge(self):
        """10 for March and two calls of 0.05; then two calls of 0.05 and 10 for April."""
        account = self.account("2025-03-10 10:00:00", "2025-03-14 22:59:59", "2025-03-14 23:00:00")
        self.add_service(account, self.make_product("Line"))
        run = self.bill_now(account)
        move = run.move_ids
        self.assertEqual(move.amount_untaxed, 10.1)
        self.assertEqual(str(move.invoice_date), "2025-03-15")
        self.assertEqual(
            self.spans(account), [("2025-03-01", "2025-03-15"), ("2025-03-15", "2025-04-01")]
        )
        self.assert_laws(account)
        self.assertEqual(self.of(account).mapped("state"), ["invoiced", "open"])
        self.take_calls([self.call(account, start="2025-03-15 13:00:00")])
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 10.1)
        self.assertEqual(len(self.of(account).filtered("move_id")), 2)
        self.assert_laws(account)

    def test_the_accounts_own_day(self):
        """15 March begins at 11:00 UTC of the 14th in Auckland. At 05:00 UTC of the 15th it is
        the 14th in Honolulu, which began there at 10:00 UTC of the 14th."""
        for tz, now, before, after, edge in (
            *(
                ("Pacific/Auckland", "2025-03-14 18:00:00", *span)
                for span in [("2025-03-14 10:59:59", "2025-03-14 11:00:00", "2025-03-15")]
            ),
            *(
                ("Pacific/Honolulu", "2025-03-15 05:00:00", *span)
                for span in [("2025-03-14 09:59:59", "2025-03-14 10:00:00", "2025-03-14")]
            ),
        ):
            account = self.account(before, after, tz=tz)
            run = self.bill_now(account, now)
            self.assertEqual(run.move_ids.amount_untaxed, 0.05, tz)
            self.assertEqual(self.spans(account), [("2025-03-01", edge), (edge, "2025-04-01")], tz)
            first, rest = self.of(account)
            self.assertEqual((str(first.stop), str(rest.start)), (after, after))
            self.assertEqual(self.charges_of(account).period_id, first + rest)
            self.assert_laws(account)

    def test_a_late_call_goes_on_the_next_invoice(self):
        account = self.account("2025-03-10 10:00:00")
        self.bill_now(account)
        self.take_calls([self.call(account, start="2025-03-05 10:00:00")])
        self.assertEqual(self.charges_of(account)[0].period_id, self.of(account)[1])
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 0.05)
        self.assert_laws(account)

    def test_nothing_is_cut_for_nothing(self):
        today = self.account("2025-03-15 08:00:00")
        daily = self.account("2025-03-15 08:00:00", billing_cycle="daily")
        idle = self.account()
        before = [self.spans(account) for account in today + daily + idle]
        run = self.bill_now(today + daily + idle)
        self.assertFalse(run.period_ids)
        self.assertEqual([self.spans(account) for account in today + daily + idle], before)
        self.assert_laws(today + daily + idle)

    def test_twice_and_the_day_after(self):
        account = self.account("2025-03-10 10:00:00", "2025-03-15 08:00:00")
        self.bill_now(account)
        spans = self.spans(account)
        self.assertFalse(self.bill_now(account).period_ids)
        self.assertEqual(self.spans(account), spans)
        run = self.bill_now(account, "2025-03-16 00:30:00")
        self.assertEqual(run.move_ids.amount_untaxed, 0.05)
        self.assertEqual(
            self.spans(account),
            [
                ("2025-03-01", "2025-03-15"),
                ("2025-03-15", "2025-03-16"),
                ("2025-03-16", "2025-04-01"),
            ],
        )
        self.assert_laws(account)

    def test_who_is_asked_for_waits_for_no_minimum(self):
        """Of 5 the minimum: 0.05 is invoiced when somebody asks for this very account."""
        self.profile.write({"no_usage": "carry", "minimum_amount": 5, "carry_periods": 3})
        account = self.account("2025-03-10 10:00:00")
        self.assertEqual(self.bill_now(account).move_ids.amount_untaxed, 0.05)
        self.assert_laws(account)

    def test_everybody_asked_for_means_nobody_asked_for(self):
        """A run for all accounts cuts nothing of which too little would be invoiced."""
        self.profile.write({"no_usage": "carry", "minimum_amount": 5, "carry_periods": 3})
        account = self.account("2025-03-10 10:00:00")
        with freeze_time(NOON):
            run = self.runs.close_periods(self.moment(NOON), early=True)
        self.assertFalse(run.period_ids)
        self.assertEqual(len(self.of(account)), 1)
        self.assert_laws(account)

    def test_what_was_carried_forward_is_billed_with_it(self):
        """February's 0.05 was carried; with it and March's 4.95 the minimum of 5 is reached."""
        self.profile.write({"no_usage": "carry", "minimum_amount": 5, "carry_periods": 3})
        account = self.account("2025-02-10 10:00:00")
        self.bill("2025-03-01", account)
        self.assertEqual(self.of(account)[0].state, "carried")
        self.adjust(account, 4.95, "2025-03-12")
        self.assertEqual(self.bill_now(account).move_ids.amount_untaxed, 5.0)
        self.assertEqual(len(self.of(account).filtered("move_id")), 2)
        self.assert_laws(account)

    def test_what_ended_before_is_billed_with_it(self):
        account = self.account("2025-02-10 10:00:00", "2025-03-10 10:00:00")
        run = self.bill_now(account)
        self.assertEqual(run.invoice_count, 2)
        self.assertEqual(
            self.spans(account),
            [
                ("2025-02-01", "2025-03-01"),
                ("2025-03-01", "2025-03-15"),
                ("2025-03-15", "2025-04-01"),
            ],
        )
        self.assert_laws(account)

    def test_cancelled_and_billed_again(self):
        account = self.account("2025-03-10 10:00:00", "2025-03-15 08:00:00")
        move = self.bill_now(account).move_ids
        move.button_draft()
        move.button_cancel()
        first, rest = self.of(account)
        self.assertEqual((first.state, first.is_released), ("closed", True))
        self.assert_laws(account)
        again = self.bill_now(account).move_ids
        self.assertEqual(again.amount_untaxed, 0.05)
        self.assertEqual(self.of(account), first + rest)
        again.button_draft()
        again.button_cancel()
        first.action_reopen()
        self.take_calls([self.call(account, start="2025-03-11 10:00:00")])
        self.assertEqual(self.bill("2025-03-15", account).amount_untaxed, 0.1)
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 0.05)
        self.assert_laws(account)

    def test_charges_are_where_their_day_falls(self):
        """Of yesterday 5, of today 7, of tomorrow 9; a service from today, 17 days at 1."""
        account = self.account("2025-03-10 10:00:00")
        for amount, day in ((5, "2025-03-14"), (7, "2025-03-15"), (9, "2025-03-16")):
            self.adjust(account, amount, day)
        self.add_service(account, self.make_product("Line", price=31), "2025-03-15")
        move = self.bill_now(account).move_ids
        # what is due in advance on a day is on the invoice of that day
        self.assertEqual(move.amount_untaxed, 22.05)
        self.assert_laws(account)
        # 16, and April's 31
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 47.0)
        self.assert_laws(account)

    def test_a_reseller_is_billed_by_its_own_day(self):
        """The reseller is in Honolulu, its customer in Auckland: days of usage are hers."""
        reseller = self.make_reseller("R", tz="Pacific/Honolulu")
        customer = self.account(
            "2025-03-14 09:59:59",
            "2025-03-14 10:00:00",
            "2025-03-14 11:00:00",
            tz="Pacific/Auckland",
            reseller_id=reseller.id,
        )
        run = self.bill_now(reseller, "2025-03-15 05:00:00")
        self.assertEqual(run.move_ids.partner_id, reseller)
        self.assertEqual(run.move_ids.amount_untaxed, 0.05)
        self.assertEqual(len(self.of(customer)), 1)
        self.assert_laws(reseller + customer)
        days = self.query(
            "SELECT DISTINCT day::text FROM telecom_usage WHERE period_id = %s ORDER BY 1",
            self.of(reseller)[1].id,
        )
        self.assertEqual(days, [("2025-03-14",), ("2025-03-15",)])
        # priced again, all is still in its place
        self.env["telecom.cdr"]._rerate(accounts=customer)
        self.assert_laws(reseller + customer)
        self.assertEqual(self.bill("2025-04-02", reseller).amount_untaxed, 0.1)

    def test_free_units_go_on(self):
        """100 free seconds: a call of a minute is free, of the next 40 of 60 seconds are."""
        account = self.account()
        self.add_service(account, self.make_package("Pack", 100))
        self.take_calls(
            [self.call(account, start=f"2025-03-{day} 10:00:00") for day in ("10", "15")]
        )
        self.assertEqual(self.bill_now(account).move_ids.amount_untaxed, 10.0)
        first, second = self.charges_of(account)
        self.assertEqual((first.free_seconds, second.free_seconds), (60, 40))
        self.assert_laws(account)

    def test_a_new_billing_day_after_it(self):
        account = self.account("2025-03-10 10:00:00")
        self.bill_now(account)
        account.billing_day = 20
        self.take_calls(
            [self.call(account, start=f"2025-03-{day} 10:00:00") for day in ("16", "21")]
        )
        self.assertEqual(
            self.spans(account),
            [
                ("2025-03-01", "2025-03-15"),
                ("2025-03-15", "2025-03-20"),
                ("2025-03-20", "2025-04-20"),
            ],
        )
        self.assert_laws(account)

    def test_the_wizard_and_its_preview(self):
        account, other = (
            self.account("2025-03-10 10:00:00", "2025-03-15 08:00:00") for _two in range(2)
        )
        with freeze_time(NOON):
            action = account.with_user(self.manager).action_bill_now()
            launches = self.env["telecom.billing.run.launch"].with_user(self.manager)
            launch = Form(launches.with_context(**action["context"])).save()
            self.assertEqual(launch.closing, "early")
            launch.action_preview()
            self.assertEqual(len(self.of(account)), 1)
            vals = self.runs._new_vals(*launch._scope(), **launch._run_vals())
            values = BillingPreview(launch.env, vals).values()
            run = self.runs.browse(launch.action_start()["res_id"]).sudo()
            run._process()
        self.assertTrue(run.is_early)
        self.assertEqual(values["totals"], [run.totals])
        self.assertEqual((values["invoices"], run.invoice_count), (1, 1))
        self.assertEqual(run.move_ids.amount_untaxed, 0.05)
        self.assertEqual(len(self.of(other)), 1)
        # whole periods only: nothing is due
        with freeze_time(NOON):
            launch = launches.create({"partner_ids": [Command.set(other.ids)]})
            self.assertEqual(launch.closing, "ended")
            launch.action_preview()
            run = self.runs.browse(launch.action_start()["res_id"]).sudo()
            run._process()
        self.assertFalse(run.period_ids)
        self.assert_laws(account + other)

    def test_a_failure_is_retried(self):
        account = self.account("2025-03-10 10:00:00")
        tax = self.make_tax(6)
        account.telecom_tax_ids = tax
        tax.active = False
        with freeze_time(NOON):
            run = self.runs.close_periods(self.moment(NOON), account, early=True)
        self.assertEqual(run.failure_count, 1)
        account.telecom_tax_ids = False
        run.action_retry()
        self.assertEqual((run.failure_count, run.move_ids.amount_untaxed), (0, 0.05))
        self.assert_laws(account)

    def test_billing_managers_only(self):
        account = self.account("2025-03-10 10:00:00")
        clerk = self.make_user("clerk")
        with self.assertRaises(AccessError):
            self.runs.with_user(clerk).close_periods(self.moment(NOON), account, early=True)
        self.assertEqual(len(self.of(account)), 1)
