{
    "name": "Telecom Billing",
    "summary": "Calls, packages, subscriptions and phone numbers as native Odoo invoices",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "license": "LGPL-3",
    "author": "Telecom Billing contributors",
    "website": "https://github.com/telecom-billing/telecom_billing",
    "development_status": "Beta",
    "depends": ["account", "account_payment", "portal"],
    "external_dependencies": {"python": ["phonenumbers", "openpyxl"]},
    "data": [
        # rights
        "security/telecom_billing_groups.xml",
        "security/ir.model.access.csv",
        "security/telecom_billing_security.xml",
        # records the code relies on
        "data/ir_cron_data.xml",
        "data/telecom_billing_data.xml",
        # screens
        # wizards
        # menus come last: they name the actions above
    ],
    "demo": [],
    "post_init_hook": "post_init_hook",
    "application": True,
}
