"""The checks of the code: ruff, pylint-odoo, OCA's module checks, the length of files."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

from .core import MODULE, REPO, addons, run, say
from .venv import venv

# The house rule is 400 lines a file; a little over is no reason to stop anybody.
LONGEST = 450
# Rooms of Odoo code: engine/ imports no Odoo, and ruff looks after it.
PYLINT_ROOMS = ("controllers", "models", "report", "tests", "wizards", "migrations")


def _files(*patterns):
    """Files of this checkout, known to git or new, but not ignored."""
    told = run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        "git cannot list the files of this checkout",
        cwd=REPO,
    )
    return [name for name in told.splitlines() if (REPO / name).is_file()]


def ruff(fix):
    """Ruff's rules: [tool.ruff] in pyproject.toml."""
    return [venv() / "bin/ruff", "check", "--quiet", *(["--fix"] if fix else []), "."]


def style(fix):
    """Ruff's formatter."""
    return [venv() / "bin/ruff", "format", "--quiet", *([] if fix else ["--check"]), "."]


def pylint(_fix):
    """pylint-odoo's rules: [tool.pylint] in pyproject.toml."""
    names = [name for name in _files("*.py") if name.split("/")[0] in PYLINT_ROOMS]
    names += _files("__init__.py", "__manifest__.py", "hooks.py")
    names = sorted(set(names))
    rules = f"--rcfile={REPO / 'pyproject.toml'}"
    return [venv() / "bin/python", "-m", "pylint", rules, *(f"{MODULE}/{name}" for name in names)]


def oca(_fix):
    """OCA's checks of manifest, XML and CSV; the README is Markdown here, and OCA's is not."""
    return [
        *(venv() / "bin/oca-checks-odoo-module", "--disable=prefer-readme-rst"),
        f"{MODULE}/__manifest__.py",
    ]


COMMANDS = {"ruff": ruff, "format": style, "pylint": pylint, "oca": oca}
CHECKS = (*COMMANDS, "length")


def _too_long():
    found = []
    for name in _files("*.py", "*.xml", "*.js"):
        with open(REPO / name, encoding="utf-8") as lines:
            count = sum(1 for _ in lines)
        if count > LONGEST:
            found.append(f"{name}: {count} lines, {LONGEST} are the most: split it by subject")
    return found


def _check(name, fix):
    """Run one check.

    :return: what it complains about, or nothing
    """
    if name == "length":
        return "\n".join(_too_long())
    done = subprocess.run(
        [str(word) for word in COMMANDS[name](fix)],
        # Those that look at a module need its technical name as the folder's name.
        cwd=REPO if name in ("ruff", "format") else addons(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode and (done.stdout.strip() or f"exit code {done.returncode}")


def lint(checks=CHECKS, fix=False):
    """Run the checks, side by side unless they mend files.

    :return: 0 when all are content, else 1
    """
    start = time.monotonic()
    venv()
    failed = []
    with ThreadPoolExecutor(1 if fix else len(checks)) as pool:
        for name, complaint in zip(checks, pool.map(_check, checks, repeat(fix)), strict=False):
            if complaint:
                print(f"--- {name}\n{complaint}", flush=True)
                failed.append(name)
    verdict = f"{', '.join(failed)} failed" if failed else "nothing to say"
    say(f"lint: {verdict} ({time.monotonic() - start:.1f} s)")
    return 1 if failed else 0
