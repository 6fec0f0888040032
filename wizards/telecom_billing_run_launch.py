from odoo import api, fields, models


class BillingRunLaunch(models.TransientModel):
    """Starts a billing run in the background, after saying what it would do."""

    _name = "telecom.billing.run.launch"
    _description = "Run Billing"

    until = fields.Date(
        required=True,
        default=fields.Date.context_today,
        help="Periods whose last day is before this day are closed.",
    )
    partner_ids = fields.Many2many(
        "res.partner",
        string="Accounts",
        domain="[('is_telecom_account', '=', True)]",
        help="Empty: every account.",
    )
    due_count = fields.Integer(string="Periods to Close", compute="_compute_counts")
    closed_count = fields.Integer(string="Closed, Still to Invoice", compute="_compute_counts")
    pending_count = fields.Integer(string="Calls to Rate First", compute="_compute_counts")
    unrated_count = fields.Integer(string="Unrated Calls", compute="_compute_counts")

    # === COMPUTE METHODS ===

    @api.depends("until", "partner_ids")
    def _compute_counts(self):
        periods, calls = self.env["telecom.billing.period"], self.env["telecom.cdr"]
        for launch in self:
            accounts = launch.partner_ids._origin
            mine = [("partner_id", "in", accounts.ids)] if accounts else []
            launch.due_count = periods.search_count(
                [("state", "=", "open"), ("date_to", "<=", launch.until), *mine]
            )
            launch.closed_count = periods.search_count([("state", "=", "closed"), *mine])
            launch.pending_count = calls.search_count([("state", "=", "pending"), *mine])
            # a call without account may be anybody's
            if mine:
                mine = ["|", ("partner_id", "=", False), *mine]
            launch.unrated_count = calls.search_count([("state", "=", "unrated"), *mine])

    # === ACTIONS ===

    def action_start(self):
        """Start the run in the background and open it."""
        self.ensure_one()
        self.env["telecom.billing.run"].check_access("create")
        run = self.env["telecom.billing.run"]._start(self.until, self.partner_ids or None)
        return run.get_formview_action()

    def action_open_unrated(self):
        """Open the calls that cannot be priced."""
        return self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.cdr_action_unrated")
