"""What may be missing to invoice an account, said before Odoo stumbles over it."""

from odoo.exceptions import UserError
from odoo.tools import format_date


class InvoiceCheck:
    """Refuses what cannot be invoiced, with the account's name and what to do."""

    def __init__(self, env):
        self.env = env
        self._rated = set()

    def check(self, period, rules, journal, invoice_date):
        """Refuse a period of which an invoice would be wrong or impossible.

        :param rules: the `BillingRules` by which it is invoiced
        :raises UserError: with the account's name
        """
        profile = rules.profile
        partner = period.partner_id.with_company(profile.company_id)
        name, company = partner.display_name, profile.company_id
        if not journal:
            raise UserError(
                self.env._(
                    "%(account)s: company %(company)s has no sales journal. Install a chart of "
                    "accounts or set a journal on billing profile %(profile)s.",
                    account=name,
                    company=company.name,
                    profile=profile.name,
                )
            )
        if not partner.property_account_receivable_id:
            raise UserError(
                self.env._(
                    "%(account)s has no receivable account in company %(company)s. "
                    "Set it on the contact's Invoicing tab.",
                    account=name,
                    company=company.name,
                )
            )
        self.check_rate(partner, partner.telecom_currency_id, company, invoice_date)
        archived = rules.tax_ids.filtered(lambda tax: not tax.active)
        if archived:
            # without it the lines would have the products' taxes, which are not the account's
            raise UserError(
                self.env._(
                    "Tax %(tax)s assigned to %(account)s is archived. Assign another one on the "
                    "contact's Telecom tab, or on its billing profile.",
                    tax=archived[0].name,
                    account=name,
                )
            )

    def check_rate(self, partner, currency, company, day):
        """Refuse a currency without an exchange rate, which Odoo takes as one to one.

        :raises UserError: with the account's name
        """
        key = currency, company, day
        if currency == company.currency_id or key in self._rated:
            return
        if not self.env["res.currency.rate"].search_count(
            [
                ("currency_id", "=", currency.id),
                ("company_id", "in", [False, company.root_id.id]),
                ("name", "<=", day),
            ],
            limit=1,
        ):
            raise UserError(
                self.env._(
                    "%(account)s is charged in %(currency)s, for which there is no exchange rate "
                    "on %(date)s. Add one under Accounting > Currencies.",
                    account=partner.display_name,
                    currency=currency.name,
                    date=format_date(self.env, day),
                )
            )
        self._rated.add(key)
