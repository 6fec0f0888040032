from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import email_split, is_html_empty


class BillingProfile(models.Model):
    """In whose name an issuer's invoices are printed and its mails are sent."""

    _inherit = "telecom.billing.profile"

    brand_name = fields.Char(
        help="The name at the head of the invoices. Empty: the reseller's, or the company's."
    )
    logo = fields.Image(
        max_width=1024, max_height=1024, help="Empty: the reseller's, or the company's."
    )
    details = fields.Html(
        "Address",
        translate=True,
        help="Name, address, tax number as they are to be printed. Empty: the reseller's, or the "
        "company's.",
    )
    tagline = fields.Html(translate=True, help="Printed beside the logo.")
    footer = fields.Html(
        translate=True,
        help="Printed at the foot of each page: phone, mail, website, bank. Empty: the "
        "reseller's, or the company's.",
    )
    sender = fields.Char(
        help="The address from which mails are sent, such as ACME Billing "
        "<billing@acme.example>. Empty: a reseller's own; for the company, as the mail template "
        "says."
    )
    reply_to = fields.Char(
        string="Replies To",
        help="Empty: a reseller's own address; for the company, replies come back to the invoice "
        "in Odoo.",
    )
    mail_server_id = fields.Many2one(
        "ir.mail_server",
        string="Outgoing Mail Server",
        groups="base.group_system,telecom_billing.group_manager",
        help="Sends this issuer's mails. Empty: the template's server, else Odoo's choice.",
    )

    @api.constrains("sender", "reply_to")
    def _check_addresses(self):
        for profile in self:
            for name in ("sender", "reply_to"):
                if profile[name] and len(email_split(profile[name])) != 1:
                    raise ValidationError(
                        self.env._(
                            "%(field)s: %(value)s is not one e-mail address.",
                            field=self._fields[name]._description_string(self.env),
                            value=profile[name],
                        )
                    )

    # === BUSINESS METHODS ===

    def _issuer(self, lang):
        """Return the `telecom.issuer` in whose name an invoice of today is, empty where it is the
        company's own, as Odoo prints it.

        What the profile leaves open is the reseller's; of the company above it nothing is shown.

        :param lang: code of the customer's language
        """
        self.ensure_one()
        profile = self.sudo().with_context(lang=lang, bin_size=False)
        own = [profile.brand_name, profile.logo, profile.report_layout_id, profile.font]
        own += [profile.primary_color, profile.secondary_color]
        own += [not is_html_empty(profile[name]) for name in ("details", "tagline", "footer")]
        if not profile.owner_id and not any(own):
            return self.env["telecom.issuer"]
        source = profile.owner_id or profile.company_id.partner_id
        name = profile.brand_name or source.name
        values = {
            "company_id": profile.company_id.id,
            "profile_id": profile.id,
            "name": name,
            "details": profile.details,
            "tagline": profile.tagline,
            "footer": profile.footer,
            "phone": source.phone,
            "email": source.email,
            "website": source.website,
            "logo": profile.logo or source.image_1920,
            **profile._looks(),
        }
        if is_html_empty(values["details"]):
            values["details"] = _lines(
                name,
                *source._display_address(without_company=True).splitlines(),
                source.vat,
            )
        if is_html_empty(values["footer"]):
            values["footer"] = Markup(" ").join(
                part for part in (source.phone, source.email, source.website) if part
            )
        return self.env["telecom.issuer"]._get(values)


def _lines(*lines):
    """Return lines of text as HTML."""
    return Markup("<br/>").join(line for line in lines if line)
