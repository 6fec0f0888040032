from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..engine.calendar import local_day
from .recurrence import INVOICING, KINDS, MAXIMUM_INTERVAL, RECURRENCES
from .subscription_charging import SubscriptionCharger
from .subscription_prices import ServicePrices
from .subscription_spans import SpanRule

# a change of these may change what was charged already, or when the next charge is due
CHARGING_FIELDS = {
    "partner_id",
    "product_id",
    "date_start",
    "date_end",
    "recurrence",
    "recurrence_interval",
    "invoicing",
    "prorate",
    "state",
    "setup_fee",
    "quantity",
    "price_unit",
}


class Subscription(models.Model):
    """A recurring service of an account: a subscription, a package or a phone number."""

    _name = "telecom.subscription"
    _description = "Telecom Service"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "partner_id, date_start, id"
    _rec_name = "name"

    name = fields.Char(
        compute="_compute_name", store=True, readonly=False, required=True, precompute=True
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Account",
        required=True,
        index=True,
        ondelete="restrict",
        domain="[('is_telecom_account', '=', True)]",
        tracking=True,
    )
    company_id = fields.Many2one(related="partner_id.telecom_company_id", store=True)
    product_id = fields.Many2one(
        "product.product",
        required=True,
        ondelete="restrict",
        domain="[('telecom_kind', '!=', False)]",
    )
    kind = fields.Selection(
        KINDS,
        compute="_compute_from_product",
        store=True,
        readonly=False,
        required=True,
        precompute=True,
    )
    quantity = fields.Float(default=1.0, digits="Product Unit", required=True, tracking=True)
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id")
    price_unit = fields.Float(
        string="Price",
        digits="Product Price",
        compute="_compute_price_unit",
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="Price of one unit for one whole recurrence.",
    )
    setup_fee = fields.Float(
        digits="Product Price",
        compute="_compute_setup_fee",
        store=True,
        readonly=False,
        precompute=True,
    )
    recurrence = fields.Selection(
        RECURRENCES,
        compute="_compute_from_product",
        store=True,
        readonly=False,
        required=True,
        precompute=True,
    )
    recurrence_interval = fields.Integer(
        string="Every",
        compute="_compute_from_product",
        store=True,
        readonly=False,
        precompute=True,
    )
    invoicing = fields.Selection(
        INVOICING,
        compute="_compute_from_product",
        store=True,
        readonly=False,
        required=True,
        precompute=True,
    )
    prorate = fields.Boolean(
        string="Prorated",
        compute="_compute_from_product",
        store=True,
        readonly=False,
        precompute=True,
        help="Spans follow the account's billing day; first and last are priced by the day. "
        "Otherwise spans begin on the start date and are charged in full.",
    )
    date_start = fields.Date(
        string="Start", required=True, default=fields.Date.context_today, tracking=True, copy=False
    )
    date_end = fields.Date(
        string="End",
        tracking=True,
        copy=False,
        help="First day without the service. Empty: it goes on.",
    )
    did_id = fields.Many2one(
        "telecom.did",
        string="Phone Number",
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
        copy=False,
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("running", "Running"),
            ("ended", "Ended"),
            ("cancelled", "Cancelled"),
        ],
        default="running",
        required=True,
        tracking=True,
        copy=False,
    )
    charged_until = fields.Date(
        readonly=True, copy=False, help="First day that is not charged yet."
    )
    next_charge_date = fields.Date(
        readonly=True, copy=False, index=True, help="When the next charge is due."
    )
    to_review = fields.Boolean(
        default=True, copy=False, help="Something changed: what was charged is looked at again."
    )
    error = fields.Text(readonly=True, copy=False, help="Why this service could not be charged.")
    failed_on = fields.Datetime(readonly=True, copy=False)
    version_ids = fields.One2many(
        "telecom.subscription.version", "subscription_id", string="Terms", copy=False
    )
    charge_ids = fields.One2many("telecom.charge", "subscription_id", string="Charges")
    charge_count = fields.Integer(compute="_compute_charge_count")
    allowance_ids = fields.One2many("telecom.allowance", "subscription_id", string="Free Units")

    _dates_order = models.Constraint(
        "CHECK (date_end IS NULL OR date_end >= date_start)", "A service ends after it starts."
    )
    _interval_range = models.Constraint(
        "CHECK (recurrence_interval IS NULL"
        f" OR recurrence_interval BETWEEN 1 AND {MAXIMUM_INTERVAL})",
        f"A recurrence is every 1 to {MAXIMUM_INTERVAL} units.",
    )
    _review_idx = models.Index("(id) WHERE to_review")
    _did_once = models.Constraint(
        "EXCLUDE USING gist (int4range(did_id, did_id, '[]') WITH &&,"
        " daterange(date_start, date_end) WITH &&)"
        " WHERE (did_id IS NOT NULL AND state IN ('running', 'ended'))",
        "This phone number is held by another service at that time.",
    )

    # === COMPUTE METHODS ===

    @api.depends("product_id", "did_id")
    def _compute_name(self):
        for service in self:
            parts = [service.product_id.name, service.did_id.number]
            service.name = " ".join(part for part in parts if part)

    @api.depends("product_id")
    def _compute_from_product(self):
        for service in self:
            product = service.product_id
            service.kind = product.telecom_kind or service.kind or "subscription"
            service.recurrence = product.telecom_recurrence or "monthly"
            service.recurrence_interval = product.telecom_recurrence_interval or 1
            service.invoicing = product.telecom_invoicing or "advance"
            service.prorate = product.telecom_prorate

    @api.depends(
        "partner_id.telecom_currency_id", "date_start", "version_ids.currency_id", "version_ids"
    )
    @api.depends_context("company")
    def _compute_currency_id(self):
        """The terms keep their currency when the account's changes, until they are charged."""
        for service in self:
            terms = service.version_ids and service._terms_today()
            moved = service.partner_id._origin != service._origin.partner_id
            service.currency_id = (
                terms.currency_id
                if terms and terms.currency_id and not moved
                else service.partner_id.telecom_currency_id
            )

    @api.depends("product_id", "partner_id")
    def _compute_setup_fee(self):
        prices = ServicePrices(self.env)
        for service in self:
            service.setup_fee = (
                prices.setup_fee(service, service.partner_id, service.date_start)
                if service.product_id and service.partner_id
                else service.product_id.telecom_setup_fee
            )

    @api.depends("product_id", "partner_id")
    def _compute_price_unit(self):
        prices = ServicePrices(self.env)
        for service in self:
            service.price_unit = (
                prices.price(service, service.partner_id, service.date_start)
                if service.product_id and service.partner_id
                else 0.0
            )

    @api.depends("charge_ids")
    def _compute_charge_count(self):
        counts = dict(
            self.env["telecom.charge"]._read_group(
                [("subscription_id", "in", self.ids)], ["subscription_id"], ["__count"]
            )
        )
        for service in self:
            service.charge_count = counts.get(service, 0)

    # === CONSTRAINTS ===

    @api.constrains("kind", "did_id")
    def _check_did(self):
        for service in self:
            if service.did_id and service.kind != "did":
                raise ValidationError(
                    self.env._("%s: only a phone number service holds a number.", service.name)
                )
            if service.did_id.retired and service.state == "running" and not service.date_end:
                raise ValidationError(self.env._("Number %s is retired.", service.did_id.number))

    @api.constrains(
        "partner_id",
        "product_id",
        "date_start",
        "recurrence",
        "recurrence_interval",
        "invoicing",
        "prorate",
    )
    def _check_uncharged(self):
        """What was charged by one rhythm cannot be told by another."""
        # the charger's own writes; a context alone is anybody's
        if self.env.su and self.env.context.get("keep_charged_rhythm"):
            return
        for service in self:
            if service.charged_until:
                raise ValidationError(
                    self.env._(
                        "%s is charged already: end it and start a new one to change its "
                        "account, its product, its start or its rhythm.",
                        service.name,
                    )
                )

    # === CRUD METHODS ===

    @api.model_create_multi
    def create(self, vals_list):
        if any(vals.get("did_id") for vals in vals_list):
            # the database asks whether the number is free: it must know who gave it back
            self.flush_model(["did_id", "date_start", "date_end", "state"])
        services = super().create(vals_list)
        for service in services:
            if not service.version_ids:
                service._set_terms(service.date_start, service.quantity, service.price_unit)
        return services

    def write(self, vals):
        # the same product or account again changes nothing, neither the price that was agreed
        vals = {
            name: value
            for name, value in vals.items()
            if name not in ("partner_id", "product_id") or any(s[name].id != value for s in self)
        }
        if CHARGING_FIELDS & vals.keys():
            vals = {**vals, "to_review": True}
        result = super().write(vals)
        if "date_end" in vals:
            # an end that is put off, or earlier than what is charged, is looked at again
            self.filtered(lambda s: s.state == "ended").state = "running"
        if not self.env.context.get("from_version"):
            self._keep_terms(vals)
        return result

    def copy_data(self, default=None):
        """A copy is a draft that begins today: a person looks at it before it is charged."""
        vals_list = super().copy_data(default)
        default = default or {}
        for service, vals in zip(self, vals_list, strict=True):
            vals.setdefault("state", "draft")
            # computed anew: a number stays where it is, prices may be in another currency by now
            outdated = {"name"} if service.did_id else set()
            if service.currency_id != service.partner_id.telecom_currency_id:
                outdated |= {"price_unit", "setup_fee"}
            for name in outdated - default.keys():
                vals.pop(name, None)
        return vals_list

    @api.ondelete(at_uninstall=False)
    def _unlink_except_charged(self):
        for service in self:
            if service.charge_ids or service.allowance_ids:
                raise UserError(
                    self.env._("%s has charges: end it instead of deleting it.", service.name)
                )

    # === ACTIONS ===

    def action_start(self):
        """Start the drafts among these services."""
        self.filtered(lambda s: s.state == "draft").state = "running"

    def action_end(self):
        """End these services with today, their accounts' today: it is the last day with them.
        Their numbers return to the inventory tomorrow."""
        for service in self.filtered(lambda s: s.state == "running" and not s.date_end):
            today = local_day(fields.Datetime.now(), service.partner_id._account_tz())
            service.date_end = max(today + timedelta(days=1), service.date_start)

    def action_cancel(self):
        """Cancel services that were never charged."""
        for service in self:
            if service.charge_ids:
                raise UserError(
                    self.env._("%s has charges: end it instead of cancelling it.", service.name)
                )
        self.state = "cancelled"

    def action_open_charges(self):
        """Open the charges of this service."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.charge_action")
        action["domain"] = [("subscription_id", "=", self.id)]
        return action

    # === BUSINESS METHODS ===

    @api.model
    def _add_recurring_charges(self, until, partners=None):
        """Charge what is due for services up to a day, at every tier.

        :param until: date; charges that are due on that day or before
        :param partners: accounts to which it is limited; None for all
        :return: number of charges added
        """
        return SubscriptionCharger(self.env).run(until, partners)

    @api.model
    def _cron_add_recurring_charges(self):
        charger = SubscriptionCharger(self.env, retry_after_minutes=50)
        charger.run(None)
        if not charger.finished:
            # the job is called again at once
            return
        # terms of which the day has come
        today = fields.Date.context_today(self)
        recent = self.env["telecom.subscription.version"].search(
            [("date_from", "<=", today), ("date_from", ">", today - timedelta(days=7))]
        )
        for service in recent.subscription_id:
            terms = service._version_on(today)
            if (service.quantity, service.price_unit) != (terms.quantity, terms.price_unit):
                service._apply_version()

    def _span_rule(self):
        self.ensure_one()
        return SpanRule.of(self)
