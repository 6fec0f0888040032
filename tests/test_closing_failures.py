"""One account that cannot be invoiced leaves the others done, says why, and heals."""

from freezegun import freeze_time

from odoo import fields
from odoo.tools import html2plaintext, mute_logger

from .test_closing import ClosingCase


class TestClosingFailures(ClosingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("boss", "telecom_billing.group_manager")

    def assert_fails_and_heals(self, break_it, mend_it, reason):
        """`break_it(bad)` keeps only the account `bad` from being invoiced until `mend_it`."""
        good, bad, last = (self.account("2025-03-10 10:00:00") for _three in range(3))
        accounts = good + bad + last
        break_it(bad)
        self.env.flush_all()
        run = self.runs.close_periods("2025-04-01", accounts)
        period = self.of(bad)[0]
        self.assertEqual(self.of(good)[0].state, "invoiced", reason)
        self.assertEqual(self.of(last)[0].state, "invoiced", reason)
        self.assertEqual((period.state, period.move_id.id), ("closed", False), reason)
        self.assertRegex(period.error, reason)
        self.assertNotIn("Traceback", period.error)
        self.assertEqual((run.state, run.failure_count, run.invoice_count), ("done", 1, 2))
        self.assertEqual(run.waiting_count, 0)
        self.assertEqual(run.failed_period_ids, period)
        self.assertEqual(len(period.activity_ids), 1)
        self.assertEqual(period.activity_ids.user_id, self.manager)
        self.assertIn(period.error, html2plaintext(period.activity_ids.note))
        messages = period.message_ids
        # charges go on, to the period after it
        self.take_calls([self.call(bad, start="2025-03-10 11:00:00")])
        self.assertEqual(self.charged(bad, "p.state = 'open'"), self.charged(bad) / 2)
        # it fails again in the next run: one activity, one message
        again = self.runs.close_periods("2025-04-01", accounts)
        self.assertEqual((again.failure_count, again.period_ids), (1, period))
        self.assertEqual((len(period.activity_ids), period.message_ids), (1, messages))
        mend_it(bad)
        self.env.flush_all()
        healed = self.runs.close_periods("2025-04-01", accounts)
        self.assertEqual((healed.failure_count, healed.invoice_count), (0, 1), period.error)
        self.assertEqual((period.state, period.error), ("invoiced", False))
        self.assertFalse(period.activity_ids)
        self.assertEqual(period.move_id.amount_untaxed, 0.05)
        self.assertEqual(run.failure_count, 0)
        self.assert_laws(accounts)

    def issuer(self, **vals):
        """Return (break, mend): give the account a billing profile with these values, or none."""
        profile = self.profile.copy({"name": "Issuer", **vals})
        return (
            lambda bad: bad.write({"billing_profile_id": profile.id}),
            lambda bad: bad.write({"billing_profile_id": False}),
        )

    def test_no_receivable_account(self):
        receivable = self.env["account.account"].search(
            [
                ("company_ids", "in", self.company.ids),
                ("account_type", "=", "asset_receivable"),
            ],
            limit=1,
        )
        default = self.env["ir.default"].search(
            [
                ("field_id.name", "=", "property_account_receivable_id"),
                ("company_id", "=", self.company.id),
            ]
        )
        default.unlink()
        companies = self.env["res.partner"].with_company(self.company)

        def break_it(bad):
            others = self.env["res.partner"].search([("name", "=like", "A%"), ("id", "!=", bad.id)])
            others.with_company(self.company).property_account_receivable_id = receivable
            companies.browse(bad.id).property_account_receivable_id = False

        def mend_it(bad):
            companies.browse(bad.id).property_account_receivable_id = receivable

        self.assert_fails_and_heals(break_it, mend_it, "has no receivable account")

    def test_no_sales_journal(self):
        books = self.env["res.company"].create(
            {"name": "No Books", "country_id": self.env.ref("base.be").id}
        )
        self.env.user.company_ids += books
        self.manager.company_ids += books
        profile = books.billing_profile_id
        self.assert_fails_and_heals(
            lambda bad: bad.write({"billing_profile_id": profile.id}),
            lambda bad: (
                self.of(bad).write({"company_id": self.company.id})
                and bad.write({"billing_profile_id": False})
            ),
            "No Books.*journal",
        )

    def test_no_exchange_rate(self):
        dollar = self.env.ref("base.USD")
        dollar.active = True
        self.env["res.currency.rate"].search([("currency_id", "=", dollar.id)]).unlink()
        card = self.make_card("Dollars", self.RATES, currency_id=dollar.id)

        def break_it(bad):
            bad.rate_card_id = card
            self.env["telecom.cdr"]._rerate(accounts=bad)

        def mend_it(_bad):
            self.env["res.currency.rate"].create(
                {
                    "currency_id": dollar.id,
                    "name": "2025-01-01",
                    "rate": 1.1,
                    "company_id": self.company.id,
                }
            )

        self.assert_fails_and_heals(break_it, mend_it, "USD.*no exchange rate")

    def test_an_archived_journal(self):
        journal = self.env["account.journal"].create(
            {"name": "Own", "code": "OWN", "type": "sale", "company_id": self.company.id}
        )
        break_it, _mend = self.issuer(journal_id=journal.id)

        def archive(bad):
            break_it(bad)
            journal.active = False

        self.assert_fails_and_heals(
            archive, lambda _bad: journal.write({"active": True}), "journal.*Own|Own.*journal"
        )

    def test_an_archived_income_account(self):
        income = self.env["account.account"].create(
            {"name": "Own income", "code": "700999", "account_type": "income"}
        )
        product = self.call_product.copy({"property_account_income_id": income.id})
        break_it, _mend = self.issuer(call_product_id=product.id)

        def archive(bad):
            break_it(bad)
            income.active = False

        with mute_logger("odoo.addons.telecom_billing.models.billing_closing"):
            self.assert_fails_and_heals(
                archive, lambda _bad: income.write({"active": True}), "700999|archived|account"
            )

    def test_a_locked_day_moves_the_entry_and_not_the_invoice_date(self):
        """Odoo books on the first day that is open; what the customer reads stays."""
        account = self.account("2025-03-10 10:00:00")
        self.company.fiscalyear_lock_date = "2025-06-30"
        move = self.bill("2025-04-01", account)
        self.assertEqual(str(move.invoice_date), "2025-04-01")
        self.assertGreater(str(move.date), "2025-06-30")
        self.assertEqual(move.state, "posted")

    def test_archived_things_that_do_not_matter(self):
        """An account, a service's product or a rate card may be archived: what it owes is due."""
        account = self.account("2025-03-10 10:00:00")
        line = self.make_product("Line", price=31)
        self.add_service(account, line)
        self.services = self.env["telecom.subscription"]
        self.services._add_recurring_charges(self.day("2025-03-01"))
        line.active = account.active = self.card.active = False
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 62.05)
        self.assert_laws(account)

    def test_an_unexpected_failure_is_kept_like_any_other(self):
        """A Python error of some other add-on is said, logged, and stops nobody else."""
        product = self.call_product.copy()
        break_it, mend_it = self.issuer(call_product_id=product.id)
        moves = type(self.env["account.move"])
        post = moves.action_post

        def fail(records):
            if product in records.invoice_line_ids.product_id:
                raise ZeroDivisionError("by another add-on")
            return post(records)

        self.patch(moves, "action_post", fail)
        with self.assertLogs("odoo.addons.telecom_billing.models.billing_closing", "WARNING"):
            self.assert_fails_and_heals(break_it, mend_it, "ZeroDivisionError: by another add-on")

    def test_a_run_tries_again_what_failed(self):
        break_it, _mend_it = self.issuer(call_product_id=False)
        account = self.account("2025-03-10 10:00:00")
        account.telecom_company_id = self.company
        break_it(account)
        income = self.env["account.journal"].search(
            [("company_id", "=", self.company.id), ("type", "=", "sale")], limit=1
        )
        income.active = False
        run = self.runs.close_periods("2025-04-01", account)
        period = self.of(account)[0]
        self.assertEqual(run.failure_count, 1)
        action = run.action_open_failures()
        self.assertEqual(self.periods.search(action["domain"]), period)
        income.active = True
        run.action_retry()
        self.assertEqual((run.failure_count, run.invoice_count), (0, 1))
        self.assertTrue(run.ended and run.ended <= fields.Datetime.now())
        self.assertEqual(run.progress, 100)
        self.assertEqual(run.move_ids, period.move_id)

    def test_what_goes_on_failing_makes_no_run_an_hour(self):
        account = self.account("2025-03-10 10:00:00")
        break_it, mend_it = self.issuer(call_product_id=False)
        break_it(account)
        journals = self.env["account.journal"].search(
            [("company_id", "=", self.company.id), ("type", "=", "sale")]
        )
        journals.active = False
        runs = {}
        for hour in (1, 2, 3):
            with freeze_time(f"2025-04-01 {hour:02}:00:00"):
                self.runs._cron_close_periods()
            runs[hour] = self.runs.search([("company_ids", "in", self.company.ids)])
        self.assertEqual(self.of(account)[0].run_id, runs[1][0])
        self.assertEqual(runs[3], runs[1])
        # one that lost its run is not forgotten
        self.of(account)[0].run_id = False
        journals.active = True
        mend_it(account)
        with freeze_time("2025-04-01 04:00:00"):
            self.runs._cron_close_periods()
        self.assertEqual(self.of(account)[0].state, "invoiced")
