from odoo import models


class MailRenderMixin(models.AbstractModel):
    _inherit = "mail.render.mixin"

    def _render_encapsulate(self, layout_xmlid, html, add_context=None, context_record=None):
        """Show the issuer around mails about what is its own, as in notifications."""
        brand = getattr(context_record, "_telecom_brand", lambda: None)()
        if brand and brand.is_own_name:
            values = self.env["mail.thread"]._telecom_layout_values(brand)
            add_context = {**(add_context or {}), **values}
        return super()._render_encapsulate(
            layout_xmlid, html, add_context=add_context, context_record=context_record
        )
