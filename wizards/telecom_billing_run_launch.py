from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..models.billing_preview import BillingPreview


class BillingRunLaunch(models.TransientModel):
    """Starts a billing run in the background, after saying what it would do."""

    _name = "telecom.billing.run.launch"
    _description = "Run Billing"

    state = fields.Selection(
        [("scope", "Whom and Until When"), ("preview", "Preview")], default="scope", required=True
    )
    closing = fields.Selection(
        [
            ("ended", "Whole periods that have ended"),
            ("early", "Everything until today, closing periods early"),
        ],
        string="What",
        default="ended",
        required=True,
        help="Early: what was charged before today, where the account is, is invoiced now; today "
        "and the days after are on the next invoice, which ends when it would have anyway.",
    )
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
    company_ids = fields.Many2many(
        "res.company",
        string="Companies",
        default=lambda self: self.env.companies,
        domain=lambda self: [("id", "in", self.env.companies.ids)],
        help="Only accounts that these companies bill are looked at.",
    )
    profile_ids = fields.Many2many(
        "telecom.billing.profile",
        string="Issuers",
        domain="[('company_id', 'in', company_ids)]",
        context={"active_test": False},
        help="Only accounts whose billing profile in force is one of these.",
    )
    due_count = fields.Integer(string="Periods to Close", compute="_compute_counts")
    closed_count = fields.Integer(string="Closed, Still to Invoice", compute="_compute_counts")
    pending_count = fields.Integer(string="Calls to Rate First", compute="_compute_counts")
    unrated_count = fields.Integer(string="Unrated Calls", compute="_compute_counts")

    # what it would do
    preview = fields.Html(readonly=True, sanitize=False)
    failure_count = fields.Integer(readonly=True)
    released_count = fields.Integer(readonly=True)

    # === COMPUTE METHODS ===

    @api.depends("until", "all_accounts", "partner_ids", "company_ids", "profile_ids")
    def _compute_counts(self):
        periods, calls = self.env["telecom.billing.period"], self.env["telecom.cdr"]
        for launch in self:
            accounts = None if launch.all_accounts else launch.partner_ids._origin
            accounts = self.env["telecom.billing.run"]._issued_by(
                launch.profile_ids._origin, accounts
            )
            mine = [] if accounts is None else [("partner_id", "in", accounts.ids)]
            billed = [("company_id", "in", launch.company_ids._origin.ids), *mine]
            launch.due_count = periods.search_count(
                [
                    ("state", "=", "open"),
                    ("date_to", "<=", launch.until),
                    ("stop", "<=", fields.Datetime.now()),
                    *billed,
                ]
            )
            launch.closed_count = periods.search_count([("state", "=", "closed"), *billed])
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

    def action_preview(self):
        """Show what the run would do, and what is worth a look before it."""
        self.ensure_one()
        runs = self.env["telecom.billing.run"]
        runs.check_access("create")
        vals = runs._new_vals(*self._scope(), **self._run_vals())
        values = BillingPreview(self.env, vals).values()
        warnings = values["warnings"]
        self.write(
            {
                "state": "preview",
                "preview": self.env["ir.qweb"]._render("telecom_billing.billing_preview", values),
                "failure_count": warnings["failed"][0],
                "released_count": warnings["released"],
            }
        )
        return self._reopen()

    def action_back(self):
        """Choose anew."""
        self.write({"state": "scope", "preview": False})
        return self._reopen()

    def action_start(self):
        """Start the run in the background and open it."""
        self.ensure_one()
        self.env["telecom.billing.run"].check_access("create")
        run = self.env["telecom.billing.run"]._start(*self._scope(), **self._run_vals())
        return run.get_formview_action()

    def action_open_unrated(self):
        """Open the calls that cannot be priced."""
        return self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.cdr_action_unrated")

    def action_open_failures(self):
        """Open the periods that could not be invoiced."""
        return self._open_periods([("state", "in", ("open", "closed")), ("error", "!=", False)])

    def action_open_released(self):
        """Open the periods whose invoice was cancelled, or that were opened again."""
        return self._open_periods([("is_released", "=", True), ("state", "in", ("open", "closed"))])

    # === BUSINESS METHODS ===

    def _scope(self):
        """Return until when (a day, or for all until today this moment), and the accounts that
        were chosen, None for all.

        :raises UserError: when nobody was chosen
        """
        if not (self.all_accounts or self.partner_ids):
            raise UserError(self.env._("Choose telecom accounts to bill."))
        until = fields.Datetime.now() if self.closing == "early" else self.until
        return until, None if self.all_accounts else self.partner_ids

    def _run_vals(self):
        """Return the other values of the run: nobody bills for companies that are not theirs."""
        companies = self.company_ids & self.env.companies
        if not companies:
            raise UserError(self.env._("Choose a company that bills."))
        return {
            "company_ids": [Command.set(companies.ids)],
            "profile_ids": [Command.set(self.profile_ids.ids)],
            "is_early": self.closing == "early",
        }

    def _open_periods(self, domain):
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "telecom_billing.billing_period_action"
        )
        action["domain"] = [("company_id", "in", self.company_ids.ids), *domain]
        accounts = None if self.all_accounts else self.partner_ids
        accounts = self.env["telecom.billing.run"]._issued_by(self.profile_ids, accounts)
        if accounts is not None:
            action["domain"] += [("partner_id", "in", accounts.ids)]
        return action

    def _reopen(self):
        """Return the action that shows this wizard again, on its page."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Run Billing"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }
