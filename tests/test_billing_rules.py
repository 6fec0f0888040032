"""The rules of billing: set for a company, a reseller or an account, and obeyed by the job."""

from freezegun import freeze_time

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import Form

from ..models.account_chain import AccountChain
from .test_closing import ClosingCase


class RulesCase(ClosingCase):
    """One customer of the company, one of a reseller, one of a reseller below that one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reseller = cls.make_reseller("Upper", "agent")
        cls.lower = cls.make_reseller("Lower", "agent", reseller_id=cls.reseller.id)
        cls.theirs = cls.profile.copy({"name": "Upper Telecom", "owner_id": cls.reseller.id})

    def customers(self, *calls):
        """Return accounts of the company, of the reseller, and of the reseller below it."""
        return (
            self.account(*calls),
            self.account(*calls, reseller_id=self.reseller.id),
            self.account(*calls, reseller_id=self.lower.id),
        )

    def term(self, days):
        """Return payment terms of some days."""
        return self.env["account.payment.term"].create(
            {
                "name": f"{days} days",
                "company_id": self.company.id,
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 100, "nb_days": days})
                ],
            }
        )

    def assert_obeyed(self, profile_vals, own_vals, seen, usual, set_value, own_value):
        """A setting is obeyed where it is set: on the company's or the reseller's profile, or on
        an account.

        :param profile_vals: the setting on a profile
        :param own_vals: the setting on an account; None where it has none
        :param seen: called with an account's invoices, returns what is to be seen
        :param usual: what is seen where nothing is set
        :param set_value: what is seen where a profile has the setting
        :param own_value: what is seen where an account has the setting
        """
        before = {name: self.profile[name] for name in profile_vals}
        for changed, expected in (
            (self.profile, [set_value, usual, usual]),
            (self.theirs, [usual, set_value, set_value]),
        ):
            changed.write(profile_vals)
            accounts = self.customers("2025-03-10 10:00:00")
            for account, wanted in zip(accounts, expected, strict=True):
                with freeze_time("2025-04-05 12:00:00"):
                    moves = self.bill("2025-04-01", account)
                self.assertEqual(seen(moves), wanted, changed.name)
            if own_vals is not None:
                account = accounts[0].copy({"account_code": f"own-{changed.id}"})
                account.write(own_vals)
                self.take_calls([self.call(account)])
                with freeze_time("2025-04-05 12:00:00"):
                    self.assertEqual(seen(self.bill("2025-04-01", account)), own_value)
            changed.write(before)


class TestRulesAreObeyed(RulesCase):
    def test_generation_mode(self):
        self.assert_obeyed(
            {"mode": "draft"},
            {"telecom_mode": "draft"},
            lambda moves: moves.state,
            "posted",
            "draft",
            "draft",
        )
        self.profile.mode = "draft"
        account = self.account("2025-03-10 10:00:00", telecom_mode="confirmed")
        self.assertEqual(self.bill("2025-04-01", account).state, "posted")

    def test_invoice_date(self):
        self.assert_obeyed(
            {"invoice_date_rule": "last_day"},
            {"telecom_invoice_date_rule": "run_day"},
            lambda moves: str(moves.invoice_date),
            "2025-04-01",
            "2025-03-31",
            "2025-04-05",
        )

    def test_due_days(self):
        self.assert_obeyed(
            {"due_days": 5},
            {"telecom_own_due_days": True, "telecom_due_days": 0},
            lambda moves: str(moves.invoice_date_due),
            "2025-04-15",
            "2025-04-06",
            "2025-04-01",
        )

    def test_payment_terms(self):
        self.assert_obeyed(
            {"payment_term_id": self.term(30).id},
            {"property_payment_term_id": self.term(10).id},
            lambda moves: str(moves.invoice_date_due),
            "2025-04-15",
            "2025-05-01",
            "2025-04-11",
        )

    def test_days_of_the_account_go_before_payment_terms(self):
        account = self.account("2025-03-10 10:00:00")
        account.property_payment_term_id = self.term(10)
        account.write({"telecom_own_due_days": True, "telecom_due_days": 3})
        move = self.bill("2025-04-01", account)
        self.assertEqual(str(move.invoice_date_due), "2025-04-04")
        self.assertFalse(move.invoice_payment_term_id)

    def test_mail_on_generation(self):
        self.assert_obeyed(
            {"send_mail": True},
            {"telecom_send_mail": "yes"},
            lambda moves: bool(moves.sending_data),
            False,
            True,
            True,
        )
        self.profile.send_mail = True
        account = self.account("2025-03-10 10:00:00", telecom_send_mail="no")
        self.assertFalse(self.bill("2025-04-01", account).sending_data)

    def test_drafts_are_not_mailed(self):
        self.profile.write({"send_mail": True, "mode": "draft"})
        account = self.account("2025-03-10 10:00:00")
        self.assertFalse(self.bill("2025-04-01", account).sending_data)

    def test_annex(self):
        self.assert_obeyed(
            {"annex": "pdf"},
            {"telecom_annex": "pdf"},
            lambda moves: moves.telecom_annex,
            "none",
            "pdf",
            "pdf",
        )

    def test_no_usage(self):
        """Everybody has a call in March; in April nobody."""
        for changed, invoiced in (
            (self.profile, (True, False, False)),
            (self.theirs, (False, True, True)),
        ):
            accounts = self.customers("2025-03-10 10:00:00")
            changed.no_usage = "always"
            for account, expected in zip(accounts, invoiced, strict=True):
                self.bill("2025-04-01", account)
                self.assertEqual(len(self.bill("2025-05-01", account)), expected, changed.name)
            changed.no_usage = "skip"
        mine = self.account("2025-03-10 10:00:00", telecom_no_usage="always")
        self.bill("2025-04-01", mine)
        self.assertEqual(self.bill("2025-05-01", mine).amount_total, 0)
        self.profile.no_usage = "always"
        mine = self.account("2025-03-10 10:00:00", telecom_no_usage="skip")
        self.bill("2025-04-01", mine)
        self.assertFalse(self.bill("2025-05-01", mine))

    def test_always_invoice_begins_with_the_first_period_of_the_account(self):
        idle = self.account(billing_start="2025-03-01", telecom_no_usage="always")
        self.assertEqual(len(self.bill("2025-04-01", idle)), 1)

    def test_assigned_taxes(self):
        """Those of the account, else of the profile, else of the products; of lines without a
        product, too."""
        low, none = self.make_tax(6), self.make_tax(0)

        def taxes(moves):
            lines = moves.invoice_line_ids.filtered(lambda line: line.display_type == "product")
            return {tuple(line.tax_ids.mapped("amount")) for line in lines}

        self.assert_obeyed(
            {"tax_ids": [Command.set(low.ids)]},
            {"telecom_tax_ids": [Command.set(none.ids)]},
            taxes,
            {(21.0,)},
            {(6.0,)},
            {(0.0,)},
        )
        self.profile.tax_ids = low
        account = self.account("2025-03-10 10:00:00")
        self.env["telecom.charge"].create(
            {"name": "Extra", "partner_id": account.id, "date": "2025-03-10", "amount": 5}
        )
        self.assertEqual(taxes(self.bill("2025-04-01", account)), {(6.0,)})
        self.assertEqual(account._billing_rules().settings["tax_ids"].origin, "company")
        # without it the products' taxes would be on the invoice
        low.active = False
        account = self.account("2025-03-10 10:00:00")
        run = self.env["telecom.billing.run"].close_periods("2025-04-01", account)
        self.assertIn("archived", run.period_ids.error)
        # a profile in other books begins without them
        books = self.make_company("Books")
        reseller = self.make_reseller("New Books")
        self.assertFalse(reseller._create_billing_profile(company=books).tax_ids)

    def test_a_change_touches_no_invoice_that_is_made(self):
        account = self.account("2025-03-10 10:00:00", "2025-04-10 10:00:00")
        march = self.bill("2025-04-01", account)
        before = march.read(["state", "invoice_date", "invoice_date_due", "telecom_annex"])
        edges = self.spans(account)
        account.write(
            {
                "telecom_mode": "draft",
                "telecom_invoice_date_rule": "last_day",
                "telecom_own_due_days": True,
                "telecom_annex": "pdf",
            }
        )
        self.profile.write({"mode": "draft", "due_days": 1, "no_usage": "always"})
        april = self.bill("2025-05-01", account)
        self.assertEqual(march.read(list(before[0])), before)
        self.assertEqual(self.spans(account)[: len(edges)], edges)
        self.assertEqual((april.state, str(april.invoice_date_due)), ("draft", "2025-04-30"))


class TestOrigins(RulesCase):
    def origins(self, account):
        rules = account._billing_rules()
        return {name: setting.origin for name, setting in rules.settings.items()}

    def test_where_each_setting_is_from(self):
        first, second, third = self.customers()
        profile_settings = set(first._billing_rules().NAMES) - {"tax_ids", "lang"}
        for account, origin in ((first, "company"), (second, "reseller"), (third, "above")):
            origins = self.origins(account)
            self.assertEqual(origins.pop("tax_ids"), "product")
            self.assertEqual(origins.pop("lang"), "customer")
            self.assertEqual(origins, dict.fromkeys(profile_settings, origin))
        first.billing_profile_id = self.theirs
        self.assertEqual(self.origins(first)["mode"], "assigned")

    def test_overrides_are_the_customers(self):
        account = self.account(reseller_id=self.reseller.id)
        tax = self.make_tax(6)
        account.write(
            {
                "telecom_mode": "draft",
                "telecom_no_usage": "carry",
                "telecom_minimum_amount": 7,
                "telecom_tax_ids": [Command.set(tax.ids)],
                "telecom_own_due_days": True,
                "telecom_no_reminder": True,
                "lang": False,
            }
        )
        self.theirs.reminder_rule_ids = [Command.create({"days": 9, "moment": "after"})]
        rules, origins = account._billing_rules(), self.origins(account)
        self.assertEqual(
            {name for name, origin in origins.items() if origin == "customer"},
            {
                *("mode", "no_usage", "minimum_amount", "carry_periods"),
                *("tax_ids", "due_days", "payment_term_id", "reminder_rule_ids"),
            },
        )
        self.assertEqual((rules.mode, rules.no_usage, rules.minimum_amount), ("draft", "carry", 7))
        self.assertEqual((rules.due_days, rules.tax_ids), (0, tax))
        self.assertEqual((origins["lang"], bool(rules.reminder_rule_ids)), ("user", False))
        self.assertEqual(rules.invoice_date_rule, self.theirs.invoice_date_rule)
        with self.assertRaises(AttributeError):
            _nothing = rules.nothing

    def test_the_form_shows_them_and_follows_what_is_typed(self):
        account = self.account(reseller_id=self.lower.id, lang=False)
        manager = self.make_user("boss", "telecom_billing.group_manager,base.group_partner_manager")
        form = Form(account.with_user(manager))
        self.assertIn("Upper Telecom", form.telecom_rules_html)
        self.assertNotIn("This account", form.telecom_rules_html)
        self.assertIn("Confirmed at once", form.telecom_rules_html)
        self.assertIn("English (US)", form.telecom_rules_html)
        self.theirs.reminder_rule_ids = [Command.create({"days": 9, "moment": "after"})]
        form = Form(account.with_user(manager))
        self.assertIn("9 days after the due date", form.telecom_rules_html)
        form.telecom_mode = "draft"
        self.assertIn("This account", form.telecom_rules_html)
        self.assertIn("Draft, a person confirms", form.telecom_rules_html)
        self.assertIn("Upper Telecom", form.telecom_rules_html)
        self.assertEqual(form.save().telecom_mode, "draft")
        clerk = self.make_user("clerk")
        self.assertIn("This account", account.with_user(clerk).telecom_rules_html)

    def test_figures_below_zero_are_refused(self):
        account = self.account()
        for name in ("telecom_due_days", "telecom_minimum_amount", "telecom_carry_periods"):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                account[name] = -1
        for name in ("due_days", "minimum_amount", "carry_periods"):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.profile[name] = -1

    def test_thousands_of_accounts_need_few_queries(self):
        accounts = self.env["res.partner"].create(
            [
                {
                    "name": f"Many {index}",
                    "is_telecom_account": True,
                    "telecom_company_id": self.company.id,
                    "reseller_id": self.lower.id,
                }
                for index in range(300)
            ]
        )
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        chain = AccountChain(self.env)
        self.assertEqual({chain.rules(account).mode for account in accounts}, {"confirmed"})
        self.assertLess(self.env.cr.sql_log_count - before, 40)
        self.assertIs(chain.rules(accounts[0]), chain.rules(accounts[0]))
