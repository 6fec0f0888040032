from odoo import models


class IrQweb(models.AbstractModel):
    """Portal pages are in the name of whoever invoices their visitor, or issued what they show."""

    _inherit = "ir.qweb"

    def _prepare_frontend_environment(self, values):
        qweb = super()._prepare_frontend_environment(values)
        brand = self._telecom_page_brand(values)
        if brand and brand.is_own_name:
            values["res_company"] = brand.company
            values["telecom_issuer"] = brand.issuer
        return qweb

    def _telecom_page_brand(self, values):
        """Return the `Brand` of a page: that of the document, for visitors without a login, else
        that of the customer who looks at it; None for the company itself."""
        document = values.get("object")
        if isinstance(document, models.BaseModel) and hasattr(document, "_telecom_brand"):
            brand = len(document) == 1 and document._telecom_brand()
            if brand:
                return brand
        user = self.env.user
        return user.partner_id._telecom_brand() if user._is_portal() else None
