"""Numbers in every spelling that switches, price lists and people use."""

from importlib.util import find_spec
from unittest import skipUnless

from hypothesis import strategies as st

from ..engine.dialling import DiallingRules, normalise, rules_for_country
from .engine_case import EngineCase, property_test

GERMANY = DiallingRules("49")
NORTH_AMERICA = DiallingRules("1", "011", "1")
ITALY = DiallingRules("39", "00", "")
RUSSIA = DiallingRules("7", "810", "8")


class TestNormalise(EngineCase):
    def test_spellings(self):
        for number, expected in (
            ("+49 (30) 123-45/67", "49301234567"),
            ("004930123456", "4930123456"),
            ("030 123456", "4930123456"),
            ("4930123456", "4930123456"),
            ("'+4930123456", "4930123456"),
            ("+49\u00a030\u2011123456\n", "4930123456"),
            ("sip:+4930123456@sbc.example.com:5060;transport=tcp", "4930123456"),
            ("SIPS:004930123456:secret@example.com?subject=1", "4930123456"),
            ("sip:+4930123456:5060", "4930123456"),
            ('"Bob 2" <sip:+4930123456;isub=7@example.com>;tag=12', "4930123456"),
            ("<tel:030-123456;phone-context=+49>", "4930123456"),
            (" tel:+49-30-123456;ext=99", "4930123456"),
            ("+4930123456@example.com", "4930123456"),
            ("030123456;npdi", "4930123456"),
        ):
            with self.subTest(number=number):
                self.assertEqual(normalise(number, GERMANY), expected)

    def test_what_is_no_telephone_number(self):
        for number in (
            None, "", " ", "+", "00", "-", "anonymous", "sip:alice@example.com", "*98",
            "#31#030123", "0301234x", "++4930", "00+4930", "49+30", "030123,5", "0301234:5060",
            "\u0663\u0660", "+\u0663", "4\u00b2", "sip:@example.com", "<>",
        ):  # fmt: skip
            with self.subTest(number=number):
                self.assertEqual(normalise(number, GERMANY), "")

    def test_countries(self):
        for rules, number, expected in (
            (NORTH_AMERICA, "12125550100", "12125550100"),
            (NORTH_AMERICA, "011442079460123", "442079460123"),
            (NORTH_AMERICA._replace(bare="national"), "2125550100", "12125550100"),
            (NORTH_AMERICA._replace(bare="national"), "12125550100", "12125550100"),
            (ITALY, "00493012345", "493012345"),
            (ITALY._replace(bare="national"), "0612345678", "390612345678"),
            (ITALY, "390612345678", "390612345678"),
            (RUSSIA, "84951234567", "74951234567"),
            (RUSSIA, "810493012345", "493012345"),
            (RUSSIA, "8~10 49 30 12345", ""),
            (RUSSIA, "74951234567", "74951234567"),
            (RUSSIA._replace(bare="national"), "4951234567", "74951234567"),
        ):
            with self.subTest(rules=rules, number=number):
                self.assertEqual(normalise(number, rules), expected)

    def test_bare_numbers(self):
        national = GERMANY._replace(bare="national")
        self.assertEqual(normalise("30123456", GERMANY), "30123456")
        self.assertEqual(normalise("30123456", national), "4930123456")
        self.assertEqual(normalise("030123456", national), "4930123456")
        self.assertEqual(normalise("+30123456", national), "30123456")

    def test_extensions_and_short_codes_stay(self):
        for rules in (GERMANY, NORTH_AMERICA, ITALY, RUSSIA):
            for number in ("8", "112", "101", "8001", "0123"):
                self.assertEqual(normalise(number, rules), number)
        self.assertEqual(normalise("000", DiallingRules("61", "0011", "0")), "000")
        self.assertEqual(normalise("112", GERMANY._replace(bare="national")), "49112")

    @property_test(
        subscriber=st.from_regex(r"[1-9][0-9]{5,9}", fullmatch=True),
        rules=st.sampled_from((GERMANY, RUSSIA)),
        gaps=st.lists(st.sampled_from(("", " ", "-", ".", "\u00a0")), min_size=20, max_size=20),
    )
    def test_every_way_to_dial_a_number_is_the_same_number(self, subscriber, rules, gaps):
        number = rules.country_code + subscriber
        for dialled in (
            f"+{number}",
            rules.international_prefix + number,
            # '810' after the trunk prefix 8 is the international prefix: 8 10...
            rules.national_prefix + subscriber if not subscriber.startswith("10") else f"+{number}",
        ):
            spaced = "".join(map("".join, zip(dialled, gaps, strict=False)))
            for spelling in (dialled, spaced, f"sip:{dialled}@example.com;user=phone"):
                self.assertEqual(normalise(spelling, rules), number)

    @property_test(
        max_examples=500,
        number=st.text(st.sampled_from("+0123456789 -*#a@;:<>sip\u0663"), max_size=20) | st.text(),
        rules=st.sampled_from((GERMANY, NORTH_AMERICA, ITALY, RUSSIA._replace(bare="national"))),
    )
    def test_result_is_digits_and_stable(self, number, rules):
        digits = normalise(number, rules)
        self.assertRegex(digits, r"\A[0-9]*\Z")
        if digits:
            self.assertEqual(normalise(f"+{digits}", rules), digits)


@skipUnless(find_spec("phonenumbers"), "needs the phonenumbers library")
class TestRulesForCountry(EngineCase):
    def test_countries(self):
        for iso_code, expected in (
            ("DE", ("49", "00", "0")),
            ("US", ("1", "011", "1")),
            ("JM", ("1", "011", "1")),
            ("IT", ("39", "00", "")),
            ("RU", ("7", "810", "8")),
            ("HU", ("36", "00", "06")),
            ("AU", ("61", "0011", "0")),
            ("JP", ("81", "010", "0")),
            ("SG", ("65", "001", "")),
            ("KR", ("82", "001", "0")),
            ("gb", ("44", "00", "0")),
        ):
            with self.subTest(iso_code=iso_code):
                rules = rules_for_country(iso_code)
                self.assertEqual(rules[:3], expected)
                self.assertEqual(rules.bare, "international")
        self.assertEqual(rules_for_country("DE", bare="national").bare, "national")

    def test_all_countries_have_prefixes_of_digits(self):
        from phonenumbers import SUPPORTED_REGIONS

        for iso_code in SUPPORTED_REGIONS:
            rules = rules_for_country(iso_code)
            self.assertRegex(rules.country_code, r"\A\d{1,3}\Z", iso_code)
            self.assertRegex(rules.international_prefix, r"\A\d{1,4}\Z", iso_code)
            self.assertRegex(rules.national_prefix, r"\A\d{0,2}\Z", iso_code)

    def test_unknown_country(self):
        for iso_code in ("XX", "", None):
            with self.subTest(iso_code=iso_code), self.assertRaises(ValueError):
                rules_for_country(iso_code)
