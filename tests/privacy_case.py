"""Two resellers with people of four kinds, an agent below the first one, and words that tell
whose anything is.

Every record of the world carries a word or a price that is found nowhere else, so that a leak is
seen wherever it is: in a field, a name, a message, an attachment.
"""

import contextlib

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import html2plaintext, mute_logger

from .common import TelecomCommon

# whatever somebody may read in these is Odoo's own, and the same for everybody
PREFIXES = ("account.", "ir.attachment", "mail.", "payment.", "product.", "res.", "telecom.")
ROLES = ("reseller", "customer", "accountant", "manager")
# what names the provider, and what names its other customers
PROVIDER = ("telco", "providerstreet", "770 00 00", "7770000")
DIRECT = ("providercustomer", "providercard", "providerland", "0.0711", "329990711")
OWN = ("customer", "reseller", "card", "land", "purchase", "street", "moved", "cheap")
OWN += ("source", "calls.csv", "profile", "free")


class PrivacyCase(TelecomCommon):
    """The provider with a customer; two distributors with books of their own, a customer each, and
    one that has moved from the first to the second; an agent with a customer below the first."""

    # purchase and sale price of a minute
    PRICES = {
        "first": ("0.0722", "0.0822"),
        "second": ("0.0732", "0.0832"),
        "agent": ("0.0933", "0.0955"),
    }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.write({"street": "providerstreet", "phone": "+32 2 777 00 00"})
        cls.resellers, cls.users, cls.companies, cls.texts = {}, {}, {}, {}
        cls.line = cls.make_product("Line")
        # what is of no company is for all to sell, with the taxes of each
        cls.package = cls.make_package("Flat", 10)
        cls.rented = cls.make_product("Number", "did")
        cls.people("provider", cls.env["res.partner"], "0.0711")
        for name in ("first", "second"):
            cls.distributor(name)
        cls.agent()
        for account in cls.env["res.partner"].search([("account_code", "like", "customer")]):
            cls.use(account)
        cls.env["telecom.cdr"].rate_pending()
        cls.move()
        companies = cls.env.user.company_ids
        runs = cls.env["telecom.billing.run"].with_context(allowed_company_ids=companies.ids)
        cls.billing = runs.close_periods("2025-04-01")
        books = cls.env["telecom.commission"].with_context(allowed_company_ids=companies.ids)
        books._settle("2025-12-01", cls.resellers["agent"])
        cls.remind()
        cls.env.flush_all()
        cls.env.invalidate_all()

    @classmethod
    def people(cls, name, reseller, price, company=None, code="customer", **vals):
        """Make a customer of a reseller, or of the provider, with a rate card of its own."""
        company = company or cls.company
        card = cls.make_card(
            f"{name}card", [("32", f"{name}land", float(price), {})], company_id=company.id
        )
        return cls.make_account(
            f"{name}{code}",
            rate_card_id=card.id,
            reseller_id=reseller.id,
            street=f"{name}street",
            email=f"{name}{code}@example.com",
            comment=f"32999{price[2:]}",
            telecom_company_id=company.id,
            **vals,
        )

    @classmethod
    def distributor(cls, name):
        taxes = cls.call_product.taxes_id
        purchase, price = cls.PRICES[name]
        company = cls.make_company(f"{name}reseller")
        cls.companies[name] = company
        cls.env.user.company_ids += company
        card = cls.make_card(f"{name}purchase", [("32", "Belgium", float(purchase), {})])
        # its own company's partner, so that its bills are entered in its books
        reseller = company.partner_id
        reseller.write(
            {
                "is_telecom_account": True,
                "account_code": f"{name}reseller",
                "telecom_company_id": cls.company.id,
                "is_reseller": True,
                "reseller_kind": "distributor",
                "rate_card_id": card.id,
                "telecom_mirror_bill": True,
            }
        )
        company.account_sale_tax_id = cls.make_tax(20, company=company)
        taxes |= company.account_sale_tax_id
        # the chart's own is of another country
        company.account_purchase_tax_id = False
        # the chart has put its own on every product
        for product in (cls.call_product, cls.line, cls.package, cls.rented):
            product.write({"taxes_id": taxes, "supplier_taxes_id": False})
        cls.env["telecom.billing.profile"].create(
            {"name": f"{name}profile", "owner_id": reseller.id, "company_id": company.id}
        )
        cls.resellers[name] = reseller
        customer = cls.people(name, reseller, price, company)
        cheap = cls.make_card(
            f"{name}cheap",
            [("32", f"{name}land", 0.01, {})],
            company_id=company.id,
            owner_id=reseller.id,
            parent_card_id=customer.rate_card_id.id,
            markup_ids=[Command.create({"prefix": "32", "percent": 10})],
        )
        cheap._check_losses()
        cls.env["telecom.account.identifier"].create(
            {"partner_id": customer.id, "value": f"{name}customer-sip"}
        )
        # of no company, as what is the provider's may be
        cls.make_card(f"{name}free", [("33", f"{name}land", float(price), {})], company_id=False)
        cls.env["telecom.did"].create(
            {"number": f"{price}9".replace("0.", "32999"), "company_id": False}
        )
        for role in ROLES:
            # in the portal a reseller is its supplier's customer
            books = cls.company if role == "reseller" else company
            cls.users[name, role] = cls.user(name, role, books, reseller, customer)

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
        company = cls.companies["first"]
        purchase, price = cls.PRICES["agent"]
        card = cls.make_card(
            "agentpurchase", [("32", "Belgium", float(purchase), {})], company_id=company.id
        )
        agent = cls.make_reseller(
            "agentreseller",
            "agent",
            reseller_id=cls.resellers["first"].id,
            rate_card_id=card.id,
            telecom_commission_method="difference",
            street="agentstreet",
        )
        agent._create_billing_profile().name = "agentprofile"
        cls.resellers["agent"] = agent
        customer = cls.people("agent", agent, price, company)
        for role in ("reseller", "customer"):
            cls.users["agent", role] = cls.user("agent", role, company, agent, customer)

    @classmethod
    def use(cls, account):
        """Let a customer call, and rent a number with a package; some calls are rejected."""
        name = account.account_code.removesuffix("customer")
        number = html2plaintext(account.comment)
        company = account._billing_rules().profile.company_id
        did = cls.env["telecom.did"].create({"number": f"{number}1", "company_id": company.id})
        cls.add_service(account, cls.package)
        cls.add_service(account, cls.rented, did_id=did.id)
        if company == cls.company:
            cls.add_service(account, cls.line)
        source = cls.env["telecom.cdr.source"].create(
            {
                "name": f"{name}source",
                "code": f"{name}source",
                "company_id": company.id,
                "format": "header_csv",
            }
        )
        call = cls.call(account, src=number)
        bad = f"{name}bad,,,,never,1"
        rows = ",".join(call) + "\n" + ",".join(str(v) for v in call.values()) + f"\n{bad}\n"
        cls.env["telecom.cdr.import"]._import_file(source, f"{name}calls.csv", rows.encode())

    @classmethod
    def remind(cls):
        for profile in cls.env["telecom.billing.profile"].search([("owner_id", "!=", False)]):
            rule = cls.env["telecom.reminder.rule"].create({"profile_id": profile.id})
            for move in cls.billing.move_ids.filtered_domain(
                [("telecom_profile_id", "=", profile.id)]
            ):
                reminder = cls.env["telecom.reminder"]._claim(move, rule, "skipped")
                reminder.company_id = profile.company_id

    @classmethod
    def move(cls):
        """Move a customer of the first one to the second; of no company in particular."""
        customer = cls.people(
            "first", cls.resellers["first"], "0.0822", cls.companies["first"], "moved"
        )
        cls.env["telecom.cdr"].import_calls([cls.call(customer, src="329990822")], "test")
        cls.env["telecom.cdr"].rate_pending()
        card = cls.env["telecom.rate.card"].search([("name", "=", "secondcard")])
        with freeze_time("2025-03-20 12:00:00"):
            customer.reseller_id = cls.resellers["second"]
            cls.env.flush_all()
        customer.write({"name": "second-former", "email": "", "street": ""})
        customer.write({"account_code": "second-former", "comment": ""})
        customer.rate_card_id = card

    # === WHAT NOBODY MAY READ ===

    def canaries(self, name, role):
        """Return the words that people of a reseller never read, and why: (word, why)."""
        purchase, _price = self.PRICES[name]
        words = dict.fromkeys(DIRECT, "the provider's customers")
        for other in {"first", "second"} - {name}:
            if other == "first" and name == "agent":
                continue
            words |= dict.fromkeys([f"{other}{what}" for what in OWN], "another's")
            words |= dict.fromkeys(self.PRICES[other], "another's")
            words[f"32999{self.PRICES[other][1][2:]}"] = "another's calls"
        if name == "agent" or role == "customer":
            words |= dict.fromkeys(PROVIDER, "above its supplier")
        if name == "agent":
            above = ["firstpurchase", "firstcustomer", "firstcard", "firstland", "firststreet"]
            words |= dict.fromkeys([*above, *self.PRICES["first"]], "its supplier's")
        if role == "customer":
            words |= dict.fromkeys([f"{name}purchase", purchase], "its supplier's purchase")
            if name == "agent":
                words["firstreseller"] = "above its supplier"
        return words

    def found(self, name, role, text):
        """Return the canaries of somebody that are in a text, with what is around them."""
        text = " ".join(str(text).split()).lower()
        return [
            (word, why, text[max(at - 80, 0) : at + 60])
            for word, why in self.canaries(name, role).items()
            if (at := text.find(word)) >= 0
        ]

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
            try:
                records = env[name].search(self.of_the_world(env[name]), limit=400)
            except UserError:
                # no access, or nothing to be listed
                continue
            for record in records:
                yield name, record, self.text(record)

    def of_the_world(self, model):
        """Return the domain of what was not there before; that is Odoo's own."""
        return [("create_date", ">=", self.env.cr.now())] if model._log_access else []

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

    def records_that_name(self, name, role):
        """Return {model: a record in which somebody finds what is not for them}."""
        if not self.texts:
            companies = self.env["res.company"].search([])
            for model in self.models():
                records = self.env[model].with_context(allowed_company_ids=companies.ids)
                with contextlib.suppress(UserError):
                    for record in records.search(self.of_the_world(records), limit=200):
                        self.texts[record] = self.text(record)
        found = {}
        for record, text in self.texts.items():
            if record._name not in found and self.found(name, role, text):
                found[record._name] = record
        return found

    @contextlib.contextmanager
    def quietly(self):
        with mute_logger("odoo.models", "odoo.addons.base.models.ir_model", "odoo.sql_db"):
            yield
