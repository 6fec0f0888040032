"""The terms of an account: who may set them, and in whose books they put what it owes."""

from contextlib import contextmanager

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user

from ..models.account_terms import TERMS
from .test_closing import ClosingCase


class TestRights(ClosingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        groups = "base.group_user,base.group_partner_manager"
        cls.clerks = cls.make_user("contacts", groups)
        cls.clerks += cls.make_user("user", f"{groups},telecom_billing.group_user")
        cls.manager = cls.make_user("boss", "telecom_billing.group_manager")

    def other_terms(self):
        """Return another value for each of an account's terms."""
        reseller = self.make_reseller("Reseller")
        return {
            "account_code": "OTHER",
            "billing_cycle": "daily",
            "billing_day": 9,
            "billing_mode": "prepaid",
            "billing_profile_id": self.profile.copy().id,
            "billing_start": "2025-03-01",
            "billing_tz": "Asia/Tokyo",
            "is_reseller": True,
            "is_telecom_account": False,
            "rate_card_id": self.make_card("Cheap", [("", "World", 0.0, {})]).id,
            "reseller_id": reseller.id,
            "reseller_kind": "agent",
            "telecom_annex": "pdf",
            "telecom_carry_periods": 5,
            "telecom_commission_calls": 9.0,
            "telecom_commission_cycle": "quarterly",
            "telecom_commission_day": 9,
            "telecom_commission_did": 9.0,
            "telecom_commission_method": "percent",
            "telecom_commission_minimum": 9.0,
            "telecom_commission_other": 9.0,
            "telecom_commission_package": 9.0,
            "telecom_commission_settled": "2025-03-01",
            "telecom_commission_subscription": 9.0,
            "telecom_commission_when": "paid",
            "telecom_company_id": self.make_company("Elsewhere").id,
            "telecom_due_days": 9,
            "telecom_invoice_date_rule": "run_day",
            "telecom_minimum_amount": 9.0,
            "telecom_mirror_bill": True,
            "telecom_mode": "draft",
            "telecom_no_reminder": True,
            "telecom_no_usage": "carry",
            "telecom_own_due_days": True,
            "telecom_send_mail": "no",
            "telecom_suspended": True,
            "telecom_tax_ids": [Command.clear()],
        }

    def test_every_term_is_tried(self):
        self.assertEqual(self.other_terms().keys(), TERMS)

    def test_only_managers_change_terms(self):
        account = self.account()
        account.telecom_tax_ids = self.tax
        terms = self.other_terms()
        for user in self.clerks:
            mine = account.with_user(user)
            for name, value in terms.items():
                with self.assertRaisesRegex(AccessError, "only billing managers", msg=name):
                    mine.write({name: value})
            # what is no matter of billing, and what stays as it is
            mine.write({"phone": "+3227880100"})
            mine.write(
                {
                    "rate_card_id": account.rate_card_id.id,
                    "billing_day": 1,
                    "telecom_tax_ids": [Command.set(self.tax.ids)],
                    "account_code": f" {account.account_code} ",
                    "reseller_id": False,
                    "billing_start": False,
                }
            )
            mine.write({"tz": "Pacific/Auckland"})
            self.assertFalse(account.billing_tz)
        account.with_user(self.manager).write(terms)
        self.assertEqual((account.account_code, account.billing_day), ("OTHER", 9))

    def test_only_managers_create_accounts(self):
        terms = self.other_terms() | {"is_telecom_account": True}
        terms["telecom_tax_ids"] = [Command.set(self.tax.ids)]
        for user in self.clerks:
            partners = self.env["res.partner"].with_user(user)
            for name, value in terms.items():
                with self.assertRaisesRegex(AccessError, "only billing managers", msg=name):
                    partners.create({"name": "Contact", name: value})
                with self.assertRaisesRegex(AccessError, "only billing managers", msg=name):
                    partners.with_context(**{f"default_{name}": value}).create({"name": "Contact"})
            partner = partners.create(
                {
                    "name": "Contact",
                    "billing_day": 1,
                    "billing_cycle": "monthly",
                    "billing_mode": "postpaid",
                    "telecom_company_id": self.company.id,
                    "telecom_tax_ids": [],
                    "tz": "Asia/Tokyo",
                }
            )
            self.assertFalse(partner.is_telecom_account or partner.billing_tz)
            form = Form(partners)
            form.name = "By the form"
            self.assertFalse(form.save().is_telecom_account)
        self.assertTrue(
            self.env["res.partner"].with_user(self.manager).create({"name": "New", **terms})
        )

    def test_contacts_can_be_duplicated_by_whoever_may_create_them(self):
        account = self.account()
        account.write({"billing_tz": "Asia/Tokyo", "billing_day": 9})
        contact = self.env["res.partner"].create(
            {"name": "Contact", "tz": "Asia/Tokyo", "telecom_company_id": False}
        )
        for user in self.clerks:
            copy = account.with_user(user).copy()
            self.assertEqual((copy.is_telecom_account, copy.billing_tz), (False, False))
            self.assertEqual(copy.billing_day, 1)
            self.assertTrue(contact.with_user(user).copy())
        copy = account.with_user(self.manager).copy()
        self.assertEqual((copy.is_telecom_account, copy.billing_day), (True, 9))

    def test_what_is_usual_for_everybody_is_no_term_of_ones_own(self):
        self.env["ir.default"].set("res.partner", "billing_cycle", "weekly")
        for user in self.clerks:
            partner = self.env["res.partner"].with_user(user).create({"name": "Contact"})
            self.assertEqual(partner.billing_cycle, "weekly")

    def test_whoever_signs_up_is_no_account(self):
        public = self.env.ref("base.public_user")
        partner = self.env["res.partner"].with_user(public).sudo().create({"name": "Signed up"})
        self.assertFalse(partner.is_telecom_account)


class TestBooks(ClosingCase):
    """An account changes the company that bills it while a period is going on."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.make_company("Other")
        cls.env.user.company_ids += cls.other
        cls.other.account_sale_tax_id = tax = cls.make_tax(6, company=cls.other)
        # not that of the chart of accounts, which is of another country
        cls.call_product.sudo().taxes_id = cls.tax + tax
        cls.their_profile = cls.other.billing_profile_id
        cls.clerk = cls.make_user("boss", "telecom_billing.group_manager")

    @contextmanager
    def refused(self, text):
        """What is done is refused, and undone in the cache, too."""
        with self.assertRaisesRegex(ValidationError, text), self.env.cr.savepoint():
            yield

    def used(self, **vals):
        """Return an account with a call and a charge in March."""
        account = self.account("2025-03-10 10:00:00", **vals)
        self.adjust(account, 7, "2025-03-05")
        return account

    def assertIn_company(self, account, company):
        charges = self.env["telecom.charge"].search([("partner_id", "=", account.id)])
        self.assertEqual(self.of(account).company_id, company)
        self.assertEqual(charges.company_id, company)

    def test_open_periods_and_charges_move_with_the_account(self):
        reseller = self.make_reseller("Reseller")
        profile = self.profile.copy({"owner_id": reseller.id})
        cases = {
            "company": lambda account: account.write({"telecom_company_id": self.other.id}),
            "profile": lambda account: account.write(
                {"billing_profile_id": self.their_profile.copy().id}
            ),
        }
        for name, change in cases.items():
            account = self.used()
            self.assertIn_company(account, self.company)
            change(account)
            self.assertIn_company(account, self.other)
            move = self.bill("2025-04-01", account)
            self.assertEqual(move.company_id, self.other, name)
            self.assertEqual(move.amount_untaxed, 7.05)
            self.assert_laws(account)
        # those below follow a reseller, and the profile that it issues with
        below = self.used(reseller_id=reseller.id)
        profile.write({"company_id": self.other.id, "journal_id": False})
        self.assertIn_company(below, self.other)
        profile.active = False
        self.assertIn_company(below, self.company)
        profile.write({"active": True})
        self.assertIn_company(below, self.other)
        profile.unlink()
        self.assertIn_company(below, self.company)
        reseller.telecom_company_id = self.other
        self.assertIn_company(below, self.other)

    def test_what_is_closed_stays_in_the_books_in_which_it_was_closed(self):
        account = self.used()
        self.take_calls([self.call(account, start="2025-04-10 10:00:00")])
        move = self.bill("2025-04-01", account)
        move.button_cancel()
        account.telecom_company_id = self.other
        march, april = self.of(account)
        self.assertEqual((march.company_id, april.company_id), (self.company, self.other))
        again = self.bill("2025-05-01", account)
        self.assertEqual(march.move_id.company_id, self.company)
        self.assertEqual(march.move_id.invoice_line_ids.tax_ids.company_id, self.company)
        self.assertEqual(april.move_id.company_id, self.other)
        self.assertEqual(len(again), 2)
        self.assert_laws(account)

    def test_nobody_makes_invoices_in_a_company_of_others(self):
        account = self.used()
        account.telecom_company_id = self.other
        runs = self.env["telecom.billing.run"].with_user(self.clerk)
        self.assertFalse(runs.close_periods("2025-04-01", account).sudo().period_ids)
        self.assertEqual(self.of(account).state, "open")
        # were a period's company not the one in which it is posted, it would fail
        self.env.cr.execute(
            "UPDATE telecom_billing_period SET company_id = NULL WHERE partner_id = %s",
            [account.id],
        )
        self.env.invalidate_all()
        period = self.of(account)
        period.state = "closed"
        run = self.runs.create({"until": "", "company_ids": [Command.set(self.company.ids)]})
        period.run_id = run
        run._process()
        self.assertFalse(period.move_id)
        self.assertRegex(period.error, "books of Other")

    def test_a_company_invoices_with_a_profile_of_its_own(self):
        reseller = self.make_reseller("Reseller")
        owned = self.profile.copy({"owner_id": reseller.id})
        for profile in (self.their_profile, owned):
            with self.refused("cannot invoice with"):
                self.company.billing_profile_id = profile
        with self.refused("cannot invoice with"):
            self.profile.write({"company_id": self.other.id, "journal_id": False})
        with self.refused("cannot invoice with"):
            self.profile.owner_id = reseller
        self.company.billing_profile_id = self.profile.copy({"name": "Second"})
        admin = new_test_user(
            self.env,
            "admin-2",
            "telecom_billing.group_manager,base.group_system",
            company_id=self.company.id,
            company_ids=[Command.set((self.company + self.other).ids)],
        )
        settings = self.env["res.config.settings"].with_user(admin)
        settings = settings.with_context(allowed_company_ids=(self.company + self.other).ids)
        with self.assertRaises(UserError):
            settings.create({"telecom_profile_id": self.their_profile.id}).execute()

    def test_a_contact_of_one_company_is_billed_in_that_company(self):
        account = self.used(company_id=self.company.id)
        with self.refused("cannot be billed with"):
            account.billing_profile_id = self.their_profile
        account.billing_profile_id = own = self.profile.copy()
        with self.refused("cannot be billed with"):
            account.company_id = self.other
        with self.refused("cannot be billed with"):
            own.write({"company_id": self.other.id, "journal_id": False})
        branch = self.env["res.company"].create({"name": "Branch", "parent_id": self.company.id})
        self.assertTrue(self.account(company_id=branch.id, billing_profile_id=self.profile.id))
