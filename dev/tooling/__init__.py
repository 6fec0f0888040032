"""How this add-on is set up, run and tested on a machine.

Plain standard library: these files run before anything is installed. Nothing in the module
imports them. This file also runs on an old Python, to say so in a sentence or to hand over to
a better one.
"""

import os
import shutil
import subprocess
import sys

# Odoo 19 runs on these.
PYTHONS = ((3, 10), (3, 11), (3, 12), (3, 13))


def _hand_over():
    """Go on with an interpreter that Odoo 19 runs on; without one, say so and stop."""
    for major, minor in reversed(PYTHONS):
        found = shutil.which(f"python{major}.{minor}")
        # A version manager's stand-in may be on PATH and refuse to run.
        if found and subprocess.call([found, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(found, [found, *sys.argv])
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    sys.stderr.write(
        f"[dev] error: Odoo 19 needs Python 3.10, 3.11, 3.12 or 3.13; this is {here} and no other"
        " is on PATH.\n"
    )
    sys.exit(2)


if sys.version_info[:2] not in PYTHONS:
    _hand_over()
