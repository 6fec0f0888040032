from odoo import models

from .branding import STOCK_TEMPLATES


class MailTemplate(models.Model):
    _inherit = "mail.template"

    def _classify_per_lang(self, res_ids, engine="inline_template"):
        """Write in the issuer's words where Odoo's own template would name the company."""
        result = super()._classify_per_lang(res_ids, engine=engine)
        xml_id = self.get_external_id().get(self.id)
        if xml_id not in STOCK_TEMPLATES:
            return result
        classified = {}
        for lang, (template, ids) in result.items():
            for record in self.env[self.model].browse(ids):
                brand = record._telecom_brand()
                own = brand and brand.template(xml_id)
                used = own.with_env(template.env) if own else template
                classified.setdefault((lang, used.id), (used, []))[1].append(record.id)
        return classified

    def _generate_template(self, res_ids, render_fields, **kwargs):
        """Send mails about what is an issuer's from its address and by its server."""
        results = super()._generate_template(res_ids, render_fields, **kwargs)
        if hasattr(self.env.get(self.model), "_telecom_brand"):
            for record in self.env[self.model].browse(res_ids):
                brand = record._telecom_brand()
                if brand:
                    head = brand.mail_values()
                    results[record.id] |= {
                        name: value for name, value in head.items() if name in render_fields
                    }
        return results
