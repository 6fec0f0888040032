"""A reseller gets a profile of its own in one step; and from when on a new rhythm holds."""

from odoo.exceptions import AccessError, UserError

from .test_closing import ClosingCase


class TestResellerProfile(ClosingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("boss", "telecom_billing.group_manager")
        cls.upper = cls.make_reseller("Upper", "agent")
        cls.lower = cls.make_reseller("Lower", "agent", reseller_id=cls.upper.id)

    def create_profile(self, reseller):
        action = reseller.with_user(self.manager).action_create_billing_profile()
        return self.env["telecom.billing.profile"].browse(action["res_id"])

    def test_rules_are_copied_and_the_identity_is_its_own(self):
        self.profile.write(
            {
                **{"mode": "draft", "due_days": 3, "no_usage": "carry", "minimum_amount": 9},
                **{"unrated": "hold", "annex": "pdf", "send_mail": True},
                **{"note": "Call Telco", "brand_name": "Telco", "sender": "billing@telco.example"},
                **{"invoice_prefix": "TELCO/", "tz": "Asia/Tokyo", "country_code": "81"},
                "details": "<p>Telco</p>",
                "footer": "<p>Telco</p>",
            }
        )
        mine = self.create_profile(self.upper)
        self.assertEqual((mine.name, mine.owner_id), ("Upper", self.upper))
        for name in (
            *("mode", "due_days", "no_usage", "minimum_amount", "carry_periods", "unrated"),
            *("annex", "send_mail", "tz", "country_code", "invoice_date_rule", "company_id"),
        ):
            self.assertEqual(mine[name], self.profile[name], name)
        for name in ("note", "brand_name", "sender", "details", "footer", "invoice_prefix"):
            self.assertFalse(mine[name], name)
        self.assertTrue(mine.journal_id)
        self.assertNotEqual(mine.journal_id, self.profile._sale_journal())
        self.assertEqual(mine.journal_id.company_id, self.company)
        self.assertEqual(self.upper.telecom_own_profile_id, mine)

    def test_the_customers_of_the_reseller_follow_it(self):
        account = self.account("2025-03-10 10:00:00", reseller_id=self.lower.id)
        upper = self.create_profile(self.upper)
        upper.due_days = 1
        self.assertEqual(account._billing_profile(), upper)
        # that of the nearest above, not the company's, and not that which bills the reseller
        self.lower.billing_profile_id = self.profile
        lower = self.create_profile(self.lower)
        self.assertEqual((lower.due_days, account._billing_profile()), (1, lower))
        move = self.bill("2025-04-01", account)
        self.assertEqual((move.journal_id, move.telecom_profile_id), (lower.journal_id, lower))
        self.assertNotEqual(lower.journal_id, upper.journal_id)
        self.assertNotEqual(lower.journal_id.code, upper.journal_id.code)

    def test_who_may_not(self):
        self.create_profile(self.upper)
        with self.assertRaisesRegex(UserError, "already"):
            self.create_profile(self.upper)
        with self.assertRaisesRegex(UserError, "not a reseller"):
            self.create_profile(self.account())
        with self.assertRaises(AccessError):
            self.lower.with_user(self.make_user("clerk")).action_create_billing_profile()


class TestRhythm(ClosingCase):
    def test_the_form_says_from_when_on_a_change_holds(self):
        account = self.account()
        self.assertFalse(account.telecom_rhythm_effect)
        self.take_calls([self.call(account, start="2025-03-10 10:00:00")])
        self.periods._ensure({account.id: ("2025-03-01", "2025-06-10")})
        account.invalidate_recordset()
        self.assertIn("04/01/2025", account.telecom_rhythm_effect)
        self.bill("2025-06-01", account)
        account.invalidate_recordset()
        self.assertIn("06/01/2025", account.telecom_rhythm_effect)
        closed = self.spans(account)[:3]
        account.billing_day = 15
        self.periods._ensure({account.id: ("2025-03-01", "2025-07-10")})
        self.assertEqual(self.spans(account)[:4], [*closed, ("2025-06-01", "2025-06-15")])

    def test_a_company_where_there_are_no_telephones(self):
        """Odoo's countries are more than those with numbers of their own."""
        country = self.env.ref("base.aq")
        profile = self.make_company("Station", "base.aq").billing_profile_id
        self.assertEqual(profile.country_id, country)
        self.assertEqual(
            (profile.country_code, profile.international_prefix, profile.national_prefix),
            (False, "00", "0"),
        )
