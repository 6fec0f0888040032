"""Debian packages without root: a private apt that leaves the system's own alone.

The mirror is the one this machine's own apt is set up with, whatever it is.
"""

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

from .core import SetupError, build, digest, home, lock, run, say

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@functools.cache
def host_release():
    """The machine's release as /etc/os-release tells it, for example 'bookworm'."""
    words = {}
    for line in Path("/etc/os-release").read_text().splitlines():
        name, _, value = line.partition("=")
        words[name] = value.strip('"')
    if words.get("ID") != "debian":
        raise SetupError(
            "this set-up takes Odoo from Debian's package mirror and this machine is not a"
            " Debian; use compose.yaml, or set ODOO_HOME to an Odoo 19 source tree."
        )
    return words.get("VERSION_CODENAME", "stable")


@functools.cache
def host_sources():
    """Lines (uri, release) of this machine's Debian archives, the main one first."""
    if not shutil.which("apt-get"):
        raise SetupError(
            "apt-get is missing: this set-up takes Odoo from Debian's package mirror; use"
            " compose.yaml, or set ODOO_HOME to an Odoo 19 source tree."
        )
    # --no-release-info: works where the package lists have never been fetched.
    told = run(
        ["apt-get", "indextargets", "--no-release-info"]
        + ["--format", "$(CREATED_BY)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"],
        "the machine's own list of package mirrors cannot be read",
    )
    release = host_release()
    found = []
    for line in told.splitlines():
        kind, uri, suite, component = line.split("|")
        ours = kind == "Packages" and component == "main" and suite.split("-")[0] == release
        if ours and (uri, suite) not in found:
            found.append((uri, suite))
    found.sort(key=lambda pair: len(pair[1]))
    if not found or found[0][1] != release:
        raise SetupError(
            f"apt on this machine knows no mirror for Debian {release}; add one to"
            " /etc/apt/sources.list.d, or set ODOO_HOME to an Odoo 19 source tree."
        )
    return found


def _sources_text(suites):
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    mirror = host_sources()[0][0]
    lines = [f"deb {signed}{mirror} {suite} main" for suite in suites]
    if host_release() in suites:
        lines += [f"deb {signed}{uri} {suite} main" for uri, suite in host_sources()[1:]]
    return "\n".join(lines) + "\n"


class Apt:
    """A private apt with its own sources, lists and cache, for some suites of the mirror."""

    def __init__(self, name, suites):
        self.folder = home() / "apt" / name
        for part in ("lists/partial", "cache/archives/partial"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        sources = self.folder / "sources.list"
        sources.write_text(_sources_text(suites))
        self.options = [
            f"-oDir::Etc::sourcelist={sources}",
            "-oDir::Etc::sourceparts=/dev/null",
            "-oDir::Etc::preferencesparts=/dev/null",
            f"-oDir::State::Lists={self.folder / 'lists'}",
            f"-oDir::Cache={self.folder / 'cache'}",
            "-oAcquire::Languages=none",
            "-oAcquire::Retries=2",
            # A mirror frozen at some date will do: what it holds is signed all the same.
            "-oAcquire::Check-Valid-Until=false",
            "-oDebug::NoLocking=1",
        ]
        if os.geteuid() == 0:
            # apt would fetch as the user _apt, who may not write here.
            self.options.append("-oAPT::Sandbox::User=root")

    def update(self):
        """Fetch the package lists."""
        with lock(f"apt-{self.folder.name}"):
            run(
                ["apt-get", *self.options, "-oAPT::Update::Error-Mode=any", "update"],
                "Debian's package mirror cannot be used (set ODOO_HOME to run an Odoo 19"
                " source tree without it)",
                env=_plain_locale(),
            )

    def version(self, package):
        """The version of a package that would be fetched, or None."""
        told = subprocess.run(
            ["apt-cache", *self.options, "policy", package],
            capture_output=True,
            text=True,
            env=_plain_locale(),
        ).stdout
        found = re.search(r"Candidate: (\S+)", told)
        return found.group(1) if found and found.group(1) != "(none)" else None

    def download(self, packages, folder):
        """Fetch exactly these packages (name or name/suite) into a folder."""
        run(
            ["apt-get", *self.options, "-q", "download", *packages],
            "Debian packages could not be fetched",
            cwd=folder,
            env=_plain_locale(),
        )

    def download_missing(self, packages, folder):
        """Fetch these packages and whatever they need that this machine lacks."""
        run(
            ["apt-get", *self.options, f"-oDir::Cache::archives={folder}", "-q", "-y"]
            + ["--no-install-recommends", "--download-only", "install", *packages],
            "Debian packages could not be fetched",
            env=_plain_locale(),
        )


def _plain_locale():
    return {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def unpack(packages_folder, target):
    """Unpack every .deb of a folder into `target` and drop the downloads."""
    packages = sorted(Path(packages_folder).glob("*.deb"))
    if not shutil.which("dpkg"):
        raise SetupError("dpkg is missing, and Debian packages are unpacked with it.")
    for package in packages:
        run(["dpkg", "-x", package, target], f"{package.name} could not be unpacked")
    return len(packages)


def system_tree(name, packages, what):
    """A private tree with Debian packages and the libraries they need that the machine lacks.

    The same way for root and for an ordinary user: nothing is installed on the system.

    :return: the folder they are unpacked in
    """
    target = home() / f"{name}-{digest(host_release(), *packages)}"

    def make(work):
        apt = Apt("host", [host_release()])
        apt.update()
        debs = work / "debs"
        (debs / "partial").mkdir(parents=True)
        apt.download_missing(packages, debs)
        say(f"unpacking {unpack(debs, work)} packages")
        shutil.rmtree(debs)

    return build(target, what, make)
