"""Calls of Asterisk's Master.csv, and which rows of one call are charged."""

from datetime import datetime
from itertools import permutations

from hypothesis import strategies as st

from ..engine.intake.asterisk_legs import mark_duplicate_legs
from .engine_case import EngineCase, property_test
from .intake_helpers import ASTERISK, asterisk, codes, line, read

CARRIER = "PJSIP/carrier-00000009"


def seconds_of(rows):
    """Seconds to charge, each uid once."""
    return sum({row["uid"]: row["billsec"] for row in rows if not row["ignored"]}.values())


class TestAsteriskCsv(EngineCase):
    def test_row_in_full(self):
        text = asterisk()
        (row,), bad = read(text, "asterisk_csv", timezone="Europe/Brussels")
        self.assertEqual(bad, [])
        self.assertEqual(
            row,
            {
                "uid": "1788249600.1.1",
                "account_code": "C1007",
                "direction": "",
                "src": "+3225550100",
                "dst": "00442079460123",
                "start": datetime(2026, 9, 1, 8, 0),
                "duration": 65,
                "billsec": 60,
                "disposition": "ANSWERED",
                "answered": True,
                "bleg_uid": "",
                "sip_user": "hotel-1",
                "trunk": "",
                "ignored": "",
                "line": 1,
                "raw": text.rstrip("\n"),
            },
        )

    def test_layouts(self):
        names = list(ASTERISK)
        new = names[18:]
        for count, columns, uid in (
            (21, names, "1788249600.1.1"),
            (20, [*names[:17], *new], "1788249600.1.1"),
            (20, [*names[:16], "userfield", *new], "1788249600.1.1"),
            (19, [*names[:16], *new], "1788249600.1.1"),
            (18, names[:18], "1788249600.1"),
            (17, names[:17], "1788249600.1"),
        ):
            text = line({name: ASTERISK[name] for name in columns})
            (row,), bad = read(text, "asterisk_csv")
            self.assertEqual((row["uid"], bad), (uid, []), count)
            self.assertEqual(len(columns), count)

    def test_without_unique_id_a_row_is_known_by_its_content(self):
        fields = {name: ASTERISK[name] for name in list(ASTERISK)[:16]}
        text = line(fields) * 2 + line(fields, billsec=61, duration=66)
        (first, again, other), _bad = read(text, "asterisk_csv")
        self.assertEqual(first["uid"], again["uid"])
        self.assertNotEqual(first["uid"], other["uid"])
        self.assertRegex(first["uid"], "^row-[0-9a-f]{32}$")

    def test_without_sequence_what_was_not_answered_does_not_take_the_id(self):
        fields = {name: ASTERISK[name] for name in list(ASTERISK)[:18]}
        text = line(fields, disposition="NO ANSWER", dstchannel="PJSIP/a-1")
        text += line(fields, disposition="NO ANSWER", dstchannel="PJSIP/b-2") + line(fields)
        rows, _bad = read(text, "asterisk_csv")
        self.assertEqual(len({row["uid"] for row in rows}), 3)
        self.assertEqual(rows[2]["uid"], "1788249600.1")

    def test_identifiers_of_the_caller(self):
        for channel, sip_user, trunk in (
            ("SIP/200474-00000000", "200474", ""),
            ("PJSIP/acme-100-0000002a", "acme-100", ""),
            ("SIP/198.51.100.10-0000002a", "", "198.51.100.10"),
            ("IAX2/branch-12", "branch", ""),
            ("Local/600@ring-00000001;2", "", ""),
            ("DAHDI/1-1", "", ""),
            ("", "", ""),
        ):
            (row,), _bad = read(asterisk(channel=channel), "asterisk_csv")
            self.assertEqual((row["sip_user"], row["trunk"]), (sip_user, trunk), channel)

    def test_repeated_hour_is_told_by_the_channel(self):
        stamps = {"start": "2026-10-25 02:20:00", "answer": "2026-10-25 02:20:05"}
        for epoch, expected in (
            (1792887600, datetime(2026, 10, 25, 0, 20)),
            (1792891200, datetime(2026, 10, 25, 1, 20)),
        ):
            for prefix in ("", "pbx-"):
                text = asterisk(**stamps, uniqueid=f"{prefix}{epoch}.7")
                (row,), _bad = read(text, "asterisk_csv", timezone="Europe/Brussels")
                self.assertEqual(row["start"], expected)

    def test_bad_rows(self):
        text = (
            asterisk(disposition="PICKED UP")
            + asterisk(billsec="")
            + asterisk(start="")
            + line(ASTERISK, extra="x")
            + asterisk()
        )
        rows, bad = read(text, "asterisk_csv")
        self.assertEqual([row["line"] for row in rows], [5])
        self.assertEqual(
            codes(bad), [(1, "not_a_call"), (2, "empty"), (3, "not_a_stamp"), (4, "columns")]
        )


class TestLegs(EngineCase):
    """The rows of one call, in every order."""

    def settle(self, rows, window=20_000):
        """The rows that are charged, as (dst, seconds), the same for every order."""
        lines = []
        for number, changes in enumerate(rows):
            answer, seconds = changes.pop("answer", 5), changes.get("billsec", 60)
            changes.setdefault("uniqueid", "1788249600.1")
            changes["answer"] = f"2026-09-01 10:{answer // 60:02}:{answer % 60:02}"
            lines.append(asterisk(sequence=number, duration=seconds + 5, **changes))
        results = set()
        for order in permutations(lines):
            good, bad = read("".join(order), "asterisk_csv")
            self.assertEqual(bad, [])
            charged = [(row["dst"], row["billsec"]) for row in good if not row["ignored"]]
            results.add(tuple(sorted(charge for charge in charged if charge[1])))
            for row in good:
                self.assertIn(row["ignored"], ("", "other_leg"))
                if row["bleg_uid"]:
                    (carrier,) = (other for other in good if other["uid"] == row["bleg_uid"])
                    self.assertEqual(carrier["ignored"], "")
        self.assertEqual(len(results), 1, "the order of the rows matters")
        return list(results.pop())

    def test_no_answer_with_seconds_is_not_charged(self):
        rows = [
            {"disposition": "NO ANSWER", "billsec": 60, "dstchannel": "SIP/301-00000004"},
            {"disposition": "NO ANSWER", "billsec": 30, "dstchannel": "SIP/302-00000005"},
            {"disposition": "ANSWERED", "billsec": 0, "dstchannel": ""},
        ]
        self.assertEqual(self.settle(rows), [])

    def test_both_halves_of_a_local_channel_are_one_conversation(self):
        rows = [
            {"dstchannel": "Local/0044@out-0000000c;1", "dst": "00442079460123"},
            {
                "channel": "Local/0044@out-0000000c;2",
                "dstchannel": CARRIER,
                "dst": "+442079460123",
                "uniqueid": "1788249600.2",
            },
        ]
        self.assertEqual(self.settle(rows), [("00442079460123", 60)])

    def test_far_half_alone_is_not_charged(self):
        rows = [{"channel": "Local/0044@out-0000000c;2", "dstchannel": CARRIER}]
        self.assertEqual(self.settle(rows), [])
        fields = {name: ASTERISK[name] for name in list(ASTERISK)[:18]}
        text = line(fields, channel="Local/0044@out-0000000c;2")
        self.assertEqual(read(text, "asterisk_csv")[0][0]["ignored"], "other_leg")

    def test_forwarded_call_is_charged_beside_the_call_that_came_in(self):
        rows = [
            {"dst": "3227880110", "dstchannel": "Local/0470@fwd-01;1", "accountcode": ""},
            {
                "channel": "Local/0470@fwd-01;2",
                "dstchannel": CARRIER,
                "dst": "0470000123",
                "uniqueid": "1788249600.2",
                "billsec": 58,
                "answer": 7,
            },
        ]
        self.assertEqual(self.settle(rows), [("0470000123", 58), ("3227880110", 60)])

    def test_ring_group_charges_the_mobile_and_not_the_extension(self):
        rows = [
            {"dst": "600", "dstchannel": "Local/601@ring-01;1"},
            {"dst": "600", "dstchannel": "Local/602@ring-02;1", "disposition": "NO ANSWER"},
            {
                "channel": "Local/601@ring-01;2",
                "dstchannel": "Local/0470@out-03;1",
                "dst": "601",
                "uniqueid": "1788249600.2",
            },
            {
                "channel": "Local/0470@out-03;2",
                "dstchannel": CARRIER,
                "dst": "0470000123",
                "uniqueid": "1788249600.3",
            },
        ]
        self.assertEqual(self.settle(rows), [("0470000123", 60), ("600", 60)])

    def test_number_dialled_through_two_local_channels_is_charged_once(self):
        rows = [
            {"dst": "0470000123", "dstchannel": "Local/601@ring-01;1"},
            {
                "channel": "Local/601@ring-01;2",
                "dstchannel": "Local/0470@out-03;1",
                "dst": "601",
                "uniqueid": "1788249600.2",
            },
            {
                "channel": "Local/0470@out-03;2",
                "dstchannel": CARRIER,
                "dst": "+32470000123",
                "uniqueid": "1788249600.3",
            },
        ]
        self.assertEqual(self.settle(rows), [("0470000123", 60)])

    def test_transfer_charges_both_conversations(self):
        rows = [
            {"billsec": 30},
            {"billsec": 40, "answer": 35},
            {"billsec": 0, "answer": 75, "dstchannel": "", "lastapp": "Hangup"},
        ]
        self.assertEqual(self.settle(rows), [("00442079460123", 30), ("00442079460123", 40)])

    def test_one_channel_has_one_conversation_at_a_time(self):
        rows = [{"billsec": 80}, {"billsec": 60, "answer": 9}, {"billsec": 80, "dst": "9"}]
        self.assertEqual(len(self.settle(rows)), 1)

    def test_dialled_channel_in_a_conference_is_not_charged_again(self):
        second = {"channel": CARRIER, "uniqueid": "1788249600.5", "dstchannel": "PJSIP/c-01"}
        rows = [{"dstchannel": CARRIER, "billsec": 60}, {**second, "billsec": 50, "dst": "800"}]
        self.assertEqual(self.settle(rows), [("00442079460123", 60)])
        rows = [{"dstchannel": CARRIER, "billsec": 60}]
        rows.append({**second, "billsec": 50, "dst": "800", "accountcode": "C1008"})
        self.assertEqual(self.settle(rows), [("00442079460123", 60), ("800", 50)])

    def test_row_that_is_in_the_file_twice_is_marked_alike(self):
        rows = [
            {"dstchannel": "Local/0044@out-0000000c;1"},
            {"channel": "Local/0044@out-0000000c;2", "uniqueid": "1788249600.2"},
        ]
        text = "".join(asterisk(sequence=number, **row) for number, row in enumerate(rows))
        for content in (text * 2, text + "".join(text.splitlines(True)[::-1])):
            good, _bad = read(content, "asterisk_csv")
            marks = {}
            for row in good:
                marks.setdefault(row["uid"], set()).add((row["ignored"], row["bleg_uid"]))
            self.assertEqual([len(mark) for mark in marks.values()], [1, 1])
            self.assertEqual(seconds_of(good), 60)

    def test_calls_further_apart_than_the_window_keep_memory_bounded(self):
        rows = []
        for number in range(50):
            row = {"uid": f"u{number}", "billsec": 9, "account_code": "", "dst": "1"}
            row |= {"start": datetime(2026, 9, 1), "ignored": "", "bleg_uid": ""}
            rows.append((row, (f"l{number}", f"u{number}", "SIP/a-1", "", "")))
        consumed = []

        def items():
            for number, row in enumerate(rows):
                consumed.append(number)
                yield row

        first = next(mark_duplicate_legs(items(), window=5))
        self.assertEqual((first["uid"], len(consumed)), ("u0", 6))

    @property_test(data=st.data(), max_examples=60)
    def test_any_rows_give_the_same_total_in_any_order(self, data):
        channels = ["SIP/a-01", "SIP/b-02", "Local/x@y-03;1", "Local/x@y-03;2", ""]
        numbers = ["600", "0470000123", "+32470000123", "00442079460123"]
        lines = []
        for number in range(data.draw(st.integers(1, 6))):
            begin, seconds = data.draw(st.integers(0, 50)), data.draw(st.integers(0, 60))
            lines.append(
                asterisk(
                    sequence=number,
                    channel=data.draw(st.sampled_from(channels)),
                    dstchannel=data.draw(st.sampled_from(channels)),
                    dst=data.draw(st.sampled_from(numbers)),
                    accountcode=data.draw(st.sampled_from(("", "C1007", "C1008"))),
                    uniqueid=data.draw(st.sampled_from(("1788249600.1", "1788249600.2"))),
                    disposition=data.draw(st.sampled_from(("ANSWERED", "NO ANSWER"))),
                    answer=f"2026-09-01 10:00:{begin:02}",
                    billsec=seconds,
                    duration=seconds,
                )
            )
        expected = None
        for _round in range(3):
            good, _bad = read("".join(data.draw(st.permutations(lines))), "asterisk_csv")
            marks = {row["uid"]: (row["ignored"], row["bleg_uid"]) for row in good}
            self.assertIn(expected, (None, marks))
            expected = marks
