"""The itemised calls of an invoice, as texts in the language of whoever reads them."""

from decimal import Decimal

import pytz

from odoo.tools import format_date, format_time, get_lang

from .invoice_line import minutes_text
from .invoiced_calls import invoiced_calls


class InvoiceAnnex:
    """Reads and formats in bulk: an annex may have thousands of calls."""

    def __init__(self, move):
        self.move = move
        self.env = move.env(su=True)
        self.lang = self.env["res.lang"].browse(get_lang(move.env).id)
        self.sign = -1 if move.move_type == "out_refund" else 1

    def tables(self):
        """Return one table a currency, which is nearly always one in all.

        :return: list of dicts: `currency`; `calls`, tuples of (when, from, to, destination,
            duration, free, amount); `totals`, the last three summed up; `has_free`; and, where
            the invoice's own lines say something else, `rounding`, `changed`, `invoiced`
        """
        tables = []
        rows = list(invoiced_calls(self.env, self.move.sudo().telecom_period_ids))
        for currency_id in dict.fromkeys(row.currency_id for row in rows):
            currency = self.env["res.currency"].browse(currency_id)
            own = [row for row in rows if row.currency_id == currency_id]
            tables.append(self._table(currency, own))
        return tables

    def _table(self, currency, rows):
        amounts = [self.sign * Decimal(row.amount) for row in rows]
        total = sum(amounts, Decimal())
        # as many decimals as the finest price has, the same on every row
        digits = max(
            currency.decimal_places,
            *(-amount.normalize().as_tuple().exponent for amount in amounts),
        )
        stamp = self._stamps()
        table = {
            "currency": currency,
            "has_free": any(row.free_seconds for row in rows),
            "calls": [
                (
                    stamp(row.when),
                    row.source or "",
                    row.target or "",
                    row.destination,
                    minutes_text(row.seconds),
                    minutes_text(row.free_seconds) if row.free_seconds else "",
                    self._number(amount, digits),
                )
                for row, amount in zip(rows, amounts, strict=True)
            ],
            "totals": (
                minutes_text(sum(row.seconds for row in rows)),
                minutes_text(sum(row.free_seconds or 0 for row in rows)),
                self._number(total, digits),
            ),
        }
        if currency == self.move.currency_id:
            self._add_invoiced(table, total, digits)
        return table

    def _add_invoiced(self, table, total, digits):
        """Lead from the total of the calls to what the lines of calls say."""
        lines = self.move.invoice_line_ids.filtered_domain([("telecom_section", "=", "calls")])
        places = self.move.currency_id.decimal_places
        # the lines' signs are those of charges, the table's those of the document
        charged = self.sign * _decimal(sum(lines.mapped("telecom_amount")), places)
        invoiced = self.sign * sum((line._telecom_amount_now() for line in lines), Decimal())
        if charged == invoiced == total:
            return
        if charged != total:
            table["rounding"] = self._number(charged - total, digits)
        if invoiced != charged:
            table["changed"] = self._number(invoiced - charged, digits)
        table["invoiced"] = self._number(invoiced, digits)
        table["includes_taxes"] = invoiced != _decimal(sum(lines.mapped("price_subtotal")), places)

    def _stamps(self):
        """Return a function from UTC moments to texts in the account's time zone."""
        zone = pytz.timezone(self.move.sudo().telecom_period_ids[:1].partner_id._account_tz())
        days = {}

        def stamp(moment):
            local = pytz.utc.localize(moment).astimezone(zone)
            day = local.date()
            if day not in days:
                days[day] = format_date(self.env, day, lang_code=self.lang.code)
            return f"{days[day]} {format_time(self.env, local.time(), lang_code=self.lang.code)}"

        return stamp

    def _number(self, amount, digits):
        # nothing is never negative
        return self.lang.format(f"%.{digits}f", amount or 0, grouping=True)


def _decimal(amount, digits):
    return Decimal(f"{amount:.{digits}f}")
