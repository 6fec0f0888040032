"""The journal items of customer invoices, worked out with Odoo's own engines."""

from odoo import fields
from odoo.fields import Command
from odoo.tools.translate import get_translation

from .invoice_builder_guard import NativeNeeded, given_tax_ids
from .invoice_builder_known import TEXT_LINES

# What the tax engine reads, with the values that a new journal item has without them.
ENGINE_NUMBERS = {"quantity": 1.0, "price_unit": 0.0, "discount": 0.0}


class Document:
    """What all journal items of one invoice share."""

    __slots__ = (
        "commercial",
        "currency",
        "date",
        "partner",
        "position",
        "rate",
        "rounding",
        "sign",
        "term",
        # sums of journal items: untaxed, untaxed in currency, tax, tax in currency
        "totals",
        "vals",
    )

    def __init__(self, vals):
        self.vals = {name: value for name, value in vals.items() if name != "invoice_line_ids"}


class InvoiceItems:
    """Completes the values of many invoices of one company.

    What several invoices share (accounts, taxes, rates, fiscal positions) is looked up once.
    """

    def __init__(self, env, company):
        self.env = env
        self.company = company.with_env(env)
        self.own_currency = self.company.currency_id
        self.engine = env["account.tax"]
        self.no_item = env["account.move.line"]
        self._to_cache = {
            name: self.no_item._fields[name].convert_to_cache for name in ENGINE_NUMBERS
        }
        self._looked_up = {}
        self._partners = self._products = {}

    def fetch(self, vals_list):
        """Read the partners and products of a batch in one go each.

        :param list vals_list: dicts as for native `create`
        """
        partners = self.env["res.partner"].browse({vals["partner_id"] for vals in vals_list})
        products = self.env["product.product"].browse(
            {
                command[2]["product_id"]
                for vals in vals_list
                for command in vals["invoice_line_ids"]
                if command[2].get("product_id")
            }
        )
        self._partners = {partner.id: partner for partner in partners}
        self._products = {product.id: product for product in products}

    def work_out(self, vals):
        """Work out an invoice with all its journal items.

        :param dict vals: what one would give native `create`; it stays as it is
        :return: Document, whose `vals` are for a `create` that does not synchronise lines
        :raises NativeNeeded: when native code has to make this invoice
        """
        document = self._document(vals)
        items = [self._invoice_item(document, command[2]) for command in vals["invoice_line_ids"]]
        priced = [item for item in items if item["display_type"] == "product"]
        taxes = self._tax_items(document, priced)
        items += taxes
        rounding = self._rounding_item(document, priced, taxes)
        if rounding:
            items.append(rounding)
        items += self._term_items(document, items)
        document.vals["line_ids"] = [Command.create(item) for item in items]
        return document

    # === THE INVOICE ===

    def _document(self, vals):
        """Fill in what native code derives for the invoice, as native code derives it."""
        document = Document(vals)
        vals = document.vals
        document.partner = partner = self._partners[vals["partner_id"]]
        document.commercial = partner.commercial_partner_id
        document.currency = self._browse("res.currency", vals["currency_id"])
        document.date = vals["date"] = fields.Date.to_date(vals["invoice_date"])
        document.sign = 1 if vals["move_type"] == "out_refund" else -1
        document.rate = vals["invoice_currency_rate"] = self._rate(document)
        vals.update(delivery_date=False, taxable_supply_date=False)
        if "invoice_payment_term_id" not in vals:
            vals["invoice_payment_term_id"] = partner.property_payment_term_id.id
        if "partner_shipping_id" not in vals:
            vals["partner_shipping_id"] = partner.address_get(["delivery"])["delivery"]
        if "fiscal_position_id" not in vals:
            vals["fiscal_position_id"] = self._fiscal_position(
                partner, self._partner(vals["partner_shipping_id"])
            ).id
        document.position = self._browse("account.fiscal.position", vals["fiscal_position_id"])
        document.term = self._browse("account.payment.term", vals["invoice_payment_term_id"])
        document.rounding = self._browse(
            "account.cash.rounding", vals.get("invoice_cash_rounding_id")
        )
        return document

    def _partner(self, partner_id):
        """Return a partner that is read together with the batch's."""
        everyone = next(iter(self._partners.values()))
        return everyone.browse(partner_id or ()).with_prefetch(everyone._prefetch_ids)

    def _browse(self, model_name, record_id):
        """Return the one record object of the batch for this id, with what was read of it."""
        key = model_name, record_id
        if key not in self._looked_up:
            self._looked_up[key] = self.env[model_name].browse(record_id or ())
        return self._looked_up[key]

    def _rate(self, document):
        key = "rate", document.currency.id, document.date
        if key not in self._looked_up:
            self._looked_up[key] = self.env["res.currency"]._get_conversion_rate(
                from_currency=self.own_currency,
                to_currency=document.currency,
                company=self.company,
                date=document.date,
            )
        return self._looked_up[key]

    def _fiscal_position(self, partner, delivery):
        """Find a customer's fiscal position as native code does, but search them only once."""
        positions = self.env["account.fiscal.position"]
        if self.company.vat and partner.vat:
            # a delivery within one's own VAT area counts as one to the invoice address
            return positions._get_fiscal_position(partner, delivery=delivery)
        delivery = delivery or partner
        chosen = delivery.property_account_position_id or partner.property_account_position_id
        if chosen or not partner.country_id:
            return chosen
        if "positions" not in self._looked_up:
            self._looked_up["positions"] = positions.search(
                [*positions._check_company_domain(self.company), ("auto_apply", "=", True)]
            )
        return self._looked_up["positions"]._get_first_matching_fpos(delivery)

    # === LINES OF THE INVOICE ===

    def _invoice_item(self, document, given):
        item = {
            "display_type": "product",
            **given,
            "analytic_distribution": False,
            "currency_id": document.currency.id,
            "partner_id": document.commercial.id,
        }
        if item["display_type"] in TEXT_LINES:
            return item
        product = self._products.get(item.get("product_id")) or self.env["product.product"]
        if not item.get("account_id"):
            item["account_id"] = self._income_account(document, product).id
        if "tax_ids" in item:
            tax_ids = given_tax_ids(item)
        else:
            tax_ids = self._default_taxes(document, product, item["account_id"]).ids
        item["tax_ids"] = [Command.set(tax_ids)]
        item.setdefault("product_uom_id", product.uom_id.id)
        for name, default in ENGINE_NUMBERS.items():
            item[name] = self._to_cache[name](item.get(name, default), self.no_item)
        return item

    def _income_account(self, document, product):
        key = "account", product.id, document.position.id
        if not product:
            key += (document.commercial.id, document.sign)
        if key not in self._looked_up:
            if product:
                account = product.product_tmpl_id.get_product_accounts(
                    fiscal_pos=document.position
                )["income"]
            else:
                account = self._usual_account(document)
            if not account:
                raise NativeNeeded("a line without an account")
            self._looked_up[key] = account
        return self._looked_up[key]

    def _usual_account(self, document):
        """Return the account of a line without a product: the customer's most frequent one."""
        accounts = self.env["account.account"]
        account_id = accounts._get_most_frequent_account_for_partner(
            company_id=self.company.id,
            partner_id=document.commercial.id,
            move_type=document.vals["move_type"],
        )
        journal = self.env["account.journal"].browse(document.vals["journal_id"])
        return accounts.browse(account_id) if account_id else journal.default_account_id

    def _default_taxes(self, document, product, account_id):
        key = "taxes", product.id, account_id, document.position.id
        if key not in self._looked_up:
            account = self._browse("account.account", account_id)
            taxes = product.taxes_id.filtered_domain(
                self.engine._check_company_domain(self.company)
            ) or account.tax_ids.filtered(lambda tax: tax.type_tax_use == "sale")
            taxes = taxes._filter_taxes_by_company(self.company)
            self._looked_up[key] = document.position.map_tax(taxes) if taxes else taxes
        return self._looked_up[key]

    # === TAXES ===

    def _tax_items(self, document, items):
        """Give the lines their amounts and tags, and return the tax items that follow from them."""
        engine, company = self.engine, self.company
        base_lines = [self._base_line(document, item) for item in items]
        engine._add_tax_details_in_base_lines(base_lines, company)
        engine._round_base_lines_tax_details(base_lines, company)
        engine._add_accounting_data_in_base_lines_tax_details(base_lines, company)
        result = engine._prepare_tax_lines(base_lines, company)
        for item, (base_line, amounts) in zip(items, result["base_lines_to_update"], strict=True):
            item.update(amounts)
            details = base_line["tax_details"]
            item["price_subtotal"] = details["total_excluded_currency"]
            item["price_total"] = details["total_included_currency"]
        return [
            {**tax, "analytic_distribution": False, "display_type": "tax"}
            for tax in result["tax_lines_to_add"]
        ]

    def _base_line(self, document, item):
        return self.engine._prepare_base_line_for_taxes_computation(
            None,
            account_id=self._browse("account.account", item["account_id"]),
            currency_id=document.currency,
            is_refund=document.sign > 0,
            name=item["name"],
            partner_id=document.commercial,
            product_id=self._products.get(item.get("product_id")),
            product_uom_id=self._browse("uom.uom", item["product_uom_id"]),
            rate=document.rate,
            sign=document.sign,
            special_mode=False,
            tax_ids=self._taxes(item["tax_ids"][0][2]),
            **{name: item[name] for name in ENGINE_NUMBERS},
        )

    def _taxes(self, tax_ids):
        key = "tax records", *tax_ids
        if key not in self._looked_up:
            taxes = self.engine.browse(tax_ids)
            if "on_payment" in (taxes | taxes.children_tax_ids).mapped("tax_exigibility"):
                raise NativeNeeded("cash basis taxes")
            self._looked_up[key] = taxes
        return self._looked_up[key]

    # === CASH ROUNDING ===

    def _rounding_item(self, document, items, taxes):
        """Return the item that rounds the total to what can be paid in cash, or None."""
        rounding, currency = document.rounding, document.currency
        if not rounding:
            return None
        total = sum(item["amount_currency"] for item in items + taxes)
        amount = balance = rounding.compute_difference(currency, total)
        if currency != self.own_currency:
            balance = currency._convert(amount, self.own_currency, self.company, document.date)
        if currency.is_zero(amount) and currency.is_zero(balance):
            return None
        item = {
            "analytic_distribution": False,
            "amount_currency": amount,
            "balance": balance,
            "currency_id": currency.id,
            "display_type": "rounding",
            "partner_id": document.partner.id,
        }
        if rounding.strategy == "biggest_tax":
            biggest = max(taxes, key=lambda tax: abs(tax["balance"]), default=None)
            if not biggest:
                return None
            item["name"] = get_translation(
                "account",
                self.env.lang or "en_US",
                "%(tax_name)s (rounding)",
                {"tax_name": biggest["name"]},
            )
            for name in ("account_id", "tax_repartition_line_id", "tax_tag_ids", "tax_ids"):
                item[name] = biggest[name]
        else:
            account = rounding.profit_account_id
            if balance > 0.0 and rounding.loss_account_id:
                account = rounding.loss_account_id
            item.update(account_id=account.id, name=rounding.name, tax_ids=[Command.clear()])
        return item

    # === DUE DATES ===

    def _term_items(self, document, items):
        """Return one item per due date, which together balance all others."""
        self._add_up(document, items)
        own, currency = self.own_currency, document.currency
        untaxed, untaxed_currency, tax, tax_currency = (-total for total in document.totals)
        if document.term:
            parts = document.term._compute_terms(
                date_ref=document.date,
                currency=currency,
                company=self.company,
                tax_amount=own.round(tax),
                tax_amount_currency=currency.round(tax_currency),
                untaxed_amount=own.round(untaxed),
                untaxed_amount_currency=currency.round(untaxed_currency),
                sign=-document.sign,
                cash_rounding=document.rounding,
            )["line_ids"]
        else:
            due = document.vals.get("invoice_date_due") or fields.Date.context_today(self.no_item)
            parts = [
                {
                    "date": due,
                    "company_amount": untaxed + tax,
                    "foreign_amount": untaxed_currency + tax_currency,
                }
            ]
        return self._items_of_parts(document, parts)

    def _add_up(self, document, items):
        untaxed = untaxed_currency = tax = tax_currency = 0.0
        for item in items:
            if item["display_type"] in TEXT_LINES:
                continue
            if item.get("tax_repartition_line_id"):
                tax += item["balance"]
                tax_currency += item["amount_currency"]
            else:
                untaxed += item["balance"]
                untaxed_currency += item["amount_currency"]
        document.totals = untaxed, untaxed_currency, tax, tax_currency

    def _items_of_parts(self, document, parts):
        account = self._receivable_account(document)
        found = {}
        for part in parts:
            due = fields.Date.to_date(part["date"])
            item = found.setdefault(
                due,
                {
                    "account_id": account.id,
                    "amount_currency": 0.0,
                    "analytic_distribution": False,
                    "balance": 0.0,
                    "currency_id": document.currency.id,
                    "date_maturity": due,
                    "discount_amount_currency": 0.0,
                    "discount_balance": 0.0,
                    "display_type": "payment_term",
                    "partner_id": document.commercial.id,
                },
            )
            item["balance"] += part["company_amount"]
            item["amount_currency"] += part["foreign_amount"]
        for item in found.values():
            item["amount_currency"] = document.currency.round(item["amount_currency"])
            # a fixed part of a total of zero has no rate; native code takes the currency's amount
            own = document.currency == self.own_currency
            item["balance"] = (
                item["amount_currency"] if own else self.own_currency.round(item["balance"])
            )
        return list(found.values())

    def _receivable_account(self, document):
        issuer = self.company.partner_id
        account = (
            document.commercial.property_account_receivable_id
            or issuer.property_account_receivable_id
        )
        if not account:
            raise NativeNeeded("the customer has no receivable account")
        return document.position.map_account(account)
