from odoo import api, fields, models
from odoo.tools import SQL

EXACT = {"digits": (20, 8), "min_display_digits": 2, "readonly": True}


class MarginReport(models.Model):
    """What each seller takes for what it sells, and what it pays for it.

    A seller is the provider (no reseller) or a distributor. What an account is charged is the
    revenue of who sold it; what a distributor is charged for its customers is its cost. Both are
    told by the rows themselves, which keep who sold to whom when they were made: a customer that
    moves to another reseller leaves its history with the one before. So tier n's cost is tier
    n+1's revenue, row by row, and the margins of all tiers add up to what is charged to those
    who use it. The provider pays nobody here: its carriers are no part of this.

    Agents sell in the books of the tier above: their customers are that seller's customers, at
    the price that these pay, and what the agent earns is a cost of that seller, of the kind
    "commission". What an agent with purchase prices is charged for its customers is on no
    invoice, and in no margin; nor does an agent that a customer has today decide about figures.

    The report adds up usage and charges, so it is flat in the number of calls.
    """

    _name = "telecom.margin.report"
    _description = "Margin"
    _auto = False
    _rec_name = "customer_id"
    _order = "date desc, id desc"
    _depends = {
        "telecom.usage": [
            "amount",
            "calls",
            "currency_id",
            "customer_id",
            "day",
            "destination",
            "direction",
            "free_seconds",
            "partner_id",
            "period_id",
            "resold_as",
            "resold_to_id",
            "seconds",
            "seller_id",
            "tier",
        ],
        "telecom.charge": [
            "amount",
            "charge_type",
            "company_id",
            "currency_id",
            "customer_id",
            "date",
            "partner_id",
            "product_id",
            "resold_to_id",
            "seller_id",
            "tier",
        ],
        "telecom.billing.period": ["company_id"],
        "telecom.commission": [
            "amount",
            "company_id",
            "currency_id",
            "customer_id",
            "date",
            "partner_id",
            "seller_id",
            "state",
        ],
        "telecom.billing.profile": ["active", "company_id", "owner_id"],
        "res.company": ["currency_id", "parent_path"],
        "res.currency": ["active"],
        "res.currency.rate": ["company_id", "currency_id", "name", "rate"],
        "res.partner": ["reseller_id", "reseller_kind"],
        "telecom.rate.card": ["currency_id"],
    }

    date = fields.Date(string="Day", readonly=True, help="Day of the calls; when a charge is due.")
    kind = fields.Selection(
        lambda self: [
            ("calls", self.env._("Calls")),
            *self.env["telecom.charge"]._fields["charge_type"]._description_selection(self.env),
        ],
        readonly=True,
    )
    seller_id = fields.Many2one(
        "res.partner",
        string="Reseller",
        readonly=True,
        help="Who sold it, in its own books; empty for the provider.",
    )
    customer_id = fields.Many2one(
        "res.partner",
        readonly=True,
        help="To whom the seller sold it: a customer of its own, or a reseller.",
    )
    end_customer_id = fields.Many2one(
        "res.partner", readonly=True, help="The account that called or has the service."
    )
    agent_id = fields.Many2one(
        "res.partner",
        readonly=True,
        help="The agent that earns a commission; of all else, the agent that the customer has "
        "today.",
    )
    product_id = fields.Many2one("product.product", readonly=True)
    direction = fields.Selection([("outbound", "Outbound"), ("inbound", "Inbound")], readonly=True)
    destination = fields.Char(
        readonly=True, help="By the seller's rates; what the seller pays for it stands beside it."
    )
    company_id = fields.Many2one(
        "res.company", readonly=True, help="In whose books the seller sells."
    )
    company_currency_id = fields.Many2one("res.currency", readonly=True)
    currency_id = fields.Many2one("res.currency", string="Charged In", readonly=True)
    calls = fields.Integer(readonly=True)
    minutes = fields.Float(digits=(20, 2), readonly=True)
    free_minutes = fields.Float(digits=(20, 2), readonly=True, help="Of the minutes.")
    revenue = fields.Monetary(currency_field="company_currency_id", readonly=True)
    cost = fields.Monetary(currency_field="company_currency_id", readonly=True)
    margin = fields.Monetary(currency_field="company_currency_id", readonly=True)
    revenue_currency = fields.Float("Revenue as Charged", **EXACT)
    cost_currency = fields.Float("Cost as Charged", **EXACT)
    margin_currency = fields.Float("Margin as Charged", **EXACT)
    is_converted = fields.Boolean(
        string="In Company Currency",
        readonly=True,
        help="Not for what was charged in a currency that had no exchange rate on that day.",
    )

    @property
    def _table_query(self):
        """Return the query, in numeric columns to the last digit.

        Amounts in the company's currency are at Odoo's rate of the row's day: the company's last
        one until then. Where there is none they are empty, and the row says so: no rate is
        taken as 1. The last digit is in the columns "as charged".
        """
        return SQL(
            """
            WITH %(rates)s
            SELECT entry.id, entry.date, entry.kind, entry.seller_id, entry.customer_id,
                   entry.end_customer_id, COALESCE(entry.agent_id, agent.id) AS agent_id,
                   entry.product_id, entry.direction, entry.destination, entry.company_id,
                   company.currency_id AS company_currency_id, entry.currency_id,
                   entry.calls, entry.seconds / 60.0 AS minutes,
                   entry.free_seconds / 60.0 AS free_minutes,
                   entry.revenue * conversion.rate AS revenue,
                   entry.cost * conversion.rate AS cost,
                   (entry.revenue - entry.cost) * conversion.rate AS margin,
                   entry.revenue AS revenue_currency, entry.cost AS cost_currency,
                   entry.revenue - entry.cost AS margin_currency,
                   conversion.rate IS NOT NULL AS is_converted
              FROM (%(sales)s) entry
         LEFT JOIN res_company company ON company.id = entry.company_id
         LEFT JOIN res_partner customer ON customer.id = entry.customer_id
         LEFT JOIN res_partner agent
                ON agent.id = customer.reseller_id AND agent.reseller_kind = 'agent'
         LEFT JOIN day_conversion
                ON day_conversion.company_id = entry.company_id
               AND day_conversion.currency_id = entry.currency_id
               AND day_conversion.day = entry.date
        CROSS JOIN LATERAL (
                SELECT CASE WHEN entry.currency_id = company.currency_id THEN 1
                            ELSE day_conversion.rate END AS rate
              ) conversion
            """,
            rates=self._rates(),
            sales=SQL(" UNION ALL ").join(self._sales()),
        )

    @api.model
    def _rates(self):
        """Return common table expressions, the last of which is `day_conversion`: by how much to
        multiply an amount in a currency on a day, for the currency of a company.

        A rate holds until the company's next one; one of all companies until the company has one
        of its own. There is a row a day, so that millions of rows find theirs by hashing.
        """
        return SQL(
            """
            rate_span AS (
                SELECT company.id AS company_id, rate.currency_id, rate.rate, rate.name AS since,
                       lead(rate.name) OVER (
                           PARTITION BY company.id, rate.currency_id ORDER BY rate.name
                       ) AS until
                  FROM res_company company
            CROSS JOIN LATERAL (
                        SELECT split_part(company.parent_path, '/', 1)::integer AS id) root
                  JOIN res_currency_rate rate
                    ON rate.company_id = root.id
                    OR rate.company_id IS NULL AND NOT EXISTS (
                            SELECT 1 FROM res_currency_rate own
                             WHERE own.currency_id = rate.currency_id
                               AND own.company_id = root.id AND own.name <= rate.name)
                 WHERE rate.currency_id IN (
                            SELECT id FROM res_currency WHERE active
                             UNION SELECT currency_id FROM telecom_rate_card)
            ), reported AS (
                SELECT LEAST((SELECT min(day) FROM telecom_usage),
                             (SELECT min(date) FROM telecom_commission),
                             (SELECT min(date) FROM telecom_charge)) AS first,
                       LEAST(GREATEST((SELECT max(day) FROM telecom_usage),
                                      (SELECT max(date) FROM telecom_commission),
                                      (SELECT max(date) FROM telecom_charge)),
                             CURRENT_DATE + 1000) AS last
            ), day_rate AS (
                SELECT company_id, currency_id, rate, day::date
                  FROM rate_span
            CROSS JOIN reported
            CROSS JOIN generate_series(GREATEST(since, first),
                                       LEAST(until - 1, last), interval '1 day') AS day
            ), day_conversion AS (
                SELECT charged.company_id, charged.currency_id, charged.day,
                       -- the currency in which others are quoted needs no rate of its own
                       COALESCE(own.rate, 1) / charged.rate AS rate
                  FROM day_rate charged
                  JOIN res_company company ON company.id = charged.company_id
             LEFT JOIN day_rate own
                    ON own.company_id = charged.company_id AND own.day = charged.day
                   AND own.currency_id = company.currency_id
                 WHERE charged.currency_id != company.currency_id AND charged.rate != 0
            )
            """
        )

    @api.model
    def _sales(self):
        """Return the parts of the report, each a query on usage or charges.

        A row that was resold is in two of them: revenue of who sold it, and cost of its account,
        who resold it.
        """
        return [
            # who called, or resold the call, paid for it
            SQL(
                """
                SELECT usage.id::bigint * 5 AS id, usage.day AS date, 'calls' AS kind,
                       usage.seller_id, usage.partner_id AS customer_id,
                       usage.customer_id AS end_customer_id, NULL::integer AS agent_id,
                       NULL::integer AS product_id, usage.direction, usage.destination,
                       period.company_id, usage.currency_id, usage.calls, usage.seconds,
                       usage.free_seconds, usage.amount AS revenue, 0::numeric AS cost
                  FROM telecom_usage usage
                  JOIN telecom_billing_period period ON period.id = usage.period_id
                  JOIN res_partner account ON account.id = usage.partner_id
                 WHERE usage.tier = 0 OR account.reseller_kind IS DISTINCT FROM 'agent'
                """
            ),
            # what that cost who resold it, under the destination of the sale, in the books in
            # which it sells
            SQL(
                """
                SELECT usage.id::bigint * 5 + 1, usage.day, 'calls', usage.partner_id,
                       usage.resold_to_id, usage.customer_id, NULL, NULL, usage.direction,
                       COALESCE(usage.resold_as, usage.destination),
                       COALESCE(profile.company_id, period.company_id), usage.currency_id,
                       0, 0, 0, 0, usage.amount
                  FROM telecom_usage usage
                  JOIN telecom_billing_period period ON period.id = usage.period_id
                  JOIN res_partner account ON account.id = usage.partner_id
             LEFT JOIN telecom_billing_profile profile
                    ON profile.owner_id = usage.partner_id AND profile.active
                 WHERE usage.resold_to_id IS NOT NULL
                   AND account.reseller_kind IS DISTINCT FROM 'agent'
                """
            ),
            SQL(
                """
                SELECT charge.id::bigint * 5 + 2, charge.date, charge.charge_type,
                       charge.seller_id, charge.partner_id,
                       COALESCE(charge.customer_id, charge.partner_id), NULL, charge.product_id,
                       NULL, NULL, charge.company_id, charge.currency_id, 0, 0, 0,
                       charge.amount, 0
                  FROM telecom_charge charge
                  JOIN res_partner account ON account.id = charge.partner_id
                 WHERE charge.tier = 0 OR account.reseller_kind IS DISTINCT FROM 'agent'
                """
            ),
            # what it cost who resold it
            SQL(
                """
                SELECT charge.id::bigint * 5 + 3, charge.date, charge.charge_type,
                       charge.partner_id, charge.resold_to_id, charge.customer_id, NULL,
                       charge.product_id, NULL, NULL,
                       COALESCE(profile.company_id, charge.company_id), charge.currency_id,
                       0, 0, 0, 0, charge.amount
                  FROM telecom_charge charge
                  JOIN res_partner account ON account.id = charge.partner_id
             LEFT JOIN telecom_billing_profile profile
                    ON profile.owner_id = charge.partner_id AND profile.active
                 WHERE charge.resold_to_id IS NOT NULL
                   AND account.reseller_kind IS DISTINCT FROM 'agent'
                """
            ),
            # what an agent has earned by its customers is a cost of who sells
            SQL(
                """
                SELECT commission.id::bigint * 5 + 4, commission.date, 'commission',
                       commission.seller_id, commission.customer_id, commission.customer_id,
                       commission.partner_id, NULL, NULL, NULL, commission.company_id,
                       commission.currency_id, 0, 0, 0, 0, commission.amount
                  FROM telecom_commission commission
                 WHERE commission.state != 'waiting'
                """
            ),
        ]

    # === BUSINESS METHODS ===

    @api.model
    def _domain_of(self, reseller):
        """Return what a reseller may see: its own sales, with what it pays for them.

        What its supplier pays, and what others sell, is in rows of other sellers. An agent sells
        in the books of another, whose costs are not its business: it sees its commissions.

        :param reseller: account, a distributor or an agent
        :return: domain on this model
        """
        reseller.ensure_one()
        if reseller.reseller_kind == "agent":
            return [("agent_id", "=", reseller.id), ("kind", "=", "commission")]
        return [("seller_id", "=", reseller.id)]
