from .test_reseller_moves import MoveCase


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
