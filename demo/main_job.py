"""The main job on the sample files: decks and calls in, posted invoices out, and what came of it.

The accounts, services and sources are the demo records beside this file; `dev/demo_job.py` runs
this for `make demo`, and tests/test_demo.py beside an independent computation.
"""

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from markupsafe import Markup

from odoo.fields import Command
from odoo.tools import convert_file

from ..engine.intake import propose_columns
from ..engine.intake.decks import parse_deck_rows, propose_deck_columns, read_deck
from ..models.rate_deck import RateDeck
from . import resellers

FOLDER = Path(__file__).parent
RECORDS = (
    "telecom.rate.card.csv",
    "telecom.rate.csv",
    "product.product.csv",
    "telecom.package.csv",
    "telecom.did.csv",
    "res.partner.csv",
    "telecom.account.identifier.csv",
    "telecom.subscription.csv",
    "telecom.subscription.version.csv",
    "telecom.cdr.source.csv",
)
DECKS = (
    ("retail", "rates_provider.csv"),
    ("retail_gbp", "rates_provider.csv"),
    ("wholesale", "rates_wholesale.xlsx"),
)
CALLS = (
    ("brussels", "freeswitch_Master.csv"),
    ("brussels", "freeswitch_Master_resent.csv"),
    ("antwerp", "freeswitch_cdr.json"),
    ("asterisk", "asterisk_Master.csv.gz"),
    ("sbc", "cdr_header.csv"),
    ("cologne", "cdr_resellers.csv"),
)
DECK_FROM = datetime(2026, 8, 31, 22)  # midnight of 1 September in Brussels
UNTIL = date(2026, 11, 1)
POUNDS_PER_EURO = 0.87


def run(env):
    """Do the whole of it in the environment's company; returns the summary's figures."""
    company = set_up_company(env)
    records(env)
    assign_taxes(env, company)
    resellers.set_up(env, DECK_FROM)
    decks = [import_deck(env, card, name) for card, name in DECKS]
    imports = [import_calls(env, source, name) for source, name in CALLS]
    env["telecom.cdr"].rate_pending()
    env["telecom.subscription"]._add_recurring_charges(UNTIL)
    bill(env)
    return summary(env, decks, imports)


def bill(env):
    """Close what has ended, in the books of all issuers, and settle with the agents."""
    env["telecom.billing.run"].close_periods(UNTIL)
    env["telecom.commission"]._settle(UNTIL, date=UNTIL)
    env["telecom.rate.card"]._cron_check_losses()


def set_up_company(env):
    """Make the company a telephone company in Brussels with books in euro and one tax."""
    company = env.company
    euro, pound = env.ref("base.EUR"), env.ref("base.GBP")
    (euro + pound).active = True
    company.write(
        {
            "name": "Brabant Telecom",
            "street": "Boulevard Anspach 1",
            "zip": "1000",
            "city": "Brussels",
            "country_id": env.ref("base.be").id,
            "email": "billing@brabant-telecom.example",
            "phone": "+32 2 788 01 99",
            "vat": "BE0123456749",
            "website": "https://brabant-telecom.example",
            "primary_color": "#12355B",
            "secondary_color": "#D1495B",
            "currency_id": euro.id,
        }
    )
    company.logo = resellers.picture("brabant")
    partner = company.partner_id
    place = f"{partner.zip} {partner.city}"
    company.company_details = Markup("<br/>").join(
        (partner.name, partner.street, place, partner.country_id.name, partner.vat)
    )
    company.report_footer = resellers.footer(partner)
    partner.tz = "Europe/Brussels"
    resellers.add_bank(partner, "BE71096123456769")
    env.ref("base.user_admin").tz = "Europe/Brussels"
    env["account.chart.template"].try_loading("generic_coa", company, install_demo=False)
    company.write({"currency_id": euro.id, "account_fiscal_country_id": company.country_id.id})
    # for the books of all companies
    env["res.currency.rate"].create(
        [
            {
                "name": "2026-08-01",
                "currency_id": currency.id,
                "company_id": False,
                "rate": rate,
            }
            for currency, rate in ((euro, 1.0), (pound, POUNDS_PER_EURO))
        ]
    )
    # the generic chart's fiscal positions are those of another country
    env["account.fiscal.position"].search([("company_id", "=", company.id)]).active = False
    sales_tax = env["account.tax"].search(
        [("company_id", "=", company.id), ("type_tax_use", "=", "sale")], limit=1
    )
    group = env["account.tax.group"].create(
        {"name": "VAT", "company_id": company.id, "country_id": company.country_id.id}
    )
    company.account_sale_tax_id = sales_tax.copy(
        {
            "name": "VAT 21%",
            "invoice_label": "VAT 21%",
            "amount": 21.0,
            "tax_group_id": group.id,
            "country_id": company.country_id.id,
        }
    )
    company.billing_profile_id.write(
        {
            "name": "Brabant Telecom",
            "country_id": company.country_id.id,
            "annex": "pdf",
            "amount_in_words": True,
            "note": "Please pay by bank transfer and quote the payment communication.",
            "reminder_rule_ids": [
                Command.create({"days": 3, "moment": "before"}),
                Command.create({"days": 7, "moment": "after"}),
                Command.create({"days": 21, "moment": "after", "suspend": True}),
            ],
        }
    )
    return company


def records(env):
    """Load the demo records, once."""
    for name in RECORDS:
        convert_file(env, "telecom_billing", f"demo/{name}", {}, mode="init", noupdate=True)


def assign_taxes(env, company):
    """Tax the services; business customers abroad have an assigned tax of their own."""
    vat = company.account_sale_tax_id
    products = env["product.product"].search([("telecom_kind", "!=", False)])
    products |= env.ref("telecom_billing.product_calls")
    products.taxes_id = [Command.set(vat.ids)]
    exempt = vat.copy({"name": "EU services 0%", "amount": 0.0, "invoice_label": "Reverse charge"})
    for code in ("C1004", "R2001", "R2002"):
        resellers.account(env, code).telecom_tax_ids = exempt


def import_deck(env, card, name):
    """Import a rate deck into a demo card; returns its counts."""
    with (FOLDER / "files" / name).open("rb") as stream:
        deck = read_deck(stream, name)
        rows = list(deck.rows)
    mapping = propose_deck_columns(deck.header, rows[:50])
    result = RateDeck(env, "Europe/Brussels").apply(
        env.ref(f"telecom_billing.rate_card_{card}_demo"),
        parse_deck_rows(rows, mapping),
        DECK_FROM,
    )
    return {"file": name, "card": card, **result.counts}


def import_calls(env, source, name):
    """Take the calls of a file; returns its counts."""
    source = env.ref(f"telecom_billing.source_{source}_demo")
    content = (FOLDER / "files" / name).read_bytes()
    if source.format == "header_csv" and not source.column_map:
        header = next(line for line in content.decode().splitlines() if not line.startswith("#"))
        source.column_map = propose_columns(header.split(";"))
    done = env["telecom.cdr.import"]._import_file(source, name, content)
    return {
        "file": name,
        "read": done.read_count,
        "taken": done.taken_count,
        "ignored": done.ignored_count,
        "duplicate": done.duplicate_count,
        "rejected": done.rejected_count,
    }


def cents(amount):
    """Return an amount that was converted between currencies, without the noise of it."""
    return Decimal(repr(round(amount, 2)))


def summary(env, decks, imports):
    """Return the figures that `make demo` prints; amounts are Decimal."""
    env.flush_all()

    def query(sql):
        env.cr.execute(sql)
        return env.cr.fetchall()

    states = defaultdict(int)
    for state, reason, count in query(
        """
        SELECT CASE WHEN c.ignored IS NOT NULL THEN 'ignored' WHEN p.cdr_id IS NULL THEN 'rated'
                    WHEN p.reason IS NULL THEN 'pending' ELSE 'unrated' END,
               coalesce(c.ignored, p.reason), count(*)
          FROM telecom_cdr c LEFT JOIN telecom_cdr_pending p ON p.cdr_id = c.id GROUP BY 1, 2
        """
    ):
        states[state, reason] += count
    # what an agent would pay for its customers' services is on no invoice
    charges = query(
        """
        SELECT x.kind || CASE WHEN x.tier = 0 THEN '' ELSE ' of resellers' END, c.name, count(*),
               sum(x.amount)::text
          FROM (
            SELECT 'calls' AS kind, tier, partner_id, currency_id, amount FROM telecom_call_charge
            UNION ALL
            SELECT charge_type, tier, partner_id, currency_id, amount FROM telecom_charge) x
          JOIN res_partner account ON account.id = x.partner_id
          JOIN res_currency c ON c.id = x.currency_id
         WHERE x.tier = 0 OR account.reseller_kind IS DISTINCT FROM 'agent'
         GROUP BY 1, 2 ORDER BY 2, 1
        """
    )
    invoices = query(
        """
        SELECT m.state, c.name, count(*), sum(m.amount_untaxed)::text, sum(m.amount_tax)::text,
               sum(m.amount_total)::text
          FROM account_move m JOIN res_currency c ON c.id = m.currency_id
         WHERE m.telecom_profile_id IS NOT NULL GROUP BY 1, 2 ORDER BY 2, 1
        """
    )
    issuers = query(
        """
        SELECT profile.name, CASE WHEN account.is_reseller THEN 'resellers' ELSE 'customers' END,
               c.name, count(*),
               sum(m.amount_untaxed)::text, sum(m.amount_tax)::text, sum(m.amount_total)::text
          FROM account_move m
          JOIN telecom_billing_profile profile ON profile.id = m.telecom_profile_id
          JOIN res_partner account ON account.id = m.partner_id
          JOIN res_currency c ON c.id = m.currency_id
         GROUP BY profile.id, 2, 3 ORDER BY profile.id, 2, 3
        """
    )
    # in the currency of the books in which each one sells
    margins = env["telecom.margin.report"]._read_group(
        [],
        ["seller_id", "company_currency_id"],
        ["revenue:sum", "cost:sum", "margin:sum"],
    )
    commissions = query(
        """
        SELECT agent.name, c.name, commission.state, commission.kind,
               sum(commission.base)::text, sum(commission.amount)::text
          FROM telecom_commission commission
          JOIN res_partner agent ON agent.id = commission.partner_id
          JOIN res_currency c ON c.id = commission.currency_id
         GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
        """
    )
    unbilled = query(
        """
        SELECT c.name, sum(x.amount)::text FROM (
            SELECT period_id, tier, currency_id, amount FROM telecom_usage
            UNION ALL SELECT period_id, tier, currency_id, amount FROM telecom_charge) x
          JOIN telecom_billing_period p ON p.id = x.period_id AND p.move_id IS NULL
          JOIN res_partner account ON account.id = p.partner_id
          JOIN res_currency c ON c.id = x.currency_id
         WHERE x.tier = 0 OR account.reseller_kind IS DISTINCT FROM 'agent'
         GROUP BY 1 ORDER BY 1
        """
    )
    return {
        "decks": decks,
        "files": imports,
        "states": dict(states),
        "charges": [(*row[:3], Decimal(row[3])) for row in charges],
        "invoices": [(*row[:3], *map(Decimal, row[3:])) for row in invoices],
        "issuers": [(*row[:4], *map(Decimal, row[4:])) for row in issuers],
        "margins": [
            (seller.name or env.company.name, currency.name, *(cents(x) for x in amounts))
            for seller, currency, *amounts in margins
        ],
        "commissions": [(*row[:4], *map(Decimal, row[4:])) for row in commissions],
        "unbilled": [(name, Decimal(amount)) for name, amount in unbilled],
    }
