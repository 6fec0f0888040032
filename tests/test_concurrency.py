"""Two runs at once, and runs that are killed, end in the same content as one quiet run.

Real processes on real databases: inside Odoo's test transaction no race can be seen.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg2

from odoo.sql_db import connection_info_for
from odoo.tests import BaseCase, tagged
from odoo.tools import config

WORKER = Path(__file__).with_name("concurrency_worker.py")
NEW_DATABASE = Path(__file__).resolve().parents[1] / "dev" / "newdb"
ALL_JOBS = "import,rate,charge,close"

# what the end result is, told without ids or document numbers
CONTENT = {
    "calls": "SELECT uid, account_code, billsec, ignored FROM telecom_cdr",
    "pending": """
        SELECT c.uid, p.reason, p.detail
          FROM telecom_cdr_pending p JOIN telecom_cdr c ON c.id = p.cdr_id""",
    "rejects": "SELECT field, reason, line FROM telecom_cdr_reject",
    "call charges": """
        SELECT c.uid, a.name, g.tier, g.destination, g.billed_seconds, g.free_seconds, g.amount,
               p.date_from, p.state
          FROM telecom_call_charge g
          JOIN telecom_cdr c ON c.id = g.cdr_id
          JOIN res_partner a ON a.id = g.partner_id
          JOIN telecom_billing_period p ON p.id = g.period_id""",
    "usage": """
        SELECT a.name, p.date_from, u.day, u.destination, sum(u.calls), sum(u.seconds),
               sum(u.free_seconds), sum(u.amount)
          FROM telecom_usage u
          JOIN res_partner a ON a.id = u.partner_id
          JOIN telecom_billing_period p ON p.id = u.period_id
         GROUP BY 1, 2, 3, 4""",
    "allowances": """
        SELECT s.partner_id, k.name, w.date_from, w.used
          FROM telecom_allowance w
          JOIN telecom_subscription s ON s.id = w.subscription_id
          JOIN telecom_package k ON k.id = w.package_id""",
    "charges": """
        SELECT a.name, g.name, g.charge_type, g.date, g.date_from, g.date_to, g.tier, g.quantity,
               g.amount, p.date_from
          FROM telecom_charge g
          JOIN res_partner a ON a.id = g.partner_id
          JOIN telecom_billing_period p ON p.id = g.period_id""",
    "services": """
        SELECT name, partner_id, charged_until, next_charge_date FROM telecom_subscription""",
    "periods": """
        SELECT a.name, p.date_from, p.date_to, p.start, p.stop, p.state, p.error
          FROM telecom_billing_period p JOIN res_partner a ON a.id = p.partner_id""",
    "invoices": """
        SELECT a.name, p.date_from, m.state, m.invoice_date, m.invoice_date_due, m.amount_untaxed,
               m.amount_tax, m.amount_total, m.amount_residual
          FROM telecom_billing_period p
          JOIN account_move m ON m.id = p.move_id
          JOIN res_partner a ON a.id = p.partner_id""",
    "moves": "SELECT move_type, state, count(*) FROM account_move GROUP BY 1, 2",
    "entries": """
        SELECT a.name, l.account_id, l.display_type, l.name, l.balance, l.date
          FROM account_move_line l LEFT JOIN res_partner a ON a.id = l.partner_id
         WHERE l.display_type != 'payment_term'""",
}
NO_ZERO = {
    "charges of periods that are gone": """
        SELECT x.period_id FROM (
            SELECT period_id FROM telecom_usage UNION SELECT period_id FROM telecom_call_charge
            UNION SELECT period_id FROM telecom_charge) x
          LEFT JOIN telecom_billing_period p ON p.id = x.period_id WHERE p.id IS NULL""",
    "usage differs from call charges": """
        SELECT period_id, sum(amount) FROM (
            SELECT period_id, amount FROM telecom_usage
            UNION ALL SELECT period_id, -amount FROM telecom_call_charge) x
         GROUP BY 1 HAVING sum(amount) != 0""",
    "an invoice is not what is charged": """
        SELECT p.id FROM telecom_billing_period p JOIN account_move m ON m.id = p.move_id
         WHERE m.amount_untaxed != (
               SELECT coalesce(sum(amount), 0) FROM telecom_usage WHERE period_id = p.id)
             + (SELECT coalesce(sum(amount), 0) FROM telecom_charge WHERE period_id = p.id)""",
    "a gap in the invoice numbers": """
        SELECT 1 FROM account_move WHERE state = 'posted'
        HAVING max(sequence_number) != count(*) OR count(DISTINCT name) != count(*)""",
}


@tagged("post_install", "-at_install")
class TestConcurrency(BaseCase):
    """Races and kills, with several processes at work."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not NEW_DATABASE.exists():
            cls.skipTest(cls, "needs dev/newdb, which makes databases of its own")
        cls.prefix = f"race-{os.getpid()}"
        cls.databases = []
        cls.source = cls.new_database("source", template=None)
        cls.run_jobs(cls.source, "set_up")
        cls.quiet = cls.new_database("quiet")
        cls.run_jobs(cls.quiet, ALL_JOBS)
        cls.expected = cls.content(cls.quiet)

    @classmethod
    def tearDownClass(cls):
        for name in cls.databases:
            cls.on_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            shutil.rmtree(Path(config["data_dir"], "filestore", name), ignore_errors=True)
        super().tearDownClass()

    # === PROCESSES AND DATABASES ===

    @classmethod
    def on_server(cls, query, database="postgres"):
        _name, info = connection_info_for(database)
        with closing(psycopg2.connect(**info)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(query)

    @classmethod
    def new_database(cls, name, template="source"):
        name = f"{cls.prefix}-{name}"
        cls.databases.append(name)
        if template is None:
            subprocess.run([NEW_DATABASE, name, "--install"], check=True, capture_output=True)
        else:
            cls.on_server(f'CREATE DATABASE "{name}" TEMPLATE "{cls.prefix}-{template}"')
        return name

    @classmethod
    def start_jobs(cls, database, jobs):
        options = [f"--addons-path={','.join(map(str, config['addons_path']))}"]
        for key in ("db_host", "db_port", "db_user", "db_password"):
            if config[key]:
                options.append(f"--{key}={config[key]}")
        options.append(f"--data-dir={config['data_dir']}")
        # the worker's imports, not this folder's, which has modules named like Odoo's
        return subprocess.Popen(
            [sys.executable, "-P", WORKER, database, jobs, *options]
            if sys.version_info >= (3, 11)
            else [sys.executable, WORKER, database, jobs, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    @classmethod
    def finish(cls, *workers):
        for worker in workers:
            _out, error = worker.communicate(timeout=300)
            if worker.returncode:
                raise AssertionError(error.decode()[-3000:])

    @classmethod
    def run_jobs(cls, database, jobs):
        cls.finish(cls.start_jobs(database, jobs))

    @classmethod
    def content(cls, database):
        _name, info = connection_info_for(database)
        with closing(psycopg2.connect(**info)) as connection, connection.cursor() as cursor:
            found = {}
            for name, query in CONTENT.items():
                cursor.execute(query)
                found[name] = sorted(map(repr, cursor.fetchall()))
            for name, query in NO_ZERO.items():
                cursor.execute(query)
                found[name] = cursor.fetchall()
            return found

    def assert_content(self, database):
        content = self.content(database)
        for name, rows in self.expected.items():
            self.assertEqual(content[name], rows, name)

    # === TESTS ===

    def test_quiet_run_is_worth_comparing(self):
        """The run that the others are compared with has done something of every kind."""
        for name, rows in self.expected.items():
            self.assertEqual(bool(rows), name not in NO_ZERO, name)
        self.assertGreater(len(self.expected["invoices"]), 40)

    def test_again(self):
        database = self.new_database("again", template="quiet")
        self.run_jobs(database, ALL_JOBS)
        self.assert_content(database)

    def test_two_at_once(self):
        database = self.new_database("two")
        self.finish(*(self.start_jobs(database, ALL_JOBS) for _ in range(2)))
        # what one left to the other because it was at it just then
        self.run_jobs(database, ALL_JOBS)
        self.assert_content(database)

    def test_killed_and_resumed(self):
        database = self.new_database("killed")
        chance = random.Random()
        seed = chance.randrange(10**6)
        chance.seed(seed)
        kills = 0
        with self.subTest(seed=seed):
            while kills < 10:
                worker = self.start_jobs(database, ALL_JOBS)
                worker.stdout.readline()
                try:
                    worker.wait(chance.uniform(0.02, 0.8))
                except subprocess.TimeoutExpired:
                    worker.send_signal(signal.SIGKILL)
                worker.communicate()
                kills += 1
            self.run_jobs(database, ALL_JOBS)
            self.assert_content(database)

    def test_rating_while_periods_close(self):
        """A call that is being priced when its period is closed is on its invoice."""
        database = self.new_database("freeze")
        self.run_jobs(database, "import")
        rater = self.start_jobs(database, "hold")
        self.assertEqual(self.said(rater), ["ready", "held"])
        closer = self.start_jobs(database, "charge,close")
        with self.assertRaises(subprocess.TimeoutExpired, msg="closing waits for the rater"):
            closer.wait(8)
        self.tell(rater)
        self.finish(rater, closer)
        self.assert_content(database)

    def test_claimed_while_periods_close(self):
        """Calls that a rater holds, but has not put in their periods yet, are on the invoice."""
        database = self.new_database("claim")
        self.run_jobs(database, "import")
        rater = self.start_jobs(database, "claim")
        self.assertEqual(self.said(rater), ["ready", "held"])
        closer = self.start_jobs(database, "charge,close")
        self.assertTrue(self.waits(closer, database), "closing waits for the rater")
        self.tell(rater)
        self.finish(rater, closer)
        self.assert_content(database)

    def test_old_snapshot(self):
        """A rater that looked before periods were closed begins anew, and loses no call."""
        database = self.new_database("snapshot")
        self.run_jobs(database, "import,charge")
        rater = self.start_jobs(database, "old_snapshot")
        self.assertEqual(self.said(rater), ["ready", "looked"])
        self.on_server("UPDATE telecom_billing_period SET state = 'closed'", database)
        self.tell(rater)
        self.finish(rater)
        content = self.content(database)
        self.assertEqual(len(content["call charges"]), len(self.expected["call charges"]))
        with_calls = {row.rsplit(", ", 1)[1] for row in content["call charges"]}
        self.assertEqual(with_calls, {"'open')"})

    def test_units_given_back_while_others_find_none_left(self):
        """Who sets a call aside gives its free units to the calls after it, to those, too, that
        were priced since it looked."""
        database = self.new_database("units")
        self.run_jobs(database, "two_calls")
        other = self.start_jobs(database, "withdraw")
        self.assertEqual(self.said(other), ["ready", "looked"])
        self.run_jobs(database, "rate")
        self.tell(other)
        self.finish(other)
        self.run_jobs(database, "rate")
        charges = [row for row in self.content(database)["call charges"] if "'second'" in row]
        self.assertEqual(len(charges), 1)
        self.assertIn("60, 60", charges[0])

    def test_rhythm_changed_while_rating(self):
        """A new billing day makes empty periods anew, and none to which a call is being charged."""
        database = self.new_database("rhythm")
        self.run_jobs(database, "import,empty_periods")
        rater = self.start_jobs(database, "hold")
        self.assertEqual(self.said(rater), ["ready", "held"])
        changer = self.start_jobs(database, "change_day")
        with self.assertRaises(subprocess.TimeoutExpired, msg="the change waits for the rater"):
            changer.wait(8)
        self.tell(rater)
        self.finish(rater, changer)
        content = self.content(database)
        for name in NO_ZERO:
            self.assertFalse(content[name], name)
        self.assertEqual(len(content["call charges"]), len(self.expected["call charges"]))

    def waits(self, worker, database):
        """Tell whether a process comes to wait for another one, before it ends."""
        query = """
            SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'"""
        _name, info = connection_info_for(database)
        with closing(psycopg2.connect(**info)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while worker.poll() is None:
                cursor.execute(query)
                if cursor.fetchone()[0]:
                    return True
                time.sleep(0.1)
        return False

    def said(self, worker):
        return [worker.stdout.readline().decode().strip() for _ in range(2)]

    def tell(self, worker):
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
