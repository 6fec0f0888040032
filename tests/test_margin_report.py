from decimal import Decimal

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL

from .common import TelecomCommon


@tagged("post_install", "-at_install")
class TestMarginReport(TelecomCommon):
    """Provider, distributor Big, distributor Small under it, and a customer of Small.

    Big is charged in dollars, of which a euro buys two.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.report = cls.env["telecom.margin.report"]
        cls.dollar = cls.make_dollar(2.0)
        cls.big = cls.make_reseller(
            "Big",
            rate_card_id=cls.make_card(
                "For Big", [("32", "BE", 0.05, {})], currency_id=cls.dollar.id
            ).id,
        )
        cls.small = cls.make_reseller(
            "Small",
            reseller_id=cls.big.id,
            rate_card_id=cls.make_card("For Small", [("32", "Belgium all", 0.07, {})]).id,
        )
        rates = [("32", "Belgium", 0.10, {}), ("3247", "Belgium Mobile", 0.10, {})]
        cls.customer = cls.make_account(
            "Customer", reseller_id=cls.small.id, rate_card_id=cls.make_card("Retail", rates).id
        )

    def rows(self, *domain):
        """Return {(seller, customer, kind, destination, day): (calls, revenue, cost)} as charged,
        exactly."""
        self.env.invalidate_all()
        found = self.report._read_group(
            list(domain),
            ["seller_id", "customer_id", "kind", "destination", "date:day"],
            ["calls:sum", "revenue_currency:sum", "cost_currency:sum"],
        )
        return {
            (seller.name, customer.name, kind, destination, str(day)): (
                calls,
                f"{revenue:.8f}".rstrip("0").rstrip("."),
                f"{cost:.8f}".rstrip("0").rstrip("."),
            )
            for seller, customer, kind, destination, day, calls, revenue, cost in found
        }

    def assertTiersMeet(self):
        """Ask the calls and the charges themselves, whether all tiers' figures are what they say:
        what one pays is what the other takes, and the margins add up to what is charged to those
        who used it. All accounts are of the company, and in euro or dollars at 2."""
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT g.cdr_id, g.partner_id, g.destination, g.amount::text, g.currency_id
              FROM telecom_call_charge g JOIN res_partner p ON p.id = g.partner_id
             WHERE (g.tier = 0 OR p.reseller_kind IS DISTINCT FROM 'agent')
             ORDER BY g.cdr_id, g.tier
            """
        )
        chains = {}
        for call, *charge in self.env.cr.fetchall():
            chains.setdefault(("call", call), []).append(charge)
        sellers = {}
        for charge in self.env["telecom.charge"].search(
            [("charge_type", "!=", "commission")], order="tier"
        ):
            key = (charge.subscription_id, charge.charge_type, charge.date_from)
            key += (charge.revision, charge.is_credit)
            if not charge.subscription_id:
                # of one tier alone
                key = charge
                sellers[key] = charge.partner_id.reseller_id.id
            if not charge.tier or charge.partner_id.reseller_kind != "agent":
                chains.setdefault(key, []).append(
                    (charge.partner_id.id, None, f"{charge.amount:.8f}", charge.currency_id.id)
                )
        revenue, cost, retail = {}, {}, Decimal()
        for what, chain in chains.items():
            for index, (account, where, amount, currency) in enumerate(chain):
                amount = Decimal(amount)
                euros = amount / 2 if currency == self.dollar.id else amount
                seller = chain[index + 1][0] if index + 1 < len(chain) else sellers.get(what, False)
                key = seller, account, where
                revenue[key] = revenue.get(key, 0) + amount
                if index:
                    # as the one below it was charged, in its words
                    key = account, chain[index - 1][0], chain[index - 1][1]
                    cost[key] = cost.get(key, 0) + amount
                else:
                    retail += euros
        wanted = {
            key: (revenue.get(key, Decimal()), cost.get(key, Decimal()))
            for key in revenue.keys() | cost.keys()
        }
        rows = self.env.execute_query(
            SQL(
                """
                SELECT seller_id, customer_id, destination, sum(revenue_currency)::text,
                       sum(cost_currency)::text
                  FROM (%s) report WHERE kind != 'commission' GROUP BY 1, 2, 3
                """,
                self.report._table_query,
            )
        )
        found = {
            (seller or False, customer, where): (Decimal(revenue), Decimal(cost))
            for seller, customer, where, revenue, cost in rows
        }
        # what was taken back, and charged elsewhere, leaves rows that add up to nothing
        nothing = (Decimal(), Decimal())
        self.assertEqual(
            {key: sums for key, sums in found.items() if sums != nothing},
            {key: sums for key, sums in wanted.items() if sums != nothing},
        )
        # dollars at 2 are exact
        rows = self.env.execute_query(
            SQL(
                "SELECT sum(margin)::text FROM (%s) report WHERE kind != 'commission'",
                self.report._table_query,
            )
        )
        self.assertEqual(Decimal(rows[0][0]), retail)

    # === CALLS ===

    def test_three_tiers(self):
        self.take_calls(
            [
                self.call(self.customer, seconds=60),
                self.call(self.customer, "32475551234", seconds=90),
                # of Small itself, which sells it to nobody
                self.call(self.small, seconds=120),
            ]
        )
        day = "2025-03-10"
        self.assertEqual(
            self.rows(),
            {
                # 1 and 1.5 minutes at 0.10, bought at 0.07
                ("Small", "Customer", "calls", "Belgium", day): (1, "0.1", "0.07"),
                ("Small", "Customer", "calls", "Belgium Mobile", day): (1, "0.15", "0.105"),
                # these and Small's own 2 minutes at 0.07, bought at 0.05 dollars
                ("Big", "Small", "calls", "Belgium all", day): (3, "0.315", "0.225"),
                (False, "Big", "calls", "BE", day): (3, "0.225", "0"),
            },
        )
        self.assertTiersMeet()
        # in euro, of which one is two dollars; the sum is what Customer and Small used: 0.39
        margins = self.report._read_group([], ["seller_id"], ["margin:sum", "minutes:sum"])
        self.assertEqual(
            {seller.name: (round(margin, 8), minutes) for seller, margin, minutes in margins},
            {"Small": (0.075, 2.5), "Big": (0.2025, 4.5), False: (0.1125, 4.5)},
        )
        self.assertEqual(
            {
                row.end_customer_id
                for row in self.report.search([("customer_id", "=", self.big.id)])
            },
            {self.customer, self.small},
        )

    def test_priced_again(self):
        self.take_calls(self.call(self.customer, seconds=seconds) for seconds in (61, 67, 73))
        rates = (self.customer.rate_card_id + self.small.rate_card_id).rate_ids
        rates.filtered(lambda rate: rate.destination == "Belgium").write(
            {"price_per_minute": 0.1234, "destination": "Belgium, landline"}
        )
        rates.filtered(lambda rate: rate.destination == "Belgium all").price_per_minute = 0.0791
        counts = self.env["telecom.cdr"]._rerate(accounts=self.customer)
        self.assertEqual(counts["rated"], 3)
        self.assertTiersMeet()
        rows = self.rows(("seller_id", "=", self.small.id))
        # each call by itself: 0.1255 + 0.1378 + 0.1501, and 0.0804 + 0.0883 + 0.0962
        day = "2025-03-10"
        self.assertEqual(
            rows[("Small", "Customer", "calls", "Belgium, landline", day)],
            (3, "0.4134", "0.2649"),
        )
        self.assertEqual(rows[("Small", "Customer", "calls", "Belgium", day)], (0, "0", "0"))

    def test_moved_within_a_day(self):
        """What is sold stays with who sold it: when calls of the day are priced again, or taken
        back for their free units, after the customer has moved, too."""
        package = self.make_package("Minutes", 150, 0.0)
        self.add_service(self.customer, package)
        self.take_calls([self.call(self.customer, start="2025-03-10 09:00:00")])
        with freeze_time("2025-03-10 10:30:00"):
            self.customer.reseller_id = self.big
        self.take_calls([self.call(self.customer, start="2025-03-10 11:00:00")])
        # it comes late, and takes the free units of the one at 11
        self.take_calls([self.call(self.customer, start="2025-03-10 10:00:00", seconds=100)])
        self.assertTiersMeet()
        sold = self.report._read_group(
            [("customer_id", "=", self.customer.id)], ["seller_id"], ["calls:sum", "minutes:sum"]
        )
        self.assertEqual(
            {seller.name: (calls, round(minutes, 4)) for seller, calls, minutes in sold},
            {"Small": (2, 2.6667), "Big": (1, 1.0)},
        )
        # priced again, they are sold by whom they were
        self.env["telecom.cdr"]._rerate(
            accounts=self.customer, date_from="2025-03-10 00:00:00", date_to="2025-03-11 00:00:00"
        )
        self.assertTiersMeet()
        sold = self.report._read_group(
            [("customer_id", "=", self.customer.id)], ["seller_id"], ["calls:sum"]
        )
        self.assertEqual({seller.name: calls for seller, calls in sold}, {"Small": 2, "Big": 1})

    def test_cut_periods_and_other_days(self):
        """Usage is moved to another period and to other days as it was sold."""
        self.take_calls(
            self.call(self.customer, start=f"2025-03-{day} 23:30:00", seconds=61)
            for day in ("04", "10", "20")
        )
        self.customer.billing_tz = "Asia/Tokyo"
        self.assertTiersMeet()
        self.assertIn(
            ("Small", "Customer", "calls", "Belgium", "2025-03-21"),
            {key for key, (calls, *_amounts) in self.rows().items() if calls},
        )
        with freeze_time("2025-03-15 12:00:00"):
            self.env["telecom.billing.run"].close_periods(
                self.moment("2025-03-15 12:00:00"), self.customer + self.small, early=True
            )
        cut = self.env["telecom.billing.period"].search(
            [("partner_id", "=", self.small.id), ("date_to", "=", "2025-03-15")]
        )
        self.assertEqual(sum(cut.usage_ids.mapped("calls")), 2)
        self.assertTiersMeet()

    # === SERVICES ===

    def test_service_changed_within_a_month(self):
        """A span and its correction: each tier at its own price, in its own currency."""
        product = self.make_product(
            "Line", price=10.0, telecom_setup_fee=3.0, company_id=self.company.id
        )
        service = self.add_service(self.customer, product, price_unit=31.0, setup_fee=5.0)
        self.env["telecom.subscription"]._add_recurring_charges(self.day("2025-03-01"))
        service.change_terms("2025-03-11", quantity=2.0)
        self.env["telecom.subscription"]._add_recurring_charges(self.day("2025-03-31"))
        self.assertTiersMeet()
        own = self.report._read_group(
            [("kind", "=", "subscription")],
            ["seller_id"],
            ["revenue_currency:sum", "cost_currency:sum"],
        )
        # 31 days: 31, less 21 days, and 21 days twice; 10 euro above, 20 dollars at the top
        self.assertEqual(
            {seller.name: (round(took, 2), round(paid, 2)) for seller, took, paid in own},
            {
                "Small": (52.0, 16.78),
                "Big": (16.78, 33.55),
                False: (33.55, 0.0),
            },
        )
        # what is charged stays with who sold it
        self.customer.reseller_id = self.big
        service.date_end = "2025-03-21"
        self.env["telecom.subscription"]._add_recurring_charges(self.day("2025-03-31"))
        self.assertTiersMeet()
        self.assertFalse(
            self.report.search_count(
                [("seller_id", "=", self.big.id), ("customer_id", "=", self.customer.id)]
            )
        )

    def test_setup_fee_that_nobody_above_charges(self):
        """It is the direct reseller's revenue, though no reseller is charged anything."""
        product = self.make_product("Line", price=10.0, company_id=self.company.id)
        self.add_service(self.customer, product, setup_fee=5.0)
        self.env["telecom.subscription"]._add_recurring_charges(self.day("2025-03-01"))
        row = self.report.search([("kind", "=", "setup")])
        self.assertEqual((row.seller_id, row.revenue, row.cost), (self.small, 5.0, 0.0))

    def test_invoices_and_changes(self):
        """Roundings and what a person changes are revenue of who invoices, too."""
        self.take_calls(self.call(self.customer, seconds=61) for _count in range(3))
        self.env["telecom.charge"].create(
            {"name": "Goodwill", "partner_id": self.customer.id, "date": "2025-03-12", "amount": -1}
        )
        self.bill()
        self.assertTiersMeet()
        kinds = self.report._read_group(
            [("customer_id", "=", self.customer.id)], ["kind", "seller_id"], ["revenue:sum"]
        )
        self.assertEqual(
            {(kind, seller.name): round(took, 4) for kind, seller, took in kinds},
            # 3 calls at 0.1017: 0.3051, on the invoice 0.31
            {
                ("calls", "Small"): 0.3051,
                ("adjustment", "Small"): -1.0,
                ("rounding", "Small"): 0.0049,
            },
        )

    # === AGENTS ===

    def test_agents_sell_for_the_tier_above(self):
        with_card = self.make_reseller(
            "Agent", "agent", reseller_id=self.big.id, rate_card_id=self.small.rate_card_id.id
        )
        without = self.make_reseller("Helper", "agent", rate_card_id=False)
        first = self.make_account(
            "First", reseller_id=with_card.id, rate_card_id=self.customer.rate_card_id.id
        )
        second = self.make_account(
            "Second", reseller_id=without.id, rate_card_id=self.customer.rate_card_id.id
        )
        self.take_calls([self.call(first), self.call(second)])
        day = "2025-03-10"
        self.assertEqual(
            self.rows(),
            {
                ("Big", "First", "calls", "Belgium", day): (1, "0.1", "0.05"),
                (False, "Big", "calls", "BE", day): (1, "0.05", "0"),
                (False, "Second", "calls", "Belgium", day): (1, "0.1", "0"),
            },
        )
        self.assertTiersMeet()
        # 30 % of 0.10, earned with the invoice
        without.write({"telecom_commission_method": "percent", "telecom_commission_calls": 30})
        self.bill(accounts=second)
        [(seller, agent, took, paid, left)] = self.report._read_group(
            [("end_customer_id", "=", second.id)],
            ["seller_id", "agent_id"],
            ["revenue:sum", "cost:sum", "margin:sum"],
        )
        self.assertFalse(seller)
        self.assertEqual((agent, round(took, 4)), (without, 0.1))
        self.assertEqual((round(paid, 4), round(left, 4)), (0.03, 0.07))
        self.assertEqual(
            self.report.search(self.report._domain_of(without)).mapped("kind"), ["commission"]
        )

    # === CURRENCIES ===

    def test_rate_of_the_day(self):
        pound = self.env.ref("base.GBP")
        pound.active = True
        rates = self.env["res.currency.rate"]
        rates.search([("currency_id", "=", pound.id)]).unlink()
        rates.create(
            [
                {
                    "currency_id": pound.id,
                    "company_id": self.company.id,
                    "name": day,
                    "rate": rate,
                }
                for day, rate in (("2025-01-01", 2.0), ("2025-03-11", 4.0))
            ]
        )
        self.big.rate_card_id = self.make_card(
            "Pounds", [("32", "BE", 0.05, {})], currency_id=pound.id
        )
        self.take_calls(
            self.call(self.customer, start=f"{day} 10:00:00", seconds=60)
            for day in ("2024-12-31", "2025-03-10", "2025-03-11")
        )
        rows = self.report.search([("customer_id", "=", self.big.id)], order="date")
        # none was known on the last day of 2024, and none is taken as 1
        self.assertEqual(rows.mapped("is_converted"), [False, True, True])
        self.assertEqual(rows.mapped("revenue_currency"), [0.05, 0.05, 0.05])
        self.env.cr.execute(
            SQL(
                "SELECT revenue FROM (%s) report WHERE customer_id = %s ORDER BY date",
                self.report._table_query,
                self.big.id,
            )
        )
        amounts = [amount and round(amount, 6) for (amount,) in self.env.cr.fetchall()]
        self.assertEqual(amounts, [None, 0.025, 0.0125])
        # what needs no rate is there
        retail = self.report.search([("customer_id", "=", self.customer.id)])
        self.assertEqual(set(retail.mapped("is_converted")), {True})

    # === WHO SEES WHAT ===

    def test_each_sees_its_own(self):
        other = self.make_reseller(
            "Other", reseller_id=self.big.id, rate_card_id=self.small.rate_card_id.id
        )
        neighbour = self.make_account(
            "Neighbour", reseller_id=other.id, rate_card_id=self.customer.rate_card_id.id
        )
        self.take_calls([self.call(self.customer), self.call(neighbour)])
        rows = self.report.search(self.report._domain_of(self.small))
        self.assertEqual(rows.mapped("customer_id"), self.customer)
        self.assertEqual(set(rows.mapped("revenue_currency")), {0.1, 0.0})
        self.assertEqual(set(rows.mapped("cost_currency")), {0.07, 0.0})

    def test_books_of_a_distributor(self):
        """Its costs are told in the books in which it sells, not in those of its supplier."""
        books = self.make_company("Small's books")
        self.env.user.company_ids = [Command.link(books.id)]
        self.env["telecom.billing.profile"].create(
            {"name": "Small", "owner_id": self.small.id, "company_id": books.id}
        )
        self.take_calls([self.call(self.customer)])
        user = self.make_user("small", company_id=books.id)
        report = self.report.with_context(allowed_company_ids=books.ids)
        rows = report.with_user(user).search([])
        self.assertEqual(rows.sudo().mapped("seller_id"), self.small)
        self.assertEqual(sorted(rows.mapped("cost_currency")), [0.0, 0.07])
        user = self.make_user("provider")
        rows = self.report.with_user(user).search([])
        self.assertEqual(rows.sudo().mapped("seller_id"), self.big)
        self.assertIn(False, [bool(row.seller_id) for row in rows])
        for group in ("base.group_portal", "base.group_user"):
            stranger = self.make_user(group, group)
            with self.assertRaises(AccessError):
                self.report.with_user(stranger).search([])
