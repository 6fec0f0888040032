"""What a customer of a reseller receives, and a provider whose names stand nowhere else."""

import ast
import io

from freezegun import freeze_time
from lxml import html

from odoo.tests import tagged
from odoo.tools.pdf import PdfFileReader

from .mail_case import MailCase
from .test_invoice_issuer import picture

CANARIES = (
    "canarytelco",
    "nightingale",
    "99 99 99",
    "0477472701",
    "canary-site",
    "canary-server",
    "canary clerk",
    "odoo",
)
# whatever shows a company of the database
COMPANY_PICTURES = ("/logo.png", "/web/image/res.company", "/web/binary/company_logo")
# what the receiving program adds, and what names the computer that sends
TRACES = ("received", "message-id", "references", "x-peer", "x-mailfrom", "x-rcptto")


@tagged("post_install", "-at_install")
class WhiteLabelCase(MailCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # the style sheets of PDFs come from this server all the same
        parameters = cls.env["ir.config_parameter"]
        parameters.set_param("report.url", parameters.get_param("web.base.url"))
        parameters.set_param("web.base.url", "https://canary-server.example")
        cls.company.write(
            {
                "name": "CanaryTelco",
                "email": "billing@canarytelco.example",
                "phone": "+32 2 999 99 99",
                "website": "https://canary-site.example",
                "logo": picture("red"),
                "vat": "BE0477472701",
                "primary_color": "#ff0000",
                "secondary_color": "#ee0000",
            }
        )
        cls.company.partner_id.write({"street": "Nightingale street 1", "city": "Brussels"})
        cls.profile.write(
            {
                "sender": "CanaryTelco <billing@canarytelco.example>",
                "reply_to": "help@canarytelco.example",
                "note": "Ask CanaryTelco",
            }
        )
        cls.company.invoice_terms = "Terms of CanaryTelco"
        cls.env["ir.config_parameter"].set_param("account.use_invoice_terms", True)
        cls.env.user.write({"name": "Canary Clerk", "email": "clerk@canarytelco.example"})
        cls.env.user.signature = "<p>Canary Clerk of CanaryTelco</p>"
        cls.agent = cls.make_reseller("Brightline", "agent", street="Sun lane 7", city="Antwerp")
        cls.brand = cls.agent._create_billing_profile()
        cls.brand.send_mail = True

    def dress(self):
        """Give the reseller all that a profile can say of it."""
        self.agent.write(
            {
                "email": "hello@brightline.example",
                "phone": "+32 3 111 11 11",
                "website": "https://brightline.example",
            }
        )
        self.brand.write(
            {
                "brand_name": "Brightline Phones",
                "logo": picture("blue"),
                "favicon": picture("blue"),
                "report_layout_id": self.env.ref("web.report_layout_bold").id,
                "primary_color": "#0044cc",
                "secondary_color": "#00aa55",
                "annex": "both",
                "font": "Roboto",
                "sender": "Brightline Billing <billing@brightline.example>",
                "reply_to": "care@brightline.example",
                "portal_domain": "https://Portal.Brightline.example/",
            }
        )

    # === WHAT A CUSTOMER RECEIVES ===

    def all_documents(self):
        """Return the mails that a customer of the reseller gets, by what they are."""
        account = self.make_account(
            "Anna", reseller_id=self.agent.id, email="anna@customer.example", lang="en_US"
        )
        self.take_calls([self.call(account)])
        with freeze_time("2025-03-01"):
            self.env["telecom.reminder.rule"].create(
                {"profile_id": self.brand.id, "days": 7, "moment": "after"}
            )
        self.invoice = self.bill(accounts=account)
        received = {"invoice": self.received(self.run_sending_job)}
        received["reminder"] = self.received(self.run_reminders)
        received["receipt"] = self.received(self.send_receipt, "comment")
        received["receipts"] = self.received(self.send_receipt, "mass_mail")
        received["credit note"] = self.received(self.send_credit_note)
        received["chatter"] = self.received(self.write_to, self.invoice, account)
        received["contact"] = self.received(self.write_to, account, account)
        received["invitation"] = self.received(self.invite, account)
        user = account.user_ids
        received["password"] = self.received(user.action_reset_password)
        received["security"] = self.received(
            user._notify_security_setting_update, "Password changed", "It was changed."
        )
        return received

    def received(self, send, *args):
        """Return the one mail that the customer gets by this."""
        before = len(self.mailbox.to("anna@customer.example"))
        send(*args)
        self.env["mail.mail"].process_email_queue()
        (message,) = self.mailbox.to("anna@customer.example")[before:]
        return message

    def run_reminders(self):
        job = self.env.ref("telecom_billing.ir_cron_reminders")
        with freeze_time("2025-04-22 10:00:00"):
            job.ir_actions_server_id.with_user(job.user_id).run()
        self.assertEqual(self.invoice.telecom_reminder_ids.mapped("error"), [False])

    def send_receipt(self, mode):
        if not self.invoice.matched_payment_ids:
            self.env["account.payment.register"].with_context(
                active_model="account.move", active_ids=self.invoice.ids
            ).create({})._create_payments()
        payment = self.payment = self.invoice.matched_payment_ids
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account.account_send_payment_receipt_by_email_action"
            + ("_multi" if mode == "mass_mail" else "")
        )
        context = {**self.env.context, **ast.literal_eval(action["context"])}
        context |= {"active_model": "account.payment", "active_ids": payment.ids}
        context |= {"active_id": payment.id, "force_report_rendering": True}
        with self.allow_pdf_render():
            composer = self.env["mail.compose.message"].with_context(**context).create({})
            composer._action_send_mail()

    def send_credit_note(self):
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=self.invoice.ids)
            .create({"reason": "test", "journal_id": self.invoice.journal_id.id})
        )
        wizard.refund_moves()
        self.credit = wizard.new_move_ids
        self.credit.action_post()
        self.send_invoice(self.credit)

    def send_invoice(self, move):
        send = self.env["account.move.send"].with_context(force_report_rendering=True)
        with self.allow_pdf_render():
            send._generate_and_send_invoices(move)

    def write_to(self, record, account):
        record.message_post(
            body="A word about it",
            partner_ids=account.ids,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
        )

    def invite(self, account):
        self.company.partner_id.email = "billing@canarytelco.example"
        wizard = (
            self.env["portal.wizard"]
            .with_context(active_ids=account.ids, active_model="res.partner")
            .create({})
        )
        wizard.user_ids.action_grant_access()

    # === WHAT IS IN IT ===

    def pdfs(self, message):
        return [part for part in message.walk() if part.get_content_type() == "application/pdf"]

    def everything(self, message):
        """Return all that can be read in a mail, part by part: (where, text)."""
        for name, value in message.items():
            if name.lower() not in TRACES:
                yield name, f"{name}: {value}"
        for part in message.walk():
            for name, value in part.items():
                if part is not message:
                    yield name, f"{value} {part.get_filename()}"
            if part.get_content_maintype() == "text":
                yield part.get_content_type(), part.get_content()
            elif part.get_content_type() == "application/pdf":
                reader = PdfFileReader(io.BytesIO(part.get_payload(decode=True)))
                yield "PDF", " ".join(page.extract_text() for page in reader.pages)
                yield "PDF metadata", str(dict(reader.metadata))

    def assertNamesNobodyAbove(self, what, message):
        for where, text in self.everything(message):
            found = " ".join(text.split()).lower()
            for canary in (*CANARIES, *COMPANY_PICTURES):
                at = found.find(canary)
                context = found[max(at - 60, 0) : at + 60]
                self.assertEqual(at, -1, f"{what}, {where}: {context}")

    def links(self, message):
        content = message.get_body(("html",)).get_content()
        root = html.fromstring(content)
        return root.xpath("//@href") + root.xpath("//@src")

    def rendered(self, xml_id, records):
        content, _type = self.env["ir.actions.report"]._render_qweb_html(xml_id, records.ids)
        return content.decode()
