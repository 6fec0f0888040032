"""Calls in CSV files with a header row."""

import gzip
import io
from datetime import datetime

from hypothesis import strategies as st

from ..engine.intake import find_date_order, propose_columns, read_calls, read_samples
from .engine_case import EngineCase, property_test
from .intake_helpers import codes, read

HEADER = "Call-ID;Start Time;From;To;Account;Duration;Bill Sec;Status;Direction;Source IP\n"
ROW = "c1;2026-09-01 10:00:00;3225550100;0044207946;C1;65;60;answered;outgoing;198.51.100.10\n"


class TestProposals(EngineCase):
    def test_headers_of_switches(self):
        for header, expected in (
            (
                "uid;start;calling;called;billsec;duration",
                {"uid": 0, "start": 1, "src": 2, "dst": 3, "billsec": 4, "duration": 5},
            ),
            (
                ":Tenant,ToR,OriginID,RequestType,Account,Subject,Destination,SetupTime,AnswerTime,"
                "Usage",
                {"uid": 2, "account_code": 4, "dst": 6, "start": 7, "answer": 8, "billsec": 9},
            ),
            (
                "cdr_id,src_username,src_domain,dst_username,call_start_time,duration,sip_call_id,"
                "src_ip,calltype",
                {
                    "uid": 6, "src": 1, "dst": 3, "start": 4, "duration": 5, "direction": 8,
                    "trunk": 7,
                },
            ),
            (
                "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,"
                "disposition,amaflags,accountcode,uniqueid",
                {
                    "uid": 14, "account_code": 13, "src": 2, "dst": 3, "start": 0, "billsec": 10,
                    "duration": 9, "disposition": 11, "sip_user": 5,
                },
            ),
            (
                "Date,Time,Caller Number,Called Number,Billed Duration (ms),Talk Time",
                {"start": 0, "start_time": 1, "src": 2, "dst": 3, "billsec": 5, "billsec_ms": 4},
            ),
            (
                "Numéro appelé;Numéro appelant;Date appel;Durée (sec);Compte",
                {"dst": 0, "src": 1, "start": 2, "duration": 3, "account_code": 4},
            ),
            (
                "Anrufer;Zielrufnummer;Datum;Uhrzeit;Dauer;Kundennummer",
                {"src": 0, "dst": 1, "start": 2, "start_time": 3, "duration": 4, "account_code": 5},
            ),
            (
                "Origen;Destino;Fecha;Hora;Duración;Cliente",
                {"src": 0, "dst": 1, "start": 2, "start_time": 3, "duration": 4, "account_code": 5},
            ),
            (
                "Chiamante;Chiamato;Data;Ora;Durata;Esito",
                {"src": 0, "dst": 1, "start": 2, "start_time": 3, "duration": 4, "disposition": 5},
            ),
            (
                "historyid,callid,duration,time-start,time-answered,time-end,reason-terminated,"
                "from-no,to-no",
                {
                    "uid": 0, "duration": 2, "start": 3, "answer": 4, "end": 5, "disposition": 6,
                    "src": 7, "dst": 8,
                },
            ),
            # whoever names the call it came from is the leg that is not charged
            (
                "Call-ID,Parent-Call-ID,Linked-Call-ID,Related Call ID,start,to,billsec",
                {"uid": 0, "start": 4, "dst": 5, "billsec": 6},
            ),
            (
                "uuid,bleg_uuid,start,to,billsec,hangup_cause,status",
                {"uid": 0, "bleg_uid": 1, "start": 2, "dst": 3, "billsec": 4, "disposition": 6},
            ),
        ):  # fmt: skip
            names = header.replace(";", ",").split(",")
            with self.subTest(header):
                mapping = propose_columns(names)
                self.assertEqual({f: names.index(name) for f, name in mapping.items()}, expected)


class TestHeaderCsv(EngineCase):
    def test_row_in_full(self):
        (row,), bad = read(HEADER + ROW, "header_csv", timezone="Europe/Brussels")
        self.assertEqual(bad, [])
        self.assertEqual(
            row,
            {
                "uid": "c1",
                "account_code": "C1",
                "direction": "outbound",
                "src": "3225550100",
                "dst": "0044207946",
                "start": datetime(2026, 9, 1, 8, 0),
                "duration": 65,
                "billsec": 60,
                "disposition": "answered",
                "answered": True,
                "bleg_uid": "",
                "sip_user": "",
                "trunk": "198.51.100.10",
                "ignored": "",
                "line": 2,
                "raw": ROW.rstrip("\n"),
            },
        )

    def test_delimiters_and_comments(self):
        text = (
            "# made by a switch; on Monday\n\n" + HEADER + "#\n" + ROW + "# end, of; file\n" + ROW
        )
        for delimiter in ",;\t|":
            rows, bad = read(text.replace(";", delimiter), "header_csv")
            self.assertEqual([row["line"] for row in rows], [5, 7])
            self.assertEqual(bad, [])

    def test_columns_by_hand(self):
        text = 'a,"b ",c,d\n1,2026-09-01 10:00:00,99,60\n'
        columns = {"uid": "a", "start": "b", "dst": "c", "billsec": "d"}
        (row,), _bad = read(text, "header_csv", columns=columns)
        self.assertEqual((row["uid"], row["dst"], row["billsec"]), ("1", "99", 60))
        text = "uid-0001;2026-06-26 12:00:00;359888111222;3591234567;42;45\n"
        columns = {"uid": 0, "start": 1, "src": 2, "dst": 3, "billsec": 4, "duration": 5}
        (row,), _bad = read(text, "header_csv", columns=columns)
        self.assertEqual((row["line"], row["billsec"], row["duration"]), (1, 42, 45))
        # The two taken for each other would charge for ringing.
        swapped = {**columns, "billsec": 5, "duration": 4}
        self.assertEqual(
            codes(read(text, "header_csv", columns=swapped)[1]), [(1, "above_duration")]
        )

    def test_samples_for_choosing_columns(self):
        for text in ("To;Seconds\n99;60\n\n98;5\n97;1", "# x\nTo;Seconds\r99;60\r98;5\r97;1"):
            header, rows = read_samples(text.encode(), rows=2)
            self.assertEqual((header, rows), (["To", "Seconds"], [["99", "60"], ["98", "5"]]))
        self.assertEqual(read_samples(b"To;Seconds"), (["To", "Seconds"], []))
        self.assertEqual(read_samples(b""), ([], []))

    def test_header_behind_many_comments(self):
        text = "# much to say\n" * 20_000 + HEADER + ROW
        (row,), bad = read(text, "header_csv")
        self.assertEqual((row["line"], bad), (20_002, []))

    def test_missing_columns_end_the_file(self):
        for text, options in (
            ("a;b;c\n1;2;3\n", {}),
            ("start;to\n2026-09-01 10:00:00;3\n", {}),
            (HEADER + ROW, {"columns": {"uid": "nowhere", "start": "Start Time", "dst": "To"}}),
        ):
            rows, (bad,) = read(text, "header_csv", **options)
            self.assertEqual((rows, bad["line"], bad["error"].code), ([], 0, "missing_column"))
            self.assertTrue(bad["error"].fatal)

    def test_what_counts_as_answered(self):
        for status, seconds, answered in (
            ("answered", 60, True),
            ("NO ANSWER", 60, False),
            ("No-Answer", 60, False),
            ("BUSY", 60, False),
            ("NORMAL_CLEARING", 60, True),
            ("", 60, True),
            ("answered", 0, False),
        ):
            text = HEADER + ROW.replace("answered", status).replace(";60;", f";{seconds};")
            (row,), _bad = read(text, "header_csv")
            self.assertEqual((row["answered"], row["billsec"] > 0), (answered, answered), status)
        header, start = "start;answer;end;to;duration\n", "2026-09-01 10:00:00"
        for answer, seconds in (
            ("2026-09-01 10:00:05", 60),
            ("", 0),
            ("0", 0),
            ("0000-00-00 00:00:00", 0),
            ("NULL", 0),
        ):
            text = f"{header}{start};{answer};2026-09-01 10:01:05;99;65\n"
            (row,), _bad = read(text, "header_csv")
            self.assertEqual((row["billsec"], row["duration"]), (seconds, 65), answer)

    def test_a_cause_denies_seconds_and_a_disposition_decides(self):
        header = "uid;start;answer;end;to;duration;billsec;%s\n"
        stamps = "2026-09-01 10:00:00", "2026-09-01 10:00:05", "2026-09-01 10:05:05"
        charged, ringing, denied = 300, 0, "answer_denied"
        for column, value, answered, expected in (
            # a code of 0 and a cause of none say nothing
            ("hangup_cause", "0", False, charged),
            ("hangup_cause", "NONE", False, charged),
            ("disposition", "0", False, charged),
            ("hangup_cause", "NORMAL_CLEARING", False, charged),
            ("hangup_cause", "NORMAL_TEMPORARY_FAILURE", False, charged),
            ("hangup_cause", "CALL_REJECTED", False, denied),
            ("hangup_cause", "CALL_REJECTED", True, denied),
            ("Hangup Cause", "NO_ANSWER", False, denied),
            ("hangup_cause", "USER_BUSY", True, denied),
            ("q850cause", "17", False, denied),
            ("q850cause", "16", False, charged),
            ("sip_code", "200", False, charged),
            ("sip_code", "486", False, denied),
            ("sip_code", "486", True, denied),
            ("status", "487 Request Terminated", False, denied),
            ("status", "CALL_REJECTED", False, denied),
            # Asterisk counts what nobody answered, even from where it answered itself
            ("disposition", "NO ANSWER", False, ringing),
            ("disposition", "NO ANSWER", True, ringing),
            ("status", "missed", False, ringing),
            ("status", "missed", True, denied),
            ("Résultat", "occupé", False, ringing),
        ):
            with self.subTest(f"{column} {value}", answered=answered):
                start, answer, end = stamps
                lines = header % column + f"c1;{start};{answer};{end};99;305;300;{value}\n"
                columns = propose_columns(lines.partition("\n")[0].split(";"))
                if not answered:
                    columns.pop("answer")
                rows, bad = read(lines, "header_csv", columns=columns)
                if expected == denied:
                    self.assertEqual((rows, codes(bad)), ([], [(2, denied)]))
                    self.assertIn("300 seconds", str(bad[0]["error"]))
                else:
                    found = rows[0]["billsec"], rows[0]["answered"]
                    self.assertEqual(found, (expected, bool(expected)))

    def test_seconds_without_the_answer_that_they_began_with(self):
        header, start = "start;answer;end;to;duration;billsec\n", "2026-09-01 10:00:00"
        for answer in ("", "0000-00-00 00:00:00", "no"):
            row = f"{start};{answer};2026-09-01 10:01:05;99;65;%s\n"
            self.assertEqual(
                codes(read(header + row % 60, "header_csv")[1]), [(2, "answer_missing")]
            )
            (row,), _bad = read(header + row % 0, "header_csv")
            self.assertEqual((row["billsec"], row["answered"]), (0, False))

    def test_a_cause_of_what_only_rang_contradicts_nothing(self):
        text = "start;answer;to;duration;hangup_cause\n2026-09-01 10:00:00;;99;30;USER_BUSY\n"
        (row,), _bad = read(text, "header_csv")
        self.assertEqual((row["billsec"], row["duration"], row["answered"]), (0, 30, False))

    def test_a_second_of_rounding_is_the_callers(self):
        header = "historyid,callid,duration,time-start,time-answered,time-end,from-no,dial-no\n"
        row = (
            "Call 612504,00000C21DE5C2470_6531,00:05:36,2023/09/19 13:33:54,2023/09/19 13:33:54,"
            "2023/09/19 13:39:31,+353200000149,960\n"
        )
        (call,), bad = read(header + row, "header_csv")
        self.assertEqual((call["billsec"], call["duration"], bad), (336, 336, []))
        self.assertEqual(call["uid"], "Call 612504")
        # two seconds are no rounding
        rows, bad = read(header + row.replace(":31,", ":32,"), "header_csv")
        self.assertEqual((rows, codes(bad)), ([], [(2, "above_duration")]))

    def test_units_of_durations(self):
        for header, value, options, seconds in (
            ("duration", "5m", {}, 300),
            ("duration", "00:05:00", {}, 300),
            ("duration", "1m30s", {}, 90),
            ("duration_ms", "89001", {}, 90),
            ("billmsec", "89001", {"duration_rounding": "down"}, 89),
            ("duration", "89001", {"duration_unit": "ms"}, 90),
            ("duration", "89,5", {"duration_rounding": "half_up"}, 90),
        ):
            text = f"start;to;{header}\n2026-09-01 10:00:00;99;{value}\n"
            (row,), bad = read(text, "header_csv", **options)
            self.assertEqual((row["billsec"], bad), (seconds, []), header)

    def test_date_and_time_apart(self):
        text = "Date;Time;To;Seconds\n01/09/2026;10:00:05;99;60\n"
        (row,), _bad = read(text, "header_csv", timezone="Europe/Brussels")
        self.assertEqual(row["start"], datetime(2026, 9, 1, 8, 0, 5))

    def test_the_order_of_day_and_month_is_found_out(self):
        header = "start;to;seconds\n"
        first = "11/03/2026 10:00:00;99;60\n"
        november, march = datetime(2026, 11, 3, 10), datetime(2026, 3, 11, 10)
        late = "x" * 300 + "\n"
        for rows, options, expected in (
            (first + "11/13/2026 10:00:00;99;60\n", {}, november),
            (first + "13/11/2026 10:00:00;99;60\n", {}, march),
            (first, {}, march),
            (first, {"date_order": "mdy"}, november),
            (first + "13/11/2026 10:00:00;99;60\n", {"date_order": "mdy"}, november),
            # the first of the month has nothing to tell, however many calls there are
            (first + first.replace("60", "61") * 20_000 + "11-13-2026 1:00 PM;99;60", {}, november),
            # what is no date tells nothing
            (first + "11/03/2026 10:00:00;13/13/1;10.20.30.2026\n" + late, {}, march),
        ):
            content = (header + rows).encode()
            for file in (content, gzip.compress(content)):
                row = next(read_calls(io.BytesIO(file), "header_csv", options))
                self.assertEqual(row["start"], expected)
        self.assertEqual(find_date_order((header + first).encode()), ("dmy", True))
        self.assertEqual(find_date_order(b"2026-03-11 10:00:00;99;60\n"), ("dmy", False))
        for damaged in (b"PK\x03\x04", gzip.compress(first.encode() * 99)[:-20]):
            self.assertEqual(find_date_order(damaged)[0], "dmy")

    def test_row_without_id_is_known_by_its_content(self):
        row = "2026-09-01 10:00:00;99;60\n"
        rows, _bad = read("start;to;seconds\n" + row * 2 + row.replace("99", "98"), "header_csv")
        self.assertEqual(rows[0]["uid"], rows[1]["uid"])
        self.assertNotEqual(rows[0]["uid"], rows[2]["uid"])

    def test_bad_rows(self):
        text = HEADER + "".join(
            ROW.replace(old, new, 1)
            for old, new in (
                ("65;60", "60;65"),
                ("2026-09-01 10:00:00", ""),
                ("0044207946", "4,42080E+11"),
                (";198.51.100.10", ""),
                ("198.51.100.10", "198.51.100.10;more"),
                ("60", "1e999"),
                ("65;60", ";"),
            )
        )
        text += ";;;;;;;;;\n" + ROW.replace("\n", ";;\n")
        rows, bad = read(text, "header_csv")
        self.assertEqual([row["line"] for row in rows], [10])
        self.assertEqual(
            codes(bad),
            [
                (2, "above_duration"),
                (3, "empty"),
                (4, "digits_lost"),
                (5, "columns"),
                (6, "columns"),
                (7, "not_a_duration"),
                (8, "empty"),
            ],
        )

    @property_test(
        rows=st.lists(
            st.tuples(
                st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n\x1c\x1d\x1e\x85")),
                st.integers(0, 10**6),
                st.integers(0, 10**6),
            ),
            min_size=1,
            max_size=8,
        ),
        delimiter=st.sampled_from(",;\t|"),
        encoding=st.sampled_from(("utf-8", "utf-8-sig", "utf-16")),
    )
    def test_round_trip(self, rows, delimiter, encoding):
        lines = [["uid", "start", "to", "billsec", "duration"]]
        for number, (name, billsec, ring) in enumerate(rows):
            name = '"' + name.replace('"', '""') + '"'
            cells = [f"u{number}", "2026-09-01 10:00:00", name, str(billsec), str(billsec + ring)]
            lines.append(cells)
        text = "\n".join(delimiter.join(line) for line in lines)
        good, bad = read(text.encode(encoding), "header_csv")
        self.assertEqual(bad, [])
        self.assertEqual(
            [(row["dst"], row["billsec"], row["duration"]) for row in good],
            [(name.strip(), billsec, billsec + ring) for name, billsec, ring in rows],
        )
