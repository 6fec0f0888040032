from odoo import api, models

from .failures import warn
from .invoice_calls_file import InvoiceCallsFile


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    @api.model
    def _hook_if_success(self, moves_data, from_cron=False):
        """Say so where Odoo's job had nobody to send a telecom invoice to; it would keep silent."""
        result = super()._hook_if_success(moves_data, from_cron=from_cron)
        for move, data in moves_data.items():
            if not move.sudo().telecom_profile_id or "email" not in data["sending_methods"]:
                continue
            if data.get("mail_partner_ids"):
                move.sudo().activity_unlink(["mail.mail_activity_data_warning"])
            elif from_cron:
                self._telecom_say_unsent(move.sudo())
        return result

    @api.model
    def _send_mail(self, move, mail_template, **kwargs):
        """Send a telecom invoice in its issuer's name, see also `mail.thread`."""
        brand = move._telecom_brand()
        if brand and brand.sender:
            kwargs["email_from"] = brand.sender
        if brand and brand.author:
            kwargs["author_id"] = brand.author.id
        return super()._send_mail(move, mail_template, **kwargs)

    # === TO WHOM ===

    @api.model
    def _get_default_mail_partner_ids(self, move, mail_template, mail_lang):
        """Send a telecom invoice to the billing contacts of its account."""
        partners = super()._get_default_mail_partner_ids(move, mail_template, mail_lang)
        contacts = move._telecom_contacts()
        if contacts and contacts != move.partner_id:
            partners = (partners - move.partner_id) | contacts
        return partners

    # === WITH WHAT ===

    @api.model
    def _get_placeholder_mail_attachments_data(self, move, **kwargs):
        """Show the file of calls that will be made when the invoice is sent."""
        data = super()._get_placeholder_mail_attachments_data(move, **kwargs)
        if move._telecom_mails_calls() and not move.sudo().telecom_calls_file_id:
            name = InvoiceCallsFile(move).file_name()
            data.append(
                {
                    "id": f"placeholder_{name}",
                    "name": name,
                    "mimetype": "text/csv",
                    "placeholder": True,
                }
            )
        return data

    @api.model
    def _link_invoice_documents(self, invoices_data):
        """Make the file of calls together with the PDF."""
        result = super()._link_invoice_documents(invoices_data)
        for move in invoices_data:
            if move._telecom_mails_calls():
                move._telecom_ensure_calls_file()
        return result

    @api.model
    def _get_invoice_extra_attachments(self, move):
        attachments = super()._get_invoice_extra_attachments(move)
        if move._telecom_mails_calls():
            attachments += move.sudo().telecom_calls_file_id
        return attachments

    # === FAILURES ===

    @api.model
    def _telecom_say_unsent(self, move):
        message = self.env._(
            "Not sent: %s has no e-mail address. Add one and press Send.",
            move.partner_id.display_name,
        )
        move.message_post(body=message)
        if not move.activity_search(["mail.mail_activity_data_warning"]):
            about = move.telecom_period_ids[:1]
            warn(move, message, self.env._("Invoice not sent"), about)
