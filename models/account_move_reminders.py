from odoo import api, fields, models
from odoo.tools import html2plaintext

UNPAID = ("not_paid", "partial")


class AccountMove(models.Model):
    """What an invoice's reminders need to know of it, and what they follow."""

    _inherit = "account.move"

    telecom_disputed = fields.Boolean(
        string="Disputed",
        copy=False,
        tracking=True,
        help="The customer objects to it: no reminders, no suspension.",
    )
    telecom_no_reminder = fields.Boolean(
        string="No Reminders",
        copy=False,
        tracking=True,
        help="The customer is not reminded of this invoice.",
    )
    telecom_reminder_ids = fields.One2many(
        "telecom.reminder", "move_id", string="Reminders", groups="telecom_billing.group_user"
    )
    telecom_reminder_count = fields.Integer(
        string="Reminders Sent",
        compute="_compute_telecom_reminder_count",
        groups="telecom_billing.group_user",
    )

    # === COMPUTE METHODS ===

    @api.depends("telecom_reminder_ids.state")
    def _compute_telecom_reminder_count(self):
        counts = dict(
            self.env["telecom.reminder"]._read_group(
                [("move_id", "in", self.ids), ("state", "=", "sent")], ["move_id"], ["__count"]
            )
        )
        for move in self:
            move.telecom_reminder_count = counts.get(move._origin, 0)

    # === CRUD METHODS ===

    def unlink(self):
        """End the suspensions that these invoices have caused: their reminders go with them."""
        self.check_access("unlink")
        self.sudo().telecom_reminder_ids._settle()
        return super().unlink()

    # === ACTIONS ===

    def action_telecom_reminders(self):
        """Open what was sent to remind of these invoices."""
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.reminder_action")
        action["domain"] = [("move_id", "in", self.ids)]
        action["context"] = {}
        return action

    # === BUSINESS METHODS ===

    def _invoice_paid_hook(self):
        """End suspensions as soon as what led to them is paid."""
        result = super()._invoice_paid_hook()
        self.sudo().telecom_reminder_ids._settle()
        return result

    def _telecom_account(self):
        """Return the account that a telecom invoice charges, whatever contact it is sent to."""
        self.ensure_one()
        if self.partner_id.is_telecom_account:
            return self.partner_id
        return self.sudo().telecom_period_ids.partner_id[:1] or self.commercial_partner_id

    def _telecom_contacts(self):
        """Return to whom mails about a telecom invoice go: the account's contacts for invoices
        that have an e-mail address, else whom the invoice is made out to. Empty for others."""
        self.ensure_one()
        if not self.sudo().telecom_profile_id:
            return self.env["res.partner"]
        customer = self.sudo().partner_id
        if not customer.is_telecom_account:
            # a person has put in another address
            return customer
        contacts = customer.child_ids.filtered(
            lambda contact: contact.type == "invoice" and contact.email_normalized
        )
        return (contacts or customer).with_env(self.env)

    def _telecom_is_unpaid(self):
        """Tell whether this is an invoice of which something is to be paid still."""
        self.ensure_one()
        return (
            self.move_type == "out_invoice"
            and self.state == "posted"
            and self.payment_state in UNPAID
            and self.currency_id.compare_amounts(self.amount_residual, 0) > 0
        )

    def _telecom_remindable(self):
        """Tell whether the customer may be reminded of this invoice."""
        return (
            self._telecom_is_unpaid()
            and not (self.telecom_disputed or self.telecom_no_reminder)
            and not (
                self.partner_id.telecom_no_reminder or self._telecom_account().telecom_no_reminder
            )
        )

    def _telecom_open_instalments(self):
        """Return the journal items of what is to be paid still, the earliest first."""
        return self.line_ids.filtered(
            lambda line: line.display_type == "payment_term" and not line.reconciled
        ).sorted("date_maturity")

    def _telecom_is_overdue(self):
        """Tell whether something of this invoice is to be reminded of, and should be paid."""
        self.ensure_one()
        if not self._telecom_remindable():
            return False
        today = self.env["telecom.reminder"]._today(self._telecom_account())
        due = self._telecom_open_instalments()[:1].date_maturity
        return bool(due and due < today)

    def _telecom_due(self, today):
        """Return what is due of this invoice.

        :param date today: in the account's time zone
        :return: (date of the earliest instalment that is open, amount of those due by then or
            by today, in the invoice's currency)
        """
        self.ensure_one()
        instalments = self._telecom_open_instalments()
        first = instalments[:1].date_maturity or self.invoice_date_due
        due = instalments.filtered(lambda line: line.date_maturity <= max(first, today))
        return first, sum(due.mapped("amount_residual_currency"))

    @api.private
    def telecom_reminder(self):
        """Return what a reminder's mail template says of this invoice, and of those that are in
        the same mail.

        :return: dict with `invoices` (dicts with `name`, `date`, `due`, `amount`, `reference` and
            `url`), their `names`, the `amount` due of all in `currency`, the earliest day on which
            it is `due`, whether it is `overdue`, the `name` and address (`details`, HTML) with
            which the issuer prints, whether the address begins with the name (`names_itself`),
            the colours of a button (`button`, `button_text`), the address of the logo
            (`logo_url`), and the partner that is the `issuer`
        """
        self.ensure_one()
        mail = self.env.context.get("telecom_reminder") or {}
        moves = self.browse(mail.get("move_ids") or self.ids)
        today = mail.get("today") or fields.Date.context_today(self)
        invoices = []
        for move in moves:
            due, amount = move._telecom_due(today)
            invoices.append(
                {
                    "name": move.name,
                    "date": move.invoice_date,
                    "due": due,
                    "amount": amount,
                    "reference": move.payment_reference,
                    "url": move.get_base_url() + move.get_portal_url(),
                }
            )
        days = [invoice["due"] for invoice in invoices if invoice["due"]]
        names = [invoice["name"] or "" for invoice in invoices]
        issuer = self.sudo().telecom_profile_id.owner_id or self.company_id.partner_id
        printed = self.sudo().telecom_issuer_id
        looks = self.telecom_issuer()
        return {
            "invoices": invoices,
            "names": ", ".join(names[:3]) + (" …" if len(names) > 3 else ""),
            "amount": sum(invoice["amount"] for invoice in invoices),
            "currency": self.currency_id,
            "due": min(days, default=False),
            "overdue": bool(days) and min(days) < today,
            "name": printed.name or issuer.name,
            "details": printed.details,
            "names_itself": _begins_with(printed.details, printed.name or issuer.name),
            "issuer": issuer,
            **{name: looks[name] for name in ("button", "button_text", "logo_url")},
        }


def _begins_with(details, name):
    """Tell whether an address in HTML begins with a name."""
    text = html2plaintext(details or "").strip(" *\n")
    return bool(name) and text.lower().startswith(name.lower())
