"""Where things live, how steps are told, guarded and made resumable."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
MODULE = "telecom_billing"
# What a set-up from nothing takes on disk, with room for a handful of databases.
NEEDED_BYTES = 3 * 1024**3


class SetupError(Exception):
    """Something the person at the keyboard has to mend; its text is one sentence."""


def say(text):
    """Tell what is being done, on stderr, so that stdout stays the command's own."""
    print(f"[dev] {text}", file=sys.stderr, flush=True)


def main(function):
    """Run a command's main function; a SetupError becomes one sentence and exit code 2."""
    try:
        code = function(sys.argv[1:])
    except SetupError as error:
        print(f"[dev] error: {error}", file=sys.stderr, flush=True)
        code = 2
    except KeyboardInterrupt:
        print("[dev] interrupted; run the same command again to go on", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        code = 1
    sys.exit(code or 0)


def home():
    """The folder of everything that is fetched or made and that git does not hold."""
    given = os.environ.get("TELECOM_HOME")
    if given:
        path = Path(given).expanduser().resolve()
    elif os.geteuid() == 0:
        # Root's own home is closed to others, and PostgreSQL, which never runs as root, has
        # to reach its files: the system's cache folder is open.
        path = Path("/var/cache") / MODULE
    else:
        path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / MODULE
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"the folder {path} for downloads and databases cannot be made"
            f" ({error.strerror}); set TELECOM_HOME to a folder you may write to."
        ) from None
    return path


def checkout():
    """The folder of what belongs to this checkout alone."""
    return home() / "checkouts" / digest(REPO)


def addons():
    """A folder to put on Odoo's add-ons path: this checkout under the module's technical name.

    Odoo takes a module's name from its folder, and a checkout may be called anything.
    """
    folder = checkout() / "addons"
    folder.mkdir(parents=True, exist_ok=True)
    # Two commands may start at once.
    with contextlib.suppress(FileExistsError):
        (folder / MODULE).symlink_to(REPO)
    return folder


def check_space():
    """Refuse to start a long download that cannot end well."""
    free = shutil.disk_usage(home()).free
    if free < NEEDED_BYTES:
        raise SetupError(
            f"{home()} has {free / 1024**3:.1f} GiB free and the set-up needs"
            f" {NEEDED_BYTES / 1024**3:.0f} GiB; free some space or point TELECOM_HOME elsewhere."
        )


def digest(*parts):
    """A short key that changes when any of the parts does."""
    text = "\0".join(str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@contextlib.contextmanager
def lock(name):
    """One process at a time per name; the kernel lets go when a process is killed."""
    folder = home() / "locks"
    folder.mkdir(exist_ok=True)
    with open(folder / f"{name}.lock", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that works on {name}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build(target, what, maker):
    """Make the folder `target` once: in a temporary folder, then renamed in one step.

    A folder that exists is therefore complete, whatever was killed and when.

    :param Path target: final place; its name carries a key of what is in it.
    :param str what: said while it is made.
    :param maker: called with the temporary folder, fills it.
    :return: target
    """
    if target.exists():
        return target
    with lock(target.name):
        if target.exists():
            return target
        check_space()
        work = target.with_name(target.name + ".part")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        say(f"{what} ...")
        start = time.monotonic()
        try:
            maker(work)
        except OSError as error:
            raise SetupError(f"{what} failed: {error}.") from None
        work.rename(target)
        say(f"{what}: done in {time.monotonic() - start:.0f} s")
    return target


def run(command, failure, **options):
    """Run a program quietly; when it fails, raise `failure` with the last words it said.

    :param str failure: one sentence for the person, without its full stop.
    :return: the program's standard output
    """
    options.setdefault("stdin", subprocess.DEVNULL)
    try:
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, **options
        )
    except FileNotFoundError:
        raise SetupError(f"{failure}: the program {command[0]} is missing.") from None
    except PermissionError as error:
        raise SetupError(f"{failure}: {error}.") from None
    if done.returncode:
        said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        errors = [line for line in said if re.match(r"E: |(\w+: )?(error|fatal)\b", line, re.I)]
        reason = (errors or said[-1:] or [f"exit code {done.returncode}"])[0]
        if shutil.disk_usage(home()).free < 100 * 1024**2:
            # Programs name a full disk in many ways, and some in none.
            reason = f"the disk with {home()} is full"
        raise SetupError(f"{failure}: {reason.rstrip('.')}.")
    return done.stdout


def write_atomic(path, text, mode=0o644):
    """Write a small file so that nobody ever reads half of it."""
    if path.exists() and path.read_text() == text:
        return path
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(text)
    part.chmod(mode)
    part.rename(path)
    return path
