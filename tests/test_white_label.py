"""Nothing that a reseller's customer receives names who is above the reseller.

The provider is called by canaries that stand nowhere else; what is received of the reseller is
searched for them in full: heads, texts, links, pictures, names of files, PDFs and what they say of
themselves.
"""

import base64
import io
import re
from unittest.mock import patch

from lxml import html
from PIL import Image
from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger
from odoo.tools.pdf import PdfFileReader

from odoo.addons.account.models import account_move as odoos_move

from .test_invoice_issuer import picture
from .white_label_case import WhiteLabelCase


class TestWhiteLabel(WhiteLabelCase):
    def test_a_reseller_with_all_that_a_profile_can_say(self):
        self.dress()
        received = self.all_documents()
        for what, message in received.items():
            with self.subTest(what):
                self.assertNamesNobodyAbove(what, message)
                self.assertEqual(
                    str(message["from"]), "Brightline Billing <billing@brightline.example>"
                )
                self.assertEqual(message["reply-to"].addresses[0].domain, "brightline.example")
                text = message.get_body(("html",)).get_content()
                self.assertIn("Brightline Phones", text)
                for link in self.links(message):
                    self.assertRegex(link, r"^(https://(portal\.)?brightline\.example|mailto:)")
        for what in ("invoice", "receipt", "receipts", "credit note", "reminder", "invitation"):
            with self.subTest(what):
                logos = [link for link in self.links(received[what]) if "/telecom/logo/" in link]
                self.assertEqual(len(logos), 1)
        self.assertIn(self.invoice.access_token, str(self.links(received["invoice"])))

        for what in ("invoice", "receipt", "receipts", "credit note"):
            with self.subTest(what):
                (pdf,) = self.pdfs(received[what])
                reader = PdfFileReader(io.BytesIO(pdf.get_payload(decode=True)))
                document = self.payment if "receipt" in what else self.invoice
                document = self.credit if what == "credit note" else document
                self.assertEqual(reader.metadata["/Title"], f"{document.name} - Brightline Phones")
                self.assertEqual(pdf.get_filename(), f"{document.name.replace('/', '_')}.pdf")
                self.assertEqual(reader.metadata["/Author"], "Brightline Phones")
                text = " ".join(page.extract_text() for page in reader.pages)
                self.assertIn("Sun lane 7", text)
        self.assertIn("Invoice (Ref", received["invoice"]["subject"])
        self.assertIn("Credit Note (Ref", received["credit note"]["subject"])
        self.assertIn("Payment Receipt (Ref", received["receipts"]["subject"])
        self.assertEqual(self.invoice.message_ids.author_id & self.agent, self.agent)
        # what is shown in a browser shows its pictures and colours, too
        for xml_id, records in (
            ("account.account_invoices", self.invoice + self.credit),
            ("account.action_report_payment_receipt", self.payment),
        ):
            content = self.rendered(xml_id, records)
            self.assertNotIn(self.company.logo.decode()[:60], content)
            self.assertIn(self.brand.logo.decode()[:60], content)
            self.assertNotIn(f"o_company_{self.company.id}_layout", content)
            self.assertIn("#0044cc", content)

    def test_no_code_to_scan_names_the_company(self):
        """Its account can be printed, whose it is not; Odoo's codes say whose it is."""
        accounts = {
            holder: self.env["res.partner.bank"].create(
                {"acc_number": number, "partner_id": holder.id, "allow_out_payment": True}
            )
            for holder, number in (
                (self.company.partner_id, "BE71096123456769"),
                (self.agent, "BE68539007547034"),
            )
        }
        account = self.make_account("Anna", reseller_id=self.agent.id)
        direct = self.make_account("Direct")
        self.take_calls([self.call(account), self.call(direct)])
        invoice, other = self.bill(accounts=account), self.bill(accounts=direct)
        company = accounts[self.company.partner_id]
        with patch.object(
            odoos_move.AccountMove, "_generate_qr_code", lambda *args, **kwargs: "code"
        ):
            for move, bank, code in (
                (invoice, company, None),
                (invoice, accounts[self.agent], "code"),
                (other, company, "code"),
            ):
                move.partner_bank_id = bank
                self.assertEqual(move._generate_qr_code(silent_errors=True), code)
            invoice.partner_bank_id = company
            company.acc_holder_name = "Brightline"
            self.assertEqual(invoice._generate_qr_code(), "code")
        content = self.rendered("account.account_invoices", invoice)
        self.assertIn("BE71096123456769", content.replace(" ", ""))
        self.assertNotIn("CanaryTelco", content)

    def test_a_reseller_that_says_nothing_of_itself(self):
        """Only the address of the sender's server remains, under the reseller's own name."""
        received = self.all_documents()
        address = "billing@canarytelco.example"
        for what, message in received.items():
            with self.subTest(what):
                sender = message["from"].addresses[0]
                self.assertEqual((sender.display_name, sender.addr_spec), ("Brightline", address))
                for name in ("From", "Reply-To", "Return-Path"):
                    value = message[name]
                    if value:
                        del message[name]
                        message[name] = value.replace(address, "").replace("<>", "")
                for part in message.walk():
                    if part.get_content_maintype() == "text":
                        content = part.get_content().replace("https://canary-server.example", "")
                        part.set_content(content, subtype=part.get_content_subtype())
                self.assertNamesNobodyAbove(what, message)

    def test_an_invoice_prints_as_it_was(self):
        self.dress()
        account = self.make_account("Anna", reseller_id=self.agent.id)
        self.take_calls([self.call(account)])
        invoice = self.bill(accounts=account)
        before = self.rendered("account.account_invoices", invoice)
        self.brand.write(
            {
                "report_layout_id": self.env.ref("web.report_layout_striped").id,
                "primary_color": "#123456",
                "font": "Oswald",
            }
        )
        self.company.write({"primary_color": "#654321", "font": "Raleway"})
        self.env.invalidate_all()
        self.assertEqual(self.rendered("account.account_invoices", invoice), before)
        for own in ("#0044cc", "#00aa55", "Roboto", "o_report_layout_bold"):
            self.assertIn(own, before)

    def test_pages_headers_and_footers_have_the_issuers_colours(self):
        self.dress()
        account = self.make_account("Anna", reseller_id=self.agent.id)
        self.take_calls([self.call(account)])
        invoice = self.bill(accounts=account)
        content = self.rendered("account.account_invoices", invoice).encode()
        report = self.env.ref("account.account_invoices")
        bodies, _ids, header, footer, _args = report._prepare_html(content, "account.move")
        for document in (*bodies, header, footer):
            style = "".join(html.fromstring(document).xpath("//head/style/text()"))
            self.assertIn(f".o_company_NewId_{invoice.telecom_issuer_id.id}_layout h2", style)
            self.assertIn("color: #0044cc", style)

    def test_corrections_and_payments_keep_the_name(self):
        self.dress()
        account = self.make_account("Anna", reseller_id=self.agent.id)
        self.take_calls([self.call(account)])
        invoice = self.bill(accounts=account)
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"reason": "test", "journal_id": invoice.journal_id.id})
        )
        wizard.modify_moves()
        corrected = wizard.new_move_ids
        self.assertEqual(corrected.move_type, "out_invoice")
        self.assertEqual(corrected.telecom_issuer_id, invoice.telecom_issuer_id)
        self.assertEqual(invoice.reversal_move_ids.telecom_issuer_id, invoice.telecom_issuer_id)
        # a payment in advance, of an account that has paid nothing else
        payment = self.env["account.payment"].create(
            {"partner_id": account.id, "amount": 5, "payment_type": "inbound"}
        )
        payment.action_post()
        self.assertEqual(payment.telecom_issuer_id, invoice.telecom_issuer_id)
        self.brand.brand_name = "Renamed"
        self.assertIn(
            "Brightline Phones", self.rendered("account.action_report_payment_receipt", payment)
        )
        paid = self.env["account.payment"].create(
            {"partner_id": self.company.partner_id.id, "amount": 5, "payment_type": "inbound"}
        )
        paid.action_post()
        self.assertFalse(paid.telecom_issuer_id)

    def test_the_companys_people_stay_where_they_are_logged_in(self):
        self.dress()
        account = self.make_account(
            "Anna", reseller_id=self.agent.id, email="anna@customer.example"
        )
        self.take_calls([self.call(account)])
        invoice = self.bill(accounts=account)
        clerk = self.make_user("clerk", "account.group_account_invoice", email="c@telco.example")
        clerk.notification_type = "email"
        self.write_to(invoice, account + clerk.partner_id)
        self.env["mail.mail"].process_email_queue()
        for address, root in (
            ("anna@customer.example", "https://portal.brightline.example/mail/view?"),
            ("c@telco.example", "https://canary-server.example/mail/view?"),
        ):
            message = self.mailbox.to(address)[-1]
            self.assertIn(root, str(self.links(message)))

    def test_texts_of_the_issuer_in_each_language(self):
        self.dress()
        self.env["res.lang"]._activate_lang("fr_BE")
        template = self.env.ref("account.email_template_edi_credit_note").copy(
            {"subject": "Credit {{ object.name }}"}
        )
        template.with_context(lang="fr_BE").subject = "Avoir {{ object.name }}"
        receipt = self.env.ref("account.mail_template_data_payment_receipt").copy(
            {"subject": "Thanks for {{ object.amount }}"}
        )
        receipt.with_context(lang="fr_BE").subject = "Merci pour {{ object.amount }}"
        self.brand.write({"refund_template_id": template.id, "receipt_template_id": receipt.id})
        account = self.make_account(
            "Anne", reseller_id=self.agent.id, email="anna@customer.example", lang="fr_BE"
        )
        self.take_calls([self.call(account)])
        self.invoice = self.bill(accounts=account)
        self.received(self.run_sending_job)
        message = self.received(self.send_receipt, "mass_mail")
        self.assertTrue(message["subject"].startswith("Merci pour"))
        message = self.received(self.send_credit_note)
        self.assertEqual(message["subject"], f"Avoir {self.credit.name}")
        # the reseller's profile names no text of the one above
        lower = self.make_reseller("Lower", "agent", reseller_id=self.agent.id)
        copied = lower._create_billing_profile()
        for name in ("refund_template_id", "receipt_template_id", "report_layout_id", "favicon"):
            self.assertFalse(copied[name])
        self.assertFalse(copied.portal_domain)

    def test_what_a_profile_takes(self):
        self.dress()
        self.assertEqual(self.brand.portal_domain, "https://portal.brightline.example")
        icon = Image.open(io.BytesIO(base64.b64decode(self.brand.favicon)))
        self.assertEqual(icon.format, "ICO")
        with self.assertRaisesRegex(UserError, "not a picture"):
            self.brand.favicon = base64.b64encode(b"<html>no picture</html>")
        for wrong in (
            "portal.brand.example",
            "http://portal.brand.example",
            "https://portal.brand.example/my",
            "https://user@portal.brand.example",
            "https://portal.brand.example?a",
            "javascript://brand.example",
        ):
            with (
                self.subTest(wrong),
                self.assertRaisesRegex(ValidationError, "address of a portal"),
            ):
                self.brand.portal_domain = wrong
        for wrong in ("red", "#12345", "#123456; background: url(x)"):
            with self.subTest(wrong), self.assertRaisesRegex(ValidationError, "not a colour"):
                self.brand.primary_color = wrong
        self.dress()
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError),
            self.env.cr.savepoint(),
        ):
            self.profile.portal_domain = "https://portal.brightline.example"
            self.env.flush_all()


@tagged("post_install", "-at_install")
class TestIssuerLogo(HttpCase):
    def test_only_who_has_the_address_sees_a_logo(self):
        company = self.env["res.company"].create({"name": "Telco"})
        profile = company.billing_profile_id
        profile.write({"brand_name": "Bright", "logo": picture("blue")})
        issuer = profile._issuer("en_US")
        response = self.url_open(issuer._logo_url().removeprefix(issuer.get_base_url()))
        self.assertEqual(response.status_code, 200)
        self.assertEqual(Image.open(io.BytesIO(response.content)).size, (60, 20))
        for wrong in (issuer.id, issuer.digest[:-1], "x"):
            response = self.url_open(f"/telecom/logo/{wrong}")
            self.assertEqual(response.status_code, 404)


class TestOthers(WhiteLabelCase):
    """Whatever is no telecom account's is as Odoo has it."""

    VIEWS = (
        "mail_notification_layout",
        "mail_notification_light",
        "minimal_layout",
        "report_invoice_document_issuer",
        "report_payment_receipt",
        "report_payment_receipt_document",
    )

    def test_mails_and_documents_of_others_are_odoos_own(self):
        partner = self.env["res.partner"].create(
            {"name": "Bob", "email": "anna@customer.example", "lang": "en_US"}
        )
        self.invoice = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": partner.id,
                "invoice_date": "2025-04-01",
                "invoice_line_ids": [
                    (0, 0, {"name": "Consulting", "quantity": 1, "price_unit": 100})
                ],
            }
        )
        self.invoice.action_post()
        as_it_is = [self.received(self.send_invoice, self.invoice)]
        as_it_is += [self.received(self.send_receipt, mode) for mode in ("comment", "mass_mail")]
        as_it_is += [self.received(self.write_to, partner, partner)]
        as_it_is += [self.received(self.invite, partner)]
        documents = [
            ("account.account_invoices", self.invoice),
            ("account.action_report_payment_receipt", self.payment),
        ]
        printed = [self.rendered(*document) for document in documents]
        for message in as_it_is:
            self.assertIn("canarytelco", str(message["from"]).lower())
        self.assertIn("CanaryTelco", as_it_is[0]["subject"])
        self.assertIn("Powered by", as_it_is[1].get_body(("html",)).get_content())
        self.assertIn("/logo.png?company=", as_it_is[1].get_body(("html",)).get_content())
        (pdf,) = self.pdfs(as_it_is[0])
        reader = PdfFileReader(io.BytesIO(pdf.get_payload(decode=True)))
        self.assertFalse(reader.metadata.get("/Author"))

        # without this module's changes it would be the same
        for name in self.VIEWS:
            self.env.ref(f"telecom_billing.{name}").active = False
        self.assertEqual(
            [self.plain(self.rendered(*document)) for document in documents],
            [self.plain(text) for text in printed],
        )
        without = [self.received(self.send_receipt, mode) for mode in ("comment", "mass_mail")]
        without += [self.received(self.write_to, partner, partner)]
        for message, odoos in zip(as_it_is[1:], without, strict=False):
            self.assertEqual(self.text(message), self.text(odoos))

    def plain(self, text):
        return re.sub(r"\s+", " ", text)

    def text(self, message):
        content = message.get_body(("html",)).get_content()
        # tokens are made anew each time
        return re.sub(r"\s+", " ", re.sub(r"(token|message_id|hash|pid)=[^&\"]+", "", content))
