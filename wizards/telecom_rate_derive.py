from odoo import api, fields, models
from odoo.exceptions import UserError


class RateDerive(models.TransientModel):
    """Asks from which moment the rates of a card are derived, and shows what that changes."""

    _name = "telecom.rate.derive"
    _description = "Derivation of Rates"

    card_id = fields.Many2one("telecom.rate.card", string="Rate Card", required=True)
    parent_card_id = fields.Many2one(related="card_id.parent_card_id")
    has_rates = fields.Boolean(compute="_compute_has_rates")
    is_kept_in_step = fields.Boolean(related="card_id.is_kept_in_step")
    effective = fields.Datetime(
        string="In Force From",
        compute="_compute_effective",
        store=True,
        readonly=False,
        help="Calls that start before this moment keep their prices. Empty: since ever, for a "
        "card without rates.",
    )
    summary = fields.Text(compute="_compute_summary")

    # === COMPUTE METHODS ===

    @api.depends("card_id")
    def _compute_has_rates(self):
        for wizard in self:
            wizard.has_rates = bool(wizard.card_id.rate_count)

    @api.depends("card_id")
    def _compute_effective(self):
        for wizard in self:
            wizard.effective = wizard.card_id.rate_count and fields.Datetime.now()

    @api.depends("card_id", "effective")
    def _compute_summary(self):
        for wizard in self:
            wizard.summary = wizard.card_id and wizard._summary_text()

    def _summary_text(self):
        env = self.env
        try:
            result = self.card_id._preview_derivation(self.effective or None)
        except UserError as error:
            return str(error)
        lines = [
            env._(
                "%(new)s new, %(changed)s changed, %(unchanged)s unchanged, %(closed)s closed "
                "rates.",
                **{
                    name: f"{result.counts[name]:,}"
                    for name in ("new", "changed", "unchanged", "closed")
                },
            )
        ]
        if result.unused:
            lines.append(
                env._(
                    "No rate begins with these prefixes of mark-ups: %s",
                    ", ".join(result.unused[:20]),
                )
            )
        return "\n".join(lines)

    # === ACTIONS ===

    def action_derive(self):
        """Derive the rates, and go on with the card."""
        self.ensure_one()
        self.card_id._derive(self.effective or None)
        close = {"type": "ir.actions.act_window_close"}
        warnings = self.card_id._loss_warnings()
        if not warnings:
            return close
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "sticky": True,
                "message": "\n".join(warnings),
                "next": close,
            },
        }
