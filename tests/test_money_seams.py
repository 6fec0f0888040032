"""Where history, resellers, invoices and books meet: nothing is lost, doubled or told elsewhere."""

from decimal import Decimal

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tools import SQL

from .test_distributor_books import BooksCase
from .test_reseller_moves import MOVED, MoveCase


class TestSeams(MoveCase):
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

    def late(self, account):
        return self.of(account).filtered("is_late")

    def test_what_is_told_late_is_invoiced_by_who_sold_it(self):
        """A call, and the end of a service, that come after Former's last invoice: Later, and its
        books, have nothing to do with them."""
        account = self.account("2025-03-10 10:00:00", reseller_id=self.former.id)
        line = self.add_service(account, self.line)
        with freeze_time("2025-03-10 12:00:00"):
            self.env["telecom.subscription"]._add_recurring_charges(self.day("2025-03-10"), account)
        self.move(account, self.later)
        with freeze_time("2025-03-16 10:00:00"):
            self.bill("2025-03-16", account)
            self.take_calls(
                [self.call(account, start=start) for start in ("2025-03-15 11:00:00", MOVED)]
            )
            # priced again as the same
            self.env["telecom.cdr"]._rerate(accounts=account)
        with freeze_time("2025-03-17 10:00:00"):
            self.bill("2025-03-17", account)
        with freeze_time("2025-03-20 10:00:00"):
            line.date_end = "2025-03-20"
            self.env["telecom.subscription"]._add_recurring_charges(self.day("2025-03-20"), account)
        self.assertEqual(
            self.charged_to(self.former),
            {
                "2025-03-10 10:00:00": Decimal("0.03"),
                "2025-03-15 11:00:00": Decimal("0.03"),
                "2025-03-01": Decimal(20),
                # 12 of 31 days
                "2025-03-20": Decimal("-7.74"),
            },
        )
        self.bill("2025-04-01")
        self.assertEqual(
            [
                (p.move_id.telecom_profile_id.owner_id.name, p.is_late, p.move_id.amount_untaxed)
                for p in self.of(account).filtered("move_id").sorted("id")
            ],
            [
                # the call and the line
                ("Former", False, 31.05),
                ("Later", False, 0.05),
                # the late call
                ("Former", True, 0.05),
                # a credit note of 12 days
                ("Former", True, 12.0),
            ],
        )
        late = self.late(account)
        self.assertEqual(late[1].move_id.move_type, "out_refund")
        self.assertEqual(
            self.revenue(account),
            {
                ("Former", "calls"): Decimal("0.1"),
                ("Former", "subscription"): Decimal(19),
                ("Later", "calls"): Decimal("0.05"),
            },
        )
        self.assert_laws(account + self.former + self.later)
        # given up, it waits for a person like any other, and is invoiced again
        invoice = late[0].move_id
        invoice.button_draft()
        invoice.button_cancel()
        self.assertEqual((late[0].state, late[0].is_released), ("closed", True))
        late[0].action_invoice()
        self.assertEqual(late[0].move_id.amount_untaxed, 0.05)
        self.assertEqual(late[0].move_id.telecom_profile_id, self.former.telecom_own_profile_id)
        self.assert_laws(account + self.former + self.later)

    def test_a_late_call_without_a_rate_leaves_no_invoice(self):
        self.former.telecom_own_profile_id.no_usage = "always"
        account = self.moved()
        with freeze_time("2025-03-16 10:00:00"):
            self.bill("2025-03-16", account)
            row = self.call(account, "9991234", start="2025-03-15 11:00:00")
            self.env["telecom.cdr"].import_calls([row], "test")
            self.env["telecom.cdr"].rate_pending()
        with freeze_time("2025-03-17 10:00:00"):
            self.bill("2025-03-17", account)
            self.env["telecom.cdr"].rate_pending()
            # the same period again
            self.assertEqual(self.late(account).mapped("state"), ["open"])
        with freeze_time("2025-03-18 10:00:00"):
            self.bill("2025-03-18", account)
        self.assertEqual(self.late(account).mapped("state"), ["skipped"])

    def test_what_is_taken_off_the_former_ones_draft_stays_its_own(self):
        self.former.telecom_own_profile_id.mode = "draft"
        account = self.account("2025-03-10 10:00:00", reseller_id=self.former.id)
        charge = self.adjust(account, 5, "2025-03-11")
        self.move(account, self.later)
        with freeze_time("2025-03-16 10:00:00"):
            draft = self.bill("2025-03-16", account)
            draft.invoice_line_ids.filtered("telecom_charge_id").unlink()
        self.assertEqual(charge.period_id, self.late(account))
        self.assertEqual(charge.period_id.profile_id, self.former.telecom_own_profile_id)
        self.bill("2025-04-01")
        self.assertEqual(charge.move_id.telecom_profile_id.owner_id, self.former)
        self.assert_laws(account + self.former + self.later)

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


class TestWholesaleDrafts(MoveCase):
    """What a person does with a reseller's draft is in its charges, whatever the lines sum up."""

    def setUp(self):
        super().setUp()
        dollar = self.make_dollar(1.25)
        self.former.telecom_mode = "draft"
        self.account_a = self.account(reseller_id=self.former.id)
        self.account_b = self.account(reseller_id=self.former.id)
        for account in self.account_a + self.account_b + self.former:
            self.add_service(account, self.line, prorate=False)
        starts = [f"2025-03-{day:02} 10:00:00" for day in range(3, 13)]
        self.take_calls(
            self.call(account, start=start, seconds=7)
            for account in self.account_a + self.account_b + self.former
            for start in starts
        )
        # what comes later is charged in dollars
        card = self.make_card("Dollars", [("32", "Belgium", 0.0377, {})], currency_id=dollar.id)
        self.former.rate_card_id = card
        self.take_calls(
            self.call(account, start=start.replace("10:", "20:"), seconds=7)
            for account in self.account_a + self.former
            for start in starts[:6]
        )

    def assertAgrees(self):
        """Charges are what is invoiced and unbilled, by the report and by the laws."""
        self.env.flush_all()
        self.env.invalidate_all()
        rows = self.env["telecom.reconciliation.report"].search([])
        self.assertEqual(set(rows.mapped("difference")), {0.0})
        self.assert_usage_is_charges(self.former + self.account_a + self.account_b)

    def test_every_detail(self):
        for detail in ("destination", "direction", "total"):
            with self.subTest(detail=detail), self.env.cr.savepoint() as savepoint:
                self.profile.line_detail = detail
                self.edit()
                savepoint.rollback()
                self.env.invalidate_all()

    def edit(self):
        draft = self.bill("2025-04-01", self.former)
        untaxed = draft.amount_untaxed
        self.assertEqual(draft.state, "draft")
        self.assertAgrees()
        lines = draft.invoice_line_ids.filtered("telecom_section")
        own = lines.filtered(lambda line: not line.telecom_customer_id)
        sold = (lines - own).filtered(lambda line: line.telecom_customer_id == self.account_a)
        calls = own.filtered(lambda line: line.telecom_section == "calls")
        service = own.filtered(lambda line: line.telecom_section == "subscription")
        calls[0].price_unit = 0
        self.assertAgrees()
        sold.filtered(lambda line: line.telecom_section == "calls").write(
            {"quantity": 2, "discount": 12.5}
        )
        self.assertAgrees()
        sold.filtered(lambda line: line.telecom_section == "subscription").quantity = 0
        self.assertAgrees()
        taken_off = service[:1].telecom_charge_id
        service[:1].unlink()
        self.assertAgrees()
        self.assertEqual(taken_off.period_id.state, "open")
        draft.action_post()
        self.assertAgrees()
        draft.button_draft()
        draft.button_cancel()
        self.assertAgrees()
        self.assertFalse(
            self.env["telecom.charge"].search([("charge_type", "=", "change")]),
        )
        taken_off.sudo().period_id = self.of(self.former).filtered("is_released")
        run = self.env["telecom.billing.run"]._invoice_closed(
            self.of(self.former).filtered(lambda p: p.state == "closed")
        )
        again = run.period_ids.move_id
        self.assertEqual(again.amount_untaxed, untaxed)
        self.assertAgrees()


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

    def test_what_is_told_late_is_in_the_books_of_who_sold_it(self):
        account = self.account("2025-03-10 10:00:00", reseller_id=self.former.id)
        self.move(account, self.later)
        with freeze_time("2025-03-16 10:00:00"):
            self.bill("2025-03-16", account)
            self.take_calls([self.call(account, start="2025-03-12 10:00:00")])
        self.bill("2025-04-01")
        late = self.of(account).filtered("is_late").move_id
        self.assertEqual((late.company_id, late.amount_untaxed), (self.company, 0.05))
        self.assertFalse(self.of(account).move_id.filtered(lambda m: m.company_id == self.other))

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


class TestMirroredAmounts(BooksCase):
    """A bill is its invoice to the cent: charges of 0.02, 0.02 and 6.00 EUR, taxed at 21 % on both
    sides, are 1.26 of tax line by line, 1.2684 together."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.distributor.telecom_tax_ids = cls.tax
        cls.env["account.fiscal.position"].search([("company_id", "=", cls.books.id)]).active = 0

    def both(self, **tax):
        """Return the invoice and its bill, with an input tax of 21 % in the distributor's books."""
        self.books.account_purchase_tax_id = self.make_tax(
            21, company=self.books, name="Input", type_tax_use="purchase", **tax
        )
        for amount in (0.02, 0.02, 6):
            self.env["telecom.charge"].create(
                {
                    "name": "Visit",
                    "partner_id": self.distributor.id,
                    "date": "2025-03-12",
                    "amount": amount,
                }
            )
        invoice = self.bill("2025-04-01", self.distributor)
        return invoice, self.bills(invoice)

    def assertSame(self, invoice, bill):
        for name in ("currency_id", "amount_untaxed", "amount_tax", "amount_total"):
            self.assertEqual(bill[name], invoice[name], name)
        bill.action_post()
        self.assertEqual(bill.amount_total, invoice.amount_total)
        # the entry is whole in both currencies
        for column in ("balance", "amount_currency"):
            self.assertAlmostEqual(sum(bill.line_ids.mapped(column)), 0, 8)

    def test_taxes_are_rounded_as_the_supplier_does(self):
        for mine, theirs, tax in (
            ("round_per_line", "round_globally", 1.26),
            ("round_globally", "round_per_line", 1.27),
            ("round_globally", "round_globally", 1.27),
        ):
            with self.subTest(mine=mine, theirs=theirs), self.env.cr.savepoint() as savepoint:
                self.company.tax_calculation_rounding_method = mine
                self.books.tax_calculation_rounding_method = theirs
                invoice, bill = self.both()
                self.assertEqual(invoice.amount_tax, tax)
                self.assertSame(invoice, bill)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_prices_of_the_bill_are_without_its_taxes(self):
        self.assertSame(*self.both(price_include_override="tax_included"))

    def test_prices_of_the_invoice_are_with_its_taxes(self):
        self.tax.price_include_override = "tax_included"
        self.assertSame(*self.both())

    def test_another_tax_is_what_it_is(self):
        """12 % of 6.04, by the distributor's own rules."""
        self.books.account_purchase_tax_id = self.make_tax(
            12, company=self.books, name="Input", type_tax_use="purchase"
        )
        self.env["telecom.charge"].create(
            {
                "name": "Visit",
                "partner_id": self.distributor.id,
                "date": "2025-03-12",
                "amount": 6.04,
            }
        )
        bill = self.bills(self.bill("2025-04-01", self.distributor))
        self.assertEqual((bill.amount_untaxed, bill.amount_tax), (6.04, 0.72))
