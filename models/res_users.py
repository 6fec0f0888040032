from odoo import api, models
from odoo.exceptions import UserError


class ResUsers(models.Model):
    """What customers are mailed about their access to the portal is in their issuer's name."""

    _inherit = "res.users"

    def _telecom_brand(self):
        """Return the `Brand` of a customer's login; None for the company's own people."""
        self.ensure_one()
        if self._is_internal():
            return None
        return self.partner_id._telecom_brand()

    def _action_reset_password(self, signup_type="reset"):
        """Send customers the link in the words of their issuer; Odoo's names the company.

        An invitation is sent by a template, see `mail.template`.
        """
        skipped = {"create_user", "install_mode", "import_file"} & self.env.context.keys()
        branded = self.browse()
        if not any(self.env.context[name] for name in skipped):
            branded = self.filtered(lambda user: user._telecom_in_own_name())
        others = self - branded
        result = super(ResUsers, others)._action_reset_password(signup_type) if others else None
        if not branded:
            return result or super()._action_reset_password(signup_type)
        for user in branded:
            if not user.active:
                raise UserError(self.env._("You cannot perform this action on an archived user."))
            if not user.email:
                raise UserError(
                    self.env._("Cannot send email: user %s has no email address.", user.name)
                )
        branded.partner_id.signup_prepare(signup_type=signup_type)
        template = self.env.ref("telecom_billing.mail_template_password")
        for user in branded:
            template.send_mail(user.id, force_send=True, raise_exception=True)
        return result or {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": self.env._("Notification"),
                "message": self.env._("A reset password link was sent by email"),
                "sticky": False,
            },
        }

    def _telecom_in_own_name(self):
        brand = self._telecom_brand()
        return bool(brand and brand.is_own_name)

    def _notify_security_setting_update(self, subject, content, mail_values=None, **kwargs):
        """Warn customers of changes to their login from their issuer's address."""
        result = None
        for user in self:
            brand = user._telecom_brand()
            values, more = mail_values, {}
            if brand:
                values = {**(mail_values or {}), **brand.mail_values()}
            if brand and brand.is_own_name:
                # Odoo's advice leads to its maker's site
                more["suggest_2fa"] = False
            result = super(ResUsers, user)._notify_security_setting_update(
                subject, content, mail_values=values, **{**kwargs, **more}
            )
        return result

    @api.private
    def get_base_url(self):
        """Return the root of links: that of the issuer whose customer this is."""
        brand = len(self) == 1 and self._telecom_brand()
        return (brand and brand.base_url) or super().get_base_url()
