from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import email_split


class BillingProfile(models.Model):
    """In whose name an issuer's mails are sent, and by which server."""

    _inherit = "telecom.billing.profile"

    sender = fields.Char(
        help="The address from which invoices are sent, such as ACME Billing "
        "<billing@acme.example>. Empty: as the mail template says."
    )
    reply_to = fields.Char(
        string="Replies To", help="Empty: replies come back to the invoice in Odoo."
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
