"""What calls and charges refer to is kept, although their tables have no foreign keys."""

from odoo.exceptions import UserError

from .common import TelecomCommon


class TestKeptRecords(TelecomCommon):
    def setUp(self):
        super().setUp()
        self.sources = self.env["telecom.cdr.source"]
        self.source = self.sources.create(
            {"name": "Switch", "code": "switch", "format": "header_csv"}
        )
        self.account = self.make_account("A1", reseller_id=self.make_reseller("R1").id)
        row = "u1,A1,3225551234,2025-03-10 10:00:00,60\n"
        content = f"uid,account_code,dst,start,billsec\n{row}".encode()
        self.imports = self.env["telecom.cdr.import"]
        self.imported = self.imports._import_file(self.source, "calls.csv", content)
        self.again = self.imports._import_file(self.source, "again.csv", content)
        self.env["telecom.cdr"].rate_pending()
        self.call_taken = self.env["telecom.cdr"].search([("uid", "=", "u1")])

    def test_file_that_brought_calls(self):
        with self.assertRaisesRegex(UserError, "calls.csv brought calls"):
            self.imported.unlink()
        self.again.unlink()
        groups = self.env["telecom.cdr"]._read_group([], ["import_id"], ["__count"])
        self.assertEqual([group.display_name for group, _count in groups], ["calls.csv"])

    def test_source_that_has_calls(self):
        with self.assertRaisesRegex(UserError, "Source Switch has calls"):
            self.source.unlink()
        # ... without files, too
        self.take_calls([self.call(self.account)], "interface")
        with self.assertRaisesRegex(UserError, "Source interface has calls"):
            self.sources.search([("code", "=", "interface")]).unlink()
        self.sources.create({"name": "Unused", "code": "unused"}).unlink()

    def test_account_that_is_charged(self):
        for account in (self.account, self.account.reseller_id):
            with self.assertRaisesRegex(UserError, f"{account.name} has calls or charges"):
                account.unlink()
        self.make_account("Unused").unlink()

    def test_currency_and_period_that_are_charged(self):
        charge = self.call_taken.call_charge_ids[:1]
        with self.assertRaisesRegex(UserError, "has charges or is closed"):
            charge.period_id.unlink()
        with self.assertRaisesRegex(UserError, "Calls were priced with these rates"):
            charge.rate_id.unlink()
