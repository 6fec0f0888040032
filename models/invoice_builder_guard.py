"""Which invoices the fast way of InvoiceBuilder reproduces; all others are made natively."""

from odoo.fields import Command

from .invoice_builder_known import (
    GIVEN_FIELDS,
    KNOWN_MODULES,
    LINE_KEYS,
    MOVE_KEYS,
    NUMBERING_METHODS,
    POSTING_METHODS,
    PRECOMPUTED_FIELDS,
    REPRODUCED_METHODS,
    REQUIRED_LINE_KEYS,
    REQUIRED_MOVE_KEYS,
    ROW_FIELDS,
    ROW_METHODS,
    TEXT_LINES,
    TRUSTED_OVERRIDES,
)


class NativeNeeded(Exception):
    """Only native code can make this invoice; the message says why."""


class InvoiceGuard:
    """Decides for the invoices of one company which of them the fast way reproduces.

    Every method that ends in `_reason` returns why native code is needed, or None.
    """

    def __init__(self, env, company):
        self.env = env
        self.company = company
        self._general = self._overriding(REPRODUCED_METHODS, GIVEN_FIELDS) or self._company_reason()
        self._known = {}

    def reason(self, vals):
        """Tell why native `create` has to make the invoice.

        :param dict vals: what one would give native `create`
        :return: str, or None when the fast way makes the same rows
        """
        return self._general or self._move_reason(vals) or self._lines_reason(vals)

    def rows_reason(self):
        """Tell why the ORM has to compute the columns that follow from the journal items.

        :return: str, or None when `InvoiceRows` gives the same values
        """
        for model_name, given in PRECOMPUTED_FIELDS.items():
            for name, field in self.env[model_name]._fields.items():
                if field.precompute and name not in given:
                    return f"{model_name}.{name} is computed before rows are written"
        return self._overriding(ROW_METHODS, ROW_FIELDS)

    def posting_reason(self):
        """Tell why posting may have to change the journal items of an invoice built here.

        :return: str, or None when they stay as they are
        """
        return self._overriding(POSTING_METHODS)

    def numbering_reason(self):
        """Tell why the number format has to be looked up for each invoice.

        :return: str, or None when those of one journal, kind and date share it
        """
        return self._overriding(NUMBERING_METHODS)

    # === ONCE PER DATABASE AND COMPANY ===

    def _overriding(self, methods_by_model, fields_by_model=None):
        """Return which module has changed one of the methods, or of the fields' computation.

        :return: str, or None when it is as this module knows it
        """
        for model_name, methods in methods_by_model.items():
            model = self.env[model_name]
            names = set(methods)
            for field_name in (fields_by_model or {}).get(model_name, ()):
                field = model._fields[field_name]
                changed = {*field._modules} - KNOWN_MODULES
                if changed:
                    return f"{min(changed)} changes {model_name}.{field_name}"
                if isinstance(field.compute, str):
                    names.add(field.compute)
            for klass in type(model).__mro__:
                module = vars(klass).get("_module")
                if not module or module in KNOWN_MODULES:
                    continue
                for name in names & vars(klass).keys():
                    if (module, name) not in TRUSTED_OVERRIDES:
                        return f"{module} overrides {model_name}.{name}"
        return None

    def _company_reason(self):
        company = self.company.sudo()
        if company.parent_id:
            # accounts, taxes and journals of a branch come from several companies
            return "the company is a branch"
        if company.account_storno:
            return "storno accounting"
        if company.account_discount_expense_allocation_id:
            # moves the discount of each line to an account of its own
            return "discounts have an account of their own"
        if company.restrictive_audit_trail:
            # the law wants the messages that the fast way leaves out
            return "the audit trail is restricted"
        models = self.env["account.analytic.distribution.model"].sudo()
        if models.search_count([("company_id", "in", [False, company.id])], limit=1):
            return "analytic distribution models"
        return None

    # === ONCE PER RECORD ===

    def _ask(self, method, record):
        """Return the answer of a `_reason` method for a record, asking once."""
        key = method.__name__, record.id
        if key not in self._known:
            self._known[key] = method(record)
        return self._known[key]

    def _journal_reason(self, journal):
        if journal.company_id != self.company:
            return "the journal is another company's"
        if journal.type != "sale":
            return "no sales journal"
        if journal.restrict_mode_hash_table:
            return "the journal is locked by a hash chain"
        return None

    def _term_reason(self, term):
        return "early payment discount" if term.early_discount else None

    # === EACH INVOICE ===

    def _move_reason(self, vals):
        if vals.get("move_type") not in ("out_invoice", "out_refund"):
            return "no customer invoice or credit note"
        for name in REQUIRED_MOVE_KEYS:
            if not vals.get(name):
                return f"{name} is not given"
        for name in vals.keys() - MOVE_KEYS:
            if not self._is_plain("account.move", name):
                return f"{name} is given"
        journal = self.env["account.journal"].browse(vals["journal_id"])
        reason = self._ask(self._journal_reason, journal)
        if reason:
            return reason
        if journal.currency_id and journal.currency_id.id != vals["currency_id"]:
            return "the journal's currency is another"
        partner = self.env["res.partner"].browse(vals["partner_id"])
        if vals.get("invoice_cash_rounding_id") and partner.commercial_partner_id != partner:
            # posting makes native code delete and repeat the rounding line
            return "cash rounding for the contact of a company"
        return self._due_reason(vals, partner)

    def _due_reason(self, vals, partner):
        if "invoice_payment_term_id" in vals:
            term = self.env["account.payment.term"].browse(vals["invoice_payment_term_id"] or ())
        else:
            term = partner.property_payment_term_id
        if not term:
            return None
        if vals.get("invoice_date_due"):
            # native code overwrites one by the other at one time or another
            return "both a payment term and a due date"
        return self._ask(self._term_reason, term)

    def _lines_reason(self, vals):
        for command in vals["invoice_line_ids"]:
            if command[0] != Command.CREATE:
                return "lines are not given as new ones"
            reason = self._line_reason(command[2])
            if reason:
                return reason
        return None

    def _line_reason(self, line):
        for name in line.keys() - LINE_KEYS:
            if not self._is_plain("account.move.line", name):
                return f"{name} of a line is given"
        display_type = line.get("display_type") or "product"
        if display_type in TEXT_LINES:
            return None
        if display_type != "product":
            return f"a line of type {display_type}"
        for name in REQUIRED_LINE_KEYS:
            if name not in line:
                return f"{name} of a line is not given"
        if "tax_ids" in line and given_tax_ids(line) is None:
            return "the taxes of a line are given in an unknown way"
        return None

    def _is_plain(self, model_name, name):
        """Tell whether a field is a column that nothing follows from.

        Columns of `account` itself steer native code in ways that were not studied.
        """
        key = model_name, name
        if key not in self._known:
            field = self.env[model_name]._fields.get(name)
            self._known[key] = bool(
                field
                and field.store
                and field.column_type
                and not (field.compute or field.inverse or field.company_dependent)
                and not field.translate
                and KNOWN_MODULES.isdisjoint({*field._modules} - {"telecom_billing"})
            )
        return self._known[key]


def given_tax_ids(line):
    """Return the ids of the taxes that a line's values name.

    :param dict line: values with `tax_ids`, commands that set or link taxes
    :return: list of int; None when other commands are among them
    """
    ids = []
    for command in line["tax_ids"] or ():
        if command[0] == Command.SET:
            ids = list(command[2])
        elif command[0] == Command.LINK:
            ids.append(command[1])
        elif command[0] == Command.CLEAR:
            ids = []
        else:
            return None
    return ids
