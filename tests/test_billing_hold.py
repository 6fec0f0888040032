"""Calls that are not priced: an invoice is made without them, or waits for them."""

from datetime import timedelta

from freezegun import freeze_time

from odoo.tools import html2plaintext

from .test_closing import ClosingCase

NOWHERE = "81312345678"


class TestUnratedCalls(ClosingCase):
    def take_calls(self, rows, source="test"):
        """Import and rate calls; others may be unrated."""
        rows = list(rows)
        counts = self.env["telecom.cdr"].import_calls(rows, source)
        self.assertEqual(counts["taken"], len(rows), counts)
        return self.env["telecom.cdr"].rate_pending()

    def spoiled(self, start="2025-03-11 10:00:00", **vals):
        """Return an account with a call in March that is priced, and one that is not."""
        account = self.account("2025-03-10 10:00:00", **vals)
        self.add_unrated(account, start)
        return account

    def add_unrated(self, account, start):
        self.assertTrue(self.take_calls([self.call(account, NOWHERE, start)])["unrated"])

    def mend(self):
        """Give the card a rate for the calls to nowhere: a minute is 0.20."""
        self.env["telecom.rate"].create(
            {
                "card_id": self.card.id,
                "prefix": "81",
                "destination": "Japan",
                "price_per_minute": 0.2,
            }
        )

    def hold(self, profile=None):
        (profile or self.profile).unrated = "hold"

    def test_without_them_and_on_the_next_invoice(self):
        account = self.spoiled()
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 0.05)
        self.mend()
        self.assertEqual(self.bill("2025-05-01", account).amount_untaxed, 0.2)
        self.assert_laws(account)

    def test_the_invoice_waits_until_they_are_priced(self):
        self.hold()
        held, good = self.spoiled(), self.account("2025-03-10 10:00:00")
        accounts = held + good
        run = self.runs.close_periods("2025-04-01", accounts)
        period = self.of(held)[0]
        self.assertEqual((period.state, period.run_id), ("open", run))
        self.assertIn("not priced yet: 1 (", period.error)
        self.assertIn(period.error, html2plaintext(period.activity_ids.note))
        self.assertEqual(self.of(good)[0].state, "invoiced")
        self.assertEqual((run.state, run.failure_count, run.invoice_count), ("done", 1, 1))
        self.assertEqual((run.waiting_count, run.failed_period_ids), (0, period))
        # the same is said once
        messages = period.message_ids
        again = self.runs.close_periods("2025-04-01", accounts)
        self.assertEqual((again.period_ids, period.message_ids), (period, messages))
        self.mend()
        healed = self.runs.close_periods("2025-04-01", accounts)
        self.assertEqual((period.state, period.error), ("invoiced", False))
        self.assertFalse(period.activity_ids)
        self.assertEqual(period.move_id.amount_untaxed, 0.25)
        self.assertEqual((healed.invoice_count, healed.failure_count), (1, 0))
        self.assert_laws(accounts)

    def test_set_aside_is_as_good_as_priced(self):
        self.hold()
        account = self.spoiled()
        run = self.runs.close_periods("2025-04-01", account)
        self.env["telecom.cdr"].search(
            [("partner_id", "=", account.id), ("state", "=", "unrated")]
        )._set_aside("other_leg")
        run.action_retry()
        period = self.of(account)[0]
        self.assertEqual((period.state, period.move_id.amount_untaxed), ("invoiced", 0.05))

    def test_later_periods_wait_and_others_calls_hold_nothing(self):
        self.hold()
        account = self.spoiled()
        self.take_calls([self.call(account, start="2025-04-10 10:00:00")])
        other = self.account("2025-03-10 10:00:00")
        # a call of a day that is not billed yet
        self.add_unrated(other, "2025-04-20 10:00:00")
        run = self.runs.close_periods("2025-05-01", account)
        self.assertEqual(self.of(account)[:2].mapped("state"), ["open", "open"])
        self.assertEqual(run.failure_count, 2)
        self.assertEqual(len(self.bill("2025-04-01", other)), 1)
        self.mend()
        moves = self.bill("2025-05-01", account)
        self.assertEqual(sorted(moves.mapped("amount_untaxed")), [0.05, 0.25])
        self.assert_laws(account)

    def test_the_profile_of_the_reseller_decides_for_its_customers(self):
        agent = self.make_reseller("Agent", "agent")
        theirs = self.profile.copy({"name": "Theirs", "owner_id": agent.id})
        self.hold(theirs)
        of_agent, of_company = self.spoiled(reseller_id=agent.id), self.spoiled()
        self.runs.close_periods("2025-04-01", of_agent + of_company)
        self.assertEqual(self.of(of_agent)[0].state, "open")
        self.assertEqual(self.of(of_company)[0].state, "invoiced")

    def test_a_distributor_waits_for_the_calls_it_buys_an_agent_does_not(self):
        self.hold()
        for kind, state in (("distributor", "open"), ("agent", "invoiced")):
            reseller = self.make_reseller(kind.title(), kind)
            self.adjust(reseller, 7, "2025-03-10")
            self.spoiled(reseller_id=reseller.id)
            self.runs.close_periods("2025-04-01", reseller)
            self.assertEqual(self.of(reseller)[0].state, state)

    def test_the_hourly_job_makes_no_run_an_hour_of_it(self):
        self.hold()
        account = self.spoiled()
        runs = []
        for hour in (6, 7, 8):
            with freeze_time(f"2025-04-01 0{hour}:00:00"):
                self.runs._cron_close_periods()
            runs.append(self.runs.search_count([("company_ids", "in", self.company.ids)]))
        self.assertEqual(runs, [1, 1, 1])
        period = self.of(account)[0]
        self.assertEqual(period.state, "open")
        self.assertTrue(period.error)
        self.mend()
        with freeze_time("2025-04-01 09:00:00"):
            self.env["telecom.cdr"].rate_pending()
            self.runs._cron_close_periods()
        self.assertEqual((period.state, period.move_id.amount_untaxed), ("invoiced", 0.25))
        self.assertEqual(period.stop - period.start, timedelta(days=31, hours=-1))

    def test_another_rule_since_lets_it_go(self):
        self.hold()
        account = self.spoiled()
        self.runs.close_periods("2025-04-01", account)
        self.profile.unrated = "bill"
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 0.05)
