"""The environment in which Odoo runs here: configuration file, variables, ports."""

import ast
import os
import socket
from pathlib import Path

from . import helpers, peers, postgres
from .core import MODULE, REPO, SetupError, addons, checkout, digest, home, write_atomic
from .odoo_tree import odoo_tree
from .venv import python, venv

DEFAULT_PORT = 8069
# Until a manifest is there, and for a checkout that has none.
DEFAULT_DEPENDS = ("account", "account_payment", "mail", "payment", "portal", "product")


class Runtime:
    """One set-up, ready to run Odoo with this checkout on its add-ons path."""

    def __init__(self, browser=False, with_peers=False):
        """
        :param bool browser: with a Chromium for browser tests
        :param bool with_peers: with the add-ons that benchmarks compare with on the path
        """
        postgres.check()
        self.tree = odoo_tree()
        self.python = python()
        helpers.pdf()
        if browser:
            helpers.browser()
        self.server = postgres.server()
        # Databases of one name on two servers have two filestores.
        where = "" if self.server.embedded else "-" + digest(*sorted(self.server.variables.items()))
        self.data = home() / f"data{where}"
        self.data.mkdir(exist_ok=True)
        self.addons = addons()
        self.module = self.addons / MODULE
        paths = [*self.tree.addons, self.addons]
        # dev/newdb and dev/odoo, called by a benchmark, see what the benchmark sees.
        self.with_peers = with_peers or bool(os.environ.get("TELECOM_PEERS"))
        if self.with_peers:
            peers.fetch()
            paths.append(peers.folder())
        name = f"odoo-{self.tree.key}{where}{'-peers' if self.with_peers else ''}.conf"
        self.config = write_atomic(checkout() / name, self._config_text(paths))

    def _config_text(self, paths):
        return (
            "[options]\n"
            f"addons_path = {','.join(str(path) for path in paths)}\n"
            f"data_dir = {self.data}\n"
            "http_interface = 127.0.0.1\n"
            f"http_port = {DEFAULT_PORT}\n"
        )

    def environment(self):
        """Variables for any program that runs or tests Odoo."""
        found = self.server.environment()
        for name in ("PYTHONHOME", "VIRTUAL_ENV"):
            found.pop(name, None)
        path = f"{helpers.bin_folder()}{os.pathsep}{venv() / 'bin'}{os.pathsep}{found['PATH']}"
        return {
            **found,
            "PATH": path,
            "PYTHONPATH": str(self.tree.python_path),
            "PYTHONNOUSERSITE": "1",
            "ODOO_RC": str(self.config),
            "TELECOM_REPO": str(REPO),
            "TELECOM_ADDONS": str(self.addons),
            **({"TELECOM_PEERS": "1"} if self.with_peers else {}),
        }

    def command(self, *arguments):
        """The words that run Odoo's command line with these arguments."""
        return [str(self.python), str(self.tree.program), *(str(word) for word in arguments)]

    def filestore(self, database):
        """The folder of a database's attachments."""
        return self.data / "filestore" / database


def depends():
    """The modules that the manifest depends on, sorted."""
    manifest = REPO / "__manifest__.py"
    if not manifest.exists():
        return list(DEFAULT_DEPENDS)
    try:
        return sorted(ast.literal_eval(manifest.read_text())["depends"])
    except (SyntaxError, ValueError, KeyError) as error:
        raise SetupError(f"{manifest} cannot be read: {error!r}.") from None


def free_port(wanted=None):
    """A port on the loopback that nobody listens on: the wanted one if it is free."""
    for port in (wanted, 0) if wanted else (0,):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise SetupError("there is no free port on 127.0.0.1.")


def path_through_link(runtime, path):
    """A path of this checkout as Odoo sees it, under the module's technical name."""
    full = Path(path).resolve() if Path(path).is_absolute() else (REPO / path).resolve()
    try:
        return runtime.module / full.relative_to(REPO)
    except ValueError:
        raise SetupError(f"{path} is not in {REPO}.") from None
