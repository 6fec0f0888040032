"""Programs that Odoo calls: wkhtmltopdf with patched Qt, and Chromium for browser tests.

Each is a small wrapper in one folder that is put first on PATH, so that Odoo, Playwright and
a person at a shell all find the same one.
"""

import glob
import shlex
import shutil
import subprocess
from pathlib import Path

from .core import SetupError, home, write_atomic
from .debian import system_tree
from .venv import venv

PDF_LIBRARIES = ("libxrender1", "libfontconfig1", "libxext6", "libx11-6", "libjpeg62-turbo")
BROWSER_NAMES = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")
FONTS = "fonts-dejavu-core"


def bin_folder():
    """The folder of the wrappers; goes first on PATH."""
    folder = home() / f"bin-{venv().name}"
    folder.mkdir(exist_ok=True)
    return folder


def pdf():
    """Put the patched wkhtmltopdf on PATH, with the X libraries it needs."""
    wrapper = bin_folder() / "wkhtmltopdf"
    if wrapper.exists():
        return wrapper
    program = venv() / "bin" / "wkhtmltopdf-pack"
    wanted = [] if _runs([program, "--version"]) else list(PDF_LIBRARIES)
    if not glob.glob("/usr/share/fonts/**/*.[ot]tf", recursive=True):
        wanted += [FONTS, "fontconfig-config"]
    tree = system_tree("pdf", wanted, "libraries and fonts for PDF files") if wanted else None
    return _write_wrapper(wrapper, program, tree)


def browser():
    """Put a Chromium on PATH: the machine's own, else Debian's unpacked into the cache."""
    wrapper = bin_folder() / BROWSER_NAMES[0]
    if wrapper.exists():
        return wrapper
    tree = None
    program = next(filter(None, (shutil.which(name) for name in BROWSER_NAMES)), None)
    if not program or not _runs([program, "--version"]):
        tree = system_tree("chromium", ["chromium", FONTS], "Chromium from Debian (100 MB)")
        program = tree / "usr/lib/chromium/chromium"
    # Chromium's own sandbox needs rights that root in a container does not have, and the
    # pages that these tests open are our own.
    for name in reversed(BROWSER_NAMES):
        _write_wrapper(bin_folder() / name, program, tree, ["--no-sandbox"])
    if not _runs([wrapper, "--version"]):
        for name in BROWSER_NAMES:
            (bin_folder() / name).unlink()
        raise SetupError(f"the Chromium at {program} does not start.")
    return wrapper


def _runs(command):
    try:
        return not subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL).returncode
    except OSError:
        return False


def _write_wrapper(path, program, tree, arguments=()):
    lines = ["#!/bin/sh"]
    if tree:
        # Some libraries find each other through a run path that names the system's folders.
        found = {
            library.parent
            for folder in ("lib", "usr/lib")
            for library in tree.glob(f"{folder}/*-linux-gnu*/**/*.so*")
        }
        libraries = ":".join(str(folder) for folder in sorted(found))
        lines.append(f"export LD_LIBRARY_PATH={shlex.quote(libraries)}")
        lines.append(f"export FONTCONFIG_FILE={shlex.quote(str(_fonts_file(tree)))}")
    words = " ".join(shlex.quote(str(word)) for word in (program, *arguments))
    lines.append(f'exec {words} "$@"')
    return write_atomic(path, "\n".join(lines) + "\n", 0o755)


def _fonts_file(tree):
    """Fonts of the machine and of the tree together."""
    return write_atomic(
        Path(tree) / "fonts.conf",
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
        f"<dir>/usr/share/fonts</dir><dir>{tree}/usr/share/fonts</dir>\n"
        '<dir prefix="xdg">fonts</dir><cachedir prefix="xdg">fontconfig</cachedir>\n'
        '<include ignore_missing="yes">/etc/fonts/conf.d</include>\n'
        f"</fontconfig>\n",
    )
