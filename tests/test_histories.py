"""Whatever the order in which things happen, an account owes the same in the end."""

import random
import re

from .common import TelecomCommon
from .pipeline_laws import PipelineLaws


class TestHistories(PipelineLaws, TelecomCommon):
    """A small world lives through March and April, once quietly and then in noisy ways.

    Quietly: everything is known in time, calls come in order and are rated at once, each month
    is closed once. Noisily: calls come shuffled, in batches, twice, and before their account is
    known; ratings, charges, new prices and closings are started at random, over and over; terms
    change after they were charged; invoices are cancelled and made anew.
    """

    EXAMPLES = 6

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cdrs = cls.env["telecom.cdr"]
        cls.services = cls.env["telecom.subscription"]
        cls.runs = cls.env["telecom.billing.run"]
        cls.wholesale = cls.make_card(
            "Wholesale", [("", "World", 0.01234567, {"increment": 6})], rounding_digits=8
        )
        cls.line = cls.make_product("Line", price=9.99, telecom_setup_fee=5)
        cls.late_line = cls.make_product("Arrears", price=7, telecom_invoicing="arrears")
        cls.did = cls.make_product("DID", "did", 2.5)
        cls.free = cls.make_package("Free", 100)
        cls.worlds = 0

    # === THE WORLD ===

    def world(self):
        """Return the accounts of a new world: distributor, its customer, one in New York."""
        type(self).worlds += 1
        tag = self.worlds
        vals = {"billing_start": "2025-03-01"}
        distributor = self.make_reseller(f"D{tag}", rate_card_id=self.wholesale.id, **vals)
        customer = self.make_account(f"C{tag}", reseller_id=distributor.id, **vals)
        abroad = self.make_account(f"N{tag}", tz="America/New_York", billing_day=15, **vals)
        self.add_service(customer, self.free)
        self.add_service(customer, self.line, "2025-03-05", quantity=2, name="line")
        self.add_service(abroad, self.late_line, "2025-03-10", name="arrears")
        self.add_number(abroad, f"3222{tag:06d}", self.did)
        return distributor + customer + abroad

    def later(self, accounts):
        """Return the account that is made after its calls have come."""
        return accounts | self.make_account(
            f"L{self.worlds}", reseller_id=accounts[0].id, billing_start="2025-03-01"
        )

    def change(self, accounts):
        """Change terms, after the fact or before: half of April, and an end in March."""
        line = accounts[1].subscription_ids.filtered(lambda s: s.name == "line")
        line.change_terms(self.day("2025-03-16"), quantity=1)
        arrears = accounts[2].subscription_ids.filtered(lambda s: s.name == "arrears")
        arrears.date_end = "2025-03-28"

    def rows(self, month, rng):
        """Return the calls of a month, in order, for the world that is made next."""
        tag = self.worlds
        calls = []
        for index in range(14):
            code = rng.choice((f"C{tag}", f"C{tag}", f"N{tag}", f"L{tag}", ""))
            row = {
                "uid": f"{tag}/{month}-{index}",
                "account_code": code,
                "direction": "outbound" if code else "",
                "src": "3227880100",
                "dst": rng.choice(("3225551234", "32471234567", "0033123456789", "12025550100")),
                "start": f"2025-{month:02d}-{rng.randrange(1, 29):02d} 1{index % 3}:00:00",
                "billsec": rng.choice((0, 1, 29, 61, 200)),
            }
            if not code:
                row["dst"] = f"3222{tag:06d}"
            calls.append(row)
            if rng.random() < 0.3:
                calls.append({**row, "uid": f"{row['uid']}b", "bleg_uid": ""})
                row["bleg_uid"] = f"{row['uid']}b"
        return sorted(calls, key=lambda row: row["start"])

    # === ITS HISTORIES ===

    def quiet(self, seed):
        accounts = self.later(self.world())
        self.change(accounts)
        for month in (3, 4):
            self.cdrs.import_calls(self.rows(month, random.Random(seed + month)), "test")
            self.cdrs.rate_pending()
            for until in (f"2025-{month:02d}-15", f"2025-{month + 1:02d}-01"):
                self.bill(until, accounts)
        return accounts

    def noisy(self, seed, rng):
        accounts = self.world()
        changed = later = False
        for month in (3, 4):
            rows = self.rows(month, random.Random(seed + month))
            rows += [dict(row) for row in rng.sample(rows, 5)]
            rng.shuffle(rows)
            # what is closed on the 15th must have come by then
            for until in (f"2025-{month:02d}-15", f"2025-{month + 1:02d}-01"):
                due = [row for row in rows if row["start"] < f"{until} 04"]
                rows = [row for row in rows if row not in due]
                while due:
                    size = rng.randrange(1, 9)
                    self.cdrs.import_calls([dict(row) for row in due[:size]], "test")
                    due = due[size:]
                    self.disturb(accounts, until, rng)
                if not changed:
                    self.change(accounts)
                    changed = True
                if not later:
                    accounts = self.later(accounts)
                    later = True
                self.close(accounts, until, rng)
        return accounts

    def disturb(self, accounts, until, rng):
        """Do at random what users and jobs do between imports; nothing of it may matter."""
        if rng.random() < 0.5:
            self.cdrs.rate_pending(limit=rng.choice((None, 1, 3)))
        if rng.random() < 0.3:
            day = min(self.day(f"2025-03-{rng.randrange(1, 29):02d}"), self.day(until))
            self.services._add_recurring_charges(day, accounts)
        if rng.random() < 0.3:
            self.cdrs._rerate(accounts=rng.choice(accounts))
        if rng.random() < 0.3:
            calls = self.cdrs.search([("partner_id", "in", accounts.ids)])
            self.cdrs._rerate(calls=calls.browse(rng.sample(calls.ids, len(calls) // 2)))

    def close(self, accounts, until, rng):
        order = rng.sample(accounts.ids, len(accounts))
        cut = rng.randrange(len(order) + 1)
        for part in (order[:cut], order[cut:], order):
            run = self.runs.close_periods(until, part)
            self.assertFalse(run.failure_count, run.period_ids.mapped("error"))
        if rng.random() < 0.5:
            self.last_moves(accounts, until)[:1].button_cancel()
            self.runs.close_periods(until, accounts)

    def last_moves(self, accounts, until):
        periods = self.env["telecom.billing.period"].search(
            [("partner_id", "in", accounts.ids), ("date_to", "=", until), ("move_id", "!=", False)]
        )
        return periods.move_id

    def invoices(self, accounts):
        """Return [(account, first day, untaxed, total)] of the invoiced periods."""
        periods = self.env["telecom.billing.period"].search(
            [("partner_id", "in", accounts.ids)], order="partner_id, date_from"
        )
        names = accounts.ids
        return [
            (
                names.index(period.partner_id.id),
                str(period.date_from),
                period.state,
                period.move_id.amount_untaxed,
                period.move_id.amount_total,
            )
            for period in periods
        ]

    def test_every_history_ends_like_the_quiet_one(self):
        for example in range(self.EXAMPLES):
            seed = 1000 * example
            quiet = self.quiet(seed)
            noisy = self.noisy(seed, random.Random(seed))
            for accounts in (quiet, noisy):
                self.assert_laws(accounts)
            self.assertEqual(self.named(noisy), self.named(quiet), f"example {example}")
            self.assertGreater(len(self.invoices(quiet)), 9)
            self.assertEqual(self.invoices(noisy), self.invoices(quiet), f"example {example}")

    def named(self, accounts):
        """Return the end state without the numbers of this world in the names of services."""
        return {
            (account, period, re.sub(r"\d+", "", name), tier): calls
            for (account, period, name, tier), calls in self.end_state(accounts).items()
        }
