"""The time zone by which an account is billed: who sets it, and what a change does to periods."""

from odoo.fields import Command

from .test_closing import ClosingCase


class TestBillingTimeZone(ClosingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("boss", "telecom_billing.group_manager")

    def portal_user(self, account):
        """Return the account's own user of the portal."""
        return self.env["res.users"].create(
            {
                "name": account.name,
                "login": f"portal-{account.id}",
                "partner_id": account.id,
                "company_id": self.company.id,
                "company_ids": [Command.set(self.company.ids)],
                "group_ids": [Command.set(self.env.ref("base.group_portal").ids)],
            }
        )

    def edges(self, account):
        return [(str(period.start), str(period.stop)) for period in self.of(account)]

    def test_a_program_sets_it_with_tz(self):
        account = self.make_account("Program", tz="America/New_York")
        self.assertEqual(account.billing_tz, "America/New_York")
        account.tz = "Pacific/Auckland"
        self.assertEqual(account.billing_tz, "Pacific/Auckland")
        account.with_user(self.manager).tz = "Asia/Tokyo"
        self.assertEqual(account._account_tz(), "Asia/Tokyo")
        account.write({"tz": "Asia/Kolkata", "billing_tz": "Europe/Brussels"})
        self.assertEqual((account.tz, account.billing_tz), ("Asia/Kolkata", "Europe/Brussels"))
        # whoever opens a contact's form has a time zone, too
        partners = self.env["res.partner"].with_context(tz="Asia/Tokyo").with_user(self.manager)
        partner = partners.create({"name": "Form", "is_telecom_account": True})
        self.assertEqual((partner.tz, partner.billing_tz), ("Asia/Tokyo", False))

    def test_the_own_user_of_an_account_moves_no_edges(self):
        account = self.account(tz="Europe/Brussels")
        self.periods._ensure({account.id: ("2025-03-05 00:00:00", "2025-03-05 00:00:00")})
        edges = self.edges(account)
        user = self.portal_user(account)
        own = self.env(user=user)
        # by RPC, and as the first login with a browser's cookie does
        own["res.users"].browse(user.id).write({"tz": "Pacific/Pago_Pago"})
        self.assertEqual(account.tz, "Pacific/Pago_Pago")
        own["res.users"].browse(user.id).sudo().tz = "Pacific/Auckland"
        own["res.partner"].sudo().browse(account.id).tz = "Pacific/Kiritimati"
        self.assertEqual(
            (account.tz, account.billing_tz), ("Pacific/Kiritimati", "Europe/Brussels")
        )
        self.assertEqual(self.edges(account), edges)
        # a manager who is a customer is a customer
        self.manager.partner_id.write({"is_telecom_account": True, "billing_tz": "Asia/Tokyo"})
        self.env(user=self.manager)["res.users"].browse(self.manager.id).tz = "Pacific/Auckland"
        self.assertEqual(self.manager.partner_id.billing_tz, "Asia/Tokyo")

    def test_without_one_it_is_that_of_the_profile_and_stays(self):
        self.assertEqual(self.profile.tz, "Europe/Brussels")
        self.env.ref("base.user_admin").tz = "America/Los_Angeles"
        account = self.account()
        self.assertEqual((account.billing_tz, account._account_tz()), (False, "Europe/Brussels"))
        self.take_calls([self.call(account, start="2025-03-10 10:00:00")])
        self.assertEqual(account.billing_tz, "Europe/Brussels")
        # whatever changes elsewhere
        self.company.partner_id.tz = "Asia/Tokyo"
        self.assertEqual(self.profile.tz, "Asia/Tokyo")
        self.env.ref("base.user_admin").tz = "America/New_York"
        self.take_calls([self.call(account, start="2025-04-10 10:00:00")])
        self.assertEqual(self.edges(account)[1][0], "2025-03-31 22:00:00")
        self.assertEqual(self.account()._account_tz(), "Asia/Tokyo")
        self.assert_periods_tile(account)

    def test_a_profile_has_the_time_zone_of_its_company_or_of_who_makes_it(self):
        profiles = self.env["telecom.billing.profile"]
        self.assertEqual(profiles.create({"name": "Own"}).tz, "Europe/Brussels")
        self.company.partner_id.tz = False
        self.manager.tz = "Asia/Tokyo"
        self.assertEqual(profiles.with_user(self.manager).create({"name": "A"}).tz, "Asia/Tokyo")
        self.manager.tz = False
        self.assertEqual(profiles.with_user(self.manager).create({"name": "B"}).tz, "UTC")

    def test_a_change_across_the_date_line_stops_no_rating(self):
        """Of two daily periods the later one may be over already by the new clock."""
        zones = ("Pacific/Pago_Pago", "Pacific/Kiritimati", "Europe/Brussels")
        for cycle in ("daily", "weekly"):
            for before in zones:
                for after in zones:
                    account = self.account(
                        "2025-03-10 15:00:00", billing_cycle=cycle, billing_tz=before
                    )
                    account.billing_tz = after
                    self.take_calls(
                        self.call(account, start=f"2025-03-{day} {hour:02}:00:00")
                        for day in ("08", "09", "10", "11", "12")
                        for hour in range(0, 24, 5)
                    )
                    self.assert_laws(account)
                    for period in self.of(account):
                        self.assertLess(period.start, period.stop)
                        self.assertLess(period.date_from, period.date_to)
                    self.bill("2025-03-20", account)
                    self.assertEqual(self.charged(account, "p.move_id IS NULL"), 0)

    def test_a_day_that_a_time_zone_skipped(self):
        """Samoa had no 30 December 2011."""
        account = self.account(
            *(f"2011-12-{day} 12:00:00" for day in (28, 29, 30, 31)),
            billing_cycle="daily",
            billing_tz="Pacific/Apia",
        )
        self.assertIn(("2011-12-29", "2011-12-30"), self.spans(account))
        self.assertIn(("2011-12-30", "2012-01-01"), self.spans(account))
        self.assert_laws(account)
