from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.sql import SQL

from .account_chain import AccountChain
from .usage_days import move_usage


class ResPartner(models.Model):
    """An account: a partner that is charged, customer or reseller."""

    _inherit = "res.partner"

    is_telecom_account = fields.Boolean(
        string="Telecom Account", help="Calls and services are charged to this partner."
    )
    account_code = fields.Char(
        copy=False, help="The code with which switches report this account's calls."
    )
    account_identifier_ids = fields.One2many(
        "telecom.account.identifier",
        "partner_id",
        string="Other Identifiers",
        groups="telecom_billing.group_user",
        help="Find the account for calls that carry no account code.",
    )
    billing_mode = fields.Selection(
        [("postpaid", "Postpaid"), ("prepaid", "Prepaid")], default="postpaid"
    )
    rate_card_id = fields.Many2one("telecom.rate.card", index="btree_not_null", ondelete="restrict")
    billing_cycle = fields.Selection(
        [
            ("daily", "Daily"),
            ("weekly", "Weekly"),
            ("monthly", "Monthly"),
            ("quarterly", "Quarterly"),
            ("yearly", "Yearly"),
        ],
        default="monthly",
    )
    billing_day = fields.Integer(
        default=1,
        help="First day of each billing period: 1 to 31 (the last day of a shorter month); "
        "1 to 7 for Monday to Sunday when weekly.",
    )
    billing_start = fields.Date(
        help="First day that is billed. Empty: the period of the first call or service.",
    )
    telecom_tax_ids = fields.Many2many(
        "account.tax",
        "res_partner_telecom_tax_rel",
        string="Assigned Taxes",
        domain="[('type_tax_use', '=', 'sale')]",
        help="These taxes are on every line of the account's telecom invoices. "
        "Empty: the products' taxes, through the fiscal position.",
    )
    billing_profile_id = fields.Many2one(
        "telecom.billing.profile",
        groups="base.group_user",
        help="Empty: the profile of the reseller, else of the nearest reseller above, else of "
        "the company.",
    )
    telecom_company_id = fields.Many2one(
        "res.company",
        string="Billed By",
        default=lambda self: self.env.company,
        # the customers of a reseller are not told who is above it
        groups="base.group_user",
        help="The company whose books the account is billed in when no profile says otherwise.",
    )
    telecom_currency_id = fields.Many2one(
        "res.currency", string="Billing Currency", compute="_compute_telecom_currency_id"
    )
    telecom_balance = fields.Monetary(
        compute="_compute_telecom_balance",
        currency_field="telecom_currency_id",
        groups="telecom_billing.group_user",
        help="Money left with who bills the account: payments and credits less invoices and "
        "charges that are on no confirmed invoice yet. Negative: owed.",
    )

    # the chain of resellers
    is_reseller = fields.Boolean()
    reseller_kind = fields.Selection([("distributor", "Distributor"), ("agent", "Agent")])
    reseller_id = fields.Many2one(
        "res.partner",
        index="btree_not_null",
        domain="[('is_reseller', '=', True), ('id', '!=', id)]",
        ondelete="restrict",
        help="The reseller that sells to this account; empty for the provider's own.",
    )
    # the accounts from the provider's own down to this one, such as 7/12/40/
    reseller_path = fields.Char(
        compute="_compute_reseller_path", store=True, recursive=True, groups="base.group_user"
    )

    subscription_ids = fields.One2many(
        "telecom.subscription",
        "partner_id",
        string="Services",
        groups="telecom_billing.group_user",
    )
    billing_period_ids = fields.One2many(
        "telecom.billing.period", "partner_id", groups="telecom_billing.group_user"
    )

    _account_code_uniq = models.UniqueIndex(
        "(account_code) WHERE account_code IS NOT NULL",
        "Another account has this account code already.",
    )
    # records below a reseller are found by how their path begins, whatever the database's locale
    _reseller_path_idx = models.Index("(reseller_path text_pattern_ops)")
    _billing_day_range = models.Constraint(
        "CHECK (billing_day IS NULL OR billing_day BETWEEN 1 AND 31)",
        "The billing day is from 1 to 31.",
    )

    # === COMPUTE METHODS ===

    @api.depends("reseller_id", "reseller_id.reseller_path")
    def _compute_reseller_path(self):
        for partner in self:
            if partner.id and isinstance(partner.id, int):
                above = partner.reseller_id.reseller_path or ""
                partner.reseller_path = f"{above}{partner.id}/"
            else:
                partner.reseller_path = False

    @api.depends("rate_card_id.currency_id", "property_product_pricelist", "telecom_company_id")
    @api.depends_context("company")
    def _compute_telecom_currency_id(self):
        for partner in self:
            company = partner.telecom_company_id or partner.company_id or self.env.company
            partner.telecom_currency_id = (
                partner.sudo().rate_card_id.currency_id
                or partner.with_company(company).property_product_pricelist.currency_id
                or company.currency_id
            )

    def _compute_telecom_balance(self):
        accounts = self.filtered("is_telecom_account")
        unbilled = accounts._unbilled_amounts(and_drafts=True)
        for partner in self - accounts:
            partner.telecom_balance = 0.0
        for partner in accounts:
            company = partner._billing_profile().company_id
            owed = partner.with_company(company).sudo().credit
            owed = company.currency_id._convert(
                owed, partner.telecom_currency_id, company, fields.Date.context_today(self)
            )
            partner.telecom_balance = -(owed + unbilled.get(partner.id, 0.0))

    # === CONSTRAINTS ===

    @api.constrains("reseller_id")
    def _check_reseller_cycle(self):
        if self._has_cycle("reseller_id"):
            raise ValidationError(
                self.env._("A reseller cannot stand above itself, directly or through others.")
            )

    @api.constrains("billing_start")
    def _check_billing_start(self):
        for partner in self:
            if partner.billing_start and self.env["telecom.billing.period"].sudo().search_count(
                [
                    ("partner_id", "=", partner.id),
                    ("state", "!=", "open"),
                    ("is_manual", "=", False),
                ],
                limit=1,
            ):
                raise ValidationError(
                    self.env._(
                        "%s has closed billing periods: its first billed day is history.",
                        partner.display_name,
                    )
                )

    # === CRUD METHODS ===

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._clean_account_code(vals)
            if vals.get("parent_id"):
                # the contacts of an account are no accounts, whatever menu they come from
                vals.setdefault("is_telecom_account", False)
        return super().create(vals_list)

    def write(self, vals):
        self._clean_account_code(vals)
        regular = {"billing_cycle", "billing_day", "billing_start", "billing_tz"} & vals.keys()
        before = {p.id: [p[name] for name in regular] for p in self} if regular else {}
        accounts = self.filtered("is_telecom_account") if "billing_tz" in vals else self.browse()
        zones = accounts._account_zones()
        result = super().write(vals)
        changed = self.filtered(
            lambda p: p.id in before and before[p.id] != [p[name] for name in regular]
        )
        if changed:
            self.env["telecom.billing.period"].sudo()._realign(changed)
            new_zones = (accounts & changed)._account_zones()
            move_usage(
                self.env, {account: (zones[account], new) for account, new in new_zones.items()}
            )
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_calls(self):
        """Calls, and what is charged for them, have no foreign key to their account: it is kept
        as long as they are. Whoever was charged has billing periods."""
        for partner in self:
            if partner._has_telecom_history():
                raise UserError(
                    self.env._(
                        "%s has calls or charges: archive it instead of deleting it.", partner.name
                    )
                )

    @api.model
    def _clean_account_code(self, vals):
        if "account_code" in vals:
            vals["account_code"] = (vals["account_code"] or "").strip() or False

    # === ACTIONS ===

    def action_open_calls(self):
        """Open the calls of this account."""
        return self._open_telecom("cdr_action", "partner_id")

    def action_open_charges(self):
        """Open the charges of this account."""
        return self._open_telecom("charge_action", "partner_id")

    def action_open_services(self):
        """Open the services of this account."""
        return self._open_telecom("subscription_action", "partner_id")

    def action_open_billing_periods(self):
        """Open the billing periods of this account."""
        return self._open_telecom("billing_period_action", "partner_id")

    def action_bill_now(self):
        """Launch a billing run for these accounts only, of all until today if nothing else is
        chosen."""
        if not self.filtered("is_telecom_account"):
            raise UserError(self.env._("Choose telecom accounts to bill."))
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "telecom_billing.billing_run_launch_action"
        )
        action["context"] = {
            "default_partner_ids": [fields.Command.set(self.ids)],
            "default_all_accounts": False,
            "default_closing": "early",
        }
        return action

    def action_price_check(self):
        """Ask what a call of this account would cost."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.price_check_action")
        action["context"] = {"default_partner_id": self.id}
        return action

    def _open_telecom(self, action_name, field):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(f"telecom_billing.{action_name}")
        action["domain"] = [(field, "=", self.id)]
        action["context"] = {f"default_{field}": self.id}
        return action

    # === BUSINESS METHODS ===

    def _account_tz(self):
        """Return the IANA name of the time zone in which this account's days begin."""
        self.ensure_one()
        return self._account_zones()[self.id]

    def _account_zones(self):
        """Return {account id: time zone}: the account's own, else that of its billing profile."""
        chain = AccountChain(self.env)
        # fields are read for all accounts at once
        return {
            partner.id: partner.billing_tz or chain.profile(partner).tz or "UTC"
            for partner in self.sudo()
        }

    def _billing_profile(self):
        """Return the billing profile in force: the account's own, its reseller's, the nearest
        above, else that of the company that bills it."""
        self.ensure_one()
        return AccountChain(self.env).profile(self)

    def _tiers(self):
        """Return the accounts that are charged for what this account uses: itself, its
        reseller, and so on up (tier 0, 1, ...)."""
        self.ensure_one()
        return AccountChain(self.env).tiers(self)

    def _has_telecom_history(self):
        """Tell whether calls or billing periods are the account's."""
        self.ensure_one()
        of_partner = [("partner_id", "=", self.id)]
        return bool(
            self.env["telecom.cdr"].sudo().search_count(of_partner, limit=1)
            or self.env["telecom.billing.period"].sudo().search_count(of_partner, limit=1)
        )

    def _unbilled_amounts(self, and_drafts=False):
        """Return {account id: amount charged and not invoiced yet, untaxed}.

        In the account's billing currency, at today's rate, as the invoice would have it. What an
        agent's customers use is invoiced to them, and not owed by the agent; what a former issuer
        invoices in other books is owed there.

        :param and_drafts: whether with what is on drafts, which are in no books yet
        """
        if not self.ids:
            return {}
        # usage and charges are read as they are in the database
        self.env["telecom.usage"].flush_model()
        self.env["telecom.charge"].flush_model()
        self.env["telecom.billing.period"].flush_model()
        self.env["account.move"].flush_model(["state"])
        self.flush_model(["reseller_kind"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT unbilled.partner_id, unbilled.currency_id, period.company_id,
                       sum(unbilled.amount)
                  FROM (
                    SELECT partner_id, period_id, currency_id, tier, amount FROM telecom_usage
                     WHERE partner_id IN %(accounts)s
                    UNION ALL
                    SELECT partner_id, period_id, currency_id, tier, amount FROM telecom_charge
                     WHERE partner_id IN %(accounts)s
                ) unbilled
                  JOIN telecom_billing_period period ON period.id = unbilled.period_id
                  JOIN res_partner account ON account.id = unbilled.partner_id
             LEFT JOIN account_move move ON move.id = period.move_id
                 WHERE (move.id IS NULL OR %(and_drafts)s AND move.state = 'draft')
                   AND (unbilled.tier = 0 OR account.reseller_kind IS DISTINCT FROM 'agent')
                 GROUP BY 1, 2, 3
                """,
                accounts=tuple(self.ids),
                and_drafts=and_drafts,
            )
        )
        amounts, chain = defaultdict(float), AccountChain(self.env)
        companies = self.env["res.company"].sudo()
        for partner_id, currency_id, company_id, amount in rows:
            partner = self.browse(partner_id)
            books = chain.profile(partner).company_id
            if companies.browse(company_id).root_id != books.root_id:
                continue
            amounts[partner_id] += partner._in_billing_currency(
                float(amount), self.env["res.currency"].browse(currency_id), books
            )
        return amounts

    def _in_billing_currency(self, amount, currency, company=None, day=None):
        """Return an amount in this account's billing currency, not rounded.

        :param company: whose rates are asked; None for the one that bills the account
        :param day: of the rate; None for today
        """
        self.ensure_one()
        target = self.telecom_currency_id
        if currency == target:
            return amount
        return currency._convert(
            amount,
            target,
            company or self._billing_profile().company_id,
            day or fields.Date.context_today(self),
            round=False,
        )
