from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine.calendar import midnight_utc
from .account_chain import AccountChain
from .period_book import open_periods
from .sellers import charge_sides

# Made so that charges agree with an invoice, and made anew with it: they follow the invoice.
OF_INVOICES = ("rounding", "change")
# What a charge is, and where: it stays once its period is closed.
KEPT_FIELDS = frozenset(
    {
        "amount",
        "charge_type",
        "currency_id",
        "customer_id",
        "date",
        "date_from",
        "date_to",
        "is_credit",
        "partner_id",
        "period_id",
        "price_unit",
        "quantity",
        "resold_to_id",
        "revision",
        "seller_id",
        "span_from",
        "subscription_id",
        "tier",
        "whole_from",
        "whole_to",
    }
)


class Charge(models.Model):
    """One amount that one account owes for something else than a call."""

    _name = "telecom.charge"
    _description = "Charge"
    _order = "date desc, id desc"

    name = fields.Char(string="Description", required=True)
    partner_id = fields.Many2one(
        "res.partner", string="Account", required=True, index=True, ondelete="restrict"
    )
    customer_id = fields.Many2one(
        "res.partner", ondelete="restrict", help="The account that has the service."
    )
    company_id = fields.Many2one(
        related="period_id.company_id", store=True, required=True, precompute=True, index=True
    )
    charge_type = fields.Selection(
        [
            ("subscription", "Subscription"),
            ("package", "Package"),
            ("did", "Phone Number"),
            ("setup", "Setup Fee"),
            ("adjustment", "Adjustment"),
            ("commission", "Commission"),
            ("rounding", "Rounding"),
            ("change", "Changed on the Invoice"),
        ],
        required=True,
        default="adjustment",
    )
    date = fields.Date(
        required=True, index=True, default=fields.Date.context_today, help="When it is due."
    )
    date_from = fields.Date(help="First day it covers.")
    date_to = fields.Date(string="Until", help="First day it does not cover.")
    quantity = fields.Float(default=1.0, digits="Product Unit")
    price_unit = fields.Float(
        digits=(20, 8),
        min_display_digits=2,
        help="Price of one unit for the whole span that this is a part of.",
    )
    amount = fields.Float(digits=(20, 8), min_display_digits=2, required=True)
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        compute="_compute_currency_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    product_id = fields.Many2one("product.product", ondelete="restrict")
    seller_id = fields.Many2one(
        "res.partner",
        readonly=True,
        ondelete="restrict",
        help="The reseller that sold it to the account; empty: the provider.",
    )
    resold_to_id = fields.Many2one(
        "res.partner",
        readonly=True,
        ondelete="restrict",
        help="The account to which a reseller resold it.",
    )
    subscription_id = fields.Many2one(
        "telecom.subscription", string="Service", index="btree_not_null", ondelete="restrict"
    )
    span_from = fields.Date(help="First day of the service's span that this is a part of.")
    whole_from = fields.Date(help="First day of the whole span by whose days the part is priced.")
    whole_to = fields.Date(help="First day after that whole span.")
    revision = fields.Integer(
        default=0, help="Counts the changes of a span that was charged already."
    )
    is_credit = fields.Boolean(help="Takes back what a change made undue.")
    tier = fields.Integer(default=0, help="0 is the account itself, 1 its reseller.")
    period_id = fields.Many2one(
        "telecom.billing.period",
        string="Billing Period",
        required=True,
        index=True,
        ondelete="restrict",
    )
    period_state = fields.Selection(related="period_id.state")
    move_id = fields.Many2one(related="period_id.move_id", string="Invoice")

    _once_per_span = models.UniqueIndex(
        "(subscription_id, partner_id, charge_type, date_from, revision, is_credit)"
        " WHERE subscription_id IS NOT NULL",
        "A span of a service is charged once per account.",
    )
    _rounding_once = models.UniqueIndex(
        "(period_id, currency_id) WHERE charge_type = 'rounding'",
        "A period is rounded once per currency.",
    )

    # === COMPUTE METHODS ===

    @api.depends("partner_id")
    def _compute_currency_id(self):
        for charge in self:
            charge.currency_id = charge.partner_id.telecom_currency_id

    # === CRUD METHODS ===

    @api.model_create_multi
    def create(self, vals_list):
        """Find the billing period of charges that come without one."""
        self.check_access("create")
        self._complete(vals_list)
        self._add_sellers(vals_list)
        charges = super().create(vals_list)
        if not self.env.su:
            charges._check_by_hand()
        charges.filtered(lambda c: c.charge_type not in OF_INVOICES)._check_open()
        return charges

    def write(self, vals):
        """Keep what is in a closed period; a charge of another day or account is in another."""
        self.check_access("write")
        vals = {name: value for name, value in vals.items() if name != "company_id"}
        kept = KEPT_FIELDS & vals.keys()
        # what a person takes off a draft invoice leaves its period, by the system's hand
        if kept and not (self.env.su and kept == {"period_id"}):
            if not self.env.su:
                self._check_by_hand()
            self._check_open()
        result = super().write(vals)
        if {"partner_id", "date"} & kept and "period_id" not in kept:
            for charge in self:
                values = {"partner_id": charge.partner_id.id, "date": charge.date}
                self._add_sellers([values])
                values = {"period_id": charge._period_now(), "seller_id": values["seller_id"]}
                super(Charge, charge).write(values)
        if kept and not self.env.su:
            self._check_by_hand()
            self._check_open()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        if not self.env.su:
            self._check_by_hand()
        charges = self.filtered(lambda c: c.charge_type not in OF_INVOICES)
        for charge in charges.filtered("subscription_id"):
            # the service has it down as charged: its days would never be charged again
            raise UserError(
                self.env._(
                    "%s is charged by a service and kept. To take it back add a credit: an "
                    "adjustment with a negative amount.",
                    charge.name,
                )
            )
        charges._check_open()

    # === CHECKS ===

    def _check_by_hand(self):
        """People make, change and delete what they add themselves: adjustments and the like."""
        for charge in self:
            if charge.subscription_id or charge.charge_type in OF_INVOICES:
                raise UserError(
                    self.env._(
                        "%s is charged by a service, or follows an invoice: it is kept as it is. "
                        "Add an adjustment, with a negative amount for a credit.",
                        charge.name,
                    )
                )

    def _check_open(self):
        """Check that the charges are in open periods of their accounts, which stay open until
        this transaction ends: closing them waits for it."""
        if not self:
            return
        self.flush_recordset(["partner_id", "period_id"])
        self.env["telecom.billing.period"].flush_model(["partner_id", "state"])
        self.env.cr.execute(
            "SELECT id, partner_id FROM telecom_billing_period"
            " WHERE id = ANY(%s) AND state = 'open' ORDER BY id FOR SHARE",
            [self.sudo().period_id.ids],
        )
        accounts = dict(self.env.cr.fetchall())
        for charge in self:
            account = accounts.get(charge.period_id.id)
            if not account:
                raise UserError(
                    self.env._(
                        "%s is in a closed billing period: it is kept as it is. Add an "
                        "adjustment to correct it.",
                        charge.name,
                    )
                )
            if account != charge.partner_id.id:
                raise UserError(
                    self.env._("%s: this is a billing period of another account.", charge.name)
                )

    # === BUSINESS METHODS ===

    @api.model
    def _complete(self, vals_list):
        """Set the period, and with it the company: the one that contains the charge's day.

        For a service it is the first that ends on the day its charge is due, or later, so that
        what is invoiced in advance is on the invoice of the day it begins. Where the account moved
        to another issuer, `sold_on` is the day on which it was sold, if it is not the charge's.
        """
        partners = self.env["res.partner"].sudo()
        moments, bounds, sold = {}, {}, {}
        for index, vals in enumerate(vals_list):
            # that of the period
            vals.pop("company_id", None)
            sold_on = vals.pop("sold_on", None)
            if vals.get("period_id"):
                continue
            partner = partners.browse(vals["partner_id"])
            day = fields.Date.to_date(vals.get("date") or fields.Date.context_today(self))
            vals["date"] = day
            tz = partner._account_tz()
            moment = str(midnight_utc(day, tz))
            # what is due at its end is of the period in which it ran, though nothing else is
            begin = fields.Date.to_date(vals.get("date_from")) or day
            begin = str(midnight_utc(min(begin, day), tz))
            first, last = bounds.get(partner.id, (begin, moment))
            bounds[partner.id] = (min(first, begin), max(last, moment))
            due = str(midnight_utc(sold_on, tz)) if sold_on else moment
            first, last = sold.get(partner.id, (due, due))
            sold[partner.id] = (min(first, due), max(last, due))
            if vals.get("subscription_id"):
                moment = str(midnight_utc(day - timedelta(days=1), tz))
            moments[index] = moment, due
        if not bounds:
            return
        books = open_periods(self.sudo().env, bounds, sold)
        for index, (moment, due) in moments.items():
            vals = vals_list[index]
            vals["period_id"] = books[vals["partner_id"]].find(moment, due)

    @api.model
    def _add_sellers(self, vals_list):
        """Keep who sold it on its day: a customer may be moved to another reseller later.

        What services charge says it itself.
        """
        unknown = [v for v in vals_list if "seller_id" not in v and v.get("partner_id")]
        if unknown:
            accounts = self.env["res.partner"].browse({vals["partner_id"] for vals in unknown})
            chain = AccountChain(self.env)
            chain.load(accounts)
            for vals in unknown:
                account = accounts.browse(vals["partner_id"]).with_prefetch(accounts.ids)
                day = fields.Date.to_date(vals.get("date") or fields.Date.context_today(self))
                vals["seller_id"] = charge_sides(chain.tiers_on(account, day))[0]["seller_id"]

    def _period_now(self):
        """Return the id of the period in which this charge would be made now."""
        self.ensure_one()
        vals = {
            "partner_id": self.partner_id.id,
            "subscription_id": self.subscription_id.id,
            "date": self.date,
            "date_from": self.date_from,
        }
        self._complete([vals])
        return vals["period_id"]
