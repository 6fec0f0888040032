from odoo import models

REFUND = "R"


class AccountMove(models.Model):
    """Numbers of invoices in their issuer's own series, on Odoo's own gapless sequence."""

    _inherit = "account.move"

    def _telecom_series(self):
        """Return the billing profile whose series this invoice is in, empty when in none."""
        if self.move_type not in ("out_invoice", "out_refund"):
            return self.env["telecom.billing.profile"]
        profiles = self.journal_id.sudo().telecom_profile_ids
        return profiles.filtered("invoice_prefix")[:1]

    def _telecom_is_apart(self):
        """Tell whether credit notes of the journal have numbers of their own."""
        return self.journal_id.refund_sequence and self.move_type == "out_refund"

    def _get_starting_sequence(self):
        series = self._telecom_series()
        if not series:
            return super()._get_starting_sequence()
        number = series._starting_number(self.date)
        return REFUND + number if self._telecom_is_apart() else number

    def _get_last_sequence_domain(self, relaxed=False):
        """Count on only from numbers with the prefix of today: another one begins a new series."""
        where, params = super()._get_last_sequence_domain(relaxed)
        series = self._telecom_series()
        if series:
            prefix = (REFUND if self._telecom_is_apart() else "") + series.invoice_prefix
            where += " AND starts_with(name, %(telecom_prefix)s)"
            params["telecom_prefix"] = prefix
        return where, params

    def _get_next_sequence_format(self):
        """Begin a new series with the number that the profile says."""
        text, values = super()._get_next_sequence_format()
        if not values["seq"]:
            series = self._telecom_series()
            if series.first_number > 1 and not self._get_last_sequence(relaxed=True):
                values["seq"] = series.first_number - 1
        return text, values
