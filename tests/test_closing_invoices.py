"""What is on the invoice of a period: lines in sections, names, spans, taxes and dates."""

from odoo.fields import Command

from .test_closing import ClosingCase


class TestClosingInvoices(ClosingCase):
    def lines(self, move):
        """Return the lines as (name, quantity, price, untaxed amount); sections as their name."""
        return [
            line.name
            if line.display_type == "line_section"
            else (line.name, line.quantity, line.price_unit, line.price_subtotal)
            for line in move.invoice_line_ids.sorted("sequence")
        ]

    def test_lines_are_in_sections_with_their_spans(self):
        account = self.account()
        self.add_service(
            account, self.make_product("Line", price=31, telecom_setup_fee=5), quantity=2
        )
        self.add_service(account, self.make_product("Part", price=31), "2025-03-12")
        self.add_number(account, "3227880100", self.make_product("DID", "did", 2.5))
        self.add_service(account, self.make_package("Free 100", 100))
        self.take_calls(
            [
                self.call(account, start="2025-03-10 10:00:00", seconds=60),
                self.call(account, start="2025-03-10 11:00:00", seconds=61),
                self.call(account, "33123456789", "2025-03-10 12:00:00", 3600),
            ]
        )
        self.adjust(account, -1.5, "2025-03-20")
        # only March: the run of 31 March charges no advance for April
        self.env["telecom.subscription"]._add_recurring_charges(self.day("2025-03-31"))
        account.subscription_ids.date_end = "2025-04-01"
        move = self.bill("2025-04-01", account)
        self.assertEqual(
            self.lines(move),
            [
                "Calls, 03/01/2025 – 03/31/2025",
                # 121 s, of which 100 are free; 21 s at 0.05
                ("Belgium – calls: 2, minutes: 2:01, of which free: 1:40", 1, 0.02, 0.02),
                ("France – calls: 1, minutes: 60:00", 1, 2, 2),
                "Packages",
                ("Free 100, 03/01/2025 to 03/31/2025", 1, 10, 10),
                "Subscriptions",
                ("Line, 03/01/2025 to 03/31/2025", 2, 31, 62),
                ("Part, 03/12/2025 to 03/31/2025", 1, 20, 20),
                "Numbers",
                ("DID 3227880100, 03/01/2025 to 03/31/2025", 1, 2.5, 2.5),
                "Other",
                ("Adjustment", 1, -1.5, -1.5),
                ("Line, setup", 2, 5, 10),
            ],
        )
        self.assertEqual(move.invoice_origin, "03/01/2025 – 03/31/2025")
        self.assertEqual(move.telecom_profile_id, self.profile)
        self.assertEqual(move.partner_id, account)
        sections = move.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        self.assertEqual(sections[0].telecom_section, "calls")
        self.assert_laws(account)

    def test_the_profile_says_whether_a_person_confirms(self):
        for mode, state in (("draft", "draft"), ("confirmed", "posted")):
            profile = self.profile.copy({"mode": mode})
            account = self.account("2025-03-10 10:00:00", billing_profile_id=profile.id)
            move = self.bill("2025-04-01", account)
            self.assertEqual((move.state, self.of(account)[0].state), (state, "invoiced"))
            self.assertEqual(move.telecom_profile_id, profile)

    def test_the_account_owes_the_taxes_that_it_was_assigned(self):
        tax_6, tax_12 = self.make_tax(6), self.make_tax(12)
        plain, assigned, abroad = (self.account("2025-03-10 10:00:00") for _three in range(3))
        assigned.telecom_tax_ids = tax_6 + tax_12
        position = self.env["account.fiscal.position"].create(
            {"name": "Abroad", "company_id": self.company.id}
        )
        free = self.make_tax(0, fiscal_position_ids=[Command.set(position.ids)])
        free.original_tax_ids = self.tax
        abroad.with_company(self.company).property_account_position_id = position
        accounts = plain + assigned + abroad
        for account in accounts:
            self.add_service(account, self.make_product("Line", price=100))
            self.adjust(account, 10, "2025-03-20")
        account_taxes = {plain: self.tax, assigned: tax_6 + tax_12, abroad: free}
        moves = self.bill("2025-04-01", accounts)
        for move in moves:
            lines = move.invoice_line_ids.filtered(lambda line: line.display_type == "product")
            self.assertEqual(len(lines), 4)
            for line in lines:
                self.assertEqual(line.tax_ids, account_taxes[move.partner_id], line.name)
        # 0.05 + 100 + 100 + 10, by document
        totals = {move.partner_id: (move.amount_untaxed, move.amount_tax) for move in moves}
        self.assertEqual(totals[plain], (210.05, 44.11))
        self.assertEqual(totals[assigned], (210.05, 12.6 + 25.21))
        self.assertEqual(totals[abroad], (210.05, 0))

    def test_due_dates_by_terms_of_the_account_of_the_profile_or_days(self):
        term, other = self.env["account.payment.term"].create(
            [
                {
                    "name": f"{days} days",
                    "company_id": self.company.id,
                    "line_ids": [
                        Command.create({"value": "percent", "value_amount": 100, "nb_days": days})
                    ],
                }
                for days in (30, 10)
            ]
        )
        for profile_vals, account_term, date_rule, invoiced, due in (
            ({"due_days": 14}, False, "next_day", "2025-04-01", "2025-04-15"),
            ({"due_days": 0}, False, "last_day", "2025-03-31", "2025-03-31"),
            ({"payment_term_id": term.id}, False, "next_day", "2025-04-01", "2025-05-01"),
            ({"payment_term_id": term.id}, other, "last_day", "2025-03-31", "2025-04-10"),
        ):
            profile = self.profile.copy({"invoice_date_rule": date_rule, **profile_vals})
            account = self.account("2025-03-10 10:00:00", billing_profile_id=profile.id)
            account.with_company(self.company).property_payment_term_id = account_term
            move = self.bill("2025-04-01", account)
            self.assertEqual((str(move.invoice_date), str(move.invoice_date_due)), (invoiced, due))

    def test_more_credits_than_charges_make_a_credit_note(self):
        account = self.account("2025-03-10 10:00:00")
        self.adjust(account, -10, "2025-03-20")
        move = self.bill("2025-04-01", account)
        self.assertEqual(
            (move.move_type, move.amount_untaxed, move.state), ("out_refund", 9.95, "posted")
        )
        self.assert_laws(account)

    def test_what_odoo_would_round_otherwise_is_still_the_sum_of_the_charges(self):
        """A price of more digits than a price has on invoices, times a quantity."""
        account = self.account()
        for quantity, price, amount in ((3, 0.333, 0.999), (7, 1.0049, 7.0343), (1, 0.005, 0.005)):
            charge = self.adjust(account, amount, "2025-03-20")
            charge.write({"quantity": quantity, "price_unit": price})
        move = self.bill("2025-04-01", account)
        self.assertEqual(sorted(move.invoice_line_ids.mapped("price_subtotal")), [0, 0.01, 1, 7.03])
        self.assert_laws(account)
