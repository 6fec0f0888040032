"""Customer invoices by the hundred: the rows that native `create` makes, several times faster."""

from collections import defaultdict

from odoo.exceptions import UserError
from odoo.fields import Date
from odoo.tools import format_date

from .account_move_bulk import COMPLETE, NumberFormats
from .invoice_builder_guard import InvoiceGuard, NativeNeeded
from .invoice_builder_items import InvoiceItems
from .invoice_builder_rows import InvoiceRows

# All journal items are given: native code need not derive them a second time. Nobody reads the
# messages "Invoice created" of ten thousand invoices.
SKIP_SYNC = {
    "skip_account_move_synchronization": True,
    "skip_analytic_sync": True,
    "skip_invoice_line_sync": True,
    "skip_invoice_sync": True,
    "tracking_disable": True,
}
# Larger batches gain nothing.
NATIVE_BATCH = 50


class InvoiceBuilder:
    """Makes and posts many customer invoices and credit notes at once.

    The result is that of native `create` and `action_post`, in every column of the moves and
    their journal items. There are two ways to it: most invoices get their journal items here,
    from Odoo's own tax and payment term engines, and are created with them; what that way does
    not reproduce (`native_reason` tells what and why) goes to native `create`.
    """

    def __init__(self, env):
        self.env = env
        self._built_ids = set()

    def build(self, vals_list):
        """Create draft invoices.

        :param list vals_list: dicts as for `env["account.move"].create`, each with `company_id`;
            give `invoice_payment_term_id` (or False) with `invoice_date_due`, for the customer's
            own term would count too
        :return: account.move, in the order of `vals_list`
        :raises UserError: when a currency has no exchange rate, or native code refuses a value
        """
        by_company = defaultdict(list)
        for index, vals in enumerate(vals_list):
            by_company[self._company(vals)].append(index)
        found = {}
        for company, indexes in by_company.items():
            batch = _CompanyBatch(self.env, company, [vals_list[index] for index in indexes])
            found.update(zip(indexes, batch.make(), strict=True))
            self._built_ids.update(batch.built_ids)
        return self.env["account.move"].browse(found[index] for index in range(len(vals_list)))

    def post(self, moves):
        """Post invoices that `build` of this builder has made.

        :param moves: account.move in state draft
        :raises UserError: whatever native code says when an invoice cannot be posted
        """
        # a window to confirm unusual amounts would have nobody to answer it
        moves = moves.with_context(disable_abnormal_invoice_detection=True)
        guard = InvoiceGuard(self.env, self.env.company)
        built = moves.browse()
        if not guard.posting_reason():
            built = self._unchanged_by_posting(moves)
        if built:
            context = dict(SKIP_SYNC)
            if not guard.numbering_reason():
                context["telecom_number_formats"] = NumberFormats()
            built.with_context(**context).action_post()
        others = moves - built
        audited = others.filtered(lambda move: move.company_id.sudo().restrictive_audit_trail)
        for batch in (audited, (others - audited).with_context(tracking_disable=True)):
            if batch:
                batch.action_post()

    def total(self, vals):
        """Return the total with taxes that an invoice of these values would have.

        :param dict vals: as for `build`
        :return: float, in the invoice's currency
        """
        batch = _CompanyBatch(self.env, self._company(vals), [vals])
        document = batch.documents[0]
        if not document:
            move = batch.env["account.move"].new(vals)
            return move.tax_totals["total_amount_currency"]
        _untaxed, untaxed_currency, _tax, tax_currency = document.totals
        return document.currency.round(document.sign * (untaxed_currency + tax_currency))

    def native_reason(self, vals):
        """Tell why native `create` would make an invoice.

        :param dict vals: as for `build`
        :return: str, or None when the fast way makes it
        """
        return _CompanyBatch(self.env, self._company(vals), [vals]).reasons[0]

    def _knows(self, vals):
        return self.native_reason(vals) is None

    def _company(self, vals):
        company = self.env["res.company"].browse(vals.get("company_id") or ())
        if not company and vals.get("journal_id"):
            company = self.env["account.journal"].browse(vals["journal_id"]).company_id
        return company or self.env.company

    def _unchanged_by_posting(self, moves):
        """Return the invoices of which posting changes no amount, account, tax or due date."""
        built = moves.filtered(lambda move: move.id in self._built_ids)
        for (company, journal), alike in built.grouped(
            lambda move: (move.company_id, move.journal_id)
        ).items():
            # posting moves an invoice with a date in a closed period to the next open one
            first = min(alike.mapped("date"))
            if company._get_violated_lock_dates(first, True, journal):
                built -= alike
        return built


class _CompanyBatch:
    """Invoices of one company that are created together."""

    def __init__(self, env, company, vals_list):
        """Find out for each invoice why it must be native, else work it out."""
        self.env = env["account.move"].with_company(company).env
        self.company = company.with_env(self.env)
        self.vals_list = vals_list
        self.built_ids = []
        self._check_rates()
        self.guard = InvoiceGuard(self.env, self.company)
        self.reasons = [self.guard.reason(vals) for vals in vals_list]
        self.documents = [None] * len(vals_list)
        known = [index for index, reason in enumerate(self.reasons) if not reason]
        items = InvoiceItems(self.env, self.company)
        items.fetch([vals_list[index] for index in known])
        for index in known:
            try:
                self.documents[index] = items.work_out(vals_list[index])
            except NativeNeeded as needed:
                self.reasons[index] = str(needed)

    def make(self):
        """Create the invoices and return their ids, in the order in which they were given."""
        found = {}
        known = [index for index, document in enumerate(self.documents) if document]
        if known:
            self.built_ids = self._create_built([self.documents[index] for index in known])
            found.update(zip(known, self.built_ids, strict=True))
        # Native code gives a wrong due date to the second of two invoices created at once when
        # only the second has a payment term: each kind is created by itself.
        native = defaultdict(list)
        for index, document in enumerate(self.documents):
            if not document:
                native[self._has_term(self.vals_list[index])].append(index)
        for indexes in native.values():
            for start in range(0, len(indexes), NATIVE_BATCH):
                batch = indexes[start : start + NATIVE_BATCH]
                made = self._create_native([self.vals_list[index] for index in batch])
                found.update(zip(batch, made, strict=True))
        return [found[index] for index in range(len(self.vals_list))]

    def _create_built(self, documents):
        context = dict(SKIP_SYNC)
        if not self.guard.rows_reason():
            rows = InvoiceRows(self.env, self.company)
            for document in documents:
                rows.finish(document)
            context["telecom_complete_rows"] = COMPLETE
        moves = self.env["account.move"].with_context(**context)
        return moves.create([document.vals for document in documents]).ids

    def _create_native(self, vals_list):
        moves = self.env["account.move"]
        if not self.company.sudo().restrictive_audit_trail:
            moves = moves.with_context(tracking_disable=True)
        # native code changes the values that it is given
        return moves.create([dict(vals) for vals in vals_list]).ids

    def _has_term(self, vals):
        if "invoice_payment_term_id" in vals:
            return bool(vals["invoice_payment_term_id"])
        partner = self.env["res.partner"].browse(vals.get("partner_id") or ())
        return bool(partner.property_payment_term_id)

    def _check_rates(self):
        """Refuse a currency without any exchange rate, which native code takes as one to one."""
        rated = {self.company.currency_id.id, None, False}
        for vals in self.vals_list:
            currency_id = vals.get("currency_id")
            if currency_id in rated or vals.get("invoice_currency_rate"):
                continue
            rates = self.env["res.currency.rate"].sudo()
            of_company = ("company_id", "in", [False, self.company.root_id.id])
            if not rates.search_count([("currency_id", "=", currency_id), of_company], limit=1):
                self._refuse_currency(currency_id, vals.get("invoice_date"))
            rated.add(currency_id)

    def _refuse_currency(self, currency_id, date):
        currency = self.env["res.currency"].browse(currency_id)
        raise UserError(
            self.env._(
                "Company %(company)s has no exchange rate for %(currency)s on %(date)s. Add one"
                " under Accounting > Configuration > Currencies.",
                company=self.company.name,
                currency=currency.name,
                date=format_date(self.env, date or Date.context_today(currency)),
            )
        )
