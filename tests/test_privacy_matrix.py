"""What the people of one reseller can read: nothing of another one's, nothing above its supplier.

Every record of the world carries a word or a price that is found nowhere else, so that a leak is
seen wherever it is: in a field, a name, a message, an attachment.
"""

import contextlib

from odoo.exceptions import UserError
from odoo.tools import mute_logger

from .common import TelecomCommon

# whatever somebody may read in these is Odoo's own, and the same for everybody
PREFIXES = ("account.", "ir.attachment", "mail.", "payment.", "product.", "res.", "telecom.")
ROLES = ("reseller", "customer", "accountant", "manager")


class PrivacyCase(TelecomCommon):
    """The provider with a customer; two distributors with books of their own and a customer each;
    an agent with a customer below the first one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.write({"street": "providerstreet", "phone": "+32 2 7770000"})
        cls.resellers, cls.users = {}, {}
        cls.line = cls.make_product("Line")
        cls.people("provider", cls.env["res.partner"], "0.0711")
        for number, name in enumerate(("first", "second"), 2):
            cls.distributor(name, f"0.07{number}2")
        cls.agent()
        calls = []
        for account in cls.env["res.partner"].search([("account_code", "like", "customer")]):
            chain_company = account._billing_rules().profile.company_id
            if chain_company == cls.company:
                cls.add_service(account, cls.line)
            calls.append(cls.call(account, src=f"32999{account.id}"))
        cls.env["telecom.cdr"].import_calls(calls, "test")
        cls.env["telecom.cdr"].rate_pending()
        companies = cls.env.user.company_ids
        runs = cls.env["telecom.billing.run"].with_context(allowed_company_ids=companies.ids)
        cls.billing = runs.close_periods("2025-04-01")
        cls.env.flush_all()
        cls.env.invalidate_all()

    @classmethod
    def people(cls, name, reseller, price, company=None, **vals):
        """Make a customer of a reseller, or of the provider, with a rate card of its own."""
        company = company or cls.company
        card = cls.make_card(
            f"{name}card", [("32", f"{name}land", float(price), {})], company_id=company.id
        )
        return cls.make_account(
            f"{name}customer",
            rate_card_id=card.id,
            reseller_id=reseller.id,
            email=f"{name}customer@example.com",
            telecom_company_id=cls.company.id,
            **vals,
        )

    @classmethod
    def distributor(cls, name, price):
        taxes = cls.call_product.taxes_id
        company = cls.make_company(f"{name}company")
        cls.env.user.company_ids += company
        card = cls.make_card(f"{name}purchase", [("32", "Belgium", float(price), {})])
        reseller = cls.make_reseller(f"{name}reseller", rate_card_id=card.id)
        company.account_sale_tax_id = cls.make_tax(20, company=company)
        taxes |= company.account_sale_tax_id
        # the chart has put its own on every product
        cls.call_product.taxes_id = taxes
        cls.env["telecom.billing.profile"].create(
            {"name": f"{name}profile", "owner_id": reseller.id, "company_id": company.id}
        )
        cls.resellers[name] = reseller
        customer = cls.people(name, reseller, f"0.08{price[-2:]}", company)
        for role in ROLES:
            cls.users[name, role] = cls.user(name, role, company, reseller, customer)

    @classmethod
    def user(cls, name, role, company, reseller, customer):
        groups = {
            "accountant": "account.group_account_manager",
            "manager": "telecom_billing.group_manager",
        }
        user = cls.make_user(
            f"{name}-{role}", groups.get(role, "base.group_portal"), company_id=company.id
        )
        if role == "reseller":
            user.partner_id = reseller
        elif role == "customer":
            user.partner_id = customer
        return user

    @classmethod
    def agent(cls):
        """Make an agent below the first distributor, who sells in its books."""
        first = cls.resellers["first"]
        company = (
            cls.env["telecom.billing.profile"].search([("owner_id", "=", first.id)]).company_id
        )
        card = cls.make_card(
            "agentpurchase", [("32", "Belgium", 0.0933, {})], company_id=company.id
        )
        agent = cls.make_reseller("agentreseller", "agent", reseller_id=first.id)
        agent.rate_card_id = card
        profile = agent._create_billing_profile()
        profile.name = "agentprofile"
        cls.resellers["agent"] = agent
        customer = cls.people("agent", agent, "0.0955", company)
        for role in ("reseller", "customer"):
            cls.users["agent", role] = cls.user("agent", role, company, agent, customer)

    # === WHAT ONE READS ===

    def models(self):
        for name in sorted(self.env.registry):
            if name.startswith(PREFIXES):
                model = self.env[name]
                if not model._abstract and not model._transient and model._auto is not None:
                    yield name

    def everything(self, user):
        """Yield (model, record, text of all its fields) of what a user may read."""
        env = self.env(user=user, context={"allowed_company_ids": user.company_ids.ids})
        for name in self.models():
            model = env[name]
            try:
                # what was there before is Odoo's own
                domain = [("create_date", ">=", self.env.cr.now())] if model._log_access else []
                records = model.search(domain, limit=400)
            except UserError:
                # no access, or nothing to be listed
                continue
            for record in records:
                yield name, record.id, self.text(record)

    def text(self, record):
        """Return all that can be read of a record, whatever cannot be read beside it."""
        fields = [name for name in record.fields_get([]) if not name.startswith("image_")]
        try:
            (values,) = record.read(fields)
        except UserError:
            values = {}
            for field in fields:
                with contextlib.suppress(UserError):
                    values[field] = record.read([field])
        return str(values).lower()

    def assert_sees_nothing(self, user, canaries):
        with mute_logger("odoo.models", "odoo.addons.base.models.ir_model"):
            leaks = [
                (model, record, canary, text[:300])
                for model, record, text in self.everything(user)
                for canary in canaries
                if canary.lower() in text
            ]
        self.assertFalse(leaks, user.login)


class TestPrivacyMatrix(PrivacyCase):
    def test_the_world_is_as_it_should_be(self):
        self.assertFalse(self.billing.failed_period_ids.mapped("error"))
        moves = self.billing.move_ids
        self.assertEqual(
            {(move.partner_id.name, move.company_id.name) for move in moves},
            {
                ("providercustomer", "Telco"),
                ("firstreseller", "Telco"),
                ("secondreseller", "Telco"),
                ("firstcustomer", "firstcompany"),
                ("secondcustomer", "secondcompany"),
                ("agentcustomer", "firstcompany"),
            },
        )

    def test_nobody_reads_what_is_another_resellers(self):
        for (name, role), user in self.users.items():
            other = "first" if name == "second" else "second"
            canaries = [f"{other}{thing}" for thing in ("customer", "reseller", "card", "land")]
            canaries += [f"{other}purchase", "providercustomer", "providercard", "providerland"]
            canaries += ["0.0732", "0.0832"] if other == "second" else ["0.0722", "0.0822"]
            with self.subTest(name=name, role=role):
                self.assert_sees_nothing(user, canaries)

    def test_nobody_reads_what_lies_above_its_supplier(self):
        """The agent's people never see what the first distributor pays, or to whom."""
        for role in ("reseller", "customer"):
            canaries = ["telco", "providerstreet", "firstpurchase", "0.0722", "firstcustomer"]
            with self.subTest(role=role):
                self.assert_sees_nothing(self.users["agent", role], canaries)
        for role in ("customer",):
            canaries = ["telco", "providerstreet", "firstpurchase", "0.0722"]
            self.assert_sees_nothing(self.users["first", role], canaries)
        self.assert_sees_nothing(self.users["agent", "customer"], ["agentpurchase", "0.0933"])

    def may_read(self, user, name):
        """Tell whether a user may read an account, in all companies that it works in."""
        partner = self.env["res.partner"].search([("name", "=", name)])
        context = {"allowed_company_ids": user.company_ids.ids}
        return partner.with_user(user).with_context(**context).has_access("read")

    def test_a_business_with_several_companies_shares_its_contacts_as_ever(self):
        other = self.make_company("Another of ours")
        user = self.make_user("colleague", "base.group_user", company_id=other.id)
        self.assertTrue(self.may_read(user, "providercustomer"))
        self.assertTrue(self.may_read(user, "firstcustomer"))
        # who works in a reseller's company and in another one reads all
        user = self.users["first", "manager"]
        self.assertFalse(self.may_read(user, "secondcustomer"))
        user.company_ids += self.company
        self.assertTrue(self.may_read(user, "secondcustomer"))

    def test_who_moves_to_another_reseller_is_read_there(self):
        partner = self.env["res.partner"].search([("name", "=", "secondcustomer")])
        first, second = (self.users[name, "manager"] for name in ("first", "second"))
        partner.reseller_id = self.resellers["agent"]
        self.assertTrue(self.may_read(first, "secondcustomer"))
        self.assertFalse(self.may_read(second, "secondcustomer"))
        # as is everybody below a reseller that moves, and invoices elsewhere
        self.env["telecom.billing.profile"].search([("name", "=", "agentprofile")]).active = False
        self.resellers["agent"].reseller_id = self.resellers["second"]
        self.assertFalse(self.may_read(first, "secondcustomer"))
        self.assertTrue(self.may_read(second, "secondcustomer"))

    def test_everybody_reads_what_is_their_own(self):
        for (name, role), user in self.users.items():
            own = f"{name}customer" if role != "reseller" else f"{name}reseller"
            texts = [text for _model, _record, text in self.everything(user)]
            self.assertTrue(any(own in text for text in texts), (name, role))
