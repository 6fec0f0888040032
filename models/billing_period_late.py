from datetime import timedelta

from odoo import api, fields, models

from ..engine.calendar import local_day, midnight_utc


class BillingPeriod(models.Model):
    """What an issuer sold before the account moved away, but was told of after its last invoice.

    A call that comes late, or the correction of a service, is invoiced by whoever sold it: it is
    no revenue of the account's issuer of today, which may have other books. As there is no time
    left of which it could be, it is in a period that stands for the day on which it came, and
    takes no part in the row of the account's periods. It ends with that day, and is invoiced.
    """

    _inherit = "telecom.billing.period"

    is_late = fields.Boolean(
        string="Sold Before a Move",
        readonly=True,
        help="Holds what the former issuer sold, but was told of after its last invoice.",
    )

    # === BUSINESS METHODS ===

    @api.model
    def _moves_between_issuers(self, account_ids):
        """Return {account id: moments at which it moved to another issuer}, as text, oldest first,
        of those that ever did."""
        self.env.cr.execute(
            """
            SELECT partner_id, array_agg(DISTINCT sold_until::text ORDER BY sold_until::text)
              FROM telecom_billing_period
             WHERE partner_id = ANY(%s) AND sold_until IS NOT NULL AND is_manual IS NOT TRUE
             GROUP BY partner_id
            """,
            [account_ids],
        )
        return dict(self.env.cr.fetchall())

    @api.model
    def _ensure_late(self, moves):
        """Have an open period for what was sold to accounts before they moved.

        :param moves: {account id: moments of moves, as text}
        """
        for account_id, moments in moves.items():
            for moment in moments:
                until = fields.Datetime.to_datetime(moment)
                account = self.env["res.partner"].browse(account_id)
                tz = account._account_tz()
                day = local_day(fields.Datetime.now(), tz)
                end = day + timedelta(days=1)
                values = {
                    "date_from": day,
                    "date_to": end,
                    "start": midnight_utc(day, tz),
                    "stop": midnight_utc(end, tz),
                    "state": "open",
                }
                of_move = [("partner_id", "=", account_id), ("sold_until", "=", until)]
                # one in which nothing was left, such as a call without a rate
                unused = self.search(
                    [*of_move, ("is_late", "=", True), ("state", "=", "skipped")], limit=1
                )
                if unused:
                    unused.write(values)
                    continue
                last = self.search([*of_move, ("is_manual", "=", False)], limit=1)
                self.create(
                    {
                        **values,
                        "partner_id": account_id,
                        "company_id": last.company_id.id,
                        "profile_id": last.profile_id.id,
                        "sold_until": until,
                        "is_manual": True,
                        "is_late": True,
                    }
                )
