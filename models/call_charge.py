from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .bulk import BulkMany2one
from .sellers import sold_calls


class CallCharge(models.Model):
    """The price of one call at one tier. Written by rating only."""

    _name = "telecom.call.charge"
    _description = "Call Charge"
    _log_access = False
    _order = "call_date desc, id desc"

    cdr_id = BulkMany2one("telecom.cdr", string="Call", required=True)
    partner_id = BulkMany2one("res.partner", string="Account", required=True)
    tier = fields.Integer(required=True, help="0 is the account that called, 1 its reseller.")
    rate_id = BulkMany2one("telecom.rate")
    destination = fields.Char(required=True)
    billed_seconds = fields.Integer(required=True)
    free_seconds = fields.Integer(required=True)
    amount = fields.Float(digits=(20, 8), min_display_digits=4, required=True)
    currency_id = BulkMany2one("res.currency", required=True)
    call_date = fields.Datetime(required=True)
    period_id = BulkMany2one(
        "telecom.billing.period", string="Billing Period", required=True, index=True
    )
    move_id = fields.Many2one(related="period_id.move_id", string="Invoice")
    src = fields.Char(related="cdr_id.src")
    dst = fields.Char(related="cdr_id.dst")
    resold_to_id = fields.Many2one(
        "res.partner",
        compute="_compute_resold_to_id",
        search="_search_resold_to_id",
        help="The account to which a reseller resold the call.",
    )

    _once_per_tier = models.UniqueIndex(
        "(cdr_id, partner_id)", "A call is charged once per account."
    )

    @api.depends("cdr_id", "tier", "partner_id")
    def _compute_resold_to_id(self):
        self.flush_model()
        self.env.cr.execute(
            f"""
            WITH charge AS (
                SELECT * FROM telecom_call_charge WHERE cdr_id IN (
                    SELECT cdr_id FROM telecom_call_charge WHERE id = ANY(%s))
            )
            SELECT id, resold_to_id FROM ({sold_calls("charge")}) sold
            """,
            [self.ids],
        )
        below = dict(self.env.cr.fetchall())
        for charge in self:
            charge.resold_to_id = below.get(charge.id, False)

    def _search_resold_to_id(self, operator, value):
        """Find what was resold to accounts: theirs is the next charge of the same call, that of
        an agent in between left out."""
        if operator != "in":
            return NotImplemented

        def to_sql(_model, alias, _query):
            accounts = [account for account in value if account]
            found = SQL(
                """
                EXISTS (
                    SELECT 1 FROM telecom_call_charge below
                     WHERE below.cdr_id = %(charge)s.cdr_id AND below.tier < %(charge)s.tier
                       AND below.partner_id = ANY(%(accounts)s)
                       AND NOT EXISTS (
                            SELECT 1 FROM telecom_call_charge between_them
                              JOIN res_partner account ON account.id = between_them.partner_id
                             WHERE between_them.cdr_id = below.cdr_id
                               AND between_them.tier > below.tier
                               AND between_them.tier < %(charge)s.tier
                               AND account.reseller_kind IS DISTINCT FROM 'agent'))
                """,
                charge=SQL.identifier(alias),
                accounts=accounts,
            )
            if False in value:
                found = SQL("(%s OR %s.tier = 0)", found, SQL.identifier(alias))
            return found

        return Domain.custom(to_sql=to_sql)

    @api.depends("cdr_id", "destination")
    def _compute_display_name(self):
        for charge in self:
            charge.display_name = f"{charge.destination} {charge.dst or ''}".strip()
