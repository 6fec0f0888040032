import contextlib
import socket
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import tagged

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

    def run_job(self):
        """Run Odoo's sending job until it has nothing left to do, with real PDFs."""
        user = self.env.ref("account.ir_cron_account_move_send").user_id
        moves = self.env["account.move"].with_user(user)
        # the job commits, a test may not; and it makes no PDF in a test unless told to
        with (
            self.allow_pdf_render(),
            patch.object(self.registry["ir.cron"], "_commit_progress", lambda *a, **k: 0),
        ):
            waiting = 1
            while waiting:
                moves.with_context(force_report_rendering=True)._cron_account_move_send(2)
                waiting = moves.search_count(
                    [("sending_data", "!=", False), ("state", "=", "posted")]
                )

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
        self.run_job()
        self.run_job()

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

    def test_sent_later_by_hand(self):
        account = self.customer("Late Address")
        invoice = self.bill()
        self.run_job()
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
        self.run_job()
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
        self.run_job()
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
        self.run_job()
        self.assertEqual(len(self.mailbox.to("killed@customer.example")), 1)
