from datetime import timedelta

from odoo import api, fields, models

from ..engine.calendar import local_day, midnight_utc
from .account_chain import AccountChain


class BillingPeriod(models.Model):
    """What becomes of an account's open periods when another issuer bills it from now on.

    What was sold before is invoiced by whoever sold it, also when it is charged later. The
    period that is going on ends with the day of the move: the former issuer invoices it. Of that
    day, what is sold from the moment of the move on is in the period after it.
    """

    _inherit = "telecom.billing.period"

    profile_id = fields.Many2one(
        "telecom.billing.profile",
        string="Invoiced By",
        readonly=True,
        ondelete="restrict",
        help="The issuer from which the account moved away; empty: the one in force.",
    )
    sold_from = fields.Datetime(
        readonly=True,
        help="The account moved to another issuer at this moment; calls from then on are in this "
        "period.",
    )
    sold_until = fields.Datetime(
        readonly=True,
        help="The account moved to another issuer at this moment; calls from then on are in the "
        "next period.",
    )

    # === BUSINESS METHODS ===

    def _billing_rules(self, chain=None):
        # one whose books are others by now issues no more in those of the period
        if not self.profile_id or self.profile_id.company_id != self.company_id:
            return super()._billing_rules(chain)
        chain = chain or AccountChain(self.env)
        return chain.rules(self.partner_id, self.profile_id)

    def _sold_by(self):
        """Return (the issuer from which the account moved away, until when it sold what is here);
        nothing of a period of the issuer in force."""
        self.ensure_one()
        until = (self.sold_until or self.stop) if self.profile_id else False
        return self.profile_id, until

    def _tiers_at_end(self, chain):
        """Return the account and those above it who sold what is in this period: on its last
        day, or until the account moved to another issuer.

        :param chain: the `AccountChain` to ask
        """
        self.ensure_one()
        if self.sold_until:
            return chain.tiers_at(self.partner_id, self.sold_until - timedelta(seconds=1))
        return chain.tiers_on(self.partner_id, fields.Date.subtract(self.date_to, days=1))

    @api.model
    def _stay_with(self, issuers, moment):
        """Leave what was sold to these accounts before a moment to those who issued it.

        :param issuers: {account: billing profile that was in force until then}
        :param datetime moment: at which the accounts moved, UTC
        """
        pending = self._first_waiting(issuers)
        known = self._known([account.id for account in issuers])
        bounds = {
            account.id: (min(pending.get(account.id, str(moment)), str(moment)), str(moment))
            for account in issuers
            # else nothing was sold, and nothing waits to be charged
            if account.id in known or account.id in pending
        }
        if not bounds:
            return
        self._ensure(bounds)
        affected = self.search(
            [
                ("partner_id", "in", list(bounds)),
                ("state", "in", ("open", "carried")),
                ("is_manual", "=", False),
                ("profile_id", "=", False),
                "|",
                ("start", "<=", moment),
                ("sold_from", "<=", moment),
            ]
        )
        affected.filtered(lambda p: p.state == "open")._wait_for_charges(
            "telecom_usage", "telecom_charge"
        )
        for period in affected:
            period.profile_id = issuers[period.partner_id]
        # the former issuer has no later invoice on which they would be
        affected.filtered(lambda p: p.state == "carried").write({"state": "closed"})
        zones = affected.partner_id._account_zones()
        for period in affected.filtered(lambda p: p.state == "open" and p.stop > moment):
            period._end_with_day_of(moment, zones[period.partner_id.id])

    def _end_with_day_of(self, moment, tz):
        """End this period with the day on which the account moved; another one goes on."""
        self.ensure_one()
        end = fields.Date.add(local_day(moment, tz), days=1)
        stop = midnight_utc(end, tz)
        account = self.partner_id
        of_account = [("partner_id", "=", account.id), ("is_manual", "=", False)]
        if self.date_from < end < self.date_to and self.start < stop < self.stop:
            rest = (account.id, self.company_id.id, end, self.date_to, stop, self.stop)
            self.write({"date_to": end, "stop": stop})
            self.flush_recordset()
            self._insert([rest])
            rest = self.search([*of_account, ("date_from", "=", end)])
            # what is due later would be charged then
            self._move_charges_since(end, rest)
        else:
            self._ensure({account.id: (str(self.start), str(self.stop))})
            rest = self.search([*of_account, ("start", "=", self.stop)])
        self.sold_until = moment
        rest.sold_from = moment

    @api.model
    def _first_waiting(self, accounts):
        """Return {account id: start of the first call that waits to be priced}, as text."""
        self.env["telecom.cdr"].flush_model()
        self.env.cr.execute(
            """
            SELECT c.partner_id, min(waiting.start)::text
              FROM telecom_cdr_pending waiting JOIN telecom_cdr c ON c.id = waiting.cdr_id
             WHERE c.partner_id = ANY(%s) GROUP BY 1
            """,
            [[account.id for account in accounts]],
        )
        return dict(self.env.cr.fetchall())
