"""Import and rating of calls, beside a bare COPY of the same rows into a table of the same shape.

CALLS (1,000,000), RATES (150,000 in five cards) and ACCOUNTS (1,000, under ten resellers: two
tiers) may be given in the environment.
"""

import io
import os
import random
import subprocess
import sys
import time
from datetime import datetime, timedelta

from _database import environment, make_database, table

DATABASE = "bench_calls"
CALLS = int(os.environ.get("CALLS", "1000000"))
RATES = int(os.environ.get("RATES", "150000"))
ACCOUNTS = int(os.environ.get("ACCOUNTS", "1000"))
CARDS, RESELLERS, SLICES = 5, 10, 5
CHARGE_COLUMNS = (
    "cdr_id, partner_id, tier, rate_id, destination, billed_seconds, free_seconds, amount,"
    " currency_id, call_date, period_id"
)
CALL_COLUMNS = (
    "uid, source, company_id, account_code, partner_id, direction, src, dst, src_reported,"
    " dst_reported, start, duration, billsec, disposition"
)


def set_up(env):
    """Make cards, rates and accounts; return the prefixes."""
    chance = random.Random(19)
    env["ir.default"].set("telecom.cdr.source", "oldest_days", 0)
    prefixes = set()
    while len(prefixes) < RATES // CARDS:
        length = chance.randint(1, 9)
        prefixes.add(str(chance.randint(10 ** (length - 1), 10**length - 1)))
    prefixes = sorted(prefixes)
    cards = env["telecom.rate.card"].create([{"name": f"Card {n}"} for n in range(CARDS)])
    for card in cards:
        env.cr.execute_values(
            "INSERT INTO telecom_rate (card_id, direction, prefix, destination, price_per_minute,"
            " connection_fee, included_seconds, initial_increment, increment) VALUES %s",
            [
                (
                    card.id,
                    "outbound",
                    prefix,
                    f"Destination {prefix[:3]}",
                    chance.randint(1, 5000) / 10000,
                    0,
                    0,
                    chance.choice((1, 30, 60)),
                    chance.choice((1, 6, 60)),
                )
                for prefix in prefixes
            ],
            page_size=10_000,
        )
    resellers = env["res.partner"].create(
        [
            {
                "name": f"Reseller {n}",
                "is_telecom_account": True,
                "is_reseller": True,
                "reseller_kind": "distributor",
                "rate_card_id": cards[n % 2].id,
            }
            for n in range(RESELLERS)
        ]
    )
    env["res.partner"].create(
        [
            {
                "name": f"Account {n}",
                "is_telecom_account": True,
                "account_code": f"A{n}",
                "rate_card_id": cards[2 + n % 3].id,
                "reseller_id": resellers[n % RESELLERS].id,
            }
            for n in range(ACCOUNTS)
        ]
    )
    return prefixes


def calls(prefixes, first, count):
    """Yield rows as a switch's reader does: most calls go where the account calls often."""
    chance = random.Random(first)
    often = [random.Random(n).choices(prefixes, k=6) for n in range(ACCOUNTS)]
    base = datetime(2026, 9, 1) + timedelta(seconds=first * 2_590_000 // CALLS)
    span = max(1, count * 2_590_000 // CALLS)
    for number in range(first, first + count):
        account, seconds = chance.randrange(ACCOUNTS), chance.randint(1, 600)
        prefix = chance.choice(often[account] if chance.random() < 0.8 else prefixes)
        yield {
            "uid": f"{number:012d}",
            "account_code": f"A{account}",
            "direction": "",
            "src": "3225550000",
            "dst": f"{prefix}{chance.randrange(10**6):06d}",
            "start": base + timedelta(seconds=chance.randrange(span)),
            "duration": seconds + 5,
            "billsec": seconds,
            "disposition": "ANSWERED",
            "bleg_uid": "",
            "sip_user": "",
            "trunk": "",
        }


def bare_copy(env, name, columns):
    """Return the seconds of a COPY of a table's rows into one of the same columns and indexes."""
    content = io.StringIO()
    env.cr.copy_expert(f"COPY (SELECT {columns} FROM {name} ORDER BY id) TO STDOUT", content)
    env.cr.execute(f"CREATE TABLE bare (LIKE {name} INCLUDING DEFAULTS INCLUDING INDEXES)")
    env.cr.commit()
    content.seek(0)
    start = time.perf_counter()
    env.cr.copy_expert(f"COPY bare ({columns}) FROM STDIN", content)
    env.cr.commit()
    seconds = time.perf_counter() - start
    env.cr.execute("DROP TABLE bare")
    env.cr.commit()
    return seconds


def rate(limit=None):
    """Rate what is pending in a process of its own, as cron does; return its seconds."""
    with environment(DATABASE) as env:
        start = time.perf_counter()
        env["telecom.cdr"].rate_pending(limit)
        env.cr.commit()
        return time.perf_counter() - start


def rate_in_processes(count):
    """Return the seconds that `count` processes take together."""
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, "worker"], stdout=subprocess.PIPE, stdin=subprocess.PIPE
        )
        for _ in range(count)
    ]
    for worker in workers:
        worker.stdout.readline()
    start = time.perf_counter()
    for worker in workers:
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
    for worker in workers:
        worker.wait()
    return time.perf_counter() - start


def worker():
    """Load Odoo, say so, wait for the word, rate."""
    with environment(DATABASE) as env:
        env["telecom.cdr"].search_count([], limit=1)
        env.cr.commit()
        print("ready", flush=True)
        sys.stdin.readline()
        env["telecom.cdr"].rate_pending()


def wrong_amounts(env):
    """Return the number of charges whose amount is not what exact arithmetic in SQL gives."""
    env.cr.execute(
        """
        SELECT count(*)
          FROM telecom_call_charge g
          JOIN telecom_cdr c ON c.id = g.cdr_id
          JOIN telecom_rate r ON r.id = g.rate_id
         CROSS JOIN LATERAL (SELECT CASE WHEN c.billsec <= r.initial_increment
                    THEN r.initial_increment
                    ELSE r.initial_increment + r.increment
                         * ((c.billsec - r.initial_increment + r.increment - 1) / r.increment)
                    END AS seconds) b
         WHERE g.amount != round(r.price_per_minute * b.seconds / 60 + r.connection_fee, 4)
            OR g.billed_seconds != b.seconds
            OR left(c.dst, length(r.prefix)) != r.prefix
            OR EXISTS (SELECT 1 FROM telecom_rate longer
                        WHERE longer.card_id = r.card_id AND longer.direction = 'outbound'
                          AND length(longer.prefix) > length(r.prefix)
                          AND longer.prefix IN (
                              left(c.dst, 2), left(c.dst, 3), left(c.dst, 4), left(c.dst, 5),
                              left(c.dst, 6), left(c.dst, 7), left(c.dst, 8), left(c.dst, 9)))
        """
    )
    return env.cr.fetchone()[0]


def main():
    """Run the benchmark and print its tables."""
    make_database(DATABASE)
    with environment(DATABASE) as env:
        prefixes = set_up(env)
    step = CALLS // SLICES
    imported, rated = [], []
    for number in range(SLICES):
        rows = list(calls(prefixes, number * step, step))
        with environment(DATABASE) as env:
            start = time.perf_counter()
            env["telecom.cdr"].import_calls(rows, "bench")
            env.cr.commit()
            imported.append(time.perf_counter() - start)
        del rows
        rated.append(rate())
    with environment(DATABASE) as env:
        copy_calls = bare_copy(env, "telecom_cdr", CALL_COLUMNS)
        copy_charges = bare_copy(env, "telecom_call_charge", CHARGE_COLUMNS)
        wrong = wrong_amounts(env)
        env.cr.execute("SELECT count(*) FROM telecom_call_charge")
        charges = env.cr.fetchone()[0]
        # all again from the start: in one run, then in two processes
        runs = []
        for processes in (1, 2):
            env.cr.execute(
                "TRUNCATE telecom_call_charge, telecom_usage;"
                "INSERT INTO telecom_cdr_pending (cdr_id, start)"
                " SELECT id, start FROM telecom_cdr"
            )
            env.cr.commit()
            env.cr.execute("SELECT 1")
            env.cr.commit()
            runs.append(rate_in_processes(processes))
    rows = []
    for name, seconds, base in (
        ("bare COPY of the calls", copy_calls, copy_calls),
        ("import", sum(imported), copy_calls),
        ("bare COPY of the charges", copy_charges, copy_charges),
        ("rating, one process", runs[0], copy_charges),
        ("rating, two processes", runs[1], copy_charges),
    ):
        rows.append((name, f"{seconds:.1f}", f"{CALLS / seconds:,.0f}", f"{seconds / base:.2f}"))
    table(
        f"{CALLS:,} calls, two tiers ({charges:,} charges), {RATES:,} rates",
        ("", "seconds", "calls/s", "against COPY"),
        rows,
    )
    table(
        "Speed while the tables grow",
        ("calls before", "import calls/s", "rating calls/s"),
        [
            (f"{n * step:,}", f"{step / imported[n]:,.0f}", f"{step / rated[n]:,.0f}")
            for n in range(SLICES)
        ],
    )
    print(f"\n  charges that differ from exact arithmetic: {wrong}")


if __name__ == "__main__":
    worker() if sys.argv[1:] == ["worker"] else main()
