"""Whose call it is: identifiers as switches report them, and whose accounts may be charged."""

import psycopg2

from odoo.fields import Command
from odoo.tools import mute_logger

from ..models.cdr_preview import CallPreview
from .common import TelecomCommon


class TestCallsAccounts(TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cdrs = cls.env["telecom.cdr"]
        cls.account = cls.make_account("A1")

    def found(self, **values):
        """Take a call without code and number called of ours; return the account that is found."""
        row = self.call(self.account, **{"account_code": "", "direction": "", **values})
        self.cdrs.import_calls([row], "test")
        return self.cdrs.search([("uid", "=", row["uid"])]).partner_id

    # === IDENTIFIERS ===

    def identify(self, kind, value, name=None):
        account = self.make_account(name or f"{kind} {value}")
        account.account_identifier_ids = [Command.create({"kind": kind, "value": value})]
        return account

    def test_an_identifier_is_found_as_the_switch_reports_it(self):
        user = self.identify("sip_user", "+3225550199")
        plain = self.identify("sip_user", " 3225550199 ")
        trunk = self.identify("trunk", "+trunk 7")
        caller = self.identify("caller", " +32 2 999 00 00")
        for values, account in (
            ({"sip_user": "+3225550199"}, user),
            ({"sip_user": "3225550199"}, plain),
            ({"trunk": "+trunk 7"}, trunk),
            ({"src": "029990000"}, caller),
            ({"src": "+3229990000"}, caller),
            ({"sip_user": "", "trunk": "", "src": "anonymous"}, self.env["res.partner"]),
        ):
            self.assertEqual(self.found(**values), account, values)

    def test_an_identifier_is_cleaned_whatever_of_it_is_written(self):
        identifier = self.identify("sip_user", "+32 2").account_identifier_ids
        self.assertEqual(identifier.value, "+32 2")
        identifier.kind = "caller"
        self.assertEqual(identifier.value, "322")
        identifier.value = "+32 3"
        self.assertEqual(identifier.value, "323")
        identifier.write({"kind": "trunk", "value": "+32 4 "})
        self.assertEqual(identifier.value, "+32 4")
        other = self.identify("caller", "325").account_identifier_ids
        (identifier + other).write({"kind": "sip_user"})
        self.assertEqual((identifier + other).mapped("value"), ["+32 4", "325"])

    def test_an_identifier_of_nothing_is_refused(self):
        for kind, value in (("caller", " + "), ("caller", "+"), ("sip_user", " "), ("trunk", " ")):
            with (
                self.subTest(kind=kind, value=value),
                self.assertRaises(psycopg2.errors.CheckViolation),
                mute_logger("odoo.sql_db"),
                self.env.cr.savepoint(),
            ):
                self.identify(kind, value, "nobody")

    # === SHORT NUMBERS ===

    def test_a_short_code_is_not_priced_as_a_country(self):
        for number in ("112", "1414", "100"):
            call = self.cdrs.create({**self.call(self.account, number), "source": "test"})
            self.assertEqual(self.cdrs.rate_pending()["reasons"], {"no_rate": 1}, number)
            self.assertEqual(call.reason, "no_rate")
            self.env["telecom.rate"].create(
                {
                    "card_id": self.card.id,
                    "prefix": number,
                    "destination": f"Short code {number}",
                    "price_per_minute": 0,
                }
            )
            self.assertEqual(self.cdrs.rate_pending()["rated"], 1, number)
            self.assertEqual(call.destination, f"Short code {number}")

    # === WHOSE ACCOUNTS MAY BE CHARGED ===

    def test_an_account_made_later_is_charged_only_by_its_own_company(self):
        other = self.make_company("Other")
        clerk = self.make_user("clerk-of-other", company_id=other.id)
        theirs = self.cdrs.with_user(clerk).with_context(allowed_company_ids=other.ids)
        rows = {
            name: self.call(self.account, "0033123456789", account_code="later", direction="")
            for name in ("clerk", "system")
        }
        counts = theirs.import_calls([rows["clerk"]], "of the clerk")
        self.assertEqual(counts["taken"], 1)
        self.cdrs.import_calls([rows["system"]], "of the system")
        self.assertEqual(self.cdrs.rate_pending()["reasons"], {"no_account": 2})
        account = self.make_account("later")
        self.assertEqual(self.cdrs.rate_pending()["reasons"], {"no_account": 1})
        calls = {name: self.cdrs.search([("uid", "=", row["uid"])]) for name, row in rows.items()}
        self.assertEqual(
            (calls["clerk"].state, calls["clerk"].partner_id), ("unrated", self.env["res.partner"])
        )
        self.assertEqual((calls["system"].state, calls["system"].partner_id), ("rated", account))
        # it is the company that counts, not who imported the call
        account.telecom_company_id = other
        self.cdrs.rate_pending()
        self.assertEqual(calls["clerk"].partner_id, account)

    def test_the_preview_says_what_the_import_will(self):
        other = self.make_company("Other")
        clerk = self.make_user("previewer", company_id=other.id)
        env = self.env(user=clerk, context={"allowed_company_ids": other.ids})
        source = self.env["telecom.cdr.source"].create(
            {"name": "P", "code": "preview", "format": "header_csv", "company_id": other.id}
        )
        self.make_account("theirs", telecom_company_id=other.id)
        rows = [
            "p-1;2025-03-10 10:00:00;0033123456789;A1;60;60;NORMAL_CLEARING",
            "p-2;2025-03-10 10:00:00;0033123456789;theirs;60;60;CALL_REJECTED",
            "p-3;2025-03-10 10:00:00;0033123456789;theirs;60;0;CALL_REJECTED",
            "p-4;2025-03-10 10:00:00;0033123456789;theirs;60;61;NONE",
            "p-5;2025-03-10 10:00:00;0033123456789;theirs;60;60;",
        ]
        content = "\n".join(["uid;start;to;account;duration;billsec;cause", *rows, ""]).encode()
        preview = CallPreview(env, source.with_env(env)).rows(content, "header_csv", {})
        imported = env["telecom.cdr.import"]._import_file(source.with_env(env), "p", content)
        rejected = {reject.line: reject.reason for reject in imported.sudo().reject_ids}
        self.assertEqual({r["line"]: r["error"] for r in preview if r["error"]}, rejected)
        self.assertEqual(set(rejected), {2, 3})
        self.assertIn("another company", rejected[2])
        self.assertIn("60 seconds of conversation", rejected[3])
        calls = self.cdrs.search([("source", "=", "preview")], order="uid")
        self.assertEqual(
            [row["answered"] for row in preview if not row["error"]],
            [call.state != "ignored" for call in calls],
        )
        self.assertEqual(calls.mapped("billsec"), [0, 60, 60])
