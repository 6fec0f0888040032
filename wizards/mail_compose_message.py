from odoo import models


class MailComposeMessage(models.TransientModel):
    _inherit = "mail.compose.message"

    def _prepare_mail_values(self, res_ids):
        """Send to many from each issuer's own address; single messages are notified of, see
        `mail.thread`."""
        values = super()._prepare_mail_values(res_ids)
        if self.composition_mode == "mass_mail" and hasattr(
            self.env.get(self.model), "_telecom_brand"
        ):
            for record in self.env[self.model].browse(res_ids):
                brand = record._telecom_brand()
                if brand:
                    values[record.id] |= brand.mail_values()
        return values
