from collections import defaultdict
from datetime import datetime, timedelta

from odoo import api, models
from odoo.exceptions import ConcurrencyError
from odoo.tools import SQL

from ..engine import calendar
from .account_chain import AccountChain


class BillingPeriod(models.Model):
    """Where the periods of an account begin and end, and in whose books they are."""

    _inherit = "telecom.billing.period"

    @api.model
    def _ensure(self, bounds):
        """Make the periods that are missing so that each account's cover the given moments,
        and one is open.

        Periods of one account tile time. New ones are added after the last; before the first
        only while nothing is closed and the account has no first billed day of its own.

        :param bounds: {account id: (first moment, last moment)}, ISO text in UTC
        """
        if not bounds:
            return
        self.flush_model()
        known = self._known(list(bounds))
        rows = []
        partners = self.env["res.partner"].sudo().browse(bounds)
        zones, chain = None, AccountChain(self.env)
        for partner_id, (first, last) in bounds.items():
            span = known.get(partner_id)
            # the common case, decided without asking more: everything is covered already
            if span and span[2] <= first and last < span[3] and span[5]:
                continue
            zones = zones or partners._account_zones()
            partner = partners.browse(partner_id).with_prefetch(partners.ids)
            rows += self._missing(
                partner,
                zones[partner_id],
                chain.profile(partner).company_id.id,
                span,
                datetime.fromisoformat(first),
                datetime.fromisoformat(last),
            )
        if rows:
            self._insert(rows)
            partners.browse({row[0] for row in rows})._fix_billing_tz(zones)

    @api.model
    def _known(self, partner_ids):
        """Return {account: (date_from, date_to, start, stop, any closed, any open of the issuer in
        force)}."""
        self.env.cr.execute(
            """
            SELECT partner_id, min(date_from), max(date_to), min(start)::text, max(stop)::text,
                   bool_or(state != 'open'), bool_or(state = 'open' AND profile_id IS NULL)
              FROM telecom_billing_period
             WHERE partner_id = ANY(%s) AND is_manual IS NOT TRUE GROUP BY partner_id
            """,
            [partner_ids],
        )
        return {row[0]: row[1:] for row in self.env.cr.fetchall()}

    def _missing(self, partner, tz, company, known, first, last):
        """Return rows (partner, company, date_from, date_to, start, stop) to be added."""
        cycle, day = partner.billing_cycle or "monthly", partner.billing_day or 1
        rows = []
        if known:
            edge, moment = known[0], datetime.fromisoformat(known[2])
            # by the clock, too: in another time zone since, the first moment may be a day earlier
            earlier = calendar.local_day(first, tz) < edge and first < moment
            if earlier and not known[4] and not partner.billing_start:
                while first < moment:
                    begin, start = _back(edge, moment, cycle, day, tz)
                    rows.append((partner.id, company, begin, edge, start, moment))
                    edge, moment = begin, start
            # where the time zone was changed in between, the new period begins at the old end
            edge, moment = known[1], datetime.fromisoformat(known[3])
        else:
            edge = partner.billing_start
            edge = edge or calendar.period_of(calendar.local_day(first, tz), cycle, day)[0]
            moment = calendar.midnight_utc(edge, tz)
        # one is open at least: a late call goes there when all that was is closed
        while moment <= last or not (rows or (known and known[5])):
            end, stop = _forth(edge, moment, cycle, day, tz)
            rows.append((partner.id, company, edge, end, moment, stop))
            edge, moment = end, stop
        return rows

    def _insert(self, rows):
        """Insert periods; where another transaction made one at the same time, the batch is
        repeated (PostgreSQL reports that as a serialization failure)."""
        uid = self.env.uid
        self.env.cr.execute_values(
            """
            INSERT INTO telecom_billing_period
                (partner_id, company_id, date_from, date_to, start, stop, state,
                 create_uid, write_uid, create_date, write_date)
            VALUES %s ON CONFLICT DO NOTHING
            """,
            rows,
            template=f"(%s, %s, %s, %s, %s, %s, 'open', {uid}, {uid},"
            " now() at time zone 'utc', now() at time zone 'utc')",
        )
        self.invalidate_model(flush=False)

    @api.model
    def _realign(self, partners):
        """After a change of cycle, day or time zone: make anew the open periods that hold nothing.

        A period that has charges keeps its edges; the change takes effect after it.
        """
        empty = self.browse()
        for partner in partners:
            periods = self.search(
                [("partner_id", "=", partner.id), ("is_manual", "=", False)], order="start desc"
            )
            for period in periods:
                if period.state != "open" or period.usage_ids or period.charge_ids:
                    break
                if period.sold_from or period.sold_until:
                    # what was sold from when on is told by these two
                    break
                empty += period
        # calls have no foreign key to their period: nothing else would keep it
        empty._wait_for_charges("telecom_usage", "telecom_call_charge", "telecom_charge")
        empty.unlink()

    @api.model
    def _follow_company(self, partners=None):
        """Move open periods, with their charges, to the company that bills their account now.

        What is closed stays in the books of the company in which it was closed; what was carried
        forward there is invoiced there, for no invoice of that company comes after it.

        :param partners: accounts to which it is limited; None: all
        """
        # what a former issuer invoices stays with it
        domain = [("state", "in", ("open", "carried")), ("profile_id", "=", False)]
        if partners is not None:
            domain.append(("partner_id", "in", partners.ids))
        chain, strays = AccountChain(self.env), defaultdict(self.browse)
        for period in self.search(domain):
            company = chain.profile(period.partner_id).company_id
            if period.company_id != company:
                strays[company] += period
        for company, periods in strays.items():
            carried = periods.filtered(lambda period: period.state == "carried")
            carried.write({"state": "closed"})
            periods -= carried
            periods._wait_for_charges("telecom_charge")
            periods.write({"company_id": company.id})
            self.env["telecom.charge"].flush_model()
            self.env.cr.execute(
                "UPDATE telecom_charge SET company_id = %s WHERE period_id = ANY(%s)",
                [company.id, periods.ids],
            )
            self.env["telecom.charge"].invalidate_model(["company_id"], flush=False)

    def _wait_for_charges(self, *tables):
        """Lock these periods, after whoever is adding charges to one of them is done.

        Adding charges does not change a period's row, so that waiting alone would go unnoticed:
        this transaction would not see what was added while it waited.

        :param tables: the tables of charges that matter
        :raises ConcurrencyError: when charges were added since; Odoo then repeats the request
        """
        if not self:
            return
        self.flush_model()
        self.env.cr.execute(
            "SELECT id FROM telecom_billing_period WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            [self.ids],
        )
        with self.env.registry.cursor() as fresh:
            for table in tables:
                query = SQL(
                    "SELECT id FROM %s WHERE period_id = ANY(%s)", SQL.identifier(table), self.ids
                )
                rows = []
                for cr in (self.env.cr, fresh):
                    cr.execute(query)
                    rows.append({row[0] for row in cr.fetchall()})
                if rows[1] - rows[0]:
                    raise ConcurrencyError(
                        self.env._("Charges are being added to this account. Please try again.")
                    )


def _forth(edge, start, cycle, billing_day, tz):
    """Return (day, moment) at which a period ends that begins on that day, at that moment.

    After a change to a time zone further east, the moment may be later than midnight of the
    next edge: the period then goes on to the edge after it.
    """
    end, stop = edge, start
    while stop <= start:
        end = calendar.bridge(end, cycle, billing_day)[1]
        stop = calendar.midnight_utc(end, tz)
    return end, stop


def _back(edge, stop, cycle, billing_day, tz):
    """Return (day, moment) at which a period begins that ends on that day, at that moment."""
    begin, start = edge, stop
    while start >= stop:
        begin = calendar.period_of(begin - timedelta(days=1), cycle, billing_day)[0]
        start = calendar.midnight_utc(begin, tz)
    return begin, start
