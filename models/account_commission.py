from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .commission import KINDS, METHODS, MOMENTS

PERCENT = {"digits": (7, 4), "min_display_digits": 2}


class ResPartner(models.Model):
    """What an agent earns by the invoices of its customers, and when it is paid."""

    _inherit = "res.partner"

    telecom_commission_method = fields.Selection(
        METHODS,
        string="Commission",
        help="By percent: of the untaxed amounts that its customers are invoiced. By difference: "
        "what the tier below pays less the agent's own prices. Holds for invoices that are posted "
        "from now on.",
    )
    telecom_commission_calls = fields.Float("Commission on Calls", **PERCENT)
    telecom_commission_package = fields.Float("Commission on Packages", **PERCENT)
    telecom_commission_subscription = fields.Float("Commission on Subscriptions", **PERCENT)
    telecom_commission_did = fields.Float("Commission on Numbers", **PERCENT)
    telecom_commission_other = fields.Float("Commission on Setup and Other", **PERCENT)
    telecom_commission_when = fields.Selection(
        MOMENTS,
        string="Earned When the Invoice Is",
        default="posted",
        help="Paid: in proportion to what is paid of it, or settled by other documents.",
    )
    telecom_commission_cycle = fields.Selection(
        [("manual", "By Hand"), ("monthly", "Monthly"), ("quarterly", "Quarterly")],
        string="Settled",
        default="monthly",
    )
    telecom_commission_day = fields.Integer(
        string="Settlement Day",
        default=1,
        help="Day of the month, 1 to 31 (the last day of a shorter month); quarterly in January, "
        "April, July and October. What was earned before that day is settled.",
    )
    telecom_commission_minimum = fields.Monetary(
        string="Minimum Payout",
        currency_field="telecom_currency_id",
        help="Less than this waits for the next settlement.",
    )
    telecom_commission_settled = fields.Date(
        string="Settled Until",
        readonly=True,
        copy=False,
        help="Day of the last settlement on schedule: what was earned before it is settled.",
    )
    telecom_commission_ids = fields.One2many(
        "telecom.commission",
        "partner_id",
        string="Commissions",
        groups="telecom_billing.group_user",
    )
    telecom_commission_balance = fields.Monetary(
        string="Commission to Settle",
        compute="_compute_telecom_commission_balance",
        currency_field="telecom_currency_id",
        groups="telecom_billing.group_user",
        help="Earned and on no vendor bill yet, before taxes.",
    )

    _telecom_commission_percents = models.Constraint(
        "CHECK ("
        + " AND ".join(
            f"COALESCE(telecom_commission_{kind}, 0) BETWEEN 0 AND 100" for kind, _label in KINDS
        )
        + ")",
        "A commission is from 0 to 100 percent.",
    )
    _telecom_commission_day_range = models.Constraint(
        "CHECK (telecom_commission_day IS NULL OR telecom_commission_day BETWEEN 1 AND 31)",
        "The settlement day is from 1 to 31.",
    )
    _telecom_commission_minimum_positive = models.Constraint(
        "CHECK (telecom_commission_minimum IS NULL OR telecom_commission_minimum >= 0)",
        "The minimum payout is not negative.",
    )

    # === COMPUTE METHODS ===

    @api.depends("telecom_commission_ids.amount", "telecom_commission_ids.state")
    def _compute_telecom_commission_balance(self):
        sums = self.env["telecom.commission"]._read_group(
            [("partner_id", "in", self.ids), ("state", "=", "accrued")],
            ["partner_id", "currency_id"],
            ["amount:sum"],
        )
        for partner in self:
            partner.telecom_commission_balance = sum(
                partner._in_billing_currency(amount, currency)
                for agent, currency, amount in sums
                if agent == partner._origin
            )

    # === CONSTRAINTS ===

    @api.constrains("telecom_commission_method", "rate_card_id")
    def _check_telecom_commission_method(self):
        for partner in self:
            if partner.telecom_commission_method == "difference" and not partner.rate_card_id:
                raise ValidationError(
                    self.env._(
                        "%s earns the difference to its purchase prices: it needs the rate card "
                        "at which it buys calls.",
                        partner.display_name,
                    )
                )

    # === ACTIONS ===

    def action_open_commissions(self):
        """Open what this agent has earned."""
        return self._open_telecom("commission_action", "partner_id")

    def action_settle_commissions(self):
        """Ask until when to settle with these agents."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "telecom_billing.commission_settle_action"
        )
        action["context"] = {"default_partner_ids": [fields.Command.set(self.ids)]}
        return action
