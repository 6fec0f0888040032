from odoo import api, fields, models

from .bulk import BulkMany2one


class CallCharge(models.Model):
    """The price of one call at one tier. Written by rating only."""

    _name = "telecom.call.charge"
    _description = "Call Charge"
    _log_access = False
    _order = "call_date desc, id desc"

    cdr_id = BulkMany2one("telecom.cdr", string="Call", required=True)
    partner_id = BulkMany2one("res.partner", string="Account", required=True)
    tier = fields.Integer(required=True, help="0 is the account that called, 1 its reseller.")
    rate_id = BulkMany2one("telecom.rate")
    destination = fields.Char(required=True)
    billed_seconds = fields.Integer(required=True)
    free_seconds = fields.Integer(required=True)
    amount = fields.Float(digits=(20, 8), min_display_digits=4, required=True)
    currency_id = BulkMany2one("res.currency", required=True)
    call_date = fields.Datetime(required=True)
    period_id = BulkMany2one(
        "telecom.billing.period", string="Billing Period", required=True, index=True
    )
    move_id = fields.Many2one(related="period_id.move_id", string="Invoice")
    src = fields.Char(related="cdr_id.src")
    dst = fields.Char(related="cdr_id.dst")

    _once_per_tier = models.UniqueIndex(
        "(cdr_id, partner_id)", "A call is charged once per account."
    )

    @api.depends("cdr_id", "destination")
    def _compute_display_name(self):
        for charge in self:
            charge.display_name = f"{charge.destination} {charge.dst or ''}".strip()
