"""An account that is moved to another reseller: what was sold before is the former one's."""

from decimal import Decimal

from freezegun import freeze_time

from odoo.exceptions import ValidationError
from odoo.fields import Command

from .test_closing import ClosingCase

# 13:00 in Brussels
MOVED = "2025-03-15 12:00:00"


class MoveCase(ClosingCase):
    """Two distributors, which buy a minute to Belgium at 0.03 and at 0.02; customers pay 0.05."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.former = cls.distributor("Former", 0.03, 20)
        cls.later = cls.distributor("Later", 0.02, 10)
        cls.line = cls.make_product("Line", price=31)

    @classmethod
    def distributor(cls, name, minute, line):
        """Return a distributor with what it pays for a minute and for a line, and a profile."""
        card = cls.make_card(name, [("32", "Belgium", minute, {})])
        reseller = cls.make_reseller(name, rate_card_id=card.id)
        reseller.property_product_pricelist = cls.env["product.pricelist"].create(
            {
                "name": name,
                "company_id": cls.company.id,
                "currency_id": cls.currency.id,
                "item_ids": [Command.create({"compute_price": "fixed", "fixed_price": line})],
            }
        )
        reseller._create_billing_profile()
        return reseller

    def move(self, account, reseller, moment=MOVED):
        with freeze_time(moment):
            account.reseller_id = reseller
            self.env.flush_all()

    def charged_to(self, account):
        """Return {moment of a call, or first day of a service's span: exact amount}."""
        calls = self.charges_of(account).mapped(lambda c: (str(c.call_date), c.amount))
        services = self.env["telecom.charge"].search(
            [("partner_id", "=", account.id), ("subscription_id", "!=", False)]
        )
        spans = services.mapped(lambda c: (str(c.date_from), c.amount))
        return {what: Decimal(str(round(amount, 8))) for what, amount in calls + spans}

    def invoices_of(self, account):
        """Return [(issuer, first day, end, untaxed amount)] of an account's invoiced periods."""
        return [
            (
                p.move_id.telecom_profile_id.owner_id.name,
                str(p.date_from),
                str(p.date_to),
                p.move_id.amount_untaxed,
            )
            for p in self.of(account).filtered("move_id")
        ]


class TestMoves(MoveCase):
    def test_a_customer_is_moved(self):
        account = self.account("2025-03-10 10:00:00", reseller_id=self.former.id)
        self.add_service(account, self.line)
        with freeze_time("2025-03-10 12:00:00"):
            self.env["telecom.subscription"]._add_recurring_charges(self.day("2025-03-10"), account)
        late = self.add_service(account, self.line, "2025-03-12", prorate=False)
        self.move(account, self.later)
        self.take_calls(
            [
                self.call(account, start=moment)
                for moment in ("2025-03-15 11:59:59", MOVED, "2025-03-20 10:00:00")
            ]
        )
        self.bill("2025-04-01")
        self.assertEqual(
            self.charged_to(self.former),
            {
                "2025-03-10 10:00:00": Decimal("0.03"),
                "2025-03-15 11:59:59": Decimal("0.03"),
                "2025-03-01": Decimal(20),
                # due before the move, charged after it
                "2025-03-12": Decimal(20),
            },
        )
        self.assertEqual(
            self.charged_to(self.later),
            {
                MOVED: Decimal("0.02"),
                "2025-03-20 10:00:00": Decimal("0.02"),
                # in advance, on 1 April
                "2025-04-01": Decimal(10),
            },
        )
        # the former: calls 2 x 0.05, lines 2 x 31; of 15 March what was before the move.
        # The later: calls 2 x 0.05 and April's line; the other service is due on 12 April
        self.assertEqual(
            self.invoices_of(account),
            [
                ("Former", "2025-03-01", "2025-03-16", 62.1),
                ("Later", "2025-03-16", "2025-04-01", 31.1),
            ],
        )
        self.assertEqual(late.charged_until, self.day("2025-04-12"))
        self.assert_laws(account + self.former + self.later)
        rows = account.telecom_chain_ids.sorted("date_from")
        self.assertEqual(rows.mapped("reseller_id"), self.former + self.later)

    def test_a_reseller_is_moved_with_its_customers(self):
        agent = self.make_reseller("Agent", "agent", rate_card_id=False, reseller_id=self.former.id)
        account = self.account("2025-03-10 10:00:00", reseller_id=agent.id)
        self.move(agent, self.later)
        self.assertEqual(account.reseller_path, f"{self.later.id}/{agent.id}/{account.id}/")
        self.take_calls(
            [
                self.call(account, start=moment)
                for moment in ("2025-03-15 11:59:59", "2025-03-15 12:00:01")
            ]
        )
        self.bill("2025-04-01")
        self.assertEqual(
            [self.charged_to(tier) for tier in (self.former, self.later)],
            [
                {
                    "2025-03-10 10:00:00": Decimal("0.03"),
                    "2025-03-15 11:59:59": Decimal("0.03"),
                },
                {"2025-03-15 12:00:01": Decimal("0.02")},
            ],
        )
        self.assertEqual(
            self.invoices_of(account),
            [
                ("Former", "2025-03-01", "2025-03-16", 0.1),
                ("Later", "2025-03-16", "2025-04-01", 0.05),
            ],
        )
        self.assertFalse(account.telecom_chain_ids)
        self.assertEqual(len(agent.telecom_chain_ids), 2)

    def test_a_call_priced_again_stays_with_the_one_who_sold_it(self):
        account = self.account("2025-03-10 10:00:00", MOVED, reseller_id=self.former.id)
        self.move(account, self.later)
        self.former.rate_card_id.rate_ids.price_per_minute = 0.04
        self.env["telecom.cdr"]._rerate(accounts=account)
        self.assertEqual(
            [self.charged_to(tier) for tier in (self.former, self.later)],
            [{"2025-03-10 10:00:00": Decimal("0.04")}, {MOVED: Decimal("0.02")}],
        )
        self.assert_laws(account + self.former + self.later)

    def test_a_call_before_the_move_is_at_the_price_of_then(self):
        account = self.account("2025-03-10 10:00:00", reseller_id=self.former.id)
        dearer = self.make_card("Dearer", [("32", "Belgium", 0.07, {})])
        with freeze_time(MOVED):
            account.write({"reseller_id": self.later.id, "rate_card_id": dearer.id})
        moments = ("2025-03-14 10:00:00", "2025-03-16 10:00:00")
        self.take_calls([self.call(account, start=moment) for moment in moments])
        charged = self.charged_to(account)
        self.assertEqual([charged[m] for m in moments], [Decimal("0.05"), Decimal("0.07")])

    def test_a_move_back_and_the_free_units_of_a_package(self):
        account = self.account("2025-03-10 10:00:00", reseller_id=self.former.id)
        # 90 seconds for the month: the first call has 60, the second 30, the third none
        self.add_service(account, self.make_package("90 s", 90))
        self.move(account, self.later)
        self.move(account, self.former, "2025-03-15 18:00:00")
        moments = ("2025-03-15 12:30:00", "2025-03-15 18:00:00", "2025-03-05 10:00:00")
        self.take_calls([self.call(account, start=moment) for moment in moments])
        self.assertEqual(
            [self.charged_to(tier) for tier in (account, self.former, self.later)],
            [
                {
                    "2025-03-05 10:00:00": 0,
                    "2025-03-10 10:00:00": Decimal("0.025"),
                    "2025-03-15 12:30:00": Decimal("0.05"),
                    "2025-03-15 18:00:00": Decimal("0.05"),
                },
                {
                    "2025-03-05 10:00:00": 0,
                    "2025-03-10 10:00:00": Decimal("0.015"),
                    "2025-03-15 18:00:00": Decimal("0.03"),
                },
                {"2025-03-15 12:30:00": Decimal("0.02")},
            ],
        )
        self.assert_laws(account + self.former + self.later)

    def test_what_is_still_being_set_up_is_put_right(self):
        account = self.account(reseller_id=self.former.id)
        self.move(account, self.later)
        self.assertFalse(account.telecom_chain_ids)
        self.take_calls([self.call(account, start="2025-03-10 10:00:00")])
        self.assertEqual(list(self.charged_to(self.later)), ["2025-03-10 10:00:00"])

    def test_the_period_of_whoever_sold_an_unpriced_call_is_held(self):
        for reseller in (self.former, self.later):
            reseller.telecom_own_profile_id.unrated = "hold"
            reseller.billing_profile_id = reseller.telecom_own_profile_id
        account = self.account("2025-03-10 10:00:00", reseller_id=self.former.id)
        self.take_calls([self.call(self.later, start="2025-03-10 10:00:00")])
        self.move(account, self.later)
        call = self.call(account, "9991234", start="2025-03-12 10:00:00")
        self.env["telecom.cdr"].import_calls([call], "test")
        self.env["telecom.billing.run"].close_periods("2025-04-01")
        self.assertEqual(self.of(account)[0].state, "open")
        self.assertEqual(self.of(self.former)[0].state, "open")
        self.assertEqual(self.of(self.later)[0].state, "invoiced")

    def test_nobody_stands_above_itself(self):
        below = self.make_reseller("Below", reseller_id=self.former.id)
        for account, reseller in ((self.former, below), (self.former, self.former)):
            with self.assertRaisesRegex(ValidationError, "above itself"), self.env.cr.savepoint():
                account.reseller_id = reseller


class TestMovesBetweenBooks(MoveCase):
    def test_each_company_invoices_what_it_sold(self):
        other = self.make_company("Other")
        self.call_product.taxes_id = self.tax + self.make_tax(21, company=other)
        self.later.telecom_own_profile_id.write({"company_id": other.id, "journal_id": False})
        account = self.account("2025-03-10 10:00:00", reseller_id=self.former.id)
        self.move(account, self.later)
        self.assertEqual(account.telecom_company_id, other)
        self.assertEqual(
            [(str(p.date_from), p.company_id.name) for p in self.of(account)],
            [("2025-03-01", "Telco"), ("2025-03-16", "Other")],
        )
        moments = ("2025-03-12 10:00:00", "2025-03-15 13:00:00")
        self.take_calls([self.call(account, start=moment) for moment in moments])
        self.bill("2025-04-01")
        self.assertEqual(
            [(m.company_id.name, m.amount_untaxed) for m in self.of(account).move_id],
            [("Telco", 0.1), ("Other", 0.05)],
        )
