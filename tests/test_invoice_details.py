"""In how much detail an invoice says what was called, and what it says below."""

from odoo.exceptions import ValidationError
from odoo.fields import Command

from .common import TelecomCommon


class TestInvoiceDetails(TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        received = {"prefix": "", "destination": "Received", "direction": "inbound"}
        cls.card.rate_ids = [Command.create({**received, "price_per_minute": 0.01})]

    def invoice(self, name="Anna"):
        """Return the invoice of an account that called Belgium (0.05) and France (0.0666, 2
        minutes), received a call of 3 minutes (0.03), and has a line for 10."""
        account = self.make_account(name)
        self.add_service(account, self.make_product("Line"), date_end="2025-04-01")
        self.take_calls(
            [
                self.call(account),
                self.call(account, "33145678901", seconds=120),
                self.call(account, "3227880100", direction="inbound", seconds=180),
            ]
        )
        return self.bill(accounts=account)

    def call_lines(self, move):
        return [
            (line.name, line.price_subtotal)
            for line in move.invoice_line_ids
            if line.telecom_section == "calls" and line.display_type == "product"
        ]

    def test_lines_of_calls(self):
        """0.05, 0.07 and 0.03; 0.1166 in one; 0.1466 in all. Beside each the service of 10."""
        expected = {
            "destination": [
                ("Belgium – calls: 1, minutes: 1:00", 0.05),
                ("France – calls: 1, minutes: 2:00", 0.07),
                ("Received – calls: 1, minutes: 3:00", 0.03),
            ],
            "direction": [
                ("Outgoing calls – calls: 2, minutes: 3:00", 0.12),
                ("Incoming calls – calls: 1, minutes: 3:00", 0.03),
            ],
            "total": [("All calls – calls: 3, minutes: 6:00", 0.15)],
        }
        for detail, lines in expected.items():
            self.profile.line_detail = detail
            move = self.invoice(detail)
            self.assertEqual(self.call_lines(move), lines)
            self.assertEqual(
                move.amount_untaxed, move.currency_id.round(10 + sum(line[1] for line in lines))
            )
            # behind the lines are all calls, each once
            calls = self.charges_of(move.partner_id)
            behind = calls.browse()
            for line in move.invoice_line_ids.filtered(
                lambda line: line.telecom_section == "calls"
            ):
                found = calls.search(line.action_telecom_details()["domain"])
                self.assertFalse(found & behind)
                behind += found
            self.assertEqual(behind, calls)
            # to the last digit: what the lines round is a charge
            charges = self.env["telecom.charge"].search([("partner_id", "=", move.partner_id.id)])
            total = sum(calls.mapped("amount")) + sum(charges.mapped("amount"))
            self.assertAlmostEqual(total, move.amount_untaxed, 8)
            issues = self.env["telecom.reconciliation.report"].search(
                [("partner_id", "=", move.partner_id.id)]
            )
            self.assertFalse(any(issues.mapped("difference")))

    def test_calls_in_several_currencies_are_one_sum(self):
        """A euro buys 2 dollars: 0.05 euro are 0.10 dollars, 0.02 + 0.10 the other call."""
        dollar = self.make_dollar(2.0)
        self.profile.line_detail = "total"
        account = self.make_account("Two Cards")
        self.take_calls([self.call(account)])
        account.rate_card_id = self.make_card(
            "Dollars", [("1", "USA", 0.02, {"connection_fee": 0.1})], currency_id=dollar.id
        )
        self.take_calls([self.call(account, "12125551234")])
        move = self.bill(accounts=account)
        self.assertEqual(move.currency_id, dollar)
        self.assertEqual(self.call_lines(move), [("All calls – calls: 2, minutes: 2:00", 0.22)])

    def test_note_and_terms(self):
        self.env["ir.config_parameter"].set_param("account.use_invoice_terms", True)
        self.company.invoice_terms = "<p>Terms of the company</p>"
        reseller = self.make_reseller("Agent", "agent")
        own = reseller._create_billing_profile()
        for profile, note, terms, printed in (
            (self.profile, False, False, ["Terms of the company"]),
            (self.profile, "Call us.", False, ["Call us."]),
            (self.profile, "Call us.", "<p>Pay <b>in time</b></p>", ["Call us.", "<b>in time</b>"]),
            (self.profile, False, "<p>Pay in time</p>", ["Pay in time"]),
            (own, False, False, []),
            (own, False, "<p>Of the reseller</p>", ["Of the reseller"]),
        ):
            profile.write({"note": note, "terms": terms})
            account = self.make_account(
                f"{profile.id} {note} {terms}", reseller_id=profile.owner_id.id
            )
            self.take_calls([self.call(account)])
            move = self.bill(accounts=account)
            self.assertEqual(move.telecom_profile_id, profile)
            narration = str(move.narration or "")
            for text in printed:
                self.assertIn(text, narration)
            if "Terms of the company" not in printed:
                self.assertNotIn("Terms of the company", narration)
            self.assertEqual(bool(narration), bool(printed))

    def test_bank_account(self):
        banks = self.env["res.partner.bank"]
        first, second = (
            banks.create(
                {
                    "acc_number": number,
                    "partner_id": self.company.partner_id.id,
                    "allow_out_payment": True,
                }
            )
            for number in ("BE71096123456769", "BE68539007547034")
        )
        move = self.invoice()
        self.assertEqual(move.partner_bank_id, first)
        self.profile.partner_bank_id = second
        self.assertEqual(self.invoice("Bert").partner_bank_id, second)
        self.assertEqual(move.partner_bank_id, first)
        # what is paid back does not go to the company's own account
        account = self.make_account("Credited")
        self.env["telecom.charge"].create(
            {
                "name": "Goodwill",
                "partner_id": account.id,
                "charge_type": "adjustment",
                "date": "2025-03-10",
                "amount": -5,
                "currency_id": self.currency.id,
            }
        )
        refund = self.bill(accounts=account)
        self.assertEqual((refund.move_type, refund.amount_untaxed), ("out_refund", 5))
        self.assertNotIn(refund.partner_bank_id, first + second)
        stranger = banks.create({"acc_number": "BE1", "partner_id": self.make_account("X").id})
        with self.assertRaisesRegex(ValidationError, "BE1 belongs to X"):
            self.profile.partner_bank_id = stranger
