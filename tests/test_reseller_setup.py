"""A reseller is set up in one step, and sells at once."""

from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from odoo.addons.base.models.res_company import ResCompany

from .common import TelecomCommon


class SetupCase(TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.make_user("admin-2", "telecom_billing.group_manager,base.group_system")
        cls.manager = cls.make_user("manager-2", "telecom_billing.group_manager")
        # the provider's price for its resellers: 0.04 a minute to Belgium
        cls.wholesale = cls.make_card("Wholesale", [("32", "Belgium", 0.04, {})])
        cls.pricelist = cls.env["product.pricelist"].create(
            {
                "name": "Wholesale",
                "company_id": False,
                "currency_id": cls.currency.id,
                "item_ids": [
                    Command.create(
                        {"compute_price": "formula", "base": "list_price", "price_discount": 40}
                    )
                ],
            }
        )
        cls.line = cls.make_product("Line", price=10)

    @classmethod
    def set_up(cls, user=None, **vals):
        """Return the reseller that the wizard makes."""
        setup = cls.wizard(user, **vals)
        return cls.env["res.partner"].browse(setup.action_set_up()["res_id"])

    @classmethod
    def wizard(cls, user=None, **vals):
        return (
            cls.env["telecom.reseller.setup"]
            .with_user(user or cls.admin)
            .create(
                {
                    "name": "Acme",
                    "account_code": "ACME",
                    "rate_card_id": cls.wholesale.id,
                    "pricelist_id": cls.pricelist.id,
                    "markup_percent": 25,
                    "service_percent": 50,
                    **vals,
                }
            )
        )

    def customer_of(self, reseller):
        """Return a customer at the reseller's sale prices, with a line and a call of 2 minutes."""
        card = self.env["telecom.rate.card"].search([("owner_id", "=", reseller.id)])
        account = self.env["res.partner"].create(
            {
                "name": f"Customer of {reseller.name}",
                "is_telecom_account": True,
                "account_code": f"C-{reseller.account_code}",
                "reseller_id": reseller.id,
                "rate_card_id": card.id,
            }
        )
        company = reseller.telecom_own_profile_id.company_id
        account.with_company(company).property_product_pricelist = self.env[
            "product.pricelist"
        ].search([("name", "=", reseller.name)])
        service = self.add_service(account, self.line)
        self.take_calls([self.call(account, seconds=120)])
        return account, service


class TestSetup(SetupCase):
    def test_an_agent(self):
        agent = self.set_up(
            self.manager, kind="agent", brand_name="Acme Voice", invoice_prefix="ACME/"
        )
        self.assertEqual(
            (agent.name, agent.account_code, agent.reseller_kind, agent.rate_card_id),
            ("Acme", "ACME", "agent", self.wholesale),
        )
        profile = agent.telecom_own_profile_id
        self.assertEqual((profile.company_id, profile.brand_name), (self.company, "Acme Voice"))
        account, _service = self.customer_of(agent)
        move = self.bill("2025-04-01", account)
        # call: 2 x 0.04 x 1.25 = 0.10. Lines of March and, in advance, April: 10 x 0.6 x 1.5 = 9
        self.assertEqual((move.amount_untaxed, move.amount_total), (18.1, 21.90))
        self.assertEqual(move.name, "ACME/2025/00001")
        self.assertEqual((move.company_id, move.telecom_profile_id), (self.company, profile))
        self.assertEqual(move.telecom_issuer_id.name, "Acme Voice")

    def test_a_distributor_with_its_own_books(self):
        swiss = self.env.ref("base.ch")
        franc = self.env.ref("base.CHF")
        franc.active = True
        self.env["res.currency.rate"].create(
            [
                # a euro is 0.95 francs
                {"currency_id": franc.id, "name": "2025-01-01", "rate": 0.95, "company_id": False},
                {
                    "currency_id": self.currency.id,
                    "name": "2025-01-01",
                    "rate": 1,
                    "company_id": False,
                },
            ]
        )
        distributor = self.set_up(
            country_id=swiss.id,
            own_company=True,
            chart_template="generic_coa",
            tax_percent=8.1,
            currency_id=franc.id,
            makes_card=False,
            email="books@acme.example",
        )
        company = distributor.ref_company_ids
        self.assertEqual(len(company), 1)
        self.assertEqual(
            (company.name, company.currency_id, company.account_fiscal_country_id),
            ("Acme", franc, swiss),
        )
        profile = distributor.telecom_own_profile_id
        self.assertEqual(
            (profile.company_id, profile.country_code, profile.journal_id.company_id),
            (company, "41", company),
        )
        self.assertEqual(distributor.telecom_company_id, self.company)
        self.assertTrue(distributor.telecom_mirror_bill)
        self.env["telecom.rate.card"].create(
            {
                "name": "Acme",
                "owner_id": distributor.id,
                "company_id": company.id,
                "currency_id": franc.id,
                "rate_ids": [
                    Command.create(
                        {"prefix": "32", "destination": "Belgium", "price_per_minute": 0.05}
                    )
                ],
            }
        )
        account, service = self.customer_of(distributor)
        self.assertEqual((account.telecom_company_id, service.currency_id), (company, franc))
        service.price_unit = 9
        self.bill("2025-04-01")
        move = account.billing_period_ids.move_id
        # 2 x 0.05 + 2 x 9 = 18.10; 8.1 % = 1.47
        self.assertEqual((move.amount_untaxed, move.amount_total), (18.1, 19.57))
        self.assertEqual((move.company_id, move.currency_id), (company, franc))
        wholesale = distributor.billing_period_ids.move_id
        # 2 x 0.04 + 2 x 6; abroad
        self.assertEqual(wholesale.amount_untaxed, 12.08)
        self.assertEqual(
            (wholesale.company_id, wholesale.currency_id), (self.company, self.currency)
        )

    def test_what_is_wrong_is_said_and_nothing_is_made(self):
        self.make_account("Other", code="ACME")
        for vals, text in (
            ({}, "Account Code: ACME is another account"),
            ({"account_code": "N", "rate_card_id": False}, "Purchase Rate Card"),
            ({"account_code": "N", "name": " "}, "Contact: choose one"),
            ({"account_code": "N", "invite": True}, "E-mail"),
            ({"account_code": "N", "own_company": True}, "Country: the own company needs one"),
            ({"account_code": "N", "price_digits": 9}, "from 0 to 8"),
        ):
            before = self.env["res.partner"].search_count([])
            setup = self.wizard(**vals)
            self.assertIn(text, setup.preview)
            with self.assertRaisesRegex(UserError, text):
                setup.action_set_up()
            self.assertEqual(self.env["res.partner"].search_count([]), before)
        with self.assertRaisesRegex(UserError, "only administrators make companies"):
            self.set_up(
                self.manager,
                account_code="N",
                own_company=True,
                country_id=self.env.ref("base.ch").id,
            )
        with self.assertRaises(AccessError):
            self.wizard(self.make_user("clerk"))

    def test_a_contact_becomes_a_reseller_and_is_invited(self):
        contact = self.env["res.partner"].create({"name": "Known", "email": "known@acme.example"})
        upper = self.set_up(kind="agent", name="Upper", account_code="UP")
        setup = self.wizard(
            partner_id=contact.id, seller_id=upper.id, invite=True, account_code="KNOWN"
        )
        self.assertIn("Known", setup.preview)
        action = setup.action_set_up()
        self.assertEqual(action["res_id"], contact.id)
        self.assertTrue(contact.user_ids._is_portal())
        self.assertEqual(contact.reseller_path, f"{upper.id}/{contact.id}/")
        self.assertEqual(contact.telecom_own_profile_id.name, contact.name)

    def test_a_reseller_that_is_one_already(self):
        """It stays where it is and gets what it lacks; Odoo installs nothing by the way."""
        german, above = self.env.ref("base.de"), self.make_reseller("Above")
        reseller = self.make_reseller(
            "Old", reseller_id=above.id, rate_card_id=self.wholesale.id, country_id=german.id
        )
        accounts = self.env["res.partner"]
        for name, country in (("At Home", german), ("Abroad", self.env.ref("base.fr"))):
            accounts += self.make_account(name, reseller_id=reseller.id, country_id=country.id)
        setup = self.env["telecom.reseller.setup"].with_user(self.admin)
        self.assertIn(reseller, reseller.search([("telecom_own_profile_id", "=", False)]))
        setup = setup.create(
            {
                "partner_id": reseller.id,
                "kind": "distributor",
                "own_company": True,
                "tax_percent": 19,
                "pricelist_id": self.pricelist.id,
            }
        )
        self.assertEqual((setup.seller_id, setup.rate_card_id), (above, self.wholesale))
        with patch.object(ResCompany, "install_l10n_modules") as install:
            setup.action_set_up()
        install.assert_not_called()
        self.assertEqual((reseller.reseller_id, accounts.reseller_id), (above, reseller))
        profile = reseller.telecom_own_profile_id
        for account, tax in zip(accounts, (1.9, 0), strict=True):
            service = self.add_service(account, self.line, date_start="2025-03-01")
            service.date_end = "2025-04-01"
            move = self.bill("2025-04-01", account)
            # 19 % at home, nothing on foreign trade
            self.assertEqual((move.telecom_profile_id, move.amount_untaxed), (profile, 10))
            self.assertEqual(move.amount_tax, tax)
        self.assertNotIn(reseller, reseller.search([("telecom_own_profile_id", "=", False)]))
        self.assertIn(reseller, reseller.search([("telecom_own_profile_id", "=", profile.id)]))
        with self.assertRaisesRegex(UserError, "Old is set up already"):
            setup.action_set_up()
