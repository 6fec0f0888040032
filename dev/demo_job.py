"""Fill the demonstration's database and print what was billed; runs with `env` in hand."""

from odoo.addons.telecom_billing.demo import main_job


def show(title, header, rows):
    """Print a table; numbers stand to the right."""
    cells = [
        header,
        *([cell if isinstance(cell, str) else f"{cell:,}" for cell in r] for r in rows),
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    print(f"\n{title}")
    for row in cells:
        aligned = [
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("   " + "   ".join(aligned).rstrip())


def report(result):
    """Print the summary of the main job."""
    show(
        "Rate decks",
        ["file", "new", "rejected"],
        [
            (f"{deck['file']} -> {deck['card']}", deck.get("new", 0), deck.get("rejected", 0))
            for deck in result["decks"]
        ],
    )
    columns = ["read", "taken", "duplicate", "rejected"]
    files = [(counts["file"], *(counts[name] for name in columns)) for counts in result["files"]]
    total = ("all", *(sum(row[i] for row in files) for i in range(1, len(columns) + 1)))
    show("Calls", ["file", *columns], [*files, total])
    show(
        "Calls by state",
        ["state", "calls"],
        [
            (f"{state}{f': {reason}' if reason else ''}", count)
            for (state, reason), count in sorted(result["states"].items(), key=str)
        ],
    )
    show(
        "Charges",
        ["type", "currency", "count", "amount"],
        [(kind, name, count, round(total, 4)) for kind, name, count, total in result["charges"]],
    )
    show(
        "Invoices",
        ["state", "currency", "count", "untaxed", "tax", "total"],
        [(row[0], *row[1:3], *(round(x, 2) for x in row[3:])) for row in result["invoices"]],
    )
    show(
        "Invoices by issuer",
        ["issuer", "to", "currency", "count", "untaxed", "tax", "total"],
        [(*row[:4], *(round(x, 2) for x in row[4:])) for row in result["issuers"]],
    )
    show(
        "Margin by seller",
        ["seller", "currency", "revenue", "cost", "margin"],
        [(*row[:2], *(round(x, 2) for x in row[2:])) for row in result["margins"]],
    )
    show(
        "Commissions",
        ["agent", "currency", "state", "kind", "base", "commission"],
        [(*row[:4], *(round(x, 2) for x in row[4:])) for row in result["commissions"]],
    )
    show("Unbilled", ["currency", "amount"], [(n, round(a, 4)) for n, a in result["unbilled"]])
    print()


report(main_job.run(env))  # noqa: F821 - given by dev/demo.py
