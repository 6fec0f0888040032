"""What most tests stand on: a company with books, a rate card, and the verbs of the pipeline.

The dates of the fixtures lie in 2025, so that no test depends on the day it runs.
"""

from datetime import date, datetime

from odoo.fields import Command
from odoo.tests import TransactionCase, new_test_user, tagged


@tagged("post_install", "-at_install")
class TelecomCommon(TransactionCase):
    """A telephone company of its own in Brussels: euro, one tax of 21 %, one rate card."""

    # (prefix, destination, price per minute, other values of the rate)
    RATES = (
        ("32", "Belgium", 0.05, {}),
        ("3247", "Belgium Mobile", 0.12, {"initial_increment": 30, "increment": 6}),
        ("33", "France", 0.0333, {}),
        ("1", "USA", 0.02, {"connection_fee": 0.1, "initial_increment": 60, "increment": 60}),
    )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.make_company("Telco")
        cls.env.user.write({"company_ids": [Command.link(cls.company.id)]})
        cls.env = cls.env(
            context={
                **cls.env.context,
                "allowed_company_ids": cls.company.ids,
                "tracking_disable": True,
            }
        )
        cls.company = cls.company.with_env(cls.env)
        cls.profile = cls.company.billing_profile_id
        cls.currency = cls.company.currency_id
        cls.tax = cls.make_tax(21.0)
        cls.company.account_sale_tax_id = cls.tax
        cls.call_product = cls.env.ref("telecom_billing.product_calls")
        cls.call_product.taxes_id = cls.tax
        cls.card = cls.make_card("Standard", cls.RATES)
        # the calls of the tests grow older and older
        cls.env["ir.default"].set("telecom.cdr.source", "oldest_days", 0)
        # products of no company have their prices in the currency of the first one
        cls.env["res.currency.rate"].create(
            {
                "currency_id": cls.env.ref("base.main_company").currency_id.id,
                "company_id": False,
                "name": "2000-01-01",
                "rate": 1.0,
            }
        )
        cls.env.flush_all()

    # === THE COMPANY ===

    @classmethod
    def make_company(cls, name, country="base.be", tz="Europe/Brussels"):
        """Return a company in euro with a chart of accounts, journals and a billing profile."""
        currency = cls.env.ref("base.EUR")
        currency.active = True
        company = cls.env["res.company"].create(
            {"name": name, "country_id": cls.env.ref(country).id, "currency_id": currency.id}
        )
        company.partner_id.tz = tz
        cls.env["account.chart.template"].try_loading(
            "generic_coa", company=company, install_demo=False
        )
        # the generic chart makes the country of its own taxes the fiscal one
        company.write(
            {"currency_id": currency.id, "account_fiscal_country_id": company.country_id.id}
        )
        return company

    @classmethod
    def make_dollar(cls, rate):
        """Return the US dollar, of which one unit of the company's currency buys `rate`."""
        dollar = cls.env.ref("base.USD")
        dollar.active = True
        cls.env["res.currency.rate"].create(
            {
                "currency_id": dollar.id,
                "company_id": cls.company.id,
                "name": "2025-01-01",
                "rate": rate,
            }
        )
        return dollar

    @classmethod
    def make_tax(cls, percent, **vals):
        """Return a sales tax of the company."""
        company = vals.pop("company", cls.company)
        return cls.env["account.tax"].create(
            {
                "name": f"VAT {percent:g}%",
                "amount": percent,
                "amount_type": "percent",
                "type_tax_use": "sale",
                "company_id": company.id,
                "country_id": company.country_id.id,
                "tax_group_id": cls.env["account.tax.group"]
                .create(
                    {
                        "name": f"VAT {percent:g}%",
                        "company_id": company.id,
                        "country_id": company.country_id.id,
                    }
                )
                .id,
                **vals,
            }
        )

    @classmethod
    def make_user(cls, login, groups="telecom_billing.group_user", **vals):
        """Return a user of the company; `groups` are xml ids with commas between."""
        vals.setdefault("company_id", cls.company.id)
        vals.setdefault("company_ids", [Command.set([vals["company_id"]])])
        return new_test_user(cls.env, login=login, groups=groups, **vals)

    # === PRICES ===

    @classmethod
    def make_card(cls, name, rates=(), **vals):
        """Return a rate card; rates as in `RATES`."""
        return cls.env["telecom.rate.card"].create(
            {
                "name": name,
                "company_id": cls.company.id,
                "currency_id": cls.currency.id,
                "rate_ids": [
                    Command.create(
                        {
                            "prefix": prefix,
                            "destination": destination,
                            "price_per_minute": price,
                            **more,
                        }
                    )
                    for prefix, destination, price, more in rates
                ],
                **vals,
            }
        )

    @classmethod
    def make_product(cls, name, kind="subscription", price=10.0, **vals):
        """Return a product that is rented out by the month, in advance, prorated."""
        return cls.env["product.product"].create(
            {
                "name": name,
                "type": "service",
                "list_price": price,
                "telecom_kind": kind,
                "taxes_id": [Command.set(cls.tax.ids)],
                **vals,
            }
        )

    @classmethod
    def make_package(cls, name, quantity, price=10.0, **vals):
        """Return a package product whose allowance is `quantity` free seconds a month."""
        product = cls.make_product(name, "package", price, **vals.pop("product", {}))
        cls.env["telecom.package"].create(
            {"name": name, "product_id": product.id, "quantity": quantity, **vals}
        )
        return product

    # === ACCOUNTS AND WHAT THEY USE ===

    @classmethod
    def make_account(cls, name, code=None, **vals):
        """Return a monthly billed account on the standard card; its code is its name."""
        return cls.env["res.partner"].create(
            {
                "name": name,
                "is_telecom_account": True,
                "account_code": code or name,
                "rate_card_id": cls.card.id,
                "telecom_company_id": cls.company.id,
                **vals,
            }
        )

    @classmethod
    def make_reseller(cls, name, kind="distributor", **vals):
        """Return a reseller account."""
        return cls.make_account(name, is_reseller=True, reseller_kind=kind, **vals)

    @classmethod
    def add_service(cls, account, product, date_start="2025-03-01", **vals):
        """Return a running service of the account."""
        return cls.env["telecom.subscription"].create(
            {
                "partner_id": account.id,
                "product_id": product.id,
                "date_start": date_start,
                **vals,
            }
        )

    @classmethod
    def add_number(cls, account, number, product, date_start="2025-03-01", **vals):
        """Return a service that rents `number`, added to the inventory, to the account."""
        did = cls.env["telecom.did"].create({"number": number, "company_id": cls.company.id})
        return cls.add_service(account, product, date_start, did_id=did.id, **vals)

    _uid = 0

    @classmethod
    def call(cls, account, dst="3225551234", start="2025-03-10 10:00:00", seconds=60, **vals):
        """Return a row for `import_calls`: an answered call of the account."""
        TelecomCommon._uid += 1
        return {
            "uid": f"test-{TelecomCommon._uid}",
            "account_code": account.account_code,
            "direction": "outbound",
            "src": "3227880100",
            "dst": dst,
            "start": start,
            "duration": seconds,
            "billsec": seconds,
            "disposition": "ANSWERED",
            **vals,
        }

    # === THE VERBS ===

    def take_calls(self, rows, source="test"):
        """Import and rate calls; every one of them must be taken and priced."""
        rows = list(rows)
        counts = self.env["telecom.cdr"].import_calls(rows, source)
        self.assertEqual(counts["taken"], len(rows), counts)
        counts = self.env["telecom.cdr"].rate_pending()
        self.assertEqual(counts["unrated"], 0, counts)
        return counts

    def bill(self, until="2025-04-01", accounts=None):
        """Close the periods that end by `until` and return the invoices; no account may fail."""
        run = self.env["telecom.billing.run"].close_periods(until, accounts)
        errors = run.period_ids.filtered("error").mapped("error")
        self.assertFalse(errors)
        return run.period_ids.move_id

    def charges_of(self, account):
        """Return the call charges of the account, in the order of the calls."""
        return self.env["telecom.call.charge"].search(
            [("partner_id", "=", account.id)], order="call_date, id"
        )

    @staticmethod
    def day(text):
        """Return a date from ISO text."""
        return date.fromisoformat(text)

    @staticmethod
    def moment(text):
        """Return a datetime from ISO text."""
        return datetime.fromisoformat(text)
