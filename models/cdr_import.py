import base64
import csv
import io
import logging
from itertools import islice

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine.intake import read_calls
from .bulk import RETRYABLE, commit_progress, may_commit, run_batch
from .cdr_intake import Intake
from .cdr_words import CallWords
from .csv_cells import plain_cells
from .failures import failure_text
from .session_lock import session_lock

_logger = logging.getLogger(__name__)


class CdrImport(models.Model):
    """One file of calls: what was read, taken and refused.

    The file is kept until all of it is taken, with the place up to which it was: a job that is
    killed goes on from there.
    """

    _name = "telecom.cdr.import"
    _description = "Call Import"
    _order = "id desc"

    name = fields.Char("File", required=True, readonly=True)
    source_id = fields.Many2one(
        "telecom.cdr.source", required=True, readonly=True, ondelete="restrict"
    )
    company_id = fields.Many2one(related="source_id.company_id", store=True)
    state = fields.Selection(
        [("waiting", "Waiting"), ("running", "Running"), ("done", "Done"), ("failed", "Failed")],
        default="waiting",
        required=True,
        readonly=True,
    )
    content = fields.Binary("Calls", readonly=True, help="The file, until all of it is taken.")
    is_kept = fields.Boolean(
        compute="_compute_is_kept", help="Whether the file is there to be gone on with."
    )
    position = fields.Integer(readonly=True, help="Rows of the file that were gone through.")
    importer_companies = fields.Char(
        readonly=True, help="IDs of the companies whose accounts the importer may charge."
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

    @api.depends("content")
    def _compute_is_kept(self):
        for imported in self:
            imported.is_kept = bool(imported.with_context(bin_size=True).content)

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
    def _import_file(self, source, name, content, background=False):
        """Take the calls of a file, plain or gzip, and return its import.

        :param source: `telecom.cdr.source`
        :param name: file name, for the list of imports
        :param content: bytes
        :param background: leave the work to the cron job, started at once
        """
        values = {
            "name": name,
            "source_id": source.id,
            "content": base64.b64encode(content),
            "importer_companies": Intake(self.env, source).allowed,
        }
        # committed first: a batch that has to be repeated must not take it along
        imported = run_batch(self.env, lambda: self.sudo().create(values))
        if background:
            self.env.ref("telecom_billing.ir_cron_import_files").sudo()._trigger()
        else:
            imported._process()
        return imported

    @api.model
    def _cron_import_files(self):
        """Take the calls of the files that wait, and go on with those that were left half done."""
        imports = self.search([("state", "in", ("waiting", "running"))], order="id")
        for left, imported in zip(range(len(imports), 0, -1), imports, strict=True):
            try:
                finished = imported._process()
            except RETRYABLE:
                # another transaction was faster, again and again: the next call goes on with it
                finished = True
            if not finished:
                commit_progress(self.env, remaining=left)
                return
            if commit_progress(self.env, 1, remaining=left - 1) <= 0:
                return

    def _process(self):
        """Take the rest of the file's calls.

        :return: False when the time of the cron job ended before the file
        """
        self.ensure_one()
        with session_lock(self.env.cr, self._name, self.id) as held:
            self.invalidate_recordset()
            if not held or self.state not in ("waiting", "running"):
                return True
            run_batch(self.env, lambda: self.write({"state": "running"}))
            lang = self.create_uid.lang or self.env.lang
            intake = Intake(self.with_context(lang=lang).env, self.source_id, self)
            intake.allowed = self.importer_companies or None
            content = io.BytesIO(base64.b64decode(self.content or b""))
            source = self.source_id
            try:
                rows = read_calls(content, source.format, source._reader_options())
                finished = intake.run_committed(islice(rows, self.position, None))
            except (ValueError, OSError) as error:
                # not one bad row but a file that cannot be read at all: wrong format, a bomb
                finished, self.error = True, CallWords(intake.env).failure(error)
            except RETRYABLE:
                raise
            except Exception as error:
                # a fault of the program, not of the file: it is kept, to be tried again
                _logger.exception("Call file %s could not be taken", self.id)
                self._fail(failure_text(error))
                return True
            if finished:
                values = {"state": "failed" if self.error else "done", "content": False}
                run_batch(self.env, lambda: self.write(values))
            return finished

    def _fail(self, message):
        """Keep what stopped the import, after what it had begun was taken back."""
        if may_commit(self.env):
            self.env.cr.rollback()
            self.env.transaction.reset()
        run_batch(self.env, lambda: self.write({"state": "failed", "error": message}))

    def action_try_again(self):
        """Go on with files that a fault of the program stopped."""
        self.check_access("read")
        self.env["telecom.cdr"].check_access("create")
        stopped = self.sudo().filtered(lambda i: i.state == "failed" and i.content)
        stopped.write({"state": "waiting", "error": False})
        self.env.ref("telecom_billing.ir_cron_import_files").sudo()._trigger()

    def _note(self, rows, counts, error):
        """Add what became of some rows, in the transaction that takes them.

        :param rows: number of rows that were gone through
        :param counts: dict of numbers of rows, as `import_calls` returns it
        :param error: why the rest of the file is not read, if that is so
        """
        self.write(
            {
                "position": self.position + rows,
                "error": error or self.error,
                **{
                    f"{name}_count": self[f"{name}_count"] + counts[name]
                    for name in ("read", "taken", "ignored", "duplicate", "rejected")
                },
            }
        )
