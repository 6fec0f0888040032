"""Services are charged in the currency of their account; none is ever taken for another.

One euro is 0.87 pounds, and 0.80 from 1 April on.
"""

from decimal import Decimal

from odoo.exceptions import UserError
from odoo.fields import Command

from .test_services import ServiceCase


class TestServiceCurrency(ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pound = cls.env.ref("base.GBP")
        cls.franc = cls.env.ref("base.CHF")
        (cls.pound + cls.franc).active = True
        rates = cls.env["res.currency.rate"]
        rates.search([("currency_id", "in", (cls.pound + cls.franc).ids)]).unlink()
        for day, rate in (("2025-01-01", 0.87), ("2025-04-01", 0.80)):
            rates.create(
                {
                    "currency_id": cls.pound.id,
                    "company_id": cls.company.id,
                    "name": day,
                    "rate": rate,
                }
            )
        cls.pounds = cls.make_card("Pounds", cls.RATES, currency_id=cls.pound.id)
        cls.francs = cls.make_card("Francs", cls.RATES, currency_id=cls.franc.id)
        cls.line.telecom_setup_fee = 20

    def amounts(self, service, account=None):
        """Return [(amount, currency)] of what an account is charged for a service."""
        charges = service.charge_ids.filtered(
            lambda c: c.partner_id == (account or service.partner_id)
        )
        return [(c.amount, c.currency_id.name) for c in charges.sorted("id")]

    def pricelist(self, currency, **item):
        return self.env["product.pricelist"].create(
            {
                "name": "Prices",
                "company_id": self.company.id,
                "currency_id": currency.id,
                "item_ids": [Command.create(item)],
            }
        )

    def test_price_and_setup_fee_are_in_the_account_s_currency(self):
        service = self.service(account=self.account(rate_card_id=self.pounds.id))
        self.assertEqual(service.currency_id, self.pound)
        self.assertEqual((service.price_unit, service.setup_fee), (26.97, 17.4))
        self.charge("2025-03-01")
        self.assertEqual(self.amounts(service), [(17.4, "GBP"), (26.97, "GBP")])

    def test_a_fixed_price_of_a_pricelist_is_converted_like_a_share_of_the_product_s(self):
        for item, price in (
            ({"compute_price": "fixed", "fixed_price": 10}, 8.7),
            ({"compute_price": "percentage", "percent_price": 50}, 13.49),
            ({"compute_price": "formula", "price_discount": 50, "price_surcharge": 4.5}, 17.4),
        ):
            account = self.account(rate_card_id=self.pounds.id)
            prices = self.pricelist(self.currency, **item)
            account.with_company(self.company).property_product_pricelist = prices
            service = self.service(account=account)
            self.assertAlmostEqual(service.price_unit, price, 2, item)

    def test_without_an_exchange_rate_nothing_is_priced(self):
        account = self.account(rate_card_id=self.francs.id)
        with self.assertRaisesRegex(UserError, "no exchange rate of CHF"), self.env.cr.savepoint():
            self.service(account=account)
        with self.assertRaisesRegex(UserError, "no exchange rate of CHF"), self.env.cr.savepoint():
            self.service(account=account, price_unit=30)
        # prices that are said need none, nor does what costs nothing
        self.service(account=account, price_unit=30, setup_fee=0)
        free = self.make_product("Free", price=0)
        self.assertEqual(self.service(account=account, product=free).price_unit, 0)

    def test_a_tier_without_exchange_rate_is_kept_with_its_service(self):
        reseller = self.make_reseller("Swiss", rate_card_id=self.francs.id)
        service, other = self.service(account=self.account(reseller_id=reseller.id)), self.service()
        self.charge("2025-03-01")
        self.assertIn("no exchange rate of CHF", service.error)
        self.assertFalse(service.charge_ids)
        self.assertEqual(self.total(other), 31)
        self.env["res.currency.rate"].create(
            {
                "currency_id": self.franc.id,
                "company_id": self.company.id,
                "name": "2025-01-01",
                "rate": 0.9,
            }
        )
        self.charge("2025-03-01")
        self.assertFalse(service.error)
        self.assertEqual(self.amounts(service, reseller), [(18, "CHF"), (27.9, "CHF")])

    def test_a_correction_is_in_the_currency_of_what_it_corrects(self):
        """Charged 31 EUR, then billed in pounds and ended on the 16th: 16 EUR go back."""
        account = self.account()
        service = self.service("2025-03-01", account, setup_fee=0)
        self.charge("2025-03-01")
        account.rate_card_id = self.pounds
        service.date_end = "2025-03-16"
        self.charge("2025-03-20")
        self.assertEqual(self.amounts(service), [(31, "EUR"), (-16, "EUR")])
        # 15 EUR at the rate of the period's last day
        move = self.bill("2025-04-01", account)
        self.assertEqual((move.amount_untaxed, move.currency_id), (13.05, self.pound))
        self.assertFalse(
            self.env["telecom.reconciliation.report"]
            .search([("partner_id", "=", account.id)])
            .filtered("difference")
        )

    def test_a_running_price_is_converted_once_for_what_is_not_charged_yet(self):
        account = self.account()
        service = self.service("2025-03-01", account)
        service.change_terms(self.day("2025-04-16"), price_unit=60)
        self.charge("2025-03-01")
        account.rate_card_id = self.pounds
        # what is charged, and so what is shown, is in euro still
        self.assertEqual(service._version_on(self.day("2025-03-31")).currency_id, self.currency)
        self.charge("2025-03-20")
        self.assertEqual(self.amounts(service), [(20, "EUR"), (31, "EUR")])
        # 31 EUR are 24.80 GBP on 1 April, 60 are 48: half a month of each
        self.charge("2025-04-01")
        self.assertEqual(self.amounts(service)[2:], [(12.4, "GBP"), (24, "GBP")])
        self.assertEqual((service.currency_id, service.setup_fee), (self.pound, 16))
        # it does not move with the rates
        self.env["res.currency.rate"].create(
            {
                "currency_id": self.pound.id,
                "company_id": self.company.id,
                "name": "2025-05-01",
                "rate": 0.5,
            }
        )
        self.charge("2025-05-01")
        self.assertEqual(self.amounts(service)[4:], [(48, "GBP")])
        self.assertEqual(
            [(str(v.date_from), v.price_unit, v.currency_id.name) for v in service.version_ids],
            [
                ("2025-03-01", 31, "EUR"),
                ("2025-04-01", 24.8, "GBP"),
                ("2025-04-16", 48, "GBP"),
            ],
        )
        # nothing is different: nothing is charged
        service.to_review = True
        self.assertEqual(self.charge("2025-05-01"), 0)
        # each month goes back in its own currency
        service.date_end = "2025-03-01"
        self.charge("2025-05-01")
        self.assertEqual(self.total_in(service, "EUR"), 20)
        self.assertEqual(self.total_in(service, "GBP"), 0)

    def total_in(self, service, currency):
        return sum(
            (Decimal(str(a)) for a, name in self.amounts(service) if name == currency), Decimal()
        )

    def test_a_service_that_was_never_charged_begins_in_the_new_currency(self):
        account = self.account()
        service = self.service("2025-03-01", account, invoicing="arrears")
        account.rate_card_id = self.pounds
        self.charge("2025-04-01")
        self.assertEqual(self.amounts(service), [(17.4, "GBP"), (26.97, "GBP")])
        self.assertEqual(service.version_ids.mapped("price_unit"), [26.97])

    def test_terms_of_the_past_are_converted_to_what_was_charged(self):
        """From 17 March (15 of 31 days): 34.80 GBP, 40 EUR at the rate of the span's first day."""
        account = self.account()
        service = self.service("2025-03-01", account, setup_fee=0)
        self.charge("2025-03-01")
        account.rate_card_id = self.pounds
        self.charge("2025-04-01")
        self.env["telecom.subscription.version"].create(
            {
                "subscription_id": service.id,
                "date_from": "2025-03-17",
                "quantity": 1,
                "price_unit": 34.8,
            }
        )
        self.assertEqual(service.version_ids.sorted("date_from")[1].currency_id, self.pound)
        self.charge("2025-04-01")
        self.assertEqual(self.amounts(service)[2:], [(-15, "EUR"), (19.35, "EUR")])

    def test_an_uncharged_service_moves_to_an_account_of_another_currency(self):
        service = self.service("2025-03-01", setup_fee=9)
        service.partner_id = self.account(rate_card_id=self.pounds.id)
        self.assertEqual((service.price_unit, service.setup_fee), (26.97, 17.4))
        self.assertEqual(service.currency_id, self.pound)
        self.charge("2025-03-01")
        self.assertEqual(self.amounts(service), [(17.4, "GBP"), (26.97, "GBP")])
