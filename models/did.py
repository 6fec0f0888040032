from odoo import api, fields, models
from odoo.exceptions import UserError


class Did(models.Model):
    """A phone number in the inventory; held by one service at a time."""

    _name = "telecom.did"
    _description = "Phone Number (DID)"
    _inherit = ["telecom.clean.values", "mail.thread"]
    _rec_name = "number"
    _order = "number"

    number = fields.Char(required=True, help="In international form, digits only: 3227880100.")
    country_id = fields.Many2one("res.country")
    company_id = fields.Many2one("res.company", default=lambda self: self.env.company)
    retired = fields.Boolean(help="Not to be given out any more.", tracking=True)
    subscription_id = fields.Many2one(
        "telecom.subscription",
        string="Service",
        compute="_compute_subscription_id",
        search="_search_subscription_id",
        help="The service that holds the number today.",
    )
    partner_id = fields.Many2one(related="subscription_id.partner_id", string="Account")
    subscription_ids = fields.One2many("telecom.subscription", "did_id", string="History")
    state = fields.Selection(
        [("available", "Available"), ("assigned", "Assigned"), ("retired", "Retired")],
        compute="_compute_subscription_id",
        search="_search_state",
    )
    product_id = fields.Many2one(
        "product.product",
        domain="[('telecom_kind', '=', 'did')]",
        help="The product with which this number is rented out.",
    )

    _number_uniq = models.Constraint("UNIQUE(number)", "This number is in the inventory already.")
    _number_digits = models.Constraint(
        "CHECK (number ~ '^[0-9]{3,15}$')",
        "A phone number has 3 to 15 digits, in international form without +.",
    )

    # === COMPUTE METHODS ===

    @api.depends(
        "retired",
        "subscription_ids.state",
        "subscription_ids.date_start",
        "subscription_ids.date_end",
    )
    def _compute_subscription_id(self):
        today = fields.Date.context_today(self)
        for did in self:
            holder = did.sudo().subscription_ids.filtered(
                lambda s: s.state in ("running", "ended") and (not s.date_end or s.date_end > today)
            )
            # one that starts later reserves the number already
            did.subscription_id = holder.sorted("date_start")[:1]
            did.state = "assigned" if holder else "retired" if did.retired else "available"

    def _held_domain(self):
        today = fields.Date.context_today(self)
        return [
            (
                "subscription_ids",
                "any",
                [
                    ("state", "in", ("running", "ended")),
                    "|",
                    ("date_end", "=", False),
                    ("date_end", ">", today),
                ],
            )
        ]

    def _search_subscription_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        today = fields.Date.context_today(self)
        if set(value) == {False}:
            return ["!", *self._held_domain()]
        return [
            (
                "subscription_ids",
                "any",
                [
                    ("id", "in", [v for v in value if v]),
                    ("state", "in", ("running", "ended")),
                    "|",
                    ("date_end", "=", False),
                    ("date_end", ">", today),
                ],
            )
        ]

    def _search_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        held = fields.Domain(self._held_domain())
        domains = {
            "assigned": held,
            "retired": ~held & fields.Domain("retired", "=", True),
            "available": ~held & fields.Domain("retired", "=", False),
        }
        return fields.Domain.OR(domains[state] for state in value if state in domains)

    # === CRUD METHODS ===

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        for did in self:
            if did.sudo().subscription_ids:
                raise UserError(
                    self.env._(
                        "Number %s has been rented out: retire it instead of deleting it.",
                        did.number,
                    )
                )

    @api.model
    def _clean(self, vals):
        if vals.get("number"):
            digits = "".join(c for c in vals["number"] if c not in " .-/()\u00a0")
            if digits.startswith("+"):
                digits = digits[1:]
            elif digits.startswith("00"):
                digits = digits[2:]
            vals["number"] = digits
        return vals
