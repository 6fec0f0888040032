from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from .invoice_annex import InvoiceAnnex
from .invoice_changes import InvoiceChanges
from .invoice_summary import InvoiceSummary

# What says to whom, in what and by whom charges are invoiced; these may change it.
IDENTITY_FIELDS = frozenset({"company_id", "currency_id", "journal_id", "move_type", "partner_id"})
# a minute of wkhtmltopdf, about; the pages beyond are read by nobody
ANNEX_LIMIT = 10_000


class AccountMove(models.Model):
    _inherit = "account.move"

    telecom_period_ids = fields.One2many(
        "telecom.billing.period",
        "move_id",
        string="Billing Periods",
        groups="telecom_billing.group_user",
    )
    telecom_profile_id = fields.Many2one(
        "telecom.billing.profile",
        string="Billing Profile",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        groups="telecom_billing.group_user",
    )
    telecom_annex = fields.Selection(
        selection=lambda self: self.env["telecom.billing.profile"]._fields["annex"].selection,
        string="Itemised Calls",
        readonly=True,
        copy=False,
        help="As the billing profile said when the invoice was made; it is printed alike ever "
        "after.",
    )
    telecom_amount_in_words = fields.Boolean(
        string="Amount in Words",
        readonly=True,
        copy=False,
        help="As the billing profile said when the invoice was made.",
    )

    # === CRUD METHODS ===

    def write(self, vals):
        """Keep telecom invoices with the account whose charges they are."""
        before = {}
        if not IDENTITY_FIELDS.isdisjoint(vals):
            before = {move: move._telecom_identity() for move in self._telecom_invoices()}
        result = super().write(vals)
        for move, identity in before.items():
            if move._telecom_identity() != identity:
                move._telecom_refuse_another_identity()
        return result

    def unlink(self):
        """Free the charges of invoices that are deleted: a person has them billed again."""
        self.check_access("unlink")
        # first: the lines that go now shall not give back their charges one by one
        self._telecom_release()
        return super().unlink()

    # === ACTIONS ===

    def button_cancel(self):
        """Free the charges of cancelled invoices."""
        result = super().button_cancel()
        self.filtered(lambda move: move.state == "cancel")._telecom_release()
        return result

    def button_draft(self):
        """Take a cancelled invoice's charges back, unless another invoice has them by now."""
        cancelled = self.filtered(lambda move: move.state == "cancel")
        if cancelled:
            cancelled._telecom_take_back()
        return super().button_draft()

    def action_switch_move_type(self):
        """Refuse to make a credit note of an invoice of charges: it would give money for them."""
        for move in self._telecom_invoices():
            move._telecom_refuse_another_identity()
        return super().action_switch_move_type()

    def action_telecom_calls(self):
        """Open the calls behind this invoice."""
        action = self.sudo().telecom_period_ids.action_open_calls()
        action["domain"] += self._telecom_invoiced_domain()
        return action

    def action_telecom_charges(self):
        """Open the packages, subscriptions, numbers and other charges behind this invoice."""
        action = self.sudo().telecom_period_ids.action_open_charges()
        action["domain"] += self._telecom_invoiced_domain()
        return action

    # === BUSINESS METHODS ===

    def _telecom_invoices(self):
        """Return those of these that a billing run has made."""
        return self.filtered(lambda move: move.sudo().telecom_profile_id)

    def _telecom_identity(self):
        """Return what stays as it is while charges are invoiced with this."""
        self.ensure_one()
        # a contact of the same customer is another address; another account is another debtor
        account = self.partner_id
        if not account.is_telecom_account:
            account = self.sudo().telecom_period_ids.partner_id
        return (
            account.ids,
            self.commercial_partner_id,
            self.currency_id,
            self.company_id,
            self.move_type,
        )

    def _telecom_refuse_another_identity(self):
        """Say why not, and what to do instead.

        :raises UserError: always
        """
        raise UserError(
            self.env._(
                "%(invoice)s invoices the charges of %(account)s: its customer, company, currency "
                "and type cannot be changed. Cancel it instead, mend the account, and bill again.",
                invoice=self.display_name,
                account=self.sudo().telecom_period_ids.partner_id.display_name
                or self.partner_id.display_name,
            )
        )

    def _telecom_release(self):
        """Free the charges of invoices that are given up, as if nobody had changed them."""
        InvoiceChanges(self).drop()
        self.env["telecom.billing.period"].sudo().search([("move_id", "in", self.ids)])._release()

    def _telecom_take_back(self):
        """Take back the charges of cancelled invoices.

        :raises UserError: when another invoice has them by now, or they are others by now
        """
        for move in self:
            periods = (
                self.env["telecom.billing.period"]
                .sudo()
                .search([("released_move_ids", "in", move.ids)])
            )
            if periods.move_id:
                raise UserError(
                    self.env._(
                        "The charges of this cancelled invoice are on %s by now.",
                        ", ".join(periods.move_id.mapped("display_name")),
                    )
                )
            periods.write(
                {
                    "move_id": move.id,
                    "state": "invoiced",
                    "released_move_ids": [Command.unlink(move.id)],
                }
            )
            changes = InvoiceChanges(move)
            if changes.is_outdated():
                raise UserError(
                    self.env._(
                        "What is charged has changed since %s was cancelled. Leave it cancelled "
                        "and bill again.",
                        move.display_name,
                    )
                )
            changes.settle()

    def _telecom_queue_mail(self):
        """Hand the invoices to Odoo's own sending job, each with its issuer's template."""
        for move in self:
            move.sending_data = {
                "author_user_id": self.env.user.id,
                "author_partner_id": self.env.user.partner_id.id,
            }
        if self:
            self.env.ref("account.ir_cron_account_move_send").sudo()._trigger()

    @api.model
    def _cron_account_move_send(self, job_count=10):
        """Send fewer invoices at a time where many calls are to be printed.

        A job that takes longer than Odoo lets it is killed, and begins anew with the same ones.
        """
        waiting = self.search(
            [("sending_data", "!=", False), ("state", "=", "posted")],
            order="date asc, invoice_date asc, sequence_number asc, id asc",
            limit=job_count,
        )
        calls = job_count = 0
        for move in waiting:
            calls += min(move._telecom_printed_calls(), ANNEX_LIMIT)
            if job_count and calls > ANNEX_LIMIT:
                break
            job_count += 1
        return super()._cron_account_move_send(job_count=max(job_count, 1))

    def _get_name_invoice_report(self):
        self.ensure_one()
        if self.sudo().telecom_profile_id:
            return "telecom_billing.report_invoice_document"
        return super()._get_name_invoice_report()

    # === THE DOCUMENT ===

    @api.model
    def _telecom_invoiced_domain(self):
        """Return which call charges and charges are invoiced to their own account: all but those
        of agents for what their customers use, who are invoiced in the provider's books."""
        return ["|", ("tier", "=", 0), ("partner_id.reseller_kind", "!=", "agent")]

    @api.private
    def telecom_summary(self):
        """Return the figures of the summary box; see `InvoiceSummary`."""
        self.ensure_one()
        return InvoiceSummary(self).figures()

    @api.private
    def telecom_annex_content(self):
        """Return what to print of the itemised calls: `tables`, or how many are `too_many`."""
        self.ensure_one()
        calls = self._telecom_printed_calls()
        if calls > ANNEX_LIMIT:
            return {"too_many": calls}
        return {"tables": self.telecom_itemised_calls()} if calls else {}

    def _telecom_printed_calls(self):
        """Return how many calls are to be itemised on these invoices."""
        moves = self.sudo().filtered(lambda move: move.telecom_annex in ("pdf", "both"))
        domain = [("period_id", "in", moves.telecom_period_ids.ids)]
        domain += self._telecom_invoiced_domain()
        usage = self.env["telecom.usage"].sudo()
        return usage._read_group(domain, [], ["calls:sum"])[0][0] or 0

    @api.private
    def telecom_itemised_calls(self):
        """Return the calls of this invoice and their totals as texts; see `InvoiceAnnex`."""
        self.ensure_one()
        return InvoiceAnnex(self).tables()

    def _telecom_prints_words(self):
        """Tell whether the total is printed in words: as the profile said, or the company says."""
        self.ensure_one()
        return self.telecom_amount_in_words or self.company_id.display_invoice_amount_total_words
