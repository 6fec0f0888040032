"""What the tests of the engine share: they need no database, nor Odoo but for its test runner."""

import os
import tempfile

from hypothesis import given, settings

try:
    from odoo.tests.common import BaseCase
except ImportError:
    from unittest import TestCase as BaseCase

# Nothing is written into the folder from which the tests are started.
os.environ.setdefault(
    "HYPOTHESIS_STORAGE_DIRECTORY", os.path.join(tempfile.gettempdir(), "hypothesis")
)


class EngineCase(BaseCase):
    """A test of plain functions; finds its way into Odoo's runner like any other."""


def property_test(max_examples=200, **strategies):
    """Decorate a test that must hold for all values of the strategies.

    The values are the same in every run, so that a failure is never a matter of luck.
    """

    def decorate(test):
        configured = settings(
            max_examples=max_examples, deadline=None, database=None, derandomize=True
        )
        return configured(given(**strategies)(test))

    return decorate
