from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_amount

from .subscription_prices import ServicePrices


class Subscription(models.Model):
    """A service that is sold under what the reseller is charged for it."""

    _inherit = "telecom.subscription"

    under_cost_warning = fields.Char(
        compute="_compute_under_cost_warning", groups="telecom_billing.group_user"
    )

    # === COMPUTE METHODS ===

    @api.depends("partner_id", "product_id", "price_unit", "quantity", "currency_id")
    def _compute_under_cost_warning(self):
        """Compare the price of a unit with that of the account's reseller, as of today."""
        prices = ServicePrices(self.env)
        for service in self:
            service.under_cost_warning = service._under_cost_warning(prices)

    def _under_cost_warning(self, prices):
        reseller = self.partner_id.reseller_id
        if not reseller or not self.product_id or not self.currency_id:
            return False
        day = max(filter(None, (self.date_start, fields.Date.context_today(self))))
        try:
            cost = prices.price(self, reseller, day)
            currencies = reseller.telecom_currency_id, self.currency_id
            cost = prices.terms_price(self, cost, *currencies, day)
        except UserError:
            # the service says so when it is charged
            return False
        digits = self.env["decimal.precision"].precision_get("Product Price")
        if round(self.price_unit - cost, digits) >= 0:
            return False
        return self.env._(
            "The price of %(price)s is under the %(cost)s that %(reseller)s is charged.",
            price=format_amount(self.env, self.price_unit, self.currency_id),
            cost=format_amount(self.env, cost, self.currency_id),
            reseller=reseller.name,
        )
