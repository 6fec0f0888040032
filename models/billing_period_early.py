from contextlib import closing

from odoo import fields, models
from odoo.exceptions import UserError

from ..engine.calendar import midnight_utc
from .billing_until import day_of
from .invoice_question import InvoiceQuestion
from .sellers import sold_calls


class BillingPeriod(models.Model):
    """Closing a period early: it is cut at a midnight, and another one goes on from there.

    Nothing closes that has not ended, so that the day that is going on is left to the rest: an
    account's calls of today are on its next invoice, whenever they are rated. The rest ends
    where the whole period would have ended, at the regular edge.
    """

    _inherit = "telecom.billing.period"

    def _cut(self, until, run):
        """Cut these open periods at the midnight that begins the day until which is billed,
        where the part before it makes an invoice.

        :param until: date, or UTC datetime whose day each account has for itself; never later
            than the account's own today
        :param run: the `telecom.billing.run` that does so
        :raises ConcurrencyError: when charges were added meanwhile; the batch is then repeated
        """
        # whoever adds a call adds its usage, too, and there is far less of it
        self._wait_for_charges("telecom_usage", "telecom_charge")
        self.invalidate_recordset()
        zones = self.partner_id._account_zones()
        # the day of a move to another issuer belongs to both: it is not cut
        for period in self.filtered(lambda p: p.state == "open" and not p.sold_until):
            tz = zones[period.partner_id.id]
            day = min(day_of(fields.Datetime.now(), tz), day_of(until, tz))
            moment = midnight_utc(day, tz)
            if period.date_from < day < period.date_to and period.start < moment < period.stop:
                period._cut_at(day, moment, run)

    def _cut_at(self, day, moment, run):
        """Cut this period; leave it as it is when no invoice would be made.

        :param date day: first day of the rest
        :param datetime moment: at which that day begins, UTC
        """
        self.ensure_one()
        savepoint = self.env.cr.savepoint()
        with closing(savepoint):
            rest = (self.partner_id.id, self.company_id.id, day, self.date_to, moment, self.stop)
            self.write({"date_to": day, "stop": moment})
            self.flush_recordset()
            self._insert([rest])
            rest = self.search(
                [
                    ("partner_id", "=", self.partner_id.id),
                    ("date_from", "=", day),
                    ("is_manual", "=", False),
                ]
            )
            self._move_charges_since(day, rest)
            self._move_calls_since(moment, rest)
            if self._makes_invoice(run):
                savepoint.close(rollback=False)

    def _makes_invoice(self, run):
        """Tell whether there is an invoice to be made, or a failure to be told."""
        try:
            return InvoiceQuestion(self.env, self, run).makes_invoice()
        except UserError:
            return True

    def _move_charges_since(self, day, rest):
        """Move the charges that would be made in the rest now: those of services are in the
        period that ends on their day or later, others in the one that contains it."""
        self.env["telecom.charge"].flush_model()
        self.env.cr.execute(
            """
            UPDATE telecom_charge SET period_id = %s
             WHERE period_id = %s
               AND (date > %s OR date = %s AND subscription_id IS NULL)
            """,
            [rest.id, self.id, day, day],
        )
        self.env["telecom.charge"].invalidate_model(flush=False)

    def _move_calls_since(self, moment, rest):
        """Move the calls since a moment, and their usage, which is only ever appended to."""
        cr = self.env.cr
        cr.execute(
            """
            SELECT DISTINCT c.partner_id
              FROM telecom_call_charge g JOIN telecom_cdr c ON c.id = g.cdr_id
             WHERE g.period_id = %s AND g.call_date >= %s
            """,
            [self.id, moment],
        )
        customers = self.env["res.partner"].browse(row[0] for row in cr.fetchall())
        if not customers:
            return
        # usage is counted on the day of whoever called
        zones = list(customers._account_zones().items())
        cr.execute_values(
            """
            WITH charge AS (
                SELECT * FROM telecom_call_charge
                 WHERE cdr_id IN (SELECT cdr_id FROM telecom_call_charge
                                   WHERE period_id = {period}
                                     AND call_date >= '{moment}'::timestamp)
            ), sold AS ({sold}), moved AS (
                SELECT g.partner_id, c.partner_id AS customer_id, g.tier, g.seller_id,
                       g.resold_to_id,
                       (g.call_date AT TIME ZONE 'UTC' AT TIME ZONE zone.tz)::date AS day,
                       c.direction, g.destination, g.resold_as, g.currency_id,
                       count(*) AS calls, sum(g.billed_seconds) AS seconds,
                       sum(g.free_seconds) AS free_seconds, sum(g.amount) AS amount
                  FROM (VALUES %s) AS zone (partner_id, tz)
                  JOIN telecom_cdr c ON c.partner_id = zone.partner_id
                  JOIN sold g ON g.cdr_id = c.id
                 WHERE g.period_id = {period}
                 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
            )
            INSERT INTO telecom_usage (
                period_id, partner_id, customer_id, tier, seller_id, resold_to_id, day, direction,
                destination, resold_as, currency_id, calls, seconds, free_seconds, amount)
            SELECT side.period_id, partner_id, customer_id, tier, seller_id, resold_to_id, day,
                   direction, destination, resold_as, currency_id,
                   sign * calls, sign * seconds, sign * free_seconds, sign * amount
              FROM moved
             CROSS JOIN LATERAL (VALUES ({period}, -1), ({rest}, 1)) AS side (period_id, sign)
            """.format(
                period=int(self.id),
                rest=int(rest.id),
                moment=moment.isoformat(),
                sold=sold_calls("charge"),
            ),
            zones,
        )
        cr.execute(
            "UPDATE telecom_call_charge SET period_id = %s"
            " WHERE period_id = %s AND call_date >= %s",
            [rest.id, self.id, moment],
        )
        for model in ("telecom.call.charge", "telecom.usage"):
            self.env[model].invalidate_model(flush=False)
