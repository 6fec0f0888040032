import io
from unittest.mock import patch

from lxml import html
from psycopg2 import IntegrityError

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger
from odoo.tools.pdf import PdfFileReader

from .common import TelecomCommon

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


@tagged("post_install", "-at_install")
class TestInvoiceDocument(TelecomCommon):
    """What the customer reads."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls.make_account("Customer", "C-1001")

    def render(self, moves, user=None):
        """Return the parsed document."""
        reports = self.env["ir.actions.report"].with_user(user or self.env.user)
        content, _type = reports._render_qweb_html("account.account_invoices", moves.ids)
        return html.fromstring(content)

    def text(self, nodes):
        return " ".join(" ".join(node.text_content() for node in nodes).split())

    def named(self, document, name):
        return self.text(document.xpath(f"//*[@name='{name}']"))

    def full_invoice(self, account=None, number="3227880100"):
        account = account or self.account
        self.add_service(account, self.make_product("Line", telecom_setup_fee=5.0))
        self.add_service(account, self.make_package("Free 2 minutes", 120, 7.0, prefixes="32"))
        self.add_number(account, number, self.make_product("Number", "did", 1.0))
        self.take_calls(
            [
                self.call(account, seconds=90, start="2025-03-10 22:59:30"),
                self.call(account, seconds=90, start="2025-03-11 10:00:00"),
                self.call(account, "33123456789", seconds=61),
            ]
        )
        return self.bill(accounts=account)

    # === THE FIRST PAGE ===

    def test_sections_and_period(self):
        invoice = self.full_invoice()
        document = self.render(invoice)
        self.assertEqual(
            self.named(document, "billing_period"), "Billing Period 03/01/2025 – 03/31/2025"
        )
        self.assertEqual(self.named(document, "account_code"), "Account C-1001")
        sections = [
            self.text([row]) for row in document.xpath("//tr[contains(@class, 'o_line_section')]")
        ]
        self.assertEqual(len(sections), 5)
        for title in ("Calls, 03/01/2025", "Packages", "Subscriptions", "Numbers", "Other"):
            self.assertTrue([text for text in sections if text.startswith(title)], title)
        table = self.named(document, "invoice_line_table")
        self.assertIn("Belgium – calls: 2, minutes: 3:00, of which free: 2:00", table)
        self.assertIn("France – calls: 1, minutes: 1:01", table)
        self.assertIn("Number 3227880100, 03/01/2025 to 03/31/2025", table)
        # a line of calls shows no price of one
        row = document.xpath("//td[contains(., 'France – calls')]/..")[0]
        self.assertFalse(row.xpath("td[@name='td_price_unit']"))

    def test_how_to_pay_and_what_is_one_block(self):
        """With hidden overflow, wkhtmltopdf crashes over it where it meets the end of a page."""
        document = self.render(self.full_invoice())
        (block,) = document.xpath("//div[@id='right-elements']/..")
        classes = set(block.get("class").split())
        self.assertEqual(classes, {"clearfix", "avoid-page-break-inside"})
        self.assertTrue(block.xpath("./div[@id='payment_term']"))

    def test_draft_keeps_its_title(self):
        self.profile.mode = "draft"
        self.assertIn("Draft Invoice", self.text([self.render(self.full_invoice())]))

    def test_amount_in_words(self):
        self.env["res.lang"]._activate_lang("fr_BE")
        self.profile.amount_in_words = True
        invoice = self.full_invoice()
        words = self.currency.amount_to_text(invoice.amount_total)
        self.assertIn(words, self.text([self.render(invoice)]))
        self.account.lang = "fr_BE"
        french = self.currency.with_context(lang="fr_BE").amount_to_text(invoice.amount_total)
        self.assertNotEqual(words, french)
        self.assertIn(french, self.text([self.render(invoice)]))

    def test_later_profile_changes_no_invoice(self):
        plain = self.full_invoice()
        self.profile.write({"annex": "pdf", "amount_in_words": True})
        full = self.full_invoice(self.make_account("Second", "C-1002"), "3227880200")
        self.profile.write({"annex": "none", "amount_in_words": False})
        self.assertFalse(plain._telecom_printed_calls())
        self.assertFalse(self.annex(plain))
        self.assertEqual(full._telecom_printed_calls(), 3)
        self.assertTrue(self.annex(full))
        for invoice, printed in ((plain, False), (full, True)):
            words = self.currency.amount_to_text(invoice.amount_total)
            self.assertEqual(words in self.text([self.render(invoice)]), printed)

    def test_profile_of_invoices_is_kept(self):
        """Without it an invoice would be printed, sent and reconciled as any other."""
        profile = self.profile.copy({"name": "Brand"})
        unused = self.profile.copy({"name": "Unused"})
        self.account.billing_profile_id = profile
        invoice = self.full_invoice()
        self.account.billing_profile_id = False
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError),
            self.env.cr.savepoint(),
        ):
            profile.unlink()
        profile.active = False
        unused.unlink()
        self.assertEqual(invoice.telecom_profile_id, profile)
        self.assertTrue(self.render(invoice).xpath("//*[@name='telecom_summary']"))

    def test_note_is_plain_text(self):
        self.profile.note = "Call <1234> & ask.\nThank you"
        invoice = self.full_invoice()
        self.assertIn("Call <1234> & ask.", self.named(self.render(invoice), "comment"))

    def test_nothing_is_taken_for_markup(self):
        attack = "<script>alert(1)</script>"
        self.profile.annex = "pdf"
        self.account.name = attack
        self.card.rate_ids.filtered(lambda rate: rate.prefix == "32").destination = attack
        self.env["telecom.charge"].create(
            {"name": attack, "partner_id": self.account.id, "date": "2025-03-05", "amount": 1.0}
        )
        self.take_calls([self.call(self.account, src="<b>7</b>")])
        document = self.render(self.bill())
        self.assertFalse([s for s in document.xpath("//script") if "alert" in (s.text or "")])
        self.assertGreaterEqual(self.text([document]).count(attack), 3)

    def test_other_invoices_are_native(self):
        invoice = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.account.id,
                "invoice_origin": "SO1",
                "invoice_line_ids": [Command.create({"name": "Telephone", "price_unit": 99.0})],
            }
        )
        document = self.render(invoice)
        self.assertIn("SO1", self.named(document, "origin"))
        self.assertFalse(document.xpath("//*[@name='telecom_summary']"))

    def test_header_has_room_for_a_long_address(self):
        invoice = self.full_invoice()
        self.company.company_details = "<p>Telco</p>"
        self.assertFalse(self.render(invoice).get("data-report-margin-top"))
        self.company.company_details = "<p>1<br>2<br>3<br>4<br>5<br>6</p>"
        root = self.render(invoice)
        self.assertEqual(root.get("data-report-margin-top"), "76")
        self.assertEqual(root.get("data-report-header-spacing"), "76")
        # most of the other layouts have it beside the logo
        self.company.external_report_layout_id = self.env.ref("web.external_layout_boxed")
        self.assertEqual(self.render(invoice).get("data-report-margin-top"), "56")
        self.company.company_details = "<p>1<br>2<br>3<br>4<br>5</p>"
        self.assertFalse(self.render(invoice).get("data-report-margin-top"))

    def test_accountant_without_telecom_rights(self):
        self.profile.annex = "pdf"
        invoice = self.full_invoice()
        user = self.make_user("accountant", "account.group_account_invoice")
        self.assertIn(invoice.name, self.text([self.render(invoice, user)]))
        invoice = invoice.with_user(user)
        invoice.button_draft()
        invoice.button_cancel()
        invoice.button_draft()
        invoice.action_post()
        self.assertEqual(invoice.sudo().telecom_period_ids.state, "invoiced")

    # === THE ANNEX ===

    def annex(self, invoice):
        """Return the annex as rows of texts."""
        rows = self.render(invoice).xpath("//*[@name='telecom_annex']//tr")
        return [[self.text([cell]) for cell in row] for row in rows]

    def test_annex_only_when_asked_for(self):
        self.assertFalse(self.annex(self.full_invoice()))
        self.profile.annex = "pdf"
        self.assertTrue(
            self.annex(self.full_invoice(self.make_account("Second", "C-1002"), "3227880200"))
        )

    def test_annex_ties_to_the_invoice(self):
        self.profile.annex = "pdf"
        invoice = self.full_invoice()
        self.assertEqual(
            self.annex(invoice),
            [
                ["Date", "From", "To", "Destination", "Duration", "Free", "EUR"],
                ["03/10/2025 11:00:00 AM", "3227880100", "33123456789", "France"]
                + ["1:01", "", "0.0339"],
                # in the account's own time: it is winter in Brussels
                ["03/10/2025 11:59:30 PM", "3227880100", "3225551234", "Belgium"]
                + ["1:30", "1:30", "0.0000"],
                ["03/11/2025 11:00:00 AM", "3227880100", "3225551234", "Belgium"]
                + ["1:30", "0:30", "0.0500"],
                ["Total", "4:01", "2:00", "0.0839"],
                ["Rounding per destination", "-0.0039"],
                ["Calls on this invoice", "0.0800"],
            ],
        )
        calls = invoice.invoice_line_ids.filtered(lambda line: line.telecom_section == "calls")
        self.assertEqual(sum(calls.mapped("price_subtotal")), 0.08)

    def test_annex_with_taxes_in_the_price(self):
        self.profile.annex = "pdf"
        self.account.telecom_tax_ids = self.make_tax(
            20, name="included", price_include_override="tax_included"
        )
        self.take_calls([self.call(self.account, "33123456789", seconds=3600)])
        self.assertEqual(
            self.annex(self.bill())[-2:],
            [
                ["Rounding per destination", "0.002"],
                ["Calls on this invoice, taxes included", "2.000"],
            ],
        )

    def test_annex_of_a_credit_note(self):
        self.profile.annex = "pdf"
        self.env["telecom.charge"].create(
            {"name": "Back", "partner_id": self.account.id, "date": "2025-03-05", "amount": -9.0}
        )
        self.take_calls([self.call(self.account, seconds=600)])
        invoice = self.bill()
        self.assertEqual(invoice.move_type, "out_refund")
        self.assertEqual(self.annex(invoice)[-1], ["Total", "10:00", "-0.50"])

    def test_annex_of_too_many_calls(self):
        self.profile.annex = "pdf"
        invoice = self.full_invoice()
        with patch("odoo.addons.telecom_billing.models.account_move.ANNEX_LIMIT", 2):
            self.assertFalse(self.annex(invoice))
            self.assertIn("3 calls are too many", self.named(self.render(invoice), "telecom_annex"))

    def test_annex_has_no_headings(self):
        """Odoo cuts a PDF of several invoices at its headings: one an invoice, no more."""
        self.profile.annex = "pdf"
        document = self.render(self.full_invoice())
        headings = [node for tag in HEADINGS for node in document.iter(tag)]
        self.assertEqual(len(headings), 1)

    def test_three_invoices_in_one_pdf(self):
        self.profile.annex = "pdf"
        accounts = [self.make_account(f"Customer {n}", f"B{n}") for n in range(3)]
        self.take_calls(
            self.call(account, start=f"2025-03-10 10:{index // 60:02}:{index % 60:02}")
            for account in accounts
            for index in range(100)
        )
        invoices = self.bill()
        with self.allow_pdf_render():
            self.env["account.move.send"].with_context(
                force_report_rendering=True
            )._generate_and_send_invoices(invoices, sending_methods=["manual"])
        for invoice in invoices:
            reader = PdfFileReader(io.BytesIO(invoice.invoice_pdf_report_id.raw))
            pages = [page.extract_text() for page in reader.pages]
            self.assertGreater(len(pages), 2)
            self.assertIn(invoice.name, pages[0])
            self.assertIn(invoice.partner_id.account_code, pages[0])
            for other in invoices - invoice:
                self.assertFalse([page for page in pages if other.name in page])
