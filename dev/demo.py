#!/usr/bin/env python3
"""The demonstration: a database with a telephone company in it, served on 127.0.0.1.

`dev/demo_job.py` fills it; it runs with `env` in hand, as in `odoo shell`. Set SERVE=0 to
stop after the job, DEMO_DB to choose another database than telecom_demo.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tooling import databases
from tooling.core import MODULE, REPO, SetupError, main, say
from tooling.runtime import DEFAULT_PORT, Runtime, free_port

JOB = REPO / "dev" / "demo_job.py"
# Given to `odoo shell`, which reads a program from standard input. Committed only when the job
# came to its end: half a demonstration is worse than none.
PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
path = {path!r}
with open(path) as source:
    code = compile(source.read(), path, "exec")
exec(code, {{**globals(), "__file__": path, "__name__": "__main__"}})
env.cr.commit()
"""


def run(_arguments):
    """Make the database, fill it, serve it."""
    start = time.monotonic()
    runtime = Runtime()
    name = os.environ.get("DEMO_DB") or "telecom_demo"
    serve = os.environ.get("SERVE", "1") != "0"
    databases.clone(runtime, databases.template(runtime), name)
    say(f"installing {MODULE} in {name} ...")
    databases.install(runtime, name, [MODULE])
    port = free_port(DEFAULT_PORT)
    databases.base_url(runtime, name, port)
    if JOB.exists():
        fill(runtime, name)
    say(f"{name} is ready ({time.monotonic() - start:.0f} s)")
    if not serve:
        return 0
    print(f"\n    http://127.0.0.1:{port}   login admin, password admin   (Ctrl-C ends it)")
    print("    `make stop` afterwards stops PostgreSQL too\n")
    sys.stdout.flush()
    command = runtime.command(
        *("-d", name, "--db-filter", f"^{name}$", "--http-port", port, "--log-level", "warn")
    )
    os.execve(command[0], command, runtime.environment())
    return 0


def fill(runtime, name):
    """Run the job in the database."""
    say("loading the demonstration ...")
    program = PROGRAM.format(folder=str(JOB.parent), path=str(JOB))
    command = runtime.command(*("shell", "-d", name, "--no-http", "--log-level", "warn"))
    code = subprocess.run(
        command, env=runtime.environment(), input=program, text=True, cwd=REPO
    ).returncode
    if code:
        raise SetupError(f"{JOB.relative_to(REPO)} failed, its last words are above.")


main(run)
