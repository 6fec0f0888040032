"""The examples in the engine's docstrings are true."""

import doctest
import importlib
import pkgutil

from .. import engine
from .engine_case import EngineCase


class TestEngineDoctests(EngineCase):
    def test_every_module_has_examples_and_they_hold(self):
        names = [
            module.name for module in pkgutil.iter_modules(engine.__path__) if not module.ispkg
        ]
        self.assertIn("tariff", names)
        for name in names:
            with self.subTest(module=name):
                module = importlib.import_module(f"{engine.__name__}.{name}")
                failed, attempted = doctest.testmod(module)
                self.assertEqual(failed, 0)
                self.assertGreater(attempted, 0)
