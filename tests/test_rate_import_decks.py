"""Decks that vendors have published through the import wizard, as they are."""

import unittest
from datetime import datetime
from pathlib import Path

from odoo.exceptions import UserError

from .rate_import_common import RateImportCommon

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples" / "rates"


class TestDeckShapes(RateImportCommon):
    """Decks in the shapes of well-known systems, made up."""

    def test_prices_that_look_wrong(self):
        rows = "".join(f'"Land {n}, mobile",+4{n}0,0.1,0.1,1\n' for n in range(1, 9))
        wizard = self.run_import(
            '"Target Pattern Name","Prefix","Per minute charge","Connection charge",'
            f'"Charge period"\n{rows}"Typing error",+4999,11.5,11.5,1\n'
        )
        self.assertEqual(self.counts(wizard), [9, 0, 0, 0, 0])
        self.assertIn("Line 10: 11.5 a minute is more than 100 times", self.previewed)
        self.assertIn("equals the price of a minute in all 9 rows", self.previewed)

    def test_cdrtool(self):
        wizard = self.run_import(
            "Ops,Reseller,Rate,Destination,App,Connect,Duration,Conn In,Duration In\n"
            "2,0,retail,32,audio,50,250,,\n"
            "2,0,retail,1876,audio,0,976,,\n"
            "2,0,retail,anywhere,sms,0,900,,\n"
        )
        self.assertEqual(self.counts(wizard), [2, 0, 0, 0, 1])
        self.assertIn("not a price of calls: sms", self.rejected(wizard)[1][-1])
        found = self.price(self.empty, "3225551234")
        self.assertEqual((found.terms.price, found.terms.fee), (2_500_000, 500_000))
        names = dict(self.empty.rate_ids.mapped(lambda rate: (rate.prefix, rate.destination)))
        self.assertEqual(names, {"32": "Belgium", "1876": "Jamaica"})

    def test_a2billing_complex(self):
        steps = ", 0, 0.12" + ", 0" * 11
        wizard = self.run_import(
            f"44, UK, 0.54, 30, 10, 0.60, 30, 6, 0.06{steps}, 2024-02-10 00:00:00, "
            "2024-04-15 10:00:00, 1\n"
            f"44, UK, 0.54, 30, 10, 0.66, 30, 6, 0.10{steps}, 2024-04-15 10:00:00, 0, 1\n"
        )
        self.assertEqual(wizard.layout, "A2Billing, complex rate card")
        self.assertEqual(self.counts(wizard), [2, 0, 0, 0, 0])
        self.assertIn("have no place in a rate", self.previewed)
        # 10:00 in Brussels; the moment of change is the new rate's
        change = datetime(2024, 4, 15, 8)
        found = self.price(self.empty, "447700900123", 45, change)
        self.assertEqual((found.billed_seconds, found.amount), (48, 62_800_000))
        found = self.price(self.empty, "447700900123", 45, datetime(2024, 4, 15, 7, 59, 59))
        self.assertEqual(found.amount, 54_000_000)

    def test_increment_above_the_first_block(self):
        self.run_import(
            "Code,Destination,Connection Cost (USD),Grace Time,Cost / Min (USD),"
            "Initial Increment,Increment\n1,USA,0,5,0.02,30,60\n"
        )
        self.assertIn("Line 2: The increment of 60 seconds is longer", self.previewed)
        found = self.price(self.empty, "12025550123", 36)
        self.assertEqual((found.billed_seconds, found.amount), (90, 3_000_000))


@unittest.skipUnless(SAMPLES.is_dir(), "the published decks are not beside the repository")
class TestPublishedDecks(RateImportCommon):
    """They must import, and what is odd about them must be said."""

    def deck(self, name, **vals):
        return self.run_import((SAMPLES / name).read_bytes(), name, **vals)

    def test_ivozprovider(self):
        wizard = self.deck("ivozprovider_pricesSample.csv")
        self.assertEqual(self.counts(wizard), [4743, 0, 0, 0, 0])
        self.assertIn("2339 a minute is more than 100 times", self.previewed)
        self.assertIn("equals the price of a minute in all 4743 rows", self.previewed)
        prices = self.empty.rate_ids.mapped("price_per_minute")
        self.assertEqual((min(prices), max(prices)), (0.008, 2339))
        for number, prefix, name, price in (
            ("+447537100123", "447537", "United Kingdom", "0.188"),
            ("+447511100123", "44751", "United Kingdom", "0.026"),
            ("+447400000123", "447400", "United Kingdom", "0.026"),
            ("+442079460123", "4420", "United Kingdom", "0.01"),
            ("+93771234567", "9377", "Afghanistan", "0.273"),
            ("+611451234567", "61145", "Australia", "2339"),
        ):
            self.assert_rate(number, prefix, name, price)

    def assert_rate(self, number, prefix, name, price):
        found = self.price(self.empty, number)
        self.assertEqual(found.prefix, prefix)
        self.assertEqual(found.terms.price, round(float(price) * 10**8))
        self.assertEqual(self.env["telecom.rate"].browse(found.rate_id).destination, name)

    def test_cdrtool(self):
        wizard = self.deck("cdrtool_rates.csv")
        self.assertEqual(wizard.layout, "CDRTool (prices in ten-thousandths)")
        new, _changed, _unchanged, _closed, rejected = self.counts(wizard)
        self.assertEqual(rejected, 1)
        self.assertIn("not a price of calls", self.rejected(wizard)[1][-1])
        self.assertEqual(new, 13126)
        for number, prefix, price in (
            ("902121234567", "90212", "0.0362"),
            ("12045551234", "1204", "0.0128"),
            ("12025551234", "1", "0.028"),
        ):
            found = self.price(self.empty, number)
            self.assertEqual(found.prefix, prefix)
            self.assertEqual(found.terms.price, round(float(price) * 10**8))
        # the deck names no destinations
        canada = self.empty.rate_ids.filtered(lambda r: r.prefix == "1204")
        self.assertEqual(canada.destination, "Canada")

    def test_a2billing_complex(self):
        # a rate holds in [start, stop): the moment of change is the new one's
        self.manager.tz = "UTC"
        wizard = self.deck("a2billing_ratecard_complex.csv")
        self.assertEqual(self.counts(wizard), [5, 0, 0, 0, 0])
        change = datetime(2005, 4, 15, 10)
        found = self.price(self.empty, "447700900123", 45, change)
        self.assertEqual((found.billed_seconds, found.amount), (48, 81_200_000))
        before = self.price(self.empty, "447700900123", 45, datetime(2005, 4, 15, 9, 59, 59))
        self.assertEqual(before.terms.price, 78_000_000)

    def test_a2billing_simple(self):
        wizard = self.deck("a2billing_ratecard_simple.csv")
        self.assertEqual(self.counts(wizard), [5, 0, 0, 0, 0])
        self.assertEqual(self.price(self.empty, "34650123456").amount, 156_000_000)

    def test_astpp(self):
        wizard = self.deck("astpp_originationrates_sample.csv")
        self.assertEqual(self.counts(wizard), [2, 0, 0, 0, 0])
        self.assertIn("increment of 60 seconds is longer than the first block", self.previewed)
        for number, seconds, billed, amount in (
            ("12025550123", 31, 90, 1_500_000),
            ("12025550123", 90, 90, 1_500_000),
            ("447700900123", 31, 60, 5_000_000),
        ):
            found = self.price(self.empty, number, seconds)
            self.assertEqual((found.billed_seconds, found.amount), (billed, amount))

    def test_astpp_numbers_are_no_prices_of_calls(self):
        with self.assertRaisesRegex(UserError, "lists phone numbers"):
            self.deck("astpp_did_sample.csv")

    def test_next_deck_of_the_vendor(self):
        self.deck("ivozprovider_pricesSample.csv")
        text = (SAMPLES / "ivozprovider_pricesSample.csv").read_bytes()
        lines = text.replace(b"+61145,2339,2339", b"+61145,0.2339,0").splitlines(keepends=True)
        wizard = self.run_import(
            b"".join(lines[:-3]), effective=datetime(2025, 6, 1), mode="replace"
        )
        self.assertEqual(self.counts(wizard), [0, 1, 4739, 3, 0])
        self.assertEqual(
            self.price(self.empty, "611451234567", start=datetime(2025, 5, 31)).terms.price,
            2339 * 10**8,
        )
        self.assert_rate("611451234567", "61145", "Australia", "0.2339")
