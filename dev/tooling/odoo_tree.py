"""Odoo's own source tree: ODOO_HOME, or Debian's package unpacked into the cache."""

import os
import re
import shutil
from pathlib import Path

from .core import SetupError, build, digest, home, run, say
from .debian import Apt, unpack

PACKAGE = "odoo-19"
# Fonts and libraries that the package holds only as links into these.
LINKED = (
    "libjs-jquery",
    "libjs-underscore",
    "libjs-jquery-form",
    "fonts-roboto-unhinted",
    "fonts-montserrat",
    "fonts-ocr-b",
    "fonts-glyphicons-halflings",
    # Later releases name their files otherwise than the links do.
    "fonts-font-awesome/bookworm",
    "fonts-inconsolata/bookworm",
)
RECIPE = 1
SEGMENTATION = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"


class OdooTree:
    """An Odoo source tree: where its packages, add-ons and program are."""

    def __init__(self, python_path, program, addons, version=""):
        self.python_path = Path(python_path)
        self.program = Path(program)
        self.addons = [Path(path) for path in addons]
        text = (self.python_path / "odoo" / "release.py").read_text()
        found = re.search(r"^version_info = \((\d+), (\d+)", text, re.MULTILINE)
        if not found or found.group(1) != "19":
            raise SetupError(f"{python_path} holds no Odoo 19 (its odoo/release.py says so).")
        # Two trees of the same release may differ: the folder is part of a template's key.
        self.key = digest(self.python_path, found.group(0), version)


def odoo_tree():
    """The Odoo 19 to run: ODOO_HOME when set, else Debian's, fetched once."""
    given = os.environ.get("ODOO_HOME")
    if given:
        return _given_tree(Path(given).expanduser().resolve())
    root = _debian_tree()
    packages = root / "usr/lib/python3/dist-packages"
    version = (root / "version").read_text().strip()
    return OdooTree(packages, root / "usr/bin/odoo", [packages / "odoo/addons"], version)


def _given_tree(path):
    """A git checkout or an unpacked package."""
    for packages, program in (
        (path, path / "odoo-bin"),
        (path / "usr/lib/python3/dist-packages", path / "usr/bin/odoo"),
        (path.parent if path.name == "odoo" else path, shutil.which("odoo") or path / "odoo-bin"),
    ):
        if (packages / "odoo/release.py").exists() and Path(program).exists():
            addons = [packages / "addons", packages / "odoo/addons"]
            return OdooTree(packages, program, [folder for folder in addons if folder.is_dir()])
    raise SetupError(f"ODOO_HOME={path} holds no Odoo source tree (no odoo/release.py there).")


def _debian_tree():
    target = home() / f"odoo-19-{RECIPE}"

    def make(work):
        apt = Apt("odoo", ["unstable", "bookworm"])
        apt.update()
        version = apt.version(PACKAGE)
        if not version:
            raise SetupError(
                f"the Debian mirror has no package {PACKAGE}; set ODOO_HOME to an Odoo 19 tree."
            )
        say(f"fetching {PACKAGE} {version} (120 MB)")
        debs = work / "debs"
        debs.mkdir()
        apt.download([f"{PACKAGE}={version}", *LINKED], debs)
        say("unpacking")
        unpack(debs, work)
        shutil.rmtree(debs)
        (work / "version").write_text(version + "\n")
        addons = work / "usr/lib/python3/dist-packages/odoo/addons"
        # Debian leaves this library out. Nothing here calls it (it blurs webcam pictures), but
        # the page asks for it and a missing file fails every browser test.
        segmentation = addons / SEGMENTATION
        if not segmentation.exists():
            segmentation.parent.mkdir(parents=True, exist_ok=True)
            segmentation.write_text("")
        _mend_links(work)

    return build(target, "Odoo 19 from Debian's mirror", make)


def _mend_links(root):
    """Point dangling links at a file of the same name, else put an empty file there."""
    told = run(["find", root, "-xtype", "l"], "the unpacked files cannot be listed")
    for line in told.splitlines():
        link = Path(line)
        same = [path for path in root.rglob(link.name) if path.is_file() and path != link]
        link.unlink()
        if same:
            link.symlink_to(os.path.relpath(same[0], link.parent))
        else:
            say(
                f"note: {link.relative_to(root)} has no target any more, an empty file is put there"
            )
            link.write_bytes(b"")
