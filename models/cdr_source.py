from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine.intake import CALL_FIELDS
from ..engine.intake.stream import check_encoding

# characters of a code: every call carries it, and an index
CODE_LENGTH = 100


class CdrSource(models.Model):
    """A switch, or another origin of calls, and how its files are read."""

    _name = "telecom.cdr.source"
    _description = "Call Source"
    _order = "name, id"

    name = fields.Char(required=True)
    code = fields.Char(
        required=True, help="Calls are known by their ID within this source. Never changes."
    )
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    format = fields.Selection(
        [
            ("freeswitch_csv", "FreeSWITCH Master.csv"),
            ("freeswitch_json", "FreeSWITCH JSON"),
            ("asterisk_csv", "Asterisk Master.csv"),
            ("asterisk_custom_csv", "Asterisk Simple.csv"),
            ("header_csv", "CSV with a header row"),
        ],
        required=True,
        default="freeswitch_csv",
    )
    tz = fields.Selection(
        "_tz_get",
        string="Time Zone",
        required=True,
        default="UTC",
        help="Of stamps that carry no zone of their own.",
    )
    date_order = fields.Selection(
        [("dmy", "Day, month, year"), ("mdy", "Month, day, year")],
        string="Order of Dates",
        help="What 03/04/2026 means. Empty: found out from the file; where all its days are the "
        "12th or before, the day comes first.",
    )
    delimiter = fields.Char(help="Of a CSV file. Empty: found out from the file.", size=1)
    encoding = fields.Char(help="Of the text of files, such as cp1252. Empty: found out.")
    duration_unit = fields.Selection(
        [("s", "Seconds"), ("ms", "Milliseconds"), ("us", "Microseconds")],
        string="Durations Are In",
        required=True,
        default="s",
        help="Of plain numbers in a CSV file with a header row.",
    )
    charge_b_legs = fields.Boolean(
        string="Charge Each Leg",
        help="FreeSWITCH reports both legs of a call. Set: each is a call of its own, and charged. "
        "Not set: one of the two is.",
    )
    duration_rounding = fields.Selection(
        [("up", "Up"), ("down", "Down"), ("half_up", "To the nearest")],
        required=True,
        default="up",
        help="How durations with fractions of a second become whole seconds.",
    )
    oldest_days = fields.Integer(
        string="Oldest Call",
        required=True,
        default=1096,
        help="Days. A call that started longer ago is rejected: most likely the switch's clock "
        "was wrong. 0: a call of any age is taken.",
    )
    column_map = fields.Json(
        string="Columns", help="Which column of a CSV file with a header row is which field."
    )
    column_map_text = fields.Text(
        string="Columns as Text",
        compute="_compute_column_map_text",
        inverse="_inverse_column_map_text",
        help="One a line: the field, a colon, and the column's name in the file.",
    )
    column_list = fields.Text(
        help="Columns of FreeSWITCH's template in their order, one a line. Empty: its default."
    )

    _code_uniq = models.Constraint("UNIQUE(code)", "Another source has this code already.")
    _oldest_days_positive = models.Constraint(
        "CHECK(oldest_days >= 0)", "The age of the oldest call is a number of days, or 0."
    )

    @api.model
    def _tz_get(self):
        return self.env["res.partner"]._fields["tz"]._description_selection(self.env)

    @api.depends("column_map")
    def _compute_column_map_text(self):
        for source in self:
            source.column_map_text = "\n".join(
                f"{field}: {column}" for field, column in (source.column_map or {}).items()
            )

    def _inverse_column_map_text(self):
        for source in self:
            columns = {}
            for line in (source.column_map_text or "").splitlines():
                field, colon, column = (part.strip() for part in line.partition(":"))
                if field and (field not in CALL_FIELDS or not colon or not column):
                    raise UserError(
                        self.env._(
                            "%(line)s: write a field, a colon and a column's name. "
                            "Fields are %(fields)s.",
                            line=line,
                            fields=", ".join(CALL_FIELDS),
                        )
                    )
                if field:
                    columns[field] = int(column) if column.isdecimal() else column
            source.column_map = columns or False

    def write(self, vals):
        if "code" in vals:
            for source in self:
                if source.code != vals["code"] and self.env["telecom.cdr"].sudo().search_count(
                    [("source", "=", source.code)], limit=1
                ):
                    raise UserError(
                        self.env._(
                            "Source %s has calls: its code is what they are known by.", source.name
                        )
                    )
        return super().write(vals)

    @api.constrains("code")
    def _check_code(self):
        for source in self:
            source._clean_code(source.code)

    @api.constrains("encoding")
    def _check_encoding(self):
        for source in self:
            try:
                check_encoding(source.encoding)
            except ValueError as error:
                raise UserError(
                    self.env._("%s is no encoding of text files.", source.encoding)
                ) from error

    @api.model
    def _clean_code(self, code):
        """Return the code of a source as it is stored; refuse what can be none."""
        if not isinstance(code, str) or not code.strip():
            raise UserError(self.env._("Say which source the calls are of: its code is missing."))
        code = code.strip()
        if len(code) > CODE_LENGTH:
            raise UserError(
                self.env._("The code of a source has at most %s characters.", CODE_LENGTH)
            )
        if not code.isprintable():
            raise UserError(self.env._("The code of a source has only characters that are seen."))
        return code

    @api.ondelete(at_uninstall=False)
    def _unlink_except_calls(self):
        """Calls know their source by its code: whoever got that code next would get them, too."""
        calls = self.env["telecom.cdr"].sudo()
        for source in self:
            if calls.search_count([("source", "=", source.code)], limit=1):
                raise UserError(
                    self.env._(
                        "Source %s has calls: archive it instead of deleting it.", source.name
                    )
                )

    @api.model
    def _default_oldest_days(self):
        return self.default_get(["oldest_days"])["oldest_days"]

    @api.model
    def _get(self, source):
        """Return the source with that code, made when it is new; a record is returned as it is."""
        if isinstance(source, models.BaseModel):
            if source._name != self._name or len(source) != 1:
                raise UserError(self.env._("The calls are those of one source."))
            return source.sudo()
        code = self._clean_code(source)
        sources = self.sudo().with_context(active_test=False)
        found = sources.search([("code", "=", code)], limit=1)
        if not found:
            # made by another import at the same time: PostgreSQL asks to repeat the transaction
            self.env.cr.execute(
                """
                INSERT INTO telecom_cdr_source
                    (name, code, company_id, format, tz, duration_rounding, duration_unit,
                     oldest_days, active)
                VALUES (%s, %s, %s, 'freeswitch_csv', 'UTC', 'up', 's', %s, TRUE)
                    ON CONFLICT (code) DO NOTHING
                """,
                [code, code, self.env.company.id, self._default_oldest_days()],
            )
            found = sources.search([("code", "=", code)], limit=1)
        return found

    def _reader_options(self):
        """Return the options with which the engine's readers read this source's files."""
        self.ensure_one()
        columns = self.column_map or None if self.format == "header_csv" else None
        if self.format == "freeswitch_csv" and self.column_list:
            columns = self.column_list.split()
        return {
            "timezone": self.tz,
            "date_order": self.date_order or None,
            "delimiter": self.delimiter or None,
            "encoding": self.encoding or None,
            "duration_rounding": self.duration_rounding,
            "duration_unit": self.duration_unit,
            "charge_b_legs": self.charge_b_legs,
            "columns": columns,
        }
