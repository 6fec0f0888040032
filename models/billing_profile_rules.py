from odoo import api, fields, models
from odoo.exceptions import ValidationError


class BillingProfile(models.Model):
    """When an issuer makes an invoice, and what goes with it."""

    _inherit = "telecom.billing.profile"

    rules_currency_id = fields.Many2one(related="company_id.currency_id", string="Company Currency")
    minimum_amount = fields.Monetary(
        string="Smallest Invoice",
        currency_field="rules_currency_id",
        help="Less than this, before taxes, is carried forward. In another currency the account's "
        "amount is compared at the rate of the period's last day.",
    )
    carry_periods = fields.Integer(
        string="Carried at Most",
        default=3,
        help="Number of periods in a row that may wait for the next invoice; then there is one, "
        "however small.",
    )

    tax_ids = fields.Many2many(
        "account.tax",
        "telecom_billing_profile_tax_rel",
        string="Assigned Taxes",
        check_company=True,
        domain="[('type_tax_use', '=', 'sale')]",
        context={"active_test": False},
        help="On every line of this issuer's invoices, for accounts that have none of their own. "
        "Empty: the products' taxes, through the fiscal position.",
    )
    unrated = fields.Selection(
        [
            ("bill", "Bill without them, they go on the next invoice"),
            ("hold", "Hold the account's invoice until they are mended"),
        ],
        string="Unrated Calls",
        required=True,
        default="bill",
        help="What happens when calls of the period are not priced yet.",
    )

    # === CONSTRAINTS ===

    @api.constrains("due_days", "minimum_amount", "carry_periods")
    def _check_figures(self):
        for profile in self:
            if min(profile.due_days, profile.minimum_amount, profile.carry_periods) < 0:
                raise ValidationError(
                    self.env._("Days, amounts and numbers of periods are not below zero.")
                )
