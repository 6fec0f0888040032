import contextlib
import io
import socket
import zipfile
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools.pdf import PdfFileReader

from ..models.billing_closing import PeriodCloser
from .mail_case import Controller, Mailbox, MailCase


@tagged("post_install", "-at_install")
class TestInvoiceMail(MailCase):
    """Invoices leave through Odoo's sending job and a real SMTP server."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"email": "billing@telco.example"})
        cls.profile.send_mail = True
        cls.env["res.lang"]._activate_lang("fr_BE")

    def customer(self, name, **vals):
        account = self.make_account(name, **vals)
        self.take_calls([self.call(account)])
        return account

    def test_each_account_once_and_in_its_language(self):
        template = self.env.ref("account.email_template_edi_invoice").copy(
            {"subject": "Your invoice {{ object.name }}"}
        )
        template.with_context(lang="fr_BE").subject = "Votre facture {{ object.name }}"
        self.profile.mail_template_id = template
        anna = self.customer("Anna", email="anna@customer.example", lang="en_US")
        luc = self.customer("Luc", email="luc@customer.example", lang="fr_BE")
        nobody = self.customer("Nobody")
        moves = self.bill()
        self.assertEqual(len(moves), 3)
        self.assertTrue(all(moves.mapped("sending_data")))
        self.run_sending_job()
        self.run_sending_job()

        for account, subject in ((anna, "Your invoice"), (luc, "Votre facture")):
            invoice = moves.filtered(lambda move, account=account: move.partner_id == account)
            (message,) = self.mailbox.to(account.email)
            self.assertEqual(message["subject"], f"{subject} {invoice.name}")
            self.assertIn("billing@telco.example", message["from"])
            (pdf,) = [part for part in message.walk() if part.get_filename()]
            self.assertEqual(pdf.get_content_type(), "application/pdf")
            self.assertIn(invoice.name.replace("/", "_"), pdf.get_filename())
            self.assertTrue(pdf.get_payload(decode=True).startswith(b"%PDF"))
            self.assertEqual(pdf.get_payload(decode=True), invoice.invoice_pdf_report_id.raw)
            self.assertTrue(invoice.is_move_sent)
        self.assertEqual(len(self.mailbox.messages), 2)

        # the one without an address has its PDF, and somebody is told
        invoice = moves.filtered(lambda move: move.partner_id == nobody)
        self.assertTrue(invoice.invoice_pdf_report_id)
        self.assertEqual(len(invoice.activity_ids), 1)
        self.assertIn("Nobody", invoice.activity_ids.note)
        notes = invoice.message_ids.filtered(lambda message: "Not sent" in (message.body or ""))
        self.assertEqual(len(notes), 1)

    def test_calls_as_a_file_with_the_mail(self):
        """Two calls from Brussels, where it is an hour later than in UTC; one to a bad name."""
        self.profile.annex = "csv"
        account = self.make_account("Anna", email="anna@customer.example", lang="en_US")
        self.card.rate_ids = [
            Command.create({"prefix": "44", "destination": "=1+1", "price_per_minute": 0.0033})
        ]
        self.take_calls(
            [
                self.call(account, start="2025-03-10 23:30:00"),
                self.call(account, "442079460000", start="2025-03-11 10:00:00", src="+3227880100"),
            ]
        )
        quiet = self.make_account("No Calls", email="quiet@customer.example")
        self.add_service(quiet, self.make_product("Line"))
        moves = self.bill()
        invoice = moves.filtered(lambda move: move.partner_id == account)
        settings = self.env["account.move.send"]._get_default_sending_settings(invoice)
        number = invoice.name.replace("/", "_")
        self.assertIn(
            f"Calls {number}.csv", [each["name"] for each in settings["mail_attachments_widget"]]
        )
        self.run_sending_job()
        (message,) = self.mailbox.to("anna@customer.example")
        files = {part.get_filename(): part for part in message.walk() if part.get_filename()}
        self.assertEqual(len(files), 2)
        part = files[f"Calls {number}.csv"]
        self.assertEqual(part.get_content_type(), "text/csv")
        content = part.get_payload(decode=True)
        self.assertEqual(
            content.decode("utf-8-sig").splitlines(),
            [
                "Date,From,To,Direction,Destination,Seconds,Free Seconds,Amount,Currency",
                "2025-03-11 00:30:00,3227880100,3225551234,Outbound,Belgium,60,0,0.05,EUR",
                "2025-03-11 11:00:00,3227880100,442079460000,Outbound,'=1+1,60,0,0.0033,EUR",
            ],
        )
        # it stays as it was sent, and is there for download
        self.assertEqual(invoice.telecom_calls_file_id.raw, content)
        action = invoice.action_telecom_calls_file()
        self.assertIn(f"/web/content/account.move/{invoice.id}/telecom_calls_file", action["url"])
        (message,) = self.mailbox.to("quiet@customer.example")
        self.assertEqual(len([part for part in message.walk() if part.get_filename()]), 1)
        # with the same PDF it goes out again when a person sends it again
        self.env["account.move.send"]._generate_and_send_invoices(invoice)
        message = self.mailbox.to("anna@customer.example")[1]
        self.assertEqual({part.get_filename() for part in message.walk()} - {None}, set(files))
        # reset to draft: what was sent is detached, what is sent then is made anew
        invoice.button_draft()
        self.assertFalse(invoice.telecom_calls_file_id)

    def test_many_calls_are_packed(self):
        self.profile.annex = "both"
        account = self.customer("Anna", email="anna@customer.example")
        self.take_calls([self.call(account)])
        invoice = self.bill()
        limit = "odoo.addons.telecom_billing.models.invoice_calls_file.PACK_ROWS"
        with patch(limit, 1):
            self.run_sending_job()
        (message,) = self.mailbox.to("anna@customer.example")
        (packed,) = [
            part for part in message.walk() if part.get_content_type() == "application/zip"
        ]
        number = invoice.name.replace("/", "_")
        self.assertEqual(packed.get_filename(), f"Calls {number}.zip")
        with zipfile.ZipFile(io.BytesIO(packed.get_payload(decode=True))) as archive:
            self.assertEqual(archive.namelist(), [f"Calls {number}.csv"])
            self.assertEqual(len(archive.read(f"Calls {number}.csv").splitlines()), 3)
        # the PDF has them, too
        (pdf,) = [part for part in message.walk() if part.get_content_type() == "application/pdf"]
        text = PdfFileReader(io.BytesIO(pdf.get_payload(decode=True))).pages[-1].extract_text()
        self.assertIn("Itemised Calls", text)

    def test_billing_contacts_get_the_mail_in_the_accounts_stead(self):
        account = self.customer("Anna", email="anna@customer.example")
        for name in ("books", "boss"):
            self.env["res.partner"].create(
                {
                    "name": name,
                    "parent_id": account.id,
                    "type": "invoice",
                    "email": f"{name}@customer.example",
                }
            )
        self.env["res.partner"].create(
            {"name": "no address", "parent_id": account.id, "type": "invoice"}
        )
        other = self.customer("Other", email="other@customer.example")
        self.env["res.partner"].create(
            {"name": "home", "parent_id": other.id, "type": "delivery", "email": "x@y.example"}
        )
        moves = self.bill()
        self.run_sending_job()
        self.assertEqual(
            sorted(address for to, _message in self.mailbox.messages for address in to),
            ["books@customer.example", "boss@customer.example", "other@customer.example"],
        )
        self.assertFalse(moves.activity_ids)

    def test_sent_later_by_hand(self):
        account = self.customer("Late Address")
        invoice = self.bill()
        self.run_sending_job()
        self.assertTrue(invoice.activity_ids)
        account.email = "late@customer.example"
        self.env["account.move.send"]._generate_and_send_invoices(invoice)
        self.assertEqual(len(self.mailbox.to("late@customer.example")), 1)
        self.assertFalse(invoice.activity_ids)

    def test_each_issuer_sends_in_its_own_name_and_by_its_own_server(self):
        other = Mailbox()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = Controller(other, hostname="127.0.0.1", port=port)
        server.start()
        self.addCleanup(server.stop)
        brand = self.profile.copy(
            {
                "name": "Brand",
                "sender": "Brand Billing <billing@brand.example>",
                "reply_to": "help@brand.example",
                "mail_server_id": self.env["ir.mail_server"]
                .create(
                    {
                        "name": "brand",
                        "smtp_host": "127.0.0.1",
                        "smtp_port": port,
                        "smtp_encryption": "none",
                        "sequence": 99,
                    }
                )
                .id,
            }
        )
        self.customer("Ours", email="ours@customer.example")
        self.customer("Theirs", email="theirs@customer.example", billing_profile_id=brand.id)
        self.bill()
        self.run_sending_job()
        (ours,) = self.mailbox.to("ours@customer.example")
        self.assertIn("billing@telco.example", ours["from"])
        (theirs,) = other.to("theirs@customer.example")
        self.assertEqual(theirs["from"].addresses[0].addr_spec, "billing@brand.example")
        self.assertEqual(theirs["from"].addresses[0].display_name, "Brand Billing")
        self.assertIn("help@brand.example", theirs["reply-to"])
        self.assertFalse(self.mailbox.to("theirs@customer.example"))
        self.assertFalse(other.to("ours@customer.example"))
        for wrong in ("nobody", "a@b.example, c@d.example"):
            with self.assertRaisesRegex(ValidationError, "not one e-mail"):
                brand.sender = wrong

    def test_drafts_and_other_profiles_are_not_sent(self):
        self.customer("Draft", email="draft@customer.example")
        self.profile.mode = "draft"
        invoice = self.bill()
        self.assertEqual(invoice.state, "draft")
        self.assertFalse(invoice.sending_data)
        self.profile.write({"mode": "confirmed", "send_mail": False})
        self.customer("Quiet", email="quiet@customer.example")
        self.assertFalse(self.bill("2025-04-01").sending_data)
        self.run_sending_job()
        self.assertFalse(self.mailbox.messages)

    def test_long_annexes_are_sent_apart(self):
        """Ten at a time is Odoo's pace; it stays so where few calls are printed."""
        self.profile.annex = "pdf"
        for name in ("A", "B", "C", "D"):
            self.customer(name, email=f"{name}@customer.example")
        invoices = self.bill()
        limit = "odoo.addons.telecom_billing.models.account_move.ANNEX_LIMIT"
        sent = []

        def keep(_self, moves, **_kwargs):
            sent.append(len(moves))
            moves.sending_data = False

        with (
            patch.object(self.registry["ir.cron"], "_commit_progress", lambda *a, **k: 0),
            patch.object(self.registry["account.move.send"], "_generate_and_send_invoices", keep),
        ):
            with patch(limit, 2):
                self.env["account.move"]._cron_account_move_send()
            with patch(limit, 1):
                self.env["account.move"]._cron_account_move_send()
            invoices[:1].sending_data = {"author_user_id": self.env.uid}
            self.env["account.move"]._cron_account_move_send()
            self.env["account.move"]._cron_account_move_send()
        self.assertEqual(sent, [2, 1, 2])

    def test_queued_in_the_transaction_that_posts(self):
        """A run that is killed later has left no invoice that nobody sends."""
        self.customer("Killed", email="killed@customer.example")
        run = self.env["telecom.billing.run"].create({"until": "2025-04-01"})
        with (
            # assertRaises would take back what was done before, as the run itself would in tests
            contextlib.suppress(KeyboardInterrupt),
            patch.object(PeriodCloser, "_finish", side_effect=KeyboardInterrupt),
        ):
            PeriodCloser(self.env, run).close(self.day("2025-04-01"))
        self.run_sending_job()
        self.assertEqual(len(self.mailbox.to("killed@customer.example")), 1)
