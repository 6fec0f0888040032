"""The Python environment: a venv with the pinned packages of dev/requirements.txt."""

import os
import shutil
import subprocess
import sys
import time

from .core import REPO, SetupError, check_space, digest, home, lock, run, say

REQUIREMENTS = REPO / "dev" / "requirements.txt"


def venv():
    """The venv's folder, made and filled when needed.

    A venv knows its own path and cannot be renamed, so it is made in place; the stamp that
    is written last tells that it is complete. An interrupted one is made anew, and pip finds
    what it had fetched in its own cache.
    """
    text = REQUIREMENTS.read_text()
    major, minor = sys.version_info[:2]
    target = home() / f"venv-{major}.{minor}-{digest(text)}"
    stamp = target / "complete"
    if stamp.exists():
        return target
    with lock(target.name):
        if stamp.exists():
            return target
        check_space()
        say("Python packages into a venv (about a minute) ...")
        start = time.monotonic()
        shutil.rmtree(target, ignore_errors=True)
        # The interpreter of a venv would tie ours to somebody else's.
        _make(getattr(sys, "_base_executable", None) or sys.executable, target)
        python = target / "bin" / "python"
        run(
            [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
            + ["--prefer-binary", "-r", REQUIREMENTS],
            "the Python packages of dev/requirements.txt could not be installed"
            " (is the Python package index reachable?)",
            env=_pip_environment(),
        )
        stamp.write_text("")
        say(f"Python packages: done in {time.monotonic() - start:.0f} s")
    return target


def _make(base, target):
    try:
        run([base, "-m", "venv", target], "the Python environment could not be made")
    except SetupError as error:
        check = subprocess.run([base, "-c", "import ensurepip, venv"], capture_output=True)
        if check.returncode:
            raise SetupError(
                f"{base} lacks the venv module: install the package python3-venv and try again."
            ) from None
        raise error


def _pip_environment():
    """A package installed for the user or named by PYTHONPATH must not leak into the venv."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    return {**kept, "PYTHONNOUSERSITE": "1"}


def python():
    """The venv's interpreter."""
    return venv() / "bin" / "python"


def site_packages():
    """The venv's folder of installed packages."""
    return next((venv() / "lib").glob("python3*/site-packages"))
