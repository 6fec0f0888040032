from odoo import api, fields, models
from odoo.tools import SQL

AMOUNT = {"digits": (20, 8), "min_display_digits": 2, "readonly": True}


class ReconciliationReport(models.Model):
    """What was charged, invoiced and is still to be invoiced, per account and currency.

    What is invoiced is read from the lines of telecom invoices that are not cancelled, also of
    one that no billing period knows; what is to be invoiced, from the periods. When these and
    the charges tell different stories, the difference is not zero.
    """

    _name = "telecom.reconciliation.report"
    _description = "Reconciliation of Charges and Invoices"
    _auto = False
    _rec_name = "partner_id"
    _order = "partner_id, id"
    _depends = {
        "telecom.usage": ["amount", "currency_id", "partner_id", "period_id", "tier"],
        "telecom.charge": ["amount", "currency_id", "partner_id", "period_id", "tier"],
        "telecom.billing.period": ["company_id", "move_id", "partner_id"],
        "account.move": ["company_id", "move_type", "partner_id", "state", "telecom_profile_id"],
        "account.move.line": [
            "currency_id",
            "discount",
            "move_id",
            "price_unit",
            "quantity",
            "telecom_section",
        ],
        "res.partner": ["reseller_kind"],
    }

    partner_id = fields.Many2one("res.partner", string="Account", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    usage_amount = fields.Float("Calls", **AMOUNT)
    charge_amount = fields.Float("Charges", help="All that is charged besides calls.", **AMOUNT)
    invoiced_amount = fields.Float(
        "Invoiced", help="Telecom lines of the account's invoices.", **AMOUNT
    )
    unbilled_amount = fields.Float(
        "To Invoice", help="Calls and charges of billing periods without an invoice.", **AMOUNT
    )
    difference = fields.Float(
        help="Calls and charges less what is invoiced and to invoice. Zero when all is well.",
        **AMOUNT,
    )

    @property
    def _table_query(self):
        """Return the query. All of it is computed in numeric columns, to the last digit.

        An agent is not invoiced for what its customers use: they are, in the provider's books.
        The unit price of an invoice line is a double: times the quantity and rounded to the
        currency, as Odoo does for the amount of the line, it is exact again. The amount itself
        will not do: where taxes are in the price, it is without them.
        """
        return SQL(
            """
            WITH charged AS (
                SELECT usage.period_id, usage.partner_id, usage.currency_id,
                       sum(usage.amount) AS calls, 0 AS other
                  FROM telecom_usage usage
                  JOIN res_partner account ON account.id = usage.partner_id
                 WHERE usage.tier = 0 OR account.reseller_kind IS DISTINCT FROM 'agent'
                 GROUP BY usage.period_id, usage.partner_id, usage.currency_id
             UNION ALL
                SELECT charge.period_id, charge.partner_id, charge.currency_id,
                       0, sum(charge.amount)
                  FROM telecom_charge charge
                  JOIN res_partner account ON account.id = charge.partner_id
                 WHERE charge.tier = 0 OR account.reseller_kind IS DISTINCT FROM 'agent'
                 GROUP BY charge.period_id, charge.partner_id, charge.currency_id
            ), invoiced_period AS (
                SELECT DISTINCT move_id, partner_id, company_id
                  FROM telecom_billing_period WHERE move_id IS NOT NULL
            ), invoice AS (
                SELECT move.id, move.move_type,
                       COALESCE(period.partner_id, move.partner_id) AS partner_id,
                       COALESCE(period.company_id, move.company_id) AS company_id
                  FROM account_move move
             LEFT JOIN invoiced_period period ON period.move_id = move.id
                 WHERE move.telecom_profile_id IS NOT NULL AND move.state != 'cancel'
            ), entry AS (
                -- what refers to no period that there is will be on no invoice, and must show
                SELECT charged.partner_id, period.company_id, charged.currency_id,
                       charged.calls, charged.other, 0 AS invoiced,
                       CASE WHEN period.id IS NOT NULL AND period.move_id IS NULL
                            THEN charged.calls + charged.other ELSE 0 END AS unbilled
                  FROM charged
             LEFT JOIN telecom_billing_period period ON period.id = charged.period_id
             UNION ALL
                SELECT invoice.partner_id, invoice.company_id, line.currency_id, 0, 0,
                       CASE WHEN invoice.move_type = 'out_refund' THEN -1 ELSE 1 END * round(
                           (line.quantity * line.price_unit
                            * (1 - COALESCE(line.discount, 0) / 100))::numeric,
                           currency.decimal_places
                       ),
                       0
                  FROM invoice
                  JOIN account_move_line line ON line.move_id = invoice.id
                  JOIN res_currency currency ON currency.id = line.currency_id
                 WHERE line.telecom_section IS NOT NULL
            ), account AS (
                SELECT partner_id, company_id, currency_id,
                       sum(calls) AS usage_amount, sum(other) AS charge_amount,
                       sum(invoiced) AS invoiced_amount, sum(unbilled) AS unbilled_amount
                  FROM entry
                 GROUP BY partner_id, company_id, currency_id
            )
            SELECT row_number() OVER (ORDER BY partner_id, company_id, currency_id) AS id,
                   account.*,
                   usage_amount + charge_amount - invoiced_amount - unbilled_amount AS difference
              FROM account
            """
        )

    # === ACTIONS ===

    def action_open_periods(self):
        """Open the billing periods of this account."""
        self.ensure_one()
        return self._open_periods(
            [("partner_id", "=", self.partner_id.id), ("company_id", "=", self.company_id.id)]
        )

    def action_check_usage(self):
        """Compare usage with the calls behind it, for the selected accounts or for all."""
        periods = self._check_usage(self.partner_id if self else None)
        known = periods.exists()
        if periods - known:
            return self._notify(
                "danger",
                self.env._(
                    "Calls are charged to billing periods that do not exist: %s. They would be on "
                    "no invoice.",
                    ", ".join(map(str, (periods - known).ids)),
                ),
            )
        if known:
            return self._open_periods([("id", "in", known.ids)])
        return self._notify(
            "success", self.env._("The usage is the sum of the calls, to the last digit.")
        )

    def _notify(self, kind, message):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"message": message, "type": kind, "sticky": kind == "danger"},
        }

    def _open_periods(self, domain):
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "telecom_billing.billing_period_action"
        )
        action.update(domain=domain, context={})
        return action

    # === BUSINESS METHODS ===

    @api.model
    def _check_usage(self, partners=None):
        """Return the billing periods whose usage is not the sum of their call charges, and those
        that do not exist although usage or calls refer to them.

        It reads every call, of which there may be many millions; so this is no column of the
        report, which must open at once, but a check of its own.

        :param partners: accounts to which it is limited; None for all
        """
        self.check_access("read")
        for name in ("telecom.usage", "telecom.call.charge"):
            self.env[name].flush_model()
        only = SQL("partner_id = ANY(%s)", partners.ids) if partners is not None else SQL("TRUE")
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT period_id FROM (
                    SELECT period_id, partner_id, tier, destination, currency_id,
                           sum(calls) AS calls, sum(seconds) AS seconds,
                           sum(free_seconds) AS free_seconds, sum(amount) AS amount
                      FROM telecom_usage WHERE %(only)s
                     GROUP BY period_id, partner_id, tier, destination, currency_id
                 UNION ALL
                    SELECT period_id, partner_id, tier, destination, currency_id,
                           -count(*), -sum(billed_seconds), -sum(free_seconds), -sum(amount)
                      FROM telecom_call_charge WHERE %(only)s
                     GROUP BY period_id, partner_id, tier, destination, currency_id
                ) compared
                 GROUP BY period_id, partner_id, tier, destination, currency_id
                HAVING sum(calls) != 0 OR sum(seconds) != 0
                    OR sum(free_seconds) != 0 OR sum(amount) != 0
             UNION
                SELECT period_id FROM (
                    SELECT DISTINCT period_id FROM telecom_usage WHERE %(only)s
                     UNION
                    SELECT DISTINCT period_id FROM telecom_call_charge WHERE %(only)s
                ) used
                 WHERE NOT EXISTS (SELECT FROM telecom_billing_period period
                                    WHERE period.id = used.period_id)
                """,
                only=only,
            )
        )
        return self.env["telecom.billing.period"].browse(row[0] for row in rows)
