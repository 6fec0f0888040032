"""A change of terms is credited at the old ones and charged at the new ones, from its day on.

However often terms change, and whenever the charges are looked at in between, a service ends up
with what it would have been charged had everything been known from the start.
"""

import random
from datetime import timedelta
from decimal import Decimal

from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError

from .test_services import ServiceCase


class TestServicesChanges(ServiceCase):
    def change(self, service, day, **terms):
        service.change_terms(self.day(day), **terms)

    def test_a_price_that_changes_within_a_span(self):
        """31 a month from the 1st, 62 from the 21st: 11 days at 1 go back, 11 at 2 are charged."""
        service = self.service()
        self.charge("2025-03-01")
        self.change(service, "2025-03-21", price_unit=62)
        self.charge("2025-03-10")
        self.assertEqual(
            self.parts(service),
            [
                ("2025-03-01", "2025-04-01", 31),
                ("2025-03-21", "2025-04-01", -11),
                ("2025-03-21", "2025-04-01", 22),
            ],
        )
        credit = service.charge_ids.filtered("is_credit")
        self.assertEqual((credit.quantity, credit.price_unit), (-1, 31))
        # due when it takes effect
        self.assertEqual(credit.date, self.day("2025-03-21"))
        self.charge("2025-04-01")
        self.assertEqual(self.total(service), 42 + 62)

    def test_terms_that_are_known_in_time_make_no_credit(self):
        for invoicing in ("advance", "arrears"):
            service = self.service(invoicing=invoicing)
            self.change(service, "2025-03-21", price_unit=62, quantity=2)
            self.charge("2025-04-01")
            self.assertEqual(
                self.parts(service)[:2],
                [("2025-03-01", "2025-03-21", 20), ("2025-03-21", "2025-04-01", 44)],
            )

    def test_published_changes(self):
        """(case, price and quantity before, after, month, day of the change): credit, charge."""
        for name, before, after, month, day, credit, amount in (
            ("PRO-CHARGEBEE-1", (60, 1), (30, 1), "2025-06", 21, -20, 10),
            ("PRO-CHARGEBEE-2", (30, 3), (30, 2), "2025-06", 11, -60, 40),
            # 15.00 x 11 / 31 = 5.32 and 100.00 x 11 / 31 = 35.48: 30.16 in all
            ("PRO-LAGO-FIX-DELTA", (15, 1), (100, 1), "2025-03", 21, -5.32, 35.48),
            # 249.95 x 21 / 31, what is left after 10 blocked days: 249.95 - 80.63 = 169.32
            ("PRO-KB-OVERDUE-10of31", (249.95, 1), (0, 1), "2025-03", 11, -169.32, 0),
        ):
            service = self.service(f"{month}-01", price_unit=before[0], quantity=before[1])
            self.charge(f"{month}-01")
            self.change(service, f"{month}-{day}", price_unit=after[0], quantity=after[1])
            self.charge(f"{month}-{day}")
            self.assertEqual([a for *_days, a in self.parts(service)][1:], [credit, amount], name)

    def test_changes_before_the_start_and_on_the_edges_of_spans(self):
        service = self.service("2025-03-11")
        # before the start: from the start on
        self.change(service, "2025-01-01", price_unit=62)
        self.charge("2025-03-11")
        self.assertEqual(self.total(service), 42)
        self.assertEqual(len(service.version_ids), 1)
        # on the first day of what is charged already
        self.change(service, "2025-03-11", price_unit=31)
        self.charge("2025-03-12")
        self.assertEqual(
            self.parts(service)[1:],
            [
                ("2025-03-11", "2025-04-01", -42),
                ("2025-03-11", "2025-04-01", 21),
            ],
        )
        # on the first day of a span that is not
        self.change(service, "2025-04-01", price_unit=30)
        self.charge("2025-04-01")
        self.assertEqual(self.parts(service)[3:], [("2025-04-01", "2025-05-01", 30)])

    def test_changes_twice_in_a_span_and_back_to_the_old_terms(self):
        """1 a day, 2 from the 11th, 3 from the 21st: 10 + 20 + 33."""
        service = self.service()
        self.charge("2025-03-01")
        for day, price, total in (
            ("2025-03-11", 62, 10 + 42),
            ("2025-03-21", 93, 10 + 20 + 33),
            # the second change is taken back, then the first one
            ("2025-03-21", 62, 10 + 42),
            ("2025-03-11", 31, 10 + 10 + 22),
            ("2025-03-21", 31, 31),
            # nothing is different: nothing is charged
            ("2025-03-15", 31, 31),
        ):
            self.change(service, day, price_unit=price)
            before = len(service.charge_ids)
            self.charge("2025-03-25")
            self.assertEqual(self.total(service), total, (day, price))
            charges = service.charge_ids
            self.charge("2025-03-25")
            self.assertEqual(service.charge_ids, charges)
        self.assertEqual(len(service.charge_ids), before)

    def test_a_change_of_the_past_reaches_every_span_since_even_of_an_ended_service(self):
        service = self.service(date_end="2025-06-01")
        self.charge("2025-07-01")
        self.assertEqual(service.state, "ended")
        # 31 x 4 at half the quantity from 1 May on (31 days), at double from 16 April (15 of 30)
        self.change(service, "2025-05-01", quantity=0.5)
        self.change(service, "2025-04-16", quantity=2)
        self.charge("2025-07-01")
        self.assertEqual(
            self.total(service), Decimal(31) + Decimal("15.50") + Decimal(31) + Decimal("15.50")
        )
        self.assertEqual(service.state, "ended")

    def test_what_is_not_prorated_changes_with_its_next_span(self):
        service = self.service("2025-03-10", prorate=False)
        self.charge("2025-03-10")
        self.change(service, "2025-03-11", price_unit=50)
        self.charge("2025-04-10")
        self.assertEqual(
            self.parts(service),
            [("2025-03-10", "2025-04-10", 31), ("2025-04-10", "2025-05-10", 50)],
        )

    def test_the_service_shows_the_terms_of_today(self):
        with freeze_time("2025-03-10 12:00:00"):
            service = self.service("2025-03-01")
            self.charge("2025-03-01")
            self.change(service, "2025-03-20", price_unit=62)
            self.change(service, "2025-03-25", quantity=2)
            self.charge("2025-03-10")
            self.assertEqual((service.price_unit, service.quantity), (31, 1))
        with freeze_time("2025-03-22 12:00:00"):
            self.services._cron_add_recurring_charges()
            self.assertEqual((service.price_unit, service.quantity), (62, 1))
            # from today on; the price of the day is kept, and so is the later change
            service.quantity = 3
        self.assertEqual(
            [
                (str(v.date_from), v.quantity, v.price_unit)
                for v in service.version_ids.sorted("date_from")
            ],
            [
                ("2025-03-01", 1, 31),
                ("2025-03-20", 1, 62),
                ("2025-03-22", 3, 62),
                ("2025-03-25", 2, 62),
            ],
        )
        with freeze_time("2025-03-26 12:00:00"):
            self.services._cron_add_recurring_charges()
            self.assertEqual((service.price_unit, service.quantity), (62, 2))
        # 19 days at 1, 2 at 2, 3 at 6, 7 at 4
        self.assertEqual(self.total(service), 19 + 4 + 18 + 28)

    def test_terms_that_were_written_on_a_service_that_is_not_charged_hold_from_its_start(self):
        service = self.service("2025-03-11")
        service.write({"quantity": 2, "price_unit": 62})
        self.assertEqual(len(service.version_ids), 1)
        self.charge("2025-03-11")
        self.assertEqual(self.total(service), 84)

    def test_another_product_or_account_brings_its_own_price(self):
        """Whoever writes it: a form, an import, another program."""
        dear = self.make_product("Dear", price=93)
        service = self.service()
        self.change(service, "2025-03-21", quantity=2)
        service.product_id = dear
        self.assertEqual((service.name, service.price_unit), ("Dear", 93))
        self.charge("2025-03-01")
        self.assertEqual(self.total(service), 60 + 66)
        self.assertEqual((service.name, service.price_unit), ("Dear", 93))
        # a price that is said with it holds
        service = self.service()
        service.write({"product_id": dear.id, "price_unit": 62})
        self.charge("2025-03-01")
        self.assertEqual(self.total(service), 62)
        # so does one that begins on another day
        later = self.service()
        self.change(later, "2025-03-11", price_unit=62)
        later.write({"product_id": dear.id, "date_start": "2025-03-17"})
        self.charge("2025-03-17")
        self.assertEqual((self.total(later), len(later.version_ids)), (45, 1))
        # the same one again changes nothing, even of a service that is charged
        service.write({"product_id": dear.id, "partner_id": service.partner_id.id})
        self.charge("2025-03-02")
        self.assertEqual((self.total(service), service.price_unit), (62, 62))
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            service.product_id = self.line

    def test_a_start_that_is_moved_takes_along_the_terms_in_force_on_its_day(self):
        """(new start): terms; they were 31, 62 from 1 April, 93 from 1 June."""
        for start, terms in (
            ("2025-02-10", [("2025-02-10", 31), ("2025-04-01", 62), ("2025-06-01", 93)]),
            ("2025-03-10", [("2025-03-10", 31), ("2025-04-01", 62), ("2025-06-01", 93)]),
            ("2025-04-01", [("2025-04-01", 62), ("2025-06-01", 93)]),
            ("2025-05-01", [("2025-05-01", 62), ("2025-06-01", 93)]),
            ("2025-07-01", [("2025-07-01", 93)]),
        ):
            service = self.service("2025-03-01")
            self.change(service, "2025-04-01", price_unit=62)
            self.change(service, "2025-06-01", price_unit=93)
            service.date_start = start
            versions = service.version_ids.sorted("date_from")
            self.assertEqual([(str(v.date_from), v.price_unit) for v in versions], terms, start)
        # price and start together
        service.write({"date_start": "2025-08-01", "price_unit": 10})
        self.assertEqual(service.version_ids.mapped("price_unit"), [10])

    def test_a_service_keeps_its_first_terms(self):
        service = self.service()
        self.change(service, "2025-03-11", quantity=2)
        first, second = service.version_ids.sorted("date_from")
        with self.assertRaises(UserError), self.env.cr.savepoint():
            first.unlink()
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            second.date_from = "2025-02-01"
        second.unlink()
        self.charge("2025-03-11")
        self.assertEqual(self.total(service), 31)

    def test_credits_are_on_invoices_like_charges(self):
        """March is invoiced on 1 March; then the number of lines is halved from the 17th on."""
        account = self.account(billing_start="2025-02-01")
        service = self.service("2025-03-01", account, quantity=2)
        self.charge("2025-03-01")
        self.assertEqual(self.bill("2025-03-01", account).amount_untaxed, 62)
        self.change(service, "2025-03-17", quantity=1)
        # 62 - 15 x 2 + 15 x 1, and 31 for April, which is due on 1 April
        move = self.bill("2025-04-01", account)
        self.assertEqual(move.amount_untaxed, -30 + 15 + 31)
        self.assertEqual(sorted(move.invoice_line_ids.mapped("price_subtotal")), [-30, 0, 15, 31])
        self.assert_laws(account)

    def test_any_history_of_changes_ends_like_one_that_was_known_from_the_start(self):
        rng = random.Random(20250301)
        start = self.day("2025-01-12")
        for example in range(15):
            changes = [
                (
                    start + timedelta(days=rng.randrange(0, 120)),
                    {
                        rng.choice(("quantity", "price_unit")): rng.choice((0, 1, 2, 3.33, 10, 31)),
                    },
                )
                for _change in range(rng.randrange(1, 7))
            ]
            end = start + timedelta(days=rng.randrange(0, 140)) if rng.random() < 0.7 else False
            terms = {
                "prorate": rng.random() < 0.8,
                "invoicing": rng.choice(("advance", "arrears")),
                "recurrence": rng.choice(("weekly", "monthly", "quarterly")),
                "price_unit": 31,
                "setup_fee": 5,
            }
            last = start + timedelta(days=130)
            services = []
            for quiet in (True, False):
                # both start with a quantity of 3 and hear of everything in the same order
                service = self.service(start, quantity=3, **terms)
                services.append(service)
                for day, change in changes:
                    service.change_terms(day, **change)
                    if not quiet:
                        looked = start + timedelta(days=rng.randrange(0, 130))
                        self.services._add_recurring_charges(looked, service.partner_id)
                        if rng.random() < 0.3:
                            service.date_end = start + timedelta(days=rng.randrange(0, 140))
                service.date_end = end
                self.services._add_recurring_charges(last, service.partner_id)
            totals = [
                [
                    (row[0], row[1])
                    for row in self.query(
                        "SELECT span_from, sum(amount)::text FROM telecom_charge"
                        " WHERE subscription_id = %s GROUP BY 1 HAVING sum(amount) != 0 ORDER BY 1",
                        service.id,
                    )
                ]
                for service in services
            ]
            self.assertEqual(totals[0], totals[1], (example, terms, changes, end))
            self.assertEqual(services[0].charged_until, services[1].charged_until, example)
