"""Import of a deck through the wizard's steps, and its merge beside a bare COPY of the same rows.

ROWS (100,000) may be given in the environment. The decks: CSV into an empty card; the same again;
a new one with other prices in place of the whole card; the same as a workbook.
"""

import base64
import io
import os
import random
import time
from datetime import datetime

from _database import environment, make_database, table

DATABASE = "bench_rate_import"
ROWS = int(os.environ.get("ROWS", "100000"))


def make_prefixes():
    """Return different prefixes of 3 to 9 digits, in no order."""
    chance = random.Random(1)
    found = {}
    while len(found) < ROWS:
        length = chance.randint(3, 9)
        found[str(chance.randint(10 ** (length - 1), 10**length - 1))] = None
    return list(found)


def make_rows(prefixes, seed):
    """Return the cells of a deck, its header first."""
    chance = random.Random(seed)
    return [
        ("Destination", "Dial Code", "Price/Min", "Connection Fee", "Increment"),
        *(
            (
                f"Destination {prefix[:4]}, all networks",
                f"+{prefix}",
                chance.randint(1, 9999) / 10000,
                0,
                chance.choice(("1/1", "30/6", "60/60")),
            )
            for prefix in prefixes
        ),
    ]


def as_csv(rows):
    """Return the deck as bytes of a CSV file."""
    return "\n".join(f'"{row[0]}",{",".join(map(str, row[1:]))}' for row in rows).encode()


def as_workbook(rows):
    """Return the deck as bytes of an .xlsx workbook."""
    import openpyxl

    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet()
    for row in rows:
        sheet.append(row)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


class Clock:
    """Tells the seconds since it was asked last."""

    def __init__(self):
        self.at = time.perf_counter()

    def __call__(self):
        before, self.at = self.at, time.perf_counter()
        return self.at - before


def by_wizard(env, card, content, name, **vals):
    """Go through the wizard; return the seconds of each step."""
    wizard = env["telecom.rate.import"].create(
        {"card_id": card.id, "file": base64.b64encode(content), "file_name": name, **vals}
    )
    env.flush_all()
    seconds, clock = [], Clock()
    for step in ("action_read", "action_preview", "action_import"):
        env.invalidate_all()
        getattr(wizard, step)()
        env.flush_all()
        seconds.append(clock())
    env.cr.commit()
    return seconds


def parts(env, content):
    """Return the seconds of reading, parsing and merging a deck, and of a bare COPY of it."""
    # the add-on can be imported once Odoo knows where it is
    from odoo.addons.telecom_billing.models.bulk import copy_lines
    from odoo.addons.telecom_billing.models.rate_deck import RateDeck
    from odoo.addons.telecom_billing.models.rate_deck_file import DeckFile

    card = env["telecom.rate.card"].create({"name": "Parts"})
    clock = Clock()
    file = DeckFile(env, content, "deck.csv")
    seconds = [clock()]
    rows = file.parse()
    seconds.append(clock())
    RateDeck(env).apply(card, rows)
    env.flush_all()
    seconds.append(clock())
    env.cr.execute(
        "CREATE TEMPORARY TABLE bare (LIKE telecom_rate INCLUDING INDEXES INCLUDING DEFAULTS);"
        "CREATE SEQUENCE bare_id"
    )
    lines = [
        f"{number}\t{card.id}\toutbound\t{row['prefix']}\t{row['destination']}"
        f"\t{row['price_per_minute']}\t0\t0\t{row['initial_increment']}\t{row['increment']}"
        for number, row in enumerate(rows)
    ]
    clock()
    copy_lines(
        env.cr,
        "bare",
        (
            "id",
            "card_id",
            "direction",
            "prefix",
            "destination",
            "price_per_minute",
            "connection_fee",
            "included_seconds",
            "initial_increment",
            "increment",
        ),
        lines,
    )
    seconds.append(clock())
    env.cr.rollback()
    return seconds


def main():
    """Measure and print."""
    make_database(DATABASE)
    prefixes = make_prefixes()
    first, second = make_rows(prefixes, 2), make_rows(prefixes, 3)
    change = {"effective": datetime(2026, 1, 1), "mode": "replace"}
    with environment(DATABASE) as env:
        card = env["telecom.rate.card"].create({"name": "Bench"})
        book = env["telecom.rate.card"].create({"name": "Workbook"})
        env.cr.commit()
        cases = [
            ("CSV, empty card", card, as_csv(first), "deck.csv", {}),
            ("the same again", card, as_csv(first), "deck.csv", change),
            ("new prices for all", card, as_csv(second), "deck.csv", change),
            ("workbook, empty card", book, as_workbook(first), "deck.xlsx", {}),
        ]
        results = []
        for title, target, content, name, vals in cases:
            seconds = by_wizard(env, target, content, name, **vals)
            total = sum(seconds)
            results.append(
                (
                    title,
                    f"{len(content) / 1e6:.1f}",
                    *(f"{part:.1f}" for part in seconds),
                    f"{total:.1f}",
                    f"{ROWS / total:,.0f}",
                )
            )
        read, parse, merge, bare = parts(env, as_csv(first))
    table(
        f"A deck of {ROWS:,} rows through the wizard, seconds",
        ("deck", "MB", "columns", "preview", "import", "total", "rows/s"),
        results,
    )
    table(
        "Where the time goes: CSV into an empty card, seconds",
        ("reading", "parsing", "merging", "bare COPY of the rates"),
        [[f"{value:.2f}" for value in (read, parse, merge, bare)]],
    )


main()
