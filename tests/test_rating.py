"""Every tier is charged for a call in one pass, at its own price, or none is."""

from decimal import Decimal

from odoo.fields import Command

from ..models.rating import Rater
from .common import TelecomCommon
from .pipeline_laws import PipelineLaws

# case of another system's documentation or tests, terms of the rate, terms of the card,
# seconds, billed seconds, price
PUBLISHED = (
    ("CNX 7s 6/6", "0.015", {"initial_increment": 6, "increment": 6}, {}, 7, 12, "0.0030"),
    ("CNX 7s 30/6", "0.015", {"initial_increment": 30, "increment": 6}, {}, 7, 30, "0.0075"),
    ("CNX 61s 60/6", "0.06", {"initial_increment": 60, "increment": 6}, {}, 61, 66, "0.0660"),
    ("CNX 67s 60/6", "0.06", {"initial_increment": 60, "increment": 6}, {}, 67, 72, "0.0720"),
    ("CDRTool 59s", "0.16", {"connection_fee": 0.045}, {}, 59, 59, "0.2023"),
    ("Kolmisoft 15s/10", "1", {"initial_increment": 10, "increment": 10}, {}, 15, 20, "0.3333"),
    ("Kolmisoft 15s/60", "1", {"initial_increment": 60, "increment": 60}, {}, 15, 60, "1.0000"),
    ("VoIP.ms 27s", "0.50", {"initial_increment": 6, "increment": 6}, {}, 27, 30, "0.2500"),
    ("Kazoo 60/7", "0.01", {"initial_increment": 60, "increment": 7}, {}, 100, 102, "0.0170"),
    ("CGRateS 90s", "60", {}, {}, 90, 90, "90"),
    ("CGRateS 180s", "0.1", {}, {}, 180, 180, "0.3000"),
    (
        "CGRateS 24s up",
        "0.05",
        {"connection_fee": 0.15},
        {"rounding_digits": 2, "rounding_method": "up"},
        24,
        24,
        "0.17",
    ),
    (
        "Savemore 30/6 up",
        "0.049",
        {"initial_increment": 30, "increment": 6},
        {"rounding_digits": 2, "rounding_method": "up"},
        20,
        30,
        "0.03",
    ),
    ("Sipnode 61s 60/30", "0.15", {"initial_increment": 60, "increment": 30, "connection_fee": 0.1})
    + ({}, 61, 90, "0.3250"),
    ("included seconds", "0.06", {"connection_fee": 0.1, "included_seconds": 60})
    + ({}, 90, 30, "0.13"),
    ("within included", "0.06", {"connection_fee": 0.1, "included_seconds": 60}, {}, 60, 0, "0.1"),
    ("half up", "0.27", {}, {"rounding_digits": 2}, 10, 10, "0.05"),
    ("half to even", "0.27", {}, {"rounding_digits": 2, "rounding_method": "half_even"})
    + (10, 10, "0.04"),
    ("down", "0.29", {}, {"rounding_digits": 2, "rounding_method": "down"}, 10, 10, "0.04"),
    ("eight digits", "0.00000007", {}, {"rounding_digits": 8}, 60, 60, "0.00000007"),
)


class TestRating(PipelineLaws, TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cdrs = cls.env["telecom.cdr"]

    def rate(self, *rows):
        """Import the rows, rate, and return the counts."""
        self.cdrs.import_calls(rows, "test")
        return self.cdrs.rate_pending()

    def amounts(self, account):
        return [
            (charge.billed_seconds, round(charge.amount, 8)) for charge in self.charges_of(account)
        ]

    def call_of(self, row):
        return self.cdrs.search([("uid", "=", row["uid"])])

    # === PRICES ===

    def test_published_figures(self):
        rows, expected = [], {}
        for name, price, rate, card, seconds, billed, amount in PUBLISHED:
            account = self.make_account(
                name,
                rate_card_id=self.make_card(name, [("", "World", float(price), rate)], **card).id,
            )
            rows.append(self.call(account, seconds=seconds))
            expected[account] = (name, billed, Decimal(amount))
        self.take_calls(rows)
        for account, (name, billed, amount) in expected.items():
            self.assertEqual(self.charges_of(account).billed_seconds, billed, name)
            self.assertEqual(self.charged(account), amount, name)

    def test_the_longest_prefix_in_force_prices_a_call(self):
        account = self.make_account(
            "A1",
            rate_card_id=self.make_card(
                "C",
                [
                    ("", "World", 9, {}),
                    ("3", "Three", 8, {}),
                    ("32", "Belgium", 7, {}),
                    ("3247", "Mobile", 6, {"date_to": "2025-03-10 10:00:00"}),
                    ("3247", "Mobile, new", 5, {"date_from": "2025-03-12 10:00:00"}),
                    ("32471234567", "One number", 4, {"direction": "inbound"}),
                ],
            ).id,
        )
        for start, number, price in (
            ("2025-03-10 09:59:59", "32471234567", 6),
            ("2025-03-10 10:00:00", "32471234567", 7),
            ("2025-03-12 09:59:59", "32471234567", 7),
            ("2025-03-12 10:00:00", "32471234567", 5),
            ("2025-03-12 10:00:00", "3246123", 7),
            ("2025-03-12 10:00:00", "31471234567", 8),
            ("2025-03-12 10:00:00", "1471234567", 9),
        ):
            row = self.call(account, number, start)
            self.rate(row)
            self.assertEqual(self.call_of(row).amount, price, (start, number))
        row = self.call(account, "32471234567", direction="inbound")
        self.rate(row)
        self.assertEqual(self.call_of(row).amount, 4)

    # === TIERS ===

    def tiers(self, name, *prices, **vals):
        """Return accounts, customer first, each with a card (price, initial, increment)."""
        accounts, above = [], self.env["res.partner"]
        for level, price in reversed(list(enumerate(prices))):
            card = self.env["telecom.rate.card"]
            if price:
                card = self.make_card(
                    f"{name}{level}",
                    [
                        (
                            "",
                            "World",
                            price[0],
                            {"initial_increment": price[1], "increment": price[2]},
                        )
                    ],
                )
            make = self.make_reseller if level else self.make_account
            above = make(f"{name}{level}", rate_card_id=card.id, reseller_id=above.id, **vals)
            accounts.insert(0, above)
        return accounts

    def test_each_tier_is_charged_by_its_own_card_in_one_pass(self):
        """RES-S4VOIP-CHAIN, RES-TELEAPI-3: 47 s by three tariffs."""
        tiers = self.tiers("T", (0.1, 60, 60), (0.08, 30, 6), (0.06, 1, 1))
        tiers[1].rate_card_id.currency_id = self.env.ref("base.USD")
        row = self.call(tiers[0], seconds=47)
        self.assertEqual(self.rate(row)["rated"], 1)
        charges = self.call_of(row).call_charge_ids.sorted("tier")
        self.assertEqual(charges.partner_id.ids, [tier.id for tier in tiers])
        self.assertEqual(charges.mapped("tier"), [0, 1, 2])
        self.assertEqual(charges.mapped("billed_seconds"), [60, 48, 47])
        self.assertEqual(charges.mapped("amount"), [0.1, 0.064, 0.047])
        self.assertEqual(charges.currency_id.mapped("name"), ["EUR", "USD"])
        self.assertEqual(charges.period_id.partner_id, charges.partner_id)
        # margin of one tier on another (RES-PORTA-2LEVEL)
        self.rate(self.call(tiers[0], seconds=600))
        self.assertEqual([a for _s, a in self.amounts(tiers[0])], [0.1, 1.0])
        self.assertEqual([a for _s, a in self.amounts(tiers[2])], [0.047, 0.6])

    def test_a_missing_rate_at_any_tier_leaves_the_whole_call_unrated(self):
        """RES-SIPPY-MISSINGLINK: rating the lower levels only would leave a hole."""
        for missing in range(3):
            tiers = self.tiers(f"M{missing}", (0.1, 1, 1), (0.08, 1, 1), (0.06, 1, 1))
            rates = tiers[missing].rate_card_id.rate_ids
            rates.prefix = "49"
            row = self.call(tiers[0])
            self.assertEqual(self.rate(row)["reasons"], {"no_rate": 1})
            call = self.call_of(row)
            self.assertEqual((call.state, call.reason), ("unrated", "no_rate"))
            self.assertIn(rates.card_id.name, call.reason_detail)
            self.assertIn(row["dst"], call.reason_detail)
            self.assertFalse(call.call_charge_ids)
            rates.prefix = "32"
            self.cdrs.rate_pending()
            self.assertEqual((call.state, len(call.call_charge_ids)), ("rated", 3))
            self.assertFalse(call.reason_detail)

    def test_an_agent_is_charged_only_by_a_card_of_its_own(self):
        card = self.make_card("Agent's", [("", "World", 0.01, {})])
        for agent_card, charged in ((False, 1), (card.id, 2)):
            agent = self.make_reseller(f"G{charged}", kind="agent", rate_card_id=agent_card)
            account = self.make_account(f"A{charged}", reseller_id=agent.id)
            row = self.call(account)
            self.assertEqual(self.rate(row)["rated"], 1)
            self.assertEqual(len(self.call_of(row).call_charge_ids), charged)

    # === WHAT CANNOT BE PRICED ===

    def test_reasons_are_said_and_go_away_with_their_causes(self):
        account = self.make_account("A1")
        bare = self.make_account("B1", rate_card_id=False)
        distributor = self.make_reseller("D1", rate_card_id=False)
        customer = self.make_account("C1", reseller_id=distributor.id)
        rows = {
            "no_account": self.call(account, account_code="nobody"),
            "no_number": self.call(account, "*98#"),
            "no_rate": self.call(account, "4930123456"),
            "no_card": self.call(bare),
            "no_card at the reseller": self.call(customer),
        }
        counts = self.rate(*rows.values())
        self.assertEqual((counts["rated"], counts["unrated"]), (0, 5))
        for reason, row in rows.items():
            call = self.call_of(row)
            self.assertEqual((call.state, call.reason), ("unrated", reason.split()[0]), reason)
        self.assertEqual(
            self.cdrs.search([("reason", "=", "no_card")]),
            self.call_of(rows["no_card"]) | self.call_of(rows["no_card at the reseller"]),
        )
        self.assertIn("D1", self.call_of(rows["no_card at the reseller"]).reason_detail)
        self.make_account("nobody")
        (bare | distributor).rate_card_id = self.card
        self.card.rate_ids = [
            Command.create({"prefix": "49", "destination": "Germany", "price_per_minute": 0.04})
        ]
        counts = self.cdrs.rate_pending()
        self.assertEqual((counts["rated"], counts["reasons"]), (4, {"no_number": 1}))
        groups = dict(self.cdrs._read_group([], ["state"], ["__count"]))
        self.assertEqual(groups, {"rated": 4, "unrated": 1})

    def test_numbers_are_read_again_when_the_dialling_rules_are_mended(self):
        account = self.make_account("A1")
        self.profile.national_prefix = False
        row = self.call(account, "025551234")
        self.assertEqual(self.rate(row)["reasons"], {"no_rate": 1})
        self.profile.national_prefix = "0"
        self.assertEqual(self.cdrs.rate_pending()["rated"], 1)
        self.assertEqual(self.call_of(row).dst, "3225551234")

    def test_nobody_is_charged_for_a_partner_that_is_no_account(self):
        account = self.make_account("A1")
        row = self.call(account)
        self.cdrs.import_calls([row], "test")
        account.is_telecom_account = False
        self.assertEqual(self.cdrs.rate_pending()["reasons"], {"no_account": 1})
        account.is_telecom_account = True
        self.assertEqual(self.cdrs.rate_pending()["rated"], 1)

    # === BATCHES ===

    def many(self, name):
        """Import calls of a customer with a package and two tiers; return their accounts."""
        tiers = self.tiers(name, (0.1, 1, 1), (0.08, 30, 6))
        self.add_service(tiers[0], self.package)
        rows = [
            self.call(
                tiers[0],
                ("3225551234", "33123456789", "nonsense")[index % 3],
                f"2025-03-{10 + index % 7} 10:{index:02d}:00",
                seconds=7 + index,
                uid=f"{name}/{index}",
                direction=("outbound", "inbound")[index % 2],
            )
            for index in range(20)
        ]
        for tier in tiers:
            tier.rate_card_id.rate_ids.copy({"direction": "inbound"})
        self.cdrs.import_calls(rows, "test")
        return tiers[0] + tiers[1]

    def test_any_size_of_batch_gives_the_same_charges(self):
        self.package = self.make_package("P", 100)
        states = []
        for size in (1, 2, 7, 100):
            accounts = self.many(f"S{size}")
            self.assertEqual(Rater(self.env, batch_size=size).run()["rated"], 14)
            self.assert_usage_is_charges(accounts)
            self.assert_allowances_add_up(accounts)
            states.append(self.end_state(accounts))
        self.assertEqual(states, states[:1] * 4)
        accounts = self.many("limit")
        counts = [self.cdrs.rate_pending(limit=6) for _turn in range(6)]
        self.assertEqual(sum(c["rated"] for c in counts), 14)
        self.assertEqual(counts[0]["rated"] + counts[0]["unrated"], 6)
        self.assertEqual(self.end_state(accounts), states[0])

    # === PRICING AGAIN ===

    def test_pricing_again_replaces_the_price(self):
        """RER-CGR-NEWTARIFF: 120 s at 0.6, then at 1.7 a minute."""
        card = self.make_card("Old", [("", "World", 0.6, {})])
        account = self.make_account("A1", rate_card_id=card.id)
        other = self.make_account("A2")
        rows = [
            self.call(account, seconds=120, start=f"2025-03-{day} 10:00:00") for day in (10, 20)
        ]
        self.rate(*rows, self.call(other))
        self.assertEqual(self.charged(account), Decimal("2.4"))
        card.rate_ids.price_per_minute = 1.7
        first = {"date_from": "2025-03-10 10:00:00", "date_to": "2025-03-20 10:00:00"}
        counts = self.cdrs._rerate(accounts=account, **first)
        self.assertEqual(counts, {"released": 1, "kept": 0, "rated": 1, "unrated": 0})
        self.assertEqual(self.charged(account), Decimal("4.6"))
        for limits, released in (
            ({"cards": card}, 2),
            ({"accounts": account}, 2),
            ({"calls": self.call_of(rows[0])}, 1),
            ({"cards": self.card}, 1),
        ):
            before = self.end_state(account + other) if released != 2 else None
            self.assertEqual(self.cdrs._rerate(**limits)["released"], released)
            self.assert_usage_is_charges(account + other)
            self.assertEqual(self.charged(account), Decimal("6.8"))
            if before:
                self.assertEqual(self.end_state(account + other), before)

    def test_what_is_invoiced_is_never_priced_again(self):
        account = self.make_account("A1")
        self.take_calls(
            [self.call(account, start=f"2025-0{month}-10 10:00:00") for month in (2, 3, 4)]
        )
        moves = self.bill("2025-03-01")
        self.env["telecom.billing.period"].search(
            [("partner_id", "=", account.id), ("date_from", "=", "2025-03-01")]
        ).state = "closed"
        self.card.rate_ids.price_per_minute = 1
        counts = self.cdrs._rerate(accounts=account)
        self.assertEqual((counts["released"], counts["kept"]), (1, 2))
        self.assertEqual([a for _s, a in self.amounts(account)], [0.05, 0.05, 1])
        self.assertEqual(moves.amount_untaxed, 0.05)
        self.assert_usage_is_charges(account)

    def test_pricing_again_finds_what_has_no_rate_any_more(self):
        account = self.make_account("A1")
        self.take_calls([self.call(account)])
        self.card.rate_ids.filtered(lambda r: r.prefix == "32").date_to = "2025-03-01"
        self.assertEqual(self.cdrs._rerate(accounts=account)["unrated"], 1)
        self.assertEqual(self.charged(account), 0)
        self.assert_usage_is_charges(account)
