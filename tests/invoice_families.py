"""Kinds of invoices of which InvoiceBuilder and native code must make the same rows."""

from datetime import date, timedelta

from odoo.fields import Command

from .invoice_books import InvoiceBooks

PRICES = (10.0, 12.12, 21.53, 0.01, 0.0123456, 99.999, 1234.5, 3.333)
QUANTITIES = (1, 2, 3, 0.5, 12.12, 7.333333)


def family(function):
    """Mark a method that makes the values of a plain invoice those of one kind."""
    function.is_family = True
    return function


class InvoiceFamilies(InvoiceBooks):
    """Makes values of invoices of many kinds, random in what does not matter to the kind."""

    # === PLAIN INVOICES ===

    def make_invoice(self, rnd, books=None, name=None):
        """Return values of an invoice as for native `create`, and the books it belongs to.

        :param random.Random rnd: where the details come from
        :param dict books: a company's; either by default
        :param str name: the family; None leaves the invoice plain
        """
        books = books or rnd.choice((self.home, self.abroad))
        day = date(2025, 12, 1) + timedelta(days=rnd.randrange(60))
        vals = {
            "company_id": books["company"].id,
            "currency_id": books["company"].currency_id.id,
            "invoice_date": day,
            "invoice_date_due": day + timedelta(days=rnd.randrange(40)),
            "invoice_payment_term_id": False,
            "journal_id": books["journal"].id,
            "move_type": "out_invoice",
            # of its own: what was invoiced before decides about some accounts
            "partner_id": books["env"]["res.partner"].create({"name": "Account"}).id,
            "invoice_line_ids": [
                Command.create(self.make_line(rnd, books)) for _i in range(rnd.randint(1, 5))
            ],
        }
        # the sum of an invoice must not be negative
        vals["invoice_line_ids"].append(
            Command.create({**self.make_line(rnd, books), "price_unit": 45678.9, "quantity": 1})
        )
        if name:
            getattr(self, name)(rnd, books, vals)
        return vals

    def make_line(self, rnd, books):
        """Return values of a line with any product and its own taxes."""
        return {
            "name": f"Line {rnd.randrange(1000)}",
            "price_unit": rnd.choice((*PRICES, round(rnd.uniform(0, 100), 4))),
            "product_id": rnd.choice(books["products"]).id,
            "quantity": rnd.choice(QUANTITIES),
        }

    @classmethod
    def families(cls):
        """Return the names of all families."""
        return [name for name in dir(cls) if getattr(getattr(cls, name), "is_family", False)]

    # === FAMILIES ===

    @staticmethod
    def _lines(vals):
        return [command[2] for command in vals["invoice_line_ids"]]

    def _tax_all(self, vals, taxes):
        for line in self._lines(vals):
            line["tax_ids"] = [Command.set(taxes.ids)]

    @family
    def plain(self, rnd, books, vals):
        """Change nothing."""

    @family
    def one_tax(self, rnd, books, vals):
        """All lines have the taxes of one kind."""
        kind = rnd.choice(list(books["taxes"]))
        self._tax_all(vals, books["taxes"][kind])

    @family
    def many_taxes(self, rnd, books, vals):
        for line in self._lines(vals):
            line["tax_ids"] = [Command.set(rnd.choice(list(books["taxes"].values())).ids)]

    @family
    def credit_note(self, rnd, books, vals):
        vals["move_type"] = "out_refund"

    @family
    def credit_note_many_taxes(self, rnd, books, vals):
        self.many_taxes(rnd, books, vals)
        vals.update(move_type="out_refund", journal_id=books["refund journal"].id)

    @family
    def own_credit_numbers(self, rnd, books, vals):
        vals["journal_id"] = books["refund journal"].id
        vals["move_type"] = rnd.choice(("out_invoice", "out_refund"))

    @family
    def foreign_currency(self, rnd, books, vals):
        currencies = self.euro + self.dinar + self.yen + self.env.ref("base.USD")
        vals["currency_id"] = rnd.choice(currencies - books["company"].currency_id).id

    @family
    def foreign_many_taxes(self, rnd, books, vals):
        self.foreign_currency(rnd, books, vals)
        self.many_taxes(rnd, books, vals)

    @family
    def term(self, rnd, books, vals):
        del vals["invoice_date_due"]
        vals["invoice_payment_term_id"] = rnd.choice(list(books["terms"].values())).id

    @family
    def foreign_term(self, rnd, books, vals):
        self.foreign_currency(rnd, books, vals)
        self.term(rnd, books, vals)

    @family
    def term_of_customer(self, rnd, books, vals):
        del vals["invoice_date_due"], vals["invoice_payment_term_id"]
        partner = books["env"]["res.partner"].browse(vals["partner_id"])
        partner.property_payment_term_id = books["terms"]["two"]

    @family
    def due_date_without_term(self, rnd, books, vals):
        del vals["invoice_payment_term_id"]

    @family
    def neither_term_nor_due_date(self, rnd, books, vals):
        del vals["invoice_payment_term_id"], vals["invoice_date_due"]

    @family
    def rounded_by_line(self, rnd, books, vals):
        vals["invoice_cash_rounding_id"] = books["roundings"]["line"].id
        self.many_taxes(rnd, books, vals)

    @family
    def rounded_by_tax(self, rnd, books, vals):
        vals["invoice_cash_rounding_id"] = books["roundings"]["tax"].id
        self.foreign_many_taxes(rnd, books, vals)
        self.term(rnd, books, vals)

    @family
    def negative_lines(self, rnd, books, vals):
        for line in self._lines(vals)[:-1]:
            line["price_unit"] = -line["price_unit"] / 3

    @family
    def nothing_to_pay(self, rnd, books, vals):
        for line in self._lines(vals):
            line["price_unit"] = 0.0

    @family
    def cancelling_lines(self, rnd, books, vals):
        vals["invoice_line_ids"] += [
            Command.create({**line, "price_unit": -line["price_unit"]})
            for line in self._lines(vals)
        ]

    @family
    def nothing_to_pay_in_parts(self, rnd, books, vals):
        self.cancelling_lines(rnd, books, vals)
        self.foreign_term(rnd, books, vals)

    @family
    def discounts(self, rnd, books, vals):
        for line in self._lines(vals):
            line["discount"] = rnd.choice((0, 10, 33.33, 12.345, 100))

    @family
    def quantity_zero(self, rnd, books, vals):
        self._lines(vals)[0]["quantity"] = 0

    @family
    def no_quantity_but_zero(self, rnd, books, vals):
        vals["invoice_line_ids"].append(
            Command.create({"name": "Nothing", "price_unit": 0.0, "quantity": 0})
        )

    @family
    def sections_and_notes(self, rnd, books, vals):
        for kind in ("line_section", "line_subsection", "line_note"):
            vals["invoice_line_ids"].insert(
                rnd.randrange(3), Command.create({"display_type": kind, "name": f"A {kind}"})
            )

    @family
    def sequences(self, rnd, books, vals):
        for line in self._lines(vals):
            line["sequence"] = rnd.randrange(100)

    @family
    def position_given(self, rnd, books, vals):
        vals["fiscal_position_id"] = (
            rnd.choice([*books["positions"], False]) and rnd.choice(books["positions"]).id
        )

    @family
    def position_of_customer(self, rnd, books, vals):
        partner = books["env"]["res.partner"].browse(vals["partner_id"])
        partner.property_account_position_id = books["positions"][0]

    @family
    def position_by_country(self, rnd, books, vals):
        partner = books["env"]["res.partner"].browse(vals["partner_id"])
        partner.country_id = self.env.ref(rnd.choice(("base.ca", "base.us")))

    @family
    def position_by_delivery(self, rnd, books, vals):
        partner = books["env"]["res.partner"].browse(vals["partner_id"])
        partner.country_id = self.env.ref("base.us")
        canada = self.env.ref("base.ca").id
        partner.create(
            {"name": "D", "parent_id": partner.id, "type": "delivery", "country_id": canada}
        )

    @family
    def contact_of_company(self, rnd, books, vals):
        partner = books["env"]["res.partner"].browse(vals["partner_id"])
        company = {"name": "Company", "is_company": True, "user_id": self.env.uid}
        partner.parent_id = partner.create(company)

    @family
    def with_tax_number(self, rnd, books, vals):
        books["company"].vat = "US12345"
        partner = books["env"]["res.partner"].browse(vals["partner_id"])
        partner.write({"country_id": self.env.ref("base.ca").id, "vat": "CA123456782"})

    @family
    def own_receivable(self, rnd, books, vals):
        partner = books["env"]["res.partner"].browse(vals["partner_id"])
        partner.property_account_receivable_id = books["receivable"]

    @family
    def accounts_given(self, rnd, books, vals):
        for line in self._lines(vals):
            line["account_id"] = rnd.choice(books["accounts"]).id
            if rnd.random() < 0.5:
                del line["product_id"]

    @family
    def neither_product_nor_account(self, rnd, books, vals):
        for line in self._lines(vals):
            del line["product_id"]

    @family
    def usual_account(self, rnd, books, vals):
        """The customer has been invoiced before, and the lines have no product."""
        before = {**vals, "invoice_line_ids": [Command.create(self._lines(vals)[0])]}
        books["env"]["account.move"].create(before)
        self.neither_product_nor_account(rnd, books, vals)

    @family
    def texts(self, rnd, books, vals):
        vals.update(
            invoice_origin="from 1 to 31 January",
            narration="<p>Thank you</p>",
            payment_reference="RF 12",
            ref="Purchase order 7",
        )

    @family
    def reference_in_parts(self, rnd, books, vals):
        self.term(rnd, books, vals)
        vals.update(payment_reference="RF 13", ref=False)

    @family
    def people(self, rnd, books, vals):
        vals["invoice_user_id"] = rnd.choice((False, self.simple_accountman.id))
        delivery = books["env"]["res.partner"].create({"name": "Elsewhere"})
        vals["partner_shipping_id"] = delivery.id

    @family
    def own_fields(self, rnd, books, vals):
        vals.update(
            telecom_profile_id=books["company"].billing_profile_id.id,
            telecom_annex=rnd.choice(("none", "pdf")),
            telecom_amount_in_words=rnd.choice((False, True)),
            telecom_disputed=rnd.choice((False, True)),
            telecom_no_reminder=rnd.choice((False, True)),
        )
        for line in self._lines(vals):
            line.update(
                telecom_section="calls", telecom_destination="Mars", telecom_amount=0.12345678
            )
