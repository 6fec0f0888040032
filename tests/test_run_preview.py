"""What the launch of a billing run says before it is started, and the run that follows."""

from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form

from ..models.billing_preview import BillingPreview
from .test_closing import ClosingCase


class TestRunPreview(ClosingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("boss", "telecom_billing.group_manager")
        cls.launches = cls.env["telecom.billing.run.launch"]

    def launch(self, accounts=None, until="2025-04-01", **vals):
        """Return a launch by the manager; accounts None: all."""
        vals = {"until": until, **vals}
        if accounts is not None:
            vals["partner_ids"] = [Command.set(accounts.ids)]
        return self.launches.with_user(self.manager).create(vals)

    def figures(self, launch):
        """Return the values of the preview's page."""
        vals = self.runs._new_vals(*launch._scope(), **launch._run_vals())
        return BillingPreview(launch.env, vals).values()

    def start(self, launch):
        """Start the run that was previewed, and let it work."""
        run = self.runs.browse(launch.action_start()["res_id"]).sudo()
        run._process()
        self.assertEqual(run.state, "done")
        return run

    def count_all(self):
        """Return how many rows there are of what a run makes."""
        return self.query(
            """
            SELECT (SELECT count(*) FROM account_move), (SELECT count(*) FROM telecom_charge),
                   (SELECT count(*) FROM telecom_usage),
                   (SELECT count(*) FROM telecom_billing_period),
                   (SELECT count(*) FROM telecom_billing_run),
                   (SELECT count(*) FROM telecom_cdr_pending),
                   (SELECT count(*) FROM mail_message), (SELECT count(*) FROM mail_activity)
            """
        )

    def test_the_preview_is_the_run(self):
        """Two calls of 0.05 of which one is not rated yet, and 31 days of service for 10.

        10.10 before tax, 2.12 of tax: 12.22 in all.
        """
        account = self.account("2025-03-10 10:00:00")
        self.add_service(account, self.make_product("Line"))
        self.env["telecom.cdr"].import_calls(
            [self.call(account, start="2025-03-11 10:00:00")], "test"
        )
        launch = self.launch(account)
        before = self.count_all()
        with freeze_time("2025-04-01 06:00:00"):
            # April's service is due on the day itself
            values = self.figures(launch)
        self.assertEqual(self.count_all(), before)
        self.assertEqual(self.of(account).state, "open")
        self.assertTrue(values["exact"])
        self.assertEqual(values["warnings"]["pending"], 1)
        (line,) = values["lines"]
        self.assertEqual(line["note"], "Invoice")
        with freeze_time("2025-04-01 06:00:00"):
            run = self.start(launch)
        move = run.move_ids
        # March and, in advance, April: 20.10, and 21 % of it: 4.22
        self.assertEqual((move.amount_untaxed, move.amount_total), (20.1, 24.32))
        self.assertIn("20.10", line["amount"])
        self.assertIn("24.32", line["total"])
        self.assertEqual(values["totals"], [run.totals])
        self.assertEqual((values["accounts"], values["invoices"]), (1, 1))
        self.assert_laws(account)

    def test_failures_and_empty_accounts_are_foreseen(self):
        broken = self.account("2025-03-10 10:00:00")
        idle = self.account()
        self.bill("2025-04-01", broken)
        self.take_calls([self.call(broken, start="2025-04-10 10:00:00")])
        self.env["telecom.billing.period"]._ensure(
            {idle.id: ("2025-04-02 00:00:00", "2025-04-02 00:00:00")}
        )
        tax = self.make_tax(6)
        broken.telecom_tax_ids = tax
        tax.active = False
        launch = self.launch(broken + idle, until="2025-05-01")
        before = self.count_all()
        values = self.figures(launch)
        self.assertEqual(self.count_all(), before)
        self.assertEqual(
            (values["invoices"], values["skipped"], values["failures"]), (0, 1, 1), values
        )
        run = self.start(launch)
        self.assertEqual((run.invoice_count, run.skipped_count, run.failure_count), (0, 1, 1))
        said = [line["failure"] for line in values["lines"] if line["failure"]]
        self.assertEqual(said, run.failed_period_ids.mapped("error"))
        # the next preview says so, and leads there
        again = self.launch(broken + idle, until="2025-05-01")
        again.action_preview()
        self.assertEqual(again.failure_count, 1)
        action = again.action_open_failures()
        found = self.periods.search(action["domain"])
        self.assertEqual(found, run.failed_period_ids)
        # mended, the run is gone on with
        broken.telecom_tax_ids = False
        run.action_retry()
        self.assertEqual((run.invoice_count, run.failure_count), (1, 0))
        self.assert_laws(broken + idle)

    def test_what_is_carried_forward_is_foreseen(self):
        """January's 0.05 waits for February's 4.95: one invoice of 5; another account's waits."""
        self.profile.write({"no_usage": "carry", "minimum_amount": 5, "carry_periods": 3})
        first, second = self.account("2025-01-10 10:00:00"), self.account("2025-02-10 10:00:00")
        self.adjust(first, 4.95, "2025-02-10")
        launch = self.launch(first + second, until="2025-03-01")
        values = self.figures(launch)
        self.assertEqual((values["invoices"], values["carried"]), (1, 1), values)
        run = self.start(launch)
        self.assertEqual(values["totals"], [run.totals])
        self.assertEqual((run.invoice_count, run.move_ids.amount_untaxed), (1, 5.0))
        self.assert_laws(first + second)

    def test_a_credit_note_counts_below_zero(self):
        first, second = self.account(), self.account()
        self.adjust(first, 100, "2025-03-10")
        self.adjust(second, -30, "2025-03-10")
        launch = self.launch(first + second)
        values = self.figures(launch)
        # 100 - 30 = 70, tax 21 - 6.30 = 14.70
        (total,) = values["totals"]
        for part in ("70.00", "14.70", "84.70"):
            self.assertIn(part, total)
        notes = {line["account_id"]: line["note"] for line in values["lines"]}
        self.assertEqual(notes, {first.id: "Invoice", second.id: "Credit note"})
        run = self.start(launch)
        self.assertEqual(sorted(run.move_ids.mapped("amount_untaxed_signed")), [-30.0, 100.0])

    def test_many_accounts_are_added_up(self):
        """0.05 + 0.05 + 7 of two accounts, as it stands; the call that waits is said aside."""
        first, second = self.account("2025-03-10 10:00:00"), self.account("2025-03-11 10:00:00")
        self.adjust(second, 7, "2025-03-10")
        self.env["telecom.cdr"].import_calls([self.call(first)], "test")
        launch = self.launch(first + second)
        with patch("odoo.addons.telecom_billing.models.billing_preview.REHEARSED_ACCOUNTS", 1):
            values = self.figures(launch)
            launch.action_preview()
        self.assertFalse(values["exact"])
        self.assertEqual((values["accounts"], values["periods"]), (2, 2))
        self.assertIn("7.10", values["totals"][0])
        self.assertEqual(values["warnings"]["pending"], 1)
        self.assertIn("charged by now", launch.preview)

    def test_time_zones(self):
        """At 11:30 UTC of 31 March, March is over in Auckland and not in Honolulu."""
        east = self.account("2025-03-10 10:00:00", tz="Pacific/Auckland")
        west = self.account("2025-03-10 10:00:00", tz="Pacific/Honolulu")
        launch = self.launch(east + west)
        with freeze_time("2025-03-31 11:30:00"):
            values = self.figures(launch)
            self.assertEqual([line["account_id"] for line in values["lines"]], east.ids)
            run = self.start(launch)
        self.assertEqual(run.period_ids.partner_id, east)
        self.assert_laws(east + west)

    def test_warnings(self):
        self.profile.send_mail = True
        mute = self.account("2025-03-10 10:00:00")
        reached = self.account("2025-03-10 10:00:00", email="reached@example.com")
        move = self.bill("2025-04-01", mute)
        move.button_draft()
        move.button_cancel()
        self.env["telecom.cdr"].import_calls(
            [self.call(reached, dst="99912345"), self.call(reached, dst="99912346")], "test"
        )
        launch = self.launch(mute + reached)
        self.env["telecom.cdr"].rate_pending()
        values = self.figures(launch)
        self.assertEqual(values["warnings"]["without_mail"], (1, [mute.display_name]))
        self.assertEqual(values["warnings"]["released"], 1)
        self.assertEqual(values["unrated"], [("No rate for the number", 2)])
        launch.action_preview()
        self.assertEqual(launch.unrated_count, 2)
        for text in ("No rate for the number", mute.display_name, "cancelled"):
            self.assertIn(text, launch.preview)
        found = self.periods.search(launch.action_open_released()["domain"])
        self.assertEqual(found, self.of(mute).filtered("is_released"))
        run = self.start(launch)
        self.assertEqual(run.invoice_count, values["invoices"])

    def test_an_issuer_bills_its_own_accounts_only(self):
        reseller = self.make_reseller("R")
        profile = self.profile.copy({"name": "R", "owner_id": reseller.id})
        sold = self.account("2025-03-10 10:00:00", reseller_id=reseller.id)
        own = self.account("2025-03-10 10:00:00")
        launch = self.launch(profile_ids=[Command.set(profile.ids)])
        values = self.figures(launch)
        self.assertEqual([line["account_id"] for line in values["lines"]], sold.ids)
        run = self.start(launch)
        self.assertEqual(run.profile_ids, profile)
        self.assertEqual(run.period_ids.partner_id, sold)
        self.assertEqual(self.of(own).state, "open")
        # together with accounts: those that are both
        launch = self.launch(own + reseller, profile_ids=[Command.set(profile.ids)])
        self.assertFalse(self.figures(launch)["lines"])
        self.assert_laws(sold + own + reseller)

    def test_pages(self):
        account = self.account("2025-03-10 10:00:00")
        action = account.with_user(self.manager).action_bill_now()
        form = Form(self.launches.with_user(self.manager).with_context(**action["context"]))
        form.closing = "ended"
        form.until = self.day("2025-04-01")
        launch = form.save()
        reopened = launch.action_preview()
        self.assertEqual((reopened["res_id"], launch.state), (launch.id, "preview"))
        self.assertIn(account.name, launch.preview)
        launch.action_back()
        self.assertEqual(launch.state, "scope")
        run = self.start(launch)
        self.assertEqual(run.company_ids, self.company)

    def test_rights(self):
        account = self.account("2025-03-10 10:00:00")
        clerk = self.make_user("clerk")
        launch = self.launch(account)
        for method in ("action_preview", "action_start"):
            with self.assertRaises(AccessError):
                getattr(launch.with_user(clerk), method)()
        other = self.make_company("Other")
        launch = self.launch(account)
        launch.sudo().company_ids = other
        for method in ("action_preview", "action_start"):
            with self.assertRaisesRegex(UserError, "Choose a company"):
                getattr(launch, method)()

    def test_what_is_held_is_said(self):
        self.profile.unrated = "hold"
        account = self.account("2025-03-10 10:00:00")
        row = self.call(account, "81312345678", "2025-03-11 10:00:00")
        self.env["telecom.cdr"].import_calls([row], "test")
        values = self.figures(self.launch(account))
        (line,) = values["lines"]
        self.assertEqual((values["invoices"], values["failures"]), (0, 1))
        self.assertIn("not priced yet: 1", line["failure"])
        self.assertFalse(self.of(account).error)
