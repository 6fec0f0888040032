from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from ..engine import calendar
from .account_chain import AccountChain


class BillingPeriod(models.Model):
    """The half-open span of time that one invoice of one account covers."""

    _name = "telecom.billing.period"
    _description = "Billing Period"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "date_from desc, partner_id, id"

    partner_id = fields.Many2one(
        "res.partner", string="Account", required=True, ondelete="restrict", readonly=True
    )
    company_id = fields.Many2one("res.company", readonly=True, index=True)
    date_from = fields.Date(required=True, readonly=True, help="First day.")
    date_to = fields.Date(
        string="Until", required=True, readonly=True, help="First day of the next period."
    )
    start = fields.Datetime(
        required=True, readonly=True, help="Midnight of the first day in the account's time zone."
    )
    stop = fields.Datetime(
        string="End", required=True, readonly=True, help="Midnight of the day after the last."
    )
    state = fields.Selection(
        [
            ("open", "Open"),
            ("closed", "Closed, to Invoice"),
            ("invoiced", "Invoiced"),
            ("skipped", "Nothing to Invoice"),
        ],
        required=True,
        default="open",
        readonly=True,
        index=True,
    )
    move_id = fields.Many2one(
        "account.move", string="Invoice", readonly=True, index="btree_not_null", ondelete="set null"
    )
    released_move_ids = fields.Many2many(
        "account.move",
        "telecom_billing_period_released_rel",
        readonly=True,
        groups="account.group_account_invoice,account.group_account_readonly",
        help="Cancelled invoices that had this period's charges.",
    )
    run_id = fields.Many2one(
        "telecom.billing.run", readonly=True, index="btree_not_null", ondelete="set null"
    )
    error = fields.Text(readonly=True, help="Why this period could not be invoiced.")
    usage_ids = fields.One2many("telecom.usage", "period_id")
    charge_ids = fields.One2many("telecom.charge", "period_id")
    currency_id = fields.Many2one(related="partner_id.telecom_currency_id")
    amount = fields.Monetary(
        string="Charged", compute="_compute_amount", help="Sum of charges before taxes."
    )

    _start_uniq = models.Constraint(
        "UNIQUE(partner_id, date_from)", "An account has one billing period from a given day."
    )
    _no_overlap = models.Constraint(
        "EXCLUDE USING gist (int4range(partner_id, partner_id, '[]') WITH &&,"
        " tsrange(start, stop) WITH &&)",
        "Billing periods of one account do not overlap.",
    )
    _dates_order = models.Constraint(
        "CHECK (date_from < date_to AND start < stop)", "A billing period ends after it starts."
    )

    # === COMPUTE METHODS ===

    @api.depends("partner_id", "date_from", "date_to")
    def _compute_display_name(self):
        for period in self:
            period.display_name = f"{period.partner_id.display_name} {period._span_text()}"

    def _compute_amount(self):
        sums = {period.id: 0.0 for period in self}
        for model in ("telecom.usage", "telecom.charge"):
            for period, amount in self.env[model]._read_group(
                [("period_id", "in", self.ids)], ["period_id"], ["amount:sum"]
            ):
                sums[period.id] += amount
        for period in self:
            period.amount = sums.get(period.id, 0.0)

    # === CRUD METHODS ===

    @api.ondelete(at_uninstall=False)
    def _unlink_except_history(self):
        for period in self:
            if period.state != "open" or period.usage_ids or period.charge_ids:
                raise UserError(
                    self.env._("%s has charges or is closed: it is kept.", period.display_name)
                )

    # === ACTIONS ===

    def action_open_calls(self):
        """Open the call charges of these periods."""
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.call_charge_action")
        action["domain"] = [("period_id", "in", self.ids)]
        return action

    def action_open_charges(self):
        """Open the other charges of these periods."""
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.charge_action")
        action["domain"] = [("period_id", "in", self.ids)]
        return action

    def action_open_invoice(self):
        """Open the invoice of this period."""
        self.ensure_one()
        return self.move_id.get_formview_action()

    def action_invoice(self):
        """Try again to invoice these closed periods."""
        self.check_access("write")
        run = self.env["telecom.billing.run"]._invoice_closed(self)
        return run.get_formview_action()

    # === BUSINESS METHODS ===

    def _release(self):
        """Free these periods from an invoice that was cancelled or deleted: the next billing
        run invoices them again."""
        for period in self:
            cancelled = period.move_id.exists()
            period.write(
                {
                    "move_id": False,
                    "state": "closed",
                    "released_move_ids": [Command.link(move.id) for move in cancelled],
                }
            )

    def _span_text(self):
        """Return the period as people write it, last day included."""
        self.ensure_one()
        if not (self.date_from and self.date_to):
            return ""
        last = self.date_to - timedelta(days=1)
        lang = self.partner_id.lang
        return " – ".join(
            format_date(self.env, day, lang_code=lang) for day in (self.date_from, last)
        )

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

    @api.model
    def _known(self, partner_ids):
        """Return {account: (date_from, date_to, start, stop, any closed, any open)}."""
        self.env.cr.execute(
            """
            SELECT partner_id, min(date_from), max(date_to), min(start)::text, max(stop)::text,
                   bool_or(state != 'open'), bool_or(state = 'open')
              FROM telecom_billing_period WHERE partner_id = ANY(%s) GROUP BY partner_id
            """,
            [partner_ids],
        )
        return {row[0]: row[1:] for row in self.env.cr.fetchall()}

    def _missing(self, partner, tz, company, known, first, last):
        """Return rows (partner, company, date_from, date_to, start, stop) to be added."""
        cycle, day = partner.billing_cycle or "monthly", partner.billing_day or 1
        first_day, last_day = calendar.local_day(first, tz), calendar.local_day(last, tz)
        spans = []
        if known:
            date_from, date_to = known[0], known[1]
            # by the clock, too: in another time zone since, the first moment may be a day earlier
            earlier = first_day < date_from and first < datetime.fromisoformat(known[2])
            if earlier and not known[4] and not partner.billing_start:
                edge = date_from
                while first_day < edge:
                    begin = calendar.period_of(edge - timedelta(days=1), cycle, day)[0]
                    spans.append((begin, edge))
                    edge = begin
            edge, stop = date_to, datetime.fromisoformat(known[3])
        else:
            begin = partner.billing_start or calendar.period_of(first_day, cycle, day)[0]
            spans.append((begin, calendar.period_of(begin, cycle, day)[1]))
            edge, stop = spans[0][1], None
        # one is open at least: a late call goes there when all that was is closed
        while edge <= last_day or not (spans or known[5]):
            span = calendar.bridge(edge, cycle, day)
            spans.append(span)
            edge = span[1]
        rows = []
        for date_from, date_to in spans:
            start = calendar.midnight_utc(date_from, tz)
            # where the time zone was changed in between, the new period begins at the old end
            if stop and known and date_from == known[1]:
                start = stop
            elif known and date_to == known[0]:
                rows.append((partner.id, company, date_from, date_to, start, known[2]))
                continue
            rows.append(
                (partner.id, company, date_from, date_to, start, calendar.midnight_utc(date_to, tz))
            )
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
        for partner in partners:
            periods = self.search([("partner_id", "=", partner.id)], order="start desc")
            for period in periods:
                if period.state != "open" or period.usage_ids or period.charge_ids:
                    break
                period.unlink()
