from odoo import fields, models

from .recurrence import INVOICING, MAXIMUM_INTERVAL, RECURRENCES


class ProductTemplate(models.Model):
    _inherit = "product.template"

    telecom_kind = fields.Selection(
        [("subscription", "Subscription"), ("package", "Package"), ("did", "Phone Number (DID)")],
        string="Telecom Service",
        help="The product can be assigned to telecom accounts as a recurring service.",
    )
    telecom_setup_fee = fields.Float(
        string="Setup Fee", digits="Product Price", help="Charged once, when the service starts."
    )
    telecom_recurrence = fields.Selection(RECURRENCES, string="Charged", default="monthly")
    telecom_recurrence_interval = fields.Integer(string="Every", default=1)
    telecom_invoicing = fields.Selection(INVOICING, string="Invoiced", default="advance")
    telecom_prorate = fields.Boolean(
        string="Prorated",
        default=True,
        help="Spans follow the account's billing day; first and last are priced by the day.",
    )
    telecom_package_count = fields.Integer(
        compute="_compute_telecom_package_count", groups="telecom_billing.group_user"
    )

    _telecom_recurrence_interval_range = models.Constraint(
        f"CHECK (telecom_recurrence_interval IS NULL"
        f" OR telecom_recurrence_interval BETWEEN 1 AND {MAXIMUM_INTERVAL})",
        f"A recurrence is every 1 to {MAXIMUM_INTERVAL} units.",
    )

    def _compute_telecom_package_count(self):
        for template in self:
            template.telecom_package_count = self.env["telecom.package"].search_count(
                [("product_id", "in", template.product_variant_ids.ids)]
            )

    def action_open_packages(self):
        """Open the allowances of free units that this product gives."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.package_action")
        action["domain"] = [("product_id", "in", self.product_variant_ids.ids)]
        action["context"] = {"default_product_id": self.product_variant_ids[:1].id}
        return action
