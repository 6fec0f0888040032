"""The calls of an invoice as a file that other programs read."""

import csv
import io
import zipfile
from decimal import Decimal

import pytz

from .csv_cells import plain_cells
from .invoiced_calls import invoiced_calls

# beyond so many rows mail servers refuse the file, so it is packed
PACK_ROWS = 20_000


class InvoiceCallsFile:
    """Writes one row a call, in the account's language and time zone.

    Amounts are those of the calls, before taxes, with all their digits and with the document's
    sign; days, numbers and amounts are written alike in all languages. Runs as superuser.
    """

    def __init__(self, move):
        self.move = move.sudo()
        lang = move.partner_id.lang or move.env.lang
        self.env = self.move.with_context(lang=lang).env
        self.periods = self.move.telecom_period_ids

    def attachment_vals(self):
        """Return values of an attachment with the calls, packed where there are many."""
        name = self.file_name()
        content, mimetype = self._csv(), "text/csv"
        if name.endswith(".zip"):
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(f"{self._base_name()}.csv", content)
            content, mimetype = packed.getvalue(), "application/zip"
        return {"name": name, "raw": content, "mimetype": mimetype}

    def file_name(self):
        """Return the name that the file will have."""
        ending = "zip" if self.count() > PACK_ROWS else "csv"
        return f"{self._base_name()}.{ending}"

    def count(self):
        """Return how many calls there are, without looking at them."""
        domain = [("period_id", "in", self.periods.ids)]
        domain += self.move._telecom_invoiced_domain()
        usage = self.env["telecom.usage"]._read_group(domain, [], ["calls:sum"])
        return usage[0][0] or 0

    # === THE ROWS ===

    def _base_name(self):
        number = (self.move.name or "").replace("/", "_") or str(self.move.id)
        return self.env._("Calls %s", number)

    def _csv(self):
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(
            [
                self.env._("Date"),
                self.env._("From"),
                self.env._("To"),
                self.env._("Direction"),
                self.env._("Destination"),
                self.env._("Seconds"),
                self.env._("Free Seconds"),
                self.env._("Amount"),
                self.env._("Currency"),
            ]
        )
        for row in self._rows():
            writer.writerow(plain_cells(row))
        # spreadsheet programs take it for UTF-8 only with this mark
        return out.getvalue().encode("utf-8-sig")

    def _rows(self):
        sign = -1 if self.move.move_type == "out_refund" else 1
        zone = pytz.timezone(self.periods[:1].partner_id._account_tz() or "UTC")
        directions = dict(
            self.env["telecom.cdr"]._fields["direction"]._description_selection(self.env)
        )
        # all of them at once: the calls are read with the same cursor
        currencies = self.env["res.currency"].with_context(active_test=False).search([])
        names = {currency.id: currency.name for currency in currencies}
        for call in invoiced_calls(self.env, self.periods):
            local = pytz.utc.localize(call.when).astimezone(zone)
            yield (
                f"{local:%Y-%m-%d %H:%M:%S}",
                call.source,
                call.target,
                directions.get(call.direction),
                call.destination,
                call.seconds,
                call.free_seconds or 0,
                _plain(sign * Decimal(call.amount)),
                names[call.currency_id],
            )


def _plain(amount):
    """Return an amount without an exponent, and with two decimals or more."""
    digits = max(2, -amount.normalize().as_tuple().exponent)
    return f"{amount or 0:.{digits}f}"
