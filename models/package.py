from odoo import api, fields, models
from odoo.exceptions import ValidationError


class Package(models.Model):
    """An allowance of free units that a product gives for each recurrence span."""

    _name = "telecom.package"
    _description = "Package"
    _order = "sequence, id"

    name = fields.Char(required=True)
    sequence = fields.Integer(default=10, help="Packages of one account are used up in this order.")
    product_id = fields.Many2one(
        "product.product",
        required=True,
        index=True,
        ondelete="cascade",
        domain="[('telecom_kind', '=', 'package')]",
    )
    direction = fields.Selection(
        [("outbound", "Outbound"), ("inbound", "Inbound"), ("both", "Both")],
        required=True,
        default="outbound",
    )
    prefixes = fields.Char(
        help="Prefixes of the numbers it covers, separated by commas, such as 32, 33. "
        "Empty: every number."
    )
    unit = fields.Selection(
        [("seconds", "Seconds"), ("calls", "Calls"), ("unlimited", "Unlimited")],
        required=True,
        default="seconds",
    )
    quantity = fields.Integer(
        string="Free Units", help="Free seconds or calls in each recurrence span."
    )
    increment = fields.Integer(
        default=1,
        required=True,
        help="Used time is rounded up to this many seconds per call; 60 for whole minutes.",
    )
    covers_fee = fields.Boolean(
        string="Covers the Connection Fee",
        default=True,
        help="A call that the package carries, even in part, pays no connection fee.",
    )
    covers_resellers = fields.Boolean(
        default=True,
        help="The same seconds are free for the resellers above the account, "
        "who pay for the package at their own prices.",
    )

    _quantity_positive = models.Constraint(
        "CHECK (quantity >= 0 AND increment BETWEEN 1 AND 86400)",
        "Free units are not negative; the increment is from 1 to 86,400 seconds.",
    )

    @api.constrains("prefixes")
    def _check_prefixes(self):
        for package in self:
            for prefix in (package.prefixes or "").replace(",", " ").split():
                if not prefix.isdecimal():
                    raise ValidationError(
                        self.env._(
                            "Package %(package)s: the prefix %(prefix)s has other characters "
                            "than digits.",
                            package=package.name,
                            prefix=prefix,
                        )
                    )
