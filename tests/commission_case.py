"""An agent with a customer, whose invoice is 30.00 of calls, 40.00 of lines and 12.34 besides."""

from odoo.fields import Command

from .common import TelecomCommon


class CommissionCase(TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.line = cls.make_product("Line", price=20.0)
        cls.agent = cls.make_agent("Agent", calls=10, subscription=25, other=15)
        cls.customer = cls.make_account("Customer", reseller_id=cls.agent.id)
        cls.commissions = cls.env["telecom.commission"]

    @classmethod
    def make_agent(cls, name, method="percent", **vals):
        """Return an agent; percentages by kind, `card` is the price of a minute at which it buys
        and `price` that of a line, other values are the account's."""
        percents = {
            f"telecom_commission_{kind}": vals.pop(kind)
            for kind in ("calls", "package", "subscription", "did", "other")
            if kind in vals
        }
        card, price = vals.pop("card", None), vals.pop("price", None)
        if card:
            currency = vals.pop("currency", cls.currency)
            rates = [("", "World", card, {})]
            card = cls.make_card(f"Card of {name}", rates, currency_id=currency.id)
        agent = cls.make_reseller(
            name,
            "agent",
            rate_card_id=card.id if card else False,
            telecom_commission_method=method,
            **percents,
            **vals,
        )
        if price is not None:
            agent.with_company(cls.company).specific_property_product_pricelist = cls.env[
                "product.pricelist"
            ].create(
                {
                    "name": f"Prices of {name}",
                    "currency_id": agent.telecom_currency_id.id,
                    "company_id": cls.company.id,
                    "item_ids": [
                        Command.create(
                            {
                                "applied_on": "1_product",
                                "product_tmpl_id": cls.line.product_tmpl_id.id,
                                "compute_price": "fixed",
                                "fixed_price": price,
                            }
                        )
                    ],
                }
            )
        return agent

    def use(self, account=None, hours=10, month="03"):
        """Call Belgium for hours of 3.00 each."""
        self.take_calls(
            self.call(
                account or self.customer,
                start=f"2025-{month}-{10 + index:02} 10:00:00",
                seconds=3600,
            )
            for index in range(hours)
        )

    def invoice(self, account=None):
        """Return the invoice: calls 30.00, March and April of a line 40.00, an adjustment."""
        account = account or self.customer
        self.use(account)
        self.add_service(account, self.line)
        self.env["telecom.charge"].create(
            {"name": "Visit", "partner_id": account.id, "date": "2025-03-15", "amount": 12.34}
        )
        invoice = self.bill(accounts=account)
        sums = {
            kind: sum(lines.mapped("price_subtotal"))
            for kind, lines in invoice.invoice_line_ids.grouped("telecom_section").items()
        }
        self.assertEqual((sums["calls"], sums["subscription"], sums["other"]), (30.0, 40.0, 12.34))
        return invoice

    def pay(self, invoice, amount=None, day="2025-04-20"):
        """Register a payment of an invoice, of all that is open when nothing else is said."""
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        )
        values = {"payment_date": day}
        if amount:
            values["amount"] = amount
        return wizard.create(values)._create_payments()

    def credit(self, invoice, keep=None, **prices):
        """Return the posted credit note of an invoice; of some sections only, or with others'
        prices, as an accountant makes it: a draft that is changed, then confirmed."""
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id, "date": "2025-04-10"})
        )
        note = self.env["account.move"].browse(wizard.reverse_moves()["res_id"])
        for line in note.invoice_line_ids.filtered(lambda line: line.display_type == "product"):
            section = line.telecom_credited_section
            if keep and section not in keep:
                line.unlink()
            elif section in prices:
                line.price_unit = prices[section]
        note.action_post()
        return note

    def rows(self, *moves, agent=None, state=None):
        domain = [("partner_id", "=", (agent or self.agent).id)]
        if moves:
            domain.append(("move_id", "in", [move.id for move in moves]))
        if state:
            domain.append(("state", "=", state))
        return self.commissions.search(domain, order="id")

    def sums(self, *moves, **only):
        """Return {kind: commission}, of those that are not nothing."""
        self.env.flush_all()
        result = {}
        for kind, rows in self.rows(*moves, **only).grouped("kind").items():
            total = round(sum(rows.mapped("amount")), 8)
            if total:
                result[kind] = total
        return result

    def settle(self, until="2025-05-01", day="2025-05-02", agents=None):
        return self.commissions._settle(until, agents, day)
