from freezegun import freeze_time
from lxml import html
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tools import mute_logger

from ..models.failures import responsible
from .mail_case import MailCase


class ReminderCase(MailCase):
    """Invoices of 1 April 2025, due on the 15th, and the job that reminds of them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"email": "billing@telco.example", "phone": "+32 2 555 00 00"})

    def rule(self, days, moment="after", made="2025-03-01", **vals):
        """Return a rule of the company's profile."""
        with freeze_time(made):
            return self.env["telecom.reminder.rule"].create(
                {"profile_id": self.profile.id, "days": days, "moment": moment, **vals}
            )

    def customer(self, name, calls=1, **vals):
        """Return an account with an address and calls of 5 cents before taxes."""
        vals.setdefault("email", f"{name.lower().replace(' ', '.')}@customer.example")
        account = self.make_account(name, **vals)
        self.take_calls([self.call(account, seconds=60) for _i in range(calls)])
        return account

    def invoice(self, name, **vals):
        """Return the invoice of a new account."""
        account = self.customer(name, **vals)
        return self.bill(accounts=account)

    def run_job(self, day, hour="10:00:00"):
        """Run the cron job at a moment, and Odoo's own that sends mail.

        :param str day: ISO date
        :return: the mails that were received meanwhile
        """
        before = len(self.mailbox.messages)
        job = self.env.ref("telecom_billing.ir_cron_reminders")
        with freeze_time(f"{day} {hour}"):
            job.ir_actions_server_id.with_user(job.user_id).run()
            self.env["mail.mail"].process_email_queue()
        self.env.invalidate_all()
        return [message for _to, message in self.mailbox.messages[before:]]

    def pay(self, move, amount=None, day="2025-04-20"):
        vals = {"payment_date": day, **({"amount": amount} if amount else {})}
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        ).create(vals)._create_payments()

    def text(self, message):
        """Return the words of a mail as received."""
        part = message.get_body(("html",))
        return " ".join(html.fromstring(part.get_content()).text_content().split())

    def states(self, move):
        """Return {days of the rule, below zero before the due date: state}."""
        return {r.rule_id.shift: r.state for r in move.telecom_reminder_ids}


class TestReminders(ReminderCase):
    def test_before_on_and_after_the_due_date_once_each(self):
        for days, moment in ((3, "before"), (0, "on"), (7, "after")):
            self.rule(days, moment)
        move = self.invoice("Anna")
        self.assertEqual(str(move.invoice_date_due), "2025-04-15")
        received = {}
        for number in range(10, 31):
            day = f"2025-04-{number}"
            for hour in ("09:00:00", "10:00:00"):
                for message in self.run_job(day, hour):
                    received.setdefault(day, []).append(message)
        self.assertEqual(list(received), ["2025-04-12", "2025-04-15", "2025-04-22"])
        self.assertEqual([len(messages) for messages in received.values()], [1, 1, 1])
        self.assertEqual(self.states(move), {-3: "sent", 0: "sent", 7: "sent"})
        self.assertEqual(move.telecom_reminder_count, 3)

        (message,) = received["2025-04-22"]
        self.assertEqual(message["to"].addresses[0].addr_spec, "anna@customer.example")
        self.assertEqual(message["from"].addresses[0].addr_spec, "billing@telco.example")
        self.assertEqual(message["subject"], f"Payment reminder: {move.name}")
        text = self.text(message)
        for part in (
            "Dear Anna",
            move.name,
            "04/15/2025",
            "0.06",
            "is overdue since",
            "Telco",
            move.payment_reference,
        ):
            self.assertIn(part, text)
        self.assertNotIn("Odoo", text)
        link = f"/my/invoices/{move.id}?access_token={move.access_token}"
        self.assertIn(link, message.get_body(("html",)).get_content())
        self.assertIn("is due on", self.text(received["2025-04-12"][0]))
        # the customer reads them in the portal, too, but not the notes about them
        shown = [html.fromstring(m.body).text_content() for m in move.website_message_ids]
        self.assertEqual(len([body for body in shown if "Dear Anna" in body]), 3)
        self.assertFalse([body for body in shown if "sent to" in body])

        sent = move.telecom_reminder_ids.filtered(lambda r: r.rule_id.shift == 7)
        self.assertEqual(str(sent.day), "2025-04-22")
        self.assertEqual(str(sent.due_date), "2025-04-15")
        self.assertEqual(sent.amount, move.amount_residual)
        self.assertEqual(sent.email, "anna@customer.example")
        notes = move.message_ids.filtered(lambda m: "7 days after the due date" in (m.body or ""))
        self.assertEqual(len(notes), 1)

    def test_no_rules_no_mail(self):
        self.invoice("Anna")
        self.assertFalse(self.run_job("2025-05-15"))

    def test_the_database_lets_a_reminder_be_sent_once(self):
        rule = self.rule(7)
        move = self.invoice("Anna")
        reminders = self.env["telecom.reminder"]
        self.assertTrue(reminders._claim(move, rule, "sent"))
        # what a second job that knows nothing of the first would do
        self.assertFalse(reminders._claim(move, rule, "sent"))
        self.assertFalse(reminders._claim(move, rule, "failed"))
        self.assertFalse(self.run_job("2025-04-22"))

    def test_who_is_not_reminded(self):
        self.rule(1)
        self.rule(2)
        names = ("Paid", "Disputed", "Excluded", "Friend", "Draft", "Reversed", "Open", "Cancelled")
        moves = {name: self.invoice(name) for name in names}
        self.pay(moves["Paid"], day="2025-04-10")
        moves["Disputed"].telecom_disputed = True
        moves["Excluded"].telecom_no_reminder = True
        moves["Friend"].partner_id.telecom_no_reminder = True
        moves["Draft"].button_draft()
        moves["Cancelled"].button_draft()
        moves["Cancelled"].button_cancel()
        self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=moves["Reversed"].ids
        ).create({"journal_id": moves["Reversed"].journal_id.id}).modify_moves()
        self.assertEqual(moves["Reversed"].payment_state, "reversed")
        self.assertEqual(len(self.run_job("2025-04-16")), 1)
        self.assertEqual(len(self.mailbox.to("open@customer.example")), 1)
        # a dispute that is over
        moves["Disputed"].telecom_disputed = False
        self.pay(moves["Open"])
        self.assertEqual(len(self.run_job("2025-04-17")), 1)
        self.assertEqual(len(self.mailbox.to("disputed@customer.example")), 1)
        self.assertEqual(self.states(moves["Disputed"]), {1: "skipped", 2: "sent"})

    def test_what_is_part_paid(self):
        self.rule(1)
        move = self.invoice("Anna", calls=100)
        self.assertEqual(move.amount_total, 6.05)
        self.pay(move, amount=5.0)
        (message,) = self.run_job("2025-04-16")
        self.assertIn("1.05", self.text(message))
        self.assertNotIn("6.05", self.text(message))

    def test_the_day_is_that_of_the_account_and_begins_with_the_issuers_hour(self):
        """On 15 April it is 8 o'clock in Auckland at 20:00 UTC of the 14th, in Honolulu at 18:00
        of the 15th; midnight is eight hours earlier."""
        self.rule(0, "on")
        for sent_from, moments in (
            (8, ("2025-04-14 19:30", "2025-04-14 20:30", "2025-04-15 17:30", "2025-04-15 18:30")),
            (0, ("2025-04-14 11:30", "2025-04-14 12:30", "2025-04-15 09:30", "2025-04-15 10:30")),
        ):
            self.profile.reminder_hour = sent_from
            for zone in ("Auckland", "Honolulu"):
                self.invoice(f"{zone} {sent_from}", billing_tz=f"Pacific/{zone}")
            addresses = (None, f"auckland.{sent_from}", None, f"honolulu.{sent_from}")
            for moment, address in zip(moments, addresses, strict=True):
                messages = self.run_job(*f"{moment}:00".split())
                self.assertEqual(len(messages), 1 if address else 0, moment)
                if address:
                    self.assertIn(address, messages[0]["to"])

    def test_an_hour_of_the_day(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self.profile.reminder_hour = 24
            self.env.flush_all()

    def test_several_invoices_in_one_mail(self):
        self.rule(5)
        account = self.customer("Anna")
        first = self.bill(accounts=account)
        self.take_calls([self.call(account, start="2025-04-10 10:00:00", seconds=120)])
        second = self.bill("2025-05-01", accounts=account)
        second.invoice_date_due = first.invoice_date_due
        other = self.invoice("Ben")
        messages = self.run_job("2025-04-20")
        self.assertEqual(len(messages), 2)
        (message,) = self.mailbox.to("anna@customer.example")
        text = self.text(message)
        self.assertIn("0.18", text)
        for move in first + second:
            self.assertIn(move.name, message["subject"])
            self.assertIn(move.name, text)
            self.assertIn(f"/my/invoices/{move.id}?", message.get_body(("html",)).get_content())
            self.assertEqual(self.states(move), {5: "sent"})
            self.assertTrue(move.message_ids.filtered(lambda m: "Reminder" in (m.body or "")))
        self.assertEqual(self.states(other), {5: "sent"})

    def test_each_invoice_in_a_mail_of_its_own(self):
        self.rule(5, is_grouped=False)
        account = self.customer("Anna")
        first = self.bill(accounts=account)
        self.take_calls([self.call(account, start="2025-04-10 10:00:00")])
        second = self.bill("2025-05-01", accounts=account)
        second.invoice_date_due = first.invoice_date_due
        self.assertEqual(len(self.run_job("2025-04-20")), 2)

    def test_what_is_due_and_what_is_overdue_are_not_in_one_mail(self):
        self.rule(3, "before")
        self.rule(7)
        account = self.customer("Anna")
        first = self.bill(accounts=account)
        self.take_calls([self.call(account, start="2025-04-10 10:00:00")])
        second = self.bill("2025-05-01", accounts=account)
        first.invoice_date_due, second.invoice_date_due = "2025-05-01", "2025-05-11"
        messages = self.run_job("2025-05-08")
        self.assertEqual(
            sorted("overdue" in self.text(message) for message in messages), [False, True]
        )

    def test_language_template_invoice_address_and_sender(self):
        self.env["res.lang"]._activate_lang("fr_BE")
        template = self.env.ref("telecom_billing.mail_template_reminder").copy(
            {
                "name": "Stern",
                "subject": "Pay now",
                "body_html": "<p>Pay <t t-out='object.name'/></p>",
            }
        )
        template.with_context(lang="fr_BE").write(
            {"subject": "Payez", "body_html": "<p>Payez <t t-out='object.name'/></p>"}
        )
        self.rule(7, template_id=template.id)
        self.profile.write(
            {"sender": "Dunning <dunning@telco.example>", "reply_to": "help@telco.example"}
        )
        move = self.invoice("Luc", lang="fr_BE")
        self.env["res.partner"].create(
            {
                "parent_id": move.partner_id.id,
                "type": "invoice",
                "name": "Books",
                "email": "books@customer.example",
            }
        )
        (message,) = self.run_job("2025-04-22")
        self.assertEqual(message["subject"], "Payez")
        self.assertEqual(self.text(message), f"Payez {move.name}")
        self.assertIn("books@customer.example", message["to"])
        self.assertIn("dunning@telco.example", message["from"])
        self.assertIn("help@telco.example", message["reply-to"])

    def test_in_the_name_of_the_brand(self):
        self.rule(7)
        self.profile.write({"brand_name": "Bright", "details": "<p>1 Bright Lane</p>"})
        self.invoice("Anna")
        (message,) = self.run_job("2025-04-22")
        text = self.text(message)
        self.assertIn("Bright 1 Bright Lane", text)
        self.assertNotIn("Telco", text)
        self.assertNotIn("555 00 00", text)

    def test_instalments(self):
        """The reminder counts from the earliest instalment that is not paid."""
        self.rule(2)
        self.profile.payment_term_id = self.env["account.payment.term"].create(
            {
                "name": "half and half",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": days})
                    for days in (10, 40)
                ],
            }
        )
        late = self.invoice("Late", calls=100)
        half = self.invoice("Half", calls=100)
        self.assertEqual(str(late.invoice_date_due), "2025-05-11")
        first = half.line_ids.filtered("date_maturity").sorted("date_maturity")[0]
        self.pay(half, amount=first.amount_currency, day="2025-04-05")
        (message,) = self.run_job("2025-04-13")
        self.assertIn("late@", message["to"])
        self.assertIn("04/11/2025", self.text(message))
        self.assertEqual(late.telecom_reminder_ids.amount, first.amount_currency)
        (message,) = self.run_job("2025-05-13")
        self.assertIn("half@", message["to"])
        self.assertIn("05/11/2025", self.text(message))

    def test_catching_up_mails_only_the_latest(self):
        for days, moment in ((3, "before"), (0, "on"), (7, "after"), (14, "after")):
            self.rule(days, moment)
        move = self.invoice("Anna")
        self.assertEqual(len(self.run_job("2025-04-25")), 1)
        self.assertEqual(self.states(move), {-3: "skipped", 0: "skipped", 7: "sent"})
        self.assertFalse(self.run_job("2025-04-26"))
        self.assertEqual(len(self.run_job("2025-04-29")), 1)

    def test_a_new_rule_does_not_look_back(self):
        move = self.invoice("Anna")
        self.rule(1, made="2025-04-21")
        self.assertFalse(self.run_job("2025-04-21"))
        self.rule(3, made="2025-04-21")
        self.assertEqual(len(self.run_job("2025-04-21")), 1)
        self.assertEqual(self.states(move), {3: "sent"})
        # one for a day before what was sent comes too late
        self.rule(2, made="2025-04-19")
        self.assertFalse(self.run_job("2025-04-22"))
        self.assertEqual(self.states(move), {2: "skipped", 3: "sent"})

    def test_a_rule_that_is_changed_or_taken_up_again_begins_anew(self):
        rule = self.rule(20)
        self.invoice("Anna")
        with freeze_time("2025-05-20"):
            rule.days = 1
            self.assertEqual(str(rule.since), "2025-05-20")
        self.assertFalse(self.run_job("2025-05-20"))
        rule.active = False
        with freeze_time("2025-06-20"):
            rule.write({"active": True, "since": "2025-01-01"})
            self.assertEqual(str(rule.since), "2025-06-20")
            rule.sequence = 3
        self.assertFalse(self.run_job("2025-06-20"))

    def test_one_failure_stops_nobody_and_is_tried_again_the_next_day(self):
        self.rule(7)
        silent = self.invoice("Silent", email=False)
        self.invoice("Anna")
        self.assertEqual(len(self.run_job("2025-04-22", "09:00:00")), 1)
        self.assertEqual(self.states(silent), {7: "failed"})
        self.assertIn("no valid e-mail address", silent.telecom_reminder_ids.error)
        activity = silent.activity_ids
        self.assertEqual(activity.user_id, responsible(silent))
        self.assertIn("Silent", activity.note)
        silent.partner_id.email = "silent@customer.example"
        self.assertFalse(self.run_job("2025-04-22", "11:00:00"))
        self.assertEqual(len(self.run_job("2025-04-23")), 1)
        self.assertEqual(self.states(silent), {7: "sent"})
        self.assertFalse(silent.telecom_reminder_ids.error)
        self.assertFalse(silent.activity_ids)

    def test_a_template_that_cannot_be_rendered(self):
        template = self.env.ref("telecom_billing.mail_template_reminder").copy(
            {"body_html": "<p><t t-out='1 // (object.partner_id.color - 1)'/></p>"}
        )
        self.rule(7, template_id=template.id)
        bad = self.invoice("Bad", color=1)
        good = self.invoice("Good")
        self.assertEqual(len(self.run_job("2025-04-22")), 1)
        self.assertEqual(self.states(good), {7: "sent"})
        self.assertEqual(self.states(bad), {7: "failed"})
        self.assertIn("ZeroDivisionError", bad.telecom_reminder_ids.error)
        self.assertNotIn("Traceback", bad.telecom_reminder_ids.error)
        # said once, however often it fails
        self.run_job("2025-04-23")
        self.assertEqual(len(bad.activity_ids), 1)
        notes = bad.message_ids.filtered(lambda m: "not sent" in (m.body or ""))
        self.assertEqual(len(notes), 1)
        # what is paid meanwhile needs nobody's attention
        self.pay(bad)
        self.assertFalse(bad.activity_ids)
        self.assertEqual(self.states(bad), {7: "skipped"})

    def test_a_mail_that_no_server_takes(self):
        self.rule(7)
        move = self.invoice("Anna")
        server = self.env["ir.mail_server"].search([])
        port = server.smtp_port
        server.smtp_port = 1
        self.assertFalse(self.run_job("2025-04-22", "09:00:00"))
        server.smtp_port = port
        self.assertFalse(self.run_job("2025-04-22", "10:00:00"))
        self.assertEqual(self.states(move), {7: "failed"})
        self.assertTrue(move.activity_ids)
        self.assertEqual(len(self.run_job("2025-04-23")), 1)
        self.assertEqual(self.states(move), {7: "sent"})
        self.assertFalse(move.activity_ids)

    def test_rules_that_are_refused(self):
        rule = self.rule(7)
        with self.assertRaises(ValidationError):
            self.rule(3, "before", suspend=True)
        with self.assertRaises(ValidationError):
            rule.template_id = self.env["mail.template"].create(
                {"name": "x", "model_id": self.env.ref("base.model_res_partner").id}
            )
        self.rule(8).unlink()
        self.invoice("Anna")
        self.run_job("2025-04-22")
        with self.assertRaisesRegex(UserError, "archive it"):
            rule.unlink()

    def test_only_managers_exclude_customers(self):
        account = self.make_account("Anna")
        user = self.make_user("clerk", "telecom_billing.group_user,base.group_partner_manager")
        manager = self.make_user("boss", "telecom_billing.group_manager")
        for name in ("telecom_no_reminder", "telecom_suspended"):
            with self.assertRaises(AccessError):
                account.with_user(user)[name] = True
            account.with_user(manager)[name] = True
