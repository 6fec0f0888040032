import base64
import binascii

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine.intake import (
    CALL_FIELDS,
    FORMATS,
    detect_format,
    find_date_order,
    propose_columns,
    read_samples,
)
from ..models.cdr_preview import CallPreview
from ..models.cdr_words import CallWords

HEAD = 1 << 16
# larger files are taken by the cron job: a web request is stopped after two minutes
IN_BACKGROUND = 2 << 20
MAX_COLUMNS = 200
FIELD_LABELS = {
    "uid": "Call ID",
    "account_code": "Account code",
    "src": "From (caller)",
    "dst": "To (called number)",
    "start": "Start: date and time",
    "start_time": "Start: time, where the date is apart",
    "answer": "Answered at",
    "end": "Ended at",
    "billsec": "Seconds of conversation",
    "billsec_ms": "Milliseconds of conversation",
    "duration": "Seconds in all",
    "duration_ms": "Milliseconds in all",
    "disposition": "Disposition",
    "direction": "Direction",
    "sip_user": "SIP user",
    "trunk": "Trunk address",
    "bleg_uid": "Call ID of the other leg",
}


class CdrImportWizard(models.TransientModel):
    """Takes one file of calls: says how it was understood, lets that be corrected, imports it."""

    _name = "telecom.cdr.import.wizard"
    _description = "Import Calls"

    source_id = fields.Many2one(
        "telecom.cdr.source",
        required=True,
        default=lambda self: self._default_source_id(),
        help="The switch that wrote the file. Calls are known by their ID within it.",
    )
    file = fields.Binary(attachment=False, help="Plain or packed with gzip.")
    file_name = fields.Char()
    detected = fields.Char(
        string="Recognised As", compute="_compute_detected", help="What the file looks like."
    )
    format = fields.Selection(
        selection="_format_get",
        compute="_compute_format",
        store=True,
        readonly=False,
        help="Kept on the source for its next file.",
    )
    tz = fields.Selection(
        selection="_tz_get",
        string="Time Zone",
        compute="_compute_tz",
        store=True,
        readonly=False,
        help="Of stamps that carry no zone of their own. Kept on the source.",
    )
    date_order = fields.Selection(
        selection="_date_order_get",
        string="Order of Dates",
        compute="_compute_date_order",
        store=True,
        readonly=False,
        help="What 03/04/2026 means. Empty: found out from the file. Kept on the source.",
    )
    date_order_open = fields.Boolean(compute="_compute_preview")
    column_ids = fields.One2many("telecom.cdr.import.column", "wizard_id", string="Columns")
    source_format = fields.Selection(related="source_id.format", string="Format of the Source")
    problem = fields.Char(compute="_compute_preview")
    preview = fields.Html(compute="_compute_preview", sanitize=False)

    # === DEFAULTS AND SELECTIONS ===

    @api.model
    def _default_source_id(self):
        last = self.env["telecom.cdr.import"].search([], limit=1)
        sources = self.env["telecom.cdr.source"].search([], limit=2)
        return last.source_id or (sources if len(sources) == 1 else False)

    @api.model
    def _format_get(self):
        known = self.env["telecom.cdr.source"]._fields["format"]
        return known._description_selection(self.env)

    @api.model
    def _tz_get(self):
        return self.env["telecom.cdr.source"]._tz_get()

    @api.model
    def _date_order_get(self):
        known = self.env["telecom.cdr.source"]._fields["date_order"]
        return known._description_selection(self.env)

    # === COMPUTE METHODS ===

    @api.depends("file")
    def _compute_detected(self):
        for wizard in self:
            name = detect_format(wizard._content()[:HEAD])
            wizard.detected = FORMATS[name][0] if name else self.env._("nothing that is known")

    @api.depends("file", "source_id")
    def _compute_format(self):
        for wizard in self:
            wizard.format = detect_format(wizard._content()[:HEAD]) or wizard.source_id.format

    @api.depends("source_id")
    def _compute_tz(self):
        for wizard in self:
            wizard.tz = wizard.source_id.tz

    @api.depends("source_id")
    def _compute_date_order(self):
        for wizard in self:
            wizard.date_order = wizard.source_id.date_order

    @api.depends("file", "format", "tz", "date_order", "source_id", "column_ids.field")
    def _compute_preview(self):
        for wizard in self:
            wizard.problem, wizard.preview, wizard.date_order_open = False, Markup(), False
            if not wizard.source_id or not wizard.format:
                continue
            try:
                rows = CallPreview(self.env, wizard.source_id).rows(
                    wizard._content(), wizard.format, wizard._options()
                )
            except (ValueError, UserError) as error:
                wizard.problem = wizard._failure(error)
                continue
            if not rows or rows[0].get("fatal"):
                wizard.problem = wizard._refusal(rows)
                continue
            if all(row["error"] for row in rows):
                wizard.problem = self.env._(
                    "None of the first rows is understood: is the format right?"
                )
            wizard.preview = self._render(rows)
            if not wizard.date_order:
                order = find_date_order(wizard._content(), wizard._options())
                wizard.date_order_open = order[1]

    # === ACTIONS ===

    def action_read(self):
        """Read the file's beginning and show how it is understood."""
        self.ensure_one()
        self.env["telecom.cdr"].check_access("create")
        if not self._content():
            raise UserError(self.env._("%s is empty.", self.file_name or self.env._("The file")))
        self._propose_columns()
        return self._open("cdr_import_wizard_view_form_check")

    def action_back(self):
        """Return to the choice of the file."""
        self.ensure_one()
        return self._open("cdr_import_wizard_view_form")

    def action_import(self):
        """Import the file and open what came of it."""
        self.ensure_one()
        self.env["telecom.cdr"].check_access("create")
        preview = CallPreview(self.env, self.source_id)
        try:
            rows = preview.rows(self._content(), self.format, self._options(), limit=1)
        except ValueError as error:
            raise UserError(self._failure(error))
        if not rows or rows[0].get("fatal"):
            raise UserError(self._refusal(rows))
        # users import calls, managers set prices: what a file looks like is no price
        self.source_id.sudo().write(
            {
                "format": self.format,
                "tz": self.tz,
                "date_order": self.date_order,
                **({"column_map": self._column_map()} if self.format == "header_csv" else {}),
            }
        )
        content = self._content()
        imported = self.env["telecom.cdr.import"]._import_file(
            self.source_id,
            self.file_name or "calls",
            content,
            background=len(content) > IN_BACKGROUND,
        )
        return imported.with_env(self.env).get_formview_action()

    def _open(self, view):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Import Calls"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "view_id": self.env.ref(f"telecom_billing.{view}").id,
            "target": "new",
            "context": {"dialog_size": "extra-large"},
        }

    # === BUSINESS METHODS ===

    def _content(self):
        """Return the bytes of the file."""
        content = self.with_context(bin_size=False).file
        try:
            return base64.b64decode(content or b"")
        except (binascii.Error, ValueError):
            return b""

    def _propose_columns(self):
        """List the columns of a CSV file with a header row, each with the field it holds: as
        the source knows it, else by its name."""
        self.column_ids.unlink()
        if self.format != "header_csv":
            return
        try:
            header, samples = read_samples(
                self._content(),
                {
                    "delimiter": self.source_id.delimiter or None,
                    "encoding": self.source_id.encoding or None,
                },
            )
        except ValueError as error:
            raise UserError(self._failure(error))
        header = header[:MAX_COLUMNS]
        known = self.source_id.column_map or {}
        if not all(isinstance(name, int) or name in header for name in known.values()):
            known = {}
        chosen = {column: field for field, column in (known or propose_columns(header)).items()}
        self.column_ids = [
            fields.Command.create(
                {
                    "position": position,
                    "name": name,
                    "sample": " · ".join(
                        row[position][:40] for row in samples if row[position : position + 1]
                    ),
                    # a name that occurs twice means its first column
                    "field": chosen.get(position)
                    or (chosen.get(name) if header.index(name) == position else False),
                }
            )
            for position, name in enumerate(header)
        ]

    def _column_map(self):
        """Return {field: column} as it was chosen: the column's name, or its number where a
        column before it has the same name."""
        columns, names = {}, []
        for column in self.column_ids.sorted("position"):
            if column.field:
                if column.field in columns:
                    raise UserError(
                        self.env._("Two columns are chosen for %s.", FIELD_LABELS[column.field])
                    )
                again = column.name in names or not column.name
                columns[column.field] = column.position if again else column.name
            names.append(column.name)
        return columns or False

    def _options(self):
        """Return the options with which the engine reads the file, as they are chosen here."""
        options = self.source_id.sudo()._reader_options()
        options["timezone"] = self.tz or options["timezone"]
        options["date_order"] = self.date_order or None
        if self.format == "header_csv":
            options["columns"] = self._column_map() or None
        elif self.format != self.source_id.format:
            options["columns"] = None
        return options

    def _refusal(self, rows):
        """Return the sentence that says why the file cannot be read at all."""
        if not rows:
            return self.env._("There is no call in this file.")
        error = rows[0]
        reason = _sentence(error["error"])
        if error["code"] == "missing_column" and error["value"] in FIELD_LABELS:
            reason = self.env._("Choose the column that holds: %s.", FIELD_LABELS[error["value"]])
        if not detect_format(self._content()[:HEAD]):
            return self.env._("This looks like no call file that is known. %s", reason)
        return reason

    def _failure(self, error):
        """Return what is wrong with the file as a whole, as a sentence."""
        return _sentence(CallWords(self.env).failure(error))

    def _render(self, rows):
        """Return the table of the first rows."""
        zone = self.env.user.tz or "UTC"
        local = self.with_context(tz=zone)
        for row in rows:
            row["when"] = (
                fields.Datetime.context_timestamp(local, row["start"]).strftime("%Y-%m-%d %H:%M:%S")
                if row["start"]
                else ""
            )
        return self.env["ir.qweb"]._render(
            "telecom_billing.cdr_import_preview", {"rows": rows, "zone": zone}
        )


def _sentence(text):
    """Return what is said of a file or row, as a sentence."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


class CdrImportColumn(models.TransientModel):
    """One column of the file, and the field it holds."""

    _name = "telecom.cdr.import.column"
    _description = "Column of a Call File"
    _order = "position, id"

    wizard_id = fields.Many2one("telecom.cdr.import.wizard", required=True, ondelete="cascade")
    position = fields.Integer(required=True)
    name = fields.Char("Column", readonly=True)
    sample = fields.Char("First Rows", readonly=True)
    field = fields.Selection(
        [(field, FIELD_LABELS[field]) for field in CALL_FIELDS],
        string="Holds",
    )
