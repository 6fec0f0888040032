from decimal import Decimal

from odoo import api, fields, models

from .bulk import BigInteger, BulkMany2one


class Allowance(models.Model):
    """What is used of one package in one recurrence span. Written by rating only."""

    _name = "telecom.allowance"
    _description = "Package Allowance"
    _log_access = False
    _order = "date_from desc, id desc"

    subscription_id = fields.Many2one(
        "telecom.subscription", string="Service", required=True, index=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(related="subscription_id.partner_id")
    package_id = fields.Many2one("telecom.package", required=True, ondelete="restrict")
    unit = fields.Selection(related="package_id.unit")
    date_from = fields.Date(required=True)
    date_to = fields.Date(required=True, help="First day of the next span.")
    used = BigInteger(required=True)
    quantity = fields.Integer(string="Free Units", compute="_compute_quantity")
    remaining = fields.Integer(compute="_compute_quantity")

    _span_uniq = models.UniqueIndex(
        "(subscription_id, package_id, date_from)", "One counter per package and span."
    )

    @api.depends("used", "package_id.quantity", "subscription_id.quantity")
    def _compute_quantity(self):
        for allowance in self:
            # as rating does: 6000 x 1.15 are 6900, where floats say 6899.999...
            units = Decimal(str(allowance.package_id.quantity))
            allowance.quantity = int(units * Decimal(str(allowance.subscription_id.quantity)))
            allowance.remaining = max(0, allowance.quantity - allowance.used)


class AllowanceUse(models.Model):
    """Which call used how much of an allowance. Written by rating only."""

    _name = "telecom.allowance.use"
    _description = "Package Use"
    _log_access = False

    cdr_id = BulkMany2one("telecom.cdr", string="Call", required=True)
    allowance_id = fields.Many2one(
        "telecom.allowance", required=True, index=True, ondelete="cascade"
    )
    units = fields.Integer(required=True)

    _once = models.UniqueIndex("(cdr_id, allowance_id)", "A call uses an allowance once.")
