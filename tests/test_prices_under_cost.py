"""Prices at which a reseller sells for less than it pays."""

import base64
from decimal import Decimal

from freezegun import freeze_time
from hypothesis import strategies as st

from odoo.fields import Command

from odoo.addons.telecom_billing.engine.prefixes import PrefixTable
from odoo.addons.telecom_billing.engine.tariff import METHODS, price_call, terms, to_decimal

from .common import TelecomCommon
from .engine_case import property_test

NOW = "2025-06-01 12:00:00"


class LossCase(TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bought = cls.make_card("Wholesale", rounding_digits=6)
        cls.reseller = cls.make_reseller("Voice", rate_card_id=cls.bought.id)
        cls.manager = cls.make_user("manager", "telecom_billing.group_manager")

    def card_of(self, name, *rates, **vals):
        """A card of the reseller; rates as (prefix, price, other values)."""
        return self.make_card(
            name, self.rows(*rates), owner_id=self.reseller.id, rounding_digits=6, **vals
        )

    @staticmethod
    def rows(*rates):
        return [(prefix, f"to {prefix}", price, vals) for prefix, price, vals in rates]

    def buy(self, *rates):
        self.bought.rate_ids.unlink()
        self.bought.rate_ids = [
            Command.create({"prefix": p, "destination": f"from {p}", "price_per_minute": c, **vals})
            for p, c, vals in rates
        ]

    def losses(self, card):
        """{prefix of the numbers: (sold as, bought as, 1 min, bought, 3 min, bought)}."""
        with freeze_time(NOW):
            card._check_losses()
        self.assertEqual(len(card.loss_ids), card.loss_count)
        return {
            loss.prefix or "": (
                loss.sale_prefix or "",
                loss.cost_prefix or "",
                *(
                    float(round(loss[name], 6))
                    for name in ("sale_short", "cost_short", "sale_long", "cost_long")
                ),
            )
            for loss in card.loss_ids
        }


class TestPricesUnderCost(LossCase):
    def test_the_longest_prefixes_of_both_sides_are_compared(self):
        self.buy(("44", 0.01, {}), ("447", 0.10, {}), ("33", 0.05, {}), ("", 0.5, {}))
        card = self.card_of(
            "Retail",
            ("44", 0.02, {}),  # sells 447 as well, which is bought at 0.10
            ("3312", 0.04, {}),  # bought as 33
            ("33", 0.06, {}),
            ("49", 0.4, {}),  # bought as every number
            ("32", 0.5, {}),
        )
        self.assertEqual(
            self.losses(card),
            {
                "447": ("44", "447", 0.02, 0.10, 0.06, 0.30),
                "3312": ("3312", "33", 0.04, 0.05, 0.12, 0.15),
                "49": ("49", "", 0.4, 0.5, 1.2, 1.5),
            },
        )
        loss = card.loss_ids.filtered(lambda line: line.prefix == "447")
        self.assertEqual(loss.rate_id.prefix, "44")
        self.assertEqual(loss.destination, "from 447")
        self.assertAlmostEqual(loss.difference_short, -0.08)
        self.assertAlmostEqual(loss.difference, -0.24)
        self.assertAlmostEqual(loss.percent, -80)
        self.assertEqual(loss.action_open_rate()["res_id"], loss.rate_id.id)

    def test_fees_increments_and_roundings_count(self):
        self.buy(("1", 0.10, {"increment": 60, "initial_increment": 60}))
        # dearer per minute, cheaper at three: 0.04 + 0.08 x 1, 0.04 + 0.08 x 3
        fee = self.card_of("Fee", ("1", 0.08, {"connection_fee": 0.04}))
        self.assertEqual(self.losses(fee), {"1": ("1", "1", 0.12, 0.1, 0.28, 0.3)})
        # included seconds make the first minute cheap; 0.14 x 30 / 60 and 0.14 x 150 / 60
        free = self.card_of("Included", ("1", 0.14, {"included_seconds": 30}))
        self.assertEqual(self.losses(free), {"1": ("1", "1", 0.07, 0.1, 0.35, 0.3)})
        # long increments earn it back: 2 x 40 s, 5 x 40 s
        blocks = self.card_of("Blocks", ("1", 0.09, {"increment": 40, "initial_increment": 40}))
        self.assertEqual(self.losses(blocks), {})
        # 0.101 is rounded down to 0.10 and 0.30
        down = self.card_of("Down", ("1", 0.099, {}))
        self.assertEqual(len(self.losses(down)), 1)
        down.write({"rounding_digits": 2, "rounding_method": "half_up"})
        self.assertFalse(down.losses_checked)
        self.assertEqual(self.losses(down), {})

    def test_only_prices_that_price_a_number_are_compared(self):
        self.buy(("5", 1, {}), *((f"5{digit}", 0.01, {}) for digit in range(9)), ("590", 0.01, {}))
        card = self.card_of("Retail", ("5", 0.1, {}), *((f"59{d}", 1, {}) for d in range(1, 10)))
        # 50 to 58, and 590 to 599, leave no number that is bought as 5
        self.assertEqual(self.losses(card), {})
        card.rate_ids.filtered(lambda rate: rate.prefix == "595").unlink()
        self.assertEqual(self.losses(card).keys(), {"5"})

    def test_inbound_and_outbound_are_apart(self):
        self.buy(("32", 0.5, {}), ("32", 0.01, {"direction": "inbound"}))
        card = self.card_of("Retail", ("32", 0.02, {"direction": "inbound"}))
        self.assertEqual(self.losses(card), {})
        card.rate_ids.price_per_minute = 0.001
        self.assertEqual(self.losses(card), {"32": ("32", "32", 0.001, 0.01, 0.003, 0.03)})

    def test_currencies_are_converted_or_the_card_says_why_not(self):
        self.buy(("32", 0.10, {}))
        dollar = self.make_dollar(1.5)
        card = self.card_of("Dollar", ("32", 0.14, {}), currency_id=dollar.id)
        self.assertEqual(self.losses(card), {"32": ("32", "32", 0.14, 0.15, 0.42, 0.45)})
        dollar.rate_ids.unlink()
        self.env.registry.clear_cache()
        self.assertEqual(self.losses(card), {})
        self.assertIn("no exchange rate of USD", card.losses_error)
        self.assertIn("no exchange rate of USD", self.bought._loss_warnings()[0])

    def test_prices_to_come_are_looked_at(self):
        self.buy(("32", 0.05, {"date_to": "2025-07-01"}), ("32", 0.2, {"date_from": "2025-07-01"}))
        card = self.card_of("Retail", ("32", 0.1, {}), ("33", 0.01, {"date_to": "2025-05-01"}))
        self.assertEqual(self.losses(card), {"32": ("32", "32", 0.1, 0.2, 0.3, 0.6)})
        self.assertEqual(card.loss_ids.date_from, self.moment("2025-07-01"))

    def test_a_change_of_either_card_is_checked_by_the_job(self):
        self.buy(("32", 0.05, {}))
        card = self.card_of("Retail", ("32", 0.1, {}))
        other = self.make_card("Nobody's", self.rows(("32", 0.001, {})))
        cards = self.env["telecom.rate.card"]
        cards._cron_check_losses()
        self.assertTrue(card.losses_checked)
        self.assertEqual((card.loss_count, other.loss_count), (0, 0))
        triggers = self.env["ir.cron.trigger"].search_count([])
        self.bought.rate_ids.price_per_minute = 0.3
        self.assertFalse(card.losses_checked)
        self.assertGreater(self.env["ir.cron.trigger"].search_count([]), triggers)
        cards._cron_check_losses()
        self.assertEqual(card.loss_count, 1)
        # the reseller buys by another card
        self.reseller.rate_card_id = other
        self.assertFalse(card.losses_checked)
        cards._cron_check_losses()
        self.assertEqual(card.loss_count, 0)
        self.assertIn(card, cards.search([("loss_ids", "=", False)]))

    def test_an_import_warns_of_what_it_makes_dearer(self):
        self.buy(("32", 0.05, {}))
        self.card_of("Retail", ("32", 0.1, {}))
        wizard = (
            self.env["telecom.rate.import"]
            .with_user(self.manager)
            .create(
                {
                    "card_id": self.bought.id,
                    "file": base64.b64encode(b"prefix,price\n32,0.3\n"),
                    "file_name": "deck.csv",
                }
            )
        )
        wizard.action_read()
        wizard.action_import()
        self.assertEqual(wizard.loss_warning, "Rate card Retail, prices under what Voice pays: 1.")

    def test_a_derived_card_under_cost_warns_at_once(self):
        self.buy(("32", 0.05, {}))
        card = self.env["telecom.rate.card"]._derive_card(
            owner=self.reseller, parent_card=self.bought, percent=-10, digits=4
        )
        wizard = self.env["telecom.rate.derive"].create({"card_id": card.id})
        self.assertIn(
            "prices under what Voice pays: 1", wizard.action_derive()["params"]["message"]
        )
        card.markup_percent = 0
        self.assertEqual(wizard.action_derive()["type"], "ir.actions.act_window_close")
        self.assertFalse(card.action_open_losses()["context"])
        self.assertFalse(card.loss_count)

    def test_services_under_the_price_of_the_reseller_warn(self):
        product = self.make_product("Line", price=10.0)
        pricelist = self.env["product.pricelist"].create(
            {
                "name": "Wholesale",
                "currency_id": self.currency.id,
                "item_ids": [Command.create({"compute_price": "percentage", "percent_price": 20})],
            }
        )
        self.reseller.with_company(self.company).property_product_pricelist = pricelist
        customer = self.make_account("ACME", reseller_id=self.reseller.id)
        service = self.add_service(customer, product, price_unit=7.99)
        self.assertIn("under the", service.under_cost_warning)
        self.assertIn("8.00", service.under_cost_warning)
        self.assertIn("Voice", service.under_cost_warning)
        service.price_unit = 8
        self.assertFalse(service.under_cost_warning)
        own = self.add_service(self.make_account("Own"), product, price_unit=1)
        self.assertFalse(own.under_cost_warning)


RATES = st.dictionaries(
    st.tuples(st.sampled_from(("outbound", "inbound")), st.text("12", max_size=3)),
    st.tuples(
        st.decimals("0", "1", places=5),
        st.decimals("0", "1", places=3),
        st.sampled_from((0, 10, 100)),
        st.sampled_from((1, 30, 60, 200)),
        st.sampled_from((1, 6, 60)),
    ),
    min_size=1,
    max_size=8,
)


class TestPricesLaw(LossCase):
    @property_test(
        max_examples=40,
        sale=RATES,
        cost=RATES,
        digits=st.tuples(st.integers(0, 8), st.integers(0, 8)),
        methods=st.tuples(st.sampled_from(METHODS), st.sampled_from(METHODS)),
    )
    def test_sql_agrees_with_the_engine(self, sale, cost, digits, methods):
        """Every number that the engine sells under what it pays is in a line, and no other."""
        with self.env.cr.savepoint() as savepoint:
            tables = []
            cards = [self.card_of("S"), self.bought]
            for card, rates, decimals, method in zip(
                cards, (sale, cost), digits, methods, strict=True
            ):
                card.write(
                    {
                        "rounding_digits": decimals,
                        "rounding_method": method,
                        "rate_ids": [Command.create(self.values(*rate)) for rate in rates.items()],
                    }
                )
                tables.append(self.engine_table(rates, decimals, method))
            found = self.losses_by_number(cards[0])
            for direction in ("outbound", "inbound"):
                # every combination of digits that a prefix can begin with, and one that none has
                for number in self.numbers():
                    tiers = [table[direction].find(number, 0) for table in tables]
                    expected = None
                    if all(tiers):
                        prices = [
                            [to_decimal(price_call(rate, seconds)[1]) for seconds in (60, 180)]
                            for _prefix, rate in tiers
                        ]
                        if any(s < c for s, c in zip(*prices, strict=True)):
                            expected = (*prices[0], *prices[1])
                    self.assertEqual(found(direction, number), expected, (direction, number))
            savepoint.rollback()
        self.env.invalidate_all()

    @staticmethod
    def numbers():
        return [f"{a}{b}{c}00000" for a in "123" for b in "123" for c in "123"]

    @staticmethod
    def values(key, rate):
        return {
            "direction": key[0],
            "prefix": key[1],
            "destination": "X",
            "price_per_minute": float(rate[0]),
            "connection_fee": float(rate[1]),
            "included_seconds": rate[2],
            "initial_increment": rate[3],
            "increment": rate[4],
        }

    @staticmethod
    def engine_table(rates, digits, method):
        return {
            way: PrefixTable(
                (prefix, None, None, terms(*rate, digits=digits, method=method))
                for (direction, prefix), rate in rates.items()
                if direction == way
            )
            for way in ("outbound", "inbound")
        }

    def losses_by_number(self, card):
        """Return (direction, number) -> prices of the line with the longest prefix, if that pair
        of rates is under cost."""
        card._check_losses()
        self.env.cr.execute(
            """
            SELECT direction, coalesce(prefix, ''), sale_short::text, sale_long::text,
                   cost_short::text, cost_long::text
              FROM telecom_rate_loss WHERE card_id = %s
            """,
            [card.id],
        )
        lines = {row[:2]: tuple(map(Decimal, row[2:])) for row in self.env.cr.fetchall()}
        known = {(rate.direction, rate.prefix or "") for rate in (card | self.bought).rate_ids}

        def find(direction, number):
            for length in range(len(number), -1, -1):
                key = direction, number[:length]
                if key in known:
                    return lines.get(key)
            return None

        return find
