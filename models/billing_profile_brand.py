import base64
import re

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.image import image_process

ICO = b"\0\0\1\0"
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
# nothing below the root, and no user or query: links are appended
DOMAIN = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(:\d{1,5})?|http://localhost(:\d{1,5})?")


class BillingProfile(models.Model):
    """How an issuer's documents, mails and portal look, and in what words it writes."""

    _inherit = "telecom.billing.profile"

    report_layout_id = fields.Many2one("report.layout", help="Empty: the company's.")
    primary_color = fields.Char(help="Of titles and totals. Empty: the company's.")
    secondary_color = fields.Char(help="Of labels, lines and buttons. Empty: the company's.")
    font = fields.Selection(
        selection=lambda self: self.env["res.company"]._fields["font"].selection,
        help="Empty: the company's.",
    )
    favicon = fields.Binary(
        help="The icon of the browser's tab in the portal; a square picture.", attachment=True
    )
    portal_domain = fields.Char(
        copy=False,
        help="Where the customers of this issuer find the portal, such as "
        "https://portal.acme.example. Links in mails and reminders begin with it; the name must "
        "lead to this server. Empty: the server's own address.",
    )
    refund_template_id = fields.Many2one(
        "mail.template",
        string="Credit Note Mail",
        domain="[('model', '=', 'account.move')]",
        help="Empty: Odoo's own, in the issuer's name.",
    )
    receipt_template_id = fields.Many2one(
        "mail.template",
        string="Receipt Mail",
        domain="[('model', '=', 'account.payment')]",
        help="Sent for Odoo's payment receipt. Empty: Odoo's own, in the issuer's name.",
    )
    invitation_template_id = fields.Many2one(
        "mail.template",
        string="Portal Invitation",
        domain="[('model', '=', 'res.users')]",
        help="Sent for Odoo's portal invitation. Empty: Odoo's own, in the issuer's name.",
    )

    _portal_domain_uniq = models.UniqueIndex(
        "(portal_domain) WHERE portal_domain IS NOT NULL AND active",
        "Another billing profile has this portal domain.",
    )

    # === CONSTRAINTS ===

    @api.constrains("primary_color", "secondary_color")
    def _check_colours(self):
        for profile in self:
            for colour in (profile.primary_color, profile.secondary_color):
                if colour and not COLOUR.fullmatch(colour):
                    raise ValidationError(self.env._("%s is not a colour such as #1F77B4.", colour))

    @api.constrains("portal_domain")
    def _check_portal_domain(self):
        for profile in self:
            if profile.portal_domain and not DOMAIN.fullmatch(profile.portal_domain):
                raise ValidationError(
                    self.env._(
                        "%s is not the address of a portal, such as https://portal.acme.example.",
                        profile.portal_domain,
                    )
                )

    # === CRUD METHODS ===

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._cleaned_brand(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._cleaned_brand(vals))

    # === ACTIONS ===

    def action_preview_document(self):
        """Print a sample of this issuer's documents."""
        self.ensure_one()
        report = self.env.ref("telecom_billing.issuer_preview_report")
        return report.report_action(self, config=False)

    # === BUSINESS METHODS ===

    @api.model
    def _cleaned_brand(self, vals):
        """Return the values with the icon made anew, whatever file it came from, and the domain
        as it is compared."""
        cleaned = dict(vals)
        if cleaned.get("favicon"):
            cleaned["favicon"] = self._icon(cleaned["favicon"])
        if cleaned.get("portal_domain"):
            cleaned["portal_domain"] = cleaned["portal_domain"].strip().rstrip("/").lower()
        return cleaned

    @api.model
    def _icon(self, picture):
        """Return a picture (base64) as an ICO file (base64).

        :raises UserError: when it is none, or one of lines such as SVG, which may hold scripts
        """
        try:
            icon = base64.b64decode(picture)
            icon = image_process(icon, size=(256, 256), crop="center", output_format="ICO")
        except (UserError, ValueError, OSError):
            icon = b""
        if not icon.startswith(ICO):
            raise UserError(self.env._("The icon is not a picture that can be read."))
        return base64.b64encode(icon)

    def _preview_company(self):
        """Return the company as a sample prints it.

        :raises AccessError: to whoever may not read the profile; reports run for any login
        """
        self.ensure_one()
        self.check_access("read")
        issuer = self._issuer(self.env.lang)
        return issuer._as_company() if issuer else self.company_id.sudo()

    def _looks(self):
        """Return how this issuer prints now; what is left open is the company's."""
        self.ensure_one()
        company = self.company_id
        return {
            "layout_id": (self.report_layout_id.view_id or company.external_report_layout_id).id,
            **{
                name: self[name] or company[name]
                for name in ("primary_color", "secondary_color", "font")
            },
        }
