import base64
import csv
import io
import logging

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine.intake import read_calls
from .bulk import run_batch
from .cdr_intake import Intake
from .cdr_words import CallWords
from .csv_cells import plain_cells

_logger = logging.getLogger(__name__)


class CdrImport(models.Model):
    """One file of calls: what was read, taken and refused."""

    _name = "telecom.cdr.import"
    _description = "Call Import"
    _order = "id desc"

    name = fields.Char("File", required=True, readonly=True)
    source_id = fields.Many2one(
        "telecom.cdr.source", required=True, readonly=True, ondelete="restrict"
    )
    company_id = fields.Many2one(related="source_id.company_id", store=True)
    state = fields.Selection(
        [("running", "Running"), ("done", "Done"), ("failed", "Failed")],
        default="running",
        required=True,
        readonly=True,
    )
    read_count = fields.Integer("Read", readonly=True)
    taken_count = fields.Integer("Taken", readonly=True)
    ignored_count = fields.Integer("Never Charged", readonly=True)
    duplicate_count = fields.Integer("Duplicates", readonly=True)
    rejected_count = fields.Integer("Rejected", readonly=True)
    error = fields.Text(readonly=True)
    reject_ids = fields.One2many("telecom.cdr.reject", "import_id", string="Rejected Rows")
    reject_file = fields.Binary("Rejected Rows as CSV", compute="_compute_reject_file")
    reject_file_name = fields.Char(compute="_compute_reject_file")

    # === COMPUTE METHODS ===

    @api.depends("reject_ids")
    def _compute_reject_file(self):
        """Write what was rejected as a CSV file that a spreadsheet opens without running it."""
        for imported in self:
            imported.reject_file = imported.reject_file_name = False
            if not imported.reject_ids:
                continue
            lines = io.StringIO()
            writer = csv.writer(lines)
            writer.writerow(["line", "field", "reason", "row"])
            for reject in imported.reject_ids.sorted(lambda r: (r.line, r.id)):
                writer.writerow(
                    plain_cells(
                        [reject.line, reject.field or "", reject.reason or "", reject.raw or ""]
                    )
                )
            imported.reject_file = base64.b64encode(lines.getvalue().encode("utf-8-sig"))
            imported.reject_file_name = f"rejected-{imported.id}.csv"

    # === CRUD METHODS ===

    @api.ondelete(at_uninstall=False)
    def _unlink_except_calls(self):
        """Calls have no foreign key to the file that brought them: it is kept as long as they
        are."""
        calls = self.env["telecom.cdr"].sudo()
        for imported in self:
            if calls.search_count([("import_id", "=", imported.id)], limit=1):
                raise UserError(
                    self.env._(
                        "The file %s brought calls: its entry is kept as long as they are.",
                        imported.name,
                    )
                )

    # === ACTIONS ===

    def action_download_rejects(self):
        """Hand out the rejected rows with their reasons."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/reject_file"
            f"?download=true&filename_field=reject_file_name",
            "target": "download",
        }

    def action_rate(self):
        """Price the calls that wait, those of this file among them."""
        self.check_access("read")
        return self.env["telecom.cdr"]._notify_rated(self.env["telecom.cdr"].rate_pending())

    def action_open_calls(self):
        """Open the calls that this file brought."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.cdr_action")
        action["domain"] = [("import_id", "=", self.id)]
        return action

    def action_open_rejects(self):
        """Open the rows of this file that were refused."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.cdr_reject_action")
        action["domain"] = [("import_id", "=", self.id)]
        return action

    # === BUSINESS METHODS ===

    @api.model
    def _import_file(self, source, name, content):
        """Take the calls of a file, plain or gzip, and return its import.

        :param source: `telecom.cdr.source`
        :param name: file name, for the list of imports
        :param content: bytes
        """
        source = source.sudo()
        values = {"name": name, "source_id": source.id}
        # committed first: a batch that has to be repeated must not take it along
        imported = run_batch(self.env, lambda: self.sudo().create(values))
        intake = Intake(self.env, source, imported)
        try:
            counts = intake.run_committed(
                read_calls(io.BytesIO(content), source.format, source._reader_options())
            )
        except (ValueError, OSError) as error:
            # not one bad row but a file that cannot be read at all: wrong format, a bomb
            imported.write({"state": "failed", "error": CallWords(self.env).failure(error)})
            return imported
        imported.write(
            {
                "state": "failed" if intake.refused else "done",
                "error": intake.reason(intake.refused) if intake.refused else False,
                "read_count": counts["read"],
                "taken_count": counts["taken"],
                "ignored_count": counts["ignored"],
                "duplicate_count": counts["duplicate"],
                "rejected_count": counts["rejected"],
            }
        )
        return imported
