"""Rates as people type them."""

from odoo.exceptions import UserError

from .common import TelecomCommon


class TestRateCards(TelecomCommon):
    def make_rate(self, prefix):
        return self.env["telecom.rate"].create(
            {"card_id": self.make_card("C").id, "destination": "X", "prefix": prefix}
        )

    def test_prefixes_are_kept_as_calls_are_matched(self):
        for typed, prefix in (("+32", "32"), ("0032 47", "3247"), (" 32 ", "32"), ("320", "320")):
            rate = self.make_rate(typed)
            self.assertEqual(rate.prefix, prefix, typed)
            rate.prefix = f"+{typed.strip().removeprefix('+').removeprefix('00')}1"
            self.assertEqual(rate.prefix, f"{prefix}1", typed)

    def test_only_an_empty_prefix_is_every_number(self):
        for empty in ("", False, "  "):
            rate = self.make_rate(empty)
            self.assertFalse(rate.prefix)
        for typed in ("00", "+", " 0 0 "):
            with self.assertRaisesRegex(UserError, "is no prefix: digits have to follow it"):
                self.make_rate(typed)
            with self.assertRaisesRegex(UserError, "is no prefix"):
                rate.prefix = typed
            self.assertFalse(rate.prefix)
