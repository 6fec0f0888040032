"""What accounts owe that are charged in several currencies."""

from .common import TelecomCommon


class TestBalance(TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # half a euro a dollar
        cls.dollar = cls.make_dollar(2.0)
        cls.card = cls.make_card("Euro", cls.RATES)
        cls.account = cls.make_account("A1", rate_card_id=cls.card.id)

    def use_both(self):
        """One call of 0.06 dollars, then twelve minutes of 0.05 euros."""
        dollars = self.make_card("Dollar", [("", "World", 0.06, {})], currency_id=self.dollar.id)
        self.account.rate_card_id = dollars
        self.take_calls([self.call(self.account)])
        self.account.rate_card_id = self.card
        self.take_calls([self.call(self.account, seconds=720)])

    def test_amounts_are_in_the_billing_currency(self):
        self.use_both()
        other = self.make_account("B1")
        self.take_calls([self.call(other)])
        accounts = self.account + other
        amounts = accounts._unbilled_amounts()
        self.assertAlmostEqual(amounts[self.account.id], 0.63, 8)
        self.assertEqual(amounts[other.id], 0.05)
        self.assertEqual(self.account.telecom_balance, -0.63)
        period = self.account.billing_period_ids
        self.assertAlmostEqual(period.amount, 0.63, 8)

    def test_balance_of_an_account_in_another_currency(self):
        self.use_both()
        self.account.rate_card_id = self.make_card("New", [], currency_id=self.dollar.id)
        self.env.invalidate_all()
        self.assertEqual(self.account.telecom_currency_id, self.dollar)
        self.assertAlmostEqual(self.account._unbilled_amounts()[self.account.id], 1.26, 8)
        self.assertEqual(self.account.telecom_balance, -1.26)
        self.assertAlmostEqual(self.account.billing_period_ids.amount, 1.26, 8)

    def test_period_is_its_invoice(self):
        """... at the rate of its last day, whatever a dollar is worth later."""
        self.use_both()
        invoice = self.bill()
        self.env["res.currency.rate"].create(
            {
                "currency_id": self.dollar.id,
                "company_id": self.company.id,
                "name": "2025-06-01",
                "rate": 6.0,
            }
        )
        self.env.invalidate_all()
        period = invoice.telecom_period_ids
        self.assertEqual(invoice.amount_untaxed, 0.63)
        self.assertAlmostEqual(period.amount, 0.63, 8)
        self.assertFalse(self.account._unbilled_amounts().get(self.account.id))

    def test_accounts_without_charges(self):
        self.assertEqual(self.account.telecom_balance, 0)
        self.assertFalse(self.env["res.partner"]._unbilled_amounts())

    def test_an_agent_owes_what_it_uses_itself(self):
        """Its customer's call and line are invoiced to the customer; a distributor buys them."""
        line = self.make_product("Line", company_id=self.company.id)
        for kind, owed in (("agent", 0.05), ("distributor", 10.1)):
            reseller = self.make_reseller(kind.title(), kind)
            customer = self.make_account(f"Of {kind}", reseller_id=reseller.id)
            self.add_service(customer, line)
            services = self.env["telecom.subscription"]
            services._add_recurring_charges(self.day("2025-03-10"), customer)
            self.take_calls([self.call(customer), self.call(reseller)])
            self.assertAlmostEqual(reseller._unbilled_amounts()[reseller.id], owed, 8, kind)
            self.assertAlmostEqual(reseller.telecom_balance, -owed, 8, kind)
            self.assertAlmostEqual(customer.telecom_balance, -10.05, 8)
