"""What is in a closed billing period stays as it is, whoever asks for something else."""

from odoo.exceptions import AccessError, UserError

from .test_services import ServiceCase


class TestChargesAreKept(ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("manager", "telecom_billing.group_manager")
        cls.by_hand = cls.env["telecom.charge"].with_user(cls.manager)

    def adjust(self, account, amount=7.0, day="2025-03-05", **vals):
        """Charge an amount by hand, as a billing manager does."""
        return self.by_hand.create(
            {"name": "Fee", "partner_id": account.id, "date": day, "amount": amount, **vals}
        )

    def assert_refused(self, function, *arguments, error=UserError):
        with self.assertRaises(error), self.env.cr.savepoint():
            function(*arguments)

    def difference(self, account):
        self.env.flush_all()
        report = self.env["telecom.reconciliation.report"]
        return sum(report.search([("partner_id", "=", account.id)]).mapped("difference"))

    def test_a_charge_of_a_closed_period_is_not_changed(self):
        account, other = self.account(), self.account()
        charge, unbilled = self.adjust(account), self.adjust(account, 3, "2025-04-05")
        self.bill("2025-04-01", account)
        self.assertEqual(charge.period_state, "invoiced")
        for vals in (
            {"amount": 70},
            {"price_unit": 70},
            {"quantity": 2},
            {"partner_id": other.id},
            {"currency_id": self.env.ref("base.USD").id},
            {"date": "2025-04-05"},
            {"period_id": unbilled.period_id.id},
            {"charge_type": "commission"},
            {"tier": 1},
        ):
            self.assert_refused(charge.write, vals)
        self.assert_refused(charge.unlink)
        # the system's own code, too, but for the period: a draft's line may be taken off
        self.assert_refused(charge.sudo().write, {"amount": 70})
        self.assertEqual(charge.amount, 7)
        self.assertEqual(self.difference(account), 0)
        # what is text may be corrected
        charge.name = "Outage of 3 March"

    def test_no_charge_gets_into_a_period_that_is_closed_or_of_another_account(self):
        account, other = self.account(), self.account()
        closed, unbilled = self.adjust(account), self.adjust(account, 3, "2025-04-05")
        self.bill("2025-04-01", account)
        theirs = self.adjust(other, 5, "2025-04-05")
        for period in (closed.period_id, theirs.period_id):
            self.assert_refused(lambda p=period: self.adjust(account, 5, period_id=p.id))
            self.assert_refused(unbilled.write, {"period_id": period.id})
            self.assert_refused(
                lambda p=period: (
                    self.by_hand.with_context(default_period_id=p.id).create(
                        {"name": "Fee", "partner_id": account.id, "amount": 5}
                    )
                    and unbilled.write({"period_id": p.id})
                )
            )
        self.assertEqual(self.difference(account), 0)
        # an open one of the account may be chosen
        charge = self.adjust(account, 5, period_id=unbilled.period_id.id)
        self.assertEqual(charge.period_id, unbilled.period_id)

    def test_adjustments_can_be_made_changed_and_deleted_as_long_as_they_are_not_billed(self):
        account, other = self.account(), self.account()
        charge, second = self.adjust(account), self.adjust(account, 5, "2025-03-06")
        charge.write({"amount": 8.5, "name": "Late fee", "quantity": 2})
        second.unlink()
        march = charge.period_id
        # on another day, or of another account, it is in another period
        charge.date = "2025-04-10"
        april = charge.period_id
        self.assertEqual(str(april.date_from), "2025-04-01")
        charge.period_id = march
        self.assertEqual(charge.period_id, march)
        charge.partner_id = other
        self.assertEqual(charge.period_id.partner_id, other)
        self.assertEqual(self.bill("2025-05-01", other).amount_untaxed, 8.5)
        self.assert_laws(account + other)

    def test_a_charge_belongs_to_the_company_of_its_period(self):
        account, elsewhere = self.account(), self.make_company("Elsewhere")
        charge = self.adjust(account, company_id=elsewhere.id)
        self.assertEqual(charge.company_id, self.company)
        given = self.adjust(account, period_id=charge.period_id.id)
        self.assertEqual(given.company_id, self.company)
        charge.company_id = elsewhere
        self.env.invalidate_all()
        self.assertEqual(charge.company_id, self.company)

    def test_roundings_are_made_and_deleted_by_the_closing_only(self):
        account = self.account()
        self.adjust(account, 0.00333)
        self.bill("2025-04-01", account)
        rounding = self.env["telecom.charge"].search(
            [("partner_id", "=", account.id), ("charge_type", "=", "rounding")]
        )
        self.assertTrue(rounding)
        self.assert_refused(rounding.with_user(self.manager).unlink)
        self.assert_refused(rounding.with_user(self.manager).write, {"amount": 1})
        self.assert_refused(lambda: self.adjust(account, charge_type="rounding"))

    def test_charges_of_services_are_kept(self):
        """A month that is deleted would never be charged again: a credit takes it back."""
        account = self.account()
        service = self.service("2025-03-01", account, setup_fee=5)
        self.charge("2025-03-01")
        for charge in service.charge_ids.with_user(self.manager):
            self.assertEqual(charge.period_state, "open")
            self.assert_refused(charge.unlink)
            self.assert_refused(charge.sudo().unlink)
            self.assert_refused(charge.write, {"amount": 1})
            self.assert_refused(charge.write, {"subscription_id": False})
        self.assert_refused(lambda: self.adjust(account, subscription_id=service.id))
        mine = self.adjust(account, -31)
        self.assert_refused(mine.write, {"subscription_id": service.id})
        self.assertEqual(self.bill("2025-04-01", account).amount_untaxed, 31 + 5 - 31 + 31)

    def test_billing_periods_are_written_by_the_system_only(self):
        account = self.account()
        self.adjust(account)
        move = self.bill("2025-04-01", account)
        period = move.telecom_period_ids.with_user(self.manager)
        for vals in ({"state": "closed", "move_id": False}, {"date_to": "2025-05-01"}):
            self.assert_refused(period.write, vals, error=AccessError)
        self.assert_refused(period.unlink, error=AccessError)
        self.assert_refused(
            self.env["telecom.billing.run"].with_user(self.manager).create({}).write,
            {"period_ids": [(4, period.id)]},
            error=AccessError,
        )
        run = self.env["telecom.billing.run"].with_user(self.manager)
        self.assertFalse(run.close_periods("2025-04-01", account).move_ids)
        # what a manager does with buttons still works
        move.button_draft()
        move.with_user(self.manager).sudo().button_cancel()
        self.assertEqual(period.state, "closed")
        period.action_invoice()
        self.assertEqual(period.move_id.amount_untaxed, 7)
