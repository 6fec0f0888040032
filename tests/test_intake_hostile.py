"""Files made to harm, or broken on their way: nothing raises, and good rows go through."""

import csv
import gzip
import io
import tracemalloc
import zipfile
from datetime import datetime
from itertools import chain
from types import SimpleNamespace

from hypothesis import strategies as st

from ..engine.intake import FORMATS, check_row, detect_format, read_calls
from ..engine.intake.decks import Refused, parse_deck_rows, propose_deck_columns, read_deck
from .engine_case import EngineCase, property_test
from .intake_helpers import asterisk, codes, freeswitch, read

NOW = datetime(2026, 11, 1)
HEADER = "Call-ID;Start Time;From;To;Duration;Bill Sec\n"
HEADER_ROW = 'c{};2026-09-01 10:00:00;"3225550100";0044207946;65;60\n'
# Bytes that mean something to one of the readers.
PIECES = st.sampled_from(
    (
        b'"', b"'", b",", b";", b"\t", b"|", b"\n", b"\r", b"\r\n", b"\0", b"#", b"\\", b"{", b"}",
        b"[", b"]", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe9", b"\x81",
        b"\x1f\x8b\x08", b"PK\x03\x04", b"NaN", b"-1", b"1e999", b"2147483648", b"9" * 400,
        b"\x85", b"\xe2\x80\xa8", b"\xe2\x80\xae", b"\x0b", b"\x1c", b"ANSWERED",
        b"2026-09-01 10:00:00", b"1788256800", b'"variables":', b"\xd9\xa3", b"\xc2\xb2", b" ",
    )
)  # fmt: skip
ANY_BYTES = st.lists(PIECES | st.binary(max_size=12), max_size=40).map(b"".join)


def freeswitch_row(number):
    return freeswitch(uuid=f"good {number}")


def asterisk_row(number):
    return asterisk(uniqueid=f"good {number}", sequence="", linkedid=f"good {number}")


GOOD = {
    "freeswitch_csv": ("", freeswitch_row),
    "asterisk_csv": ("", asterisk_row),
    "header_csv": (HEADER, HEADER_ROW.format),
}


class TestHostileCalls(EngineCase):
    def read_all(self, content):
        """Read bytes in every format; whatever comes must be fit for a database or listed."""
        detect_format(content)
        for format_name in FORMATS:
            for row in read_calls(content, format_name):
                row["raw"].encode()
                self.assertNotIn("\0", row["raw"])
                self.assertLessEqual(len(row["raw"]), 10_000)
                error = row.get("error") or check_row(row, NOW)
                if error:
                    self.assertTrue(str(error).isprintable())
                    str(error).encode()
                    continue
                self.assertTrue(0 <= row["billsec"] <= row["duration"] + 1)
                for value in row.values():
                    if isinstance(value, str):
                        value.encode()
                        self.assertNotIn("\0", value)

    @property_test(content=ANY_BYTES, max_examples=300)
    def test_any_bytes_never_raise(self, content):
        self.read_all(content)
        self.read_all(gzip.compress(content))

    @property_test(
        content=st.sampled_from((freeswitch() * 2, asterisk() * 2, HEADER + HEADER_ROW)),
        cuts=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 20), PIECES), max_size=6),
    )
    def test_damaged_files_never_raise(self, content, cuts):
        content = content.encode()
        for at, length, piece in cuts:
            content = content[:at] + piece + content[at + length :]
        self.read_all(content)

    @property_test(
        format_name=st.sampled_from(sorted(GOOD)),
        parts=st.lists(st.integers(0, 3) | ANY_BYTES, max_size=8),
        end=st.sampled_from((b"\n", b"\r\n", b"\r")),
        size=st.integers(1, 4096),
    )
    def test_good_rows_survive_any_neighbours(self, format_name, parts, end, size):
        """A good row is read as it is, whatever stands on the lines before and after it."""
        head, row_of = GOOD[format_name]
        content, line, expected = head.encode(), 1 + head.count("\n"), []
        for part in parts:
            if isinstance(part, int):
                row = row_of(len(expected)).encode()
                expected.append((line, row.decode().rstrip("\n")))
            else:
                # What no switch writes: the mark of another encoding, in the place of the first.
                row = part.lstrip(b"\x1f\xfe\xffPB\xfd7").replace(b"\0", b"") + b"\n"
            row = row.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            line += row.count(b"\n")
            content += row.replace(b"\n", end)

        whole = io.BytesIO(content)
        trickle = SimpleNamespace(read=lambda _size: whole.read(size))
        rows = list(read_calls(trickle, format_name))
        found = {row["uid"]: row for row in rows if "error" not in row}
        for number, (line, raw) in enumerate(expected):
            name = f"c{number}" if format_name == "header_csv" else f"good {number}"
            self.assertIn(name, found)
            if not any(isinstance(part, bytes) for part in parts):
                self.assertEqual((found[name]["line"], found[name]["raw"]), (line, raw))

    def test_line_numbers_through_all_that_is_bad(self):
        lines = [
            freeswitch_row(1),
            freeswitch(caller_id_name="two\nlines", uuid="good 2"),  # lines 2 and 3
            '"torn, and never closed\n',
            freeswitch_row(3),
            freeswitch(caller_id_name="nul\0"),
            freeswitch(caller_id_name="x" * 200_000),
            freeswitch_row(4),
            "y" * (2 << 20) + "\n",
            freeswitch(caller_id_name='un"escaped', uuid="good 5"),
            "\n",
            freeswitch_row(6),
        ]
        for end in ("\n", "\r\n", "\r"):
            text = "".join(lines).replace("\n", end)
            rows, bad = read(text, "freeswitch_csv")
            self.assertEqual(
                [(row["line"], row["uid"]) for row in rows],
                [(number, f"good {n}") for n, number in enumerate((1, 2, 5, 8, 10, 12), 1)],
            )
            self.assertEqual(
                codes(bad),
                [(4, "quotes"), (6, "bad_character"), (7, "text_too_long"), (9, "line_too_long")],
            )

    def test_encodings(self):
        text = freeswitch(caller_id_name="Zoë Ünal €", uuid="good 0")
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"):
            rows, bad = read(text.encode(encoding), "freeswitch_csv")
            self.assertEqual([row["raw"] for row in rows], [text.rstrip("\n")], encoding)
            self.assertEqual(bad, [])
        # One file of several encodings, as a file that is written to for years.
        mixed = text.encode() + text.encode("cp1252") + text.encode()
        rows, bad = read(mixed, "freeswitch_csv")
        self.assertEqual({row["raw"] for row in rows}, {text.rstrip("\n")})
        self.assertEqual((len(rows), bad), (3, []))
        # What others set for the csv module makes no difference.
        limit = csv.field_size_limit(500 << 20)
        self.addCleanup(csv.field_size_limit, limit)
        long = freeswitch(caller_id_name="x" * 200_000)
        self.assertEqual(codes(read(long, "freeswitch_csv")[1]), [(1, "text_too_long")])
        rows, _bad = read(text.encode("cp437", "replace"), "freeswitch_csv", encoding="cp437")
        self.assertIn("Zoë Ünal", rows[0]["raw"])
        undefined = text.encode().replace(b"Zo", b"\x81\x8d")
        rows, bad = read(undefined, "freeswitch_csv")
        self.assertEqual((len(rows), bad), (1, []))

    def test_half_of_a_surrogate_pair(self):
        content = freeswitch_row(1).encode("utf-16-le") + b"\x00\xd8" * 3
        content += b"\n\x00" + freeswitch_row(2).encode("utf-16-le") + b"x"
        rows, bad = read(content, "freeswitch_csv")
        self.assertEqual([row["uid"] for row in rows], ["good 1", "good 2"])
        self.assertEqual([row["line"] for row in bad], [2, 4])
        report = '{"variables": {"uuid": "a\\ud800", "start_epoch": "1788256800", "duration": "1"}}'
        (row,), _bad = read(report, "freeswitch_json")
        self.assertEqual(check_row(row, NOW).code, "bad_character")


class TestBombs(EngineCase):
    def refusal(self, content, format_name="freeswitch_csv", **options):
        rows, bad = read(content, format_name, **options)
        error = bad[-1]["error"]
        self.assertEqual((bad[-1]["line"], error.fatal), (0, True))
        return len(rows), error.code

    def test_caps(self):
        text = freeswitch() * 1000
        packed = gzip.compress(text.encode())
        self.assertEqual(self.refusal(text, rows=100), (100, "too_many_rows"))
        self.assertEqual(len(read(text, "freeswitch_csv", rows=1000)[0]), 1000)
        for content in (text, packed):
            rows, code = self.refusal(content, expanded_bytes=200_000)
            self.assertEqual((rows, code), (0, "too_many_bytes"))
        self.assertEqual(len(read(packed, "freeswitch_csv")[0]), 1000)
        self.assertEqual(len(read(packed + packed, "freeswitch_csv")[0]), 2000)

    def test_what_is_packed_to_harm(self):
        zeros = gzip.compress(b"\0" * (64 << 20))
        self.assertEqual(self.refusal(zeros), (0, "too_dense"))
        self.assertEqual(self.refusal(gzip.compress(zeros)), (0, "gzip_in_gzip"))
        self.assertEqual(self.refusal(gzip.compress(b"") * 2000), (0, "too_dense"))
        text = gzip.compress(freeswitch().encode())
        self.assertEqual(self.refusal(text[:-9])[1], "damaged_gzip")
        self.assertEqual(self.refusal(text + b"rubbish")[1], "damaged_gzip")
        self.assertEqual(len(read(text + b"\0" * 512, "freeswitch_csv")[0]), 1)
        self.assertEqual(self.refusal(b"PK\x03\x04" + b"x" * 99), (0, "unknown_archive"))

    def test_memory_does_not_grow_with_the_file(self):
        row = freeswitch().encode()
        hostile = (b'"open ' + b"z" * 3000 + b"\n") * 200 + b"w" * (6 << 20) + b"\n" + row * 3000

        blocks = chain.from_iterable(
            (hostile[at : at + 50_000] for at in range(0, len(hostile), 50_000)) for _ in range(4)
        )
        stream = SimpleNamespace(read=lambda _size: next(blocks, b""))

        tracemalloc.start()
        count = sum(1 for _row in read_calls(stream, "freeswitch_csv"))
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        self.assertGreater(count, 9000)
        self.assertLess(peak, 32 << 20)

    def test_workbooks(self):
        def workbook(name, content):
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(name, content)
            return buffer.getvalue()

        for content, code in (
            (workbook("xl/worksheets/sheet1.xml", b" " * (300 << 20)), "too_many_bytes"),
            (workbook("xl/sharedStrings.xml", b" " * (70 << 20)), "too_many_bytes"),
            (workbook("xl/workbook.xml", b"<nothing/>"), "damaged_workbook"),
            (b"PK\x03\x04" + b"x" * 2000, "damaged_workbook"),
            (b"\xd0\xcf\x11\xe0" + b"x" * 2000, "unknown_archive"),
            (gzip.compress(gzip.compress(b"Prefix,Rate\n")), "gzip_in_gzip"),
        ):
            with self.subTest(code), self.assertRaises(Refused) as caught:
                list(read_deck(content).rows)
            self.assertEqual(caught.exception.bad_row.code, code)
        rows = b"Prefix,Name,Rate\n" + b"32,N,1\n" * 500
        with self.assertRaises(Refused):
            list(read_deck(rows, options={"max_rows": 100}).rows)
        deck = parse_deck_rows(
            read_deck(rows, options={"max_rows": 100}).rows,
            {"prefix": 0, "destination": 1, "price_per_minute": 2},
        )
        self.assertEqual(deck[-1]["error"].code, "too_many_rows")
        self.assertTrue(deck[-1]["error"].fatal)

    @property_test(content=ANY_BYTES)
    def test_any_bytes_are_a_deck_or_refused(self, content):
        for start in (b"", b"Prefix,Name,Rate,Increment,From,To\n32,N,0.1,30/6,01/02/2026,\n"):
            try:
                deck = read_deck(start + content)
                rows = list(deck.rows)
            except Refused:
                continue
            mapping = propose_deck_columns(deck.header, rows)
            if mapping.is_complete:
                for row in parse_deck_rows(rows, mapping):
                    row["raw"].encode()
                    if "error" not in row:
                        self.assertRegex(row["prefix"], "^[0-9]{1,15}$")
                        self.assertNotIn("\0", row["destination"])
