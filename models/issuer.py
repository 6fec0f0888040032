import hashlib
import json

from odoo import api, fields, models

TEXTS = ("name", "details", "tagline", "footer")


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
    details = fields.Html("Address", readonly=True)
    tagline = fields.Html(readonly=True)
    footer = fields.Html(readonly=True)
    logo = fields.Image(readonly=True, max_width=1024, max_height=1024)
    digest = fields.Char(required=True, readonly=True)

    _digest_uniq = models.Constraint("UNIQUE(digest)", "This identity is here already.")

    @api.model
    def _get(self, values):
        """Return the issuer with these values, made when it is new.

        :param values: dict of `company_id`, `name`, `details`, `tagline`, `footer` (texts) and
            `logo` (base64)
        """
        known = [values["company_id"], *(str(values[name] or "") for name in TEXTS)]
        digest = hashlib.sha256(json.dumps(known).encode() + (values["logo"] or b"")).hexdigest()
        issuers = self.sudo()
        return issuers.search([("digest", "=", digest)], limit=1) or issuers.create(
            {**values, "digest": digest}
        )
