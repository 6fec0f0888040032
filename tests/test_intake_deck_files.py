"""Rate decks as files: rates, bad rows, and what is odd about them."""

from datetime import date, datetime
from decimal import Decimal

from hypothesis import strategies as st

from ..engine.intake.decks import WARNINGS, parse_deck_rows, propose_deck_columns
from .engine_case import EngineCase, property_test
from .intake_helpers import codes, parse_deck, warned, workbook


class TestDeckFiles(EngineCase):
    def test_rate_in_full(self):
        line = '"Belgium, mobile","+32 47","0,123456","0,05",30/6,01/09/2026,31/10/2026'
        header = "Destination,Prefix,Rate,Setup,Billing Increment,Effective date,End date\n"
        (rate,) = parse_deck(header + line + "\n")
        self.assertEqual(
            rate,
            {
                "prefix": "3247",
                "destination": "Belgium, mobile",
                "price_per_minute": Decimal("0.123456"),
                "connection_fee": Decimal("0.05"),
                "included_seconds": 0,
                "initial_increment": 30,
                "increment": 6,
                "date_from": datetime(2026, 9, 1),
                "date_to": datetime(2026, 11, 1),
                "direction": "outbound",
                "line": 2,
                "raw": line,
                "warnings": [],
            },
        )

    def test_workbook(self):
        content = workbook(
            ["Wholesale prices"],
            [],
            [
                "Country",
                "Dial Code",
                "Rate",
                "Min Duration",
                "Increment",
                "Effective Date",
                "End Date",
            ],
            ["Belgium", 32, 0.1 + 0.2, 30, 6, datetime(2026, 9, 1), date(2026, 10, 31)],
            ["UK", "4477, 4478", "0,05", 60, 60, None, None],
            [],
            ["Nowhere", None, 0.1, 1, 1, None, None],
        )
        deck = parse_deck(content)
        self.assertEqual(
            [(rate["line"], rate["prefix"], rate["price_per_minute"]) for rate in deck.rates],
            [(4, "32", Decimal("0.3")), (5, "4477", Decimal("0.05")), (5, "4478", Decimal("0.05"))],
        )
        self.assertEqual(deck[0]["date_from"], datetime(2026, 9, 1))
        self.assertEqual(deck[0]["date_to"], datetime(2026, 11, 1))
        self.assertEqual((deck[0]["initial_increment"], deck[0]["increment"]), (30, 6))
        self.assertEqual(codes(deck.bad_rows), [(7, "empty")])

    def test_without_header(self):
        deck = parse_deck("32;Belgium;0,01\n33;France;0,02\n")
        self.assertEqual([rate["destination"] for rate in deck.rates], ["Belgium", "France"])
        self.assertEqual([rate["line"] for rate in deck.rates], [1, 2])

    def test_country_and_area_codes(self):
        deck = parse_deck(
            'Country Code,Area Code,Name,Rate\n1,"242,246",Islands,0.1\n33,,France,0.2\n'
        )
        self.assertEqual([rate["prefix"] for rate in deck.rates], ["1242", "1246", "33"])

    def test_prefix_that_is_there_twice(self):
        deck = parse_deck("Prefix,Name,Rate\n3247,A,0.1\n+32 47,B,0.2\n32,C,0.3\n003247,D,0.4\n")
        self.assertEqual([rate["destination"] for rate in deck.rates], ["A", "C"])
        self.assertEqual(codes(deck.bad_rows), [(3, "duplicate_prefix"), (5, "duplicate_prefix")])
        self.assertIn("line 2", str(deck.bad_rows[0]["error"]))

    def test_dates_that_overlap(self):
        header = "Prefix,Name,Rate,From,To\n"
        for rows, good, bad in (
            ("32,A,1,2026-01-01,\n32,B,2,2026-06-01,\n", "AB", []),
            ("32,B,2,2026-06-01,\n32,A,1,,\n", "BA", []),
            ("32,A,1,2026-01-01,2026-05-31\n32,B,2,2026-06-01,\n", "AB", []),
            ("32,A,1,2026-01-01,2026-06-01\n32,B,2,2026-06-01,\n", "A", [(3, "overlapping_dates")]),
            ("32,A,1,,\n32,B,2,2026-06-01,2026-06-30\n", "A", [(3, "overlapping_dates")]),
            ("32,A,1,,2026-06-30\n32,B,2,,\n", "A", [(3, "overlapping_dates")]),
        ):
            with self.subTest(rows):
                deck = parse_deck(header + rows)
                self.assertEqual("".join(rate["destination"] for rate in deck.rates), good)
                self.assertEqual(codes(deck.bad_rows), bad)
        deck = parse_deck(header + "32,A,1,2026-01-01,\n32,B,2,2026-06-01,\n")
        self.assertEqual(deck[0]["date_to"], deck[1]["date_from"])
        self.assertEqual(warned(deck[0]), ["ended_by_next"])

    @property_test(
        spans=st.lists(
            st.tuples(st.integers(0, 20) | st.none(), st.integers(0, 20) | st.none()), max_size=8
        )
    )
    def test_rates_that_are_left_never_overlap(self, spans):
        def day(number):
            return "" if number is None else f"2026-06-{number + 1:02}"

        rows = [["32", "x", "1", day(start), day(end)] for start, end in spans]
        mapping = {
            "prefix": 0,
            "destination": 1,
            "price_per_minute": 2,
            "date_from": 3,
            "date_to": 4,
        }
        deck = parse_deck_rows(rows, mapping)
        self.assertEqual([row["line"] for row in deck], list(range(1, len(rows) + 1)))
        rates = [
            (rate["date_from"] or datetime.min, rate["date_to"] or datetime.max)
            for rate in deck.rates
        ]
        for index, (start, end) in enumerate(rates):
            self.assertLess(start, end)
            for other_start, other_end in rates[:index]:
                self.assertTrue(end <= other_start or other_end <= start)

    def test_what_is_odd_is_kept_and_said(self):
        rows = "".join(f"{number},N{number},0.1,0,60,60\n" for number in range(30, 40))
        deck = parse_deck(
            "Prefix,Name,Rate,Setup,Initial Increment,Increment\n"
            + rows
            + "881,Satellite,2339,0,60,60\n882,,0.1,0,30,60\n883,Free,0,0,1,1\n"
            + "884,Long,0.123456789,0,1,1\n"
        )
        self.assertEqual(
            [warned(rate) for rate in deck[10:]],
            [
                ["high_price"],
                ["increment_above_initial", "no_destination"],
                ["zero_price"],
                ["price_rounded"],
            ],
        )
        for rate in deck:
            for code, params in rate["warnings"]:
                self.assertTrue(WARNINGS[code] % params)

    def test_fee_that_equals_the_price_everywhere(self):
        rows = "".join(f"{number},N,0.{number},0.{number}\n" for number in range(31, 39))
        deck = parse_deck("Prefix,Name,Rate,Connection charge\n" + rows)
        self.assertEqual(deck.warnings, [("fee_equals_price", {"rows": 8})])
        deck = parse_deck("Prefix,Name,Rate,Connection charge\n" + rows + "99,N,0.1,0\n")
        self.assertEqual(deck.warnings, [])

    def test_order_of_day_and_month(self):
        header = "Prefix,Name,Rate,Effective date\n"
        for dates, day, warnings in (
            (("13/09/2026", "01/02/2026"), datetime(2026, 2, 1), []),
            (("09/13/2026", "01/02/2026"), datetime(2026, 1, 2), []),
            (("09/08/2026", "01/02/2026"), datetime(2026, 2, 1), ["ambiguous_dates"]),
        ):
            deck = parse_deck(
                header + "".join(f"{32 + n},N,0.1,{d}\n" for n, d in enumerate(dates))
            )
            self.assertEqual(deck[1]["date_from"], day)
            self.assertEqual([code for code, _params in deck.warnings], warnings)

    def test_bad_rows(self):
        deck = parse_deck(
            "Prefix,Name,Rate,Setup,Initial Increment,Increment,From,To\n"
            "abc,N,0.1,0,1,1,,\n"
            "32,N,free,0,1,1,,\n"
            "33,N,0.1,-1,1,1,,\n"
            "34,N,0.1,0,1,0,,\n"
            "35,N,0.1,0,x,1,,\n"
            "36,N,0.1,0,1,1,soon,\n"
            "37,N,0.1,0,1,1,2026-09-01,2026-08-01\n"
            "38\n"
            "39,N\0,0.1,0,1,1,,\n"
            '"40,N,0.1,0,1,1,,\n'
            "41,N,0.1,0,0,60,,\n"
        )
        self.assertEqual([rate["prefix"] for rate in deck.rates], ["41"])
        self.assertEqual((deck.rates[0]["initial_increment"], deck.rates[0]["increment"]), (60, 60))
        self.assertEqual(
            codes(deck.bad_rows),
            [
                (2, "not_a_prefix"),
                (3, "not_a_price"),
                (4, "not_a_price"),
                (5, "zero_increment"),
                (6, "not_an_increment"),
                (7, "not_a_date"),
                (8, "dates_reversed"),
                (9, "empty"),
                (10, "bad_character"),
                (11, "quotes"),
            ],
        )

    def test_names_over_several_lines(self):
        deck = parse_deck('Name,Prefix,Rate\n"Belgium\nMobile",3247,0.1\n"France",33,0.2\n')
        self.assertEqual(
            [(rate["line"], rate["destination"]) for rate in deck.rates],
            [(2, "Belgium\nMobile"), (4, "France")],
        )

    def test_list_of_phone_numbers(self):
        self.assertEqual(
            propose_deck_columns(["DID", "Destination", "Per Minute Cost"]).layout, "dids"
        )
