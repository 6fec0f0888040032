"""The checks of the code: ruff, pylint-odoo, OCA's module checks, the length of files."""

import subprocess
import time

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
    return [venv() / "bin/ruff", "format", *([] if fix else ["--check"]), "--quiet", "."]


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


def lint(checks=CHECKS, fix=False):
    """Run the checks, side by side.

    :return: 0 when all are content, else 1
    """
    start = time.monotonic()
    venv()
    link = addons()
    running = []
    for name in checks:
        if name in COMMANDS:
            command = [str(word) for word in COMMANDS[name](fix)]
            # Those that look at a module need its technical name as the folder's name.
            folder = REPO if name in ("ruff", "format") else link
            running.append(
                (
                    name,
                    subprocess.Popen(
                        command,
                        cwd=folder,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT,
                        text=True,
                    ),
                )
            )
            if fix and name in ("ruff", "format"):
                # Both write to the same files.
                running[-1][1].wait()
    failed = [name for name, process in running if _told(name, process)]
    if "length" in checks and (lines := _too_long()):
        print("\n".join(["--- length", *lines]))
        failed.append("length")
    say(
        f"lint: {', '.join(failed) + ' failed' if failed else 'nothing to say'}"
        f" ({time.monotonic() - start:.1f} s)"
    )
    return 1 if failed else 0


def _told(name, process):
    said = process.communicate()[0].strip()
    if process.returncode:
        print(f"--- {name}\n{said}", flush=True)
    return process.returncode
