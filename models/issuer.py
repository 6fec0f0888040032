import hashlib
import json
import re

from odoo import api, fields, models, tools

TEXTS = ("name", "details", "tagline", "footer", "phone", "email", "website")
LOOKS = ("layout_id", "primary_color", "secondary_color", "font")
# layouts whose header has a fixed height: a long address would run into the title below it
SMALL_ADDRESS = {
    "web.external_layout_folder": """
        .o_company_NewId_%(id)s_layout [name="company_address"] {
            font-size: 0.7rem;
            line-height: 1.15;
        }
    """
}
LAYOUT_CLASS = re.compile(r"\bo_company_NewId_(\d+)_layout\b")


class Issuer(models.Model):
    """Who an invoice is from, as it was when the invoice was made. Never changes.

    A billing profile's identity is written here once for each form that it has had; invoices
    refer to it, so that no later change alters what was issued.
    """

    _name = "telecom.issuer"
    _description = "Issuer as Printed"
    _order = "id desc"

    name = fields.Char(required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    profile_id = fields.Many2one(
        "telecom.billing.profile",
        string="Billing Profile",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Whose identity it is; its rules hold for the mails about what was issued.",
    )
    details = fields.Html("Address", readonly=True)
    tagline = fields.Html(readonly=True)
    footer = fields.Html(readonly=True)
    phone = fields.Char(readonly=True)
    email = fields.Char(readonly=True)
    website = fields.Char(readonly=True)
    logo = fields.Image(readonly=True, max_width=1024, max_height=1024)
    layout_id = fields.Many2one("ir.ui.view", readonly=True, ondelete="set null")
    primary_color = fields.Char(readonly=True)
    secondary_color = fields.Char(readonly=True)
    font = fields.Char(readonly=True)
    digest = fields.Char(required=True, readonly=True)

    _digest_uniq = models.Constraint("UNIQUE(digest)", "This identity is here already.")

    @api.model
    def _get(self, values):
        """Return the issuer with these values, made when it is new.

        :param values: dict of `company_id`, `profile_id`, the `TEXTS`, the `LOOKS` and `logo`
            (base64)
        """
        known = [values["company_id"], values["profile_id"]]
        known += [str(values[name] or "") for name in (*TEXTS, *LOOKS)]
        digest = hashlib.sha256(json.dumps(known).encode() + (values["logo"] or b"")).hexdigest()
        issuers = self.sudo()
        return issuers.search([("digest", "=", digest)], limit=1) or issuers.create(
            {**values, "digest": digest}
        )

    # === AS PRINTED ===

    def _as_company(self):
        """Return a company as layouts and mails print it: with this issuer's identity, and nothing
        of the company in whose books it sells.

        It has the issuer's number, and so a class of its own in the layouts' HTML.
        """
        self.ensure_one()
        issuer = self.sudo().with_context(bin_size=False)
        colour = issuer.secondary_color or "#212529"
        return issuer.env["res.company"].new(
            {
                "name": issuer.name,
                "logo": issuer.logo,
                "uses_default_logo": not issuer.logo,
                "phone": issuer.phone,
                "email": issuer.email,
                "website": issuer.website,
                "company_details": issuer.details or issuer.name,
                "report_header": issuer.tagline,
                "report_footer": issuer.footer,
                "external_report_layout_id": issuer.layout_id.id,
                "layout_background": "Blank",
                "primary_color": issuer.primary_color,
                "secondary_color": issuer.secondary_color,
                "font": issuer.font,
                # of a button: its text, and the button
                "email_primary_color": _contrast(colour),
                "email_secondary_color": colour,
            },
            ref=issuer.id,
        )

    def _logo_url(self):
        """Return where mails find the logo, on the issuer's own domain; empty without a logo."""
        issuer = self.sudo()
        if not issuer.logo:
            return False
        base_url = issuer.profile_id.portal_domain or issuer.get_base_url()
        return f"{base_url}/telecom/logo/{issuer.digest}"

    @tools.ormcache("self.id")
    def _css(self):
        """Return the style sheet of this issuer's documents.

        Odoo keeps those of all companies in one file; a new issuer must not have it made again.
        """
        style = self.env["ir.qweb"]._render(
            "web.styles_company_report", {"company_ids": self._as_company()}
        )
        style += SMALL_ADDRESS.get(self.layout_id.key, "") % {"id": self.id}
        return self.env["base.document.layout"]._get_css_for_preview(style, self.id)

    @api.model
    def _css_for(self, html):
        """Return the style sheet of what issuers have printed in this HTML; empty without any."""
        ids = {int(number) for number in LAYOUT_CLASS.findall(html or "")}
        return "\n".join(issuer._css() for issuer in self.sudo().browse(sorted(ids)).exists())


def _contrast(colour):
    """Return black or white, whichever is read better on this colour (#rrggbb)."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    # perceived brightness, as ITU-R BT.601 weighs it
    return "#000000" if (299 * red + 587 * green + 114 * blue) / 1000 > 150 else "#FFFFFF"
