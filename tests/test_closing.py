"""Periods tile an account's time; each becomes one invoice, and no charge is lost or doubled."""

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal

from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError

from .common import TelecomCommon
from .pipeline_laws import PipelineLaws


class ClosingCase(PipelineLaws, TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.periods = cls.env["telecom.billing.period"]
        cls.runs = cls.env["telecom.billing.run"]
        cls.count = 0

    def account(self, *calls, **vals):
        """Return a new account with calls to Belgium of a minute (0.05) at these UTC moments."""
        type(self).count += 1
        account = self.make_account(f"A{self.count}", **vals)
        if calls:
            self.take_calls([self.call(account, start=start) for start in calls])
        return account

    def of(self, account):
        return self.periods.search([("partner_id", "=", account.id)], order="date_from")

    def spans(self, account):
        return [(str(p.date_from), str(p.date_to)) for p in self.of(account)]

    def adjust(self, account, amount, day):
        """Charge an amount by hand."""
        return self.env["telecom.charge"].create(
            {"name": "Adjustment", "partner_id": account.id, "amount": amount, "date": day}
        )


class TestPeriods(ClosingCase):
    def test_periods_of_every_cycle_and_billing_day(self):
        """The period that contains a day, by cycle and billing day."""
        for cycle, billing_day, day, span in (
            ("daily", 1, "2024-02-29", ("2024-02-29", "2024-03-01")),
            ("daily", 31, "2025-12-31", ("2025-12-31", "2026-01-01")),
            ("weekly", 1, "2025-03-12", ("2025-03-10", "2025-03-17")),
            ("weekly", 7, "2025-03-12", ("2025-03-09", "2025-03-16")),
            ("monthly", 1, "2025-02-28", ("2025-02-01", "2025-03-01")),
            ("monthly", 15, "2025-01-14", ("2024-12-15", "2025-01-15")),
            ("monthly", 29, "2025-02-27", ("2025-01-29", "2025-02-28")),
            ("monthly", 29, "2024-02-28", ("2024-01-29", "2024-02-29")),
            ("monthly", 31, "2025-02-28", ("2025-02-28", "2025-03-31")),
            ("monthly", 31, "2025-04-30", ("2025-04-30", "2025-05-31")),
            ("quarterly", 1, "2025-03-31", ("2025-01-01", "2025-04-01")),
            ("quarterly", 31, "2025-04-29", ("2025-01-31", "2025-04-30")),
            ("yearly", 1, "2024-12-31", ("2024-01-01", "2025-01-01")),
            ("yearly", 15, "2025-01-14", ("2024-01-15", "2025-01-15")),
        ):
            account = self.account(f"{day} 10:00:00", billing_cycle=cycle, billing_day=billing_day)
            self.assertEqual(self.spans(account), [span], (cycle, billing_day, day))

    def test_months_begin_on_the_billing_day_or_the_last_day_of_a_shorter_month(self):
        for billing_day in range(1, 32):
            account = self.account(
                "2023-11-30 10:00:00", "2024-04-30 10:00:00", billing_day=billing_day
            )
            starts = [span[0] for span in self.spans(account)]
            months = [(2023, 11), (2023, 12)] + [(2024, month) for month in range(1, 5)]
            expected = [
                str(date(year, month, min(billing_day, monthrange(year, month)[1])))
                for year, month in months
            ]
            self.assertEqual([day for day in starts if day in expected], starts)
            self.assertEqual(starts[-1], expected[-1])
            self.assert_periods_tile(account)

    def test_a_period_begins_at_midnight_of_the_account(self):
        """In Auckland 1 April begins at 11:00 UTC (UTC+13), in New York at 04:00 UTC (UTC-4)."""
        for tz, last, first in (
            ("Pacific/Auckland", "2025-03-31 10:59:59", "2025-03-31 11:00:00"),
            ("America/New_York", "2025-04-01 03:59:59", "2025-04-01 04:00:00"),
            ("UTC", "2025-03-31 23:59:59", "2025-04-01 00:00:00"),
        ):
            account = self.account(last, first, tz=tz)
            march, april = self.of(account)
            calls = self.charges_of(account)
            self.assertEqual(calls.period_id, march + april)
            self.assertEqual((str(march.stop), str(april.start)), (first, first))
            days = self.env["telecom.usage"].search([("partner_id", "=", account.id)])
            self.assertEqual(sorted(map(str, days.mapped("day"))), ["2025-03-31", "2025-04-01"], tz)

    def test_days_on_which_the_clock_changes_have_23_or_25_hours(self):
        for tz, day, moment, hours in (
            ("America/New_York", "2025-03-09", "2025-03-09 12:00:00", 23),
            ("America/New_York", "2025-11-02", "2025-11-02 12:00:00", 25),
            ("Pacific/Auckland", "2025-04-06", "2025-04-05 20:00:00", 25),
            ("Pacific/Auckland", "2025-09-28", "2025-09-27 20:00:00", 23),
            ("Asia/Kolkata", "2025-03-09", "2025-03-09 12:00:00", 24),
        ):
            account = self.account(moment, tz=tz, billing_cycle="daily")
            period = self.of(account)
            self.assertEqual(str(period.date_from), day)
            self.assertEqual(period.stop - period.start, timedelta(hours=hours), (tz, day))

    def test_a_late_call_goes_to_the_oldest_open_period_and_keeps_its_date(self):
        for tz in ("Europe/Brussels", "America/New_York", "Pacific/Auckland"):
            account = self.account("2025-03-10 10:00:00", tz=tz)
            move = self.bill("2025-04-01", account)
            self.take_calls([self.call(account, start="2025-03-10 11:00:00")])
            late = self.charges_of(account)[1]
            self.assertEqual(str(late.call_date), "2025-03-10 11:00:00")
            self.assertEqual(str(late.period_id.date_from), "2025-04-01")
            self.assertEqual(move.amount_untaxed, 0.05)
            self.assertEqual(self.bill("2025-05-01", account).amount_untaxed, 0.05)
            self.assert_laws(account)

    def test_nothing_is_billed_before_the_first_billed_day(self):
        account = self.account(billing_start="2025-03-20")
        self.take_calls(
            [
                self.call(account, start=f"2025-{day} 10:00:00")
                for day in ("03-10", "03-25", "04-05")
            ]
        )
        self.assertEqual(
            self.spans(account), [("2025-03-20", "2025-04-01"), ("2025-04-01", "2025-05-01")]
        )
        # the call before it is on the first invoice
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 0.1)
        with self.assertRaises(ValidationError):
            account.billing_start = "2025-03-01"

    def test_earlier_calls_get_earlier_periods_until_one_is_closed(self):
        account = self.account("2025-03-10 10:00:00")
        self.take_calls([self.call(account, start="2025-01-10 10:00:00")])
        self.assertEqual(
            [span[0] for span in self.spans(account)], ["2025-01-01", "2025-02-01", "2025-03-01"]
        )
        self.assert_periods_tile(account)
        self.bill("2025-02-01", account)
        self.take_calls([self.call(account, start="2024-01-10 10:00:00")])
        self.assertEqual(self.spans(account)[0][0], "2025-01-01")
        self.assertEqual(str(self.charges_of(account)[0].period_id.date_from), "2025-02-01")

    def test_a_change_of_the_rhythm_leaves_neither_gap_nor_overlap(self):
        changes = (
            {"billing_day": 15},
            {"billing_cycle": "weekly", "billing_day": 3},
            {"billing_cycle": "quarterly"},
            {"billing_cycle": "daily"},
            {"billing_cycle": "yearly"},
            {"tz": "Pacific/Auckland"},
            {"tz": "America/New_York"},
            {"tz": "Pacific/Kiritimati", "billing_day": 31},
        )
        for index, change in enumerate(changes):
            account = self.account("2025-03-10 10:00:00", "2025-04-10 10:00:00")
            if index % 2:
                self.bill("2025-04-01", account)
            # an empty period is made anew, those that hold something stay
            self.periods._ensure({account.id: ("2025-03-01", "2025-07-01")})
            account.write(change)
            self.take_calls([self.call(account, start="2025-05-10 10:00:00")])
            self.assert_periods_tile(account)
            _march, april, after = self.of(account)[:3]
            self.assertEqual(str(april.date_to), "2025-05-01")
            self.assertTrue(after.date_from < after.date_to <= self.day("2026-01-31"))
            self.bill(self.of(account)[-1].date_to, account)
            self.assertEqual(self.charged(account), Decimal("0.15"))
            self.assertEqual(self.charged(account, "p.move_id IS NULL"), 0)
            self.assert_laws(account)


class TestClosing(ClosingCase):
    def test_until_that_is_neither_is_refused(self):
        for until in ("yesterday", "2025-02-30", "2025-3-31 10"):
            with self.assertRaisesRegex(UserError, until):
                self.runs.close_periods(until)

    def test_until_is_a_day_or_a_moment_as_such_or_as_text(self):
        """A day closes what ended before it in each account's own time zone."""
        for until, closed in (
            (self.day("2025-03-31"), []),
            (self.day("2025-04-01"), ["east", "home", "west"]),
            ("2025-04-01", ["east", "home", "west"]),
            # 1 April begins at 11:00 UTC of 31 March in Auckland, at 22:00 in Brussels
            (self.moment("2025-03-31 10:59:59"), []),
            (self.moment("2025-03-31 11:00:00"), ["east"]),
            ("2025-03-31 22:00:00", ["east", "home"]),
            ("2025-04-01T04:00:00Z", ["east", "home", "west"]),
            ("2025-03-31T13:00:00+02:00", ["east"]),
        ):
            accounts = {
                "east": self.account("2025-03-10 10:00:00", tz="Pacific/Auckland"),
                "home": self.account("2025-03-10 10:00:00"),
                "west": self.account("2025-03-10 10:00:00", tz="America/New_York"),
            }
            partners = sum(accounts.values(), self.env["res.partner"])
            self.bill(until, partners)
            self.assertEqual(
                [name for name, account in accounts.items() if self.of(account)[0].move_id],
                closed,
                until,
            )

    def test_only_the_accounts_that_are_named_are_closed(self):
        first, second = self.account("2025-03-10 10:00:00"), self.account("2025-03-10 10:00:00")
        run = self.runs.close_periods("2025-04-01", first.ids)
        self.assertEqual((run.period_ids, run.partner_ids), (self.of(first)[0], first))
        self.assertEqual(self.of(second).state, "open")
        self.assertFalse(self.runs.close_periods("2025-04-01", second.browse()).period_ids)
        self.assertEqual(self.runs.close_periods("2025-04-01").period_ids, self.of(second)[0])

    def test_closing_twice_changes_nothing(self):
        account = self.account("2025-03-10 10:00:00")
        self.add_service(account, self.make_product("Line"))
        self.bill("2025-04-01")
        state, moves = self.end_state(account), self.of(account).move_id
        for _again in range(2):
            run = self.runs.close_periods("2025-04-01")
            self.assertFalse(run.period_ids)
            self.assertEqual((self.end_state(account), self.of(account).move_id), (state, moves))

    def test_accounts_that_are_behind_get_one_invoice_a_period(self):
        account = self.account(*(f"2025-{month:02d}-10 10:00:00" for month in (1, 2, 4)))
        self.bill("2025-05-01", account)
        periods = self.of(account)[:4]
        self.assertEqual(periods.mapped("state"), ["invoiced", "invoiced", "skipped", "invoiced"])
        self.assertEqual(len(periods.move_id), 3)
        self.assertEqual(
            [str(day) for day in periods.move_id.sorted("invoice_date").mapped("invoice_date")],
            ["2025-02-01", "2025-03-01", "2025-05-01"],
        )

    def test_accounts_without_usage_by_the_rule_of_the_profile(self):
        accounts = {}
        for rule in ("skip", "always"):
            profile = self.profile.copy({"no_usage": rule})
            accounts[rule] = self.account(billing_profile_id=profile.id, billing_start="2025-03-01")
        run = self.runs.close_periods("2025-05-01", sum(accounts.values(), self.env["res.partner"]))
        self.assertFalse(run.failure_count, run.period_ids.mapped("error"))
        # an account that nothing was ever charged to has no periods to skip
        self.assertFalse(self.of(accounts["skip"]).move_id)
        moves = self.of(accounts["always"]).move_id
        self.assertEqual(moves.mapped("amount_total"), [0, 0])
        self.assertEqual(set(moves.mapped("state")), {"posted"})

    def test_the_cron_closes_what_is_due_by_now(self):
        account = self.account("2025-03-10 10:00:00")
        for moment, runs in (
            ("2025-03-31 21:59:59", 0),
            ("2025-03-31 22:00:00", 1),
            ("2025-04-15 00:00:00", 1),
        ):
            with freeze_time(moment):
                self.runs._cron_close_periods()
            self.assertEqual(len(self.of(account).run_id), runs, moment)
        self.assertEqual(self.of(account)[0].state, "invoiced")
        self.adjust(account, 10, "2025-04-10")
        with freeze_time("2025-05-01 00:00:00"):
            launched = self.runs._start("2025-05-01", account)
            self.runs._cron_close_periods()
        self.assertEqual((launched.state, launched.invoice_count), ("done", 1))

    def test_charges_are_on_the_first_invoice_issued_on_their_day_or_after(self):
        """PRO-BR-UPFRONT, PRO-FSD-DEFER-11: the first invoice has the month that was begun and
        the next one."""
        for start, price, setup, amounts in (
            ("2022-03-31", 100, 0, {"2022-04-01": 103.23, "2022-05-01": 100}),
            ("2022-03-01", 100, 0, {"2022-04-01": 200, "2022-05-01": 100}),
            ("2016-04-11", 30, 100, {"2016-05-01": 150, "2016-06-01": 30}),
        ):
            account = self.account()
            line = self.make_product("Line", price=price, telecom_setup_fee=setup)
            self.add_service(account, line, start)
            for day, amount in amounts.items():
                self.assertEqual(self.bill(day, account).amount_untaxed, amount, (start, day))
            self.assert_laws(account)
        # an account that is billed already has its advance charge on the invoice of that day
        account = self.account("2025-02-10 10:00:00")
        self.add_service(account, self.make_product("Line", price=31), "2025-03-01")
        self.assertEqual(self.bill("2025-03-01", account).amount_untaxed, 31.05)
        arrears = self.make_product("Arrears", price=31, telecom_invoicing="arrears")
        self.add_service(account, arrears, "2025-03-01")
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 62)
        # what is charged by hand is in the period of its day
        self.adjust(account, 5, "2025-04-01")
        self.adjust(account, 7, "2025-05-01")
        self.assertEqual(self.bill("2025-05-01", account).amount_untaxed, 67)

    def test_what_was_charged_is_invoiced_to_the_last_digit(self):
        """Prices of 8 digits, in many small calls, and parts of services."""
        card = self.make_card(
            "Fine",
            [
                ("32", "Belgium", 0.01234567, {}),
                ("33", "France", 0.00000001, {}),
                ("1", "USA", 0.98765432, {"connection_fee": 0.00499999}),
            ],
            rounding_digits=8,
        )
        account = self.account(rate_card_id=card.id)
        self.add_service(account, self.make_product("Line", price=9.99), "2025-03-07", quantity=3)
        self.take_calls(
            [
                self.call(
                    account, number, f"2025-0{3 + index % 3}-{1 + index:02d} 10:00:00", 7 + index
                )
                for index, number in enumerate(["3225551234", "33123456789", "12025550100"] * 9)
            ]
        )
        charged = self.charged(account)
        self.assertNotEqual(charged, round(charged, 2))
        for until in ("2025-04-01", "2025-05-01", "2025-06-01"):
            self.bill(until, account)
            self.assert_laws(account)
        invoiced = sum(Decimal(str(m.amount_untaxed)) for m in self.of(account).move_id)
        self.assertEqual(self.charged(account), invoiced)
