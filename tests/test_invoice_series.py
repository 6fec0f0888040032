"""Each issuer's invoices have numbers of their own: prefix, first number, year rule, no gaps."""

from freezegun import freeze_time

from odoo.exceptions import ValidationError

from .common import TelecomCommon


class TestInvoiceSeries(TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reseller = cls.make_reseller("Agent", "agent")
        cls.brand = cls.profile.copy({"name": "Brand", "owner_id": cls.reseller.id})

    def month(self, account, month, until):
        self.take_calls([self.call(account, uid=f"{account.id}{month}", start=f"{month}-10 10:00")])
        return self.bill(until, account)

    def test_two_issuers_never_share_a_series(self):
        self.profile.write({"invoice_prefix": "TEL/", "first_number": 1001})
        self.brand.write({"invoice_prefix": "BR-"})
        self.assertNotEqual(self.profile.journal_id, self.brand.journal_id)
        ours = [self.make_account(f"P{n}") for n in range(3)]
        theirs = [self.make_account(f"B{n}", reseller_id=self.reseller.id) for n in range(3)]
        accounts = self.env["res.partner"].union(*ours, *theirs)
        self.take_calls([self.call(account, uid=f"m{account.id}") for account in accounts])
        self.bill("2025-04-01", accounts)
        names = sorted(accounts.billing_period_ids.move_id.mapped("name"))
        self.assertEqual(
            names,
            [*(f"BR-2025/0000{n}" for n in (1, 2, 3)), *(f"TEL/2025/0100{n}" for n in (1, 2, 3))],
        )
        # the next year begins at 1, whatever the first number was
        self.assertEqual(self.month(ours[0], "2026-01", "2026-02-01").name, "TEL/2026/00001")
        self.assertEqual(self.month(theirs[0], "2026-01", "2026-02-01").name, "BR-2026/00001")

    def test_numbers_may_begin_anew_each_month_or_never(self):
        for reset, names in (
            ("month", ["M/2025/04/00007", "M/2025/05/00001"]),
            ("never", ["N-00007", "N-00008"]),
        ):
            profile = self.profile.copy(
                {
                    "name": reset,
                    "invoice_prefix": names[0][:2],
                    "number_reset": reset,
                    "first_number": 7,
                    "journal_id": False,
                }
            )
            account = self.make_account(f"A{reset}", billing_profile_id=profile.id)
            found = [
                self.month(account, month, until).name
                for month, until in (("2025-03", "2025-04-01"), ("2025-04", "2025-05-01"))
            ]
            self.assertEqual(found, names)

    def test_credit_notes_have_a_series_too(self):
        self.profile.invoice_prefix = "TEL/"
        account = self.make_account("A")
        invoice = self.month(account, "2025-03", "2025-04-01")
        self.assertTrue(invoice.journal_id.refund_sequence)
        credits = [
            invoice._reverse_moves([{"invoice_date": "2025-04-02", "date": "2025-04-02"}])
            for _twice in range(2)
        ]
        for credit in credits:
            credit.action_post()
        self.assertEqual(
            [credit.name for credit in credits], ["RTEL/2025/00001", "RTEL/2025/00002"]
        )

    def test_another_prefix_begins_another_series_and_renames_nothing(self):
        account = self.make_account("A")
        self.profile.invoice_prefix = "OLD/"
        first = self.month(account, "2025-03", "2025-04-01")
        self.profile.write({"invoice_prefix": "NEW/", "first_number": 50})
        second = self.month(account, "2025-04", "2025-05-01")
        third = self.month(account, "2025-05", "2025-06-01")
        self.assertEqual(
            [move.name for move in (first, second, third)],
            ["OLD/2025/00001", "NEW/2025/00050", "NEW/2025/00051"],
        )

    def test_other_invoices_of_the_journal_are_in_the_series(self):
        self.profile.invoice_prefix = "TEL/"
        invoice = self.month(self.make_account("A"), "2025-03", "2025-04-01")
        by_hand = invoice.copy({"invoice_date": "2025-04-05"})
        by_hand.action_post()
        self.assertEqual(by_hand.name, "TEL/2025/00002")

    def test_journals_without_a_prefix_are_left_alone(self):
        with freeze_time("2025-06-01"):
            invoice = self.month(self.make_account("A"), "2025-03", "2025-04-01")
        self.assertRegex(invoice.name, r"^INV/2025/")

    def test_who_has_no_journal_uses_none_of_another_issuer(self):
        self.brand.invoice_prefix = "BR/"
        self.brand.journal_id.sequence = 0
        self.assertEqual(
            self.env["account.journal"].search(
                [("type", "=", "sale"), ("company_id", "=", self.company.id)], limit=1
            ),
            self.brand.journal_id,
        )
        invoice = self.month(self.make_account("A"), "2025-03", "2025-04-01")
        self.assertNotEqual(invoice.journal_id, self.brand.journal_id)

    def test_what_would_get_mixed_up_is_refused(self):
        self.profile.invoice_prefix = "TEL/"
        for vals, sentence in (
            ({"invoice_prefix": "TEL/"}, "same journal or invoice prefix"),
            (
                {"invoice_prefix": "BR/", "journal_id": self.profile.journal_id.id},
                "same journal or invoice prefix",
            ),
            ({"invoice_prefix": "BR1"}, "cannot end with a digit"),
            ({"invoice_prefix": " BR/"}, "space"),
            ({"invoice_prefix": "2024/", "number_reset": "never"}, "look like a year"),
        ):
            with (
                self.subTest(vals=vals),
                self.assertRaisesRegex(ValidationError, sentence),
                self.env.cr.savepoint(),
            ):
                self.brand.write(vals)
