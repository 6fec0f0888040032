"""What a reseller's invoice is made of, row by row, as a file for its spreadsheet."""

import csv
from decimal import Decimal

import pytz

from odoo import fields
from odoo.tools import SQL

from .csv_cells import plain_cells
from .invoice_content import InvoiceContent

# rows that are held in memory at a time
CHUNK = 10_000
EXACT = Decimal("1e-8")


class WholesaleFile:
    """Writes each call and each span of a service behind the lines of an invoice.

    The amounts are the account's own prices before taxes, in the invoice's currency and with the
    document's sign. They add up to the lines exactly: what rounding or conversion adds to a
    line, and what a person changed, are rows of their own. Whom a reseller below sells to is
    not named. Runs as superuser: callers check that the invoice may be read.
    """

    def __init__(self, move):
        lang = move.partner_id.lang or move.env.lang
        self.move = move.sudo().with_context(lang=lang)
        self.env = self.move.env
        self.sign = -1 if move.move_type == "out_refund" else 1
        periods = self.move.telecom_period_ids
        self.account = periods[:1].partner_id or self.move.partner_id
        self.zone = pytz.timezone(self.account._account_tz())
        self.content = InvoiceContent(self.env, periods)
        self._factors = {}

    def file_name(self):
        """Return the name of the file: it names nobody but the document."""
        number = (self.move.name or "").replace("/", "_") or str(self.move.id)
        return self.env._("Details %s", number) + ".csv"

    def write_to(self, file):
        """Write the rows.

        :param file: opened for text, without translation of newlines
        :return: Decimal, the sum of the amounts
        """
        for name in ("telecom.cdr", "telecom.call.charge", "telecom.charge"):
            self.env[name].flush_model()
        # spreadsheet programs take it for UTF-8 only with this mark
        file.write("\ufeff")
        writer = csv.writer(file)
        writer.writerow(self._header())
        total = Decimal()
        for line in self.move.invoice_line_ids.filtered("telecom_section"):
            for *cells, amount in self._rows(line):
                total += amount
                writer.writerow(plain_cells([*cells, f"{amount:f}", self.move.currency_id.name]))
        return total

    # === ROWS ===

    def _header(self):
        return [
            self.env._("Customer"),
            self.env._("Kind"),
            self.env._("Date"),
            self.env._("Last Day"),
            self.env._("From"),
            self.env._("To"),
            self.env._("Description"),
            self.env._("Seconds"),
            self.env._("Free Seconds"),
            self.env._("Amount"),
            self.env._("Currency"),
        ]

    def _rows(self, line):
        """Yield tuples as in the header, without the currency; the amount is a Decimal."""
        customer = (line.telecom_customer_id or self.account).display_name
        section = line._fields["telecom_section"].convert_to_export(line.telecom_section, line)
        rows = self._calls(line) if line.telecom_section == "calls" else self._charges(line)
        total = Decimal()
        for row in rows:
            total += row[-1]
            yield customer, section, *row
        charged = self.sign * Decimal(f"{line.telecom_amount:.8f}")
        now = self.sign * line._telecom_amount_now()
        for text, difference in (
            (self.env._("Rounding"), charged - total),
            (self.env._("Changed on the invoice"), now - charged),
        ):
            if difference:
                yield customer, section, "", "", "", "", text, "", "", difference

    def _calls(self, line):
        """Yield the calls that the line opens, oldest first."""
        domain = line.action_telecom_details()["domain"]
        found = self.env["telecom.call.charge"]._search(domain)
        for (
            when,
            source,
            target,
            destination,
            seconds,
            free,
            amount,
            currency,
            period,
        ) in self._fetch(
            SQL(
                """
                    SELECT charge.call_date, call.src, call.dst, charge.destination,
                           charge.billed_seconds, charge.free_seconds, charge.amount::text,
                           charge.currency_id, charge.period_id
                      FROM telecom_call_charge charge
                      JOIN telecom_cdr call ON call.id = charge.cdr_id
                     WHERE charge.id IN %s
                     ORDER BY charge.call_date, charge.id
                    """,
                found.subselect(),
            )
        ):
            local = pytz.utc.localize(when).astimezone(self.zone)
            yield (
                f"{local:%Y-%m-%d %H:%M:%S}",
                "",
                source,
                target,
                destination,
                seconds,
                free,
                self._amount(Decimal(amount), currency, period),
            )

    def _charges(self, line):
        """Yield the charges that the line opens: one row per span of a service."""
        domain = line.action_telecom_details()["domain"]
        for charge in self.env["telecom.charge"].search(domain, order="date_from, name, id"):
            name = charge.name
            if charge.resold_to_id and charge.resold_to_id != charge.customer_id:
                # the words are those of a customer's reseller, and may name the customer
                name = charge.product_id.display_name
            last = charge.date_to and fields.Date.subtract(charge.date_to, days=1)
            if last and last < charge.date_from:
                last = None
            amount = Decimal(f"{charge.amount:.8f}")
            yield (
                charge.date_from or charge.date,
                last,
                "",
                "",
                name,
                "",
                "",
                self._amount(amount, charge.currency_id.id, charge.period_id.id),
            )

    def _fetch(self, query):
        """Yield the rows of a query, of which there may be millions."""
        cr = self.env.cr
        cr.execute(SQL("DECLARE telecom_wholesale NO SCROLL CURSOR FOR %s", query))
        try:
            while True:
                cr.execute("FETCH %s FROM telecom_wholesale", [CHUNK])
                rows = cr.fetchall()
                if not rows:
                    return
                yield from rows
        finally:
            cr.execute("CLOSE telecom_wholesale")

    def _amount(self, amount, currency_id, period_id):
        """Return an amount in the invoice's currency, as the invoice converts it."""
        if currency_id != self.move.currency_id.id:
            key = currency_id, period_id
            if key not in self._factors:
                period = self.env["telecom.billing.period"].browse(period_id)
                self._factors[key] = self.content._convert(period, Decimal(1), currency_id)
            amount = (amount * self._factors[key]).quantize(EXACT)
        return self.sign * amount
