"""Where history, resellers, invoices and books meet: nothing is lost, doubled or told elsewhere."""

from decimal import Decimal

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tools import SQL

from .test_reseller_moves import MoveCase


class SeamCase(MoveCase):
    """A customer of Former is moved to Later at 13:00 of 15 March, in Brussels."""

    def revenue(self, account):
        """Return {(seller, kind): exact revenue by an account} of the margin report."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT seller.name, report.kind, sum(report.revenue_currency)::text
                  FROM (%s) report LEFT JOIN res_partner seller ON seller.id = report.seller_id
                 WHERE report.customer_id = %s GROUP BY 1, 2
                """,
                self.env["telecom.margin.report"]._table_query,
                account.id,
            )
        )
        return {(seller, kind): Decimal(amount) for seller, kind, amount in rows if float(amount)}

    def moved(self, **vals):
        """Return a customer with a call of 0.05 at Former's that was moved to Later."""
        account = self.account("2025-03-10 10:00:00", reseller_id=self.former.id, **vals)
        self.move(account, self.later)
        return account


class TestSeams(SeamCase):
    def test_rounding_is_of_who_sold(self):
        account = self.account(reseller_id=self.former.id)
        # 3 s of 0.05 a minute are 0.0025, on an invoice nothing
        short = {"seconds": 3}
        self.take_calls([self.call(account, start="2025-03-10 10:00:00", **short)])
        self.move(account, self.later)
        self.move(account, self.former, "2025-03-15 18:00:00")
        self.take_calls([self.call(account, start="2025-03-15 13:00:00", **short)])
        self.bill("2025-05-01")
        exact = Decimal("0.0025")
        self.assertEqual(
            self.revenue(account),
            {
                ("Former", "calls"): exact,
                ("Former", "rounding"): -exact,
                ("Later", "calls"): exact,
                ("Later", "rounding"): -exact,
            },
        )

    def test_what_is_changed_on_the_former_ones_draft(self):
        self.former.telecom_own_profile_id.mode = "draft"
        account = self.moved()
        self.bill("2025-04-01")
        draft = self.of(account)[0].move_id
        line = draft.invoice_line_ids.filtered("telecom_section")
        line.price_unit = 1.05
        self.assertEqual(
            self.revenue(account),
            {("Former", "calls"): Decimal("0.05"), ("Former", "change"): Decimal(1)},
        )
        self.assert_laws(account + self.former + self.later)

    def test_a_charge_by_hand_is_sold_by_who_invoices_it(self):
        account = self.moved()
        make = self.env["telecom.charge"].create
        # 15 March is Former's until 13:00: so is what bears this day
        values = {"name": "Visit", "partner_id": account.id}
        charges = make([{**values, "date": f"2025-03-{day}", "amount": 1} for day in (15, 16)])
        self.assertEqual(charges.mapped("seller_id"), self.former + self.later)
        self.assertEqual(charges.period_id, self.of(account)[:2])
        charges[0].date = "2025-03-17"
        self.assertEqual(charges[0].seller_id, self.later)
        self.assertEqual(charges[0].period_id, self.of(account)[1])

    def test_a_manual_invoice_is_of_who_sold(self):
        account = self.moved()
        charge = self.env["telecom.charge"].create(
            {"name": "Visit", "partner_id": account.id, "date": "2025-03-12", "amount": 1}
        )
        run = self.env["telecom.billing.period"]._invoice_charges(charge)
        invoice = run.period_ids.move_id
        self.assertEqual(invoice.telecom_profile_id.owner_id, self.former)
        self.assertEqual(self.revenue(account)["Former", "adjustment"], 1)

    def test_the_running_period_of_today_is_open(self):
        """A person opens the former issuer's period again after the later one's is closed, too: a
        late call of the later one has a period."""
        account = self.moved()
        self.take_calls([self.call(account, start="2025-03-20 10:00:00")])
        self.bill("2025-04-01")
        former, later = self.of(account)[:2]
        self.of(account)[2:].unlink()
        former.move_id.button_draft()
        former.move_id.button_cancel()
        former.write({"state": "open"})
        self.take_calls(
            [self.call(account, start=f"2025-03-{day} 10:00:00") for day in ("12", "21")]
        )
        self.assertEqual(len(former.usage_ids), 2)
        self.assertEqual(len(later.usage_ids), 1)
        self.assertEqual(len(self.of(account)[2].usage_ids), 1)

    def test_a_manual_invoice_before_everything_until_today(self):
        account = self.account("2025-03-10 10:00:00", reseller_id=self.former.id)
        charge = self.adjust(account, 5, "2025-03-11")
        with freeze_time("2025-03-12 10:00:00"):
            self.env["telecom.billing.period"]._invoice_charges(charge)
            run = self.env["telecom.billing.run"].close_periods("2025-03-12", account, early=True)
        self.assertFalse(run.failed_period_ids)
        self.assertEqual(run.move_ids.amount_untaxed, 0.05)

    def test_the_kind_of_a_reseller_is_history(self):
        agent = self.make_reseller("Agent", "agent")
        # nothing is sold yet
        agent.reseller_kind = "distributor"
        agent.reseller_kind = "agent"
        account = self.account("2025-03-10 10:00:00", reseller_id=agent.id)
        for reseller, kind in ((agent, "distributor"), (agent, False)):
            with self.assertRaisesRegex(UserError, "another reseller"), self.env.cr.savepoint():
                reseller.reseller_kind = kind
        self.move(account, self.former)
        # they have sold even though nobody is left
        with self.assertRaisesRegex(UserError, "Agent has sold"), self.env.cr.savepoint():
            agent.reseller_kind = "distributor"
        with self.assertRaisesRegex(UserError, "Former has sold"), self.env.cr.savepoint():
            self.former.reseller_kind = "agent"
        # what a reseller uses itself is its own in any case
        alone = self.make_reseller("Alone", "agent")
        self.take_calls([self.call(alone)])
        alone.reseller_kind = "distributor"
        self.assertEqual(alone.reseller_kind, "distributor")

    def test_a_draft_is_owed(self):
        account = self.account("2025-03-10 10:00:00", telecom_mode="draft")
        self.assertEqual(account.telecom_balance, -0.05)
        invoice = self.bill("2025-04-01", account)
        self.env.invalidate_all()
        self.assertEqual(account.telecom_balance, -0.05)
        invoice.action_post()
        self.env.invalidate_all()
        # 21 %
        self.assertEqual(account.telecom_balance, -0.06)


class TestCommissionOfMovedAgents(MoveCase):
    def test_it_is_a_cost_of_who_sold(self):
        """The agent is moved to Later, with its customer, before Former's last invoice is made;
        that is credited in part afterwards."""
        agent = self.make_reseller(
            "Agent",
            "agent",
            rate_card_id=False,
            reseller_id=self.former.id,
            telecom_commission_method="percent",
            telecom_commission_calls=10,
        )
        account = self.account(reseller_id=agent.id)
        self.take_calls([self.call(account, start="2025-03-10 10:00:00", seconds=72000)])
        self.move(agent, self.later)
        self.take_calls([self.call(account, start="2025-03-20 10:00:00", seconds=36000)])
        self.bill("2025-04-01")
        rows = self.env["telecom.commission"].search([("partner_id", "=", agent.id)], order="id")
        # 1200 and 600 minutes of 0.05
        self.assertEqual(
            [(row.seller_id.name, row.amount) for row in rows], [("Former", 6.0), ("Later", 3.0)]
        )
        invoice = rows[0].move_id
        note = invoice._reverse_moves([{"invoice_date": "2025-04-05"}])
        note.action_post()
        credited = self.env["telecom.commission"].search([("move_id", "=", note.id)])
        self.assertEqual((credited.seller_id, credited.amount), (self.former, -6.0))

    def test_an_agent_of_the_provider_comes_under_a_distributor(self):
        agent = self.make_reseller(
            "Agent",
            "agent",
            rate_card_id=False,
            telecom_commission_method="percent",
            telecom_commission_calls=10,
        )
        account = self.account(reseller_id=agent.id)
        self.take_calls([self.call(account, start="2025-03-10 10:00:00", seconds=72000)])
        invoice = self.bill("2025-04-01", account)
        with freeze_time("2025-04-03 10:00:00"):
            agent.reseller_id = self.later
        note = invoice._reverse_moves([{"invoice_date": "2025-04-05"}])
        note.action_post()
        rows = self.env["telecom.commission"].search([("partner_id", "=", agent.id)], order="id")
        self.assertEqual(
            [(row.seller_id.name, row.amount) for row in rows], [(False, 6.0), (False, -6.0)]
        )


class TestSeamsBetweenBooks(MoveCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.make_company("Other")
        cls.call_product.taxes_id = cls.tax + cls.make_tax(21, company=cls.other)
        cls.later.telecom_own_profile_id.write({"company_id": cls.other.id, "journal_id": False})

    def test_the_balance_is_with_who_bills(self):
        """Two calls of 1.00 at Former's, one at Later's: 2.42 are owed to the one, 1.21 to the
        other, in whose books nobody knows of the first."""
        account = self.account(reseller_id=self.former.id)
        calls = [("10", 1200), ("11", 1200)]
        self.take_calls(
            self.call(account, start=f"2025-03-{day} 10:00:00", seconds=seconds)
            for day, seconds in calls
        )
        self.assertEqual(account.telecom_balance, -2)
        self.move(account, self.later)
        self.take_calls([self.call(account, start="2025-03-20 10:00:00", seconds=1200)])
        self.env.invalidate_all()
        self.assertEqual(account.telecom_balance, -1)
        self.bill("2025-04-01")
        self.env.invalidate_all()
        self.assertEqual(account.telecom_balance, -1.21)

    def test_a_former_issuer_that_has_other_books_since(self):
        account = self.account("2025-03-10 10:00:00", reseller_id=self.former.id)
        self.move(account, self.later)
        third = self.make_company("Third")
        self.former.telecom_own_profile_id.write({"company_id": third.id, "journal_id": False})
        self.bill("2025-04-01")
        move = self.of(account)[0].move_id
        self.assertEqual(move.company_id, self.company)
        self.assertEqual(move.invoice_line_ids.tax_ids, self.tax)
        self.assertEqual(move.amount_untaxed, 0.05)
