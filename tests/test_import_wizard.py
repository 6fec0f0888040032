"""The wizard that imports a file of calls: what it shows, keeps, takes and refuses."""

import base64
import csv
import gzip
import io
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import Form, HttpCase, tagged

from ..wizards import telecom_cdr_import_wizard
from .common import TelecomCommon

HEADER = "Ref;Begin;Who;Whom;Client;Talk"
ROWS = [
    "a-1;2025-03-10 11:00:00;+3227880100;00 32 2 555 12 34;ACME;60",
    "a-2;2025-03-10 11:05:00;+3227880100;+33142681234;ACME;0",
    "a-3;yesterday;+3227880100;+33142681234;ACME;61",
    "=cmd|' /C calc'!A0;2025-03-10 11:10:00;+3227880100;3,21E+10;ACME;61",
]
CSV = "\n".join([HEADER, *ROWS, ""]).encode()
CHOSEN = {
    "Ref": "uid",
    "Begin": "start",
    "Who": "src",
    "Whom": "dst",
    "Client": "account_code",
    "Talk": "billsec",
}
MASTER = (
    b'"A","3227880100","3225551234","default","2025-03-10 10:00:00","2025-03-10 10:00:05",'
    b'"2025-03-10 10:01:05","65","60","NORMAL_CLEARING",'
    b'"11111111-aaaa-4bbb-8ccc-000000000001","","ACME","PCMA","PCMA"\n'
)


class ImportCase(TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # who may import calls, but set no price and change no source by himself
        cls.user = cls.make_user("importer", tz="UTC")
        cls.account = cls.make_account("ACME")
        cls.source = cls.env["telecom.cdr.source"].create(
            {
                "name": "Carrier",
                "code": "carrier",
                "format": "header_csv",
                "tz": "Europe/Brussels",
                "company_id": cls.company.id,
            }
        )

    def wizard(self, content, name="calls.csv", read=True):
        """Return the wizard of a file, as the user has it after its first page."""
        wizard = (
            self.env["telecom.cdr.import.wizard"]
            .with_user(self.user)
            .create(
                {
                    "source_id": self.source.id,
                    "file": base64.b64encode(content),
                    "file_name": name,
                }
            )
        )
        if read:
            wizard.action_read()
        return wizard

    def choose(self, wizard, chosen):
        """Choose columns on the wizard's second page, as the web client would."""
        form = Form(wizard, view="telecom_billing.cdr_import_wizard_view_form_check")
        for index, column in enumerate(wizard.column_ids):
            with form.column_ids.edit(index) as line:
                line.field = chosen.get(column.name, False)
        return form

    def imported(self, wizard):
        """Import and return what was opened."""
        action = wizard.action_import()
        return self.env[action["res_model"]].browse(action["res_id"])


@tagged("post_install", "-at_install")
class TestImportWizard(ImportCase):
    def test_columns_are_proposed_corrected_and_kept(self):
        wizard = self.wizard(CSV)
        self.assertEqual(wizard.format, "header_csv")
        self.assertEqual(wizard.column_ids.mapped("name"), HEADER.split(";"))
        self.assertIn("+3227880100", wizard.column_ids[2].sample)
        # these names say too little, and the wizard says so before anything is taken
        self.assertIn("To (called number)", wizard.problem)
        form = self.choose(wizard, CHOSEN)
        self.assertFalse(form.problem)
        # the wall clock of the source's zone, shown in the user's
        self.assertIn("2025-03-10 10:00:00", form.preview)
        self.assertIn("3225551234", form.preview)
        self.assertIn("ACME", form.preview)
        self.assertIn("not answered", form.preview)
        self.assertIn("yesterday", form.preview)
        imported = self.imported(form.save())
        self.assertEqual(
            (imported.read_count, imported.taken_count, imported.ignored_count), (4, 2, 1)
        )
        self.assertEqual((imported.rejected_count, imported.duplicate_count), (2, 0))
        self.assertEqual(self.source.column_map, {field: name for name, field in CHOSEN.items()})
        # the next file of this source is understood by itself, and nothing is taken twice
        again = self.wizard(gzip.compress(CSV), "calls.csv.gz")
        self.assertFalse(again.problem)
        counts = self.imported(again)
        self.assertEqual((counts.taken_count, counts.duplicate_count), (0, 2))

    def test_imported_calls_are_rated_from_there(self):
        imported = self.imported(self.choose(self.wizard(CSV), CHOSEN).save())
        call = self.env["telecom.cdr"].search(
            [("import_id", "=", imported.id), ("uid", "=", "a-1")]
        )
        self.assertEqual((call.state, call.partner_id), ("pending", self.account))
        imported.with_user(self.user).action_rate()
        self.assertEqual((call.state, call.amount), ("rated", 0.05))
        opened = imported.with_user(self.user).action_open_calls()
        self.assertIn(call, self.env["telecom.cdr"].search(opened["domain"]))

    def test_rejected_rows_are_handed_out_harmless(self):
        imported = self.imported(self.choose(self.wizard(CSV), CHOSEN).save())
        content = base64.b64decode(imported.with_user(self.user).reject_file)
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        self.assertEqual(rows[0], ["line", "field", "reason", "row"])
        self.assertEqual([row[0] for row in rows[1:]], ["4", "5"])
        self.assertIn("yesterday", rows[1][2])
        # a spreadsheet runs no cell of it
        self.assertFalse([cell for row in rows for cell in row if cell[:1] in "=+-@" and cell])

    def test_rejected_row_is_mended_and_taken(self):
        imported = self.imported(self.choose(self.wizard(CSV), CHOSEN).save())
        reject = imported.reject_ids.filtered(lambda r: r.field == "start").with_user(self.user)
        for name in ("uid", "start", "billsec", "account_code"):
            self.assertIn(f'"{name}"', reject.values)
        reject.values = (
            '{"uid": "a-3", "start": "2025-03-09 10:00:00", "billsec": 61, "dst": "33142681234",'
            ' "account_code": "ACME"}'
        )
        reject.action_retry()
        self.assertEqual(reject.state, "taken")

    def test_one_field_has_one_column(self):
        wizard = self.wizard(CSV)
        form = self.choose(wizard, {**CHOSEN, "Ref": "dst"})
        self.assertIn("To (called number)", form.problem)
        wizard = form.save()
        with self.assertRaisesRegex(UserError, "To \\(called number\\)"):
            wizard.action_import()
        self.assertFalse(self.source.column_map)

    def test_columns_of_one_name_are_told_apart(self):
        content = b"uid,start,number,number,account,seconds\n" + (
            b"b-1,2025-03-10 11:00:00,3227880100,3225551234,ACME,60\n"
        )
        wizard = self.wizard(content)
        form = Form(wizard, view="telecom_billing.cdr_import_wizard_view_form_check")
        for index, field in ((2, "src"), (3, "dst")):
            with form.column_ids.edit(index) as line:
                line.field = field
        self.imported(form.save())
        call = self.env["telecom.cdr"].search([("uid", "=", "b-1")])
        self.assertEqual((call.src, call.dst), ("3227880100", "3225551234"))

    def test_a_large_file_is_taken_in_the_background(self):
        with patch.object(telecom_cdr_import_wizard, "IN_BACKGROUND", 10):
            form = self.choose(self.wizard(CSV), CHOSEN)
            imported = self.env["telecom.cdr.import"].browse(form.save().action_import()["res_id"])
        self.assertEqual((imported.state, imported.taken_count), ("waiting", 0))
        self.env["telecom.cdr.import"].sudo()._cron_import_files()
        self.assertEqual(imported.state, "done")
        self.assertTrue(imported.taken_count)

    def test_format_is_recognised_whatever_the_source_says(self):
        wizard = self.wizard(MASTER, "Master.csv")
        self.assertEqual((wizard.format, wizard.source_format), ("freeswitch_csv", "header_csv"))
        self.assertFalse(wizard.column_ids)
        self.assertEqual(self.imported(wizard).taken_count, 1)
        self.assertEqual(self.source.format, "freeswitch_csv")

    def test_time_zone_chosen_here_is_the_one_used(self):
        form = self.choose(self.wizard(CSV), CHOSEN)
        form.tz = "America/New_York"
        self.assertIn("2025-03-10 15:00:00", form.preview)
        self.imported(form.save())
        call = self.env["telecom.cdr"].search([("uid", "=", "a-1")])
        self.assertEqual(str(call.start), "2025-03-10 15:00:00")

    def test_order_of_dates_is_found_asked_for_and_kept(self):
        day, later = b"a-1;03/11/2025 11:00:00;1;003225551234;ACME;60\n", b"11:05:00"
        content = HEADER.encode() + b"\n" + day
        form = self.choose(self.wizard(content), CHOSEN)
        # 3 November or 11 March: the file does not say, and the wizard says that
        self.assertTrue(form.date_order_open)
        self.assertIn("2025-11-03 10:00:00", form.preview)
        form.date_order = "mdy"
        self.assertFalse(form.date_order_open)
        self.assertIn("2025-03-11 10:00:00", form.preview)
        self.imported(form.save())
        call = self.env["telecom.cdr"].search([("uid", "=", "a-1")])
        self.assertEqual(str(call.start), "2025-03-11 10:00:00")
        self.assertEqual(self.source.date_order, "mdy")
        # the next file of this source is read alike, unless told otherwise
        next_day = content.replace(b"a-1", b"a-2").replace(b"11:00:00", later)
        wizard = self.wizard(next_day)
        self.assertEqual(wizard.date_order, "mdy")
        form = self.choose(wizard, CHOSEN)
        form.date_order = False
        self.imported(form.save())
        self.assertFalse(self.source.date_order)
        decided = content + day.replace(b"a-1", b"a-3").replace(b"03/11", b"03/13")
        wizard = self.wizard(decided)
        self.assertFalse(wizard.date_order_open)
        self.assertIn("2025-03-11 10:00:00", wizard.preview)

    def test_hostile_files_get_one_sentence(self):
        files = {
            "empty": b"",
            "spaces": b"\n\n  \n",
            "picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 20,
            "archive": b"PK\x03\x04" + b"\x00" * 500,
            "cut gzip": gzip.compress(CSV * 200)[:-60],
            "gzip of nothing": b"\x1f\x8b" + b"\x00" * 50,
            "gzip in gzip": gzip.compress(gzip.compress(CSV)),
            "one endless line": b"x" * 3_000_000,
            "a header alone": HEADER.encode(),
            "deep JSON": b"[" * 200_000,
            "many columns": ",".join(f"c{n}" for n in range(30_000)).encode() + b"\n",
        }
        for name, content in files.items():
            with self.subTest(file=name):
                with self.assertRaises(UserError) as said:
                    wizard = self.wizard(content)
                    # what cannot be imported is said on the second page already
                    self.assertTrue(wizard.problem)
                    self.assertNotIn("Traceback", wizard.problem)
                    wizard.action_import()
                message = said.exception.args[0]
                self.assertNotIn("Traceback", message)
                self.assertRegex(message, r"^\S.{5,250}[.?]$")
        self.assertFalse(self.env["telecom.cdr"].search_count([("source", "=", "carrier")]))

    def test_hostile_names_and_cells_are_text(self):
        evil = "<script>alert(1)</script>"
        content = (
            f"uid,start,to,seconds,account,{evil}\n{evil},2025-03-10 11:00:00,{evil},60,{evil},1\n"
        ).encode()
        wizard = self.wizard(content, f"{evil}.csv")
        self.assertNotIn("<script>", wizard.preview)
        self.assertIn("&lt;script&gt;", wizard.preview)

    def test_file_is_its_owner_s_business(self):
        wizard = self.wizard(CSV)
        other = self.make_user("other-importer")
        found = self.env["telecom.cdr.import.wizard"].with_user(other).search([])
        self.assertNotIn(wizard, found)


@tagged("post_install", "-at_install")
class TestImportScreen(ImportCase, HttpCase):
    def test_file_is_imported_in_the_browser(self):
        self.user.password = "importer-password"
        code = f"""
            const content = {CSV.decode()!r};
            const until = async (find, what) => {{
                for (let wait = 0; wait < 150; wait++) {{
                    const found = find();
                    if (found) return found;
                    await new Promise((resolve) => setTimeout(resolve, 100));
                }}
                throw new Error("waited in vain for " + what);
            }};
            const one = (selector) => until(() => document.querySelector(selector), selector);
            (async () => {{
                const input = await one(".modal .o_field_widget[name=file] input[type=file]");
                const files = new DataTransfer();
                files.items.add(new File([content], "calls.csv"));
                input.files = files.files;
                input.dispatchEvent(new Event("change", {{ bubbles: true }}));
                await one(".modal [name=file] .o_clear_file_button");
                (await one(".modal button[name=action_read]")).click();
                await one(".modal [name=column_ids] .o_data_row");
                const preview = await one(".modal [name=preview]");
                await until(() => preview.textContent.includes("ACME"), "the first calls");
                (await one(".modal button[name=action_import]")).click();
                await one(".o_form_view button[name=action_download_rejects]");
                const taken = await one("[name=taken_count]");
                await until(() => taken.textContent.includes("2"), "what was taken");
                console.log("test successful");
            }})().catch((error) => console.error(error.message));
        """
        self.source.column_map = {field: name for name, field in CHOSEN.items()}
        action = self.env.ref("telecom_billing.cdr_import_wizard_action")
        self.browser_js(f"/odoo/action-{action.id}", code, login="importer", timeout=60)
        self.assertEqual(self.env["telecom.cdr.import"].search([], limit=1).taken_count, 2)
