"""What a person changes on a draft invoice, said in charges: the two always agree."""

from decimal import Decimal

from odoo.exceptions import UserError

from .charge import OF_INVOICES
from .invoice_content import InvoiceContent
from .period_book import open_periods


class InvoiceChanges:
    """Makes the charges behind invoices follow what a person does with the invoices' lines.

    A charge whose line is deleted, or has no quantity any more, goes back to the account's open
    period and is on the next invoice. Any other difference becomes a charge of its own, "Changed
    on the invoice"; so charges are what is invoiced and what is to be invoiced, to the last
    digit. Runs as superuser: an accountant needs no telecom rights to mend an invoice.
    """

    def __init__(self, moves):
        self.moves = moves.sudo().filtered("telecom_period_ids")
        self.env = self.moves.env
        self.charge_model = self.env["telecom.charge"]

    def settle(self):
        """Move charges, and make changes and roundings anew, where the lines ask for it.

        :raises UserError: when a line wants back a charge that is closed elsewhere by now
        """
        for move in self.moves:
            periods, lines = self._parts(move)
            off, back = self._misplaced(periods, lines)
            for charge in off:
                charge.period_id = charge._period_now()
            for charge in back:
                self._take_back(charge, move, periods[:1])
            wanted = self._roundings(periods, lines) + self._changes(periods, lines)
            self._replace(self._of_invoice(periods), wanted)

    def drop(self):
        """Delete the changes of invoices that are given up: the charges are billed in full."""
        self._of_invoice(self.moves.telecom_period_ids, ["change"]).unlink()

    def is_outdated(self):
        """Tell whether something else is charged in the invoices' periods than on their lines."""
        for move in self.moves:
            periods, lines = self._parts(move)
            if any(self._misplaced(periods, lines)):
                return True
            roundings = self._of_invoice(periods, ["rounding"])
            if self._keys(roundings) != self._keys(self._roundings(periods, lines)):
                return True
        return False

    # === WHAT IS THERE ===

    def _parts(self, move):
        """Return the periods of an invoice, oldest first, and its lines of charges."""
        lines = move.invoice_line_ids.filtered(
            lambda line: line.telecom_section and line.display_type == "product"
        )
        return move.telecom_period_ids.sorted("date_from"), lines

    def _of_invoice(self, periods, types=OF_INVOICES):
        return self.charge_model.search(
            [("period_id", "in", periods.ids), ("charge_type", "in", types)]
        )

    def _charges(self, periods):
        """Return the charges of periods that are invoiced line by line."""
        charges = InvoiceContent(self.env, periods).load_charges()
        return self.charge_model.union(*charges.values())

    def _misplaced(self, periods, lines):
        """Return the charges of these periods without a line, and those of lines elsewhere."""
        # what is summed up for a reseller's customer stays, as calls do
        charges = self._charges(periods).filtered(lambda charge: not charge.resold_to_id)
        charged = lines.filtered("quantity").telecom_charge_id
        return charges - charged, charged - charges

    # === THE CHARGES' PERIODS ===

    def _take_back(self, charge, move, period):
        """Move a charge that was given back to the invoiced period again."""
        # whoever closes its period meanwhile either waits or makes this transaction repeat
        moment = str(charge.period_id.start)
        open_periods(self.env, {charge.partner_id.id: (moment, moment)})
        if charge.period_id.state != "open":
            raise UserError(
                self.env._(
                    "%(charge)s was taken off %(invoice)s and is billed with %(period)s by now. "
                    "Leave its quantity at 0.",
                    charge=charge.name,
                    invoice=move.display_name,
                    period=charge.period_id.display_name,
                )
            )
        charge.period_id = period

    # === CHARGES THAT FOLLOW THE INVOICE ===

    def _charged(self, line, charges):
        """Return what is charged for a line, before anybody changed it."""
        is_sum = line.telecom_section == "calls" or line.telecom_customer_id
        if not is_sum and line.telecom_charge_id not in charges:
            return Decimal()
        return Decimal(f"{line.telecom_amount:.8f}")

    def _roundings(self, periods, lines):
        """Return values of the roundings, as when the invoice was made."""
        content = InvoiceContent(self.env, periods)
        usage, charges = content.load_usage(), self._charges(periods)
        total = sum((self._charged(line, charges) for line in lines), Decimal())
        rows = [row for period in periods for row in usage[period.id]]
        return content.rounding_vals(periods[0], periods.move_id.currency_id, total, rows, charges)

    def _changes(self, periods, lines):
        """Return values of one charge a line whose amount is not what is charged for it."""
        charges, period, found = self._charges(periods), periods[0], []
        for line in lines:
            difference = line._telecom_amount_now() - self._charged(line, charges)
            if difference:
                text = (line.name or "").split("\n")[0]
                name = self.env._("Changed on the invoice: %s", text)
                vals = InvoiceContent(self.env, periods).charge_vals(period, "change", name)
                vals.update(amount=float(difference), currency_id=line.currency_id.id)
                found.append(vals)
        return found

    def _replace(self, charges, vals_list):
        """Put other charges in the place of these, unless they are the same."""
        if self._keys(charges) != self._keys(vals_list):
            charges.unlink()
            self.charge_model.create(vals_list)

    @staticmethod
    def _keys(charges):
        """Return in order what tells charges, or values of charges, from each other."""
        keys = []
        for charge in charges:
            currency = charge["currency_id"]
            keys.append(
                (
                    charge["charge_type"],
                    charge["name"] if charge["charge_type"] == "change" else "",
                    currency if isinstance(currency, int) else currency.id,
                    f"{charge['amount']:.8f}",
                )
            )
        return sorted(keys)
