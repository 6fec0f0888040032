from decimal import ROUND_HALF_UP, Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine.calendar import local_day, midnight_utc
from .charge import OF_INVOICES
from .subscription_prices import ServicePrices


class Charge(models.Model):
    """What a person charges or credits by hand: a product gives text and price."""

    _inherit = "telecom.charge"

    billed_with = fields.Char(
        string="Goes On",
        compute="_compute_billed_with",
        help="The billing period on whose invoice it would be.",
    )

    # === COMPUTE METHODS ===

    @api.depends("partner_id", "date", "period_id")
    def _compute_billed_with(self):
        """Say it before the charge is made, by the rule by which its period is found then."""
        for charge in self:
            period = charge.period_id or charge._period_to_be()
            if not charge.partner_id or not charge.date:
                charge.billed_with = False
            elif period:
                charge.billed_with = self.env._("the invoice of %s", period._span_text())
            else:
                charge.billed_with = self.env._("the invoice of the billing period of its date")

    @api.onchange("partner_id")
    def _onchange_account_day(self):
        """Propose the day that it is where the account is."""
        if self.partner_id and not self._origin:
            self.date = local_day(fields.Datetime.now(), self.partner_id._account_tz())

    @api.onchange("product_id", "partner_id")
    def _onchange_product(self):
        """Take text and price of the product, in the account's language and currency."""
        product, account = self.product_id, self.partner_id
        if not product or not account or self.subscription_id:
            return None
        name = product.with_context(lang=account.lang).name
        try:
            price = ServicePrices(self.env).product_price(
                product, self.quantity or 1.0, account, self.date
            )
        except UserError as error:
            # without an exchange rate the price is for the person to say
            self.name = name
            return {"warning": {"title": self.env._("No price"), "message": str(error.args[0])}}
        self.update({"name": name, "price_unit": price})
        return None

    @api.onchange("quantity", "price_unit")
    def _onchange_price(self):
        if self.price_unit and not self.subscription_id:
            self.amount = self._priced_amount()

    @api.onchange("amount")
    def _onchange_amount(self):
        """Whoever types another amount has said another price; one of no unit is of one."""
        if self.subscription_id or not self.price_unit or self.amount == self._priced_amount():
            return
        self.price_unit = self.amount / self.quantity if self.quantity else self.amount

    # === ACTIONS ===

    def action_invoice_now(self):
        """Invoice these charges at once, each account's on an invoice of its own."""
        self.check_access("write")
        run = self.env["telecom.billing.run"]
        run.check_access("create")
        run = self.env["telecom.billing.period"]._invoice_charges(self)
        return run.get_formview_action()

    # === BUSINESS METHODS ===

    def _check_to_invoice(self):
        """Refuse what is on no invoice of its own account, or follows one.

        :raises UserError: with the name of the charge
        """
        if not self:
            raise UserError(self.env._("Choose charges to invoice."))
        invoiced = self.filtered_domain(self.env["account.move"]._telecom_invoiced_domain())
        for charge in self:
            if charge.charge_type in OF_INVOICES or charge not in invoiced:
                raise UserError(self.env._("%s is not invoiced by itself.", charge.name))

    def _priced_amount(self):
        """Return quantity times price, rounded to the currency."""
        exact = Decimal(str(self.quantity)) * Decimal(str(self.price_unit))
        if not self.currency_id:
            return float(exact)
        step = Decimal(str(self.currency_id.rounding))
        return float((exact / step).quantize(Decimal(1), ROUND_HALF_UP) * step)

    def _period_to_be(self):
        """Return the open period in which this charge would be made; none: one yet to come."""
        account = self.partner_id._origin
        periods = self.env["telecom.billing.period"]
        if not account or not self.date:
            return periods
        moment = midnight_utc(self.date, account._account_tz())
        opened = periods.search(
            [("partner_id", "=", account.id), ("state", "=", "open"), ("is_late", "=", False)],
            order="start",
        )
        around = opened.filtered(lambda p: p.start <= moment < p.stop)
        if around or not opened or moment >= opened[-1].stop:
            return around
        return opened[:1]
