"""Databases: a template with the dependencies installed once, and quick copies of it."""

import os
import re
import shutil
import subprocess

from .core import MODULE, SetupError, digest, home, lock, say
from .runtime import DEFAULT_PORT, depends

NAME = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,55}$")
# 2026-01-31 12:00:00,000 4242 WARNING db odoo.modules.loading: text
BAD_LINE = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ \d+ (WARNING|ERROR|CRITICAL) ")


def exists(runtime, name):
    """Whether the server has a database of this name."""
    return runtime.server.sql(f"SELECT 1 FROM pg_database WHERE datname = '{name}'") == "1"


def drop(runtime, name):
    """Drop a database, whoever is connected to it, and its filestore."""
    if exists(runtime, name):
        runtime.server.sql(f'ALTER DATABASE "{name}" IS_TEMPLATE false')
        runtime.server.sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    shutil.rmtree(runtime.filestore(name), ignore_errors=True)


def template(runtime, demo=False):
    """The name of a database with everything the module depends on, installed once.

    It is keyed on the Odoo tree and on the list of dependencies. PostgreSQL's own mark
    IS_TEMPLATE, set last, tells that it is complete.
    """
    modules = depends()
    name = f"{MODULE}_template_{digest(runtime.tree.key, demo, *modules)}"
    if _is_template(runtime, name):
        return name
    with lock(name):
        if not _is_template(runtime, name):
            work = f"{name}_part"
            drop(runtime, work)
            drop(runtime, name)
            say(f"installing {', '.join(modules)} once (about a minute) ...")
            install(runtime, work, modules, ["--with-demo"] if demo else [])
            # 'localhost' may mean ::1 first, where nobody listens.
            base_url(runtime, work, DEFAULT_PORT)
            runtime.filestore(work).mkdir(parents=True, exist_ok=True)
            runtime.filestore(work).rename(runtime.filestore(name))
            runtime.server.sql(f'ALTER DATABASE "{work}" RENAME TO "{name}"')
            runtime.server.sql(f'ALTER DATABASE "{name}" IS_TEMPLATE true ALLOW_CONNECTIONS false')
    return name


def _is_template(runtime, name):
    query = f"SELECT datistemplate FROM pg_database WHERE datname = '{name}'"
    return runtime.server.sql(query) == "t"


def clone(runtime, source, name):
    """Make the database `name` a copy of `source`; one of that name is replaced."""
    if not NAME.match(name):
        raise SetupError(f"'{name}' is no good name for a database here: use a-z, 0-9, _, . and -.")
    with lock(f"db-{name}"):
        drop(runtime, name)
        runtime.server.sql(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        copy_filestore(runtime.filestore(source), runtime.filestore(name))
    return name


def copy_filestore(source, target):
    """Copy the folder of a database's attachments, if it has one."""
    if os.path.isdir(source):
        # Odoo writes a file of its filestore once and never changes it: a link will do.
        shutil.copytree(source, target, copy_function=_link)


def _link(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def base_url(runtime, name, port):
    """Tell the database under which address it is served."""
    runtime.server.sql(
        f"UPDATE ir_config_parameter SET value = 'http://127.0.0.1:{port}'"
        " WHERE key = 'web.base.url'",
        name,
    )


def install(runtime, name, modules, extra=()):
    """Install modules in a database and refuse any warning or error in Odoo's log."""
    words = ("-d", name, "-i", ",".join(modules), "--stop-after-init", "--no-http", *extra)
    _quietly(runtime, name, "installing", modules, words)


def update(runtime, name, modules):
    """Update modules in a database and refuse any warning or error in Odoo's log."""
    words = ("-d", name, "-u", ",".join(modules), "--stop-after-init", "--no-http")
    _quietly(runtime, name, "updating", modules, words)


def uninstall(runtime, name, modules):
    """Uninstall modules and refuse any warning or error in Odoo's log."""
    _quietly(runtime, name, "uninstalling", modules, ("module", "uninstall", "-d", name, *modules))


def _quietly(runtime, name, what, modules, arguments):
    """Run Odoo to its end with its log in a file.

    :raise SetupError: naming the lines, when Odoo fails or logs a warning or an error
    """
    log = home() / "log" / f"{what}-{name}.log"
    log.parent.mkdir(exist_ok=True)
    with open(log, "w") as out:
        code = subprocess.run(
            runtime.command(*arguments),
            env=runtime.environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        ).returncode
    said = log.read_text(errors="replace")
    bad = bad_lines(said)
    if bad or code:
        outcome = "logged warnings or errors" if bad else f"ended with exit code {code}"
        lines = "\n".join((bad or said.splitlines()[-15:])[:80])
        raise SetupError(
            f"{what} {','.join(modules)} in {name} {outcome} (all of it in {log}):\n{lines}"
        )


def bad_lines(text, harmless=None):
    """The warnings and errors of an Odoo log, each with the lines that belong to it.

    :param re.Pattern harmless: entries that it finds do not count
    """
    found, inside = [], False
    for line in text.splitlines():
        starts = re.match(r"^\d{4}-\d\d-\d\d [\d:,]+ \d+ [A-Z]+ ", line)
        if starts:
            inside = bool(BAD_LINE.match(line) and not (harmless and harmless.search(line)))
        if inside:
            found.append(line)
    return found
