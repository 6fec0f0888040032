"""The resellers of the demonstration, set up as a billing manager does it.

The accounts are demo records beside this file. resellers.csv has the figures by which they sell,
which tests/independent_billing.py reads, too; their looks and texts are here.
"""

import base64
import csv
from pathlib import Path

from odoo.fields import Command

FOLDER = Path(__file__).parent
SERVICE_DISCOUNT = 20
KINDS = ("calls", "package", "subscription", "did")
BRANDS = {
    "R2001": {
        "logo": "rhine",
        "layout": "wave",
        "primary_color": "#0B7A75",
        "secondary_color": "#0A4F6E",
        "font": "Open_Sans",
        "tagline": "Telephony on the Rhine",
        "note": "Please transfer the amount within two weeks. Questions? Call +49 221 4710 120.",
        "portal_domain": "https://portal.rhine-resell.example",
        "website": "https://rhine-resell.example",
        "phone": "+49 221 4710 120",
        "vat": "DE123456788",
        "bank": "DE89370400440532013000",
    },
    "A3001": {
        "logo": "ahr",
        "layout": "bubble",
        "primary_color": "#8C1C3F",
        "secondary_color": "#B5838D",
        "font": "Lato",
        "tagline": "Your voice in the valley",
        "note": "Thank you for calling with us.",
        "portal_domain": "https://portal.ahr-voice.example",
        "website": "https://ahr-voice.example",
        "phone": "+49 221 4710 130",
        "vat": "",
        "bank": "DE75512108001245126199",
    },
    "R2002": {
        "logo": "thames",
        "layout": "striped",
        "primary_color": "#C8500A",
        "secondary_color": "#14213D",
        "font": "Montserrat",
        "tagline": "Talk of the town",
        "note": "Please pay by bank transfer and quote the invoice number.",
        "portal_domain": "https://portal.thames-talk.example",
        "website": "https://thames-talk.example",
        "phone": "+44 20 7946 0199",
        "vat": "GB123456727",
        "bank": "GB29NWBK60161331926819",
    },
}


def picture(name):
    """Return a logo as a field of pictures wants it."""
    return base64.b64encode((FOLDER / "logos" / f"{name}.png").read_bytes())


def footer(partner):
    """Return what stands at the foot of an issuer's pages."""
    return " · ".join((partner.phone, partner.email, partner.website.removeprefix("https://")))


def add_bank(partner, number):
    """Return the new bank account to which customers pay."""
    return partner.env["res.partner.bank"].create(
        {"acc_number": number, "partner_id": partner.id, "allow_out_payment": True}
    )


def account(env, code):
    return env.ref(f"telecom_billing.partner_{code.lower()}_demo")


def card_of(env, reseller):
    """Return the rate card with which a reseller sells."""
    return env["telecom.rate.card"].search([("owner_id", "=", reseller.id)])


def set_up(env, since):
    """Give each reseller its books, brand, prices, and its customers those prices.

    :param since: moment from which the prices hold
    """
    pricelist = env["product.pricelist"].create(
        {
            "name": "Wholesale",
            "company_id": False,
            "currency_id": env.company.currency_id.id,
            "item_ids": [
                Command.create(
                    {
                        "compute_price": "formula",
                        "base": "list_price",
                        "price_discount": SERVICE_DISCOUNT,
                    }
                )
            ],
        }
    )
    with (FOLDER / "resellers.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            set_up_one(env, row, pricelist)
            sell(env, row, since)


def set_up_one(env, row, pricelist):
    """Let the product's own set-up make what a reseller needs, and dress it."""
    reseller, brand = account(env, row["code"]), BRANDS[row["code"]]
    is_distributor = reseller.reseller_kind == "distributor"
    reseller.write({name: brand[name] for name in ("phone", "website", "vat")})
    values = {
        "partner_id": reseller.id,
        "kind": reseller.reseller_kind,
        "invoice_prefix": row["prefix"],
        "logo": picture(brand["logo"]),
        "markup_percent": float(row["markup_percent"]),
        "price_digits": int(row["price_digits"]),
        "makes_pricelist": is_distributor,
    }
    if is_distributor:
        values.update(
            pricelist_id=pricelist.id,
            service_percent=float(row["service_percent"]),
            own_company=True,
            currency_id=env.ref(f"base.{row['currency']}").id,
            chart_template="generic_coa",
            tax_percent=float(row["tax_percent"]),
        )
    admin = env.ref("base.user_admin")
    env["telecom.reseller.setup"].with_user(admin).create(values).action_set_up()
    # whoever runs the demonstration's jobs works in all books, as the administrator does
    env.user.company_ids |= reseller.ref_company_ids
    country = env.ref(f"base.{row['dialling']}")
    reseller.telecom_own_profile_id.write(
        {
            **{name: brand[name] for name in ("primary_color", "secondary_color", "font", "note")},
            "report_layout_id": env.ref(f"web.report_layout_{brand['layout']}").id,
            "favicon": picture(brand["logo"]),
            "tagline": brand["tagline"],
            "footer": footer(reseller),
            "portal_domain": brand["portal_domain"],
            "sender": f"{reseller.name} <{reseller.email}>",
            "reply_to": reseller.email,
            "partner_bank_id": add_bank(reseller, brand["bank"]).id,
            "line_detail": row["line_detail"],
            # how its customers dial, wherever it has its office
            "country_id": country.id,
        }
    )
    reseller.write(
        {f"telecom_commission_{kind}": float(row[kind]) for kind in KINDS if row[kind]}
        | {"telecom_commission_method": False if is_distributor else "percent"}
    )


def sell(env, row, since):
    """Let the customers of a reseller pay its prices."""
    reseller = account(env, row["code"])
    card, company = card_of(env, reseller), reseller.telecom_own_profile_id.company_id
    if row["offer_prefix"]:
        card.markup_ids = [
            Command.create(
                {
                    "direction": "outbound",
                    "prefix": row["offer_prefix"],
                    "percent": float(row["offer_percent"]),
                }
            )
        ]
        card._derive(since)
    customers = env["res.partner"].search(
        [("reseller_id", "=", reseller.id), ("is_reseller", "=", False)]
    )
    customers.rate_card_id = card
    customers.with_company(company).property_product_pricelist = env["product.pricelist"].search(
        [("company_id", "=", company.id), ("item_ids.base_pricelist_id.name", "=", "Wholesale")]
    )
