"""Billing runs: for whom they are, what they leave open, and what becomes of one that stops."""

from contextlib import contextmanager
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form
from odoo.tools import mute_logger

from ..models.billing_closing import PeriodCloser
from ..models.rating import Rater
from ..models.session_lock import session_lock
from ..models.subscription_charging import SubscriptionCharger
from .test_closing import ClosingCase

STOPPED = "odoo.addons.telecom_billing.models.billing_run"


class RunCase(ClosingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("boss", "telecom_billing.group_manager")

    def cron(self, moment):
        """Do what the hourly job does at a moment."""
        with freeze_time(moment):
            self.runs._cron_close_periods()

    def runs_of_company(self):
        return self.runs.search([("company_ids", "in", self.company.ids)], order="id")

    def state(self, account):
        return self.of(account)[0].state


class TestWhom(RunCase):
    def test_bill_now_on_an_archived_account_bills_that_account_alone(self):
        left, other = self.account("2025-03-10 10:00:00"), self.account("2025-03-10 10:00:00")
        left.active = False
        action = left.with_user(self.manager).action_bill_now()
        wizards = self.env["telecom.billing.run.launch"].with_user(self.manager)
        launch = Form(wizards.with_context(**action["context"]))
        launch.closing = "ended"
        launch.until = self.day("2025-04-01")
        self.assertFalse(launch.all_accounts)
        self.assertEqual(launch.due_count, 1)
        run = self.runs.browse(launch.save().action_start()["res_id"])
        self.assertEqual((run.partner_ids, run.all_accounts), (left, False))
        run.sudo()._process()
        self.assertEqual((self.state(left), self.state(other)), ("invoiced", "open"))

    def test_nobody_is_not_everybody(self):
        account = self.account("2025-03-10 10:00:00")
        nobody = self.env["res.partner"]
        for accounts in (nobody, []):
            self.assertFalse(self.runs.close_periods("2025-04-01", accounts).period_ids)
            run = self.runs._start("2025-04-01", accounts)
            run._process()
            self.assertEqual((run.state, run.all_accounts), ("done", False))
        # an account that is deleted meanwhile
        gone = self.account()
        run = self.runs._start("2025-04-01", gone)
        gone.unlink()
        run._process()
        self.assertEqual(self.state(account), "open")
        launch = self.env["telecom.billing.run.launch"].create(
            {"until": "2025-04-01", "all_accounts": False}
        )
        with self.assertRaisesRegex(UserError, "Choose"):
            launch.action_start()
        launch.all_accounts = True
        run = self.runs.browse(launch.action_start()["res_id"])
        run._process()
        self.assertEqual(self.state(account), "invoiced")
        self.assertTrue(run.all_accounts)

    def test_accounts_chosen_in_the_wizard_are_the_only_ones(self):
        account, other = self.account("2025-03-10 10:00:00"), self.account("2025-03-10 10:00:00")
        launch = self.env["telecom.billing.run.launch"].create(
            {"until": "2025-04-01", "partner_ids": account.ids}
        )
        self.runs.browse(launch.action_start()["res_id"])._process()
        self.assertEqual((self.state(account), self.state(other)), ("invoiced", "open"))


class TestUntil(RunCase):
    def test_what_has_not_come_yet_is_refused(self):
        account = self.account("2025-03-10 10:00:00")
        with freeze_time("2025-04-15 12:00:00"):
            for until in (
                "2025-04-17",
                "2028-01-01",
                "9999-12-31",
                self.day("9999-12-31"),
                self.moment("2025-04-15 12:00:01"),
                "2025-04-15T13:00:00Z",
            ):
                with self.assertRaisesRegex(UserError, "has not come yet"):
                    self.runs.close_periods(until, account)
                with self.assertRaisesRegex(UserError, "has not come yet"):
                    self.runs.create({"until": str(until)})
            launch = self.env["telecom.billing.run.launch"].create({"until": "2025-05-01"})
            with self.assertRaisesRegex(UserError, "has not come yet"):
                launch.action_start()
            for until in ("0001-01-01", "1200-05-01T00:00:00", "garbage", 20250401):
                with self.assertRaisesRegex(UserError, "is no day"):
                    self.runs.close_periods(until, account)
            # in some places it is tomorrow already
            self.runs.close_periods("2025-04-16", account)
        self.assertEqual(self.state(account), "invoiced")

    def test_a_bad_until_cannot_be_written(self):
        run = self.runs.create({"until": "2025-04-01"})
        for until in ("garbage", "9999-12-31"):
            with self.assertRaises(UserError):
                run.until = until

    def test_today_closes_no_period_that_is_still_going_on(self):
        """1 April begins at 10:00 UTC in Honolulu, at 22:00 UTC of the day before in Brussels."""
        west = self.account("2025-03-10 10:00:00", tz="Pacific/Honolulu")
        home = self.account("2025-03-10 10:00:00")
        for moment, states in (
            ("2025-03-31 21:00:00", ("open", "open")),
            ("2025-04-01 09:59:59", ("open", "invoiced")),
            ("2025-04-01 10:00:00", ("invoiced", "invoiced")),
        ):
            with freeze_time(moment):
                self.runs.close_periods("2025-04-01", west + home)
            self.assertEqual((self.state(west), self.state(home)), states, moment)
        self.assert_laws(west + home)


class TestStops(RunCase):
    @contextmanager
    def out_of_time(self, job):
        """The seconds of the cron job are used up while `job` has more to do."""
        run = job.run

        def unfinished(self, *args, **kwargs):
            result = run(self, *args, **kwargs)
            self.finished = False
            return result

        with patch.object(job, "run", unfinished):
            yield

    def test_nothing_is_frozen_before_all_is_charged(self):
        account = self.account("2025-03-10 10:00:00")
        for hour, job in enumerate((Rater, SubscriptionCharger), start=1):
            with self.out_of_time(job):
                self.cron(f"2025-04-01 0{hour}:00:00")
            self.assertEqual(self.state(account), "open")
            run = self.runs_of_company()
            self.assertEqual((len(run), run.state), (1, "running"))
        # one that a person started waits in the same way
        launched = self.runs._start("2025-04-01", account)
        with self.out_of_time(Rater):
            self.cron("2025-04-01 03:00:00")
            self.assertEqual(self.state(account), "open")
            synchronous = self.runs.close_periods("2025-04-01", account)
        self.assertEqual((synchronous.state, self.state(account)), ("running", "open"))
        self.cron("2025-04-01 04:00:00")
        self.assertEqual(self.state(account), "invoiced")
        self.assertEqual(
            set((run + launched + synchronous).mapped("state")), {"done"}, "all came to their end"
        )
        self.assertEqual(len(self.runs_of_company()), 3)

    def test_invoices_go_on_in_the_next_call(self):
        accounts = self.env["res.partner"]
        for _three in range(3):
            accounts += self.account("2025-03-10 10:00:00")
        closing = "odoo.addons.telecom_billing.models.billing_closing"
        no_time = patch(f"{closing}.commit_progress", lambda *args, **kwargs: 0)
        with patch(f"{closing}.INVOICE_BATCH", 1), no_time:
            self.cron("2025-04-01 01:00:00")
            run = self.runs_of_company()
            self.assertEqual((run.state, run.invoice_count), ("running", 1))
            self.cron("2025-04-01 02:00:00")
            self.assertEqual((run.state, run.invoice_count), ("running", 2))
            self.cron("2025-04-01 03:00:00")
        self.assertEqual((run.state, run.invoice_count, run.waiting_count), ("done", 3, 0))
        self.assertEqual(self.runs_of_company(), run)
        self.assert_laws(accounts)

    def test_a_run_that_is_stopped_says_why_and_stops_no_other(self):
        first, second = self.account("2025-03-10 10:00:00"), self.account("2025-03-10 10:00:00")
        stopped = self.runs.with_user(self.manager)._start("2025-04-01", first).sudo()
        other = self.runs._start("2025-04-01", second)
        freeze = PeriodCloser._freeze

        def stop(closer, until, partners):
            if closer.run == stopped:
                raise ZeroDivisionError("by another add-on")
            return freeze(closer, until, partners)

        with patch.object(PeriodCloser, "_freeze", stop), self.assertLogs(STOPPED, "ERROR"):
            self.cron("2025-04-01 01:00:00")
        self.assertEqual((stopped.state, other.state), ("failed", "done"))
        self.assertEqual(stopped.error, "ZeroDivisionError: by another add-on")
        # nobody is told in vain: it is tried again when a person says so
        stopped.with_user(self.manager).action_retry()
        self.assertEqual((stopped.state, stopped.error), ("waiting", False))
        self.cron("2025-04-01 02:00:00")
        self.assertEqual(stopped.state, "done")
        self.assertEqual((self.state(first), self.state(second)), ("invoiced", "invoiced"))

    @mute_logger(STOPPED)
    def test_the_hourly_job_tries_again_in_the_run_that_was_stopped(self):
        account = self.account("2025-03-10 10:00:00")
        with patch.object(PeriodCloser, "_freeze", side_effect=ZeroDivisionError):
            for hour in (1, 2, 3):
                self.cron(f"2025-04-01 0{hour}:00:00")
                run = self.runs_of_company()
                self.assertEqual((len(run), run.state), (1, "failed"))
            with self.assertRaises(ZeroDivisionError):
                self.runs.close_periods("2025-04-01", account)
        self.cron("2025-04-01 04:00:00")
        self.assertEqual((self.of(account)[0].run_id, run.state), (run, "done"))

    def test_going_on_twice_is_going_on(self):
        """A second press of the button must not end a run that has done nothing yet."""
        account = self.account("2025-03-10 10:00:00")
        run = self.runs._start("2025-04-01", account)
        run.state = "failed"
        for _press in range(3):
            run.action_retry()
            self.assertEqual(run.state, "waiting")
        self.cron("2025-04-02 00:00:00")
        self.assertEqual((run.state, self.state(account)), ("done", "invoiced"))

    def test_what_fails_keeps_nobody_waiting(self):
        """Not even where trying it again uses up all the seconds of the job."""
        failing = [self.account("2025-03-10 10:00:00") for _n in range(3)]
        tax = self.make_tax(0)
        for account in failing:
            account.telecom_tax_ids = tax
        tax.active = False
        self.cron("2025-04-01 01:00:00")
        self.assertEqual({self.state(account) for account in failing}, {"closed"})
        sound = self.account("2025-03-10 10:00:00")
        late = "odoo.addons.telecom_billing.models.billing_closing.commit_progress"
        with patch(late, lambda *_args, **_kwargs: 0):
            self.cron("2025-04-01 02:00:00")
            self.cron("2025-04-01 02:00:00")
        self.assertEqual(self.state(sound), "invoiced")

    def test_one_process_at_a_time_works_on_a_run(self):
        account = self.account("2025-03-10 10:00:00")
        run = self.runs._start("2025-04-01", account)
        with self.env.registry.cursor() as cr, session_lock(cr, run._table, run.id) as alone:
            self.assertTrue(alone)
            self.cron("2025-04-01 01:00:00")
            self.assertEqual(run.state, "waiting")
        self.cron("2025-04-01 02:00:00")
        self.assertEqual(run.state, "done")

    def test_an_interrupted_run_for_closed_periods_closes_no_other(self):
        """As the Invoice button makes one; killed, it is worked off by the hourly job."""
        account, other = self.account("2025-03-10 10:00:00"), self.account("2025-03-10 10:00:00")
        move = self.bill("2025-04-01", account)
        move.button_cancel()
        run = self.runs._new_for(self.of(account)[0])
        self.cron("2025-03-25 01:00:00")
        self.assertEqual((run.state, self.state(account)), ("done", "invoiced"))
        self.assertEqual(self.state(other), "open")


class TestReleased(RunCase):
    def cancelled(self):
        """Return an account whose invoice of March is cancelled; it has a call in April, too."""
        account = self.account("2025-03-10 10:00:00", "2025-04-10 10:00:00")
        self.bill("2025-04-01", account).button_cancel()
        return account

    def test_the_hourly_job_leaves_a_cancelled_invoice_to_a_person(self):
        account = self.cancelled()
        march = self.of(account)[0]
        self.assertEqual((march.state, march.is_released), ("closed", True))
        for hour in (1, 2):
            self.cron(f"2025-04-02 0{hour}:00:00")
            self.assertEqual((march.state, march.is_released), ("closed", True))
        self.assertFalse(self.runs.search([("is_automatic", "=", True)]) & march.run_id)
        # what is due later is invoiced as ever
        self.cron("2025-05-01 01:00:00")
        self.assertEqual(self.of(account).mapped("state")[:2], ["closed", "invoiced"])
        self.assertIn(march, self.periods.search([("is_released", "=", True)]))
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 0.05)
        self.assertEqual((march.state, march.is_released), ("invoiced", False))
        self.assert_laws(account)

    def test_somebody_is_told_that_charges_wait(self):
        account = self.cancelled()
        march = self.of(account)[0]
        self.assertEqual(march.activity_ids.user_id, self.manager)
        self.assertIn("not billed yet", march.message_ids[0].body)
        self.bill("2025-04-01", account)
        self.assertFalse(march.activity_ids)

    def test_no_later_period_is_closed_before_one_that_was_opened_again(self):
        account, other = self.cancelled(), self.account("2025-04-10 10:00:00")
        march, april = self.of(account)
        march.action_reopen()
        for hour in (1, 2):
            self.cron(f"2025-05-01 0{hour}:00:00")
        self.assertEqual((march.state, april.state), ("open", "open"))
        self.assertEqual(self.of(other)[0].state, "invoiced")
        self.assertEqual(len(self.runs.search([("is_automatic", "=", True)])), 1)
        # a late call of April is on April's invoice
        self.take_calls([self.call(account, uid="late", start="2025-04-20 10:00:00")])
        self.bill("2025-04-01", account)
        self.cron("2025-05-01 03:00:00")
        self.assertEqual((march.state, april.state), ("invoiced", "invoiced"))
        self.assertEqual((march.move_id.amount_untaxed, april.move_id.amount_untaxed), (0.05, 0.1))
        self.assert_laws(account)

    def test_a_deleted_invoice_is_left_to_a_person_too(self):
        account = self.account("2025-03-10 10:00:00")
        self.profile.mode = "draft"
        self.bill("2025-04-01", account).unlink()
        self.cron("2025-04-02 01:00:00")
        march = self.of(account)[0]
        self.assertEqual((march.state, march.is_released), ("closed", True))
        march.with_user(self.manager).action_invoice()
        self.assertEqual((march.state, march.is_released), ("invoiced", False))

    def test_retrying_what_failed_leaves_it_alone(self):
        account = self.cancelled()
        march = self.of(account)[0]
        march.run_id.action_retry()
        self.assertEqual(march.state, "closed")

    def test_reopened_it_can_be_mended(self):
        account = self.cancelled()
        march, april = self.of(account)
        card = self.make_card("Mended", [("32", "Belgium", 0.02, {})])
        account.rate_card_id = card
        for user in (self.make_user("clerk"), self.make_user("nobody", "base.group_user")):
            with self.assertRaises(AccessError):
                march.with_user(user).action_reopen()
        march.with_user(self.manager).action_reopen()
        self.assertEqual((march.state, march.is_released), ("open", True))
        self.assertEqual(self.env["telecom.cdr"]._rerate(accounts=account)["released"], 2)
        self.assert_laws(account)
        self.cron("2025-04-02 01:00:00")
        self.assertEqual(march.state, "open", "a person says when")
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 0.02)
        self.assertEqual((march.state, march.is_released), ("invoiced", False))
        self.assertEqual(april.state, "open")
        self.assert_laws(account)

    def test_only_the_last_closed_period_is_reopened(self):
        account = self.cancelled()
        march, april = self.of(account)
        with self.assertRaisesRegex(UserError, "not closed"):
            april.action_reopen()
        moves = self.bill("2025-05-01", account)
        moves.filtered(lambda move: move.telecom_period_ids == march).button_cancel()
        with self.assertRaisesRegex(UserError, "after it is closed already"):
            march.action_reopen()
        april.move_id.button_cancel()
        (march + april).action_reopen()
        self.assertEqual((march + april).mapped("state"), ["open", "open"])
        self.assertEqual(sum(self.bill("2025-05-01", account).mapped("amount_untaxed")), 0.1)
        self.assert_laws(account)

    def test_a_rounded_period_is_reopened_without_its_rounding(self):
        card = self.make_card("Fine", [("32", "Belgium", 0.01234, {})], rounding_digits=8)
        account = self.account("2025-03-10 10:00:00", rate_card_id=card.id)
        self.bill("2025-04-01", account).button_cancel()
        march = self.of(account)[0]
        march.action_reopen()
        self.assertFalse(march.charge_ids)
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 0.01)
        self.assert_laws(account)
