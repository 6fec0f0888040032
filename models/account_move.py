from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date


class AccountMove(models.Model):
    _inherit = "account.move"

    telecom_period_ids = fields.One2many(
        "telecom.billing.period", "move_id", string="Billing Periods"
    )
    telecom_profile_id = fields.Many2one(
        "telecom.billing.profile",
        string="Billing Profile",
        readonly=True,
        copy=False,
        index="btree_not_null",
    )

    # === CRUD METHODS ===

    def unlink(self):
        """Free the charges of invoices that are deleted: they are on the next run's invoices."""
        periods = self._telecom_periods()
        result = super().unlink()
        periods._release()
        return result

    # === ACTIONS ===

    def button_cancel(self):
        """Free the charges of cancelled invoices."""
        result = super().button_cancel()
        self.filtered(lambda move: move.state == "cancel")._telecom_periods()._release()
        return result

    def button_draft(self):
        """Take a cancelled invoice's charges back, unless another invoice has them by now."""
        cancelled = self.filtered(lambda move: move.state == "cancel")
        if cancelled:
            cancelled._telecom_take_back()
        return super().button_draft()

    def action_telecom_calls(self):
        """Open the calls behind this invoice."""
        return self.sudo().telecom_period_ids.action_open_calls()

    def action_telecom_charges(self):
        """Open the packages, subscriptions, numbers and other charges behind this invoice."""
        return self.sudo().telecom_period_ids.action_open_charges()

    # === BUSINESS METHODS ===

    def _telecom_periods(self):
        """Return the billing periods that these invoices cover."""
        return self.env["telecom.billing.period"].sudo().search([("move_id", "in", self.ids)])

    def _telecom_take_back(self):
        """Take back the charges of cancelled invoices.

        :raises UserError: when another invoice has them by now
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

    def _telecom_queue_mail(self):
        """Hand the invoices to Odoo's own sending job, each with its issuer's template."""
        for move in self:
            move.sending_data = {
                "author_user_id": self.env.user.id,
                "author_partner_id": self.env.user.partner_id.id,
            }
        self.env.ref("account.ir_cron_account_move_send").sudo()._trigger()

    def _get_mail_template(self):
        """Send a telecom invoice with the template of its billing profile."""
        profile = self.sudo().telecom_profile_id
        if (
            len(profile) == 1
            and profile.mail_template_id
            and all(move.move_type == "out_invoice" for move in self)
        ):
            return profile.mail_template_id
        return super()._get_mail_template()

    def _get_name_invoice_report(self):
        self.ensure_one()
        if self.sudo().telecom_period_ids:
            return "telecom_billing.report_invoice_document"
        return super()._get_name_invoice_report()

    @api.private
    def telecom_summary(self):
        """Return the figures of the summary box, in the invoice's currency.

        They are those of the invoice's own day, whenever it is printed: what was owed on the
        day of the telecom invoice before, what was paid or credited since, this invoice, and
        the sum of the three.

        :return: dict `previous`, `payments`, `invoice`, `due`
        """
        self.ensure_one()
        sign = -1 if self.move_type == "out_refund" else 1
        before = self.sudo().search(
            [
                ("commercial_partner_id", "=", self.commercial_partner_id.id),
                ("company_id", "=", self.company_id.id),
                ("telecom_profile_id", "!=", False),
                ("state", "=", "posted"),
                ("id", "!=", self.id or 0),
                "|",
                ("invoice_date", "<", self.invoice_date),
                "&",
                ("invoice_date", "=", self.invoice_date),
                ("id", "<", self.id or 0),
            ],
            order="invoice_date desc, id desc",
            limit=1,
        )
        receivable = [
            ("partner_id", "=", self.commercial_partner_id.id),
            ("company_id", "=", self.company_id.id),
            ("account_id.account_type", "=", "asset_receivable"),
            ("currency_id", "=", self.currency_id.id),
            ("parent_state", "=", "posted"),
            ("move_id", "!=", self.id),
        ]
        lines = self.env["account.move.line"].sudo()

        def owed(domain):
            return lines._read_group(receivable + domain, [], ["amount_currency:sum"])[0][0] or 0.0

        until = [("date", "<=", self.invoice_date)]
        total = owed(until)
        previous = owed([("date", "<=", before.invoice_date)]) if before else total
        invoice = sign * self.amount_total
        return {
            "previous": previous,
            "payments": total - previous,
            "invoice": invoice,
            "due": total + invoice,
        }

    @api.private
    def telecom_span_text(self):
        """Return the billing periods that the invoice covers, as people write them."""
        self.ensure_one()
        return ", ".join(
            period._span_text() for period in self.sudo().telecom_period_ids.sorted("date_from")
        )

    @api.private
    def telecom_itemised_calls(self):
        """Return the calls that the annex lists, as dicts of texts and amounts, in order."""
        self.ensure_one()
        charges = (
            self.env["telecom.call.charge"]
            .sudo()
            .search(
                [("period_id", "in", self.sudo().telecom_period_ids.ids), ("tier", "=", 0)],
                order="call_date, id",
            )
        )
        tz = self.partner_id._account_tz()
        local = charges.with_context(tz=tz)
        return [
            {
                "when": fields.Datetime.context_timestamp(local, charge.call_date),
                "from": charge.src,
                "to": charge.dst,
                "destination": charge.destination,
                "seconds": charge.billed_seconds,
                "free_seconds": charge.free_seconds,
                "amount": charge.amount,
            }
            for charge in charges
        ]

    @api.private
    def telecom_format_date(self, day):
        """Return a date in the language of the invoice's customer."""
        return format_date(self.env, day, lang_code=self.partner_id.lang)
