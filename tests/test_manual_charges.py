"""What a person charges or credits by hand, in the form, and on the invoice."""

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import Form

from .test_closing import ClosingCase


class TestManualCharges(ClosingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("boss", "telecom_billing.group_manager")
        cls.visit = cls.make_product("Technician's visit", False, price=45.0)

    def form(self, account, **context):
        """Return the form that opens from the account's page."""
        action = account.with_user(self.manager).action_add_charge()
        charges = self.env["telecom.charge"].with_user(self.manager)
        return Form(charges.with_context(**action["context"], **context), action["views"][0][0])

    def test_a_product_gives_text_and_price(self):
        """Two visits at 45: 90, with the product's tax of 21 %: 108.90."""
        account = self.account("2025-03-10 10:00:00")
        with freeze_time("2025-03-12 12:00:00"):
            form = self.form(account)
            self.assertEqual(form.partner_id, account)
            form.product_id = self.visit
            self.assertEqual((form.name, form.price_unit), ("Technician's visit", 45.0))
            form.quantity = 2
            self.assertEqual((form.amount, form.currency_id), (90.0, self.currency))
            form.name = "Two visits"
            charge = form.save()
        self.assertEqual(str(charge.date), "2025-03-12")
        self.assertEqual((charge.charge_type, charge.period_id), ("adjustment", self.of(account)))
        move = self.bill("2025-04-01", account)
        line = move.invoice_line_ids.filtered("telecom_charge_id")
        self.assertEqual(
            (line.name, line.quantity, line.price_unit, line.price_subtotal),
            ("Two visits", 2.0, 45.0, 90.0),
        )
        # 90 and a call of 0.05
        self.assertEqual((move.amount_untaxed, move.amount_total), (90.05, 108.96))
        self.assert_laws(account)

    def test_a_credit_without_a_product(self):
        account = self.account("2025-03-10 10:00:00")
        form = self.form(account)
        form.name = "Outage of 3 March"
        form.date = self.day("2025-03-03")
        form.amount = -20
        form.save()
        # 0.05 - 20 = -19.95
        move = self.bill("2025-04-01", account)
        self.assertEqual((move.move_type, move.amount_untaxed), ("out_refund", 19.95))
        self.assert_laws(account)

    def test_another_amount_is_another_price(self):
        form = self.form(self.account())
        form.product_id = self.visit
        form.quantity = 4
        self.assertEqual(form.amount, 180.0)
        form.amount = 100
        self.assertEqual(form.price_unit, 25.0)
        form.amount = -100
        self.assertEqual((form.quantity, form.price_unit), (4.0, -25.0))
        form.quantity = 3
        self.assertEqual(form.amount, -75.0)
        # what cannot be split evenly stays as it was typed
        form.amount = 100
        self.assertEqual(form.amount, 100.0)
        self.assertEqual(form.save().amount, 100.0)

    def test_the_price_is_in_the_accounts_currency(self):
        """One euro buys 1.25 dollars: 45 euro are 56.25 dollars."""
        dollar = self.make_dollar(1.25)
        card = self.make_card("Dollars", self.RATES, currency_id=dollar.id)
        account = self.make_account("Sam", rate_card_id=card.id)
        visit = self.make_product("Visit", False, price=45.0, company_id=self.company.id)
        form = self.form(account)
        form.product_id = visit
        self.assertEqual((form.price_unit, form.currency_id), (56.25, dollar))
        self.assertEqual(form.save().currency_id, dollar)

    def test_the_day_is_the_accounts(self):
        """At 11:30 UTC of 31 March it is 1 April in Auckland, and 31 March in Honolulu."""
        with freeze_time("2025-03-31 11:30:00"):
            for tz, day, span in (
                ("Pacific/Auckland", "2025-04-01", ("2025-04-01", "2025-05-01")),
                ("Pacific/Honolulu", "2025-03-31", ("2025-03-01", "2025-04-01")),
            ):
                form = self.form(self.account(tz=tz))
                self.assertEqual(str(form.date), day, tz)
                form.name, form.amount = "Work", 10
                period = form.save().period_id
                self.assertEqual((str(period.date_from), str(period.date_to)), span, tz)

    def test_the_form_says_on_which_invoice_it_goes(self):
        account = self.account("2025-03-10 10:00:00")
        self.bill("2025-04-01", account)
        self.take_calls([self.call(account, start="2025-04-10 10:00:00")])
        form = self.form(account)
        form.name, form.amount = "Work", 10
        for day, said in (
            ("2025-04-10", "04/30/2025"),
            ("2025-03-10", "04/30/2025"),
            ("2030-01-01", "of its date"),
        ):
            form.date = self.day(day)
            self.assertIn(said, form.billed_with)
        form.date = self.day("2025-03-10")
        charge = form.save()
        self.assertEqual(str(charge.period_id.date_from), "2025-04-01")
        self.assertEqual(self.bill("2025-05-01", account).amount_untaxed, 10.05)
        self.assert_laws(account)

    def test_billing_managers_only(self):
        account = self.account()
        clerk = self.make_user("clerk")
        with self.assertRaises(AccessError):
            account.with_user(clerk).action_add_charge()
        with self.assertRaises(AccessError):
            self.env["telecom.charge"].with_user(clerk).create(
                {"name": "Work", "partner_id": account.id, "amount": 1}
            )
