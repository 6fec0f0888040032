import hashlib
import json

from odoo import api, fields, models
from odoo.exceptions import UserError


class CdrReject(models.Model):
    """A row that could not be taken as a call, kept with the reason until it is mended."""

    _name = "telecom.cdr.reject"
    _description = "Rejected Call Row"
    _order = "id desc"
    _rec_name = "reason"

    source_id = fields.Many2one(
        "telecom.cdr.source", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="source_id.company_id", store=True)
    import_id = fields.Many2one(
        "telecom.cdr.import", string="File", readonly=True, index=True, ondelete="set null"
    )
    line = fields.Integer(readonly=True)
    field = fields.Char(readonly=True)
    reason = fields.Char(readonly=True)
    raw = fields.Text("Row as Reported", readonly=True)
    values = fields.Text(help="The row as it was understood, as JSON. Mend it here and try again.")
    fingerprint = fields.Char(readonly=True)
    state = fields.Selection(
        [("rejected", "Rejected"), ("taken", "Taken"), ("dropped", "Dropped")],
        default="rejected",
        required=True,
        readonly=True,
        index=True,
    )

    _once = models.UniqueIndex(
        "(source_id, fingerprint)", "This row is in the list of rejected rows already."
    )

    def action_retry(self):
        """Try the selected rows again, as they are now."""
        for reject in self.filtered(lambda r: r.state == "rejected"):
            # known by the row that came: when it is refused again, it is not listed again
            row = {**reject._row(), "raw": reject.raw}
            counts = self.env["telecom.cdr"].import_calls([row], reject.source_id)
            if counts["taken"] or counts["duplicate"]:
                reject.state = "taken"
            else:
                reject.reason = counts["errors"] and counts["errors"][0]

    def action_drop(self):
        """Set rows aside that are no calls."""
        self.filtered(lambda r: r.state == "rejected").state = "dropped"

    def _row(self):
        self.ensure_one()
        try:
            row = json.loads(self.values or "{}")
        except (ValueError, RecursionError) as error:
            raise UserError(
                self.env._(
                    "Line %(line)s is not valid JSON: %(error)s", line=self.line, error=error
                )
            ) from error
        if not isinstance(row, dict):
            raise UserError(self.env._("Line %s is not a row of fields.", self.line))
        return row

    @api.model
    def _keep(self, vals_list):
        """Keep rejected rows, each once however often its file is imported."""
        seen = {}
        for vals in vals_list:
            key = f"{vals['source_id']}\n{vals['raw']}".encode()
            vals["fingerprint"] = hashlib.sha256(key).hexdigest()
            seen.setdefault(vals["fingerprint"], vals)
        # a row that another import keeps at the same time is kept once, too
        self.env.cr.execute_values(
            """
            INSERT INTO telecom_cdr_reject
                (source_id, import_id, line, raw, "values", field, reason, fingerprint,
                 company_id, state, create_date)
            SELECT v.*, s.company_id, 'rejected', now() AT TIME ZONE 'UTC'
              FROM (VALUES %s) AS v (source_id, import_id, line, raw, "values", field, reason,
                                     fingerprint)
              JOIN telecom_cdr_source s ON s.id = v.source_id
                ON CONFLICT DO NOTHING
            """,
            [
                (
                    vals["source_id"],
                    vals["import_id"],
                    vals["line"],
                    vals["raw"],
                    vals["values"],
                    vals["field"],
                    vals["reason"],
                    vals["fingerprint"],
                )
                for vals in seen.values()
            ],
            template="(%s, %s::integer, %s, %s, %s, %s, %s, %s)",
            page_size=1000,
        )
        self.invalidate_model(flush=False)
