"""The main job on the sample files, beside an independent computation of the same figures."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

from odoo.tests import TransactionCase, tagged

from ..demo import main_job

PROGRAM = Path(__file__).with_name("independent_billing.py")


@tagged("post_install", "-at_install")
class TestDemo(TransactionCase):
    """`make demo` prints what an independent program computes from the same files."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "tracking_disable": True})
        # a process of its own, without the server's paths: none of the product gets into it
        done = subprocess.run(
            [sys.executable, "-B", PROGRAM, "--json"], capture_output=True, check=True, env={}
        )
        cls.expected = json.loads(
            done.stdout,
            object_hook=lambda found: Decimal(found["decimal"]) if "decimal" in found else found,
        )

    def test_figures_equal_those_of_an_independent_program(self):
        """All figures are the same, also after every job ran once more."""
        result = main_job.run(self.env)
        self.assertEqual(self.env.company.tax_calculation_rounding_method, "round_globally")
        self.compare(result)
        self.env["telecom.cdr"].rate_pending()
        self.env["telecom.subscription"]._add_recurring_charges(main_job.UNTIL)
        main_job.bill(self.env)
        again = main_job.summary(self.env, result["decks"], result["files"])
        self.assertEqual(again, result)
        self.compare(again)

    def compare(self, result):
        """Compare the main job's figures with the program's."""
        self.maxDiff = None
        with self.subTest("decks"):
            # counts that are 0 say nothing
            decks = [{name: value for name, value in d.items() if value} for d in result["decks"]]
            self.assertEqual(decks, self.expected["decks"])
        with self.subTest("files"):
            self.assertEqual(result["files"], self.expected["files"])
        with self.subTest("states"):
            states = [[*key, count] for key, count in result["states"].items()]
            self.assertCountEqual(states, self.expected["states"])
        for name in ("charges", "invoices", "issuers", "margins", "commissions", "unbilled"):
            with self.subTest(name):
                self.assertEqual(self.rows(result[name]), self.rows(self.expected[name]))
        with self.subTest("each invoice"):
            self.assertEqual(self.each_invoice(), self.rows(self.expected["each_invoice"]))

    def rows(self, rows):
        """Return rows in one order."""
        return sorted(map(list, rows))

    def each_invoice(self):
        """Return account, period, currency, untaxed and tax of each invoice."""
        self.env.cr.execute(
            """
            SELECT a.account_code, p.date_from::text, p.date_to::text, c.name,
                   m.amount_untaxed::text, m.amount_tax::text
              FROM telecom_billing_period p
              JOIN res_partner a ON a.id = p.partner_id
              JOIN account_move m ON m.id = p.move_id
              JOIN res_currency c ON c.id = m.currency_id
            """
        )
        return self.rows(
            [*row[:4], Decimal(row[4]), Decimal(row[5])] for row in self.env.cr.fetchall()
        )
