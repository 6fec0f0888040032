from odoo import api, models

from .failures import warn


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
        """Send a telecom invoice from its issuer's address and by its issuer's server."""
        profile = move.sudo().telecom_profile_id
        if profile.sender:
            kwargs["email_from"] = profile.sender
        if profile.reply_to:
            kwargs["reply_to"] = profile.reply_to
        if profile.mail_server_id and mail_template:
            # the message takes its server from the template
            mail_template = mail_template.new(
                {"mail_server_id": profile.mail_server_id.id}, origin=mail_template
            )
        return super()._send_mail(move, mail_template, **kwargs)

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
