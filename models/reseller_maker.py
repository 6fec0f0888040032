"""Everything that a reseller needs to sell, made in one transaction."""

from typing import Any, NamedTuple

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tools import email_normalize

from .account_chain import AccountChain

GENERIC_CHART = "generic_coa"


class ResellerPlan(NamedTuple):
    """What a reseller is to be; records, texts and numbers. See the wizard for the words."""

    partner: Any
    name: str
    email: str
    phone: str
    country: Any
    account_code: str
    kind: str
    seller: Any
    rate_card: Any
    pricelist: Any
    brand_name: str
    invoice_prefix: str
    logo: Any
    base_card: Any
    markup_percent: float
    price_digits: int
    service_percent: float
    makes_pricelist: bool
    own_company: bool
    currency: Any
    chart: str
    tax_percent: float
    mirror_bill: bool
    invite: bool


class ResellerMaker:
    """Says what a plan would make and what is wrong with it, and makes it.

    Runs as superuser: `check_rights` asks first whether the user may.
    """

    def __init__(self, env, plan):
        self._user_env = env
        self.env = env(su=True)
        self.plan = plan._replace(
            **{
                name: value.with_env(self.env)
                for name, value in plan._asdict().items()
                if hasattr(value, "_name")
            }
        )
        self.seller_profile = self._seller_profile()
        self.seller_company = self.seller_profile.company_id

    def check_rights(self):
        """Refuse whoever may not set up resellers, or not with these records.

        :raises AccessError: when the user may not
        """
        env = self._user_env
        env["telecom.billing.profile"].check_access("create")
        env["telecom.rate.card"].check_access("create")
        env["res.partner"].check_access("create")
        for name in ("partner", "seller", "rate_card", "pricelist", "base_card"):
            getattr(self.plan, name).with_env(env).check_access("read")
        self.plan.partner.with_env(env).check_access("write")

    # === WHAT IT WOULD MAKE ===

    def problems(self):
        """Return what keeps the reseller from being made, as texts; none: nothing does."""
        env, plan = self._user_env, self.plan
        found = []
        if not (plan.partner or plan.name):
            found.append(env._("Contact: choose one, or give the name of a new one."))
        if plan.partner and plan.partner.telecom_own_profile_id:
            found.append(
                env._(
                    "Contact: %s is set up already, it has a billing profile of its own.",
                    plan.partner.display_name,
                )
            )
        if not plan.kind:
            found.append(env._("Kind: say whether it is a distributor or an agent."))
        code = (plan.account_code or "").strip()
        if code:
            partners = self.env["res.partner"].with_context(active_test=False)
            other = partners.search([("account_code", "=", code)], limit=1) - plan.partner
            if other:
                # somebody else's customer is not named
                found.append(env._("Account Code: %s is another account's already.", code))
        if plan.kind == "distributor" and not (plan.rate_card or plan.partner.rate_card_id):
            found.append(
                env._("Purchase Rate Card: a distributor buys its calls, say at which prices.")
            )
        if plan.price_digits < 0 or plan.price_digits > 8:
            found.append(env._("Decimals of sale prices are from 0 to 8."))
        for percent in (plan.markup_percent, plan.service_percent):
            if percent <= -100:
                found.append(env._("Mark-up: %s %% would leave nothing of the price.", percent))
        if plan.invite and not email_normalize(self._email()):
            found.append(env._("E-mail: an invitation to the portal needs a valid address."))
        return found + self._company_problems()

    def _company_problems(self):
        env, plan = self._user_env, self.plan
        if not self._has_books():
            return []
        found = []
        if self._makes_company():
            if not env.user._is_system():
                found.append(
                    env._(
                        "Own Company: only administrators make companies and their charts of "
                        "accounts. Ask one to set up this distributor."
                    )
                )
            for value, text in (
                (self._country(), env._("Country: the own company needs one.")),
                (plan.currency, env._("Currency: the own company needs one.")),
                (plan.chart, env._("Chart of Accounts: the own company needs one.")),
            ):
                if not value:
                    found.append(text)
            name = plan.name or plan.partner.name
            if name and self.env["res.company"].search_count([("name", "=", name)], limit=1):
                found.append(env._("Own Company: there is a company named %s already.", name))
            if plan.partner.parent_id or plan.partner.company_id:
                found.append(
                    env._(
                        "Contact: %s belongs to another company and cannot have its own books.",
                        plan.partner.display_name,
                    )
                )
        if plan.makes_pricelist and plan.pricelist.company_id:
            found.append(
                env._(
                    "Purchase Pricelist: %(pricelist)s belongs to %(company)s, so that no prices "
                    "of other books can be based on it. Take the company off it.",
                    pricelist=plan.pricelist.display_name,
                    company=plan.pricelist.company_id.name,
                )
            )
        return found

    def steps(self):
        """Return what would be made, as texts in the order in which it is."""
        env, plan = self._user_env, self.plan
        name = plan.name or plan.partner.name or env._("the reseller")
        seller = plan.seller.name or self.seller_company.name
        steps = [
            env._("Account %(name)s, sold to by %(seller)s", name=name, seller=seller)
            if not plan.partner or plan.partner.is_telecom_account
            else env._(
                "Contact %(name)s becomes an account, sold to by %(seller)s",
                name=plan.partner.display_name,
                seller=seller,
            )
        ]
        if plan.rate_card:
            steps.append(env._("It buys calls at the prices of %s", plan.rate_card.name))
        if plan.pricelist:
            steps.append(env._("It buys services by pricelist %s", plan.pricelist.name))
        if self._makes_company():
            steps.append(
                env._(
                    "Company %(name)s in %(country)s, %(currency)s, with a chart of accounts, "
                    "journals and taxes",
                    name=name,
                    country=self._country().name or "?",
                    currency=plan.currency.name or "?",
                )
            )
        company = name if self._has_books() else self.seller_company.name
        steps.append(
            env._(
                "Billing profile and sales journal of %(name)s in the books of %(company)s, with "
                "the rules of %(profile)s",
                name=plan.brand_name or name,
                company=company,
                profile=self.seller_profile.name,
            )
        )
        if plan.base_card:
            steps.append(
                env._(
                    "Rate card %(name)s: %(base)s plus %(percent)s %%, to %(digits)s decimals",
                    name=name,
                    base=plan.base_card.name,
                    percent=f"{plan.markup_percent:g}",
                    digits=plan.price_digits,
                )
            )
        if plan.makes_pricelist:
            steps.append(
                env._(
                    "Pricelist %(name)s: %(base)s plus %(percent)s %%",
                    name=name,
                    base=plan.pricelist.name or env._("the products' prices"),
                    percent=f"{plan.service_percent:g}",
                )
            )
        if plan.mirror_bill and self._has_books():
            steps.append(
                env._(
                    "Invoices of %(seller)s become draft vendor bills of %(name)s",
                    seller=self.seller_company.name,
                    name=name,
                )
            )
        if plan.invite:
            steps.append(env._("An invitation to the portal goes to %s", self._email() or "?"))
        return steps

    # === MAKING IT ===

    def make(self):
        """Make it all and return the reseller.

        :raises UserError: with all that is wrong, when anything is
        """
        problems = self.problems()
        if problems:
            raise UserError("\n".join(problems))
        reseller = self._make_account()
        company = self._make_company(reseller) if self._has_books() else self.seller_company
        profile = reseller._create_billing_profile(
            company=company,
            brand_name=self.plan.brand_name or False,
            logo=self.plan.logo or False,
            invoice_prefix=self.plan.invoice_prefix or False,
        )
        self._make_card(reseller, company)
        self._make_pricelist(reseller, company)
        self._check_ready(profile)
        # last: a mail that is sent cannot be taken back
        self._invite(reseller)
        return reseller

    def _make_account(self):
        plan = self.plan
        vals = {
            "is_telecom_account": True,
            "is_reseller": True,
            "reseller_kind": plan.kind,
            "reseller_id": plan.seller.id,
            "telecom_company_id": self.seller_company.id,
            "telecom_mirror_bill": plan.mirror_bill and self._has_books(),
        }
        given = {
            "account_code": (plan.account_code or "").strip(),
            "rate_card_id": plan.rate_card.id,
            "email": plan.email,
            "phone": plan.phone,
            "country_id": plan.country.id,
            "image_1920": plan.logo,
        }
        vals.update({name: value for name, value in given.items() if value})
        partner = plan.partner
        if partner:
            partner.write(vals)
        else:
            partner = partner.create({**vals, "name": plan.name, "is_company": True})
        if plan.pricelist:
            partner.with_company(self.seller_company).property_product_pricelist = plan.pricelist
        return partner

    def _make_company(self, reseller):
        """Return the reseller's own company, made with its books when there is none yet."""
        if reseller.ref_company_ids:
            return reseller.ref_company_ids[:1]
        plan, country = self.plan, self._country()
        plan.currency.active = True
        fields = self.env["res.company"]._fields
        # The user is the one who gets it among its companies. Odoo would install the packages of
        # the country at once, and commit what there is of the reseller; and it would ask a
        # service on the internet what it knows of it.
        company = (
            self._user_env["res.company"]
            .sudo()
            .with_context(chart_template_load=True)
            .create(
                {
                    **({"iap_enrich_auto_done": True} if "iap_enrich_auto_done" in fields else {}),
                    "name": reseller.name,
                    "partner_id": reseller.id,
                    "country_id": country.id,
                    "currency_id": plan.currency.id,
                }
            )
            .with_env(self.env)
        )
        self._user_env["account.chart.template"].try_loading(
            plan.chart, company=company.id, install_demo=False
        )
        # a chart brings the currency and the fiscal country for which it was made
        company.write({"currency_id": plan.currency.id, "account_fiscal_country_id": country.id})
        if plan.chart == GENERIC_CHART:
            self._localise_taxes(company)
        return company

    def _localise_taxes(self, company):
        """Let the taxes of the generic chart be of the company's country, at its rate."""
        taxes = (
            self.env["account.tax"]
            .with_context(active_test=False)
            .search([("company_id", "=", company.id)])
        )
        taxes.tax_group_id.country_id = company.account_fiscal_country_id
        taxes.country_id = company.account_fiscal_country_id
        percent = self.plan.tax_percent
        usual = company.account_sale_tax_id + company.account_purchase_tax_id
        usual.write({"amount": percent, "name": f"{percent:g}%", "invoice_label": f"{percent:g}%"})
        usual.tax_group_id.name = self.env._("Tax %s%%", f"{percent:g}")
        # what is sold at home is no foreign trade
        self.env["account.fiscal.position"].search(
            [("company_id", "=", company.id), ("country_id", "!=", False)]
        ).country_id = company.account_fiscal_country_id

    def _make_card(self, reseller, company):
        """Make the rate card with which the reseller sells."""
        plan = self.plan
        if not plan.base_card:
            return
        vals = {}
        if self._has_books():
            vals = {"company_id": company.id, "currency_id": company.currency_id.id}
        self.env["telecom.rate.card"]._derive_card(
            owner=reseller,
            parent_card=plan.base_card,
            percent=plan.markup_percent,
            digits=plan.price_digits,
            **vals,
        )

    def _make_pricelist(self, reseller, company):
        """Make the pricelist with which the reseller sells: its own plus a percentage."""
        plan = self.plan
        if not plan.makes_pricelist:
            return
        base = {"base": "list_price"}
        if plan.pricelist:
            base = {"base": "pricelist", "base_pricelist_id": plan.pricelist.id}
        currency = plan.pricelist.currency_id or self.seller_company.currency_id
        self.env["product.pricelist"].create(
            {
                "name": reseller.name,
                "company_id": company.id,
                "currency_id": (company.currency_id if self._has_books() else currency).id,
                "item_ids": [
                    Command.create(
                        {
                            **base,
                            "compute_price": "formula",
                            "price_discount": -plan.service_percent,
                        }
                    )
                ],
            }
        )

    def _check_ready(self, profile):
        """Refuse to leave a reseller behind that could not issue an invoice."""
        journal = profile._sale_journal()
        if not journal.default_account_id and not journal.company_id.income_account_id:
            raise ValidationError(
                self._user_env._(
                    "Billing Profile: the sales journal of %s has no income account. Complete the "
                    "chart of accounts of that company first.",
                    profile.company_id.name,
                )
            )

    def _invite(self, reseller):
        """Grant the reseller access to the portal, as Odoo's own wizard does."""
        if not self.plan.invite:
            return
        wizard = self._user_env["portal.wizard"].create(
            {"partner_ids": [Command.set(reseller.ids)]}
        )
        for user in wizard.user_ids:
            user.action_grant_access()

    # === FACTS ===

    def _seller_profile(self):
        """Return the profile that customers of the one above follow, the company's for none."""
        if self.plan.seller:
            return AccountChain(self.env).customers_profile(self.plan.seller)
        return self._user_env.company._ensure_billing_profile()

    def _has_books(self):
        return self.plan.kind == "distributor" and self.plan.own_company

    def _makes_company(self):
        return self._has_books() and not self.plan.partner.ref_company_ids

    def _country(self):
        return self.plan.country or self.plan.partner.country_id

    def _email(self):
        return self.plan.email or self.plan.partner.email
