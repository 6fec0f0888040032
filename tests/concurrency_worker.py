"""A process that runs the jobs on a database, to be killed or raced by tests/test_concurrency.py.

python concurrency_worker.py DATABASE JOB[,JOB...] [Odoo's options]
"""

import random
import sys
from datetime import datetime, timedelta

ACCOUNTS, CALLS = 24, 600


def say(word):
    """Tell the test how far this process is."""
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def rows():
    """Return the same calls each time: two months, some bad, some twice, some late."""
    chance = random.Random(7)
    made = []
    for number in range(CALLS):
        seconds = chance.choice((0, 7, 31, 60, 61, 185, 600))
        made.append(
            {
                "uid": f"k{number:05d}",
                "account_code": f"K{chance.randrange(ACCOUNTS + 1)}",
                "src": "3225550000",
                "dst": chance.choice(("3247", "32", "33", "44")) + f"{chance.randrange(10**6):06d}",
                "start": datetime(2025, 8, 1) + timedelta(seconds=chance.randrange(61 * 86400)),
                "duration": seconds + 5,
                "billsec": seconds,
                "disposition": "ANSWERED" if seconds else "NO ANSWER",
                "line": number + 1,
            }
        )
    chance.shuffle(made)
    return made + [dict(row) for row in made[::7]] + [{"uid": "bad", "billsec": -1, "line": 9}]


def set_up(env):
    """Make what the jobs work on: accounts under a reseller, packages, numbers, services."""
    company = env.company
    company.partner_id.tz = "Europe/Brussels"
    env["telecom.cdr.source"].create({"name": "Killed", "code": "kill", "oldest_days": 0})
    env["account.chart.template"].try_loading("generic_coa", company, install_demo=False)
    cards = env["telecom.rate.card"].create([{"name": "Retail"}, {"name": "Wholesale"}])
    for card, factor in zip(cards, (2, 1), strict=True):
        env["telecom.rate"].create(
            [
                {
                    "card_id": card.id,
                    "prefix": prefix,
                    "destination": destination,
                    "price_per_minute": price * factor,
                    "initial_increment": 30,
                    "increment": 6,
                }
                for prefix, destination, price in (
                    ("32", "Belgium", 0.0123),
                    ("3247", "Belgium Mobile", 0.0877),
                    ("33", "France", 0.0211),
                )
            ]
        )
    minutes, line, number = env["product.product"].create(
        [
            {"name": "Minutes", "type": "service", "telecom_kind": "package", "list_price": 9.99},
            {"name": "Line", "type": "service", "telecom_kind": "subscription", "list_price": 7.77},
            {"name": "Number", "type": "service", "telecom_kind": "did", "list_price": 1.5},
        ]
    )
    line.telecom_setup_fee = 25
    env["telecom.package"].create(
        {"name": "Minutes", "product_id": minutes.id, "prefixes": "32", "quantity": 600}
    )
    reseller = env["res.partner"].create(
        {
            "name": "Reseller",
            "is_telecom_account": True,
            "is_reseller": True,
            "reseller_kind": "distributor",
            "rate_card_id": cards[1].id,
        }
    )
    for index in range(ACCOUNTS):
        account = env["res.partner"].create(
            {
                "name": f"Account {index}",
                "is_telecom_account": True,
                "account_code": f"K{index}",
                "rate_card_id": cards[0].id,
                "reseller_id": reseller.id if index % 3 == 0 else False,
                "billing_day": 1 + index % 3,
            }
        )
        did = env["telecom.did"].create({"number": f"32278800{index:03d}"})
        for product, vals in (
            (minutes, {}),
            (line, {"date_start": "2025-08-10", "quantity": 1 + index % 2}),
            (number, {"did_id": did.id, "invoicing": "arrears"}),
        ):
            if index % 4 or product != minutes:
                env["telecom.subscription"].create(
                    {
                        "partner_id": account.id,
                        "product_id": product.id,
                        "date_start": "2025-08-01",
                        **vals,
                    }
                )


def import_calls(env):
    """Take the calls in, in small committed batches."""
    from odoo.addons.telecom_billing.models.cdr_intake import Intake

    Intake(env, "kill").run_committed(rows())


def rate(env):
    """Rate in small committed batches."""
    from odoo.addons.telecom_billing.models.rating import Rater

    Rater(env, batch_size=40).run()


def charge(env):
    """Add the recurring charges."""
    env["telecom.subscription"]._add_recurring_charges(datetime(2025, 10, 5))


def close(env):
    """Close August and September."""
    env["telecom.billing.run"].close_periods("2025-10-05 00:00:00")


def _rate_batch(rater):
    from odoo.addons.telecom_billing.models.rating import Queue

    return rater._rate_batch(rater._claim(Queue(False, None, None), 10_000, None), None)


def in_the_old_snapshot(env, work):
    """Do the work of a batch in the transaction that has looked; repeat it in a new one when
    PostgreSQL asks for that, as `run_batch` does."""
    from odoo.addons.telecom_billing.models.bulk import RETRYABLE, run_batch

    try:
        work()
        env.cr.commit()
    except RETRYABLE:
        say("again")
        env.cr.rollback()
        env.transaction.reset()
        run_batch(env, work)


def hold(env):
    """Rate everything, say so, and commit when told to."""
    from odoo.addons.telecom_billing.models.rating import Rater

    _rate_batch(Rater(env))
    say("held")
    sys.stdin.readline()
    env.cr.commit()


def claim(env):
    """Take everything that is to be rated, say so, and rate it when told to."""
    from odoo.addons.telecom_billing.models.rating import Queue, Rater

    rater = Rater(env)
    claimed = rater._claim(Queue(False, None, None), 10_000, None)
    say("held")
    sys.stdin.readline()

    def work():
        if claimed:
            rater._rate_batch([claimed.pop() for _call in range(len(claimed))][::-1], None)
        else:
            _rate_batch(rater)

    in_the_old_snapshot(env, work)


def old_snapshot(env):
    """Look at the database, say so, and rate when told to, as if nothing had changed since."""
    from odoo.addons.telecom_billing.models.rating import Rater

    env.cr.execute("SELECT count(*) FROM telecom_billing_period")
    say("looked")
    sys.stdin.readline()
    rater = Rater(env)
    in_the_old_snapshot(env, lambda: _rate_batch(rater))


def two_calls(env):
    """Make an account whose first call uses up its package, and a second call to be rated."""
    minutes = env["telecom.package"].search([("unit", "=", "seconds")], limit=1).product_id
    model = env["res.partner"].search([("account_code", "!=", False)], limit=1)
    account = env["res.partner"].create(
        {
            "name": "Two calls",
            "is_telecom_account": True,
            "account_code": "TWO",
            "rate_card_id": model.rate_card_id.id,
        }
    )
    env["telecom.subscription"].create(
        {"partner_id": account.id, "product_id": minutes.id, "date_start": "2025-08-01"}
    )
    for uid, start, seconds in (("first", "10:00", 86400), ("second", "11:00", 60)):
        row = {"uid": uid, "account_code": "TWO", "dst": "3225551234", "billsec": seconds}
        env["telecom.cdr"].import_calls([{**row, "start": f"2025-08-10 {start}:00"}], "two")
        if uid == "first":
            env["telecom.cdr"].rate_pending()


def withdraw(env):
    """Look at the database, say so, and set the first call aside when told to."""
    first = env["telecom.cdr"].search([("uid", "=", "first")])
    say("looked")
    sys.stdin.readline()
    in_the_old_snapshot(env, lambda: first._set_aside("other_leg"))


def empty_periods(env):
    """Make the periods in which calls will be, as the hourly job does for accounts without any."""
    accounts = env["res.partner"].search([("is_telecom_account", "=", True)])
    env["telecom.billing.period"]._ensure(
        {account.id: ("2025-08-01 00:00:00", "2025-09-30 00:00:00") for account in accounts}
    )


def change_day(env):
    """Change the billing day of all accounts, in a request that Odoo repeats as it always does."""
    from odoo.service.model import retrying

    accounts = env["res.partner"].search([("is_telecom_account", "=", True)])
    retrying(lambda: accounts.write({"billing_day": 15}), env)


JOBS = {
    "empty_periods": empty_periods,
    "change_day": change_day,
    "two_calls": two_calls,
    "withdraw": withdraw,
    "claim": claim,
    "hold": hold,
    "old_snapshot": old_snapshot,
    "set_up": set_up,
    "import": import_calls,
    "rate": rate,
    "charge": charge,
    "close": close,
}


def main(database, jobs, *options):
    """Run jobs on a database, each in a transaction of its own besides what it commits."""
    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry
    from odoo.tools import config

    config.parse_config(["-d", database, "--log-level=critical", *options])
    from odoo.addons.telecom_billing.models import (
        billing_closing,
        cdr_intake,
        subscription_charging,
    )

    # many small batches: as many places to be killed at
    cdr_intake.BATCH = 50
    subscription_charging.BATCH = 7
    billing_closing.FREEZE_BATCH = billing_closing.INVOICE_BATCH = 5
    registry = Registry(database)
    say("ready")
    for job in jobs.split(","):
        with registry.cursor() as cr:
            JOBS[job](api.Environment(cr, SUPERUSER_ID, {}))


if __name__ == "__main__":
    main(*sys.argv[1:])
