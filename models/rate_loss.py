from odoo import fields, models

from .rate import PRICE_DIGITS


class RateLoss(models.Model):
    """Numbers that a reseller sells under the price that it pays for them.

    Found by `telecom.rate.card._check_losses`, which writes them all anew.
    """

    _name = "telecom.rate.loss"
    _description = "Price Under Cost"
    _order = "card_id, percent, prefix, date_from, id"
    _rec_name = "prefix"

    card_id = fields.Many2one(
        "telecom.rate.card", string="Sold By", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company")
    owner_id = fields.Many2one("res.partner", string="Reseller", index=True, ondelete="cascade")
    currency_id = fields.Many2one("res.currency", required=True)
    rate_id = fields.Many2one(
        "telecom.rate",
        required=True,
        index=True,
        ondelete="cascade",
        help="The rate by which the numbers are sold.",
    )
    direction = fields.Selection([("outbound", "Outbound"), ("inbound", "Inbound")], required=True)
    prefix = fields.Char(string="Numbers", help="Leading digits of the numbers concerned.")
    destination = fields.Char(required=True)
    sale_prefix = fields.Char(string="Sold As")
    cost_prefix = fields.Char(string="Bought As")
    cost_destination = fields.Char(string="Bought Destination")
    date_from = fields.Datetime(
        string="From", required=True, help="When it was checked, or the later moment from which."
    )
    sale_short = fields.Float(string="1 min Sold", digits=PRICE_DIGITS, min_display_digits=4)
    cost_short = fields.Float(string="1 min Bought", digits=PRICE_DIGITS, min_display_digits=4)
    difference_short = fields.Float(
        string="1 min Difference", digits=PRICE_DIGITS, min_display_digits=4
    )
    sale_long = fields.Float(string="3 min Sold", digits=PRICE_DIGITS, min_display_digits=4)
    cost_long = fields.Float(string="3 min Bought", digits=PRICE_DIGITS, min_display_digits=4)
    difference_long = fields.Float(
        string="3 min Difference", digits=PRICE_DIGITS, min_display_digits=4
    )
    difference = fields.Float(
        digits=PRICE_DIGITS,
        min_display_digits=4,
        help="The larger one of the two calls.",
    )
    percent = fields.Float(
        string="Difference (%)",
        digits=(12, 2),
        help="The larger one of the two calls, in percent of the price paid.",
    )

    # === ACTIONS ===

    def action_open_rate(self):
        """Open the rate by which the numbers are sold."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "telecom.rate",
            "res_id": self.rate_id.id,
            "view_mode": "form",
        }
