from odoo import api, fields, models

from .rate import PRICE_DIGITS, clean_prefix


class RateMarkup(models.Model):
    """What is added to the parent's prices for the numbers that start with a prefix."""

    _name = "telecom.rate.markup"
    _description = "Mark-up of a Prefix"
    _inherit = ["telecom.clean.values"]
    _order = "card_id, prefix, direction, id"
    _rec_name = "prefix"

    card_id = fields.Many2one(
        "telecom.rate.card", string="Rate Card", required=True, index=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="card_id.currency_id")
    prefix = fields.Char(
        required=True,
        default="",
        help="Rates whose prefix starts with these digits; the longest one counts. "
        "Empty: every rate.",
    )
    direction = fields.Selection(
        [("outbound", "Outbound"), ("inbound", "Inbound")], help="Empty: both directions."
    )
    percent = fields.Float(
        string="Mark-up (%)",
        digits=(9, 4),
        min_display_digits=2,
        required=True,
        default=0.0,
        help="Added to prices per minute and connection fees.",
    )
    fixed_amount = fields.Float(
        string="Plus per Minute",
        digits=PRICE_DIGITS,
        min_display_digits=4,
        default=0.0,
        help="Added to the price per minute after the percentage, in the currency of this card.",
    )

    _prefix_uniq = models.UniqueIndex(
        "(card_id, prefix, COALESCE(direction, ''))", "A prefix has one mark-up per direction."
    )
    _prefix_digits = models.Constraint(
        "CHECK (prefix ~ '^[0-9]*$' AND length(prefix) <= 15)",
        "A prefix has digits only, fifteen at most.",
    )
    _percent_range = models.Constraint(
        "CHECK (percent > -100 AND percent <= 10000)",
        "A mark-up is above -100 % and at most 10,000 %.",
    )
    _fixed_amount_range = models.Constraint(
        "CHECK (fixed_amount >= 0 AND fixed_amount < 1000000)",
        "The amount per minute is from 0 to below 1,000,000.",
    )

    @api.model
    def _clean(self, vals):
        """Write prefixes as those of rates are written."""
        if "prefix" in vals:
            vals["prefix"] = clean_prefix(self.env, vals["prefix"])
        return vals
