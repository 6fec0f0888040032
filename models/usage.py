from odoo import fields, models

from .bulk import BigInteger, BulkMany2one


class Usage(models.Model):
    """Sums of call charges, appended by every rating batch and never updated.

    Invoices, balances and previews add these rows up instead of the calls behind them.
    """

    _name = "telecom.usage"
    _description = "Usage"
    _log_access = False
    _order = "day, id"

    period_id = BulkMany2one("telecom.billing.period", required=True, index=True)
    partner_id = BulkMany2one("res.partner", string="Account", required=True)
    customer_id = BulkMany2one("res.partner", required=True, help="The account that called.")
    tier = fields.Integer(required=True)
    seller_id = BulkMany2one(
        "res.partner", help="The reseller that sold it to the account; empty: the provider."
    )
    resold_to_id = BulkMany2one(
        "res.partner", help="The account to which a reseller resold it; see `sellers`."
    )
    day = fields.Date(required=True)
    direction = fields.Selection([("outbound", "Outbound"), ("inbound", "Inbound")])
    destination = fields.Char(required=True)
    resold_as = fields.Char(help="The destination by the rate at which it was resold.")
    calls = fields.Integer(required=True)
    seconds = BigInteger(required=True, help="Billed seconds.")
    free_seconds = BigInteger(required=True)
    amount = fields.Float(digits=(20, 8), required=True)
    currency_id = BulkMany2one("res.currency", required=True)

    _day_idx = models.Index("(day)")
