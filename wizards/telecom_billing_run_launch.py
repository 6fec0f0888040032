from odoo import api, fields, models
from odoo.exceptions import UserError


class BillingRunLaunch(models.TransientModel):
    """Starts a billing run in the background, after saying what it would do."""

    _name = "telecom.billing.run.launch"
    _description = "Run Billing"

    until = fields.Date(
        required=True,
        default=fields.Date.context_today,
        help="Periods whose last day is before this day are closed.",
    )
    all_accounts = fields.Boolean(
        string="Every Account",
        default=lambda self: not self.env.context.get("default_partner_ids"),
    )
    partner_ids = fields.Many2many(
        "res.partner",
        string="Accounts",
        domain="[('is_telecom_account', '=', True)]",
        # whoever left still has an invoice to come
        context={"active_test": False},
    )
    due_count = fields.Integer(string="Periods to Close", compute="_compute_counts")
    closed_count = fields.Integer(string="Closed, Still to Invoice", compute="_compute_counts")
    pending_count = fields.Integer(string="Calls to Rate First", compute="_compute_counts")
    unrated_count = fields.Integer(string="Unrated Calls", compute="_compute_counts")

    # === COMPUTE METHODS ===

    @api.depends("until", "all_accounts", "partner_ids")
    def _compute_counts(self):
        periods, calls = self.env["telecom.billing.period"], self.env["telecom.cdr"]
        for launch in self:
            accounts = launch.partner_ids._origin
            mine = [] if launch.all_accounts else [("partner_id", "in", accounts.ids)]
            launch.due_count = periods.search_count(
                [
                    ("state", "=", "open"),
                    ("date_to", "<=", launch.until),
                    ("stop", "<=", fields.Datetime.now()),
                    *mine,
                ]
            )
            launch.closed_count = periods.search_count([("state", "=", "closed"), *mine])
            launch.pending_count = calls.search_count([("state", "=", "pending"), *mine])
            # a call without account may be anybody's
            if mine:
                mine = ["|", ("partner_id", "=", False), *mine]
            launch.unrated_count = calls.search_count([("state", "=", "unrated"), *mine])

    # === CRUD METHODS ===

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("partner_ids"):
                vals.setdefault("all_accounts", False)
        return super().create(vals_list)

    # === ACTIONS ===

    def action_start(self):
        """Start the run in the background and open it."""
        self.ensure_one()
        self.env["telecom.billing.run"].check_access("create")
        if not (self.all_accounts or self.partner_ids):
            raise UserError(self.env._("Choose telecom accounts to bill."))
        accounts = None if self.all_accounts else self.partner_ids
        run = self.env["telecom.billing.run"]._start(self.until, accounts)
        return run.get_formview_action()

    def action_open_unrated(self):
        """Open the calls that cannot be priced."""
        return self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.cdr_action_unrated")
