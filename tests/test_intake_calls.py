"""Calls of FreeSWITCH's Master.csv; stamps, durations, checks and the choice of a format."""

import gzip
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from hypothesis import strategies as st

from ..engine.intake import FORMATS, MESSAGES, BadRow, check_row, detect_format, read_calls
from ..engine.intake.badrow import Unreadable
from ..engine.intake.durations import parse_seconds
from ..engine.intake.freeswitch_csv import ASTERISK_LIKE_COLUMNS, DEFAULT_COLUMNS
from ..engine.intake.stamps import stamp_parser
from .engine_case import EngineCase, property_test
from .intake_helpers import FREESWITCH, asterisk, codes, freeswitch, line, read

NOW = datetime(2026, 11, 1)


class TestFreeswitchCsv(EngineCase):
    def test_row_in_full(self):
        text = freeswitch(bleg_uuid="b-leg")
        (row,), bad = read(text, "freeswitch_csv", timezone="Europe/Brussels")
        self.assertEqual(bad, [])
        self.assertEqual(
            row,
            {
                "uid": "0b3ee2ab-7f5d-4d49-8c5c-1f0a5f3b7c11",
                "account_code": "C1001",
                "direction": "",
                "src": "+3225550100",
                "dst": "00442079460123",
                "start": datetime(2026, 9, 1, 8, 0),
                "duration": 65,
                "billsec": 60,
                "disposition": "NORMAL_CLEARING",
                "answered": True,
                "bleg_uid": "b-leg",
                "sip_user": "",
                "trunk": "",
                "ignored": "",
                "line": 1,
                "raw": text.rstrip("\n"),
            },
        )

    def test_minute_stamps_leave_the_seconds_to_billsec(self):
        stamps = dict.fromkeys(("start_stamp", "answer_stamp", "end_stamp"), "2020/2/10 22:41")
        (row,), _bad = read(freeswitch(**stamps, duration=329, billsec=327), "freeswitch_csv")
        self.assertEqual(row["start"], datetime(2020, 2, 10, 22, 41))
        self.assertEqual((row["duration"], row["billsec"]), (329, 327))

    def test_without_answer_stamp_nothing_is_billed(self):
        text = freeswitch(answer_stamp="", duration=2, billsec=7, hangup_cause="NO_ANSWER")
        (row,), _bad = read(text, "freeswitch_csv")
        self.assertEqual((row["answered"], row["billsec"], row["duration"]), (False, 0, 2))

    def test_uuid_reported_again_is_passed_on(self):
        text = freeswitch() * 2 + freeswitch(hangup_cause="USER_BUSY")
        rows, bad = read(text, "freeswitch_csv")
        self.assertEqual(len({row["uid"] for row in rows}), 1)
        self.assertEqual([row["disposition"] for row in rows][-1], "USER_BUSY")
        self.assertEqual([row["line"] for row in rows], [1, 2, 3])
        self.assertEqual(bad, [])

    def test_other_templates(self):
        names = list(FREESWITCH)
        names.insert(10, "hangup_cause_q850")
        text = line({name: FREESWITCH.get(name, "16") for name in names})
        (row,), _bad = read(text, "freeswitch_csv")
        self.assertEqual(row["uid"], FREESWITCH["uuid"])
        names = ["uuid", "sip_from_user", "sip_network_ip", "originating_leg_uuid"]
        names += [name for name in FREESWITCH if name != "uuid"]
        values = {**FREESWITCH, "sip_from_user": "acme-100", "sip_network_ip": "198.51.100.10"}
        for origin, ignored in (("", ""), ("a-leg", "other_leg"), (FREESWITCH["uuid"], "")):
            values["originating_leg_uuid"] = origin
            text = line({name: values[name] for name in names})
            (row,), _bad = read(text, "freeswitch_csv", columns=names)
            self.assertEqual((row["sip_user"], row["trunk"]), ("acme-100", "198.51.100.10"))
            other = origin if ignored else ""
            self.assertEqual((row["ignored"], row["bleg_uid"]), (ignored, other))
            (row,), _bad = read(text, "freeswitch_csv", columns=names, charge_b_legs=True)
            self.assertEqual((row["ignored"], row["bleg_uid"]), ("", ""))
            text = line({name: {**values, "answer_stamp": ""}[name] for name in names})
            (row,), _bad = read(text, "freeswitch_csv", columns=names)
            self.assertEqual((row["ignored"], row["bleg_uid"]), (ignored, ""))
        text = line({name: FREESWITCH.get(name, "") for name in ASTERISK_LIKE_COLUMNS})
        (row,), _bad = read(text, "freeswitch_csv", columns=ASTERISK_LIKE_COLUMNS)
        self.assertEqual((row["billsec"], row["disposition"]), (60, "NORMAL_CLEARING"))

    def test_start_epoch_needs_no_time_zone(self):
        columns = [*DEFAULT_COLUMNS, "start_epoch"]
        text = line({**FREESWITCH, "start_epoch": "1788256800"})
        (row,), _bad = read(text, "freeswitch_csv", columns=columns, timezone="Asia/Tokyo")
        self.assertEqual(row["start"], datetime(2026, 9, 1, 10, 0))

    def test_bad_rows_name_field_and_value(self):
        text = (
            freeswitch(billsec="-17")
            + freeswitch(billsec="12:30")
            + freeswitch(start_stamp="yesterday")
            + freeswitch(duration="1e999")
            + freeswitch(billsec=2**31)
            + freeswitch(billsec="NaN")
            + "a,b,c\n"
        )
        rows, bad = read(text, "freeswitch_csv")
        self.assertEqual(rows, [])
        self.assertEqual(
            [str(row["error"]) for row in bad],
            [
                "billsec is no duration: -17",
                "billsec is no duration: 12:30",
                "start is no date and time: yesterday",
                "duration is no duration: 1e999",
                "billsec is too long for a call: 2147483648",
                "billsec is no duration: NaN",
                "line has 3 columns where 15 are expected",
            ],
        )
        self.assertEqual([row["line"] for row in bad], list(range(1, 8)))
        self.assertEqual(bad[6]["raw"], "a,b,c")
        error = bad[0]["error"]
        self.assertEqual((error.field, error.params["value"]), ("billsec", "-17"))
        self.assertEqual(error.message % error.params, str(error))

    def test_unknown_format_or_option_is_a_mistake_of_the_program(self):
        for format_name, options in (
            ("morse", {}),
            ("freeswitch_csv", {"timezone": "Mars/Olympus"}),
            ("freeswitch_csv", {"colour": "blue"}),
            ("freeswitch_csv", {"duration_rounding": "sideways"}),
            ("freeswitch_csv", {"encoding": "rot13"}),
            ("freeswitch_csv", {"delimiter": '"'}),
            ("freeswitch_csv", {"columns": ["uuid", "duration"]}),
            ("asterisk_csv", {"columns": ["src", "dst"]}),
            ("header_csv", {"columns": {"colour": 1}}),
            ("header_csv", {"columns": {"start": -1}}),
        ):
            with self.subTest(format_name, options=options), self.assertRaises(ValueError):
                read_calls(b"", format_name, options)


class TestStamps(EngineCase):
    def test_shapes(self):
        parse = stamp_parser("Europe/Brussels")
        summer = datetime(2026, 9, 1, 8, 0, 5)
        for text in (
            "2026-09-01 10:00:05",
            "2026/9/1 10:00:05",
            "2026-09-01T10:00:05.999",
            " 2026-09-01  10:00:05 ",
            "01/09/2026 10:00:05",
            "1.9.2026 10:00:05",
            "01/09/2026 10:00:05 AM",
            "2026-09-01T08:00:05Z",
            "2026-09-01 08:00:05 +0000 UTC",
            "2026-09-01 13:30:05+05:30",
            "20260901100005",
            "20260901T080005Z",
            "1788249605",
            "1788249605.25",
            "1788249605123",
            "1788249605123456",
            "63955468805",
        ):
            self.assertEqual(parse(text, "start"), summer, text)
        self.assertEqual(parse("2026/12/1 9:05", "start"), datetime(2026, 12, 1, 8, 5))
        self.assertEqual(parse("01/09/2026 12:10 am", "start"), datetime(2026, 8, 31, 22, 10))
        self.assertEqual(
            stamp_parser("UTC", "mdy")("9/1/2026 10:00", "start"), datetime(2026, 9, 1, 10)
        )

    def test_what_is_no_stamp(self):
        parse = stamp_parser("America/New_York")
        for text in (
            "", "0", "now", "2026-02-30 10:00:00", "2026-09-01", "2026-09-01 25:00:00",
            "2026-09-01 10:61:00", "2026-09-01 10:00:61", "13:00 pm", "01/09/26 10:00",
            "9999-12-31 23:59:59", "0001-01-01 00:00:00+14:00", "٢٠٢٦-09-01 10:00:00",
            "2026-09-01 10:00:00 +99:00", "9" * 18, "1" * 5000, "2026-09-01 10:00:00\x00",
        ):  # fmt: skip
            with self.subTest(text[:30]), self.assertRaises(Unreadable) as caught:
                parse(text, "start")
            self.assertEqual(caught.exception.bad_row.field, "start")

    def test_both_passes_of_the_repeated_hour(self):
        parse = stamp_parser("Europe/Brussels", read_hint=int)
        first, second = datetime(2026, 10, 25, 0, 30), datetime(2026, 10, 25, 1, 30)
        epoch = int((first - datetime(1970, 1, 1)).total_seconds())
        for _round in range(2):  # what is kept from one row must not be taken for the next
            self.assertEqual(parse("2026-10-25 02:30:00", "start", epoch - 2), first)
            self.assertEqual(parse("2026-10-25 02:30:00", "start", epoch + 3600 + 2), second)
            self.assertEqual(parse("2026-10-25 02:30:00", "start"), first)
        # The clock skips this one.
        self.assertEqual(parse("2026-03-29 02:30:00", "start"), datetime(2026, 3, 29, 1, 30))

    @property_test(
        moment=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
        shape=st.sampled_from(
            ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y%m%d%H%M%S", "%d.%m.%Y %H:%M:%S")
        ),
        others=st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), max_size=3),
    )
    def test_round_trip(self, moment, shape, others):
        parse = stamp_parser("UTC")
        moment = moment.replace(microsecond=0)
        for other in others:
            parse(other.strftime("%Y-%m-%d %H:%M:%S"), "start")
        self.assertEqual(parse(moment.strftime(shape), "start"), moment)
        self.assertEqual(parse(moment.strftime(shape), "start"), moment)


class TestDurations(EngineCase):
    def test_shapes(self):
        for text, seconds in (
            ("0", 0),
            ("67", 67),
            ("67.540", 68),
            ("67,540", 68),
            ("00:05:36", 336),
            ("1:02:03", 3723),
            ("5m", 300),
            ("1m30s", 90),
            ("1h2m3s", 3723),
            ("1m30.5s", 91),
            ("1500ms", 2),
            ("90 sec", 90),
            ("2147483647", 2**31 - 1),
        ):
            self.assertEqual(parse_seconds(text, "billsec"), seconds, text)

    def test_what_is_no_duration(self):
        for text in (
            "", "-1", "NaN", "inf", "Infinity", "1e999", "1e3", "2147483648", "12:30", "s",
            "00:60:00", "²", "٣", "9" * 30, "0x10", "1 2", "+5", "1m30", "5 apples",
        ):  # fmt: skip
            with self.subTest(text), self.assertRaises(Unreadable):
                parse_seconds(text, "billsec")

    @property_test(milliseconds=st.integers(0, 10**9))
    def test_rounding_is_exact(self, milliseconds):
        exact = Decimal(milliseconds) / 1000
        for name, rounding in (
            ("up", ROUND_CEILING),
            ("down", ROUND_FLOOR),
            ("half_up", ROUND_HALF_UP),
        ):
            expected = int(exact.to_integral_value(rounding))
            self.assertEqual(parse_seconds(f"{exact:.3f}", "billsec", name), expected)
            self.assertEqual(parse_seconds(f"{milliseconds}ms", "billsec", name), expected)
            self.assertEqual(
                parse_seconds(str(milliseconds), "billsec", name, per_second=1000), expected
            )


class TestChecks(EngineCase):
    def check(self, **changes):
        (row,), _bad = read(freeswitch(), "freeswitch_csv")
        error = check_row({**row, **changes}, NOW)
        return error and (error.field, error.code)

    def test_good_rows(self):
        self.assertIsNone(self.check())
        for uid in ("1", "7", "11", "1788249600.10", "f" * 7, "SessionFromCsv", "a@b"):
            self.assertIsNone(self.check(uid=uid), uid)
        self.assertIsNone(self.check(start=NOW + timedelta(minutes=5)))
        # Differences of whole seconds: talk may come out longer than the call.
        self.assertIsNone(self.check(duration=59, billsec=60))
        self.assertIsNone(self.check(src="Zoë \u202e <script>alert(1)</script> ' \\"))

    def test_what_identifies_no_call(self):
        for uid in (
            "0", "00", "0.0", "-", "null", "None", "NaN", "undefined",
            "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ):  # fmt: skip
            self.assertEqual(self.check(uid=uid), ("uid", "placeholder"), uid)
        self.assertEqual(self.check(uid=""), ("uid", "empty"))

    def test_times(self):
        self.assertEqual(self.check(start=None), ("start", "empty"))
        self.assertEqual(self.check(start=datetime(1970, 1, 1)), ("start", "too_early"))
        self.assertEqual(self.check(start=datetime(9999, 1, 1)), ("start", "in_future"))
        row = self.row()
        old = {**row, "start": NOW - timedelta(days=30, seconds=1)}
        self.assertIsNone(check_row(old, NOW))
        self.assertEqual(check_row(old, NOW, oldest_days=30).code, "too_old")
        self.assertIsNone(check_row({**old, "start": NOW - timedelta(days=30)}, NOW, 30))
        late = NOW + timedelta(minutes=5, seconds=1)
        self.assertEqual(self.check(start=late), ("start", "in_future"))

    def test_durations(self):
        for value in (-1, float("nan"), float("inf"), 1.5, None, "60"):
            self.assertEqual(self.check(duration=value), ("duration", "not_a_duration"))
            self.assertEqual(self.check(billsec=value), ("billsec", "not_a_duration"))
        self.assertEqual(self.check(duration=10**7), ("duration", "duration_too_long"))
        self.assertEqual(self.check(duration=58, billsec=60), ("billsec", "above_duration"))

    def test_texts_that_no_database_takes(self):
        for field in ("uid", "account_code", "src", "dst", "disposition", "sip_user", "trunk"):
            for text in ("ab\0c", "ab\ud800c"):
                self.assertEqual(self.check(**{field: text}), (field, "bad_character"))
                str(check_row({**self.row(), field: text}, NOW)).encode()
            self.assertEqual(self.check(**{field: "ab" * 128}), (field, "text_too_long"))
            self.assertIsNone(self.check(**{field: "ab" * 127}))

    @staticmethod
    def row():
        return read(freeswitch(), "freeswitch_csv")[0][0]

    def test_every_message_can_be_made(self):
        for code in MESSAGES:
            error = BadRow(
                *("start", code, "x"),
                expected=1, limit=1, duration=1, start="", first_line=1, fields="", days=1,
            )  # fmt: skip
            self.assertIn("start", str(error))


class TestFormats(EngineCase):
    def test_detection(self):
        header = "Call-ID;Start Time;From;To;Duration;Bill Sec\n1;2026-09-01 10:00:00;1;2;3;2\n"
        simple = (
            '"""Hotel"" <1>","1","2","ctx","SIP/a-1","SIP/b-2","Dial","","2026-09-01 10:00:00",'
            '"2026-09-01 10:00:05","2026-09-01 10:01:05","65","60","ANSWERED","DOCUMENTATION",'
            '"C1007","1788249600.1","","1"\n'
        )
        for text, expected in (
            (freeswitch(), "freeswitch_csv"),
            (freeswitch(caller_id_name="broken")[:60] + "\n" + freeswitch() * 3, "freeswitch_csv"),
            (asterisk(), "asterisk_csv"),
            (simple, "asterisk_custom_csv"),
            ('\n  {"variables": {}}', "freeswitch_json"),
            ("[{", "freeswitch_json"),
            (header, "header_csv"),
            ("# comment\n" + header, "header_csv"),
            ("", ""),
            ("hello", ""),
            ("a,b,c\n1,2,3\n", ""),
            ("\0\0\0", ""),
        ):
            self.assertEqual(detect_format(text.encode()), expected, text[:40])
            self.assertEqual(detect_format(gzip.compress(text.encode())), expected, text[:40])
            if text:
                self.assertEqual(detect_format(text.encode("utf-16")), expected, text[:40])
        (row,), bad = read(simple, "asterisk_custom_csv")
        self.assertEqual((row["uid"], row["account_code"]), ("1788249600.1.1", "C1007"))
        self.assertEqual(bad, [])

    def test_every_format_reads_nothing_from_nothing(self):
        for format_name in FORMATS:
            self.assertEqual(read(b"", format_name), ([], []))
            self.assertEqual(read(gzip.compress(b""), format_name), ([], []))
            self.assertEqual(codes(read("\n\n  \n", format_name)[1]), [])
