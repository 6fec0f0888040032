from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import TelecomCommon


@tagged("post_install", "-at_install")
class TestReconciliation(TelecomCommon):
    """Charges = invoiced + to invoice, to the last digit, whatever happens in between."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.report = cls.env["telecom.reconciliation.report"]
        cls.account = cls.make_account("Customer")

    def use(self, account=None, start="2025-03-10", calls=7):
        """Make calls whose prices have four decimals, at several destinations."""
        account = account or self.account
        self.take_calls(
            self.call(account, dst, f"{start} 10:{index:02}:00", 61 + 7 * index)
            for index in range(calls)
            for dst in ("3225551234", "32475551234", "33123456789", "12125551234")
        )

    def subscribe(self, account=None):
        account = account or self.account
        self.add_service(account, self.make_product("Line", price=9.99), "2025-03-12")
        self.add_service(account, self.make_package("Package", 120, 3.33), "2025-03-01")
        self.add_number(account, "3227880199", self.make_product("Number", "did", 1.27))

    def rows(self, account=None):
        self.env.invalidate_all()
        return self.report.search([("partner_id", "=", (account or self.account).id)])

    def assertTies(self, account=None, **values):
        """No difference for the account; `values` as they are given."""
        row = self.rows(account)
        self.assertEqual(len(row), 1)
        self.assertEqual(row.difference, 0.0)
        self.assertNotIn(row, self.report.search([("difference", "!=", 0)]))
        for name, value in values.items():
            self.assertEqual(row[name], value, name)
        self.assertFalse(self.report._check_usage(account or self.account))
        return row

    def test_before_and_after_billing(self):
        self.subscribe()
        self.use()
        row = self.assertTies(invoiced_amount=0.0)
        calls = sum(round(charge.amount * 10000) for charge in self.charges_of(self.account))
        self.assertEqual(row.usage_amount, calls / 10000)
        self.assertEqual(row.unbilled_amount, row.usage_amount + row.charge_amount)
        invoice = self.bill()
        row = self.assertTies(unbilled_amount=0.0, invoiced_amount=invoice.amount_untaxed)
        # the cents that rounding each line made or lost are a charge of their own
        rounding = self.env["telecom.charge"].search(
            [("partner_id", "=", self.account.id), ("charge_type", "=", "rounding")]
        )
        self.assertTrue(rounding.amount)
        self.assertLess(abs(rounding.amount), 0.02)

    def test_three_months(self):
        self.subscribe()
        for month in ("03", "04", "05"):
            self.use(start=f"2025-{month}-10")
            self.assertTies()
            self.bill(f"2025-{int(month) + 1:02}-01")
            self.assertTies(unbilled_amount=0.0)

    def test_after_cancelling_deleting_crediting(self):
        self.subscribe()
        self.use()
        invoice = self.bill()
        untaxed = invoice.amount_untaxed
        invoice._reverse_moves([{}], cancel=True)
        self.assertTies(invoiced_amount=untaxed)
        invoice.button_cancel()
        self.assertTies(invoiced_amount=0.0, unbilled_amount=untaxed)
        self.bill()
        self.assertTies(invoiced_amount=untaxed, unbilled_amount=0.0)
        again = self.env["telecom.billing.period"].search([("partner_id", "=", self.account.id)])
        again.move_id.button_draft()
        self.assertTies(invoiced_amount=untaxed)
        again.move_id.unlink()
        self.assertTies(invoiced_amount=0.0, unbilled_amount=untaxed)

    def test_after_pricing_again(self):
        self.use()
        before = self.assertTies().usage_amount
        self.card.rate_ids.filtered(lambda rate: rate.prefix == "33").price_per_minute = 0.0777
        counts = self.env["telecom.cdr"]._rerate(accounts=self.account)
        self.assertEqual(counts["rated"], 28)
        self.assertGreater(self.assertTies().usage_amount, before)
        self.bill()
        self.assertTies(unbilled_amount=0.0)

    def test_credit_note_as_the_run_makes_it(self):
        self.use(calls=1)
        self.env["telecom.charge"].create(
            {
                "name": "Goodwill",
                "partner_id": self.account.id,
                "date": "2025-03-10",
                "amount": -20.0,
            }
        )
        credit = self.bill()
        self.assertEqual(credit.move_type, "out_refund")
        self.assertTies(invoiced_amount=-credit.amount_untaxed)

    def test_taxes_in_the_price(self):
        self.account.telecom_tax_ids = self.make_tax(20, price_include_override="tax_included")
        self.subscribe()
        self.use()
        invoice = self.bill()
        row = self.assertTies(unbilled_amount=0.0)
        self.assertAlmostEqual(row.invoiced_amount, invoice.amount_total, 2)

    def test_resellers(self):
        distributor = self.make_reseller("Distributor")
        agent = self.make_reseller("Agent", "agent")
        of_distributor = self.make_account("Of distributor", reseller_id=distributor.id)
        of_agent = self.make_account("Of agent", reseller_id=agent.id)
        for account in (of_distributor, of_agent):
            self.use(account)
        self.bill()
        self.assertTies(of_distributor, unbilled_amount=0.0)
        self.assertTies(of_agent, unbilled_amount=0.0)
        self.assertTies(distributor, unbilled_amount=0.0)
        # an agent is not invoiced for its customers' calls
        self.assertFalse(self.rows(agent).filtered("usage_amount"))

    def test_charged_in_another_currency(self):
        dollar = self.make_dollar(1.1)
        self.use()
        self.account.rate_card_id = self.make_card("Dollars", self.RATES, currency_id=dollar.id)
        self.use(start="2025-03-20")
        self.assertEqual(len(self.rows()), 2)
        self.assertEqual(set(self.rows().mapped("difference")), {0.0})
        invoice = self.bill()
        self.assertEqual(invoice.currency_id, dollar)
        self.assertEqual(set(self.rows().mapped("difference")), {0.0})
        row = self.rows().filtered(lambda row: row.currency_id == dollar)
        self.assertEqual(row.invoiced_amount, invoice.amount_untaxed)

    # === IT HAS TEETH ===

    def billed(self):
        self.subscribe()
        self.use()
        return self.bill()

    def assertShown(self, difference):
        row = self.rows()
        self.assertEqual(row.difference, difference)
        self.assertIn(row, self.report.search([("difference", "!=", 0)]))

    def test_lost_usage_is_shown(self):
        self.billed()
        usage = self.env["telecom.usage"].search([("partner_id", "=", self.account.id)], limit=1)
        self.env.cr.execute(
            "UPDATE telecom_usage SET amount = amount - 0.0001 WHERE id = %s", [usage.id]
        )
        self.assertShown(-0.0001)
        self.assertEqual(self.report._check_usage(), usage.period_id)

    def test_lost_call_charge_is_shown(self):
        invoice = self.billed()
        charge = self.charges_of(self.account)[:1]
        self.env.cr.execute("DELETE FROM telecom_call_charge WHERE id = %s", [charge.id])
        self.env.invalidate_all()
        self.assertEqual(self.report._check_usage(), invoice.telecom_period_ids)
        self.assertEqual(self.report._check_usage(self.account), invoice.telecom_period_ids)
        self.assertFalse(self.report._check_usage(self.make_account("Other")))
        action = self.report.action_check_usage()
        self.assertEqual(action["domain"], [("id", "in", invoice.telecom_period_ids.ids)])

    def test_lost_charge_is_shown(self):
        self.billed()
        self.env.cr.execute(
            "DELETE FROM telecom_charge WHERE partner_id = %s AND charge_type = 'did'"
            " AND date = '2025-03-01'",
            [self.account.id],
        )
        self.assertShown(-1.27)

    def test_line_changed_by_a_person(self):
        invoice = self.billed()
        invoice.button_draft()
        line = invoice.invoice_line_ids.filtered(lambda line: line.telecom_section == "did")[:1]
        line.price_unit = 1.26
        # the charges follow
        self.assertTies()
        line.write({"price_unit": 1.27, "discount": 100})
        self.assertTies()

    def test_line_changed_behind_the_back_is_shown(self):
        line = self.billed().invoice_line_ids.filtered(lambda line: line.telecom_section == "did")
        self.env.cr.execute(
            "UPDATE account_move_line SET price_unit = 1.26 WHERE id = %s", [line[:1].id]
        )
        self.assertShown(0.01)
        self.env.cr.execute(
            "UPDATE account_move_line SET price_unit = 1.27, discount = 100 WHERE id = %s",
            [line[:1].id],
        )
        self.assertShown(1.27)

    def test_line_added_by_hand_is_none_of_its_business(self):
        invoice = self.billed()
        invoice.button_draft()
        invoice.invoice_line_ids.create(
            {"move_id": invoice.id, "name": "Flowers", "price_unit": 30.0}
        )
        self.assertTies()

    def test_lost_link_is_shown(self):
        """A period that no longer knows its invoice would be invoiced a second time."""
        invoice = self.billed()
        self.env.cr.execute(
            "UPDATE telecom_billing_period SET move_id = NULL WHERE move_id = %s", [invoice.id]
        )
        self.assertShown(-invoice.amount_untaxed)

    def test_charges_of_a_period_that_is_gone_are_shown(self):
        self.use(calls=1)
        charge = self.env["telecom.charge"].create(
            {"name": "Fee", "partner_id": self.account.id, "date": "2025-03-05", "amount": 7.0}
        )
        # the row alone: nothing in the product does this
        self.env.cr.execute(
            "ALTER TABLE telecom_charge DISABLE TRIGGER ALL;"
            "ALTER TABLE telecom_billing_period DISABLE TRIGGER ALL;"
            "DELETE FROM telecom_billing_period WHERE id = %s;"
            "ALTER TABLE telecom_billing_period ENABLE TRIGGER ALL;"
            "ALTER TABLE telecom_charge ENABLE TRIGGER ALL",
            [charge.period_id.id],
        )
        row = self.rows()
        self.assertEqual((row.charge_amount, row.unbilled_amount), (7.0, 0.0))
        self.assertEqual(row.difference, row.usage_amount + 7.0)
        self.assertEqual(len(self.report._check_usage(self.account)), 1)
        action = row.action_check_usage()
        self.assertEqual(action["params"]["type"], "danger")

    def test_cancelled_invoice_that_keeps_its_charges_is_shown(self):
        invoice = self.billed()
        self.env.cr.execute("UPDATE account_move SET state = 'cancel' WHERE id = %s", [invoice.id])
        self.assertShown(invoice.amount_untaxed)

    # === WHO MAY ===

    def test_rights(self):
        self.billed()
        user = self.make_user("user")
        self.assertTrue(self.report.with_user(user).search([("partner_id", "=", self.account.id)]))
        self.report.with_user(user).action_check_usage()
        other = self.make_company("Other")
        stranger = self.make_user("stranger", company_id=other.id)
        report = self.report.with_user(stranger).with_company(other)
        report = report.with_context(allowed_company_ids=other.ids)
        self.assertFalse(report.search([("partner_id", "=", self.account.id)]))
        accountant = self.make_user("accountant", "account.group_account_manager")
        with self.assertRaises(AccessError):
            self.report.with_user(accountant).search([])
        with self.assertRaises(AccessError):
            self.report.with_user(accountant).action_check_usage()

    def test_opens_without_reading_calls(self):
        self.billed()
        queries = []
        execute = type(self.env.cr).execute

        def keep(cr, query, *args, **kwargs):
            queries.append(str(getattr(query, "code", query)))
            return execute(cr, query, *args, **kwargs)

        with patch.object(type(self.env.cr), "execute", keep):
            self.rows().mapped("difference")
        self.assertTrue([query for query in queries if "telecom_usage" in query])
        self.assertFalse([query for query in queries if "telecom_call_charge" in query])
