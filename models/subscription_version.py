from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class SubscriptionVersion(models.Model):
    """The quantity and price of a service from a day on."""

    _name = "telecom.subscription.version"
    _description = "Service Terms"
    _order = "subscription_id, date_from"
    _rec_name = "date_from"

    subscription_id = fields.Many2one(
        "telecom.subscription", required=True, index=True, ondelete="cascade"
    )
    date_from = fields.Date(string="From", required=True, default=fields.Date.context_today)
    quantity = fields.Float(digits="Product Unit", required=True, default=1.0)
    price_unit = fields.Float(string="Price", digits="Product Price", required=True)
    currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_currency_id",
        store=True,
        readonly=False,
        required=True,
        precompute=True,
        help="Of the price. When the account's changes, the price is converted for what is not "
        "charged yet, at the rate of the first day that it is charged for.",
    )

    _day_uniq = models.Constraint(
        "UNIQUE(subscription_id, date_from)", "A service has one set of terms from a given day."
    )

    # === COMPUTE METHODS ===

    @api.depends("subscription_id")
    def _compute_currency_id(self):
        """The currency in which the service shows its price when the terms are typed."""
        for version in self:
            version.currency_id = version.currency_id or version.subscription_id.currency_id

    # === CONSTRAINTS ===

    @api.constrains("date_from")
    def _check_date_from(self):
        for version in self:
            if version.date_from < version.subscription_id.date_start:
                raise ValidationError(
                    self.env._(
                        "%s: terms cannot begin before the service does.",
                        version.subscription_id.name,
                    )
                )

    # === CRUD METHODS ===

    @api.ondelete(at_uninstall=False)
    def _unlink_except_first(self):
        for version in self:
            if version == version.subscription_id.version_ids.sorted("date_from")[:1]:
                raise UserError(
                    self.env._(
                        "%s: the first terms of a service are kept.", version.subscription_id.name
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        versions = super().create(vals_list)
        if not self.env.context.get("from_version"):
            versions.subscription_id._apply_version()
        return versions

    def write(self, vals):
        result = super().write(vals)
        if not self.env.context.get("from_version"):
            self.subscription_id._apply_version()
        return result

    def unlink(self):
        services = self.subscription_id
        result = super().unlink()
        if not self.env.context.get("from_version"):
            services.exists()._apply_version()
        return result
