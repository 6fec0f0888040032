"""Other people's add-ons that benchmarks compare with. Never needed to run this one."""

from .core import build, digest, home, run
from .venv import python

# OCA contract is AGPL-3: it is measured beside this add-on and never shipped with it.
PINNED = ("odoo-addon-contract==19.0.1.2.1",)


def folder():
    """Where the peers are, or will be: a folder for Odoo's add-ons path."""
    return home() / f"peers-{digest(*PINNED)}" / "odoo" / "addons"


def fetch():
    """Fetch the peers without what they would bring along (Odoo itself is there)."""

    def make(work):
        run(
            [python(), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
            + ["--no-deps", "--target", work, *PINNED],
            "the add-ons to compare with could not be installed",
        )

    build(folder().parents[1], "add-ons to compare with", make)
