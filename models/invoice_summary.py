"""What an account owed before an invoice, what was paid since, and what is due with it."""

from odoo import fields
from odoo.tools import SQL


class InvoiceSummary:
    """Reads an account's receivable as it stood when the invoice's day began.

    A later payment changes no figure of an invoice that was made before it; so a summary says
    the same whenever it is printed, and each begins with the balance at which the last ended.

    Odoo books the receivables of all contacts of a company together. Where several of them are
    accounts, an invoice says what its own account owes: the documents made out to it, and what
    settled them. What is the company's and settles nothing yet is no account's.
    """

    def __init__(self, move):
        self.move = move = move.sudo()
        # a draft may have no date yet
        self.day = move.invoice_date or move.date or fields.Date.context_today(move)
        self.account = move.telecom_period_ids.partner_id[:1] or move.partner_id
        self.is_only_account = self._is_only_account()

    def figures(self):
        """Return dict `previous`, `payments`, `other`, `invoice`, `due` in the move's currency.

        `other` are invoices in between that are not telecom invoices; credit notes are among
        the payments.
        """
        move = self.move
        invoice = -move.amount_total if move.move_type == "out_refund" else move.amount_total
        before = self._invoice_before()
        previous, other, total = self._receivable(before)
        return {
            name: move.currency_id.round(amount)
            for name, amount in (
                ("previous", previous),
                ("other", other),
                ("payments", total - previous - other),
                ("invoice", invoice),
                ("due", total + invoice),
            )
        }

    def _invoice_before(self):
        """Return the telecom invoice of the same account that comes before this one."""
        move = self.move
        whose = []
        if not self.is_only_account:
            account = self.account.id
            whose = ["|", ("telecom_period_ids.partner_id", "=", account)]
            whose += ["&", ("telecom_period_ids", "=", False), ("partner_id", "=", account)]
        return move.search(
            [
                *whose,
                ("commercial_partner_id", "=", move.commercial_partner_id.id),
                ("company_id", "=", move.company_id.id),
                ("currency_id", "=", move.currency_id.id),
                ("telecom_profile_id", "!=", False),
                ("state", "=", "posted"),
                ("id", "!=", move._origin.id),
                "|",
                ("invoice_date", "<", self.day),
                "&",
                ("invoice_date", "=", self.day),
                ("id", "<", move._origin.id),
            ],
            order="invoice_date desc, id desc",
            limit=1,
        )

    def _is_only_account(self):
        """Tell whether whatever the customer owes is this account's."""
        accounts = self.move.env["res.partner"].with_context(active_test=False)
        return not accounts.search_count(
            [
                ("commercial_partner_id", "=", self.move.commercial_partner_id.id),
                ("is_telecom_account", "=", True),
                ("id", "!=", self.account.id),
            ],
            limit=1,
        )

    def _receivable(self, before):
        """Return what was owed after the invoice before, what other invoices added since, and
        what was owed right before this one."""
        move = self.move
        for model in ("account.move", "account.move.line", "account.partial.reconcile"):
            move.env[model].flush_model()
        place = SQL("(%s, %s)", self.day, move._origin.id)
        last = SQL("(%s, %s)", before.invoice_date, before.id) if before else place
        day_of_last = before.invoice_date or self.day
        own = SQL("TRUE")
        if not self.is_only_account:
            own = SQL(
                """
                %s = COALESCE(
                    (SELECT period.partner_id FROM telecom_billing_period period
                      WHERE period.move_id = m.id LIMIT 1),
                    m.partner_id
                )
                """,
                self.account.id,
            )
        sums = move.env.execute_query(
            SQL(
                """
                WITH booked AS (
                    SELECT line.id, line.amount_currency, line.currency_id, line.move_id,
                           m.telecom_profile_id IS NOT NULL AS telecom,
                           m.move_type IN ('out_invoice', 'out_receipt') AS invoice,
                           CASE WHEN m.telecom_profile_id IS NULL
                                THEN line.date ELSE m.invoice_date END AS day,
                           %(own)s AS own
                      FROM account_move_line line
                      JOIN account_move m ON m.id = line.move_id
                      JOIN account_account account ON account.id = line.account_id
                     WHERE line.partner_id = %(partner)s
                       AND line.company_id = %(company)s
                       AND line.parent_state = 'posted'
                       AND account.account_type = 'asset_receivable'
                       AND m.id != %(move)s
                ), receivable AS (
                    SELECT * FROM booked WHERE own
                ), entries AS (
                    SELECT amount_currency AS amount, telecom, invoice, day, move_id
                      FROM receivable WHERE currency_id = %(currency)s
                 UNION ALL
                    -- settled by what is in another currency, or not the account's: that part
                    SELECT -part.debit_amount_currency, FALSE, FALSE, part.max_date, 0
                      FROM account_partial_reconcile part
                      JOIN receivable debit ON debit.id = part.debit_move_id
                      JOIN booked credit ON credit.id = part.credit_move_id
                     WHERE debit.currency_id = %(currency)s
                       AND (credit.currency_id != %(currency)s OR NOT credit.own)
                 UNION ALL
                    SELECT part.credit_amount_currency, FALSE, FALSE, part.max_date, 0
                      FROM account_partial_reconcile part
                      JOIN receivable credit ON credit.id = part.credit_move_id
                      JOIN booked debit ON debit.id = part.debit_move_id
                     WHERE credit.currency_id = %(currency)s
                       AND (debit.currency_id != %(currency)s OR NOT debit.own)
                ), placed AS (
                    SELECT amount, invoice AND NOT telecom AS other,
                           CASE WHEN telecom THEN (day, move_id) <= %(last)s
                                ELSE day < %(day_of_last)s END AS is_previous
                      FROM entries
                     WHERE CASE WHEN telecom THEN (day, move_id) < %(place)s
                                ELSE day < %(day)s END
                )
                SELECT sum(amount) FILTER (WHERE is_previous),
                       sum(amount) FILTER (WHERE other AND NOT is_previous),
                       sum(amount)
                  FROM placed
                """,
                partner=move.commercial_partner_id.id,
                company=move.company_id.id,
                currency=move.currency_id.id,
                move=move._origin.id,
                day=self.day,
                own=own,
                day_of_last=day_of_last,
                place=place,
                last=last,
            )
        )
        return [float(amount or 0) for amount in sums[0]]
