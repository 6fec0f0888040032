import csv
import io
from decimal import Decimal

from freezegun import freeze_time
from lxml import html

from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged

from ..models.wholesale_file import WholesaleFile
from .common import TelecomCommon


@tagged("post_install", "-at_install")
class TestWholesaleInvoice(TelecomCommon, HttpCase):
    """The invoice of a distributor with a customer, an agent with one, and a reseller below."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        card = cls.make_card(
            "Wholesale", [("32", "BE wholesale", 0.0333, {}), ("33", "FR wholesale", 0.02, {})]
        )
        cls.big = cls.make_reseller("Big", rate_card_id=card.id)
        cls.retail = cls.make_card(
            "Retail", [("32", "Belgium", 0.7777, {}), ("33", "France", 0.8888, {})]
        )
        vals = {"rate_card_id": cls.retail.id}
        cls.customer = cls.make_account("Anna", reseller_id=cls.big.id, **vals)
        cls.agent = cls.make_reseller("Agent", "agent", reseller_id=cls.big.id, **vals)
        cls.of_agent = cls.make_account("Bert", reseller_id=cls.agent.id, **vals)
        cls.small = cls.make_reseller("Small", reseller_id=cls.big.id, **vals)
        cls.hidden = cls.make_account("Hidden", reseller_id=cls.small.id, **vals)
        cls.line = cls.make_product("Line", price=10.0, company_id=cls.company.id)
        cls.fibre = cls.make_product("Fibre", price=20.0, company_id=cls.company.id)
        cls.period_model = cls.env["telecom.billing.period"]

    def use(self):
        """Let each of them call, and some have services."""
        self.take_calls(
            self.call(account, number, f"2025-03-10 10:{minute:02}:00", 61)
            for account in (self.big, self.customer, self.of_agent, self.small, self.hidden)
            for minute, number in enumerate(("3225551234", "32255512345", "33123456789"))
        )
        self.add_service(self.big, self.line, "2025-03-01")
        self.add_service(self.customer, self.line, "2025-03-01", name="=HYPERLINK(1)")
        self.add_service(self.customer, self.fibre, "2025-03-11")
        self.add_service(self.hidden, self.line, "2025-03-01", name="Line of Hidden's bakery")

    def wholesale(self):
        self.use()
        self.bill()
        return self.period_model.search([("partner_id", "=", self.big.id)]).move_id

    def lines(self, move, customer=None):
        return move.invoice_line_ids.filtered(
            lambda line: (
                line.telecom_section and (not customer or line.telecom_customer_id == customer)
            )
        )

    def behind(self, line):
        """Return the records that the button of a line opens."""
        action = line.action_telecom_details()
        return self.env[action["res_model"]].search(action["domain"])

    def rows(self, move):
        text = io.StringIO(newline="")
        total = WholesaleFile(move).write_to(text)
        rows = list(csv.DictReader(io.StringIO(text.getvalue().removeprefix("\ufeff"), newline="")))
        self.assertEqual(sum(Decimal(row["Amount"]) for row in rows), total)
        return rows

    # === LINES ===

    def test_summed_by_customer_and_kind(self):
        move = self.wholesale()
        names = [
            (line.telecom_section, line.telecom_customer_id.name or "", line.name, line.price_unit)
            for line in self.lines(move)
        ]
        # 61 s at 0.0333: 0.0339; at 0.02: 0.0203; Small's own three and Hidden's three
        self.assertEqual(
            names,
            [
                ("calls", "", "BE wholesale – calls: 2, minutes: 2:02", 0.07),
                ("calls", "", "FR wholesale – calls: 1, minutes: 1:01", 0.02),
                ("calls", "Anna", "Calls of Anna – calls: 3, minutes: 3:03", 0.09),
                ("calls", "Bert", "Calls of Bert – calls: 3, minutes: 3:03", 0.09),
                ("calls", "Small", "Calls of Small – calls: 6, minutes: 6:06", 0.18),
                ("subscription", "", "Line, 03/01/2025 to 03/31/2025", 10.0),
                ("subscription", "", "Line, 04/01/2025 to 04/30/2025", 10.0),
                ("subscription", "Anna", "Subscriptions of Anna – charges: 4", 53.55),
                ("subscription", "Small", "Subscriptions of Small – charges: 2", 20.0),
            ],
        )
        self.assertNotIn("Hidden", str(move.invoice_line_ids.mapped("name")))

    def test_opens_what_is_behind(self):
        move = self.wholesale()
        opened = {model: self.env[model] for model in ("telecom.call.charge", "telecom.charge")}
        for line in self.lines(move):
            found = self.behind(line)
            exact = sum(Decimal(f"{record.amount:.8f}") for record in found)
            self.assertEqual(round(exact, 2), Decimal(f"{line.telecom_amount:.2f}"), line.name)
            self.assertFalse(opened[found._name] & found)
            opened[found._name] |= found
            if found._name == "telecom.call.charge":
                self.assertEqual(found.resold_to_id, line.telecom_customer_id)
        period = move.telecom_period_ids
        self.assertEqual(
            opened["telecom.call.charge"],
            self.env["telecom.call.charge"].search([("period_id", "=", period.id)]),
        )
        self.assertEqual(
            opened["telecom.charge"],
            period.charge_ids.filtered(lambda c: c.charge_type != "rounding"),
        )
        report = self.env["telecom.reconciliation.report"]
        self.assertEqual(
            report.search([("partner_id", "=", self.big.id)]).mapped("difference"), [0.0]
        )

    def test_moved_customer_is_on_both_lines(self):
        """A customer that went from Small to Big within the month is whose it was then."""
        self.take_calls([self.call(self.hidden)])
        with freeze_time("2025-03-15 12:00:00"):
            self.hidden.reseller_id = self.big
        self.take_calls([self.call(self.hidden, start="2025-03-16 10:00:00", seconds=120)])
        self.bill()
        move = self.period_model.search([("partner_id", "=", self.big.id)]).move_id
        seconds = {
            line.telecom_customer_id.name: self.behind(line).mapped("billed_seconds")
            for line in self.lines(move)
        }
        self.assertEqual(seconds, {"Hidden": [120], "Small": [60]})

    def test_taxes_of_products(self):
        """What is taxed otherwise has a line of its own, also in a sum."""
        low = self.make_tax(6)
        self.fibre.taxes_id = low
        move = self.wholesale()
        lines = self.lines(move, self.customer).filtered(
            lambda line: line.telecom_section == "subscription"
        )
        self.assertEqual(
            {line.name: (line.tax_ids, line.price_unit) for line in lines},
            {
                "Subscriptions of Anna – charges: 2, Line": (self.tax, 20.0),
                "Subscriptions of Anna – charges: 2, Fibre": (low, 33.55),
            },
        )
        for line in lines:
            self.assertEqual(self.behind(line).product_id, line.product_id)
        self.assertEqual(self.lines(move, self.small).filtered("product_id").tax_ids, self.tax)

    def test_changes_on_a_draft(self):
        self.profile.mode = "draft"
        move = self.wholesale()
        report = self.env["telecom.reconciliation.report"]
        for line in self.lines(move, self.customer):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                line.unlink()
        line = self.lines(move, self.customer)[-1]
        line.price_unit = 50.0
        change = move.telecom_period_ids.charge_ids.filtered(lambda c: c.charge_type == "change")
        self.assertEqual(round(change.amount, 2), -3.55)
        row = report.search([("partner_id", "=", self.big.id)])
        self.assertEqual((row.difference, row.unbilled_amount), (0.0, 0.0))
        # a line of one charge still gives it back
        own = self.lines(move).filtered(lambda line: line.telecom_charge_id)[0]
        charge = own.telecom_charge_id
        own.unlink()
        self.assertEqual(charge.period_id.state, "open")
        self.assertEqual(len(self.behind(line)), 4)
        self.assertFalse(report.search([("partner_id", "=", self.big.id)]).difference)
        move.button_cancel()
        self.bill()
        again = self.period_model.search([("partner_id", "=", self.big.id)]).move_id
        self.assertIn(53.55, self.lines(again, self.customer).mapped("price_unit"))

    # === THE FILE ===

    def test_file_adds_up_to_the_lines(self):
        self.profile.mode = "draft"
        move = self.wholesale()
        self.lines(move, self.small)[0].price_unit = 0.5
        rows = self.rows(move)
        self.assertEqual(
            sum(Decimal(row["Amount"]) for row in rows), Decimal(f"{move.amount_untaxed:.2f}")
        )
        by_line = {}
        for row in rows:
            key = row["Customer"], row["Kind"]
            by_line[key] = by_line.get(key, 0) + Decimal(row["Amount"])
        wanted = {}
        for line in self.lines(move):
            kind = dict(line._fields["telecom_section"].selection)[line.telecom_section]
            key = (line.telecom_customer_id or self.big).display_name, kind
            wanted[key] = wanted.get(key, 0) + Decimal(f"{line.price_subtotal:.2f}")
        self.assertEqual(by_line, wanted)
        calls = [row for row in rows if row["Kind"] == "Calls" and row["Seconds"]]
        self.assertEqual(len(calls), 15)
        self.assertEqual(
            next(row for row in calls if row["Customer"] == "Anna"),
            {
                "Customer": "Anna",
                "Kind": "Calls",
                # in Brussels
                "Date": "2025-03-10 11:00:00",
                "Last Day": "",
                "From": "3227880100",
                "To": "3225551234",
                "Description": "BE wholesale",
                "Seconds": "61",
                "Free Seconds": "0",
                "Amount": "0.03390000",
                "Currency": "EUR",
            },
        )
        services = [row for row in rows if row["Customer"] == "Anna" and row["Last Day"]]
        self.assertEqual(
            [(r["Date"], r["Last Day"], r["Description"], r["Amount"]) for r in services],
            [
                ("2025-03-01", "2025-03-31", "'=HYPERLINK(1)", "10.00000000"),
                ("2025-03-11", "2025-03-31", "Fibre", "13.55000000"),
                ("2025-04-01", "2025-04-30", "'=HYPERLINK(1)", "10.00000000"),
                ("2025-04-01", "2025-04-30", "Fibre", "20.00000000"),
            ],
        )

    def test_credit_note_in_another_currency(self):
        dollar = self.make_dollar(1.1)
        self.use()
        self.env["telecom.charge"].create(
            {"name": "Goodwill", "partner_id": self.big.id, "date": "2025-03-12", "amount": -500}
        )
        self.big.rate_card_id = self.make_card(
            "Dollars", [("32", "BE", 0.0123, {})], currency_id=dollar.id
        )
        self.take_calls([self.call(self.customer, start="2025-03-20 10:00:00")])
        self.bill()
        move = self.period_model.search([("partner_id", "=", self.big.id)]).move_id
        self.assertEqual((move.move_type, move.currency_id), ("out_refund", dollar))
        rows = self.rows(move)
        self.assertEqual(
            sum(Decimal(row["Amount"]) for row in rows), Decimal(f"{move.amount_untaxed:.2f}")
        )
        line = self.lines(move, self.customer)[0]
        # calls in euro and in dollars are on one line
        self.assertEqual(len(self.behind(line)), 4)
        self.assertEqual(line.name, "Calls of Anna – calls: 4, minutes: 4:03")

    def test_what_is_summed_up_has_no_unit_price(self):
        """Only the two months of its own line have one in print."""
        move = self.wholesale()
        printed = self.env["ir.actions.report"]._render_qweb_html(
            "account.account_invoices", move.ids
        )[0]
        rows = html.fromstring(printed).xpath("//tr[td[@name='account_invoice_line_name']]")
        with_price = [row for row in rows if row.xpath("td[@name='td_price_unit']")]
        self.assertEqual(
            [" ".join(row.text_content().split()) for row in with_price],
            [
                "Line, 03/01/2025 to 03/31/2025 1.00 10.00 VAT 21% 10.00 €",
                "Line, 04/01/2025 to 04/30/2025 1.00 10.00 VAT 21% 10.00 €",
            ],
        )

    def test_nothing_of_other_tiers(self):
        """Neither file nor annex nor lines tell prices, destinations or customers of others."""
        self.profile.annex = "pdf"
        move = self.wholesale()
        file = str(self.rows(move))
        annex = str(move.telecom_itemised_calls())
        printed = (
            self.env["ir.actions.report"]
            ._render_qweb_html("account.account_invoices", move.ids)[0]
            .decode()
        )
        for text in (file, annex, printed):
            self.assertIn("BE wholesale", text)
            for secret in ("Hidden", "bakery", "Agent", "Belgium", "France"):
                self.assertNotIn(secret, text.replace("Belgium</span>", ""), secret)
            # 61 s at the retail prices of customers, of the agent and of Small
            for amount in ("0.79", "0.90", "0.91"):
                self.assertNotIn(amount, text)

    def test_download(self):
        move = self.wholesale()
        retail = self.period_model.search([("partner_id", "=", self.customer.id)]).move_id
        url = "/telecom/invoice/%s/details.csv"
        self.assertEqual(move.action_telecom_wholesale_file()["url"], url % move.id)
        self.assertTrue(move.telecom_is_wholesale)
        self.assertFalse(retail.telecom_is_wholesale)
        password = "a long enough password"
        users = {
            name: self.make_user(name, group, password=password)
            for name, group in (
                ("accountant", "account.group_account_invoice"),
                ("nobody", "base.group_user"),
                ("reseller", "base.group_portal"),
                ("stranger", "base.group_portal"),
            )
        }
        users["reseller"].partner_id = self.big
        users["stranger"].partner_id = self.customer
        for name in users:
            self.authenticate(name, password)
            answer = self.url_open(url % move.id)
            if name in ("accountant", "reseller"):
                self.assertEqual(answer.status_code, 200)
                self.assertIn("attachment", answer.headers["Content-Disposition"])
                rows = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
                self.assertEqual(
                    sum(Decimal(row["Amount"]) for row in rows),
                    Decimal(f"{move.amount_untaxed:.2f}"),
                )
            else:
                self.assertEqual(answer.status_code, 404)
            self.assertEqual(self.url_open(url % retail.id).status_code, 404)
        self.authenticate(None, None)
        answer = self.url_open(url % move.id, allow_redirects=False)
        self.assertEqual(answer.status_code, 303)
