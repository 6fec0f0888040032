"""Whose name is on the invoice: the company's, a reseller's, or a brand's; for good."""

import base64
import io

from lxml import html
from PIL import Image

from odoo.tests import tagged
from odoo.tools.pdf import PdfFileReader

from .common import TelecomCommon


def picture(colour):
    """Return a small logo of one colour, in base64."""
    content = io.BytesIO()
    Image.new("RGB", (60, 20), colour).save(content, "PNG")
    return base64.b64encode(content.getvalue())


@tagged("post_install", "-at_install")
class TestInvoiceIssuer(TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"phone": "+32 2 000 00 00", "logo": picture("red")})
        cls.company.partner_id.write({"street": "Provider street 1", "city": "Brussels"})
        cls.agent = cls.make_reseller(
            "Agent Phones",
            "agent",
            street="Agent lane 7",
            zip="2000",
            city="Antwerp",
            vat="BE0477472701",
            phone="+32 3 111 11 11",
            email="hello@agent.example",
        )
        cls.brand = cls.profile.copy({"name": "Agent", "owner_id": cls.agent.id})
        cls.account = cls.make_account("Customer", reseller_id=cls.agent.id)

    def invoice(self, account=None, month="03"):
        account = account or self.account
        self.take_calls(
            [self.call(account, uid=f"{account.id}/{month}", start=f"2025-{month}-10 10:00:00")]
        )
        return self.bill(f"2025-{int(month) + 1:02}-01", account)

    def render(self, invoice):
        content, _type = self.env["ir.actions.report"]._render_qweb_html(
            "account.account_invoices", invoice.ids
        )
        return html.fromstring(content)

    def texts(self, invoice):
        return " ".join(self.render(invoice).text_content().split())

    def logos(self, invoice):
        return self.render(invoice).xpath("//img[@alt='Logo']/@src")

    def test_a_reseller_issues_in_its_own_name(self):
        invoice = self.invoice()
        text = self.texts(invoice)
        for own in ("Agent Phones", "Agent lane 7", "BE0477472701", "hello@agent.example"):
            self.assertIn(own, text)
        for above in ("Telco", "Provider street", "000 00 00"):
            self.assertNotIn(above, text)
        self.assertFalse(self.logos(invoice))

    def test_what_the_profile_says_goes_first(self):
        self.brand.write(
            {
                "brand_name": "Bright",
                "logo": picture("blue"),
                "details": "<p>Bright SA<br/>Sun square 3</p>",
                "tagline": "<p>Calls like sunshine</p>",
                "footer": "<p>IBAN BE71 0961 2345 6769</p>",
            }
        )
        invoice = self.invoice()
        text = self.texts(invoice)
        for own in ("Bright SA", "Sun square 3", "Calls like sunshine", "BE71 0961 2345 6769"):
            self.assertIn(own, text)
        for other in ("Agent lane", "hello@agent.example", "Telco"):
            self.assertNotIn(other, text)
        (logo,) = self.logos(invoice)
        self.assertIn(self.brand.logo.decode()[:60], logo)

    def test_a_later_change_alters_no_issued_invoice(self):
        first = self.invoice()
        self.brand.brand_name = "Renamed"
        self.agent.street = "Moved road 9"
        second = self.invoice(month="04")
        self.assertIn("Agent lane 7", self.texts(first))
        self.assertNotIn("Renamed", self.texts(first))
        self.assertIn("Renamed", self.texts(second))
        self.assertIn("Moved road 9", self.texts(second))
        # one identity, however many invoices
        third = self.invoice(month="05")
        self.assertEqual(third.telecom_issuer_id, second.telecom_issuer_id)

    def test_the_company_issues_as_odoo_prints_it(self):
        account = self.make_account("Direct")
        invoice = self.invoice(account)
        self.assertFalse(invoice.telecom_issuer_id)
        self.assertIn("Provider street 1", self.texts(invoice))
        # a brand of the company itself keeps what it leaves open
        self.profile.brand_name = "Telco Direct"
        branded = self.invoice(account, "04")
        self.assertIn("Telco Direct", self.texts(branded))
        self.assertIn("Provider street 1", self.texts(branded))
        self.assertIn(self.company.logo.decode()[:60], self.logos(branded)[0])

    def test_several_issuers_in_one_document(self):
        ours, theirs = self.invoice(self.make_account("Direct")), self.invoice()
        for invoices in (ours + theirs, theirs + ours):
            articles = self.render(invoices).xpath("//div[contains(@class, 'header')]")
            texts = [" ".join(node.text_content().split()) for node in articles]
            by_invoice = dict(zip(invoices, [text for text in texts if text], strict=True))
            self.assertIn("Agent lane 7", by_invoice[theirs])
            self.assertNotIn("Agent lane 7", by_invoice[ours])
            self.assertIn("Provider street 1", by_invoice[ours])

    def test_the_pdf_names_nobody_above(self):
        invoice = self.invoice()
        with self.allow_pdf_render():
            content, _type = (
                self.env["ir.actions.report"]
                .with_context(force_report_rendering=True)
                ._render_qweb_pdf("account.account_invoices", invoice.ids)
            )
        reader = PdfFileReader(io.BytesIO(content))
        text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
        self.assertIn("Agent Phones", text)
        self.assertNotIn("Telco", text)
        self.assertNotIn("Telco", str(reader.metadata))
