"""What services cost an account, in its currency; an exchange rate is never made up."""

from odoo import fields
from odoo.exceptions import UserError
from odoo.tools import format_date

from .account_chain import AccountChain


class ServicePrices:
    """Prices of products by the pricelists of accounts. Runs as superuser: a tier's prices are
    looked up for those who may not read them."""

    def __init__(self, env):
        self._env = env(su=True)
        self._chain = AccountChain(self._env)
        self._rated = set()

    def price(self, service, account, day):
        """Return the price of one unit of a service for an account, in the account's currency."""
        return self.product_price(service.product_id, service.quantity or 1.0, account, day)

    def product_price(self, product, quantity, account, day):
        """Return the price of one unit of a product for an account, not rounded, in the account's
        currency.

        :param quantity: units, on which the rules of a pricelist may depend
        """
        account = account.with_env(self._env)
        company = self._chain.profile(account).company_id
        account = account.with_company(company)
        product = product.with_env(account.env)
        day = day or fields.Date.today()
        pricelist = account.property_product_pricelist
        currency = account.telecom_currency_id
        if not pricelist:
            return self.convert(product.lst_price, product.currency_id, currency, company, day)
        rule = self._rule(pricelist, product, quantity, day)
        # what a rule itself says is in the pricelist's currency, and Odoo converts none of it
        own = rule.compute_price in ("fixed", "formula")
        source = pricelist.currency_id if own else currency
        price = pricelist._get_product_price(product, quantity, currency=source, date=day)
        if price:
            self._check_bases(rule, source, product, quantity, company, day)
        return self.convert(price, source, currency, company, day)

    def setup_fee(self, service, account, day):
        """Return the setup fee of a service's product, in the account's currency."""
        account = account.with_env(self._env)
        company = self._chain.profile(account).company_id
        product = service.product_id.with_env(self._env).with_company(company)
        return self.convert(
            product.telecom_setup_fee,
            product.currency_id,
            account.with_company(company).telecom_currency_id,
            company,
            day,
        )

    def terms_price(self, service, price, source, target, day):
        """Return a price that was agreed for a service in one currency in another one."""
        company = self._chain.profile(service.partner_id).company_id
        return self.convert(price, source, target, company, day)

    def convert(self, amount, source, target, company, day):
        """Return `amount`, not rounded, in the currency `target` at the rate of `day`.

        :raises UserError: when one of the currencies has no rate by then: Odoo would take 1 for it
        """
        source, target = source.with_env(self._env), target.with_env(self._env)
        if not amount or source == target:
            return amount
        day = day or fields.Date.today()
        for currency in (source, target):
            self._check_rate(currency, company, day)
        return source._convert(amount, target, company, day, round=False)

    def _rule(self, pricelist, product, quantity, day):
        """Return the rule by which a pricelist prices a product; none: at the product's price."""
        rule = pricelist._get_product_rule(product, quantity, date=day)
        return self._env["product.pricelist.item"].browse(rule or [])

    def _check_bases(self, rule, currency, product, quantity, company, day):
        """Check the rates with which Odoo converts the price that a rule begins with, and that of
        the pricelist below it, and so on."""
        while rule.compute_price != "fixed":
            base = rule.base_pricelist_id if rule.base == "pricelist" else rule.pricelist_id[:0]
            source = (base or product).currency_id
            if source != currency:
                for needed in (source, currency):
                    self._check_rate(needed, company, day)
            if not base:
                return
            rule, currency = self._rule(base, product, quantity, day), source

    def _check_rate(self, currency, company, day):
        key = (currency, company, day)
        if currency == company.currency_id or key in self._rated:
            return
        if not self._env["res.currency.rate"].search_count(
            [
                ("currency_id", "=", currency.id),
                ("company_id", "in", [False, company.root_id.id]),
                ("name", "<=", day),
            ],
            limit=1,
        ):
            raise UserError(
                self._env._(
                    "There is no exchange rate of %(currency)s in %(company)s on %(date)s. "
                    "Add one under Accounting > Currencies.",
                    currency=currency.name,
                    company=company.name,
                    date=format_date(self._env, day),
                )
            )
        self._rated.add(key)
