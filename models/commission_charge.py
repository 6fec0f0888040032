from odoo import fields, models


class Charge(models.Model):
    """What an agent would pay for a service, as its commission by difference counts it: once."""

    _inherit = "telecom.charge"

    commission_move_id = fields.Many2one(
        "account.move",
        string="Set Off On",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The customer's invoice by which an agent earns the difference to this price.",
    )
