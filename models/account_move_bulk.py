"""Shortcuts in the ORM's way of creating and numbering invoices, for InvoiceBuilder alone.

They are taken under context keys whose values are Python objects of this module: no caller
from outside can send such a context, for JSON and XML have no way to write it.
"""

from odoo import models

# Every stored field that `create` would compute beforehand is given, and what is given is final.
COMPLETE = object()


class NumberFormats(dict):
    """The number formats that one call of `post` has found, by journal, kind and date."""


def is_complete(model):
    """Tell whether the values that `model` is given are complete rows."""
    return model.env.context.get("telecom_complete_rows") is COMPLETE


def complete_values(model, vals_list):
    """Return values ready for `_create`, as `_prepare_create_values` does, but computing nothing.

    :param model: account.move or account.move.line
    :param list vals_list: dicts that name every precomputed field
    :return: new list of new dicts
    """
    fields = model._fields
    given = {name: False for vals in vals_list for name in vals}
    common = {
        name: value
        for name, value in model._add_missing_default_values(given).items()
        if name not in given and fields[name].store
    }
    now, user = model.env.cr.now(), model.env.uid
    common.update(create_uid=user, create_date=now, write_uid=user, write_date=now)
    result = []
    for vals in vals_list:
        vals = {**common, **vals}
        # values to be stored, not to be brought about by inverse methods
        vals["__precomputed__"] = {fields[name] for name in vals}
        result.append(vals)
    return result


def protect_given(model, data_list):
    """Keep what is given from being computed once more."""
    fields = model._fields
    for data in data_list:
        data["protected"].update(fields[name] for name in data["stored"] if fields[name].compute)


class AccountMove(models.Model):
    _inherit = "account.move"

    def _prepare_create_values(self, vals_list):
        if is_complete(self):
            return complete_values(self, vals_list)
        return super()._prepare_create_values(vals_list)

    def _create(self, data_list):
        if is_complete(self):
            protect_given(self, data_list)
        return super()._create(data_list)

    def _get_next_sequence_format(self):
        """Look the format up once for all invoices that are numbered alike.

        The number itself does not come from here: `_locked_increment` counts on from the first
        one, whose lock this transaction holds.
        """
        formats = self.env.context.get("telecom_number_formats")
        if not isinstance(formats, NumberFormats):
            return super()._get_next_sequence_format()
        key = self.journal_id.id, self.move_type, self.date
        if key in formats:
            text, values = formats[key]
            return text, dict(values)
        text, values = super()._get_next_sequence_format()
        # The first number of a period is derived from a pattern, the second from the first.
        if values["seq"]:
            formats[key] = text, dict(values)
        return text, values


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _prepare_create_values(self, vals_list):
        if not is_complete(self):
            return super()._prepare_create_values(vals_list)
        vals_list = complete_values(self, vals_list)
        for vals in vals_list:
            # `create` drops these two when they are given
            vals["debit"] = max(vals["balance"], 0.0)
            vals["credit"] = max(-vals["balance"], 0.0)
        return vals_list

    def _create(self, data_list):
        if is_complete(self):
            protect_given(self, data_list)
        return super()._create(data_list)

    def _check_company(self, fnames=None):
        """Check each account, tax, product and so on once instead of once per journal item.

        The items of complete rows belong to one company, that of their invoices.
        """
        if not is_complete(self):
            return super()._check_company(fnames)
        names = [
            name
            for name, field in self._fields.items()
            if field.relational and field.check_company and field.store and name != "move_id"
        ]
        seen, chosen = set(), []
        for line in self:
            for name in names:
                key = name, line[name]._ids
                if key[1] and key not in seen:
                    seen.add(key)
                    chosen.append(line.id)
        return super(AccountMoveLine, self.browse(chosen))._check_company(fnames)
