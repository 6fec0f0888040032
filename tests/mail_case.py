"""Mail as received: a real SMTP server on the loopback interface, for tests."""

import email.policy
import socket
import unittest
from email import message_from_bytes
from unittest.mock import patch

from odoo.tests import tagged

from .common import TelecomCommon

try:
    from aiosmtpd.controller import Controller
except ImportError:  # a tool of developers, not needed to install the module
    Controller = None


class Mailbox:
    """Keeps what an SMTP server on the loopback interface is given."""

    def __init__(self):
        self.messages = []

    async def handle_DATA(self, _server, _session, envelope):
        message = message_from_bytes(envelope.content, policy=email.policy.default)
        self.messages.append((envelope.rcpt_tos, message))
        return "250 Accepted"

    def to(self, address):
        return [message for recipients, message in self.messages if address in recipients]


@unittest.skipUnless(Controller, "needs aiosmtpd")
@tagged("post_install", "-at_install")
class MailCase(TelecomCommon):
    """Odoo sends what it sends to `mailbox`."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mailbox = Mailbox()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        cls.server = Controller(cls.mailbox, hostname="127.0.0.1", port=port)
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)
        cls.env["ir.mail_server"].search([]).active = False
        cls.env["ir.mail_server"].create(
            {
                "name": "loopback",
                "smtp_host": "127.0.0.1",
                "smtp_port": port,
                "smtp_encryption": "none",
            }
        )
        # Odoo sends nothing in tests unless told to
        patcher = patch.object(
            cls.registry["ir.mail_server"], "_disable_send", classmethod(lambda cls: False)
        )
        patcher.start()
        cls.addClassCleanup(patcher.stop)

    def setUp(self):
        super().setUp()
        self.mailbox.messages.clear()

    def run_sending_job(self):
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
