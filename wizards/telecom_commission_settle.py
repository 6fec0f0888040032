from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date

from ..models.commission_settlement import CommissionSettlement


class CommissionSettle(models.TransientModel):
    """Asks until when to settle commissions, and with whom."""

    _name = "telecom.commission.settle"
    _description = "Settle Commissions"

    date_to = fields.Date(
        string="Earned Until",
        required=True,
        default=lambda self: self._default_date_to(),
        help="Last day that is settled.",
    )
    date = fields.Date(
        string="Bill Date", required=True, default=fields.Date.context_today, help="Of the bills."
    )
    partner_ids = fields.Many2many(
        "res.partner", string="Agents", domain="[('reseller_kind', '=', 'agent')]"
    )
    preview = fields.Text(compute="_compute_preview")

    # === DEFAULTS ===

    @api.model
    def _default_date_to(self):
        """Propose the last day of the month before this one."""
        return fields.Date.subtract(fields.Date.context_today(self).replace(day=1), days=1)

    # === COMPUTE METHODS ===

    @api.depends("date_to", "partner_ids")
    def _compute_preview(self):
        for wizard in self:
            sums = []
            if wizard.date_to:
                sums = self.env["telecom.commission"]._read_group(
                    wizard._domain(),
                    ["partner_id", "currency_id"],
                    ["amount:sum"],
                )
            wizard.preview = "\n".join(
                f"{agent.display_name}: {currency.format(amount)}"
                for agent, currency, amount in sums[:20]
            ) or self.env._("Nothing was earned that is not settled yet.")
            if len(sums) > 20:
                wizard.preview += "\n…"

    # === CONSTRAINTS ===

    @api.constrains("date_to")
    def _check_date_to(self):
        for wizard in self:
            if wizard.date_to > fields.Date.context_today(wizard):
                raise ValidationError(
                    self.env._(
                        "Settle what was earned by today: %s is still to come.",
                        format_date(self.env, wizard.date_to),
                    )
                )

    # === ACTIONS ===

    def action_settle(self):
        """Make the vendor bills, and open them."""
        self.ensure_one()
        self.check_access("write")
        settlement = CommissionSettlement(
            self.env, fields.Date.add(self.date_to, days=1), self.date, self.env.companies
        )
        bills = settlement.run(self.partner_ids or None)
        if not bills:
            raise UserError(
                "\n".join(settlement.failures)
                or self.env._(
                    "There is nothing to settle until then: nothing was earned, or less than the "
                    "agents' minimum payouts. It stays for the next settlement."
                )
            )
        action = self.env["ir.actions.act_window"]._for_xml_id("account.action_move_in_invoice")
        action.update(domain=[("id", "in", bills.ids)], context={"create": False})
        return action

    # === BUSINESS METHODS ===

    def _domain(self):
        domain = [
            ("state", "=", "accrued"),
            ("date", "<=", self.date_to),
            ("company_id", "in", self.env.companies.ids),
        ]
        if self.partner_ids:
            domain.append(("partner_id", "in", self.partner_ids.ids))
        return domain
