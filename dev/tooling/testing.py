"""Running the tests: pytest on two workers, or Odoo's own runner."""

import contextlib
import os
import re
import subprocess
import sys
import time

from . import databases
from .core import MODULE, REPO, SetupError, home, say
from .runtime import Runtime, free_port, path_through_link

OWN_DATABASE = re.compile(r"^test-(\d+)(-gw\d+)?$")
# The browser goes on loading for a moment after a test has ended; on a busy machine it then
# finds its server gone.
AFTER_THE_TEST = re.compile(r"(Error|Warning) received after termination")
EVERYTHING = ("tests", "engine")


@contextlib.contextmanager
def fresh_database(runtime, install=True, demo=False):
    """A database of this run alone, with the module freshly installed; dropped afterwards."""
    name = f"test-{os.getpid()}"
    _drop_abandoned(runtime)
    databases.clone(runtime, databases.template(runtime, demo), name)
    try:
        if install:
            start = time.monotonic()
            databases.install(runtime, name, [MODULE])
            say(f"{MODULE} installed without a warning ({time.monotonic() - start:.1f} s)")
        yield name
    finally:
        _drop_where(runtime, lambda process: process == os.getpid())


def _drop_abandoned(runtime):
    """Drop the databases of runs that were killed."""
    # On a server that several machines use, a process number says nothing.
    if runtime.server.embedded:
        _drop_where(runtime, lambda process: not os.path.exists(f"/proc/{process}"))


def _drop_where(runtime, chosen):
    for name in runtime.server.sql("SELECT datname FROM pg_database").splitlines():
        found = OWN_DATABASE.match(name)
        if found and chosen(int(found.group(1))):
            databases.drop(runtime, name)


def existing_database(runtime, name, update):
    """A database that is kept between runs, brought up to this checkout."""
    if not databases.exists(runtime, name):
        databases.clone(runtime, databases.template(runtime), name)
        databases.install(runtime, name, [MODULE])
    elif update:
        databases.update(runtime, name, [MODULE])
    return contextlib.nullcontext(name)


def pytest_command(runtime, database, targets, workers, extra):
    """The words that run pytest on a database."""
    paths = []
    for target in targets or [part for part in EVERYTHING if (REPO / part).is_dir()]:
        path, colons, node = target.partition("::")
        if not (REPO / path).exists():
            raise SetupError(f"there is no {path} to test in {REPO}.")
        paths.append(f"{path_through_link(runtime, path)}{colons}{node}")
    command = [str(runtime.python), "-m", "pytest", "--odoo-http", f"--odoo-database={database}"]
    command += ["--odoo-log-level=warn", "-p", "tooling.pytest_extras"]
    command += ["--doctest-modules", "--timeout=900", "-o", f"cache_dir={_cache()}"]
    if workers > 1:
        # A class stays on one worker: its set-up is made once.
        command += ["-n", str(workers), "--dist", "loadscope"]
    return [*command, *extra, *paths]


def _cache():
    return home() / "pytest_cache"


def run_pytest(targets, workers, database=None, update=True, extra=()):
    """Run tests with pytest, in a random order whose seed pytest prints.

    :return: pytest's exit code
    """
    runtime = Runtime(browser=True)
    environment = runtime.environment()
    environment["PYTHONPATH"] += os.pathsep + str(REPO / "dev")
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    environment["HYPOTHESIS_STORAGE_DIRECTORY"] = str(home() / "hypothesis")
    opened = existing_database(runtime, database, update) if database else fresh_database(runtime)
    with opened as name:
        command = pytest_command(runtime, name, targets, workers, extra)
        sys.stdout.flush()
        return subprocess.run(
            command, env=environment, cwd=runtime.addons, stdin=subprocess.DEVNULL
        ).returncode


def run_odoo(tags):
    """Run Odoo's own test runner while the module is installed.

    :return: 0, or 1 when a test failed or Odoo logged a warning or an error
    """
    runtime = Runtime(browser=True)
    with fresh_database(runtime, install=False) as name:
        databases.base_url(runtime, name, port := free_port())
        command = runtime.command(
            *("-d", name, "-i", MODULE, "--test-tags", tags, "--stop-after-init"),
            *("--http-port", port),
        )
        log = home() / "log" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        with open(log, "w") as out:
            code = subprocess.run(
                command,
                env=runtime.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            ).returncode
        said = log.read_text(errors="replace")
        bad = databases.bad_lines(said, AFTER_THE_TEST)
    counted = re.findall(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests", said)
    failed = sum(int(part) for part in counted[-1][:2]) if counted else 0
    total = int(counted[-1][2]) if counted else 0
    if bad:
        print("\n".join(bad))
    passed = not code and total and not failed and not bad
    print(f"Odoo's own runner: {total - failed} passed, {failed} failed (log: {log})")
    return 0 if passed else 1


def run_lifecycle():
    """Install with demo data, update, uninstall and install again; none may log a warning.

    :return: 0; a step that fails raises
    """
    runtime = Runtime()
    with fresh_database(runtime, install=False, demo=True) as name:
        for step in (install_with_demo, databases.update, databases.uninstall, databases.install):
            start = time.monotonic()
            step(runtime, name, [MODULE])
            say(f"{step.__name__.replace('_', ' ')}: no warning ({time.monotonic() - start:.1f} s)")
    return 0


def install_with_demo(runtime, name, modules):
    """As the Docker way in does it."""
    databases.install(runtime, name, modules, ["--with-demo"])
