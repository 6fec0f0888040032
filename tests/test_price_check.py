"""What would this call cost: the price check tells what rating does, and leaves no trace."""

from datetime import datetime

from odoo.exceptions import UserError
from odoo.tests import Form

from odoo.addons.telecom_billing.models.price_question import PriceQuestion

from .common import TelecomCommon

MOMENT = datetime(2025, 3, 10, 10)


class TestPriceCheck(TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.purchase = cls.make_card(
            "Purchase", [("32", "Belgium", 0.01, {}), ("3247", "Belgium Mobile", 0.03, {})]
        )
        cls.top = cls.make_reseller("Top", rate_card_id=cls.purchase.id)
        cls.reseller = cls.make_reseller("Middle", reseller_id=cls.top.id)
        cls.account = cls.make_account("Acme", reseller_id=cls.reseller.id)

    def ask(self, number="32471234567", seconds=61, start=MOMENT, account=None, way="outbound"):
        return PriceQuestion(self.env).ask(account or self.account, number, way, seconds, start)

    def rated(self, number="32471234567", seconds=61, start=MOMENT, account=None, **vals):
        """Rate a real call; return [(tier, rate, billed, free, amount)] of its charges."""
        account = account or self.account
        row = self.call(account, number, str(start), seconds, **vals)
        self.take_calls([row])
        cdr = self.env["telecom.cdr"].search([("uid", "=", row["uid"])])
        return [
            (c.tier, c.rate_id.id, c.billed_seconds, c.free_seconds, round(c.amount * 10**8))
            for c in cdr.call_charge_ids.sorted("tier")
        ]

    def told(self, answer):
        self.assertIsNone(answer.problem)
        return [
            (t.level, t.rate_id, t.billed_seconds, t.free_seconds, t.amount) for t in answer.tiers
        ]

    # === THE SAME AS RATING ===

    def test_every_tier_as_rated(self):
        answer = self.ask()
        self.assertEqual([t.prefix for t in answer.tiers], ["3247"] * 3)
        self.assertEqual([t.billed_seconds for t in answer.tiers], [66, 66, 61])
        self.assertEqual(self.told(answer), self.rated())

    def test_numbers_are_read_as_calls_are(self):
        self.profile.country_id = self.env.ref("base.be")
        for number in ("0471 23 45 67", "+32 471 23 45 67", "0032471234567", "32471234567"):
            self.assertEqual(self.ask(number).number, "32471234567")
            self.assertEqual(self.told(self.ask(number)), self.rated(number))

    def test_inbound(self):
        self.make_rate(self.card, "3227880100", 0.02)
        self.make_rate(self.purchase, "3227880100", 0.01)
        answer = self.ask("3227880100", way="inbound")
        self.assertEqual([t.prefix for t in answer.tiers], ["3227880100"] * 3)
        self.assertEqual(self.told(answer), self.rated("3227880100", direction="inbound"))

    def make_rate(self, card, prefix, price, **vals):
        return self.env["telecom.rate"].create(
            {
                "card_id": card.id,
                "direction": "inbound",
                "prefix": prefix,
                "destination": "Number",
                "price_per_minute": price,
                **vals,
            }
        )

    def test_rate_of_the_moment(self):
        old = self.card.rate_ids.filtered(lambda r: r.prefix == "3247")
        change = datetime(2025, 3, 10, 10)
        old.date_to = change
        self.make_rate(self.card, "3247", 0.5, direction="outbound", date_from=change)
        before = datetime(2025, 3, 10, 9, 59, 59)
        self.assertEqual(self.ask(start=before).tiers[0].rate_id, old.id)
        self.assertEqual(self.told(self.ask(start=before)), self.rated(start=before))
        self.assertEqual(self.told(self.ask(start=change)), self.rated(start=change))

    def test_any_duration(self):
        rates = self.card.rate_ids
        for seconds in (0, 1, 29, 30, 31, 59, 60, 61, 3600, 86_399):
            tiers = self.ask("12025550123", seconds, account=self.direct).tiers
            rate = rates.filtered(lambda r: r.prefix == "1")
            self.assertEqual(tiers[0].rate_id, rate.id)
            if seconds:
                self.assertEqual(
                    self.told(self.ask("12025550123", seconds, account=self.direct)),
                    self.rated("12025550123", seconds, account=self.direct),
                )

    @property
    def direct(self):
        found = self.env["res.partner"].search([("account_code", "=", "Direct")])
        return found or self.make_account("Direct")

    # === PACKAGES ===

    def test_free_units_are_applied_and_not_used(self):
        self.add_service(self.account, self.make_package("P100", 100, prefixes="32"))
        answer = self.ask(seconds=70)
        self.assertEqual(answer.uses, [(self.package.id, "seconds", 100, 70)])
        self.assertEqual(self.told(self.ask(seconds=70)), self.told(answer), "asked twice")
        self.assertFalse(self.env["telecom.allowance"].search([]))
        self.assertEqual(self.told(answer), self.rated(seconds=70))
        # 30 seconds are left
        answer = self.ask(seconds=70, start=datetime(2025, 3, 11))
        self.assertEqual(answer.uses, [(self.package.id, "seconds", 30, 30)])
        self.assertEqual(self.told(answer), self.rated(seconds=70, start=datetime(2025, 3, 11)))
        self.assertEqual(self.ask(start=datetime(2025, 3, 12)).uses, [])

    @property
    def package(self):
        return self.env["telecom.package"].search([("name", "=", "P100")])

    def test_call_before_others_finds_the_units_they_used(self):
        self.add_service(self.account, self.make_package("P100", 100))
        self.rated(seconds=90, start=datetime(2025, 3, 20))
        answer = self.ask(seconds=90, start=datetime(2025, 3, 19))
        self.assertEqual(answer.uses, [(self.package.id, "seconds", 100, 90)])
        self.assertEqual(self.told(answer), self.rated(seconds=90, start=datetime(2025, 3, 19)))

    def test_units_of_invoiced_calls_stay_used(self):
        self.add_service(self.account, self.make_package("P100", 100))
        self.rated(seconds=90, start=datetime(2025, 3, 20))
        self.bill()
        answer = self.ask(seconds=90, start=datetime(2025, 3, 19))
        self.assertEqual(answer.uses, [(self.package.id, "seconds", 10, 10)])
        self.assertEqual(self.told(answer), self.rated(seconds=90, start=datetime(2025, 3, 19)))

    def test_units_that_resellers_do_not_share(self):
        self.add_service(self.account, self.make_package("P100", 100, covers_resellers=False))
        answer = self.ask(seconds=70)
        self.assertEqual([t.free_seconds for t in answer.tiers], [70, 0, 0])
        self.assertEqual(self.told(answer), self.rated(seconds=70))

    def test_covered_fee(self):
        account = self.direct
        self.add_service(account, self.make_package("P100", 100))
        answer = self.ask("12025550123", 70, account=account)
        self.assertIn(("fee", {"amount": 10_000_000, "covered": True}), answer.tiers[0].steps)
        self.assertEqual(self.told(answer), self.rated("12025550123", 70, account=account))

    # === WHAT IS MISSING ===

    def missing(self, **ask):
        """The reason of the check, which must be the one rating gives."""
        account = ask.get("account") or self.account
        answer = self.ask(**ask)
        row = self.call(account, ask.get("number", "32471234567"), str(MOMENT), 61)
        self.env["telecom.cdr"].import_calls([row], "test")
        self.env["telecom.cdr"].rate_pending()
        cdr = self.env["telecom.cdr"].search([("uid", "=", row["uid"])])
        self.assertEqual(answer.problem, (cdr.reason, cdr.reason_detail or None))
        return answer

    def test_reasons_are_those_of_rating(self):
        answer = self.missing(number="33123456789")
        self.assertEqual(answer.problem[0], "no_rate")
        self.assertEqual([t.problem for t in answer.tiers], [None, None, "no_rate"])
        self.assertEqual(self.missing(number="*98").problem[0], "no_number")
        self.reseller.rate_card_id = False
        self.assertEqual(self.missing().problem, ("no_card", "Middle"))
        self.assertEqual(
            self.ask(account=self.env["res.partner"].create({"name": "Nobody"})).problem[0],
            "no_account",
        )

    def test_agent_without_card_is_no_tier(self):
        agent = self.make_reseller("Agent", "agent", rate_card_id=False)
        account = self.make_account("Below", reseller_id=agent.id)
        self.assertEqual(self.told(self.ask(account=account)), self.rated(account=account))

    def test_moments_at_which_no_call_starts(self):
        self.add_service(self.account, self.make_package("P100", 100))
        for tz in ("America/New_York", "Asia/Tokyo"):
            self.account.tz = tz
            for start in (datetime.min, datetime(1899, 12, 31), datetime(3000, 1, 1), datetime.max):
                with self.assertRaisesRegex(UserError, "No call starts in the year"):
                    self.ask(start=start)
                with self.assertRaisesRegex(UserError, "No call starts in the year"):
                    self.env["telecom.price.check"].create(
                        {"partner_id": self.account.id, "number": "3225551234", "start": start}
                    ).read(["result"])
            for start in (datetime(1900, 1, 1), datetime(2999, 12, 31)):
                self.assertTrue(self.ask(start=start).number)

    # === NO TRACE ===

    def test_nothing_is_written(self):
        self.add_service(self.account, self.make_package("P100", 100))
        self.env.flush_all()
        tables = self._counts()
        self.ask(start=datetime(2031, 1, 1))
        self.assertEqual(self._counts(), tables)

    def _counts(self):
        """Rows written so far, of every table of the module."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_xact_user_tables"
            " WHERE relname LIKE 'telecom%' OR relname LIKE 'res_partner%' ORDER BY relname"
        )
        return self.env.cr.fetchall()

    # === THE WIZARD ===

    def test_wizard_shows_the_arithmetic(self):
        user = self.make_user("clerk")
        with Form(self.env["telecom.price.check"].with_user(user)) as form:
            self.assertIn("Choose an account", form.result)
            form.partner_id = self.account
            form.number = "+32 471 23 45 67"
            form.duration = "1:01"
            form.start = MOMENT
            for text in (
                "32471234567",
                "3247",
                "Belgium Mobile",
                "30/6",
                "66 s",
                "Then 6 × 6 s = 36 s.",
                "66 s × 0.12",
                "0.132",
                "Purchase",
                "Billed by the second: 61 s.",
                "Rounded once, to 4 decimals: to the nearest, half up",
            ):
                self.assertIn(text, form.result)
            form.number = "33123456789"
            self.assertIn("Rating would keep this call unrated", form.result)
            self.assertIn("No rate for the number", form.result)
            form.duration = "one minute"
            self.assertIn("not understood", form.result)

    def test_durations(self):
        check = self.env["telecom.price.check"].new({})
        for text, seconds in (
            ("90", 90),
            (" 1:30 ", 90),
            ("1:02:03", 3723),
            ("90:00", 5400),
            ("1:60", None),
            ("", None),
            ("-5", None),
            ("1.5", None),
        ):
            check.duration = text
            self.assertEqual(check._seconds(), seconds, text)
