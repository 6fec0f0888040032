"""Settings of a billing profile that no test of a larger subject would miss."""

import socket

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import tagged

from .mail_case import Controller, Mailbox
from .test_reminders import ReminderCase


@tagged("post_install", "-at_install")
class TestSettingsMatter(ReminderCase):
    """One customer follows the company's profile, one another profile."""

    def brand(self, **vals):
        """Return a profile of a brand with one setting of its own."""
        return self.profile.copy({"name": "Brand", **vals})

    def invoices(self, brand, until="2025-04-01", **vals):
        """Return the invoices of a customer of the company and of one of the brand."""
        accounts = self.customer("Ours", **vals) + self.customer(
            "Theirs", billing_profile_id=brand.id, **vals
        )
        moves = self.bill(until, accounts).sorted(lambda move: move.partner_id.name)
        self.assertEqual(moves.mapped("partner_id.name"), ["Ours", "Theirs"])
        return moves

    def test_product_of_calls(self):
        """Its account has the income, and its taxes are on the calls of who has none assigned."""
        income = self.call_product.with_company(self.company).product_tmpl_id
        income = income.get_product_accounts()["income"]
        other = income.copy({"code": "700999", "name": "Brand calls"})
        tax = self.make_tax(6)
        product = self.env["product.product"].create(
            {
                "name": "Brand calls",
                "type": "service",
                "taxes_id": [Command.set(tax.ids)],
                "property_account_income_id": other.id,
            }
        )
        ours, theirs = self.invoices(self.brand(call_product_id=product.id))
        for move, account, taxes in ((ours, income, self.tax), (theirs, other, tax)):
            line = move.invoice_line_ids.filtered("telecom_destination")
            self.assertEqual((line.account_id, line.tax_ids), (account, taxes))

    def test_journal_without_a_prefix(self):
        journal = self.env["account.journal"].create(
            {
                "name": "Brand",
                "code": "BRND",
                "type": "sale",
                "company_id": self.company.id,
                "sequence": 99,
            }
        )
        ours, theirs = self.invoices(self.brand(journal_id=journal.id))
        self.assertNotEqual(ours.journal_id, journal)
        self.assertEqual((theirs.journal_id, theirs.name), (journal, "BRND/2025/00001"))

    def test_time_zone_of_accounts_without_one(self):
        """31 March 11:00 UTC is midnight of 1 April in Auckland; in Brussels it is noon."""
        brand = self.brand(tz="Pacific/Auckland")
        ours, theirs = (
            self.customer("Ours"),
            self.customer("Theirs", billing_profile_id=brand.id),
        )
        self.assertFalse(self.make_account("Idle").billing_tz)
        with freeze_time("2025-03-31 12:00:00"):
            self.assertEqual(self.bill("2025-04-01", ours + theirs).partner_id, theirs)
        self.assertEqual(theirs.billing_tz, "Pacific/Auckland")
        self.assertEqual(
            str(theirs.billing_period_ids.sorted("start")[0].stop)[5:], "03-31 11:00:00"
        )

    def test_own_number_of_periods_carried(self):
        """The account's invoice waits one period, those by the profile would wait three."""
        rule = {"telecom_no_usage": "carry", "telecom_minimum_amount": 10}
        self.profile.write({"no_usage": "carry", "minimum_amount": 10, "carry_periods": 3})
        own = self.customer("Own", telecom_carry_periods=1, **rule)
        usual = self.customer("Usual")
        self.assertFalse(self.bill("2025-04-01", own + usual))
        self.assertEqual(self.bill("2025-05-01", own + usual).partner_id, own)

    def test_reminders_go_by_the_issuers_mail_server(self):
        other = Mailbox()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = Controller(other, hostname="127.0.0.1", port=port)
        server.start()
        self.addCleanup(server.stop)
        self.rule(7)
        mail_server = self.env["ir.mail_server"].create(
            {
                "name": "brand",
                "smtp_host": "127.0.0.1",
                "smtp_port": port,
                "smtp_encryption": "none",
                "sequence": 99,
            }
        )
        with freeze_time("2025-03-01"):
            brand = self.brand(mail_server_id=mail_server.id)
        self.assertEqual(len(brand.reminder_rule_ids), 1)
        self.invoices(brand)
        self.run_job("2025-04-22")
        self.assertEqual(len(self.mailbox.to("ours@customer.example")), 1)
        self.assertFalse(self.mailbox.to("theirs@customer.example"))
        self.assertEqual(len(other.to("theirs@customer.example")), 1)
        self.assertFalse(other.to("ours@customer.example"))

    def test_an_archived_rule_reminds_nobody(self):
        self.rule(7).active = False
        kept = self.rule(9)
        move = self.invoice("Anna")
        self.assertFalse(self.run_job("2025-04-22"))
        self.assertEqual(len(self.run_job("2025-04-24")), 1)
        self.assertEqual(move.telecom_reminder_ids.rule_id, kept)
