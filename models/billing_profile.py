from odoo import api, fields, models

from ..engine.dialling import DiallingRules, rules_for_country


class BillingProfile(models.Model):
    """The identity and the rules with which someone issues invoices (design: one per issuer)."""

    _name = "telecom.billing.profile"
    _description = "Billing Profile"
    _order = "company_id, owner_id, id"
    _check_company_auto = True

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    owner_id = fields.Many2one(
        "res.partner",
        string="Reseller",
        index="btree_not_null",
        domain="[('is_reseller', '=', True)]",
        help="The reseller that issues with this profile; empty for the company itself.",
    )
    tz = fields.Selection(
        lambda self: self.env["res.partner"]._fields["tz"]._description_selection(self.env),
        string="Time Zone",
        required=True,
        compute="_compute_tz",
        store=True,
        readonly=False,
        precompute=True,
        help="Of accounts that have no billing time zone yet. An account keeps it from its first "
        "billing period on.",
    )

    # invoicing
    journal_id = fields.Many2one(
        "account.journal",
        check_company=True,
        domain="[('type', '=', 'sale')]",
        help="Gives the invoices their prefix and number. "
        "Empty: the first sales journal of the company.",
    )
    mode = fields.Selection(
        [("draft", "Draft, a person confirms"), ("confirmed", "Confirmed at once")],
        string="Generation Mode",
        required=True,
        default="confirmed",
    )
    invoice_date_rule = fields.Selection(
        [
            ("last_day", "Last day of the period"),
            ("next_day", "First day after the period"),
            ("run_day", "Day of the billing run"),
        ],
        string="Invoice Date",
        required=True,
        default="next_day",
    )
    payment_term_id = fields.Many2one(
        "account.payment.term",
        check_company=True,
        help="Used for accounts that have no payment terms of their own.",
    )
    due_days = fields.Integer(
        help="Days from the invoice date to the due date where no payment terms are set.",
        default=14,
    )
    no_usage = fields.Selection(
        [
            ("always", "Always invoice"),
            ("skip", "Skip when nothing was charged"),
            ("carry", "Carry forward below a minimum amount"),
        ],
        string="Accounts Without Usage",
        required=True,
        default="skip",
    )
    call_product_id = fields.Many2one(
        "product.product",
        check_company=True,
        default=lambda self: self.env.ref("telecom_billing.product_calls", False),
        help="Gives the call lines their income account and, where the account has none "
        "assigned, their taxes.",
    )

    # the document
    send_mail = fields.Boolean(
        string="Mail on Generation",
        help="Send the invoice with its PDF by e-mail when it is confirmed by the billing run.",
    )
    mail_template_id = fields.Many2one(
        "mail.template",
        domain="[('model', '=', 'account.move')]",
        help="Empty: Odoo's own invoice mail.",
    )

    # numbers
    country_id = fields.Many2one(
        "res.country",
        compute="_compute_country_id",
        store=True,
        readonly=False,
        help="Fills in the dialling rules below.",
    )
    country_code = fields.Char(
        compute="_compute_dialling", store=True, readonly=False, help="Such as 32 or 1."
    )
    international_prefix = fields.Char(
        compute="_compute_dialling", store=True, readonly=False, help="Such as 00 or 011."
    )
    national_prefix = fields.Char(
        compute="_compute_dialling", store=True, readonly=False, help="Such as 0, or empty."
    )
    bare_numbers = fields.Selection(
        [("international", "Already international"), ("national", "National")],
        string="Numbers Without a Prefix Are",
        required=True,
        default="international",
    )

    _one_per_reseller = models.UniqueIndex(
        "(owner_id) WHERE owner_id IS NOT NULL AND active",
        "A reseller has one billing profile.",
    )

    # === COMPUTE METHODS ===

    @api.depends("company_id")
    def _compute_tz(self):
        """Take the company's zone, else that of its people as they are now; it stays."""
        admin = self.env.ref("base.user_admin", raise_if_not_found=False)
        people = self.env.user.tz or (admin and admin.tz) or "UTC"
        for profile in self:
            profile.tz = profile.tz or profile.company_id.partner_id.tz or people

    @api.depends("company_id")
    def _compute_country_id(self):
        for profile in self:
            profile.country_id = profile.country_id or profile.company_id.country_id

    @api.depends("country_id")
    def _compute_dialling(self):
        for profile in self:
            rules = profile._dialling_of(profile.country_id)
            profile.country_code = rules and rules.country_code
            profile.international_prefix = (rules and rules.international_prefix) or "00"
            profile.national_prefix = rules.national_prefix if rules else "0"

    # === CONSTRAINTS ===

    @api.constrains("company_id", "owner_id")
    def _check_issuer(self):
        profiles = self.sudo()
        profiles.env["res.company"].search(
            [("billing_profile_id", "in", self.ids)]
        )._check_billing_profile()
        profiles.env["res.partner"].with_context(active_test=False).search(
            [("billing_profile_id", "in", self.ids), ("company_id", "!=", False)]
        )._check_billing_profile_company()

    # === CRUD METHODS ===

    @api.model_create_multi
    def create(self, vals_list):
        profiles = super().create(vals_list)
        profiles.owner_id._follow_company()
        profiles._forget_rules()
        return profiles

    def write(self, vals):
        moves = not {"active", "company_id", "owner_id"}.isdisjoint(vals)
        owners = self.owner_id
        result = super().write(vals)
        if moves:
            (owners + self.owner_id)._follow_company()
            self._forget_rules()
        if "company_id" in vals:
            self._accounts()._follow_company()
        return result

    def unlink(self):
        accounts = self.owner_id + self._accounts()
        result = super().unlink()
        accounts._follow_company()
        self._forget_rules()
        return result

    # === BUSINESS METHODS ===

    @api.model
    def _dialling_of(self, country):
        """Return the dialling rules of a country; None for one that has no telephone numbers of
        its own, and without a country."""
        try:
            return rules_for_country(country.code) if country else None
        except ValueError:
            return None

    def _forget_rules(self):
        """Let record rules look again which companies are resellers' own."""
        self.env.registry.clear_cache()

    def _accounts(self):
        """Return the accounts that were given one of these profiles."""
        partners = self.env["res.partner"].sudo().with_context(active_test=False)
        return partners.search([("billing_profile_id", "in", self.ids)])

    def _dialling_rules(self):
        """Return the engine's rules that turn a dialled number into E.164 digits."""
        self.ensure_one()
        return DiallingRules(
            country_code=self.country_code or "",
            international_prefix=self.international_prefix or "",
            national_prefix=self.national_prefix or "",
            bare=self.bare_numbers,
        )

    def _sale_journal(self):
        """Return the journal of this issuer's invoices, empty when the company has none."""
        self.ensure_one()
        if self.journal_id:
            return self.journal_id
        # not one in which another issuer has a series of its own
        journal = (
            self.env["account.journal"]
            .sudo()
            .search(
                [
                    *self.env["account.journal"]._check_company_domain(self.company_id),
                    ("type", "=", "sale"),
                    ("telecom_profile_ids", "not any", [("invoice_prefix", "!=", False)]),
                ],
                limit=1,
            )
        )
        return journal.with_env(self.env)
