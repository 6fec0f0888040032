"""Two companies with all that their invoices may be made of: taxes, positions, terms, roundings."""

from odoo.fields import Command

from odoo.addons.account.tests.common import AccountTestInvoicingCommon


class InvoiceBooks(AccountTestInvoicingCommon):
    """Two companies, in dollar and in euro, with all that an invoice may be made of."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # who may read and write what is telecom on an invoice
        cls.env.user.group_ids += cls.env.ref("telecom_billing.group_user")
        cls.euro = cls.setup_other_currency(
            "EUR", rates=[("2020-01-01", 0.9), ("2026-01-15", 0.8765)]
        )
        cls.dinar = cls.setup_other_currency("KWD", rates=[("2020-01-01", 0.3077)])
        cls.yen = cls.setup_other_currency("JPY", rates=[("2020-01-01", 151.37)])
        # of every company
        (cls.euro + cls.dinar + cls.yen).rate_ids.company_id = False
        cls.home = cls._set_up_books(cls.company_data)
        other = cls.setup_other_company(name="In euro", currency_id=cls.euro.id)
        cls.env["res.currency.rate"].create(
            {
                "company_id": other["company"].id,
                "currency_id": cls.env.ref("base.USD").id,
                "name": "2020-01-01",
                "rate": 1.1,
            }
        )
        cls.abroad = cls._set_up_books(other)
        cls.env.flush_all()

    # === BOOKS ===

    @classmethod
    def _set_up_books(cls, data):
        """Return by name what the invoices of a company are made of."""
        company = data["company"]
        env = cls.env["res.company"].with_company(company).env
        income = data["default_account_revenue"]
        books = {
            "env": env,
            "company": company,
            "journal": data["default_journal_sale"],
            "accounts": [cls.copy_account(income.with_env(env)) for _i in range(3)],
            "receivable": data["default_account_receivable"].with_env(env).copy(),
            "refund journal": env["account.journal"].create(
                {
                    "code": "RFND",
                    "company_id": company.id,
                    "default_account_id": income.id,
                    "invoice_reference_type": "partner",
                    "name": "With numbers of its own for credit notes",
                    "refund_sequence": True,
                    "type": "sale",
                }
            ),
        }
        cls._set_up_taxes(books)
        books["accounts"][2].tax_ids = books["taxes"]["excluded"]
        books["products"] = [
            env["product.product"].create(
                {
                    "name": f"Product of {kind or 'no tax'}",
                    "property_account_income_id": account.id,
                    "taxes_id": [Command.set(books["taxes"][kind].ids if kind else [])],
                    "type": "service",
                }
            )
            for kind, account in zip(
                ("excluded", "included", "", "group"), books["accounts"] * 2, strict=False
            )
        ]
        cls._set_up_conditions(books)
        return books

    @classmethod
    def _set_up_taxes(cls, books):
        country = books["company"].account_fiscal_country_id
        payable = cls.copy_account(
            books["env"]["account.account"].search(
                [
                    *books["env"]["account.account"]._check_company_domain(books["company"]),
                    ("account_type", "=", "liability_current"),
                ],
                limit=1,
            )
        )
        second = cls.copy_account(payable)
        tags = books["env"]["account.account.tag"].create(
            [
                {"applicability": "taxes", "country_id": country.id, "name": f"{name} {country.id}"}
                for name in (f"base {books['company'].id}", f"tax {books['company'].id}")
            ]
        )

        def make(name, amount, amount_type="percent", shares=((100, payable),), **vals):
            def repartition(kind):
                base = {"document_type": kind, "repartition_type": "base", "tag_ids": tags[0].ids}
                return [Command.create(base)] + [
                    Command.create(
                        {
                            "account_id": account and account.id,
                            "document_type": kind,
                            "factor_percent": percent,
                            "repartition_type": "tax",
                            "tag_ids": tags[1].ids,
                        }
                    )
                    for percent, account in shares
                ]

            return books["env"]["account.tax"].create(
                {
                    "amount": amount,
                    "amount_type": amount_type,
                    "company_id": books["company"].id,
                    "country_id": country.id,
                    "invoice_repartition_line_ids": repartition("invoice"),
                    "name": f"{name} {amount}",
                    "refund_repartition_line_ids": repartition("refund"),
                    "type_tax_use": "sale",
                    **vals,
                }
            )

        excluded = make("excluded", 15)
        included = make("included", 21, price_include_override="tax_included", sequence=2)
        onto = make("onto", 5, include_base_amount=True, sequence=3)
        included_onto = make(
            "included onto",
            6,
            price_include_override="tax_included",
            include_base_amount=True,
            sequence=1,
        )
        after = make("after", 8, sequence=4)
        children = make("child", 3) + make("child onto", 4, include_base_amount=True) + after
        books["taxes"] = {
            "excluded": excluded,
            "included": included,
            "compound": onto + after,
            "included compound": included_onto + included,
            "included and excluded": included + excluded,
            "group": books["env"]["account.tax"].create(
                {
                    "amount_type": "group",
                    "children_tax_ids": [Command.set(children.ids)],
                    "company_id": books["company"].id,
                    "country_id": country.id,
                    "name": "group",
                    "type_tax_use": "sale",
                }
            ),
            "fixed": make("fixed", 0.37, "fixed"),
            "fixed onto": make("fixed onto", 1.11, "fixed", include_base_amount=True) + after,
            "division": make("division", 10, "division"),
            "shared": make("shared", 13, shares=((60, payable), (40, second))),
            "reverse charge": make("reverse charge", 20, shares=((100, payable), (-100, second))),
            "without account": make("without account", 7.5, shares=((100, None),)),
            "zero": make("zero", 0),
            "none": books["env"]["account.tax"],
        }

    @classmethod
    def _set_up_conditions(cls, books):
        env, taxes, accounts = books["env"], books["taxes"], books["accounts"]
        mapped = taxes["zero"].copy({"name": "mapped", "amount": 12})
        mapped.original_tax_ids = taxes["excluded"] + taxes["included"]
        account_map = {"account_src_id": accounts[0].id, "account_dest_id": accounts[1].id}
        positions = env["account.fiscal.position"].create(
            [
                {
                    "account_ids": [Command.create(account_map)],
                    "company_id": books["company"].id,
                    "name": "maps taxes and accounts",
                    "tax_ids": [Command.set(mapped.ids)],
                },
                {"company_id": books["company"].id, "name": "takes taxes away"},
                {
                    "auto_apply": True,
                    "company_id": books["company"].id,
                    "country_id": env.ref("base.ca").id,
                    "name": "by country",
                    "tax_ids": [Command.set(mapped.ids)],
                },
            ]
        )
        month = {"delay_type": "days_after_end_of_next_month", "nb_days": 0}
        books.update(
            positions=list(positions),
            terms={
                name: cls._make_term(env, name, lines)
                for name, lines in {
                    "one": [(100, {"nb_days": 30})],
                    "two": [(30, {"nb_days": 0}), (70, month)],
                    "same day": [(40, {"nb_days": 9}), (25, {"nb_days": 9}), (35, {"nb_days": 40})],
                    "fixed": [(7.77, {"value": "fixed", "nb_days": 5}), (100, {"nb_days": 40})],
                }.items()
            },
            roundings={
                "line": env["account.cash.rounding"].create(
                    {
                        "loss_account_id": accounts[1].id,
                        "name": "to five cents",
                        "profit_account_id": accounts[2].id,
                        "rounding": 0.05,
                        "rounding_method": "HALF-UP",
                        "strategy": "add_invoice_line",
                    }
                ),
                "tax": env["account.cash.rounding"].create(
                    {
                        "name": "to whole ones",
                        "rounding": 1.0,
                        "rounding_method": "DOWN",
                        "strategy": "biggest_tax",
                    }
                ),
            },
        )

    @classmethod
    def _make_term(cls, env, name, lines, **vals):
        return env["account.payment.term"].create(
            {
                "line_ids": [
                    Command.create({"value": "percent", **line, "value_amount": amount})
                    for amount, line in lines
                ],
                "name": name,
                **vals,
            }
        )
