"""Rate decks: columns of any vendor, and what their cells say."""

from datetime import datetime
from decimal import Decimal

from hypothesis import strategies as st

from ..engine.intake.badrow import Unreadable
from ..engine.intake.deck_values import parse_increments, parse_prefixes, parse_price, read_date
from ..engine.intake.decks import parse_deck_rows, propose_deck_columns
from .engine_case import EngineCase, property_test
from .intake_helpers import codes, parse_deck, warned


class TestDeckColumns(EngineCase):
    def test_headers_of_vendors(self):
        plain = ("prefix", "destination", "price_per_minute")
        for header, expected in (
            (
                "Code,Destination,Connection Cost (USD),Grace Time,Cost / Min (USD),"
                "Initial Increment,Increment",
                {
                    "prefix": 0, "destination": 1, "connection_fee": 2, "included_seconds": 3,
                    "price_per_minute": 4, "initial_increment": 5, "increment": 6,
                },
            ),
            (
                "Target Pattern Name,Prefix,Per minute charge,Connection charge,Charge period",
                {
                    "destination": 0, "prefix": 1, "price_per_minute": 2, "connection_fee": 3,
                    "increment": 4,
                },
            ),
            (
                "Country,Description,Dial Code,Rate,Setup,Interval 1,Interval N,Effective Date,"
                "End date",
                {
                    "destination": 1, "prefix": 2, "price_per_minute": 3, "connection_fee": 4,
                    "initial_increment": 5, "increment": 6, "date_from": 7, "date_to": 8,
                },
            ),
            (
                "Destination,Dialing Code,Price/min,Min Duration,Billing Increment,Start date",
                {
                    "destination": 0, "prefix": 1, "price_per_minute": 2, "initial_increment": 3,
                    "increment": 4, "date_from": 5,
                },
            ),
            (
                "account_id,description,direction,iso_country_code,prefix,rate_cost,rate_increment,"
                "rate_minimum,rate_name,rate_surcharge",
                {
                    "destination": 1, "direction": 2, "prefix": 4, "price_per_minute": 5,
                    "increment": 6, "initial_increment": 7, "connection_fee": 9,
                },
            ),
            (
                "prefix,destination,rateinitial,initblock,billingblock,connectcharge",
                {
                    "prefix": 0, "destination": 1, "price_per_minute": 2, "initial_increment": 3,
                    "increment": 4, "connection_fee": 5,
                },
            ),
            (
                "Country Code,City Code,Country,Price per minute",
                {"prefix_country": 0, "prefix_area": 1, "destination": 2, "price_per_minute": 3},
            ),
            ("Indicatif;Destination;Prix/min", dict(zip(plain, (0, 1, 2), strict=True))),
            ("Vorwahl;Zielland;Preis/min (EUR)", dict(zip(plain, (0, 1, 2), strict=True))),
            ("Prefijo;Destino;Precio por minuto", dict(zip(plain, (0, 1, 2), strict=True))),
            ("Prefisso;Destinazione;Prezzo al minuto", dict(zip(plain, (0, 1, 2), strict=True))),
            (
                "Vorwahl;Ziel;Preis pro Minute;Verbindungsgebühr;Taktung;Gültig ab;Gültig bis",
                {
                    "prefix": 0, "destination": 1, "price_per_minute": 2, "connection_fee": 3,
                    "increment": 4, "date_from": 5, "date_to": 6,
                },
            ),
            (
                "Pays;Indicatif;Tarif €/min;Frais de connexion;Palier;Date de début;Date de fin",
                {
                    "destination": 0, "prefix": 1, "price_per_minute": 2, "connection_fee": 3,
                    "increment": 4, "date_from": 5, "date_to": 6,
                },
            ),
        ):  # fmt: skip
            with self.subTest(header):
                names = header.replace(";", ",").split(",")
                self.assertEqual(propose_deck_columns(names).columns, expected)

    def test_names_in_the_column_of_prefixes(self):
        mapping = propose_deck_columns(["Destination", "Rate"], [["3247", "0.1"], ["32", "0.2"]])
        self.assertEqual(mapping.columns, {"price_per_minute": 1, "prefix": 0})
        mapping = propose_deck_columns(["Destination", "Rate"], [["Belgium", "0.1"]])
        self.assertFalse(mapping.is_complete)

    def test_units_by_name(self):
        rates = parse_deck("Prefix,Name,Cents/min\n32,Belgium,1.5\n").rates
        self.assertEqual(rates[0]["price_per_minute"], Decimal("0.015"))
        rates = parse_deck("Prefix,Name,Price per second\n32,Belgium,0.001\n").rates
        self.assertEqual(rates[0]["price_per_minute"], Decimal("0.06"))

    def test_cdrtool(self):
        deck = parse_deck(
            "Ops,Reseller,Rate,Destination,App,Connect,Duration,Conn In,Duration In\n"
            "2,0,gold,3706,audio,500,999,,\n2,0,gold,,sms,500,,,\n"
        )
        (rate,) = deck.rates
        self.assertEqual(
            (rate["prefix"], rate["price_per_minute"], rate["connection_fee"]),
            ("3706", Decimal("0.0999"), Decimal("0.05")),
        )
        self.assertEqual(codes(deck.bad_rows), [(3, "not_calls")])
        self.assertEqual([code for code, _params in deck.warnings], ["no_destinations"])

    def test_a2billing_simple_with_and_without_date(self):
        deck = parse_deck(
            "1, US, 0.70, 0.50, 2008-03-07 21:21:38, tag1, 0, 0, 0, 0\n"
            "34650, Spain Mobile, 1.56, 1.18, tag3, 720, 480, 1.0, 10\n"
        )
        self.assertEqual(deck.bad_rows, [])
        self.assertEqual(
            [(rate["prefix"], rate["price_per_minute"], rate["date_from"]) for rate in deck],
            [
                ("1", Decimal("0.7"), datetime(2008, 3, 7, 21, 21, 38)),
                ("34650", Decimal("1.56"), None),
            ],
        )

    def test_a2billing_complex(self):
        row = "44, UK, 0.54, 30, 10, {}, 30, 6, 0.06, 0, {}, 0, 0, 0, 0,0,0,0,  0,0,0,0, {}, {}, 1"
        stop = "2005-04-15 10:00:00"
        deck = parse_deck(
            "\n".join((row.format("0.78", 0, 0, stop), row.format("0.89", "0.06", stop, 0)))
        )
        self.assertEqual(deck.bad_rows, [])
        first, second = deck
        self.assertEqual((first["date_from"], first["date_to"]), (None, datetime(2005, 4, 15, 10)))
        self.assertEqual((second["date_from"], second["date_to"]), (first["date_to"], None))
        self.assertEqual((first["initial_increment"], first["increment"]), (30, 6))
        self.assertEqual(first["connection_fee"], Decimal("0.06"))
        self.assertEqual((warned(first), warned(second)), ([], ["extra_charges"]))

    def test_mapping_without_price_is_refused(self):
        with self.assertRaises(ValueError):
            parse_deck_rows([["32", "0.1"]], {"prefix": 0})
        with self.assertRaises(ValueError):
            parse_deck_rows([], {"prefix": 0, "price_per_minute": 1}, {"colour": "blue"})


class TestDeckValues(EngineCase):
    def test_prefixes(self):
        for text, prefixes in (
            ("4477", ["4477"]),
            ("+44 77", ["4477"]),
            ("0044-77", ["4477"]),
            ("1-242", ["1242"]),
            ("(44) 77.00", ["447700"]),
            ("+44-77", ["4477"]),
            ("+4471-4473", ["4471", "4472", "4473"]),
            ("4477, 4478;4479", ["4477", "4478", "4479"]),
            ("4471-4475", ["4471", "4472", "4473", "4474", "4475"]),
            ("4471 \u2013 4472/33", ["4471", "4472", "33"]),
            ("353-355", ["353", "354", "355"]),
            ("44700-44702, 1", ["44700", "44701", "44702", "1"]),
        ):
            self.assertEqual(parse_prefixes(text), prefixes, text)
        for text in (
            "", " ", "+", "*", "abc", "32x", "4475-4471", "44-77", "1234567890123456", "32-", "-32",
            "1-2-3", "٣٢", "44100-45200", "4471-75", "353-871",
        ):  # fmt: skip
            with self.subTest(text), self.assertRaises(Unreadable):
                parse_prefixes(text)

    def test_prices(self):
        for text, price in (
            ("0.0123", "0.0123"),
            ("0,0123", "0.0123"),
            ("1.234,5678", "1234.5678"),
            ("1,234.56", "1234.56"),
            ("€ 0,01", "0.01"),
            ("0.01 USD", "0.01"),
            ("$0.00001234", "0.00001234"),
            ("0.01/min", "0.01"),
            (".5", "0.5"),
            ("5E-05", "0.00005"),
            ("0", "0"),
            ("-0.00", "0"),
            ("0.1000000000", "0.1"),
        ):
            self.assertEqual(parse_price(text, "fee"), (Decimal(price), False), text)
        self.assertEqual(parse_price("0.123456789", "fee"), (Decimal("0.12345679"), True))
        self.assertEqual(parse_price("0.30000000000000004", "fee"), (Decimal("0.3"), False))
        self.assertEqual(parse_price("1,234", "fee", decimal_mark="."), (Decimal(1234), False))
        for text in (
            "", "-0.01", "NaN", "Infinity", "1e999", "1e99", "9" * 400, "1000000", "free", "0.1.2",
            "0x1", "1 / 0", "٠.٥", "1e6",
        ):  # fmt: skip
            with self.subTest(text), self.assertRaises(Unreadable):
                parse_price(text, "fee")

    @property_test(amount=st.decimals(0, 999_999, places=8))
    def test_prices_are_exact(self, amount):
        for text in (f"{amount:f}", f"{amount:f}".replace(".", ","), f"{amount:,f}"):
            self.assertEqual(parse_price(text, "fee"), (amount, False))

    def test_increments(self):
        for text, parts in (
            ("60", [60]),
            ("30/6", [30, 6]),
            ("30 / 6", [30, 6]),
            ("60/60/1", [60, 1]),
            ("1/30/6", [30, 6]),
            ("0/60", [0, 60]),
            ("6 sec", [6]),
            ("60.0", [60]),
        ):
            self.assertEqual(parse_increments(text, "increment"), parts, text)
        for text in ("", "0", "30/0", "-6", "a/b", "1/2/3/4", "1.5", "99999999", "NaN"):
            with self.subTest(text), self.assertRaises(Unreadable):
                parse_increments(text, "increment")

    def test_dates(self):
        first = datetime(2026, 9, 1)
        for text in (
            "2026-09-01", "2026/9/1", "20260901", "01/09/2026", "1.9.2026", "01-09-26", "46266",
            "1 Sep 2026", "01-Sep-26", "Sep 1, 2026", "September 1, 2026", "2026-09-01T00:00:00",
        ):  # fmt: skip
            self.assertEqual(read_date(text), first, text)
        self.assertEqual(read_date("09/01/2026", "mdy"), first)
        self.assertEqual(read_date("31/08/2026", is_end=True), first)
        self.assertEqual(read_date("2026-08-31 23:59:59", is_end=True), first)
        self.assertEqual(read_date("2026-09-01 00:00:00", is_end=True), first)
        self.assertEqual(read_date("2026-09-01 10:30", is_end=True), datetime(2026, 9, 1, 10, 30))
        for text in ("", "0", "NULL", "-", "0000-00-00", "9999-12-31", "31/12/2999"):
            self.assertIs(read_date(text), False, text)
        for text in (
            "tag3", "2026-13-01", "30/02/2026", "2026-09-01 25:00", "202609", "1", "1 Foo 2026",
        ):  # fmt: skip
            self.assertIsNone(read_date(text), text)
