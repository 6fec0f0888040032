from odoo import api, models


class MailThread(models.AbstractModel):
    """Mails about a document or an account of an issuer are in the issuer's name.

    Whatever has no `_telecom_brand` is mailed as Odoo does it.
    """

    _inherit = "mail.thread"

    # === WHAT TEXTS SAY ===

    def _telecom_brand(self):
        """Return the `Brand` in whose name this is sent; None for the company as Odoo has it."""
        return

    @api.private
    def telecom_issuer(self):
        """Return what mail templates say of whom a mail is from.

        :return: dict with `name`, `phone`, `email`, `website`, the address of the logo
            (`logo_url`), the colours of a button (`button`, `button_text`) and the root of links
            (`base_url`)
        """
        self.ensure_one()
        # the models that have brands override it
        brand = self._telecom_brand()  # pylint: disable=assignment-from-none
        company = brand and brand.company
        company = company or ("company_id" in self and self.company_id.sudo()) or self.env.company
        return {
            "name": company.name,
            "phone": company.phone,
            "email": company.email,
            "website": company.website,
            "logo_url": brand and brand.issuer and brand.issuer._logo_url(),
            "button": company.email_secondary_color or "#875A7B",
            "button_text": company.email_primary_color or "#FFFFFF",
            "base_url": self.get_base_url(),
        }

    # === NOTIFICATIONS ===

    def _notify_by_email_prepare_rendering_context(self, message, msg_vals=False, **kwargs):
        """Show the issuer around the text, and no signature of the company's people."""
        values = super()._notify_by_email_prepare_rendering_context(message, msg_vals, **kwargs)
        brand = len(self) == 1 and self._telecom_brand()
        if brand and brand.is_own_name:
            values |= self._telecom_layout_values(brand)
            values |= {
                "email_add_signature": False,
                "signature": "",
                # Odoo has it where one of the company's people is the author
                "email_notification_force_footer": values["email_notification_allow_footer"],
            }
        return values

    @api.model
    def _telecom_layout_values(self, brand):
        """Return what mail layouts show of an issuer."""
        company = brand.company
        return {
            "company": company,
            "website_url": company.website,
            "telecom_issuer": brand.issuer,
            "telecom_logo_url": brand.issuer._logo_url(),
        }

    def _notify_by_email_get_base_mail_values(
        self, message, recipients_data, additional_values=None
    ):
        """Send what customers get from the issuer's address and by its server."""
        values = super()._notify_by_email_get_base_mail_values(
            message, recipients_data, additional_values=additional_values
        )
        brand = len(self) == 1 and self._telecom_brand()
        if brand and any(each["share"] for each in recipients_data):
            values |= brand.mail_values()
        return values

    def _notify_by_email_get_headers(self, headers=None):
        """Say in an issuer's mails nothing of the program that sends them."""
        headers = super()._notify_by_email_get_headers(headers=headers)
        brand = len(self) == 1 and self._telecom_brand()
        if brand and brand.is_own_name:
            headers.pop("X-Odoo-Objects", None)
        return headers

    def _notify_get_reply_to_batch(self, defaults=None, author_ids=None):
        result = super()._notify_get_reply_to_batch(defaults=defaults, author_ids=author_ids)
        for record in self:
            brand = record.id and record._telecom_brand()
            if brand and brand.reply_to:
                result[record.id] = brand.reply_to
        return result

    def _notify_get_recipients_classify(self, message, recipients_data, *args, **kwargs):
        """Let links of the company's own people stay where they are logged in."""
        groups = super()._notify_get_recipients_classify(message, recipients_data, *args, **kwargs)
        brand = len(self) == 1 and self._telecom_brand()
        if brand and brand.base_url:
            server = self.browse().get_base_url()
            for group in groups:
                button = group.get("button_access")
                if group.get("notification_group_name") == "user" and button:
                    url = button["url"].removeprefix(brand.base_url)
                    group["button_access"] = {**button, "url": server + url}
        return groups
