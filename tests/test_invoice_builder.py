"""InvoiceBuilder against native code: the same rows, column by column, for every kind of invoice.

TELECOM_SEED chooses other random invoices, TELECOM_ROUNDS makes more of them.
"""

import os
import random
import re
from datetime import date
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from ..models.account_move_bulk import AccountMove as BulkMove
from ..models.invoice_builder import InvoiceBuilder
from ..models.invoice_builder_guard import InvoiceGuard
from ..models.invoice_builder_known import KNOWN_MODULES
from .common import TelecomCommon
from .invoice_comparison import SEED, InvoiceBuilderCase

ROUNDS = int(os.environ.get("TELECOM_ROUNDS", "1"))
GUARD = "odoo.addons.telecom_billing.models.invoice_builder_guard"


@tagged("post_install", "-at_install")
class TestInvoiceBuilder(InvoiceBuilderCase):
    def random_invoices(self, rounds, names=None):
        """Return invoices of all families, and their families' names."""
        rnd = random.Random(SEED)
        names = (names or self.families()) * rounds
        # the order decides about numbers and shared look-ups
        rnd.shuffle(names)
        return [self.make_invoice(rnd, name=name) for name in names], names

    def test_every_family(self):
        for method in ("round_per_line", "round_globally"):
            for books in (self.home, self.abroad):
                books["company"].tax_calculation_rounding_method = method
            # the way of rounding is nothing to dates, texts and accounts
            families = [
                name
                for name in self.families()
                if method == "round_globally"
                or re.search("tax|foreign|round|credit|negative", name)
            ]
            with self.subTest(rounding=method):
                vals_list, names = self.random_invoices(ROUNDS, families)
                builder = InvoiceBuilder(self.env)
                reasons = [builder.native_reason(vals) for vals in vals_list]
                self.assertFalse(any(reasons), dict(zip(names, reasons, strict=True)))
                self.assert_same(vals_list, names)

    def test_without_shortcuts_in_the_orm(self):
        """Where modules that are not known take part, the ORM computes the columns."""
        vals_list, names = self.random_invoices(1, self.families()[SEED % 3 :: 3])
        with (
            patch.object(InvoiceGuard, "rows_reason", lambda guard: "a test"),
            patch.object(InvoiceGuard, "posting_reason", lambda guard: "a test"),
            patch.object(InvoiceGuard, "numbering_reason", lambda guard: "a test"),
        ):
            self.assert_same(vals_list, names)

    def test_shortcuts_are_taken(self):
        """The other tests compare what they mean to compare."""
        vals_list, _names = self.random_invoices(1, ["plain"])
        guard = InvoiceGuard(self.env, self.env.company)
        for reason in (guard.rows_reason, guard.posting_reason, guard.numbering_reason):
            self.assertIsNone(reason())
        create, taken = BulkMove._create, []

        def spy(moves, data_list):
            taken.append(all("amount_total" in data["stored"] for data in data_list))
            return create(moves, data_list)

        with patch.object(BulkMove, "_create", spy):
            self.built(vals_list)
        self.assertEqual(taken, [True])

    def test_comparison_sees_a_wrong_amount(self):
        rnd = random.Random(SEED)
        vals = self.make_invoice(rnd, self.home, "plain")
        wrong = {**vals, "invoice_line_ids": self.copied_lines(vals)}
        wrong["invoice_line_ids"][-1][2]["price_unit"] += 0.01
        native = self.native([vals])
        self.assertFalse(self.differences(native, self.built([vals]), "a"))
        self.assertTrue(self.differences(native, self.built([wrong]), "a"))

    def test_comparison_sees_a_wrong_rounding(self):
        company = self.home["company"]
        vals = self.make_invoice(random.Random(SEED), self.home)
        line = {
            "name": "Call",
            "price_unit": 0.333,
            "product_id": self.home["products"][0].id,
            "quantity": 1,
        }
        vals["invoice_line_ids"] = [Command.create(dict(line)) for _i in range(9)]
        company.tax_calculation_rounding_method = "round_per_line"
        native = self.native([vals])
        company.tax_calculation_rounding_method = "round_globally"
        found = self.differences(native, self.built([vals]), "a")
        self.assertTrue([text for text in found if ".amount_total:" in text], found)

    def test_comparison_sees_a_wrong_tax_of_the_same_amount(self):
        tax = self.home["taxes"]["excluded"]
        vals = self.make_invoice(random.Random(SEED), self.home)
        self._tax_all(vals, tax)
        native = self.native([vals])
        self._tax_all(vals, tax.copy())
        found = self.differences(native, self.built([vals]), "a")
        self.assertTrue([text for text in found if "tax_repartition_line_id" in text], found)

    def test_drafts_can_be_edited(self):
        """A draft of the builder takes changes as one of native code does."""
        vals_list, names = self.random_invoices(
            1, ["foreign_many_taxes", "foreign_term", "plain", "rounded_by_line", "texts"]
        )

        def edit(moves):
            for move in moves:
                line = move.invoice_line_ids.filtered(lambda line: line.product_id)[0]
                line.write({"price_unit": 77.77, "discount": 5})
                one = {"name": "One more", "price_unit": 3.33, "product_id": line.product_id.id}
                move.write({"invoice_line_ids": [Command.create(one)], "ref": "Edited"})
                move.invoice_date = date(2026, 2, 20)

        self.assert_same(vals_list, names, edit)

    def test_posted_invoices_can_be_taken_back(self):
        vals_list, names = self.random_invoices(1, ["foreign_many_taxes", "term", "one_tax"])

        def edit(moves):
            moves.action_post()
            moves.button_draft()
            for move in moves:
                move.invoice_line_ids[0].quantity = 3

        self.assert_same(vals_list, names, edit)

    def test_language(self):
        """Texts are in the user's language, as in native code."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.env = self.env(context={**self.env.context, "lang": "fr_FR"})
        vals_list, names = self.random_invoices(1, ["rounded_by_tax", "term"])
        self.assert_same(vals_list, names)

    # === ORDER AND NUMBERS ===

    def test_order_is_kept_across_companies_and_ways(self):
        rnd = random.Random(SEED)
        vals_list = [self.make_invoice(rnd) for _i in range(8)]
        for index, vals in enumerate(vals_list):
            vals["invoice_origin"] = str(index)
        for vals in vals_list[::3]:
            # the date of a draft: native code's affair
            vals["invoice_date"] = False
        moves = InvoiceBuilder(self.env).build(vals_list)
        self.assertEqual(moves.mapped("invoice_origin"), [str(index) for index in range(8)])
        self.assertFalse(InvoiceBuilder(self.env).build([]))

    def test_numbers_go_on(self):
        """Numbers follow those that are there, by year and kind, without gap."""
        rnd = random.Random(SEED)
        for vals_list in ([], []):
            for year in (2024, 2025):
                for kind in ("out_invoice", "out_refund", "out_invoice"):
                    vals = self.make_invoice(rnd, self.home)
                    day = date(year, 6, 30)
                    vals.update(invoice_date=day, invoice_date_due=day, move_type=kind)
                    vals["journal_id"] = self.home["refund journal"].id
                    vals_list.append(vals)
            self.assert_same(vals_list)
            builder = InvoiceBuilder(self.env)
            builder.post(builder.build(vals_list))
        names = (
            self.env["account.move"]
            .search([("journal_id", "=", self.home["refund journal"].id)])
            .mapped("name")
        )
        expected = {f"RFND/{year}/0000{n}" for year in (2024, 2025) for n in range(1, 5)}
        expected |= {f"RRFND/{year}/0000{n}" for year in (2024, 2025) for n in (1, 2)}
        self.assertEqual(set(names), expected)
        self.assertEqual(len(names), len(expected))

    def test_closed_period(self):
        """Posting in a closed period moves the date of the entry, as native code does it."""
        rnd = random.Random(SEED)
        vals_list = [self.make_invoice(rnd, self.home, "term") for _i in range(3)]
        self.home["company"].fiscalyear_lock_date = "2026-01-31"
        self.assert_same(vals_list)

    # === WHAT GOES TO NATIVE CODE ===

    def test_early_payment_discount(self):
        vals = self.make_invoice(random.Random(SEED), self.home, "term")
        term = self._make_term(
            self.env,
            "early",
            [(100, {"nb_days": 30})],
            discount_days=10,
            discount_percentage=2,
            early_discount=True,
            early_pay_discount_computation="mixed",
        )
        vals["invoice_payment_term_id"] = term.id
        self.assert_native(vals)

    def test_cash_basis_tax(self):
        self.home["company"].tax_exigibility = True
        self.home["accounts"][0].reconcile = True
        self.home["taxes"]["excluded"].write(
            {
                "cash_basis_transition_account_id": self.home["accounts"][0].id,
                "tax_exigibility": "on_payment",
            }
        )
        vals = self.make_invoice(random.Random(SEED), self.home)
        self._tax_all(vals, self.home["taxes"]["group"] + self.home["taxes"]["excluded"])
        self.assert_native(vals)

    def test_term_and_due_date(self):
        vals = self.make_invoice(random.Random(SEED), self.home, "term_of_customer")
        vals["invoice_date_due"] = date(2026, 5, 5)
        self.assert_native(vals)

    def test_rounding_for_a_contact(self):
        vals = self.make_invoice(random.Random(SEED), self.home, "contact_of_company")
        vals["invoice_cash_rounding_id"] = self.home["roundings"]["line"].id
        self.assert_native(vals)

    def test_settings_of_the_company(self):
        company = self.home["company"]
        vals = self.make_invoice(random.Random(SEED), self.home, "discounts")
        for setting in (
            {"account_storno": True},
            {"account_discount_expense_allocation_id": self.home["accounts"][1].id},
            {"restrictive_audit_trail": True},
        ):
            with self.subTest(setting=setting):
                previous = {name: company[name] for name in setting}
                company.write(setting)
                self.assert_native(vals)
                company.write(previous)

    def test_hash_chain(self):
        self.home["journal"].restrict_mode_hash_table = True
        vals = self.make_invoice(random.Random(SEED), self.home)
        self.assertFalse(InvoiceBuilder(self.env)._knows(vals))

    def test_analytic_distribution_model(self):
        plan = self.env["account.analytic.plan"].create({"name": "Plan"})
        account = self.env["account.analytic.account"].create({"name": "A", "plan_id": plan.id})
        vals = self.make_invoice(random.Random(SEED), self.home)
        self.env["account.analytic.distribution.model"].create(
            {"analytic_distribution": {str(account.id): 100}, "partner_id": vals["partner_id"]}
        )
        self.assert_native(vals)

    def test_values_that_are_not_known(self):
        vals = self.make_invoice(random.Random(SEED), self.home)
        line = vals["invoice_line_ids"][0][2]
        incoterm = self.env["account.incoterms"].search([], limit=1)
        for values, change in (
            (vals, {"invoice_date": False}),
            (vals, {"invoice_incoterm_id": incoterm.id}),
            (vals, {"invoice_currency_rate": 2.0}),
            (vals, {"move_type": "out_receipt"}),
            (line, {"analytic_distribution": {}}),
            (line, {"extra_tax_data": {}}),
            (line, {"tax_ids": [Command.unlink(1)]}),
        ):
            with self.subTest(change=change):
                kept = dict(values)
                values.update(change)
                self.assertTrue(InvoiceBuilder(self.env).native_reason(vals))
                values.clear()
                values.update(kept)
        del line["price_unit"]
        self.assert_native(vals)

    def test_overrides_of_unknown_modules(self):
        vals = self.make_invoice(random.Random(SEED), self.home)
        with patch(f"{GUARD}.KNOWN_MODULES", KNOWN_MODULES - {"analytic"}):
            self.assertIn("analytic", InvoiceBuilder(self.env).native_reason(vals))
            self.assert_same([vals])

    def test_shortcuts_cannot_be_asked_for_from_outside(self):
        vals = self.make_invoice(random.Random(SEED), self.home)
        keys = {"telecom_complete_rows": True, "telecom_number_formats": {}}
        moves = self.env["account.move"].with_context(**keys).create([dict(vals)])
        moves.action_post()
        self.assertTrue(moves.amount_total)
        self.assertTrue(moves.line_ids.filtered(lambda line: line.display_type == "payment_term"))

    # === REFUSALS ===

    def test_currency_without_rate(self):
        franc = self.env.ref("base.CHF")
        franc.active = True
        franc.rate_ids.unlink()
        vals = self.make_invoice(random.Random(SEED), self.home)
        vals.update(currency_id=franc.id, invoice_date=date(2026, 1, 17))
        with self.assertRaisesRegex(UserError, r"CHF.*01/17/2026"):
            InvoiceBuilder(self.env).build([vals])

    def test_foreign_tax_is_refused_as_by_native_code(self):
        vals = self.make_invoice(random.Random(SEED), self.home)
        self._tax_all(vals, self.abroad["taxes"]["excluded"])
        with self.assertRaises(UserError):
            InvoiceBuilder(self.env).build([vals])

    def test_negative_total_is_refused_as_by_native_code(self):
        vals = self.make_invoice(random.Random(SEED), self.home)
        for line in self._lines(vals):
            line["price_unit"] = -10.0
        builder = InvoiceBuilder(self.env)
        moves = builder.build([vals])
        with self.assertRaisesRegex(UserError, "negative total"):
            builder.post(moves)


@tagged("post_install", "-at_install")
class TestInvoiceBuilderInBilling(TelecomCommon):
    def test_billing_leaves_nothing_to_native_code(self):
        """The values that billing gives are all known to the builder."""
        term = self.env.ref("account.account_payment_term_30days")
        self.call_product.taxes_id = self.tax
        accounts = self.make_account("plain")
        accounts += self.make_account("with a term", property_payment_term_id=term.id)
        accounts += self.make_account("with taxes of its own", telecom_tax_ids=self.tax.ids)
        accounts += self.make_account("in credit")
        for account in accounts[:3]:
            self.add_service(account, self.make_product("Line"))
            self.take_calls([self.call(account)])
        self.env["telecom.charge"].create(
            {
                "amount": -3.0,
                "date": "2025-03-10",
                "name": "Sorry",
                "partner_id": accounts[3].id,
            }
        )
        build, reasons = InvoiceBuilder.build, []

        def spy(builder, vals_list):
            reasons.extend(map(builder.native_reason, vals_list))
            return build(builder, vals_list)

        with patch.object(InvoiceBuilder, "build", spy):
            moves = self.bill(accounts=accounts)
        self.assertEqual(sorted(moves.mapped("move_type")), ["out_invoice"] * 3 + ["out_refund"])
        self.assertEqual(reasons, [None] * 4)
