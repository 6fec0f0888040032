from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    telecom_profile_id = fields.Many2one(
        related="company_id.billing_profile_id",
        string="Billing Profile",
        readonly=False,
        domain="[('company_id', '=', company_id), ('owner_id', '=', False)]",
    )
    telecom_tz = fields.Selection(related="telecom_profile_id.tz", readonly=False)
    telecom_journal_id = fields.Many2one(related="telecom_profile_id.journal_id", readonly=False)
    telecom_mode = fields.Selection(related="telecom_profile_id.mode", readonly=False)
    telecom_invoice_date_rule = fields.Selection(
        related="telecom_profile_id.invoice_date_rule", readonly=False
    )
    telecom_payment_term_id = fields.Many2one(
        related="telecom_profile_id.payment_term_id", readonly=False
    )
    telecom_due_days = fields.Integer(related="telecom_profile_id.due_days", readonly=False)
    telecom_no_usage = fields.Selection(related="telecom_profile_id.no_usage", readonly=False)
    telecom_rules_currency_id = fields.Many2one(related="telecom_profile_id.rules_currency_id")
    telecom_minimum_amount = fields.Monetary(
        related="telecom_profile_id.minimum_amount",
        currency_field="telecom_rules_currency_id",
        readonly=False,
    )
    telecom_carry_periods = fields.Integer(
        related="telecom_profile_id.carry_periods", readonly=False
    )
    telecom_unrated = fields.Selection(related="telecom_profile_id.unrated", readonly=False)
    telecom_send_mail = fields.Boolean(related="telecom_profile_id.send_mail", readonly=False)
    telecom_line_detail = fields.Selection(related="telecom_profile_id.line_detail", readonly=False)
    telecom_annex = fields.Selection(related="telecom_profile_id.annex", readonly=False)
    telecom_country_id = fields.Many2one(related="telecom_profile_id.country_id", readonly=False)
    telecom_bare_numbers = fields.Selection(
        related="telecom_profile_id.bare_numbers", readonly=False
    )
    telecom_commission_product_id = fields.Many2one(
        related="company_id.telecom_commission_product_id", readonly=False
    )
    telecom_commission_mode = fields.Selection(
        related="company_id.telecom_commission_mode", readonly=False
    )

    def action_open_telecom_profile(self):
        """Open the company's billing profile, where all its rules stand."""
        self.ensure_one()
        return self.company_id._ensure_billing_profile().with_env(self.env).get_formview_action()
