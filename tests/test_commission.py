"""What agents earn: by percent or by difference, when invoices are posted or paid."""

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import ValidationError
from odoo.tools import mute_logger

from ..models.commission_accrual import CommissionAccrual
from .commission_case import CommissionCase

ALL = {"calls": 3.0, "subscription": 10.0, "other": 1.85}


class TestPercent(CommissionCase):
    def test_when_posted(self):
        """10 % of 30.00, 25 % of 40.00, 15 % of 12.34 (1.851), each rounded once."""
        invoice = self.invoice()
        self.assertEqual(self.sums(invoice), ALL)
        rows = self.rows(invoice)
        self.assertEqual(len(rows), 3)
        calls = rows.filtered(lambda row: row.kind == "calls")
        self.assertEqual((calls.base, calls.percent, calls.state), (30.0, 10.0, "accrued"))
        self.assertEqual((calls.date, calls.customer_id), (invoice.invoice_date, self.customer))
        self.assertEqual((calls.currency_id, calls.company_id), (self.currency, self.company))
        self.assertEqual(self.agent.telecom_commission_balance, 14.85)
        # owed to the agent: on no invoice of its own, and the charges tie as ever
        charges = self.env["telecom.charge"].search([("partner_id", "=", self.agent.id)])
        self.assertFalse(charges.filtered(lambda charge: not charge.tier))
        report = self.env["telecom.reconciliation.report"].search([])
        self.assertEqual(set(report.mapped("difference")), {0.0})

    def test_as_a_person_left_the_draft(self):
        self.profile.mode = "draft"
        invoice = self.invoice()
        self.assertFalse(self.rows())
        line = invoice.invoice_line_ids.filtered(lambda line: line.telecom_section == "other")
        line.price_unit = 20.0
        calls = invoice.invoice_line_ids.filtered(lambda line: line.telecom_section == "calls")
        calls.discount = 50.0
        invoice.invoice_line_ids.create(
            {"move_id": invoice.id, "name": "Flowers", "price_unit": 100.0}
        )
        invoice.action_post()
        # 10 % of 15.00, 15 % of 20.00, nothing of flowers
        self.assertEqual(self.sums(), {"calls": 1.5, "subscription": 10.0, "other": 3.0})

    def test_terms_of_the_day_it_was_posted(self):
        invoice = self.invoice()
        self.agent.telecom_commission_calls = 50.0
        note = self.credit(invoice)
        self.assertEqual(self.sums(invoice), ALL)
        self.assertEqual(self.sums(invoice, note), {})
        self.assertEqual(self.rows(note).mapped("percent"), self.rows(invoice).mapped("percent"))

    def test_whose_customers(self):
        """Not of the agent's own invoice, not of others' customers, not through a distributor:
        what that one is invoiced counts."""
        distributor = self.make_reseller("Distributor", reseller_id=self.agent.id)
        far = self.make_account("Far", reseller_id=distributor.id)
        for account in (self.agent, self.make_account("Other"), far):
            if not account.rate_card_id:
                account.rate_card_id = self.card
            self.use(account, hours=1)
        self.bill()
        self.assertEqual(self.rows().customer_id, distributor)
        self.assertEqual(self.sums(), {"calls": 0.3})

    def test_no_terms(self):
        self.agent.telecom_commission_method = False
        self.invoice()
        self.assertFalse(self.rows())

    def test_terms_that_make_no_sense(self):
        with self.assertRaisesRegex(ValidationError, "needs the rate card"):
            self.agent.telecom_commission_method = "difference"
        self.agent.telecom_commission_method = "percent"
        for values in ({"telecom_commission_calls": 101}, {"telecom_commission_day": 32}):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError),
                self.env.cr.savepoint(),
            ):
                self.agent.write(values)
                self.env.flush_all()

    def test_in_another_currency(self):
        """10 % of 30.00 EUR at 1.25 is 3.75 USD; by difference 30.00 EUR = 37.50 USD less 600
        minutes at 0.02 USD."""
        dollar = self.make_dollar(1.25)
        by_percent = self.make_agent("Percent", calls=10, card=0.02, currency=dollar)
        by_difference = self.make_agent("Difference", "difference", card=0.02, currency=dollar)
        for agent, amount in ((by_percent, 3.75), (by_difference, 25.5)):
            account = self.make_account(f"Of {agent.name}", reseller_id=agent.id)
            self.use(account)
            self.bill(accounts=account)
            rows = self.rows(agent=agent)
            self.assertEqual((rows.amount, rows.currency_id), (amount, dollar))
            self.assertEqual((rows.base, rows.move_currency_id), (30.0, self.currency))

    def test_without_an_exchange_rate_the_invoice_is_posted_and_it_is_entered_later(self):
        pound = self.env.ref("base.GBP")
        pound.active = True
        pound.rate_ids.unlink()
        self.agent.rate_card_id = self.make_card("Pounds", currency_id=pound.id)
        self.agent.rate_card_id = False
        self.agent.with_company(self.company).specific_property_product_pricelist = self.env[
            "product.pricelist"
        ].create({"name": "Pounds", "currency_id": pound.id})
        self.use()
        invoice = self.bill()
        self.assertEqual(invoice.state, "posted")
        self.assertFalse(self.rows())
        self.assertIn("no exchange rate", invoice.telecom_commission_error)
        self.assertTrue(invoice.activity_ids)
        self.commissions._cron_settle()
        self.assertEqual(len(invoice.activity_ids), 1)
        self.env["res.currency.rate"].create(
            {
                "currency_id": pound.id,
                "company_id": self.company.id,
                "name": "2025-01-01",
                "rate": 0.8,
            }
        )
        self.agent.telecom_commission_cycle = "manual"
        self.commissions._cron_settle()
        self.assertEqual((self.rows().amount, self.rows().currency_id), (2.4, pound))
        self.assertFalse(invoice.telecom_commission_error)


class TestDifference(CommissionCase):
    def test_to_the_purchase_price(self):
        """30.00 less 600 minutes at 0.03; 40.00 less twice 12.00; nothing for the visit."""
        agent = self.make_agent("Buyer", "difference", card=0.03, price=12.0)
        account = self.make_account("Bought", reseller_id=agent.id)
        self.invoice(account)
        self.assertEqual(self.sums(agent=agent), {"calls": 12.0, "subscription": 16.0})
        self.assertEqual(
            {row.kind: (row.base, row.cost) for row in self.rows(agent=agent)},
            {"calls": (30.0, 18.0), "subscription": (40.0, 24.0)},
        )

    def test_sold_below_the_purchase_price(self):
        agent = self.make_agent("Loser", "difference", card=0.06)
        self.use(self.make_account("Cheap", reseller_id=agent.id))
        self.bill()
        self.assertEqual(self.sums(agent=agent), {"calls": -6.0})

    def test_late_calls_and_calls_of_another_agent(self):
        """A call of March that is on April's invoice costs then; what was sold by the agent
        before is not what this one buys."""
        agent = self.make_agent("Buyer", "difference", card=0.03)
        account = self.make_account("Moved", reseller_id=self.agent.id)
        self.use(account, hours=4)
        with freeze_time("2025-03-20 12:00:00"):
            account.reseller_id = agent
        self.take_calls([self.call(account, start="2025-03-28 10:00:00", seconds=3600)])
        march = self.bill("2025-04-01", account)
        # five hours are invoiced, one of them was bought: 3.00 less 1.80
        self.assertEqual(self.sums(march, agent=agent), {"calls": 1.2})
        self.take_calls([self.call(account, start="2025-03-29 10:00:00", seconds=3600)])
        self.take_calls([self.call(account, start="2025-04-09 10:00:00", seconds=3600)])
        april = self.bill("2025-05-01", account)
        self.assertEqual(self.sums(april, agent=agent), {"calls": 2.4})

    def test_who_sold_then_earns(self):
        """An invoice of March goes to March's agent, though the account has moved before it."""
        agent = self.make_agent("Later", calls=50)
        account = self.make_account("Moved", reseller_id=self.agent.id)
        self.use(account, hours=4)
        with freeze_time("2025-04-02 12:00:00"):
            account.reseller_id = agent
        march = self.bill("2025-04-01", account)
        self.assertEqual(self.sums(march), {"calls": 1.2})
        self.assertFalse(self.rows(agent=agent))

    def test_changed_services(self):
        """The customer pays more from the 16th on, which costs the agent nothing; and has two
        from the 21st of April on, which does."""
        agent = self.make_agent("Buyer", "difference", card=0.03, price=12.0)
        account = self.make_account("Changing", reseller_id=agent.id)
        service = self.add_service(account, self.line)
        self.bill("2025-04-01", account)
        self.assertEqual(self.sums(agent=agent), {"subscription": 16.0})
        service.change_terms(self.day("2025-04-16"), price_unit=26.0)
        service.change_terms(self.day("2025-04-21"), quantity=2)
        april = self.bill("2025-05-01", account)
        own = self.env["telecom.charge"].search([("partner_id", "=", agent.id)])
        paid = sum(own.mapped("amount"))
        earned = sum(self.rows(agent=agent).mapped("amount"))
        charged = sum(
            self.env["telecom.charge"]
            .search([("partner_id", "=", account.id), ("charge_type", "=", "subscription")])
            .mapped("amount")
        )
        self.assertTrue(self.sums(april, agent=agent))
        self.assertAlmostEqual(earned, charged - paid, 6)

    def test_agents_in_a_row(self):
        """What one pays is what the one above is paid: the provider keeps the uppermost price.

        Calls: 30.00, of which the sub-agent earns 10 %, the agent above the rest down to its own
        0.03 (18.00), and the one at the top down to 0.02 (12.00).
        """
        top = self.make_agent("Top", "difference", card=0.02, price=10.0)
        middle = self.make_agent("Middle", "difference", card=0.03, price=12.0, reseller_id=top.id)
        self.agent.reseller_id = middle
        self.invoice()
        self.assertEqual(self.sums(), ALL)
        self.assertEqual(self.sums(agent=middle), {"calls": 9.0, "subscription": 6.0})
        self.assertEqual(self.sums(agent=top), {"calls": 6.0, "subscription": 4.0})

    def test_percent_above_percent(self):
        top = self.make_agent("Top", calls=2)
        self.agent.reseller_id = top
        self.invoice()
        self.assertEqual(self.sums(), ALL)
        self.assertEqual(self.sums(agent=top), {"calls": 0.6})


class TestCreditNotes(CommissionCase):
    def test_all_of_it(self):
        invoice = self.invoice()
        note = self.credit(invoice)
        self.assertEqual(self.sums(note), {kind: -amount for kind, amount in ALL.items()})
        self.assertEqual(self.sums(), {})
        self.assertEqual(set(self.rows(note).mapped("base")), {-30.0, -40.0, -12.34})

    def test_some_lines(self):
        """Only the lines that are credited: 40.00 of lines is one of the two months."""
        invoice = self.invoice()
        note = self.credit(invoice, keep=["subscription"], subscription=5.0)
        # both months at 5.00: 10.00 of 40.00
        self.assertEqual(self.sums(note), {"subscription": -2.5})

    def test_in_parts(self):
        """Thirds of 1.85 are 0.62, 0.61 and 0.62: in the end nothing is left."""
        invoice = self.invoice()
        for price, amount in ((4.11, -0.62), (4.11, -0.61), (4.12, -0.62)):
            note = self.credit(invoice, keep=["other"], other=price)
            self.assertEqual(self.sums(note), {"other": amount})
        self.assertEqual(self.sums(), {"calls": 3.0, "subscription": 10.0})

    def test_another_line_than_the_invoices(self):
        """Half of 82.34 is given back in one line: half of each kind."""
        invoice = self.invoice()
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id, "date": "2025-04-10"})
        )
        note = self.env["account.move"].browse(wizard.reverse_moves()["res_id"])
        note.invoice_line_ids.unlink()
        note.invoice_line_ids.create({"move_id": note.id, "name": "Goodwill", "price_unit": 41.17})
        note.action_post()
        self.assertEqual(self.sums(note), {"calls": -1.5, "subscription": -5.0, "other": -0.93})

    def test_as_the_run_makes_it(self):
        self.env["telecom.charge"].create(
            {
                "name": "Outage",
                "partner_id": self.customer.id,
                "date": "2025-03-15",
                "amount": -50.0,
            }
        )
        self.use(hours=1)
        note = self.bill()
        self.assertEqual(note.move_type, "out_refund")
        self.assertEqual(self.sums(), {"calls": 0.3, "other": -7.5})

    def test_that_is_cancelled(self):
        invoice = self.invoice()
        note = self.credit(invoice)
        note.button_draft()
        self.assertEqual(self.sums(), ALL)
        note.action_post()
        self.assertEqual(self.sums(), {})

    def test_by_difference(self):
        agent = self.make_agent("Buyer", "difference", card=0.03, price=12.0)
        invoice = self.invoice(self.make_account("Bought", reseller_id=agent.id))
        self.credit(invoice, keep=["calls"], calls=15.0)
        self.assertEqual(self.sums(agent=agent), {"calls": 6.0, "subscription": 16.0})
        self.credit(invoice, keep=["calls", "subscription"], calls=15.0)
        self.assertEqual(self.sums(agent=agent), {})


class TestTakenBack(CommissionCase):
    def test_draft_cancelled_posted_again(self):
        invoice = self.invoice()
        invoice.button_draft()
        self.assertEqual(self.sums(), {})
        # what was never settled is out of the way
        self.assertEqual(set(self.rows().mapped("state")), {"reversed"})
        self.assertEqual(self.agent.telecom_commission_balance, 0.0)
        self.agent.telecom_commission_calls = 20.0
        invoice.action_post()
        self.assertEqual(self.sums(state="accrued"), {**ALL, "calls": 6.0})
        invoice.button_cancel()
        self.assertEqual(self.sums(state="accrued"), {})
        invoice.unlink()
        self.assertTrue(self.rows())
        self.assertEqual(set(self.rows().mapped("move_name")), {"INV/2025/00001"})
        self.bill()
        self.assertEqual(self.sums(state="accrued"), {**ALL, "calls": 6.0})

    def test_entered_once(self):
        invoice = self.invoice()
        for _time in range(2):
            CommissionAccrual(self.env).accrue(invoice)
            CommissionAccrual(self.env).follow(invoice)
        self.assertEqual(len(self.rows()), 3)
        row = self.rows()[:1]
        for values, constraint in (
            ({"state": "accrued"}, "telecom_commission_once"),
            ({"state": "settled", "revision": 9}, "telecom_commission_settled_with_bill"),
        ):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaisesRegex(IntegrityError, constraint),
                self.env.cr.savepoint(),
            ):
                row.copy(values)


class TestWhenPaid(CommissionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agent.telecom_commission_when = "paid"

    def test_in_proportion(self):
        """82.34 and 21 % are 99.63: a payment of 33.21 is a third."""
        invoice = self.invoice()
        self.assertEqual(self.sums(state="waiting"), ALL)
        self.assertEqual(self.agent.telecom_commission_balance, 0.0)
        payment = self.pay(invoice, 33.21, "2025-04-12")
        third = {"calls": 1.0, "subscription": 3.33, "other": 0.62}
        self.assertEqual(self.sums(state="accrued"), third)
        self.assertEqual(
            self.sums(state="waiting"), {"calls": 2.0, "subscription": 6.67, "other": 1.23}
        )
        self.assertEqual(set(self.rows(state="accrued").mapped("date")), {self.day("2025-04-12")})
        self.pay(invoice, day="2025-04-28")
        self.assertEqual(self.sums(state="accrued"), ALL)
        self.assertFalse(self.rows(state="waiting"))
        self.assertEqual(sum(self.rows().mapped("base")), 82.34)
        # a payment that is undone
        payment.action_draft()
        payment.unlink()
        self.assertEqual(self.sums(state="waiting"), third)
        self.assertEqual(
            self.sums(state="accrued"), {"calls": 2.0, "subscription": 6.67, "other": 1.23}
        )

    def test_credit_notes_count_when_they_are_used(self):
        """Half is given back and set off, the rest is paid: half is earned."""
        invoice = self.invoice()
        note = self.credit(invoice, calls=15.0, subscription=10.0, other=6.17)
        self.assertEqual(self.sums(state="accrued"), {})
        items = (invoice + note).line_ids.filtered(lambda line: line.display_type == "payment_term")
        items.reconcile()
        # set off, half of the invoice is settled, and so is all that was given back
        self.assertEqual(self.sums(state="accrued"), {})
        self.pay(invoice)
        self.assertEqual(
            self.sums(state="accrued"), {"calls": 1.5, "subscription": 5.0, "other": 0.92}
        )
        self.assertFalse(self.sums(state="waiting"))

    def test_back_to_draft(self):
        invoice = self.invoice()
        self.pay(invoice)
        invoice.button_draft()
        self.assertEqual(self.sums(), {})
        self.assertFalse(self.rows(state="waiting") + self.rows(state="accrued"))

    def test_terms_stay_with_the_invoice(self):
        invoice = self.invoice()
        self.agent.write({"telecom_commission_when": "posted", "telecom_commission_calls": 90})
        self.assertEqual(self.sums(state="accrued"), {})
        self.pay(invoice)
        self.assertEqual(self.sums(state="accrued"), ALL)

    def test_nothing_follows_of_other_documents(self):
        """A bill, an invoice of no account: their payments are no matter of commissions."""
        partner = self.env["res.partner"].create({"name": "Somebody"})
        invoice = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": partner.id,
                "invoice_date": "2025-04-01",
                "invoice_line_ids": [(0, 0, {"name": "Flowers", "price_unit": 30.0})],
            }
        )
        invoice.action_post()
        self.pay(invoice)
        self.credit(invoice)
        self.assertFalse(self.commissions.search([("customer_id", "=", partner.id)]))
