"""Call files of every format, through the import that the screens use."""

import csv
import gzip
import io
import json
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tools import mute_logger

from ..models import cdr_intake
from .common import TelecomCommon


class TestCallsFiles(TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cdrs = cls.env["telecom.cdr"]
        cls.account = cls.make_account("A1")

    def import_file(self, content, **vals):
        source = self.env["telecom.cdr.source"].create({"name": "F", "code": "file", **vals})
        return self.env["telecom.cdr.import"]._import_file(source, "calls", content)

    def assert_file(self, content, **vals):
        """A file of an answered call of 61 s by A1 to France and an unanswered one."""
        imported = self.import_file(content, **vals)
        self.assertEqual(
            (imported.state, imported.read_count, imported.taken_count, imported.ignored_count),
            ("done", 2, 2, 1),
            imported.error or imported.reject_ids.mapped("reason"),
        )
        self.cdrs.rate_pending()
        calls = self.cdrs.search([("import_id", "=", imported.id)], order="start")
        self.assertEqual(calls.mapped("state"), ["rated", "ignored"])
        call = calls[0]
        self.assertEqual(call.partner_id, self.account)
        self.assertEqual((call.dst, call.billsec), ("33123456789", 61))
        self.assertEqual(str(call.start), "2025-03-10 10:00:00")
        again = self.env["telecom.cdr.import"]._import_file(imported.source_id, "again", content)
        self.assertEqual((again.duplicate_count, again.taken_count), (2, 0))

    def test_file_of_freeswitch_csv(self):
        rows = (
            '"","3227880100","0033123456789","default","2025-03-10 11:00:00",'
            '"2025-03-10 11:00:05","2025-03-10 11:01:06","66","61","NORMAL_CLEARING",'
            '"c0ffee00-0001","","A1","PCMA","PCMA"\n'
            '"","3227880100","0033123456789","default","2025-03-10 12:00:00",'
            '"","2025-03-10 12:00:20","20","0","NO_ANSWER","c0ffee00-0002","","A1","",""\n'
        )
        self.assert_file(rows.encode(), format="freeswitch_csv", tz="Europe/Brussels")

    def test_file_of_freeswitch_json(self):
        def report(uid, start, answer, end, billsec):
            variables = {
                "uuid": uid,
                "accountcode": "A1",
                "start_epoch": str(start),
                "answer_epoch": str(answer),
                "end_epoch": str(end),
                "duration": str(end - start),
                "billsec": str(billsec),
                "destination_number": "0033123456789",
                "caller_id_number": "3227880100",
                "hangup_cause": "NORMAL_CLEARING",
            }
            return json.dumps({"variables": variables})

        start = 1741600800  # 2025-03-10 10:00:00 UTC
        lines = [
            report("c0ffee00-0001", start, start + 5, start + 66, 61),
            report("c0ffee00-0002", start + 3600, 0, start + 3620, 0),
        ]
        self.assert_file("\n".join(lines).encode(), format="freeswitch_json")

    def test_file_of_asterisk_csv(self):
        rows = (
            '"A1","3227880100","0033123456789","out","","SIP/a-1","SIP/t-1","Dial","",'
            '"2025-03-10 10:00:00","2025-03-10 10:00:05","2025-03-10 10:01:06",66,61,'
            '"ANSWERED","DOCUMENTATION","1741600800.1",""\n'
            '"A1","3227880100","0033123456789","out","","SIP/a-2","SIP/t-2","Dial","",'
            '"2025-03-10 11:00:00",,"2025-03-10 11:00:20",20,0,'
            '"NO ANSWER","DOCUMENTATION","1741604400.2",""\n'
        )
        self.assert_file(rows.encode(), format="asterisk_csv")

    def test_file_with_a_header_plain_or_packed(self):
        out = io.StringIO()
        writer = csv.writer(out, delimiter=";")
        writer.writerow(
            ["Call ID", "Account Code", "Caller", "Called", "Start", "Duration", "Bill"]
        )
        writer.writerow(["x1", "A1", "3227880100", "0033123456789", "2025-03-10T10:00:00Z", 66, 61])
        writer.writerow(["x2", "A1", "3227880100", "0033123456789", "2025-03-10T11:00:00Z", 20, 0])
        columns = {"billsec": "Bill", "uid": "Call ID", "account_code": "Account Code"}
        columns |= {"src": "Caller", "dst": "Called", "start": "Start", "duration": "Duration"}
        content = gzip.compress(out.getvalue().encode())
        self.assert_file(content, format="header_csv", column_map=columns)

    def test_a_file_that_cannot_be_read_says_why(self):
        for content in (b"a;b\n1;2\n", b"\x1f\x8b\x08garbage", b"PK\x03\x04zip"):
            with self.subTest(content), self.env.cr.savepoint() as savepoint:
                imported = self.import_file(content, format="header_csv")
                self.assertEqual(imported.state, "failed")
                self.assertTrue(imported.error)
                savepoint.rollback()

    def test_a_source_says_how_its_files_are_to_be_read(self):
        header = "uid;start;to;account;seconds\n"
        for options, row, start, seconds in (
            ({}, "11/03/2025 10:00:00;0033123456789;A1;61", "2025-03-11 10:00:00", 61),
            (
                {"date_order": "mdy"},
                "11/03/2025 10:00:00;0033123456789;A1;61",
                "2025-11-03 10:00:00",
                61,
            ),
            ({}, "11/13/2025 10:00:00;0033123456789;A1;61", "2025-11-13 10:00:00", 61),
            (
                {"duration_unit": "ms"},
                "2025-03-10 10:00:00;0033123456789;A1;60001",
                "2025-03-10 10:00:00",
                61,
            ),
        ):
            with self.subTest(options), self.env.cr.savepoint() as savepoint:
                self.import_file(
                    (header + "u-1;" + row + "\n").encode(), format="header_csv", **options
                )
                call = self.cdrs.search([("source", "=", "file")])
                self.assertEqual((str(call.start), call.billsec), (start, seconds))
                savepoint.rollback()
                self.env.invalidate_all()
        text = header + "u-1;2025-03-10 10:00:00;0033123456789;Å1;61\n"
        self.make_account("Å1")
        self.import_file(text.encode("cp437"), format="header_csv", encoding="cp437")
        self.assertEqual(self.cdrs.search([("source", "=", "file")]).account_code, "Å1")
        with self.assertRaisesRegex(UserError, "no encoding"):
            self.env["telecom.cdr.source"].create({"name": "E", "code": "e", "encoding": "zip"})

    def test_each_leg_is_charged_where_its_source_says_so(self):
        row = (
            '"A1","3227880100","0033123456789","default","2025-03-10 10:00:00",'
            '"2025-03-10 10:00:05","2025-03-10 10:01:06","66","61","NORMAL_CLEARING",'
            '"c0ffee00-000%s","%s","A1","",""\n'
        )
        content = (row % (1, "c0ffee00-0002") + row % (2, "")).encode()
        source = self.env["telecom.cdr.source"].create({"name": "L", "code": "legs"})
        self.env["telecom.cdr.import"]._import_file(source, "legs", content)
        each = source.copy({"code": "each", "charge_b_legs": True})
        self.env["telecom.cdr.import"]._import_file(each, "legs", content)
        for code, states in (("legs", ["pending", "ignored"]), ("each", ["pending", "pending"])):
            calls = self.cdrs.search([("source", "=", code)], order="uid")
            self.assertEqual(calls.mapped("state"), states)

    # === IN THE BACKGROUND ===

    def big_file(self, rows=250):
        """Return a file with a bad row and a repeated one among its rows."""
        lines = ["uid;start;account;to;seconds"]
        lines += [f"b{n};2025-03-10 10:00:{n % 60:02};A1;0033123456789;60" for n in range(rows)]
        if rows < 200:
            return "\n".join([*lines, ""]).encode()
        lines[40] = "b40;yesterday;A1;0033123456789;60"
        lines[200] = lines[100]
        return "\n".join([*lines, ""]).encode()

    def test_a_file_that_is_left_half_done_is_gone_on_with(self):
        content = self.big_file()
        imports = self.env["telecom.cdr.import"]
        source = self.env["telecom.cdr.source"].create(
            {"name": "Big", "code": "big", "format": "header_csv"}
        )
        job = self.env.ref("telecom_billing.ir_cron_import_files")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", job.id)])
        imported = imports._import_file(source, "big.csv", content, background=True)
        self.assertTrue(self.env["ir.cron.trigger"].search([("cron_id", "=", job.id)]) - triggers)
        self.assertEqual((imported.state, imported.position), ("waiting", 0))
        self.assertFalse(self.cdrs.search_count([("source", "=", "big")]))
        with (
            patch.object(cdr_intake, "BATCH", 60),
            patch.object(cdr_intake, "commit_progress", lambda *_a, **_k: 0),
        ):
            imports._cron_import_files()
            self.assertEqual((imported.state, imported.position), ("running", 60))
            imports._cron_import_files()
            self.assertEqual((imported.state, imported.position), ("running", 120))
        imports._cron_import_files()
        counts = ("read_count", "taken_count", "duplicate_count", "rejected_count")
        self.assertEqual([imported[name] for name in counts], [250, 248, 1, 1])
        self.assertEqual((imported.state, imported.content), ("done", False))
        self.assertEqual(self.cdrs.search_count([("import_id", "=", imported.id)]), 248)
        # nothing is left to do
        imports._cron_import_files()
        self.assertEqual(imported.read_count, 250)

    def test_a_file_in_the_background_charges_only_whom_its_importer_may(self):
        other = self.make_company("Other")
        self.make_account("theirs", telecom_company_id=other.id)
        user = self.make_user("importer")
        source = self.env["telecom.cdr.source"].create(
            {"name": "Mixed", "code": "mixed", "format": "header_csv"}
        )
        content = (
            b"uid;start;account;to;seconds\n1;2025-03-10 10:00:00;A1;0033123456789;60\n"
            b"2;2025-03-10 10:00:00;theirs;0033123456789;60\n"
        )
        imports = self.env["telecom.cdr.import"].with_user(user)
        imported = imports.with_context(allowed_company_ids=self.company.ids)._import_file(
            source, "mixed.csv", content, background=True
        )
        self.env["telecom.cdr.import"].sudo()._cron_import_files()
        self.assertEqual((imported.taken_count, imported.rejected_count), (1, 1))
        self.assertIn("another company", imported.reject_ids.reason)

    def test_a_file_that_cannot_be_read_at_all_fails_and_is_let_go(self):
        imported = self.import_file(b"\x1f\x8b" + b"\x00" * 50, format="header_csv")
        self.assertEqual((imported.state, imported.content), ("failed", False))
        self.assertTrue(imported.error)

    def test_a_file_that_the_program_stumbles_over_stops_no_other(self):
        source = self.env["telecom.cdr.source"].create(
            {"name": "Two", "code": "two", "format": "header_csv"}
        )
        imports = self.env["telecom.cdr.import"]
        content = self.big_file(10).replace(b"b", b"c")
        first, second = (
            imports._import_file(source, name, content, background=True) for name in ("1", "2")
        )
        take = cdr_intake.Intake._take

        def fail(intake, batch):
            if intake.import_log == first:
                raise KeyError("of the program")
            return take(intake, batch)

        with (
            patch.object(cdr_intake.Intake, "_take", fail),
            mute_logger("odoo.addons.telecom_billing.models.cdr_import"),
        ):
            imports._cron_import_files()
        self.assertEqual((first.state, second.state), ("failed", "done"))
        self.assertIn("KeyError", first.error)
        self.assertTrue(first.is_kept)
        first.action_try_again()
        self.assertEqual((first.state, first.error), ("waiting", False))
        imports._cron_import_files()
        self.assertEqual((first.state, first.duplicate_count, first.is_kept), ("done", 10, False))
