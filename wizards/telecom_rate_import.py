import base64
import binascii

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..models.rate_deck import RateDeck
from ..models.rate_deck_file import DeckFile
from ..models.rate_deck_preview import DeckPreview
from ..models.rate_deck_words import field_labels

# what the cells of a workbook depend on
READING = {"file", "file_name", "header", "sheet"}
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}


class RateImport(models.TransientModel):
    """Imports a deck in four steps: the file, its columns, a preview, what was done."""

    _name = "telecom.rate.import"
    _description = "Rate Import"

    state = fields.Selection(
        [("file", "File"), ("columns", "Columns"), ("preview", "Preview"), ("done", "Done")],
        default="file",
        required=True,
    )

    # the file and where it goes
    card_id = fields.Many2one("telecom.rate.card", string="Rate Card")
    has_rates = fields.Boolean(compute="_compute_has_rates")
    file = fields.Binary(
        string="Deck", attachment=False, help="CSV, plain or packed with gzip, or .xlsx."
    )
    file_name = fields.Char()
    cells = fields.Binary(
        attachment=False, help="Of a workbook, which would take long to read at each step."
    )
    effective = fields.Datetime(
        string="Effective From",
        compute="_compute_effective",
        store=True,
        readonly=False,
        help="Calls that start before this moment keep their prices. Rows with dates of their "
        "own begin with these, but not before this moment. Empty: since ever, for a card "
        "without rates.",
    )
    mode = fields.Selection(
        [
            ("update", "Update: prefixes that are not in the deck keep their rates"),
            ("replace", "Replace the whole card: rates of other prefixes end"),
        ],
        required=True,
        default="update",
    )
    delimiter = fields.Selection(
        [
            ("auto", "Find out"),
            ("comma", "Comma"),
            ("semicolon", "Semicolon"),
            ("tab", "Tab"),
            ("bar", "Vertical bar"),
        ],
        required=True,
        default="auto",
    )
    header = fields.Selection(
        [("auto", "Find out"), ("yes", "Yes"), ("no", "No")],
        string="Has a Header Row",
        required=True,
        default="auto",
    )
    sheet = fields.Char()
    is_workbook = fields.Boolean(compute="_compute_is_workbook")

    # how the columns are read
    layout = fields.Char(string="Recognised As", readonly=True)
    row_count = fields.Integer(string="Rows", readonly=True)
    column_ids = fields.One2many("telecom.rate.import.column", "import_id")
    price_scale = fields.Selection(
        selection="_scale_get", string="Prices Are In", required=True, default="1"
    )
    fee_scale = fields.Selection(
        selection="_scale_get", string="Connection Fees Are In", required=True, default="1"
    )
    decimal_mark = fields.Selection(
        [("auto", "Find out"), (".", "Point"), (",", "Comma")], required=True, default="auto"
    )
    date_order = fields.Selection(
        [("auto", "Find out"), ("dmy", "Day, month, year"), ("mdy", "Month, day, year")],
        required=True,
        default="auto",
    )
    tz = fields.Selection(
        selection="_tz_get",
        string="Time Zone of Dates",
        required=True,
        default=lambda self: self.env.user.tz or self.env.company.partner_id.tz or "UTC",
    )
    direction = fields.Selection(
        [("outbound", "Outbound"), ("inbound", "Inbound")],
        string="Calls Are",
        required=True,
        default="outbound",
        help="Of rows that do not say it themselves.",
    )
    initial_increment = fields.Integer(
        string="First Increment", required=True, default=1, help="Of rows without one."
    )
    increment = fields.Integer(required=True, default=1, help="Of rows without one.")

    # what came of it
    preview = fields.Html(readonly=True, sanitize=False)
    can_import = fields.Boolean(readonly=True)
    reject_file = fields.Binary(string="Rejected Rows", attachment=False, readonly=True)
    reject_file_name = fields.Char(readonly=True)
    loss_warning = fields.Text(string="Sold Under Cost", readonly=True)
    is_past = fields.Boolean(compute="_compute_is_past")

    # === DEFAULTS AND SELECTIONS ===

    @api.model
    def _scale_get(self):
        return [
            ("1", self.env._("The card's currency")),
            ("0.01", self.env._("Cents (1/100)")),
            ("0.001", self.env._("Thousandths")),
            ("0.0001", self.env._("Ten-thousandths")),
        ]

    @api.model
    def _tz_get(self):
        return self.env["res.partner"]._fields["tz"]._description_selection(self.env)

    # === COMPUTE METHODS ===

    @api.depends("card_id")
    def _compute_has_rates(self):
        for wizard in self:
            wizard.has_rates = bool(wizard.card_id.rate_count)

    @api.depends("card_id")
    def _compute_effective(self):
        for wizard in self:
            wizard.effective = fields.Datetime.now() if wizard.card_id.rate_count else False

    @api.depends("file_name")
    def _compute_is_workbook(self):
        for wizard in self:
            wizard.is_workbook = (wizard.file_name or "").lower().endswith(".xlsx")

    @api.depends("effective")
    def _compute_is_past(self):
        for wizard in self:
            wizard.is_past = bool(wizard.effective) and wizard.effective < fields.Datetime.now()

    # === CRUD METHODS ===

    def write(self, vals):
        if READING & vals.keys():
            vals = {**vals, "cells": False}
        return super().write(vals)

    # === ACTIONS ===

    def action_read(self):
        """Read the file and propose what its columns are."""
        self.ensure_one()
        deck = self._deck()
        field_of = {at: name for name, at in deck.mapping.columns.items()}
        known = deck.mapping.options
        self.write(
            {
                "state": "columns",
                "cells": self.is_workbook and base64.b64encode(deck.pack()),
                "layout": self._layout_name(deck.mapping.layout),
                "row_count": len(deck.rows),
                "price_scale": known.get("price_scale", "1"),
                "fee_scale": known.get("fee_scale", "1"),
                "column_ids": [
                    Command.clear(),
                    *(
                        Command.create(
                            {
                                "position": at,
                                "name": name or self.env._("Column %s", at + 1),
                                "sample": " · ".join(value[:40] for value in values),
                                "field": field_of.get(at),
                            }
                        )
                        for at, (name, values) in enumerate(deck.columns())
                    ),
                ],
            }
        )
        return self._reopen()

    def action_preview(self):
        """Work out what the deck changes, and show it; nothing is imported yet."""
        self.ensure_one()
        deck = self._deck()
        result = RateDeck(self.env, self.tz).preview(*self._arguments(deck))
        self._show(deck, result, "preview")
        return self._reopen()

    def action_import(self):
        """Import the deck and show what was done."""
        self.ensure_one()
        deck = self._deck()
        result = RateDeck(self.env, self.tz).apply(*self._arguments(deck))
        self.card_id._log_deck(self.file_name, result, self.effective, self.mode == "replace")
        self._show(deck, result, "done")
        self.loss_warning = "\n".join(self.card_id._loss_warnings())
        return self._reopen()

    def action_back(self):
        """Return to the step before."""
        self.ensure_one()
        self.state = {"columns": "file", "preview": "columns"}.get(self.state, self.state)
        return self._reopen()

    def action_open_rates(self):
        """Open the rates of the card."""
        self.ensure_one()
        return self.card_id.action_open_rates()

    def action_rerate(self):
        """Price again the calls since the deck is effective that are not invoiced."""
        self.ensure_one()
        self.card_id.check_access("write")
        calls = self.env["telecom.cdr"]
        return calls._notify_rerated(calls._rerate(cards=self.card_id, date_from=self.effective))

    def _reopen(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Import Rates"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
            "context": {**self.env.context, "dialog_size": "extra-large"},
        }

    # === BUSINESS METHODS ===

    def _deck(self):
        """Return the file as :class:`DeckFile`."""
        self.env["telecom.rate"].check_access("create")
        if not self.card_id:
            raise UserError(self.env._("Choose the rate card that gets the prices."))
        self.card_id.check_access("write")
        if not self.file:
            raise UserError(self.env._("Choose the file with the deck."))
        wizard = self.with_context(bin_size=False)
        if wizard.cells:
            return DeckFile.unpack(self.env, base64.b64decode(wizard.cells), self.file_name)
        try:
            content = base64.b64decode(wizard.file)
        except (binascii.Error, ValueError):
            raise UserError(self.env._("The file did not arrive whole. Choose it again."))
        options = {
            "delimiter": DELIMITERS.get(self.delimiter),
            "sheet": (self.is_workbook and self.sheet) or None,
            "has_header": {"yes": True, "no": False}.get(self.header),
        }
        return DeckFile(self.env, content, self.file_name or "", options)

    def _arguments(self, deck):
        """Return the arguments of the merge: card, rows, effective, whether it replaces."""
        options = {
            "price_scale": self.price_scale,
            "fee_scale": self.fee_scale,
            "decimal_mark": None if self.decimal_mark == "auto" else self.decimal_mark,
            "date_order": None if self.date_order == "auto" else self.date_order,
            "direction": self.direction,
            "initial_increment": self.initial_increment,
            "increment": self.increment,
        }
        rows = deck.parse(self._columns(), options)
        return self.card_id, rows, self.effective or None, self.mode == "replace"

    def _columns(self):
        """Return {field: number of its column} as it was chosen."""
        columns = {}
        for column in self.column_ids:
            if not column.field:
                continue
            if column.field in columns:
                raise UserError(
                    self.env._(
                        "Two columns are chosen for %(field)s: %(first)s and %(second)s.",
                        field=field_labels(self.env)[column.field],
                        first=self.column_ids.filtered(lambda c, f=column.field: c.field == f)[
                            0
                        ].name,
                        second=column.name,
                    )
                )
            columns[column.field] = column.position
        return columns

    def _layout_name(self, layout):
        return {
            "cdrtool": self.env._("CDRTool (prices in ten-thousandths)"),
            "a2billing_simple": self.env._("A2Billing, simple rate card"),
            "a2billing_complex": self.env._("A2Billing, complex rate card"),
        }.get(layout, False)

    def _show(self, deck, result, state):
        """Keep what the page of this step shows."""
        counts = result.counts
        rejected = result.rejects and base64.b64encode(deck.reject_file(result.rejects))
        stem = (self.file_name or "deck").rsplit(".", 1)[0]
        self.write(
            {
                "state": state,
                "can_import": bool(counts["new"] or counts["changed"] or counts["closed"])
                and bool(counts["new"] + counts["changed"] + counts["unchanged"]),
                "preview": self.env["ir.qweb"]._render(
                    "telecom_billing.rate_import_preview",
                    DeckPreview(self.env, self.tz).values(
                        result, self.card_id, self.mode == "replace", state == "done"
                    ),
                ),
                "reject_file": rejected or False,
                "reject_file_name": f"{stem}_rejected.csv",
            }
        )


class RateImportColumn(models.TransientModel):
    """One column of a deck, and what it holds."""

    _name = "telecom.rate.import.column"
    _description = "Column of a Deck"
    _order = "position, id"

    import_id = fields.Many2one("telecom.rate.import", required=True, ondelete="cascade")
    position = fields.Integer(required=True)
    name = fields.Char("Column", readonly=True)
    sample = fields.Char("First Rows", readonly=True)
    field = fields.Selection(selection="_field_get", string="Holds")

    @api.model
    def _field_get(self):
        return list(field_labels(self.env).items())
