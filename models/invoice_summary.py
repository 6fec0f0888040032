"""What an account owed before an invoice, what was paid since, and what is due with it."""

from odoo.tools import SQL


class InvoiceSummary:
    """Reads an account's receivable as it stood when the invoice's day began.

    A later payment changes no figure of an invoice that was made before it; so a summary says
    the same whenever it is printed, and each begins with the balance at which the last ended.
    """

    def __init__(self, move):
        self.move = move.sudo()

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
        """Return the telecom invoice of the same customer that comes before this one."""
        move = self.move
        return move.search(
            [
                ("commercial_partner_id", "=", move.commercial_partner_id.id),
                ("company_id", "=", move.company_id.id),
                ("currency_id", "=", move.currency_id.id),
                ("telecom_profile_id", "!=", False),
                ("state", "=", "posted"),
                ("id", "!=", move._origin.id),
                "|",
                ("invoice_date", "<", move.invoice_date),
                "&",
                ("invoice_date", "=", move.invoice_date),
                ("id", "<", move._origin.id),
            ],
            order="invoice_date desc, id desc",
            limit=1,
        )

    def _receivable(self, before):
        """Return what was owed after the invoice before, what other invoices added since, and
        what was owed right before this one."""
        move = self.move
        for model in ("account.move", "account.move.line", "account.partial.reconcile"):
            move.env[model].flush_model()
        place = SQL("(%s, %s)", move.invoice_date, move._origin.id)
        last = SQL("(%s, %s)", before.invoice_date, before.id) if before else place
        day_of_last = before.invoice_date or move.invoice_date
        sums = move.env.execute_query(
            SQL(
                """
                WITH receivable AS (
                    SELECT line.id, line.amount_currency, line.currency_id, line.move_id,
                           m.telecom_profile_id IS NOT NULL AS telecom,
                           m.move_type IN ('out_invoice', 'out_receipt') AS invoice,
                           CASE WHEN m.telecom_profile_id IS NULL
                                THEN line.date ELSE m.invoice_date END AS day
                      FROM account_move_line line
                      JOIN account_move m ON m.id = line.move_id
                      JOIN account_account account ON account.id = line.account_id
                     WHERE line.partner_id = %(partner)s
                       AND line.company_id = %(company)s
                       AND line.parent_state = 'posted'
                       AND account.account_type = 'asset_receivable'
                       AND m.id != %(move)s
                ), entries AS (
                    SELECT amount_currency AS amount, telecom, invoice, day, move_id
                      FROM receivable WHERE currency_id = %(currency)s
                 UNION ALL
                    -- paid in another currency: the part that it settled in this one
                    SELECT -part.debit_amount_currency, FALSE, FALSE, part.max_date, 0
                      FROM account_partial_reconcile part
                      JOIN account_move_line debit ON debit.id = part.debit_move_id
                      JOIN receivable credit ON credit.id = part.credit_move_id
                     WHERE debit.currency_id = %(currency)s
                       AND credit.currency_id != %(currency)s
                 UNION ALL
                    SELECT part.credit_amount_currency, FALSE, FALSE, part.max_date, 0
                      FROM account_partial_reconcile part
                      JOIN account_move_line credit ON credit.id = part.credit_move_id
                      JOIN receivable debit ON debit.id = part.debit_move_id
                     WHERE credit.currency_id = %(currency)s
                       AND debit.currency_id != %(currency)s
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
                day=move.invoice_date,
                day_of_last=day_of_last,
                place=place,
                last=last,
            )
        )
        return [float(amount or 0) for amount in sums[0]]
