"""Makes the same invoices natively and with InvoiceBuilder, and compares every column."""

import os

from odoo.fields import Command
from odoo.tools import SQL

from ..models.invoice_builder import InvoiceBuilder
from .invoice_families import InvoiceFamilies

SEED = int(os.environ.get("TELECOM_SEED", "19"))
# What two invoices made of the same values cannot share.
OWN_COLUMNS = {"access_token", "create_date", "create_uid", "id", "write_date", "write_uid"}


class RollBack(Exception):
    """Ends a savepoint of which nothing shall stay."""


class InvoiceBuilderCase(InvoiceFamilies):
    """Makes the same invoices twice and compares every column."""

    def undone(self, function):
        """Return what `function` returns, and undo all that it did."""
        result = []
        try:
            with self.env.cr.savepoint():
                result.append(function())
                raise RollBack
        except RollBack:
            return result[0]

    def native(self, vals_list, edit=None):
        """Return the rows of drafts and of posted invoices that native code makes.

        :param edit: called with the drafts, to change them as a user would
        """

        def make():
            moves = self.env["account.move"]
            for vals in vals_list:
                # one by one: native batches are not independent of each other
                model = moves.with_company(vals["company_id"])
                moves += model.create([{**vals, "invoice_line_ids": self.copied_lines(vals)}])
            if edit:
                edit(moves)
            drafts = self.rows(moves)
            moves.action_post()
            return drafts, self.rows(moves)

        return self.undone(make)

    def built(self, vals_list, edit=None):
        """Return the rows of drafts and of posted invoices that the builder makes."""

        def make():
            builder = InvoiceBuilder(self.env)
            moves = builder.build(vals_list)
            if edit:
                edit(moves)
            drafts = self.rows(moves)
            builder.post(moves)
            return drafts, self.rows(moves)

        return self.undone(make)

    @staticmethod
    def copied_lines(vals):
        return [Command.create(dict(command[2])) for command in vals["invoice_line_ids"]]

    def rows(self, moves):
        """Return for each move its columns, with `lines`, the columns of its journal items."""
        self.env.flush_all()
        found = self._table("account_move", "id", moves.ids)
        lines = self._table("account_move_line", "move_id", moves.ids)
        for table, column in (
            ("account_move_line_account_tax_rel", "account_tax_id"),
            ("account_account_tag_account_move_line_rel", "account_account_tag_id"),
        ):
            for line in lines.values():
                line[table] = set()
            for relation in self.env.execute_query_dict(
                SQL(
                    "SELECT account_move_line_id AS line, %s AS record FROM %s"
                    " WHERE account_move_line_id = ANY(%s)",
                    SQL.identifier(column),
                    SQL.identifier(table),
                    list(lines),
                )
            ):
                lines[relation["line"]][table].add(relation["record"])
        for line in lines.values():
            found[line.pop("move_id")].setdefault("lines", []).append(line)
        return [found[move_id] for move_id in moves.ids]

    def _table(self, table, column, ids):
        query = SQL(
            "SELECT * FROM %s WHERE %s = ANY(%s) ORDER BY id",
            SQL.identifier(table),
            SQL.identifier(column),
            ids,
        )
        return {
            row["id"]: {name: value for name, value in row.items() if name not in OWN_COLUMNS}
            for row in self.env.execute_query_dict(query)
        }

    def differences(self, native, built, labels):
        """Return a text for each column that differs."""
        found = []
        for stage, natives, builts in zip(("draft", "posted"), native, built, strict=True):
            for label, one, other in zip(labels, natives, builts, strict=True):
                lines, others = one["lines"], other["lines"]
                if len(lines) != len(others):
                    found.append(f"{label} {stage}: {len(lines)} items, built {len(others)}")
                    continue
                pairs = [("invoice", one, other)]
                pairs += [
                    (f"item {index} ({line['display_type']})", line, others[index])
                    for index, line in enumerate(lines)
                ]
                found += [
                    f"{label} {stage} {what}.{name}: {row[name]!r}, built {twin[name]!r}"
                    for what, row, twin in pairs
                    for name in row
                    if name != "lines" and row[name] != twin[name]
                ]
        return found

    def assert_same(self, vals_list, labels=None, edit=None):
        """Fail unless native code and the builder make the same rows of these values."""
        labels = labels or [str(index) for index in range(len(vals_list))]
        native, built = self.native(vals_list, edit), self.built(vals_list, edit)
        found = self.differences(native, built, labels)
        text = "\n".join(found[:40])
        self.assertFalse(found, f"{len(found)} differences, TELECOM_SEED={SEED}:\n{text}")

    def assert_native(self, vals):
        """Fail unless the builder leaves an invoice to native code, and it comes out the same."""
        self.assertFalse(InvoiceBuilder(self.env)._knows(vals))
        self.assert_same([vals])
