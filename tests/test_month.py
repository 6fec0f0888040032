"""Two months day by day with frozen time, by the real jobs: the figures are those of an independent
calculator (tests/independent_month.py)."""

import re
from collections import Counter
from decimal import Decimal
from unittest.mock import patch

from freezegun import freeze_time

from odoo.fields import Command

from .independent_month import Month
from .mail_case import MailCase
from .month_people import MonthPeople
from .month_world import (
    ACCOUNTS,
    DOLLARS_PER_EURO,
    EVENTS,
    ISSUERS,
    RATES,
    SERVICES,
    calls,
    moments,
)
from .pipeline_laws import PipelineLaws

JOBS = (
    "telecom_billing.ir_cron_rate_pending",
    "telecom_billing.ir_cron_add_recurring_charges",
    "telecom_billing.ir_cron_close_periods",
    "telecom_billing.ir_cron_reminders",
    "account.ir_cron_account_move_send",
    "mail.ir_cron_mail_scheduler_action",
)
# when everything is compared; mails and suspensions are at every moment
CHECKED = {
    *("2025-03-08 02", "2025-03-13 14", "2025-03-20 14", "2025-04-01 14", "2025-04-06 14"),
    *("2025-04-10 14", "2025-04-20 02", "2025-05-02 14"),
}


class TestMonth(MonthPeople, PipelineLaws, MailCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with freeze_time("2025-03-01"):
            cls.make_world()

    # === THE WORLD ===

    @classmethod
    def make_world(cls):
        cls.company.email = ISSUERS["telco"].sender
        groups = ("telecom_billing.group_manager", "account.group_account_manager")
        cls.manager = cls.make_user("boss", ",".join(groups))
        dollar = cls.make_dollar(DOLLARS_PER_EURO)
        cls.cards = {
            name: cls.make_card(
                name.title(),
                [cls.rate(*rate) for rate in rates],
                currency_id=(dollar if name == "dollar" else cls.currency).id,
            )
            for name, rates in RATES.items()
        }
        cls.terms = {}
        cls.accounts = {}
        cls.profile.write(cls.profile_vals(ISSUERS["telco"]))
        cls.add_account(next(terms for terms in ACCOUNTS if terms.name == "bright"))
        bright = cls.accounts["bright"]._create_billing_profile()
        bright.write(cls.profile_vals(ISSUERS["bright"]))
        # a term there, days here
        bright.write({"payment_term_id": cls.term(ISSUERS["bright"].due).id, "due_days": 0})
        cls.profiles = {"telco": cls.profile, "bright": bright}
        for terms in ACCOUNTS:
            if terms.name != "bright":
                cls.add_account(terms)
        for service in SERVICES:
            cls.add_world_service(service)

    @staticmethod
    def rate(prefix, destination, price, fee, first, following):
        more = {"connection_fee": fee, "initial_increment": first, "increment": following}
        return prefix, destination, price, more

    @classmethod
    def term(cls, days):
        if days not in cls.terms:
            line = {"value": "percent", "value_amount": 100, "nb_days": days}
            cls.terms[days] = cls.env["account.payment.term"].create(
                {"name": f"{days} days", "line_ids": [Command.create(line)]}
            )
        return cls.terms[days]

    @classmethod
    def profile_vals(cls, issuer):
        return {
            "mode": issuer.mode,
            "invoice_date_rule": issuer.date_rule,
            "due_days": issuer.due,
            "send_mail": issuer.mail,
            "no_usage": issuer.no_usage,
            "minimum_amount": float(issuer.minimum),
            "carry_periods": issuer.carry_periods,
            "unrated": issuer.unrated,
            "invoice_prefix": issuer.prefix,
            "first_number": issuer.first_number,
            "sender": issuer.sender,
            "reminder_hour": issuer.hour,
            "line_detail": issuer.detail,
            "reminder_rule_ids": [
                Command.clear(),
                *(
                    Command.create(
                        {
                            "days": abs(rule.shift),
                            "moment": ("on", "after", "before")[
                                (rule.shift > 0) - (rule.shift < 0)
                            ],
                            "suspend": rule.suspend,
                            "is_grouped": rule.grouped,
                        }
                    )
                    for rule in issuer.reminders
                ),
            ],
        }

    @classmethod
    def add_account(cls, terms):
        vals = {
            "email": terms.email,
            "rate_card_id": cls.cards[terms.card].id,
            "billing_day": terms.day,
            "billing_cycle": terms.cycle,
            "billing_tz": terms.zone,
            "billing_start": terms.begins,
            "telecom_no_reminder": terms.excluded,
            "telecom_mode": terms.mode,
            "telecom_invoice_date_rule": terms.date_rule,
            "telecom_send_mail": {True: "yes", False: "no", None: False}[terms.mail],
        }
        if terms.name == "bright":
            vals.update(is_reseller=True, reseller_kind="distributor")
        if terms.reseller:
            vals["reseller_id"] = cls.accounts[terms.reseller].id
        if terms.due is not None:
            vals.update(telecom_own_due_days=True, telecom_due_days=terms.due)
        if terms.term is not None:
            vals["property_payment_term_id"] = cls.term(terms.term).id
        if terms.tax is not None:
            vals["telecom_tax_ids"] = [Command.set(cls.make_tax(float(terms.tax)).ids)]
        if terms.no_usage:
            vals.update(
                telecom_no_usage=terms.no_usage,
                telecom_minimum_amount=float(terms.minimum),
                telecom_carry_periods=terms.carry_periods,
            )
        cls.accounts[terms.name] = cls.make_account(terms.name, **vals)

    @classmethod
    def add_world_service(cls, service):
        vals = {
            "company_id": cls.company.id,
            "telecom_invoicing": "advance" if service.advance else "arrears",
            "telecom_prorate": service.prorate,
        }
        args = (service.name, service.free, float(service.list_price))
        if service.free:
            product = cls.make_package(*args, product=vals)
        else:
            product = cls.make_product(service.name, service.kind, args[2], **vals)
        cls.add_service(
            cls.accounts[service.account],
            product,
            service.start,
            name=service.name,
            quantity=service.quantity,
            price_unit=float(service.price),
            setup_fee=float(service.setup),
        )

    # === A MOMENT ===

    def test_two_months_end_in_the_figures_of_an_independent_calculator(self):
        month, before = Month(), None
        self.told, self.suspended = [], set()
        everybody = self.env["res.partner"].union(*self.accounts.values())
        reported = sorted(calls(), key=lambda call: call.reported)
        # the job commits, a test may not
        commit = patch.object(self.registry["ir.cron"], "_commit_progress", lambda *a, **k: 0)
        with freeze_time("2025-03-01") as clock, commit:
            for moment in moments():
                clock.move_to(moment)
                stamp = f"{moment:%Y-%m-%d %H}"
                self.mailbox.messages.clear()
                for name, *values in EVENTS.get(stamp, ()):
                    getattr(self, f"do_{name}")(*values)
                self.report(
                    call for call in reported if (before or call.start) < call.reported <= moment
                )
                self.run_jobs()
                expected = month.tick(moment)
                mails = self.mails()
                # too many, and missing
                self.assertEqual((mails - expected, expected - mails), (Counter(),) * 2, stamp)
                suspended = set(everybody.filtered("telecom_suspended").mapped("name"))
                wanted = {name for name, book in month.books.items() if book.is_suspended}
                self.assertEqual(suspended, wanted, stamp)
                self.suspended |= suspended
                if stamp in CHECKED:
                    self.compare(month.snapshot(), stamp)
                    self.assert_laws(everybody)
                before = moment
            self.assert_numbers(month)
            self.assert_the_world_was_worth_it(month)

    def report(self, new):
        """Let the switch report calls."""
        rows = [
            self.call(
                self.accounts[call.account],
                call.number,
                str(call.start),
                call.seconds,
                uid=call.uid,
            )
            for call in new
        ]
        if rows:
            counts = self.env["telecom.cdr"].import_calls(rows, "switch")
            self.assertEqual(counts["taken"], len(rows), counts)

    def run_jobs(self):
        """Run all jobs as cron does: their actions and users, and nothing in the context.

        In a test Odoo prints no PDF unless told to: tests/test_invoice_mail.py has them.
        """
        for name in JOBS:
            job = self.env.ref(name)
            actions = self.env(user=job.user_id, context={})["ir.actions.server"]
            actions.browse(job.ir_actions_server_id.id).run()
        self.env.flush_all()
        self.env.invalidate_all()

    # === WHAT IS THERE ===

    def moves(self, account):
        return self.env["account.move"].search(
            [
                ("partner_id", "=", self.accounts[account].id),
                ("telecom_profile_id", "!=", False),
            ],
            order="invoice_date, id",
        )

    def compare(self, expected, stamp):
        self.env.invalidate_all()
        unbilled = self.env["res.partner"].union(*self.accounts.values())._unbilled_amounts()
        for name, wanted in expected.items():
            account = self.accounts[name]
            found = [self.facts(move) for move in self.moves(name)]
            found.sort(key=lambda facts: (facts["dates"][0], facts["origin"], facts["state"]))
            self.assertEqual(found, wanted["invoices"], (name, stamp))
            amount = Decimal(f"{unbilled.get(account.id, 0.0):.8f}")
            self.assertEqual(amount, wanted["unbilled"], (name, stamp))
            self.assertEqual(self.balance(account), wanted["balance"], (name, stamp))

    def facts(self, move):
        """Return what the calculator says of an invoice."""
        lines = move.invoice_line_ids.sorted("sequence")
        sections = lines.filtered(lambda line: line.display_type == "line_section")
        return {
            "origin": move.invoice_origin,
            "periods": [
                (p.date_from, p.date_to) for p in move.telecom_period_ids.sorted("date_from")
            ],
            "type": move.move_type,
            "state": move.state,
            "dates": (move.invoice_date, move.invoice_date_due),
            "amounts": tuple(
                self.money(move[name]) for name in ("amount_untaxed", "amount_tax", "amount_total")
            ),
            "open": self.money(move.amount_residual) if move.state == "posted" else None,
            "titles": sections.mapped("name"),
            "lines": sorted(
                (line.telecom_section, line.name, self.money(line.price_subtotal))
                for line in lines
                if line.display_type == "product"
            ),
            "reminders": {
                reminder.rule_id.shift: (
                    reminder.state,
                    reminder.day,
                    self.money(reminder.amount),
                    reminder.email,
                )
                for reminder in move.telecom_reminder_ids
            },
        }

    @staticmethod
    def money(amount):
        return Decimal(f"{amount:.2f}")

    def balance(self, account):
        """Return what the ledger says that an account owes, in its own currency."""
        items = self.env["account.move.line"].search(
            [
                ("partner_id", "=", account.id),
                ("parent_state", "=", "posted"),
                ("account_type", "=", "asset_receivable"),
            ]
        )
        self.assertLessEqual(items.currency_id, account.telecom_currency_id)
        return self.money(sum(items.mapped("amount_currency")) + 0.0)

    def mails(self):
        """Return the mails of this moment as the calculator has them."""
        found = Counter()
        for recipients, message in self.mailbox.messages:
            subject = message["subject"]
            (address,) = recipients
            if not address.endswith("@customer.example"):
                # what needs a person
                self.told.append((address, subject))
                continue
            names = re.findall(r"R?(?:TEL|BRI)/2025/\d+", subject)
            moves = self.env["account.move"].search([("name", "in", names)])
            is_reminder = "reminder" in subject
            amount = None
            if is_reminder:
                amount = self.money(sum(moves.mapped("amount_residual")))
                self.assertIn(f"{amount:,}", message.get_body(("html",)).get_content())
            sender = message["from"].addresses[0].addr_spec
            origins = tuple(sorted(moves.mapped("invoice_origin")))
            found[address, sender, is_reminder, origins, amount] += 1
        return found

    def assert_numbers(self, month):
        """Each issuer's numbers have no gap, in the order in which invoices were confirmed."""
        for name, issuer in ISSUERS.items():
            moves = self.env["account.move"].search(
                [
                    ("telecom_profile_id", "=", self.profiles[name].id),
                    ("move_type", "=", "out_invoice"),
                    ("name", "!=", False),
                    ("name", "!=", "/"),
                ]
            )
            numbers = sorted(int(move.name.removeprefix(f"{issuer.prefix}2025/")) for move in moves)
            first = issuer.first_number
            self.assertEqual(numbers, list(range(first, first + len(numbers))), name)
            books = [book for book in month.books.values() if book.issuer is issuer]
            posted = [i for book in books for i in book.invoices if i.posted and i.total >= 0]
            self.assertEqual(len(numbers), len(posted), name)

    def assert_the_world_was_worth_it(self, month):
        """What the world is there for did happen in it."""
        invoices = [i for book in month.books.values() for i in book.invoices]
        states = Counter(p.state for book in month.books.values() for p in book.periods)
        reminders = Counter(r[0] for i in invoices for r in i.reminders.values())
        self.assertGreater(len(invoices), 50)
        self.assertGreater(reminders["sent"], 60)
        for found in (states["skipped"], states["carried"], reminders["skipped"]):
            self.assertTrue(found)
        self.assertTrue(any(i.total < 0 for i in invoices))
        self.assertEqual(Counter(i.state for i in invoices)["cancel"], 1)
        ended = self.suspended - {n for n, book in month.books.items() if book.is_suspended}
        self.assertLessEqual({"anna", "carla", "hana", "jana"}, ended)
        # a person heard of what was held, once
        ((_address, subject),) = self.told
        self.assertIn("Invoice held", subject)
