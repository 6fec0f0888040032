"""Reports of FreeSWITCH's mod_json_cdr: one, many, torn, nested without end."""

import json
from datetime import datetime
from urllib.parse import quote

from hypothesis import strategies as st

from ..engine.intake.json_records import json_records
from .engine_case import EngineCase, property_test
from .intake_helpers import codes, read

VARIABLES = {
    "uuid": "a-leg",
    "accountcode": "C1001",
    "sip_from_user": "acme-100",
    "sip_network_ip": "198.51.100.10",
    "bridge_uuid": "b-leg",
    "start_stamp": "2026-09-01 12:00:00",
    "start_epoch": "1788256800",
    "answer_epoch": "1788256805",
    "end_epoch": "1788256873",
    "duration": "73",
    "billsec": "68",
    "billmsec": "67540",
    "hangup_cause": "NORMAL_CLEARING",
}


def report(flow=None, **changes):
    """A report; a change of ``None`` leaves the variable out."""
    variables = {
        name: value for name, value in {**VARIABLES, **changes}.items() if value is not None
    }
    if flow is None:
        flow = [profile("1002", "1001"), profile("00442079460123", "+3225550100")]
    return {"core-uuid": "x", "variables": variables, "callflow": flow}


def profile(destination, caller):
    """An entry of the call flow."""
    return {
        "times": {},
        "caller_profile": {"destination_number": destination, "caller_id_number": caller},
    }


def text_of(*reports, separator="\n", indent=None):
    return separator.join(json.dumps(one, indent=indent) for one in reports)


class TestFreeswitchJson(EngineCase):
    def test_report_in_full(self):
        text = text_of(report())
        (row,), bad = read(text, "freeswitch_json", timezone="Asia/Tokyo")
        self.assertEqual(bad, [])
        self.assertEqual(
            row,
            {
                "uid": "a-leg",
                "account_code": "C1001",
                "direction": "",
                "src": "+3225550100",
                "dst": "00442079460123",
                "start": datetime(2026, 9, 1, 10, 0),
                "duration": 73,
                "billsec": 68,
                "disposition": "NORMAL_CLEARING",
                "answered": True,
                "bleg_uid": "b-leg",
                "sip_user": "acme-100",
                "trunk": "198.51.100.10",
                "ignored": "",
                "line": 1,
                "raw": text,
            },
        )

    def test_all_ways_to_put_reports_together(self):
        reports = [report(uuid=f"call {number}") for number in range(5)]
        for text in (
            text_of(*reports),
            text_of(*reports, separator=""),
            text_of(*reports, separator="\r\n\r\n"),
            text_of(*reports, separator="\r"),
            text_of(*reports, indent=1),
            text_of(*reports, indent=0),
            json.dumps(reports),
            json.dumps(reports, indent=2),
            "[" + text_of(*reports, separator=",\n") + "]",
            "\ufeff" + text_of(*reports),
        ):
            rows, bad = read(text, "freeswitch_json")
            self.assertEqual([row["uid"] for row in rows], [f"call {n}" for n in range(5)])
            self.assertEqual(bad, [])
        rows, _bad = read(text_of(*reports, indent=1), "freeswitch_json")
        height = text_of(report(), indent=1).count("\n") + 1
        self.assertEqual([row["line"] for row in rows], [1 + height * n for n in range(5)])

    def test_values_with_percent_signs(self):
        values = {name: quote(value, safe="") for name, value in VARIABLES.items()}
        encoded = report(**{**values, "accountcode": "Caf%C3%A9%20%2B1"})
        (row,), _bad = read(text_of(encoded), "freeswitch_json")
        self.assertEqual((row["account_code"], row["sip_user"]), ("Café +1", "acme-100"))
        (row,), _bad = read(text_of(report(accountcode="100%")), "freeswitch_json")
        self.assertEqual(row["account_code"], "100%")

    def test_other_leg_is_known_whatever_its_order(self):
        leg = report(uuid="b-leg", bridge_uuid="a-leg", originating_leg_uuid="a-leg")
        by_name = report(uuid="b-leg", bridge_uuid=None, originator="a-leg")
        for second in (leg, by_name):
            for pair in ((report(), second), (second, report())):
                rows, _bad = read(text_of(*pair), "freeswitch_json")
                marks = {row["uid"]: (row["ignored"], row["bleg_uid"]) for row in rows}
                self.assertEqual(marks, {"a-leg": ("", "b-leg"), "b-leg": ("other_leg", "a-leg")})
        rows, _bad = read(text_of(report(), leg), "freeswitch_json", charge_b_legs=True)
        self.assertEqual([(row["ignored"], row["bleg_uid"]) for row in rows], [("", "")] * 2)

    def test_phones_that_rang_in_vain_are_no_other_leg(self):
        """Of several phones that rang, the call names the one that answered; no other names it."""
        for changes in ({"answer_epoch": "0"}, {"billsec": "0"}):
            leg = report(uuid="c-leg", originating_leg_uuid="a-leg", **changes)
            (row,), _bad = read(text_of(leg), "freeswitch_json")
            self.assertEqual((row["ignored"], row["bleg_uid"]), ("other_leg", ""))

    def test_unanswered(self):
        for changes in ({"answer_epoch": "0"}, {"answer_epoch": None, "answer_uepoch": "0"}):
            (row,), _bad = read(text_of(report(**changes, billsec="9")), "freeswitch_json")
            self.assertEqual((row["answered"], row["billsec"]), (False, 0))
        (row,), _bad = read(text_of(report(answer_epoch=None)), "freeswitch_json")
        self.assertFalse(row["answered"])

    def test_seconds_that_are_told_otherwise(self):
        text = text_of(report(billsec=None, billmsec="67540"))
        for rounding, seconds in (("up", 68), ("down", 67), ("half_up", 68)):
            (row,), _bad = read(text, "freeswitch_json", duration_rounding=rounding)
            self.assertEqual(row["billsec"], seconds)
        text = text_of(report(start_epoch=None))
        (row,), _bad = read(text, "freeswitch_json", timezone="Europe/Brussels")
        self.assertEqual(row["start"], datetime(2026, 9, 1, 10, 0))
        (row,), _bad = read(text_of(report(duration=73, billsec=68)), "freeswitch_json")
        self.assertEqual((row["duration"], row["billsec"]), (73, 68))

    def test_identifiers_and_direction(self):
        changes = {"sip_auth_username": "real", "call_direction": "Inbound"}
        (row,), _bad = read(text_of(report(**changes, direction="outbound")), "freeswitch_json")
        self.assertEqual((row["sip_user"], row["direction"]), ("real", "inbound"))
        (row,), _bad = read(text_of(report(flow=[], sip_req_user="99")), "freeswitch_json")
        self.assertEqual((row["src"], row["dst"]), ("acme-100", "99"))

    def test_event_of_the_event_socket(self):
        event = {f"variable_{name}": value for name, value in VARIABLES.items()}
        event |= {"Event-Name": "CHANNEL_HANGUP_COMPLETE", "Caller-Destination-Number": "99"}
        event |= {"variable_billsec": "66", "variable_billmsec": "65039"}
        (row,), _bad = read(text_of(event), "freeswitch_json")
        self.assertEqual((row["uid"], row["dst"], row["billsec"]), ("a-leg", "99", 66))

    def test_bad_reports_are_listed_and_the_others_read(self):
        good = text_of(report())
        for bad_text, code in (
            (good.replace('"68"', "NaN"), "not_json"),
            (good.replace('"68"', "-Infinity"), "not_json"),
            (good.replace('"68"', "9" * 5000), "not_json"),
            (good.replace('"68"', '"1e999"'), "not_a_duration"),
            (good.replace('"68"', '"-1"'), "not_a_duration"),
            (good.replace('"1788256800"', '"99999999999999999"'), "not_a_stamp"),
            (good.replace('"1788256805"', '"soon"'), "not_a_stamp"),
            ('{"variables": 5}', "not_a_call"),
            ("{}", "not_a_call"),
            ('{"variables": ' + "[" * 100_000 + "]" * 100_000 + "}", "not_json"),
            ('{"a":' * 30_000 + "1" + "}" * 30_000, "not_json"),
            (good.replace('"variables"', '"a" "b"'), "not_json"),
            ("<html>", "not_json"),
            ("17", "not_json"),
            (good[:100], "not_json"),
            (good[:300], "not_json"),
            ("{", "not_json"),
            ('{"x": "' + "y" * (1 << 20) + '"}', "line_too_long"),
            ('{"x": ["' + "y" * (3 << 20), "not_json"),
        ):
            text = f"{good}\n{bad_text}\n{good}\n{good}"
            with self.subTest(bad_text[:40]):
                rows, bad = read(text, "freeswitch_json")
                self.assertEqual([row["line"] for row in rows], [1, 3, 4])
                self.assertEqual(codes(bad), [(2, code)])
                self.assertLessEqual(len(bad[0]["raw"]), 10_000)

    def test_bad_report_within_an_array_on_one_line(self):
        good = text_of(report())
        text = f"[{good},{good.replace(chr(34) + '68' + chr(34), 'NaN')},{good}]"
        rows, bad = read(text, "freeswitch_json")
        self.assertEqual((len(rows), len(bad)), (2, 1))

    def test_reports_larger_than_a_block(self):
        reports = [report(uuid=f"call {n}", filler="z" * 300_000) for n in range(5)]
        rows, bad = read(json.dumps(reports), "freeswitch_json")
        self.assertEqual((len(rows), bad), (5, []))

    def test_file_made_to_take_long_is_refused(self):
        pieces = "{\n" * 39 + "1,\n" * 400_000
        records = json_records(iter([pieces] * 6), 1 << 20, lambda value: False)
        with self.assertRaisesRegex(ValueError, "damaged"):
            for _record in records:
                pass

    @property_test(
        blocks=st.lists(
            st.sampled_from(
                ("GOOD", "{", "}", "[", "]", '"', '"a":', ",", "\\", "\n", " ", "x", "1")
            ),
            max_size=12,
        ),
        size=st.integers(1, 60),
    )
    def test_any_pieces_in_any_blocks(self, blocks, size):
        """Reports on lines of their own go through, whatever stands on the lines between."""
        good = text_of(report())
        text = "".join(f"\n{good}\n" if block == "GOOD" else block for block in blocks)
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        records = list(
            json_records(
                iter(pieces), 1 << 20, lambda value: isinstance(value, dict) and len(value) > 1
            )
        )
        found = [
            value
            for _line, _raw, value in records
            if isinstance(value, dict) and value.get("variables")
        ]
        self.assertEqual(len(found), blocks.count("GOOD"))
