"""Recurring services: each day of each service is charged once, at the terms of that day.

Where the price is as high as a month has days, an amount is a number of days.
"""

from decimal import Decimal

from freezegun import freeze_time
from psycopg2.errors import ExclusionViolation

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tools import mute_logger

from .common import TelecomCommon
from .pipeline_laws import PipelineLaws


class ServiceCase(PipelineLaws, TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.services = cls.env["telecom.subscription"]
        cls.line = cls.make_product("Line", price=31)
        cls.count = 0

    def account(self, **vals):
        type(self).count += 1
        return self.make_account(f"A{self.count}", **vals)

    def service(self, date_start="2025-03-01", account=None, product=None, **vals):
        account = account or self.account()
        return self.add_service(account, product or self.line, date_start, **vals)

    def charge(self, until, partners=None):
        return self.services._add_recurring_charges(self.day(until), partners)

    def parts(self, service, account=None):
        """Return [(first day, day after the last, amount)] without the setup fee, as made."""
        charges = self.env["telecom.charge"].search(
            [
                ("subscription_id", "=", service.id),
                ("partner_id", "=", (account or service.partner_id).id),
                ("charge_type", "!=", "setup"),
            ],
            order="id",
        )
        return [(str(c.date_from), str(c.date_to), c.amount) for c in charges]

    def total(self, service, account=None):
        return sum(
            (Decimal(str(amount)) for *_days, amount in self.parts(service, account)), Decimal()
        )


class TestServices(ServiceCase):
    # === SPANS ===

    def test_spans_of_every_recurrence(self):
        """(recurrence, every, prorated, billing day, price, start, until): spans with amounts."""
        cases = {
            ("daily", 1, True, 1, 1, "2025-02-27", "2025-03-01"): (
                ("2025-02-27", "2025-02-28", 1),
                ("2025-02-28", "2025-03-01", 1),
                ("2025-03-01", "2025-03-02", 1),
            ),
            # weeks begin on Monday; 5 March is a Wednesday
            ("weekly", 1, True, 1, 7, "2025-03-05", "2025-03-10"): (
                ("2025-03-05", "2025-03-10", 5),
                ("2025-03-10", "2025-03-17", 7),
            ),
            ("weekly", 2, True, 1, 7, "2025-03-05", "2025-03-19"): (
                ("2025-03-05", "2025-03-19", 7),
                ("2025-03-19", "2025-04-02", 7),
            ),
            ("monthly", 1, True, 1, 31, "2025-03-12", "2025-04-01"): (
                ("2025-03-12", "2025-04-01", 20),
                ("2025-04-01", "2025-05-01", 31),
            ),
            # 28 February stands for the 31st; the day is not forgotten
            ("monthly", 1, True, 31, 31, "2025-01-31", "2025-03-31"): (
                ("2025-01-31", "2025-02-28", 31),
                ("2025-02-28", "2025-03-31", 31),
                ("2025-03-31", "2025-04-30", 31),
            ),
            ("monthly", 1, False, 1, 31, "2025-01-31", "2025-03-01"): (
                ("2025-01-31", "2025-02-28", 31),
                ("2025-02-28", "2025-03-31", 31),
            ),
            ("monthly", 2, True, 1, 31, "2024-12-31", "2025-03-01"): (
                ("2024-12-31", "2025-02-28", 31),
                ("2025-02-28", "2025-04-30", 31),
            ),
            # the first quarter of 2025 has 90 days, that of 2024 has 91
            ("quarterly", 1, True, 1, 90, "2025-02-10", "2025-04-01"): (
                ("2025-02-10", "2025-04-01", 50),
                ("2025-04-01", "2025-07-01", 90),
            ),
            ("quarterly", 1, True, 1, 91, "2024-02-10", "2024-02-10"): (
                ("2024-02-10", "2024-04-01", 51),
            ),
            ("yearly", 1, True, 1, 365, "2025-03-01", "2025-12-31"): (
                ("2025-03-01", "2026-01-01", 306),
            ),
            ("yearly", 1, False, 1, 365, "2024-02-29", "2025-02-28"): (
                ("2024-02-29", "2025-02-28", 365),
                ("2025-02-28", "2026-02-28", 365),
            ),
        }
        services = {}
        for case in cases:
            recurrence, every, prorate, billing_day, price, start, until = case
            services[case] = self.service(
                start,
                self.account(billing_day=billing_day),
                recurrence=recurrence,
                recurrence_interval=every,
                prorate=prorate,
                price_unit=price,
            )
            self.charge(until, services[case].partner_id)
        for case, expected in cases.items():
            self.assertEqual(self.parts(services[case]), list(expected), case)

    def test_published_shares(self):
        """(case, billing day, price, start, end, until): amounts."""
        cases = (
            ("PRO-KB-LEAD-12of31", 13, 31, "2011-02-01", None, "2011-02-01", [12]),
            ("PRO-KB-TRAIL-8of31", 17, 31, "2010-07-17", "2010-07-25", "2010-07-30", [8]),
            ("PRO-KB-LEAP-14of29", 1, 29, "2012-02-01", "2012-02-15", "2012-02-01", [14]),
            ("PRO-KB-MON-5of28", 15, 28, "2011-03-10", None, "2011-03-14", [5]),
            ("PRO-LAGO-MAR15", 1, 1, "2025-03-15", None, "2025-03-15", [0.55]),
            ("PRO-LAGO-TERM20", 1, 1, "2025-03-01", "2025-03-21", "2025-03-15", [0.65]),
            ("PRO-LAGO-FIX-1000-13of31", 1, 10, "2025-03-19", None, "2025-03-20", [4.19]),
            ("PRO-BR-AGG-2020-07", 1, 100, "2020-07-01", "2020-07-31", "2020-07-01", [96.77]),
            ("PRO-OCA-06", 1, 31, "2018-01-05", None, "2018-01-31", [27]),
            ("PRO-ACN-365, by month", 1, 45, "2025-11-01", "2025-11-12", "2025-11-01", [16.5]),
        )
        for name, billing_day, price, start, end, until, amounts in cases:
            service = self.service(
                start, self.account(billing_day=billing_day), price_unit=price, date_end=end
            )
            self.charge(until, service.partner_id)
            self.assertEqual([amount for *_days, amount in self.parts(service)], amounts, name)

    def test_advance_is_due_on_the_first_day_and_arrears_after_the_last(self):
        for invoicing, days in (
            ("advance", {"2025-03-09": 0, "2025-03-10": 1, "2025-03-31": 1, "2025-04-01": 2}),
            ("arrears", {"2025-03-10": 0, "2025-03-31": 0, "2025-04-01": 1, "2025-05-01": 2}),
        ):
            service = self.service("2025-03-10", invoicing=invoicing)
            for day, count in days.items():
                self.charge(day)
                self.assertEqual(len(self.parts(service)), count, (invoicing, day))
            self.assertEqual(str(service.charged_until), max(days)[:5] + "05-01")

    def test_the_day_is_that_of_the_account(self):
        """Midnight of 1 April is 11:00 UTC in Auckland (UTC+13) and 04:00 UTC in New York."""
        east = self.service(account=self.account(tz="Pacific/Auckland"))
        west = self.service(account=self.account(tz="America/New_York"))
        for moment, counts in (
            ("2025-03-31 10:59:59", (1, 1)),
            ("2025-03-31 11:00:00", (2, 1)),
            ("2025-04-01 03:59:59", (2, 1)),
            ("2025-04-01 04:00:00", (2, 2)),
        ):
            self.services._add_recurring_charges(self.moment(moment))
            self.assertEqual((len(self.parts(east)), len(self.parts(west))), counts, moment)

    def test_any_number_of_runs_ends_in_the_same_charges(self):
        states = []
        days = ["2025-03-01", "2025-03-02", "2025-03-17", "2025-04-01", "2025-05-09", "2025-07-01"]
        for steps in (days[-1:], days, [day for day in days for _twice in range(2)], days[::2]):
            account = self.account()
            for prorate in (True, False):
                for invoicing in ("advance", "arrears"):
                    self.service(
                        "2025-03-02",
                        account,
                        prorate=prorate,
                        invoicing=invoicing,
                        setup_fee=5,
                        date_end="2025-06-10",
                        name=f"{prorate} {invoicing}",
                    )
            for day in steps:
                self.charge(day, account)
            self.charge(days[-1], account)
            state = self.query(
                """
                SELECT name, charge_type, date, date_from, date_to, amount, quantity
                  FROM telecom_charge WHERE partner_id = %s ORDER BY 1, 2, 3, 4
                """,
                account.id,
            )
            self.assertEqual(set(account.subscription_ids.mapped("state")), {"ended"})
            states.append(state)
        self.assertEqual(states, states[:1] * 4)

    # === SETUP FEE, START AND END ===

    def test_the_setup_fee_is_charged_once(self):
        for invoicing in ("advance", "arrears"):
            service = self.service("2025-03-10", invoicing=invoicing, setup_fee=5, quantity=2)
            self.charge("2025-03-09")
            self.assertFalse(service.charge_ids)
            for day in ("2025-03-10", "2025-03-20", "2025-04-01", "2025-05-01"):
                self.charge(day)
                service.change_terms(self.day(day), price_unit=30)
                self.charge(day)
            fees = service.charge_ids.filtered(lambda c: c.charge_type == "setup")
            self.assertEqual(fees.mapped("amount"), [10])
            self.assertEqual(fees.date, self.day("2025-03-10"))

    def test_a_service_that_never_began_costs_nothing(self):
        service = self.service("2025-03-10", setup_fee=5)
        draft = self.service("2025-03-10", setup_fee=5, state="draft")
        service.date_end = "2025-03-10"
        self.charge("2025-06-01")
        self.assertFalse(service.charge_ids + draft.charge_ids)
        self.assertEqual((service.state, draft.state), ("ended", "draft"))
        draft.action_start()
        self.charge("2025-03-10")
        self.assertEqual(self.total(draft), 22)

    def test_an_end_credits_the_days_that_are_charged_already(self):
        """31 a month, in advance: 21 days of March go back when it ends on the 11th."""
        service = self.service()
        self.charge("2025-03-01")
        service.date_end = "2025-03-11"
        self.charge("2025-03-05")
        self.assertEqual(
            self.parts(service),
            [("2025-03-01", "2025-04-01", 31), ("2025-03-11", "2025-04-01", -21)],
        )
        self.assertEqual(service.state, "running")
        self.charge("2025-03-11")
        self.assertEqual((service.state, self.total(service)), ("ended", 10))
        # put off, put off past the span, taken back, and for good
        for end, days in (("2025-03-21", 20), ("2025-04-11", 31 + 31 * 10 / 30), (False, 62)):
            service.date_end = end
            self.charge("2025-04-20")
            self.assertEqual(self.total(service), round(Decimal(days), 2), end)
            self.assertEqual(service.state, "ended" if end else "running")
        service.date_end = "2025-03-01"
        self.charge("2025-04-20")
        self.assertEqual((service.state, self.total(service)), ("ended", 0))

    def test_what_is_not_prorated_is_charged_in_full_to_the_end_of_its_span(self):
        service = self.service("2025-03-10", prorate=False)
        self.charge("2025-03-10")
        service.date_end = "2025-03-11"
        self.charge("2025-06-01")
        self.assertEqual(self.parts(service), [("2025-03-10", "2025-04-10", 31)])
        service.date_end = "2025-04-11"
        self.charge("2025-06-01")
        self.assertEqual(self.total(service), 62)
        service.date_end = "2025-03-10"
        self.charge("2025-06-01")
        self.assertEqual(self.total(service), 0)

    def test_what_is_charged_keeps_its_start_and_rhythm(self):
        service = self.service()
        service.date_start = "2025-03-11"
        self.charge("2025-03-11")
        self.assertEqual(self.total(service), 21)
        for vals in (
            {"date_start": "2025-03-12"},
            {"recurrence": "yearly"},
            {"invoicing": "arrears"},
            {"prorate": False},
            {"partner_id": self.account().id},
        ):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                service.write(vals)
        for refused in (service.unlink, service.action_cancel):
            with self.assertRaises(UserError):
                refused()

    def test_a_new_billing_day_neither_charges_a_day_twice_nor_leaves_one_out(self):
        """March is charged; from April on months begin on the 15th: 1 to 14 April are a bridge,
        14 days of the 31 from 15 March to 14 April."""
        service = self.service()
        self.charge("2025-03-01")
        service.partner_id.billing_day = 15
        service.to_review = True
        self.charge("2025-04-15")
        self.assertEqual(
            self.parts(service),
            [
                ("2025-03-01", "2025-04-01", 31),
                ("2025-04-01", "2025-04-15", 14),
                ("2025-04-15", "2025-05-15", 31),
            ],
        )
        # a change within the span that was charged by the old day is priced by that span
        service.date_end = "2025-03-11"
        self.charge("2025-04-15")
        self.assertEqual(self.total(service), 10)

    def test_a_copy_is_a_draft_that_begins_today(self):
        rented = self.make_product("DID", "did", 31)
        service = self.add_number(self.account(), "3227880100", rented, price_unit=62)
        service.date_end = "2025-06-01"
        self.charge("2025-04-01")
        with freeze_time("2025-09-10 12:00:00"):
            copy = service.copy()
        self.assertEqual((copy.state, copy.date_start), ("draft", self.day("2025-09-10")))
        self.assertFalse(copy.date_end or copy.did_id or copy.charge_ids or copy.charged_until)
        self.assertEqual((copy.name, copy.price_unit), ("DID", 62))
        self.charge("2025-10-01")
        self.assertFalse(copy.charge_ids)
        copy.action_start()
        self.charge("2025-09-10")
        self.assertEqual(self.total(copy), Decimal("43.40"))

    def test_today_is_the_last_day_of_a_service_that_ends_today(self):
        """It is 16 March in Auckland already, where this account's days are counted."""
        here, there = self.account(), self.account(tz="Pacific/Auckland")
        services = self.service(account=here) + self.service(account=there)
        later = self.service("2025-04-01", here)
        with freeze_time("2025-03-15 12:00:00"):
            (services + later).action_end()
        self.assertEqual(
            [str(day) for day in (services + later).mapped("date_end")],
            ["2025-03-16", "2025-03-17", "2025-04-01"],
        )
        self.charge("2025-04-01")
        self.assertEqual([self.total(s) for s in services + later], [15, 16, 0])

    def test_free_units_are_counted_exactly(self):
        package = self.make_package("Minutes", 6000)
        service = self.service(product=package, quantity=1.15)
        allowance = self.env["telecom.allowance"].new(
            {
                "subscription_id": service.id,
                "package_id": self.env["telecom.package"]
                .search([("product_id", "=", package.id)])
                .id,
                "used": 100,
            }
        )
        self.assertEqual((allowance.quantity, allowance.remaining), (6900, 6800))

    # === TIERS ===

    def test_each_tier_pays_its_own_price(self):
        distributor = self.make_reseller("D")
        agent = self.make_reseller("G", kind="agent", reseller_id=distributor.id)
        account = self.account(reseller_id=agent.id)
        for partner, price in ((distributor, 15.5), (agent, 20)):
            pricelist = self.env["product.pricelist"].create(
                {
                    "name": partner.name,
                    "company_id": self.company.id,
                    "currency_id": self.currency.id,
                    "item_ids": [Command.create({"compute_price": "fixed", "fixed_price": price})],
                }
            )
            partner.with_company(self.company).property_product_pricelist = pricelist
        self.line.telecom_setup_fee = 3
        service = self.service("2025-03-01", account, quantity=2)
        self.charge("2025-03-01")
        tiers = service.charge_ids.filtered(lambda c: c.charge_type != "setup").sorted("tier")
        self.assertEqual(tiers.partner_id, account + agent + distributor)
        self.assertEqual(tiers.mapped("amount"), [62, 40, 31])
        setup = service.charge_ids.filtered(lambda c: c.charge_type == "setup").sorted("tier")
        self.assertEqual(setup.mapped("amount"), [6, 6, 6])
        # the price of a span stays; the quantity is the service's; a tier that left is credited
        account.reseller_id = distributor
        service.date_end = "2025-03-16"
        self.charge("2025-03-16")
        # 15 of 31 days: 30 and 20 x 2 x 15 / 31 = 19.35, 15
        self.assertEqual(self.total(service), 30)
        self.assertEqual(self.total(service, agent), Decimal("19.35"))
        self.assertEqual(self.total(service, distributor), 15)


class TestNumbers(ServiceCase):
    def test_a_number_is_taken_and_given_back(self):
        rented = self.make_product("DID", "did", 31)
        service = self.add_number(self.account(), "+32 2 788 01 00", rented, "2025-03-01")
        did = service.did_id
        with freeze_time("2025-03-15 12:00:00"):
            self.assertEqual(
                (did.number, did.state, did.subscription_id), ("3227880100", "assigned", service)
            )
            self.assertEqual(self.env["telecom.did"].search([("state", "=", "assigned")]), did)
            service.action_end()
            # today is the last day with it
            self.assertEqual((did.state, service.date_end), ("assigned", self.day("2025-03-16")))
        with freeze_time("2025-03-16 12:00:00"):
            did.invalidate_recordset()
            self.assertEqual(did.state, "available")
            after = self.service("2025-04-01", product=rented, did_id=did.id)
            # reserved for the future
            self.assertEqual((did.state, did.subscription_id), ("assigned", after))
        self.charge("2025-04-01")
        self.assertEqual((self.total(service), self.total(after)), (15, 31))
        with self.assertRaises(UserError):
            did.unlink()

    def test_no_number_is_on_two_accounts_at_the_same_time(self):
        rented = self.make_product("DID", "did", 31)
        service = self.add_number(self.account(), "3227880100", rented, "2025-03-10")
        service.date_end = "2025-03-20"
        for start, end, allowed in (
            ("2025-03-01", False, False),
            ("2025-03-01", "2025-03-11", False),
            ("2025-03-12", "2025-03-13", False),
            ("2025-03-19", False, False),
            ("2025-03-01", "2025-03-10", True),
            ("2025-03-20", False, True),
            ("2025-03-12", "2025-03-12", True),
        ):
            vals = {"product": rented, "did_id": service.did_id.id, "date_end": end}
            with self.env.cr.savepoint() as savepoint:
                if allowed:
                    self.service(start, **vals)
                else:
                    with self.assertRaises(ExclusionViolation), mute_logger("odoo.sql_db"):
                        self.service(start, **vals)
                savepoint.rollback()

    def test_only_numbers_services_hold_numbers_and_none_that_is_retired(self):
        rented = self.make_product("DID", "did", 31)
        service = self.add_number(self.account(), "3227880100", rented)
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.service(did_id=service.did_id.copy({"number": "3227880101"}).id)
        did = self.env["telecom.did"].create({"number": "3227880102", "retired": True})
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.service(product=rented, did_id=did.id)
