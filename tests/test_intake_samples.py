"""The product's own sample files, the published figures, and the examples in the docstrings."""

import doctest
import importlib
import json
import pkgutil
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from ..engine import intake
from ..engine.dialling import DiallingRules, normalise
from ..engine.intake import check_row, detect_format, propose_columns, read_calls
from ..engine.intake.decks import parse_deck_rows, propose_deck_columns, read_deck
from ..engine.prefixes import PrefixTable
from .engine_case import EngineCase
from .intake_helpers import parse_deck, warned

REPOSITORY = Path(__file__).resolve().parent.parent
FILES = REPOSITORY / "demo" / "files"
SAMPLES = REPOSITORY.parent / "shared" / "samples"
NOW = datetime(2026, 11, 1)
CALL_FILES = {
    "freeswitch_Master.csv": ("freeswitch_csv", "UTC"),
    "freeswitch_Master_resent.csv": ("freeswitch_csv", "UTC"),
    "freeswitch_cdr.json": ("freeswitch_json", "UTC"),
    "asterisk_Master.csv.gz": ("asterisk_csv", "Europe/Brussels"),
    "cdr_header.csv": ("header_csv", "UTC"),
    "cdr_resellers.csv": ("header_csv", "UTC"),
}
CONTENT = ("account_code", "src", "dst", "start", "duration", "billsec", "disposition")


def calls_of(name):
    """The calls and the bad rows of a sample file."""
    format_name, zone = CALL_FILES[name]
    with open(FILES / name, "rb") as stream:
        yield from read_calls(stream, format_name, {"timezone": zone})


class TestDemoFiles(EngineCase):
    def test_every_file_holds_what_its_maker_counted(self):
        summary = json.loads((FILES / "summary.json").read_text())
        for name, (format_name, _zone) in CALL_FILES.items():
            counts, known = Counter(), {}
            for row in calls_of(name):
                counts["rows"] += 1
                content = [row.get(field) for field in CONTENT]
                if row.get("error") or check_row(row, NOW):
                    counts["bad"] += 1
                elif row["uid"] in known:
                    is_same = known[row["uid"]] == content
                    counts["duplicates" if is_same else "conflicts"] += 1
                else:
                    known[row["uid"]] = content
                    if row["ignored"]:
                        counts["other_legs"] += 1
                        continue
                    counts["calls"] += 1
                    counts["seconds"] += row["billsec"]
                    counts["answered"] += row["billsec"] > 0
            with self.subTest(name):
                expected = dict(summary[name])
                expected.pop("resent", None)
                self.assertEqual({field: counts[field] for field in expected}, expected)
                head = (FILES / name).read_bytes()[:4096]
                self.assertEqual(detect_format(head), format_name)

    def test_both_passes_of_the_repeated_hour_are_there(self):
        night = [
            row["start"]
            for row in calls_of("asterisk_Master.csv.gz")
            if "error" not in row and row["raw"].count("2026-10-25 02:")
        ]
        self.assertEqual({start.hour for start in night}, {0, 1})

    def test_decks(self):
        tables = []
        for name in ("rates_provider.csv", "rates_wholesale.xlsx"):
            deck = parse_deck((FILES / name).read_bytes())
            self.assertEqual((deck.bad_rows, deck.warnings), ([], []))
            self.assertEqual(len(deck.rates), 422)
            tables.append(PrefixTable([(rate["prefix"], None, None, rate) for rate in deck.rates]))
        # Every number that is called has a price in both, but those of the satellites of 870.
        homes = {"C1013": "49", "C1014": "49", "C1015": "44", "C1016": "44"}
        unrated = set()
        for name in CALL_FILES:
            for row in calls_of(name):
                if "error" in row:
                    continue
                home = homes.get(row["account_code"], "32")
                number = normalise(row["dst"], DiallingRules(home))
                found = [table.find(number, 0) for table in tables]
                if None in found:
                    unrated.add(number[:3])
                    continue
                retail, wholesale = (rate["price_per_minute"] for _prefix, rate in found)
                self.assertTrue(wholesale < retail or wholesale == retail == 0, number)
        self.assertEqual(unrated, {"870"})

    def test_maker_makes_the_same_files_again(self):
        with tempfile.TemporaryDirectory() as folder:
            program = REPOSITORY / "demo" / "make_files.py"
            subprocess.run([sys.executable, "-B", str(program), folder], check=True)
            made = sorted(path.name for path in Path(folder).iterdir())
            self.assertEqual(made, sorted(path.name for path in FILES.iterdir()))
            for name in made:
                old, new = (FILES / name).read_bytes(), (Path(folder) / name).read_bytes()
                if name.endswith(".xlsx"):
                    # Its bytes are the library's affair.
                    old, new = ([row[:3] for row in read_deck(file).rows] for file in (old, new))
                elif name.endswith(".gz"):
                    old, new = (list(read_calls(file, "asterisk_csv")) for file in (old, new))
                    for row in old + new:
                        row.pop("error", None)
                self.assertEqual(old, new, name)


@unittest.skipUnless(SAMPLES.is_dir(), "needs the samples of other systems")
class TestSamplesOfOthers(EngineCase):
    def calls(self, name, format_name, **options):
        with open(SAMPLES / "calls" / name, "rb") as stream:
            rows = list(read_calls(stream, format_name, options))
        self.assertFalse([row for row in rows if "error" in row])
        return rows

    def deck(self, name):
        with open(SAMPLES / "rates" / name, "rb") as stream:
            deck = read_deck(stream, name)
            rows = list(deck.rows)
        return parse_deck_rows(rows, propose_deck_columns(deck.header, rows[:50]))

    def test_freeswitch(self):
        rows = self.calls("freeswitch_mod_cdr_csv_Master.csv", "freeswitch_csv")
        first = {row["uid"]: row for row in reversed(rows)}
        self.assertEqual((len(rows), len(first)), (10, 8))
        self.assertEqual(sum(row["answered"] for row in first.values()), 7)
        self.assertEqual(sum(row["billsec"] for row in first.values()), 490)
        (row,) = self.calls("freeswitch_mod_json_cdr.json", "freeswitch_json")
        self.assertEqual((row["billsec"], row["start"]), (68, datetime(2018, 1, 11, 10, 25, 44)))
        self.assertEqual(
            (row["sip_user"], row["trunk"], row["dst"]), ("1001", "10.10.10.100", "1002")
        )

    def test_asterisk(self):
        rows = self.calls("asterisk_cdr_csv_Master_multileg.csv", "asterisk_csv")
        seconds = Counter()
        for row in rows:
            if not row["ignored"]:
                seconds[row["src"]] += row["billsec"]
        self.assertEqual(len(rows), 13)
        self.assertEqual(
            seconds, {"89000000001": 27, "89000000002": 79, "89000000003": 43, "89000000004": 29}
        )

    def test_columns_told_by_hand_or_by_name(self):
        columns = {"uid": 0, "start": 1, "src": 2, "dst": 3, "billsec": 4, "duration": 5}
        rows = self.calls("generic_semicolon_cdr.csv", "header_csv", columns=columns)
        self.assertEqual(sum(row["billsec"] for row in rows), 185)
        self.assertEqual(sum(row["duration"] for row in rows), 193)
        (row,) = self.calls("cgrates_generic_cdr_header.csv", "header_csv")
        self.assertEqual((row["billsec"], row["account_code"], row["dst"]), (300, "1001", "1002"))
        rows = self.calls("kamailio_cdrs_dsiprouter_expected.csv", "header_csv")
        self.assertEqual([row["billsec"] for row in rows], [0, 0, 1, 1, 15, 15, 1, 3])
        columns = {"uid": 0, "duration": 2, "start": 3, "answer": 4, "src": 7, "dst": 8}
        with open(SAMPLES / "calls" / "3cx_cdr.log", "rb") as stream:
            content = stream.readline()
        (row,) = read_calls(content, "header_csv", {"columns": columns})
        self.assertEqual((row["billsec"], row["uid"]), (25, "Call 288831"))

    def test_decks(self):
        deck = self.deck("ivozprovider_pricesSample.csv")
        prices = [rate["price_per_minute"] for rate in deck.rates]
        self.assertEqual((len(deck), len({rate["prefix"] for rate in deck.rates})), (4743, 4743))
        self.assertEqual((min(prices), max(prices)), (Decimal("0.008"), Decimal(2339)))
        self.assertEqual(deck.warnings, [("fee_equals_price", {"rows": 4743})])
        (outlier,) = (rate for rate in deck.rates if rate["prefix"] == "61145")
        self.assertEqual(warned(outlier), ["high_price"])
        deck = self.deck("cdrtool_rates.csv")
        self.assertEqual((len(deck.rates), len(deck.bad_rows)), (13126, 1))
        self.assertEqual(deck.bad_rows[0]["error"].code, "not_calls")
        deck = self.deck("astpp_originationrates_sample.csv")
        self.assertEqual([warned(rate) for rate in deck], [["increment_above_initial"], []])
        for name in ("a2billing_ratecard_simple.csv", "a2billing_ratecard_complex.csv"):
            deck = self.deck(name)
            self.assertEqual((len(deck.rates), deck.bad_rows), (5, []))


class TestPublishedFigures(EngineCase):
    def test_gregorian_seconds(self):
        text = "call_id,timestamp,to,billing_seconds\nx,63542353959,99,5\n"
        (row,) = read_calls(text.encode(), "header_csv")
        self.assertEqual(row["start"], datetime(2013, 7, 29, 21, 52, 39))

    def test_cisco_call_that_was_never_connected(self):
        header = "globalCallID_callId,dateTimeOrigination,callingPartyNumber,"
        header += "finalCalledPartyNumber,dateTimeConnect,dateTimeDisconnect,duration"
        mapping = propose_columns(header.split(","))
        self.assertEqual(mapping["answer"], "dateTimeConnect")
        row = "7,1788274860,3035550121,4155550100,0,1788274890,0"
        (row,) = read_calls(f"{header}\n{row}\n".encode(), "header_csv")
        self.assertEqual((row["answered"], row["billsec"]), (False, 0))


class TestIntakeDoctests(EngineCase):
    def test_examples_hold(self):
        attempted = 0
        for module in pkgutil.iter_modules(intake.__path__):
            with self.subTest(module.name):
                module = importlib.import_module(f"{intake.__name__}.{module.name}")
                results = doctest.testmod(module)
                self.assertEqual(results.failed, 0)
                attempted += results.attempted
        self.assertGreater(attempted, 10)
