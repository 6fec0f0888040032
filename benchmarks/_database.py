"""What the benchmarks share: a fresh database with the module, and an environment on it."""

import logging
import os
import subprocess
from contextlib import contextmanager

import odoo
from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config


def make_database(name):
    """Make (or make anew) the database `name` with the module installed."""
    subprocess.run([f"{os.environ['TELECOM_REPO']}/dev/newdb", name, "--install"], check=True)


@contextmanager
def environment(name):
    """Give an environment of the superuser on a database; committed when all went well."""
    if not config.get("db_name"):
        config.parse_config(["-c", os.environ["ODOO_RC"], "-d", name, "--log-level=error"])
        logging.getLogger("odoo").setLevel(logging.ERROR)
    registry = Registry(name)
    with registry.cursor() as cr:
        yield api.Environment(cr, SUPERUSER_ID, {})
        cr.commit()


def table(title, header, rows):
    """Print a table; cells are texts or numbers."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    print(f"\n{title}")
    for number, row in enumerate(cells):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
        if not number:
            print("  " + "  ".join("-" * width for width in widths))


__all__ = ["environment", "make_database", "odoo", "table"]
