"""Calls are taken once, whole, for the right account; what cannot be taken is kept and said."""

import json
from datetime import datetime, timedelta, timezone

from odoo.exceptions import UserError
from odoo.fields import Command

from ..engine.intake import MESSAGES, BadRow
from ..models.cdr_words import CallWords
from .common import TelecomCommon
from .pipeline_laws import PipelineLaws

COUNTS = ("read", "taken", "ignored", "duplicate", "rejected")


class TestCallsImport(PipelineLaws, TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cdrs = cls.env["telecom.cdr"]
        cls.rejects = cls.env["telecom.cdr.reject"]
        cls.account = cls.make_account("A1")

    def assert_counts(self, counts, read=0, taken=0, ignored=0, duplicate=0, rejected=0):
        self.assertEqual(
            {name: counts[name] for name in COUNTS},
            dict(zip(COUNTS, (read, taken, ignored, duplicate, rejected), strict=True)),
            counts["errors"],
        )

    def take(self, *rows, source="test"):
        return self.cdrs.import_calls(rows, source)

    def calls_of(self, account):
        return self.cdrs.search([("partner_id", "=", account.id)], order="start, uid")

    def only(self, uid, source="test"):
        call = self.cdrs.search([("uid", "=", uid), ("source", "=", source)])
        self.assertEqual(len(call), 1, uid)
        return call

    # === ONCE ===

    def test_a_call_is_taken_once_however_often_it_is_reported(self):
        row = self.call(self.account)
        other = self.call(self.account)
        self.assert_counts(self.take(row, dict(row), other), read=3, taken=2, duplicate=1)
        self.cdrs.rate_pending()
        charged = self.charged(self.account)
        self.assert_counts(self.take(dict(row)), read=1, duplicate=1)
        self.assert_counts(self.take(row, other), read=2, duplicate=2)
        self.assertEqual(self.cdrs.rate_pending()["rated"], 0)
        self.assertEqual(self.charged(self.account), charged)
        # a file that was sent before with one more row
        more = self.call(self.account)
        self.assert_counts(self.take(row, more, other), read=3, taken=1, duplicate=2)

    def test_another_content_under_the_same_id_is_a_conflict(self):
        row = self.call(self.account, seconds=60)
        longer = {**row, "billsec": 61, "duration": 61}
        self.assert_counts(self.take(row, longer), read=2, taken=1, rejected=1)
        for change in (
            {"account_code": "B1"},
            {"src": "3227880199"},
            {"dst": "33123456789"},
            {"start": "2025-03-10 10:00:01"},
            {"billsec": 59},
            {"duration": 61},
            {"disposition": "NO ANSWER"},
        ):
            with self.subTest(change):
                counts = self.take({**row, **change})
                self.assert_counts(counts, read=1, rejected=1)
                self.assertIn(row["uid"], counts["errors"][0])
        # the first one is kept as it was
        call = self.only(row["uid"])
        self.assertEqual((call.billsec, call.dst, call.src), (60, "3225551234", "3227880100"))
        self.assertEqual(self.rejects.search_count([("field", "=", "uid")]), 8)

    def test_the_same_id_on_two_switches_is_two_calls(self):
        row = self.call(self.account)
        self.take(dict(row), source="switch 1")
        self.assert_counts(self.take(dict(row), source="switch 2"), read=1, taken=1)
        self.assertEqual(len(self.calls_of(self.account)), 2)

    def test_a_call_alone_is_an_import_of_one_row(self):
        row = self.call(self.account, seconds=75)
        created = self.cdrs.create({**row, "source": "one"})
        self.take(dict(row), source="many")
        imported = self.only(row["uid"], "many")
        self.assertEqual(created.state, "pending")
        self.cdrs.rate_pending()
        for field in ("partner_id", "direction", "src", "dst", "start", "billsec", "state"):
            self.assertEqual(created[field], imported[field], field)
        self.assertEqual(created.amount, imported.amount)
        self.assertEqual(self.cdrs.create({**row, "source": "one"}), created)
        with self.assertRaisesRegex(UserError, "empty"):
            self.cdrs.create({**row, "uid": ""})
        with self.assertRaisesRegex(UserError, row["uid"]):
            self.cdrs.create({**row, "source": "one", "billsec": 7})

    def test_unanswered_calls_are_kept_and_never_charged(self):
        rows = [
            self.call(self.account, seconds=0, duration=20),
            self.call(self.account, answered=False),
            # CDR-AST-NOANSWER-BILLSEC60: a minute of ringing
            self.call(self.account, disposition="NO ANSWER"),
            self.call(self.account, disposition="NO ANSWER", answered=True),
        ]
        self.assert_counts(self.take(*rows), read=4, taken=4, ignored=3)
        self.assertEqual(self.cdrs.rate_pending()["rated"], 1)
        for row, state in zip(rows, ("ignored", "ignored", "ignored", "rated"), strict=True):
            call = self.only(row["uid"])
            self.assertEqual(call.state, state)
            self.assertEqual(call.reason, "no_answer" if state == "ignored" else False)

    def test_whether_a_call_was_answered_is_said_in_many_ways(self):
        for said, ring_billed, state in (
            (None, True, "ignored"),
            (None, False, "pending"),
            ("", True, "ignored"),
            ("", False, "pending"),
            *((no, True, "ignored") for no in (False, 0, "0", "no", "No", " FALSE ", "n", "f")),
            *((no, False, "ignored") for no in (False, 0, "no")),
            *((yes, True, "pending") for yes in (True, 1, "1", "yes", "Y", "true", "t")),
            *((bad, True, None) for bad in (5, -1, 1.0, "maybe", "2025-03-10", [], {}, "\x00")),
        ):
            disposition = "NO ANSWER" if ring_billed else "ANSWERED"
            with self.subTest(answered=said, disposition=disposition):
                row = self.call(self.account, answered=said, disposition=disposition)
                counts = self.take(row)
                if state is None:
                    self.assert_counts(counts, read=1, rejected=1)
                    self.assertIn("neither yes nor no", counts["errors"][0])
                else:
                    self.assertEqual(self.only(row["uid"]).state, state)

    def test_a_cause_that_denies_seconds_is_listed_with_them(self):
        denied = self.call(self.account, seconds=300, disposition="CALL_REJECTED")
        coded = self.call(self.account, seconds=300, disposition="486")
        counts = self.take(denied, coded)
        self.assert_counts(counts, read=2, rejected=2)
        self.assertIn("300 seconds of conversation", counts["errors"][0])
        # trying again decides nothing by itself; saying so does
        reject = self.rejects.search([("raw", "like", denied["uid"])])
        reject.action_retry()
        self.assertEqual(reject.state, "rejected")
        reject.values = json.dumps({**json.loads(reject.values), "answered": "yes"})
        reject.action_retry()
        self.assertEqual((reject.state, self.only(denied["uid"]).state), ("taken", "pending"))
        for disposition, answered, state in (
            ("0", None, "pending"),
            ("NONE", None, "pending"),
            ("USER_BUSY", True, "pending"),
            ("USER_BUSY", False, "ignored"),
            ("busy", None, "ignored"),
        ):
            row = self.call(self.account, disposition=disposition, answered=answered)
            self.take(row)
            self.assertEqual(self.only(row["uid"]).state, state, disposition)

    def test_stamps_of_programs_are_moments_in_utc(self):
        east = timezone(timedelta(hours=5, minutes=30))
        stamps = {
            "2025-03-10 10:00:00": "2025-03-10 10:00:00",
            "2025-03-10T10:00:00Z": "2025-03-10 10:00:00",
            "2025-03-10T10:00:00.999+02:00": "2025-03-10 08:00:00",
            datetime(2025, 3, 10, 10, 0, 0, 5): "2025-03-10 10:00:00",
            datetime(2025, 3, 10, 10, 0, tzinfo=east): "2025-03-10 04:30:00",
            self.day("2025-03-10"): "2025-03-10 00:00:00",
        }
        for stamp, moment in stamps.items():
            row = self.call(self.account, start=stamp, seconds="60")
            self.assert_counts(self.take(row), read=1, taken=1)
            self.assertEqual(str(self.only(row["uid"]).start), moment)

    # === WHOSE CALL IT IS ===

    def test_numbers_are_read_by_the_dialling_rules_of_the_account(self):
        american = self.env["telecom.billing.profile"].create(
            {"name": "US", "company_id": self.company.id, "country_id": self.env.ref("base.us").id}
        )
        abroad = self.make_account("US1", billing_profile_id=american.id)
        numbers = (
            (self.account, "02 555 12 34", "3225551234"),
            (self.account, "0033123456789", "33123456789"),
            (self.account, "sip:+33123456789@sbc.example.com", "33123456789"),
            (abroad, "01133123456789", "33123456789"),
            (abroad, "+1 202-555-0100", "12025550100"),
        )
        for account, dialled, number in numbers:
            row = self.call(account, dialled)
            self.take(row)
            call = self.only(row["uid"])
            self.assertEqual((call.dst, call.dst_reported), (number, dialled))

    def test_a_number_belongs_to_its_holder_of_that_day(self):
        """The day is that of the holder's own time zone; the same number changes hands."""
        did = self.make_product("DID", "did", 2.5)
        auckland = self.make_account("NZ", tz="Pacific/Auckland")
        after = self.make_account("NZ2", tz="Pacific/Auckland")
        service = self.add_number(auckland, "6493000000", did, "2025-03-01")
        service.date_end = "2025-03-20"
        self.add_service(after, did, "2025-03-20", did_id=service.did_id.id)
        # midnight in Auckland is 11:00 UTC of the day before (daylight saving time, UTC+13)
        held = {
            "2025-02-28 10:59:59": self.env["res.partner"],
            "2025-02-28 11:00:00": auckland,
            "2025-03-19 10:59:59": auckland,
            "2025-03-19 11:00:00": after,
        }
        for start, holder in held.items():
            row = self.call(self.account, "006493000000", start, account_code="", direction="")
            self.take(row)
            call = self.only(row["uid"])
            self.assertEqual(call.partner_id, holder, start)
            self.assertEqual(call.direction, "inbound" if holder else False)

    def test_a_number_is_not_held_by_a_draft(self):
        did = self.make_product("DID", "did", 2.5)
        self.add_number(self.account, "3227880100", did, state="draft")
        row = self.call(self.account, "3227880100", account_code="", direction="", src="4412345678")
        self.take(row)
        self.assertFalse(self.only(row["uid"]).partner_id)

    def test_the_account_is_found_by_code_then_number_then_identifiers(self):
        did = self.make_product("DID", "did", 2.5)
        holder, user, trunk, caller = (
            self.make_account(name) for name in ("holder", "user", "trunk", "caller")
        )
        self.add_number(holder, "3227880100", did)
        for account, kind, value in (
            (user, "sip_user", "alice"),
            (trunk, "trunk", "192.0.2.7"),
            (caller, "caller", "+32 2 999 00 00"),
        ):
            account.account_identifier_ids = [Command.create({"kind": kind, "value": value})]
        row = {
            "account_code": "A1",
            "direction": "",
            "dst": "3227880100",
            "sip_user": "alice",
            "trunk": "192.0.2.7",
            "src": "029990000",
        }
        for missing, account, direction in (
            (None, self.account, "outbound"),
            ("account_code", holder, "inbound"),
            ("dst", user, "outbound"),
            ("sip_user", trunk, "outbound"),
            ("trunk", caller, "outbound"),
            ("src", self.env["res.partner"], False),
        ):
            if missing:
                row[missing] = ""
            taken = self.call(self.account, **{**row, "dst": row["dst"] or "33123456789"})
            self.take(taken)
            call = self.only(taken["uid"])
            self.assertEqual(call.partner_id, account, missing)
            self.assertEqual(call.direction, direction)

    def test_an_unknown_account_is_charged_once_it_is_made(self):
        row = self.call(self.account, "0033123456789", account_code="later")
        self.assert_counts(self.take(row), read=1, taken=1)
        self.assertEqual(self.cdrs.rate_pending()["reasons"], {"no_account": 1})
        call = self.only(row["uid"])
        self.assertEqual((call.state, call.reason), ("unrated", "no_account"))
        self.assertIn(call, self.cdrs.search([("state", "=", "unrated")]))
        self.assertEqual(self.cdrs.rate_pending()["reasons"], {"no_account": 1})
        account = self.make_account("later")
        self.assertEqual(self.cdrs.rate_pending()["rated"], 1)
        self.assertEqual((call.partner_id, call.state), (account, "rated"))
        self.assertEqual(call.amount, 0.0333)

    # === WHAT CANNOT BE TAKEN ===

    def test_bad_rows_are_kept_once_and_taken_when_mended(self):
        bad = {
            "uid": self.call(self.account, uid=""),
            "start": self.call(self.account, start="the day before"),
            "billsec": self.call(self.account, billsec="12:30"),
            "duration": self.call(self.account, duration=-1),
            "direction": self.call(self.account, direction="sideways"),
        }
        good = self.call(self.account)
        for _again in range(2):
            counts = self.take(*map(dict, bad.values()), dict(good))
            self.assertEqual((counts["read"], counts["rejected"]), (6, 5))
            rejects = self.rejects.search([("source_id.code", "=", "test")])
            self.assertEqual(sorted(rejects.mapped("field")), sorted(bad))
        self.assertEqual(self.only(good["uid"]).partner_id, self.account)
        # not mended: it stays, alone, with its reason
        rejects.action_retry()
        self.assertEqual(set(rejects.mapped("state")), {"rejected"})
        self.assertEqual(self.rejects.search_count([("source_id.code", "=", "test")]), len(rejects))
        values, rejects[0].values = rejects[0].values, "no JSON"
        with self.assertRaisesRegex(UserError, "JSON"):
            rejects[0].action_retry()
        rejects[0].values = values
        mended = self.call(self.account)
        for reject in rejects:
            values = json.loads(reject.values)
            field = reject.field
            reject.values = json.dumps(
                {**values, field: mended["uid"] if field == "uid" else mended[field]}
            )
        rejects.action_retry()
        self.assertEqual(set(rejects.mapped("state")), {"taken"})
        self.assertEqual(len(self.calls_of(self.account)), 6)

    def test_a_call_of_a_clock_that_was_reset_waits_for_a_word(self):
        """An old call would be billed now, and need all periods since."""
        switch = self.env["telecom.cdr.source"].create(
            {"name": "Switch", "code": "reset", "oldest_days": 100}
        )
        old = self.call(self.account, start="2000-01-01 00:10:00")
        self.assert_counts(self.take(old, source="reset"), read=1, rejected=1)
        reject = self.rejects.search([("source_id", "=", switch.id)])
        self.assertIn("more than 100 days ago", reject.reason)
        switch.oldest_days = 0
        reject.action_retry()
        self.assertEqual(reject.state, "taken")
        self.assertEqual(str(self.only(old["uid"], "reset").start), "2000-01-01 00:10:00")

    def test_every_reason_is_said_in_the_words_of_the_screen(self):
        words = CallWords(self.env)
        params = dict.fromkeys(
            ("expected", "limit", "duration", "start", "first_line", "fields", "days"), 1
        )
        for code in MESSAGES:
            for field, label in (("billsec", "Seconds"), ("file", "The file")):
                said = words.reason(BadRow(field, code, "x", **params))
                self.assertTrue(label in said or said.startswith(("The ", "A ")), said)

    def test_hostile_rows_never_take_good_ones_along(self):
        """What can be stored is stored as it came; what cannot is listed; neighbours are taken."""
        texts = {
            "quote": "'; DROP TABLE telecom_cdr; --",
            "backslash": "\\N\\.\\t\\",
            "lines": "a\tb\nc\rd\u2028e\x0bf\x1f",
            "rtl": "\u202e123\u202c",
            "percent": "%s %(x)s {0} ${y}",
            "nul": "a\x00b",
            "surrogate": "a\ud800b",
            "megabyte": "x" * 1_000_000,
            "wide megabyte": "\U0001f600" * 250_000,
        }
        impossible = ("nul", "surrogate", "megabyte", "wide megabyte")
        for field in ("uid", "account_code", "src", "dst", "disposition", "bleg_uid", "sip_user"):
            for name, text in texts.items():
                with self.subTest(field=field, text=name), self.env.cr.savepoint():
                    good, last = self.call(self.account), self.call(self.account)
                    bad = {**self.call(self.account), field: text}
                    counts = self.take(good, bad, last)
                    self.assertEqual(counts["read"], 3)
                    self.assertEqual(counts["taken"] + counts["rejected"], 3)
                    self.assertTrue(self.only(good["uid"]) and self.only(last["uid"]))
                    self.assertEqual(counts["rejected"], name in impossible)
                    if name not in impossible:
                        column = {"src": "src_reported", "dst": "dst_reported"}.get(field, field)
                        self.assertEqual(self.only(bad["uid"])[column], text)

    def test_hostile_values_never_take_good_ones_along(self):
        values = {
            "start": [0, 1741600800, True, [], {}, "0001-01-01T00:00:00+14:00", "2999-01-01"]
            + ["9999-12-31T23:59:59-14:00", datetime.min.replace(tzinfo=timezone.utc), "\x00", ""],
            "billsec": ["1e999", "NaN", float("nan"), float("inf"), -1, 2**31, 2**99, "9" * 5000]
            + [1.5, [], {}, "\x00", True],
            "duration": ["1e999", float("nan"), -1, 2**31, "9" * 5000, [], "\ud800"],
            "uid": [None, "", "0", "00000000-0000-0000-0000-000000000000", [], {}, 0],
            "direction": ["\x00", "x" * 1_000_000, 5],
            "ignored": ["\x00", "x" * 1_000_000, 5, {}],
            "answered": ["\x00", 5, None],
            "error": ["text", 5],
            "raw": ["\x00\ud800", 5, {}],
            "line": ["\x00", -1, 2**40, None, True, False, 1.5, "7", []],
            None: [["surplus", "columns"]],
        }
        for field, wrong in values.items():
            for value in wrong:
                with self.subTest(field=field, value=str(value)[:40]), self.env.cr.savepoint():
                    good, last = self.call(self.account), self.call(self.account)
                    counts = self.take(good, {**self.call(self.account), field: value}, last)
                    self.assertEqual(counts["read"], 3)
                    self.assertEqual(counts["taken"] + counts["duplicate"] + counts["rejected"], 3)
                    self.assertTrue(self.only(good["uid"]) and self.only(last["uid"]))
        # what is to be listed must not take the others along, either
        for line in (True, False, None, 1.5, "7", [], 3):
            rows = [self.call(self.account, line=1, uid=""), self.call(self.account)]
            counts = self.take(*rows, self.call(self.account, line=line, uid=""))
            self.assert_counts(counts, read=3, taken=1, rejected=2)
        counts = self.take(self.call(self.account), "no row", None, ["uid"], 5)
        self.assert_counts(counts, read=5, taken=1, rejected=4)

    def test_calls_of_no_source_are_refused(self):
        sources = self.env["telecom.cdr.source"]
        before = sources.search([])
        for source in (None, False, "", "  ", 5, [], "a\x00b", "a\ud800", "a\nb", "x" * 5000):
            for rows in ([], [self.call(self.account)]):
                with self.subTest(source=str(source)[:9]), self.assertRaises(UserError):
                    self.cdrs.import_calls(rows, source)
        for records in (sources, before[:2] if len(before) > 1 else sources, self.account):
            with self.assertRaises(UserError):
                self.cdrs.import_calls([], records)
        self.assertEqual(sources.search([]), before)
        with self.assertRaises(UserError):
            sources.create({"name": "Long", "code": "x" * 101})
        self.assert_counts(self.take(self.call(self.account), source=" s "), read=1, taken=1)
        self.assertEqual(sources.search([]) - before, sources.search([("code", "=", "s")]))
