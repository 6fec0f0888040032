from odoo import api, fields, models

from ..models.reseller_maker import GENERIC_CHART, ResellerMaker, ResellerPlan


class ResellerSetup(models.TransientModel):
    """Makes a reseller in one step: account, prices, billing profile and, for a distributor that
    keeps its own books, a company."""

    _name = "telecom.reseller.setup"
    _description = "Set Up a Reseller"

    # who it is
    partner_id = fields.Many2one(
        "res.partner",
        string="Contact",
        domain="[('telecom_own_profile_id', '=', False)]",
        help="One that is there already, also a reseller that has no billing profile yet; "
        "empty: a new one is made.",
    )
    name = fields.Char(
        compute="_compute_contact", store=True, readonly=False, help="Of the new contact."
    )
    email = fields.Char("E-mail", compute="_compute_contact", store=True, readonly=False)
    phone = fields.Char(compute="_compute_contact", store=True, readonly=False)
    country_id = fields.Many2one(
        "res.country", compute="_compute_contact", store=True, readonly=False
    )
    account_code = fields.Char(compute="_compute_contact", store=True, readonly=False)
    kind = fields.Selection(
        [
            ("distributor", "Distributor: buys and resells"),
            ("agent", "Agent: sells in the books of the one above, for a commission"),
        ],
        compute="_compute_kind",
        store=True,
        readonly=False,
        required=True,
        default="distributor",
    )
    seller_id = fields.Many2one(
        "res.partner",
        string="Under Reseller",
        compute="_compute_seller_id",
        store=True,
        readonly=False,
        domain="[('is_reseller', '=', True), ('id', '!=', partner_id)]",
        help="Who sells to it; empty: the provider itself.",
    )

    # what it pays
    rate_card_id = fields.Many2one(
        "telecom.rate.card",
        string="Purchase Rate Card",
        compute="_compute_contact",
        store=True,
        readonly=False,
        domain="[('owner_id', 'in', [False, seller_id])]",
        help="What the reseller pays for calls. An agent without one earns a commission instead.",
    )
    pricelist_id = fields.Many2one(
        "product.pricelist",
        string="Purchase Pricelist",
        help="What the reseller pays for services; empty: the products' prices.",
    )

    # in whose name it invoices
    brand_name = fields.Char(help="At the head of its customers' invoices; empty: its name.")
    invoice_prefix = fields.Char(help="Begins the numbers of its invoices, such as ACME/.")
    logo = fields.Image(max_width=1024, max_height=1024)

    # at which prices it sells
    makes_card = fields.Boolean("Sale Rate Card", default=True)
    base_card_id = fields.Many2one(
        "telecom.rate.card",
        string="Derived From",
        compute="_compute_base_card_id",
        store=True,
        readonly=False,
        domain="[('owner_id', 'in', [False, seller_id])]",
        help="The card whose prices are marked up; most often the one by which it buys.",
    )
    markup_percent = fields.Float("Mark-up on Calls", default=20.0)
    price_digits = fields.Integer("Decimals", default=4)
    makes_pricelist = fields.Boolean("Sale Pricelist", default=True)
    service_percent = fields.Float("Mark-up on Services", default=20.0)

    # its own books
    own_company = fields.Boolean(
        help="The distributor invoices in books, a currency and with taxes of its own."
    )
    has_company = fields.Boolean(compute="_compute_has_company")
    currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_books",
        store=True,
        readonly=False,
        context={"active_test": False},
    )
    chart_template = fields.Selection(
        lambda self: self._chart_templates(),
        string="Chart of Accounts",
        compute="_compute_books",
        store=True,
        readonly=False,
    )
    is_generic_chart = fields.Boolean(compute="_compute_is_generic_chart")
    tax_percent = fields.Float(
        "Sales Tax",
        help="The rate of the country's usual tax. The charts of Odoo's country packages bring "
        "their taxes.",
    )
    mirror_bill = fields.Boolean(
        "Enter Bills in Its Books",
        default=True,
        help="What it is invoiced is entered as draft vendor bills in its own company.",
    )

    # who gets to see it
    invite = fields.Boolean("Invite to the Portal", help="Odoo sends an invitation by e-mail.")
    preview = fields.Html(compute="_compute_preview", sanitize=False)

    # === DEFAULTS ===

    @api.model
    def _chart_templates(self):
        """Return the charts whose packages are installed: Odoo would install another in the
        middle of it."""
        charts = self.env["account.chart.template"]._get_chart_template_mapping()
        modules = self.env["ir.module.module"].sudo()
        installed = set(modules.search([("state", "=", "installed")]).mapped("name"))
        return [
            (code, chart["name"]) for code, chart in charts.items() if chart["module"] in installed
        ]

    # === COMPUTE METHODS ===

    @api.depends("partner_id")
    def _compute_contact(self):
        for setup in self:
            partner = setup.partner_id
            if not partner:
                continue
            for name in ("name", "email", "phone", "country_id", "account_code", "rate_card_id"):
                setup[name] = partner[name] or setup[name]

    @api.depends("partner_id")
    def _compute_kind(self):
        for setup in self:
            setup.kind = setup.partner_id.reseller_kind or setup.kind

    @api.depends("partner_id")
    def _compute_seller_id(self):
        """Leave a reseller that is one already where it is."""
        for setup in self:
            setup.seller_id = setup.partner_id.reseller_id or setup.seller_id

    @api.depends("rate_card_id", "seller_id")
    def _compute_base_card_id(self):
        """Propose what it pays, for an agent without prices that with which the one above sells."""
        for setup in self:
            card = setup.rate_card_id
            if not card and setup.seller_id:
                card = card.search([("owner_id", "=", setup.seller_id.id)], limit=1)
            setup.base_card_id = card

    @api.depends("partner_id")
    def _compute_has_company(self):
        for setup in self:
            setup.has_company = bool(setup.partner_id.sudo().ref_company_ids)

    @api.depends("country_id")
    def _compute_books(self):
        """Propose what is usual in the country."""
        charts = self.env["account.chart.template"]
        mapping = charts._get_chart_template_mapping()
        available = [code for code, _name in self._chart_templates()]
        for setup in self:
            country = setup.country_id
            setup.currency_id = country.currency_id
            # several packages of one country stand in their order
            usual = [
                code for code in available if country and mapping[code]["country_id"] == country.id
            ]
            setup.chart_template = usual[0] if usual else GENERIC_CHART

    @api.depends("chart_template")
    def _compute_is_generic_chart(self):
        for setup in self:
            setup.is_generic_chart = setup.chart_template == GENERIC_CHART

    @api.depends(
        *("partner_id", "name", "email", "phone", "country_id", "account_code", "kind"),
        *("seller_id", "rate_card_id", "pricelist_id", "brand_name", "invoice_prefix"),
        *("makes_card", "base_card_id", "markup_percent", "price_digits", "makes_pricelist"),
        *("service_percent", "own_company", "currency_id", "chart_template", "mirror_bill"),
        "invite",
    )
    def _compute_preview(self):
        for setup in self:
            maker = ResellerMaker(self.env, setup._plan())
            setup.preview = self.env["ir.qweb"]._render(
                "telecom_billing.reseller_setup_preview",
                {"steps": maker.steps(), "problems": maker.problems()},
            )

    # === ACTIONS ===

    def action_set_up(self):
        """Make the reseller with all that belongs to it, and open it."""
        self.ensure_one()
        maker = ResellerMaker(self.env, self._plan())
        maker.check_rights()
        reseller = maker.make()
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.account_action")
        return {
            **action,
            "view_mode": "form",
            "views": [(False, "form")],
            "res_id": reseller.id,
        }

    # === BUSINESS METHODS ===

    def _plan(self):
        """Return what was asked for."""
        cards = self.env["telecom.rate.card"]
        return ResellerPlan(
            partner=self.partner_id._origin,
            name=(self.name or "").strip(),
            email=(self.email or "").strip(),
            phone=self.phone,
            country=self.country_id._origin,
            account_code=self.account_code,
            kind=self.kind,
            seller=self.seller_id._origin,
            rate_card=self.rate_card_id._origin,
            pricelist=self.pricelist_id._origin,
            brand_name=self.brand_name,
            invoice_prefix=self.invoice_prefix,
            logo=self.logo,
            base_card=self.base_card_id._origin if self.makes_card else cards,
            markup_percent=self.markup_percent,
            price_digits=self.price_digits,
            service_percent=self.service_percent,
            makes_pricelist=self.makes_pricelist,
            own_company=self.own_company,
            currency=self.currency_id._origin,
            chart=self.chart_template,
            tax_percent=self.tax_percent,
            mirror_bill=self.mirror_bill,
            invite=self.invite,
        )
