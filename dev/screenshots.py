#!/usr/bin/env python3
"""Take pictures of the screens of a running server: `dev/screenshots.py [--url URL] [NAME...]`.

Logs in, opens each screen that is named in SCREENS (or those given), and writes
docs/screenshots/NAME.png. The pictures are those of whatever the database holds.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tooling.core import REPO, main, say
from tooling.helpers import browser
from tooling.venv import site_packages

SIZE = {"width": 1400, "height": 900}


def menu(section, item):
    """The clicks that open an entry of the menu."""
    return [f".o_menu_sections button:has-text('{section}')", f".o-dropdown--menu a:text('{item}')"]


# the provider's own card
RETAIL = "tr.o_data_row td[name=name]:text-is('Retail')"

# Name: (address, what to do next: selectors to click, or (selector, file to upload), in turn).
SCREENS = {
    "accounts": ("/odoo/telecom-accounts", []),
    "account": ("/odoo/telecom-accounts", ["tr.o_data_row td[name=account_code] >> nth=1"]),
    "accounts_kanban": ("/odoo/telecom-accounts", ["button.o_kanban"]),
    "reseller_setup": ("/odoo/telecom-accounts", menu("Accounts", "Set Up a Reseller")),
    "services": ("/odoo/telecom-services", []),
    "service": ("/odoo/telecom-services", ["tr.o_data_row td[name=name] >> nth=0"]),
    "numbers": ("/odoo/telecom-numbers", []),
    "calls": ("/odoo/telecom-calls", []),
    "unrated_calls": ("/odoo/telecom-unrated-calls", []),
    "call_charges": ("/odoo/telecom-call-charges", ["button.o_pivot"]),
    "import_calls": (
        "/odoo/telecom-calls",
        [
            *menu("Calls", "Import Calls"),
            (".modal input[type=file]", REPO / "demo/files/cdr_header.csv"),
            ".modal button[name=action_read]",
        ],
    ),
    "call_imports": ("/odoo/telecom-call-imports", []),
    "call_import": ("/odoo/telecom-call-imports", ["tr.o_data_row td[name=name] >> nth=0"]),
    "rejected_rows": ("/odoo/telecom-rejected-rows", []),
    "run_billing": ("/odoo/telecom-billing-runs", menu("Billing", "Run Billing")),
    "run_preview": (
        "/odoo/telecom-billing-runs",
        [*menu("Billing", "Run Billing"), ".modal button[name=action_preview]"],
    ),
    "billing_runs": ("/odoo/telecom-billing-runs", []),
    "billing_run": ("/odoo/telecom-billing-runs", ["tr.o_data_row td[name=name] >> nth=0"]),
    "billing_periods": ("/odoo/telecom-billing-periods", []),
    "charges": ("/odoo/telecom-charges", []),
    "add_charge": (
        "/odoo/telecom-accounts",
        ["tr.o_data_row td[name=account_code] >> nth=1", "button[name=action_add_charge]"],
    ),
    "invoices": ("/odoo/telecom-invoices", []),
    "invoice": ("/odoo/telecom-invoices", ["tr.o_data_row td[name=name] >> nth=0"]),
    "rate_cards": ("/odoo/telecom-rate-cards", []),
    "rate_card": ("/odoo/telecom-rate-cards", [RETAIL]),
    "rates": ("/odoo/telecom-rates", []),
    "import_rates": ("/odoo/telecom-rate-cards", menu("Rates", "Import Rates")),
    "rate_import_preview": (
        "/odoo/telecom-rate-cards",
        [
            RETAIL,
            "button[name=action_import_rates]",
            (".modal input[type=file]", REPO / "demo/files/rates_wholesale.xlsx"),
            ".modal button[name=action_read]",
            ".modal button[name=action_preview]",
        ],
    ),
    "price_check": ("/odoo/telecom-rate-cards", menu("Rates", "What Would This Call Cost?")),
    "products": ("/odoo/telecom-products", []),
    "packages": ("/odoo/telecom-packages", []),
    "billing_profile": (
        "/odoo/telecom-billing-profiles",
        ["tr.o_data_row td[name=name] >> nth=0", "a.nav-link[name=invoicing]"],
    ),
    "margin": ("/odoo/telecom-margin", [".o_facet_remove >> nth=0"]),
    "commissions": ("/odoo/telecom-commissions", []),
    "rate_losses": ("/odoo/telecom-sold-under-cost", []),
    "call_sources": ("/odoo/telecom-call-sources", []),
    "settings": ("/odoo/telecom-accounts", menu("Configuration", "Settings")),
}


def take(page, url, name, folder):
    """Open one screen and write its picture."""
    address, steps = SCREENS[name]
    page.goto(f"{url}{address}")
    page.wait_for_selector(".o_action_manager .o_view_controller")
    settle(page)
    for step in steps:
        if isinstance(step, tuple):
            page.set_input_files(*step)
        else:
            page.click(step)
        settle(page)
    page.mouse.move(0, 0)
    page.screenshot(path=folder / f"{name}.png")
    say(f"{name}.png")


def open_all_books(page, url):
    """Look at all companies of the user at once, as with the switch at the upper right."""
    found = page.request.post(f"{url}/web/session/get_session_info", data={"params": {}}).json()
    companies = found["result"]["user_companies"]
    first = str(companies["current_company"])
    others = [company for company in companies["allowed_companies"] if company != first]
    page.context.add_cookies([{"name": "cids", "value": "-".join([first, *others]), "url": url}])


def settle(page):
    """Wait until the screen is drawn."""
    page.wait_for_timeout(400)
    page.wait_for_function("!document.querySelector('.o_loading_indicator, .o_blockUI')")
    page.wait_for_timeout(400)


def run(arguments):
    """Log in and take the pictures."""
    parser = argparse.ArgumentParser(prog="dev/screenshots.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCREENS))
    parser.add_argument("--url", default="http://127.0.0.1:8069")
    parser.add_argument("--login", default="admin")
    parser.add_argument("--password", default=os.environ.get("TELECOM_PASSWORD", "admin"))
    parser.add_argument("--out", type=Path, default=REPO / "docs/screenshots")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(SCREENS):
        parser.error(f"no such screen: {', '.join(sorted(unknown))}")
    options.out.mkdir(parents=True, exist_ok=True)
    sys.path.append(str(site_packages()))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser())
        page = chromium.new_page(viewport=SIZE)
        page.goto(f"{options.url}/web/login")
        page.fill("input[name=login]", options.login)
        page.fill("input[name=password]", options.password)
        page.click("button[type=submit]")
        page.wait_for_selector(".o_web_client")
        open_all_books(page, options.url)
        for name in options.names or SCREENS:
            take(page, options.url, name, options.out)
        chromium.close()


main(run)
