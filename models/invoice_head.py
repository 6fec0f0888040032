"""What is on an invoice besides its lines: who issues it, by which journal, dates and texts."""

from odoo import fields
from odoo.fields import Command

from ..engine.calendar import local_day


class InvoiceHead:
    """The part of `InvoiceContent` that says of an invoice what its rules say."""

    def _issuer(self, profile, lang):
        key = profile, lang
        if key not in self._issuers:
            self._issuers[key] = profile._issuer(lang)
        return self._issuers[key]

    def _move_vals(self, periods, lines):
        """Return what one would give Odoo's own `create` for this invoice.

        :param periods: what it covers, oldest first: those carried forward and the last one
        """
        period = periods[-1]
        rules = self._rules(period)
        profile, company = rules.profile, rules.profile.company_id
        journal = profile._sale_journal()
        invoice_date = self._invoice_date(period, rules)
        self.check.check(period, rules, journal, invoice_date)
        partner = period.partner_id.with_company(company)
        vals = {
            "company_id": company.id,
            "journal_id": journal.id,
            "partner_id": partner.id,
            "currency_id": partner.telecom_currency_id.id,
            "invoice_date": invoice_date,
            "invoice_origin": periods._span_text(),
            # not who runs the billing: Odoo would send the mail in the name of that user
            "invoice_user_id": (partner.user_id or partner.commercial_partner_id.user_id).id,
            "telecom_profile_id": profile.id,
            # as it is now: a later change of the profile prints no issued invoice otherwise
            "telecom_issuer_id": self._issuer(profile, rules.lang).id,
            "telecom_annex": rules.annex,
            "telecom_amount_in_words": rules.amount_in_words,
        }
        if profile.partner_bank_id:
            vals["partner_bank_id"] = profile.partner_bank_id.id
        # also where there are none: Odoo would take those of the account
        vals["invoice_payment_term_id"] = rules.payment_term_id.id
        if not rules.payment_term_id:
            vals["invoice_date_due"] = fields.Date.add(invoice_date, days=rules.due_days)
        narration = profile._narration(rules.lang)
        if narration is not None:
            vals["narration"] = narration
        return self._with_lines(period, vals, lines)

    def _with_lines(self, period, vals, lines):
        """Return the values with lines, as an invoice or, where it is below zero, a credit note.

        Odoo posts neither with a negative total, and with lines of both signs and different
        taxes only the taxes tell.
        """

        def document(move_type, sign):
            commands = [Command.create(line) for line in self._line_vals(period, lines, sign)]
            document_vals = {**vals, "move_type": move_type, "invoice_line_ids": commands}
            if move_type == "out_refund":
                # what is paid back goes to an account of the customer
                document_vals.pop("partner_bank_id", None)
            return document_vals

        invoice = document("out_invoice", 1)
        owes = any(line.amount > 0 for line in lines)
        gets = any(line.amount < 0 for line in lines)
        if gets and (not owes or self.builder.total(invoice) < 0):
            return document("out_refund", -1)
        return invoice

    def _default_taxes(self, period, company):
        """Return the sales tax of the company, through the account's fiscal position."""
        positions = self.env["account.fiscal.position"].with_company(company)
        position = positions._get_fiscal_position(period.partner_id.with_company(company))
        return position.map_tax(company.account_sale_tax_id)

    def _invoice_date(self, period, rules):
        if rules.invoice_date_rule == "last_day" or period.is_manual:
            return fields.Date.subtract(period.date_to, days=1)
        if rules.invoice_date_rule == "run_day":
            return local_day(fields.Datetime.now(), period.partner_id._account_tz())
        return period.date_to
