"""Decks of every vendor through the import wizard, step by step."""

import base64
import inspect
import io
import re
from datetime import datetime

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form

from odoo.addons.telecom_billing.engine.intake import (
    csv_records,
    deck_checks,
    deck_rows,
    deck_table,
    deck_values,
    stream,
)
from odoo.addons.telecom_billing.engine.intake.badrow import MESSAGES
from odoo.addons.telecom_billing.engine.intake.deck_checks import WARNINGS
from odoo.addons.telecom_billing.engine.intake.deck_columns import FIELDS
from odoo.addons.telecom_billing.models import rate_deck_words

from .rate_import_common import RateImportCommon

DECK = (
    "Destination,Dial Code,Price/Min,Connect Fee,Increment,Effective Date\n"
    '"Belgium, Fixed",32,0.02,0,1/1,\n'
    "Belgium Mobile,+32 47,0.11,0.01,30/6,\n"
    "France,33,abc,0,60/60,\n"
    "Germany,49; 4915,0.03,0,60/1,2025-06-01\n"
    "Belgium again,32,0.03,0,1/1,\n"
)


class TestRateImport(RateImportCommon):
    # === THE STEPS ===

    def test_columns_are_proposed_and_can_be_changed(self):
        wizard = self.wizard(DECK)
        self.assertEqual(
            wizard.column_ids.mapped("field"),
            [
                "destination",
                "prefix",
                "price_per_minute",
                "connection_fee",
                "increment",
                "date_from",
            ],
        )
        self.assertEqual(wizard.column_ids[1].sample, "32 · +32 47 · 33")
        wizard.column_ids[3].field = "price_per_minute"
        with self.assertRaisesRegex(UserError, "Two columns are chosen for Price per minute"):
            wizard.action_preview()
        wizard.column_ids[2].field = False
        wizard.action_preview()
        self.assertIn("0.01", wizard.preview)
        wizard.column_ids.field = False
        with self.assertRaisesRegex(UserError, "Say which column is the prefix"):
            wizard.action_preview()

    def test_preview_changes_nothing_and_import_does_what_it_said(self):
        wizard = self.wizard(DECK)
        wizard.action_preview()
        said = self.counts(wizard)
        self.assertEqual(said, [4, 0, 0, 0, 2])
        self.assertFalse(self.empty.rate_ids)
        wizard.action_import()
        self.assertEqual(self.counts(wizard), said)
        rates = self.empty.rate_ids.sorted("prefix")
        self.assertEqual(rates.mapped("prefix"), ["32", "3247", "49", "4915"])
        self.assertEqual(rates.mapped("destination")[:2], ["Belgium, Fixed", "Belgium Mobile"])
        mobile = rates[1]
        self.assertEqual(
            (
                mobile.price_per_minute,
                mobile.connection_fee,
                mobile.initial_increment,
                mobile.increment,
            ),
            (0.11, 0.01, 30, 6),
        )
        # midnight in Brussels
        self.assertEqual(rates[2].date_from, datetime(2025, 5, 31, 22))
        self.assertIn("4 new", self.empty.message_ids[0].body)

    def test_rejected_rows_come_back_with_line_and_reason(self):
        wizard = self.run_import(DECK)
        self.assertEqual(wizard.reject_file_name, "deck_rejected.csv")
        header, *rows = self.rejected(wizard)
        self.assertEqual(header[:2] + header[-2:], ["Destination", "Dial Code", "Line", "Reason"])
        self.assertEqual(
            [(row[0], row[-2], row[-1]) for row in rows],
            [
                ("France", "4", "Price per minute is not a price: abc"),
                ("Belgium again", "6", "Prefix 32 has a price in line 2 already."),
            ],
        )
        # mended, it is imported as it is
        text = base64.b64decode(wizard.reject_file).replace(b"abc", b"0.5")
        wizard = self.run_import(text, effective=datetime(2025, 3, 1))
        self.assertEqual(self.counts(wizard), [1, 1, 0, 0, 0])

    def test_rejected_rows_run_no_formula(self):
        wizard = self.run_import(
            "prefix,price,name,=1+cmd\n33,1,France,\n"
            "=cmd|' /C calc'!A0,1,@SUM(A1),-2+3+cmd|x\n+32 47,-0.5,-,\n"
        )
        header, first, second = self.rejected(wizard)
        self.assertEqual(header[3], "'=1+cmd")
        self.assertEqual(first[:4], ["'=cmd|' /C calc'!A0", "1", "'@SUM(A1)", "'-2+3+cmd|x"])
        # numbers stay numbers: mended, the file is imported as it is
        self.assertEqual(second[:3], ["+32 47", "-0.5", "-"])

    def test_old_calls_price_at_old_rates(self):
        self.run_import("prefix,price\n32,0.10\n33,0.20\n")
        self.run_import("prefix,price\n32,0.30\n", effective=datetime(2025, 7, 1), mode="replace")
        before, after = datetime(2025, 6, 30, 23, 59, 59), datetime(2025, 7, 1)
        self.assertEqual(self.price(self.empty, "3225551234", start=before).amount, 10_000_000)
        self.assertEqual(self.price(self.empty, "3225551234", start=after).amount, 30_000_000)
        self.assertEqual(self.price(self.empty, "33123456789", start=before).amount, 20_000_000)
        self.assertEqual(self.price(self.empty, "33123456789", start=after).problem, "no_rate")

    def test_rejected_row_ends_nothing(self):
        self.run_import("prefix,price\n32,0.10\n33,0.20\n34,0.30\n")
        deck = "prefix,price\n32,0.11\n+33,O.20\n"
        wizard = self.wizard(deck, effective=datetime(2025, 7, 1), mode="replace")
        wizard.action_preview()
        self.assertEqual(self.counts(wizard), [0, 1, 0, 1, 1])
        self.assertIn("34 Spain", wizard.preview)
        self.assertIn("prefixes of rejected rows stay as they are", wizard.preview)
        wizard.action_import()
        self.assertEqual(self.price(self.empty, "33123456789").amount, 20_000_000)
        self.assertEqual(self.price(self.empty, "34123456789").problem, "no_rate")

    def test_same_deck_again_has_nothing_to_import(self):
        self.run_import(DECK)
        wizard = self.wizard(DECK)
        self.assertTrue(wizard.effective, "a card with rates gets a moment")
        wizard.action_preview()
        self.assertEqual(self.counts(wizard), [0, 0, 4, 0, 2])
        self.assertFalse(wizard.can_import)
        self.assertIn("nothing to import", wizard.preview)

    def test_defaults_of_the_form(self):
        Wizard = self.env["telecom.rate.import"].with_user(self.manager)
        with Form(Wizard.with_context(default_card_id=self.card.id)) as form:
            self.assertTrue(form.effective)
            self.assertEqual(form.tz, "Europe/Brussels")
            form.card_id = self.empty
            self.assertFalse(form.effective)
            form.file = base64.b64encode(DECK.encode())

    def test_card_with_rates_needs_a_moment(self):
        wizard = self.wizard(DECK, card=self.card)
        wizard.effective = False
        with self.assertRaisesRegex(UserError, "Standard has rates. Say from which moment"):
            wizard.action_preview()

    def test_back_to_the_file(self):
        wizard = self.wizard(DECK.replace(",", ";"))
        wizard.action_preview()
        wizard.action_back()
        self.assertEqual(wizard.state, "columns")
        wizard.action_back()
        self.assertEqual(wizard.state, "file")
        wizard.delimiter = "comma"
        wizard.action_read()
        self.assertEqual(len(wizard.column_ids), 1)

    def test_only_managers_import(self):
        clerk = self.make_user("clerk")
        wizard = self.wizard(DECK)
        with self.assertRaises(AccessError):
            wizard.with_user(clerk).action_import()
        with self.assertRaises(AccessError):
            self.env["telecom.rate.import"].with_user(clerk).create({})
        with self.assertRaises(AccessError):
            self.empty.with_user(clerk)._import_deck(DECK.encode())

    def test_card_of_another_company(self):
        card = self.make_card("Secret", [("32", "Belgium", 0.01, {})])
        card.company_id = self.make_company("Other")
        wizard = (
            self.env["telecom.rate.import"]
            .with_user(self.manager)
            .create({"file": base64.b64encode(DECK.encode()), "file_name": "deck.csv"})
        )
        wizard.sudo().card_id = card
        for action in ("action_read", "action_preview", "action_import", "action_rerate"):
            with self.assertRaises(AccessError):
                getattr(wizard, action)()

    def test_calls_since_then_are_priced_again(self):
        account = self.make_account("A1")
        self.take_calls(
            [
                self.call(account, start="2025-03-10 10:00:00"),
                self.call(account, start="2025-03-20 10:00:00"),
            ]
        )
        wizard = self.run_import(
            "prefix,price\n32,0.5\n", card=self.card, effective=datetime(2025, 3, 15)
        )
        self.assertTrue(wizard.is_past)
        wizard.action_rerate()
        self.assertEqual(self.charges_of(account).mapped("amount"), [0.05, 0.5])

    # === FILES ===

    def test_workbook(self):
        import openpyxl

        workbook = openpyxl.Workbook()
        sheet = workbook.active
        sheet.append(["Rates of Carrier Ltd"])
        sheet.append([])
        sheet.append(["Country", "Code", "Rate", "Valid from"])
        sheet.append(["Belgium", 32, 0.021, datetime(2025, 6, 1)])
        sheet.append(["Nowhere", "x1", 0.5, None])
        stream = io.BytesIO()
        workbook.save(stream)
        wizard = self.run_import(stream.getvalue(), "deck.xlsx")
        self.assertTrue(wizard.cells, "a workbook is read once")
        self.assertEqual(self.counts(wizard), [1, 0, 0, 0, 1])
        self.assertEqual(self.empty.rate_ids.price_per_minute, 0.021)
        self.assertEqual(
            self.rejected(wizard)[1],
            ["Nowhere", "x1", "0.5", "", "5", "Prefix is not made of digits: x1"],
        )

    def test_another_sheet_is_read_anew(self):
        import openpyxl

        workbook = openpyxl.Workbook()
        for title, price in (("First", 1), ("Second", 2)):
            sheet = workbook.create_sheet(title)
            sheet.append(["Prefix", "Price"])
            sheet.append(["32", price])
        del workbook["Sheet"]
        stream = io.BytesIO()
        workbook.save(stream)
        wizard = self.wizard(stream.getvalue(), "deck.xlsx")
        wizard.action_back()
        wizard.sheet = "Second"
        wizard.action_read()
        wizard.action_preview()
        wizard.action_import()
        self.assertEqual(self.empty.rate_ids.price_per_minute, 2)

    def test_units_and_marks(self):
        wizard = self.wizard("Prefix;Price;Setup\n32;1.234,5;10\n", price_scale="0.0001")
        self.assertEqual(wizard.price_scale, "1", "the file's columns say nothing of units")
        wizard.write({"price_scale": "0.0001", "fee_scale": "0.01", "decimal_mark": ","})
        wizard.action_preview()
        wizard.action_import()
        rate = self.empty.rate_ids
        self.assertEqual((rate.price_per_minute, rate.connection_fee), (0.12345, 0.1))

    def test_inbound_and_increments(self):
        wizard = self.wizard("Prefix;Price\n3227880;0,01\n")
        wizard.write({"direction": "inbound", "initial_increment": 60, "increment": 30})
        wizard.action_preview()
        wizard.action_import()
        rate = self.empty.rate_ids
        self.assertEqual(
            (rate.direction, rate.initial_increment, rate.increment), ("inbound", 60, 30)
        )

    def test_unreadable_files_say_why_in_a_sentence(self):
        for content, name, sentence in (
            (b"", "a.csv", r"Choose the file with the deck\."),
            (b"\n\n  \n", "a.csv", r"The file a\.csv is empty\."),
            (b"prefix,price\n", "a.csv", r"no rows below its header"),
            (b"PK\x03\x04garbage", "a.xlsx", r"The workbook cannot be read"),
            (b"\xd0\xcf\x11\xe0rest", "a.xls", r"Save the deck as \.xlsx or CSV"),
            (b"\x1f\x8bgarbage", "a.gz", r"The packed file is damaged"),
            (b"DID,Country,Setup Fee\n3227880,BE,1\n", "a.csv", r"lists phone numbers"),
        ):
            with self.subTest(name=name), self.assertRaisesRegex(UserError, sentence):
                self.wizard(content, name)

    def test_file_without_good_rows(self):
        wizard = self.wizard("prefix,price\nx,1\ny,2\n")
        wizard.action_preview()
        self.assertFalse(wizard.can_import)
        self.assertIn("No row can be imported", wizard.preview)

    def test_hostile_cells_are_shown_as_text(self):
        wizard = self.run_import(
            'prefix,price,name\n32,1,<script>alert(1)</script>\n"<b>x</b>",1,y\n'
        )
        self.assertNotIn("<script>", wizard.preview)
        self.assertNotIn("<b>x", wizard.preview)

    def test_every_code_has_a_sentence(self):
        names = """field value expected limit first_line start date_to next_line price median fee
        columns increment initial line rows order"""
        params = dict.fromkeys(names.split(), 7)
        words = rate_deck_words.DeckWords(self.env)
        # whatever the readers of decks name in their text
        texts = [
            inspect.getsource(module)
            for module in (csv_records, deck_checks, deck_rows, deck_table, deck_values, stream)
        ]
        codes = set(re.findall(r'"(\w+)"', "".join(texts))) & MESSAGES.keys()
        self.assertGreater(len(codes), 20)
        for code in {*codes, "ended_before", "superseded"}:
            self.assertIn(code, rate_deck_words._reasons(self.env))
            self.assertNotIn("%", words.reason(code, params))
        for code in WARNINGS:
            self.assertIn(code, rate_deck_words._oddities(self.env))
            self.assertNotIn("%", words.warning(code, params))
        self.assertEqual(set(rate_deck_words.field_labels(self.env)), set(FIELDS))

    # === MANY ROWS ===

    def test_many_rows_take_few_statements(self):
        def deck(count, price):
            return "prefix,price\n" + "".join(f"{n},{price}\n" for n in range(1000, 1000 + count))

        costs = []
        for count in (10, 1000):
            card = self.make_card(f"Card {count}")
            wizard = self.wizard(deck(count, 1), card=card)
            before = self.env.cr.sql_log_count
            wizard.action_preview()
            wizard.action_import()
            self.env.flush_all()
            costs.append(self.env.cr.sql_log_count - before)
        self.assertLess(costs[1], costs[0] + 10)
