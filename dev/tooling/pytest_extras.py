"""A pytest plugin for this add-on's runs, next to pytest-odoo.

Loaded by dev/test with `-p`; the tests themselves do not depend on it.
"""

import contextlib
import shutil

import pytest

from .databases import copy_filestore


@contextlib.contextmanager
def own_filestore(original, database):
    """Give a worker's copy of the database a filestore of its own.

    pytest-odoo lets all workers share one. But Odoo collects the garbage of the filestore after
    each class of tests: what another worker's open transaction has written is garbage to it.
    """
    import odoo

    if original == database:
        yield
        return
    source = odoo.tools.config.filestore(original)
    target = odoo.tools.config.filestore(database)
    shutil.rmtree(target, ignore_errors=True)
    copy_filestore(source, target)
    try:
        yield
    finally:
        shutil.rmtree(target, ignore_errors=True)


def pytest_configure(config):
    """Give workers a filestore each. Property tests: a slow machine is no failure, and a failing
    example can be repeated."""
    import pytest_odoo

    pytest_odoo._shared_filestore = own_filestore
    try:
        from hypothesis import HealthCheck, settings
    except ImportError:
        return
    settings.register_profile(
        "telecom_billing",
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("telecom_billing")


@pytest.fixture(scope="session", autouse=True)
def report_url(load_registry, load_http):
    """Tell wkhtmltopdf where this worker's own server listens.

    pytest-odoo picks a port that no database knows. Without an address that answers, a PDF
    comes out without its styles and logo, and nothing fails.
    """
    import odoo

    if not odoo.tools.config["http_port"]:
        return
    database = odoo.tests.common.get_db_name()
    with odoo.modules.registry.Registry(database).cursor() as cr:
        env = odoo.api.Environment(cr, odoo.api.SUPERUSER_ID, {})
        url = f"http://127.0.0.1:{odoo.tools.config['http_port']}"
        env["ir.config_parameter"].set_param("report.url", url)
        env["ir.config_parameter"].set_param("web.base.url", url)
