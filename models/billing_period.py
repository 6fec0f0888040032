from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from .account_chain import AccountChain
from .failures import warn


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
            ("carried", "Carried Forward"),
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
    is_released = fields.Boolean(
        string="Released",
        readonly=True,
        help="Its invoice was cancelled or deleted, or a person opened it again: the hourly job "
        "leaves it alone until a person invoices it.",
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
        "EXCLUDE (partner_id WITH =, date_from WITH =) WHERE (is_manual IS NOT TRUE)",
        "An account has one billing period from a given day.",
    )
    _no_overlap = models.Constraint(
        "EXCLUDE USING gist (int4range(partner_id, partner_id, '[]') WITH &&,"
        " tsrange(start, stop) WITH &&) WHERE (is_manual IS NOT TRUE)",
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
        """Add up in the account's billing currency, at the rate of the last day, as the invoice
        does: calls and services may be priced in others."""
        sums = defaultdict(float)
        for model in ("telecom.usage", "telecom.charge"):
            for period, currency, amount in self.env[model]._read_group(
                [("period_id", "in", self.ids)], ["period_id", "currency_id"], ["amount:sum"]
            ):
                sums[period.id] += period.partner_id._in_billing_currency(
                    amount, currency, period.company_id, period.date_to
                )
        for period in self:
            period.amount = sums[period.id]

    # === CRUD METHODS ===

    def write(self, vals):
        if vals.get("state") in ("invoiced", "skipped", "carried"):
            vals = {**vals, "is_released": False}
        return super().write(vals)

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
        self.check_access("read")
        run = self.env["telecom.billing.run"]._invoice_closed(self)
        return run.get_formview_action()

    def action_reopen(self):
        """Open closed periods again, so that their calls and charges can be mended."""
        self.check_access("read")
        self.env["telecom.billing.run"].check_access("create")
        self.sudo()._reopen()

    # === BUSINESS METHODS ===

    def _billing_profile(self):
        """Return the profile by which this period is invoiced: the account's, but for a period
        that was closed in another company, which stays in that company's books."""
        return self._billing_rules().profile

    def _billing_rules(self, chain=None):
        """Return the `BillingRules` by which this period is invoiced; see `_billing_profile`.

        :param chain: the `AccountChain` that remembers them; None for one period alone
        """
        self.ensure_one()
        chain = chain or AccountChain(self.env)
        profile = chain.profile(self.partner_id)
        if self.company_id and profile.company_id != self.company_id:
            profile = self.company_id._ensure_billing_profile()
        return chain.rules(self.partner_id, profile)

    def _release(self):
        """Free these periods from an invoice that was cancelled or deleted: a person has them
        invoiced again, after mending what was wrong."""
        for period in self:
            cancelled = period.move_id.exists()
            period.write(
                {
                    "move_id": False,
                    "state": "closed",
                    "is_released": True,
                    "released_move_ids": [Command.link(move.id) for move in cancelled],
                }
            )
            period._say_released(
                self.env._("Its invoice was cancelled or deleted: its charges are not billed yet.")
            )

    def _say_released(self, message):
        """Tell somebody that this period waits for a person."""
        self.message_post(body=message)
        if not self.activity_ids:
            warn(self, message, self.env._("Invoice when mended"))

    def _reopen(self):
        """Put closed periods without an invoice back to open; they keep their edges.

        Only the last closed ones: what was charged since they were closed is in the periods
        after them, and an account's periods are closed in their order.
        """
        for period in self.sorted("start", reverse=True):
            if period.state not in ("closed", "skipped", "carried") or period.move_id:
                raise UserError(
                    self.env._("%s is not closed, or is invoiced.", period.display_name)
                )
            later = self.search(
                [
                    ("partner_id", "=", period.partner_id.id),
                    ("start", ">", period.start),
                    ("state", "!=", "open"),
                    ("is_manual", "=", False),
                ],
                limit=1,
            )
            if later:
                raise UserError(
                    self.env._(
                        "%(period)s cannot be opened again: %(later)s after it is closed already.",
                        period=period.display_name,
                        later=later._span_text(),
                    )
                )
            # what rounded the cancelled invoice; the next one is rounded anew
            period.charge_ids.filtered(lambda c: c.charge_type == "rounding").unlink()
            period.write({"state": "open", "is_released": True, "error": False, "run_id": False})
            period.activity_unlink(["mail.mail_activity_data_warning"])
            period._say_released(
                self.env._(
                    "Opened again: until it is invoiced by hand, no later period of the account "
                    "is closed by the hourly job."
                )
            )
            # in the company that bills the account now
            period._follow_company(period.partner_id)

    def _span_text(self):
        """Return the time of these periods of an account as people write it, last day included;
        periods that follow one another as one span."""
        spans = []
        for period in self.filtered(lambda p: p.date_from and p.date_to).sorted("date_from"):
            if spans and spans[-1][1] == period.date_from:
                spans[-1][1] = period.date_to
            else:
                spans.append([period.date_from, period.date_to])
        lang = self.partner_id[:1].lang
        return "; ".join(
            " – ".join(
                format_date(self.env, day, lang_code=lang)
                for day in (begin, end - timedelta(days=1))
            )
            for begin, end in spans
        )
