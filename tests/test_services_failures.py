"""A service that cannot be charged is kept with its reason, and stops no other."""

import math
from unittest.mock import patch

from psycopg2.errors import CheckViolation, SerializationFailure

from odoo.tools import mute_logger

from odoo.addons.telecom_billing.models import subscription_charging
from odoo.addons.telecom_billing.models.subscription_charging import SubscriptionCharger

from .test_services import ServiceCase

CHARGING = "odoo.addons.telecom_billing.models.subscription_charging"


class TestServiceFailures(ServiceCase):
    def break_services(self, bad, error):
        """Let the charging of some services raise an error; return the patch."""
        original = SubscriptionCharger._charge

        def charge(charger, service, until, existing):
            rows = original(charger, service, until, existing)
            if service in bad:
                raise error
            return rows

        return patch.object(SubscriptionCharger, "_charge", charge)

    def test_one_bad_service_stops_neither_the_others_nor_the_closing(self):
        accounts = [self.account() for _count in range(7)]
        services = self.services.union(*[self.service("2025-03-01", a) for a in accounts])
        bad, sound = services[3], services - services[3]
        with (
            self.break_services(bad, ValueError("year 10358 is out of range")),
            mute_logger(CHARGING),
        ):
            self.charge("2025-03-01")
            self.assertEqual([self.total(service) for service in sound], [31] * 6)
            self.assertEqual((bad.charge_ids.ids, bad.charged_until), ([], False))
            # kept with the reason, and somebody is told, once
            self.assertEqual(bad.error, "ValueError: year 10358 is out of range")
            self.assertEqual(len(bad.activity_ids), 1)
            self.assertIn("10358", bad.activity_ids.note)
            self.assertFalse(any(sound.mapped("error")))
            messages = len(bad.message_ids)
            self.charge("2025-04-01")
            self.assertEqual((len(bad.activity_ids), len(bad.message_ids)), (1, messages))
            self.assertEqual([self.total(service) for service in sound], [62] * 6)
            moves = self.bill("2025-05-01", services.partner_id)
            self.assertEqual(len(moves.partner_id & sound.partner_id), 6)
        # it heals by itself, and what was missed is charged
        self.charge("2025-05-01")
        self.assertEqual((bad.error, bad.activity_ids.ids), (False, []))
        self.assertEqual(self.total(bad), 31 * 3)
        self.assert_laws(services.partner_id)

    def test_the_salesperson_of_the_account_hears_of_it(self):
        salesperson = self.make_user("salesperson")
        service = self.service(account=self.account(user_id=salesperson.id))
        with self.break_services(service, ValueError("broken")), mute_logger(CHARGING):
            self.charge("2025-03-01")
        self.assertEqual(service.activity_ids.user_id, salesperson)

    def test_what_another_transaction_did_is_no_failure_of_a_service(self):
        service = self.service()
        with (
            self.break_services(service, SerializationFailure("could not serialize access")),
            self.assertRaises(SerializationFailure),
        ):
            self.charge("2025-03-01")
        self.assertFalse(service.error)

    def test_no_recurrence_is_longer_than_calendars_go(self):
        def write(every):
            self.line.telecom_recurrence_interval = every
            self.env.flush_all()

        for every in (0, 121, 100000):
            for refused in (lambda every: self.service(recurrence_interval=every), write):
                with (
                    self.assertRaises(CheckViolation),
                    mute_logger("odoo.sql_db"),
                    self.env.cr.savepoint(),
                ):
                    refused(every)
        service = self.service(recurrence_interval=120, recurrence="yearly", prorate=False)
        self.charge("2025-03-01")
        self.assertEqual(self.parts(service), [("2025-03-01", "2145-03-01", 31)])

    def test_the_charger_says_whether_time_was_up(self):
        self.charge("2025-03-31")
        for _count in range(5):
            self.service()
        cases = ((math.inf, [(2, 3), (2, 1), (1, 0)], True), (0.0, [(2, 3)], False))
        for seconds, expected, finished in cases:
            charger = SubscriptionCharger(self.env)
            with (
                patch.object(subscription_charging, "BATCH", 2),
                patch.object(
                    subscription_charging, "commit_progress", return_value=seconds
                ) as commit,
                self.env.cr.savepoint() as savepoint,
            ):
                charger.run(self.day("2025-03-01"))
                savepoint.rollback()
            reported = [(call.args[1], call.kwargs["remaining"]) for call in commit.mock_calls]
            self.assertEqual(reported, expected)
            self.assertEqual(charger.finished, finished)
        # where nothing is due there is nothing left
        charger = SubscriptionCharger(self.env)
        charger.run(self.day("2025-02-01"))
        self.assertTrue(charger.finished)
