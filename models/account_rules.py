from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date

from .account_chain import AccountChain

YES_NO = [("yes", "Yes"), ("no", "No")]


def _choices(name):
    """Return the selection of a field of the billing profile, as that field has it."""
    return lambda self: (
        self.env["telecom.billing.profile"]._fields[name]._description_selection(self.env)
    )


class ResPartner(models.Model):
    """What an account has otherwise than the billing profile that it follows.

    Empty fields follow the profile; `_billing_rules` is what is in force.
    """

    _inherit = "res.partner"

    telecom_mode = fields.Selection(_choices("mode"), string="Invoices Are Made As")
    telecom_invoice_date_rule = fields.Selection(
        _choices("invoice_date_rule"), string="Date of Invoices"
    )
    telecom_own_due_days = fields.Boolean(
        string="Own Due Date",
        help="Telecom invoices are due after these days, whatever payment terms say.",
    )
    telecom_due_days = fields.Integer(
        string="Due After Days", help="Days from the invoice date to the due date."
    )
    telecom_send_mail = fields.Selection(YES_NO, string="Mail Invoices")
    telecom_no_usage = fields.Selection(_choices("no_usage"), string="Without Usage")
    telecom_minimum_amount = fields.Monetary(
        string="Smallest Invoice",
        currency_field="telecom_currency_id",
        help="Less than this, before taxes, is carried forward.",
    )
    telecom_carry_periods = fields.Integer(
        string="Carried at Most",
        default=3,
        help="Number of periods in a row that may wait for the next invoice.",
    )
    telecom_annex = fields.Selection(_choices("annex"), string="Calls on Invoices")
    telecom_rules_html = fields.Html(
        string="Rules in Force",
        compute="_compute_telecom_rules_html",
        sanitize=False,
        groups="telecom_billing.group_user",
    )

    telecom_rhythm_effect = fields.Char(
        compute="_compute_telecom_rhythm_effect", groups="telecom_billing.group_user"
    )

    # === COMPUTE METHODS ===

    def _compute_telecom_rhythm_effect(self):
        """Say from when on another billing cycle or day holds: after the last period that is
        closed or has charges, which keep their edges."""
        has_charges = ["|", ("usage_ids", "!=", False), ("charge_ids", "!=", False)]
        for partner in self:
            kept = (
                self.env["telecom.billing.period"]
                .sudo()
                .search(
                    [
                        ("partner_id", "=", partner._origin.id),
                        ("is_manual", "=", False),
                        *("|", ("state", "!=", "open")),
                        *has_charges,
                    ],
                    order="start desc",
                    limit=1,
                )
            )
            partner.telecom_rhythm_effect = bool(kept) and self.env._(
                "A change of cycle or day takes effect with the period that starts on %s.",
                format_date(self.env, kept.date_to),
            )

    @api.depends(
        "billing_profile_id",
        "lang",
        "property_payment_term_id",
        "reseller_id",
        "telecom_annex",
        "telecom_carry_periods",
        "telecom_company_id",
        "telecom_due_days",
        "telecom_invoice_date_rule",
        "telecom_minimum_amount",
        "telecom_mode",
        "telecom_no_reminder",
        "telecom_no_usage",
        "telecom_own_due_days",
        "telecom_send_mail",
        "telecom_tax_ids",
    )
    def _compute_telecom_rules_html(self):
        """Show each setting with its value and where that comes from."""
        chain = AccountChain(self.env)
        for partner in self:
            partner.telecom_rules_html = partner.is_telecom_account and self.env["ir.qweb"]._render(
                "telecom_billing.billing_rules_table",
                {"rows": chain.rules(partner).rows(self.env)},
            )

    # === CONSTRAINTS ===

    @api.constrains("telecom_due_days", "telecom_minimum_amount", "telecom_carry_periods")
    def _check_telecom_rules(self):
        for partner in self:
            figures = ("telecom_due_days", "telecom_minimum_amount", "telecom_carry_periods")
            if any(partner[name] < 0 for name in figures):
                raise ValidationError(
                    self.env._("Days, amounts and numbers of periods are not below zero.")
                )

    # === BUSINESS METHODS ===

    def _billing_rules(self):
        """Return the `BillingRules` in force for this account: the one way to them."""
        self.ensure_one()
        return AccountChain(self.env).rules(self)
