from odoo import fields, models
from odoo.exceptions import UserError

from .invoice_calls_file import InvoiceCallsFile


class AccountMove(models.Model):
    """The itemised calls of an invoice as a file: mailed with it where its rules say so."""

    _inherit = "account.move"

    telecom_calls_file = fields.Binary(string="Calls as CSV", attachment=True, copy=False)
    telecom_calls_file_id = fields.Many2one(
        "ir.attachment",
        string="File of Calls",
        compute=lambda self: self._compute_linked_attachment_id(
            "telecom_calls_file_id", "telecom_calls_file"
        ),
        depends=["telecom_calls_file"],
    )

    # === ACTIONS ===

    def action_telecom_calls_file(self):
        """Download the calls behind this invoice as a CSV file."""
        self.ensure_one()
        # the file is kept with the invoice
        self.check_access("write")
        if self.state != "posted":
            raise UserError(
                self.env._("The calls of %s may still change: confirm it first.", self.display_name)
            )
        attachment = self._telecom_ensure_calls_file()
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/account.move/{self.id}/telecom_calls_file"
            f"?download=true&filename={attachment.name}",
            "target": "download",
        }

    # === BUSINESS METHODS ===

    def _telecom_mails_calls(self):
        """Tell whether the calls of this invoice go with its mail as a file."""
        self.ensure_one()
        move = self.sudo()
        return move.telecom_annex in ("csv", "both") and InvoiceCallsFile(move).count() > 0

    def _telecom_ensure_calls_file(self):
        """Return the file of calls of this posted invoice, made when it is not there yet; as the
        PDF it stays as it is until the invoice is reset to draft."""
        self.ensure_one()
        move = self.sudo()
        if not move.telecom_calls_file_id:
            self.env["ir.attachment"].sudo().create(
                {
                    **InvoiceCallsFile(move).attachment_vals(),
                    "res_model": self._name,
                    "res_id": self.id,
                    "res_field": "telecom_calls_file",
                }
            )
            self.invalidate_recordset(["telecom_calls_file", "telecom_calls_file_id"])
        return move.telecom_calls_file_id

    def _get_fields_to_detach(self):
        return [*super()._get_fields_to_detach(), "telecom_calls_file"]

    def _detach_attachments(self):
        result = super()._detach_attachments()
        self.invalidate_recordset(["telecom_calls_file", "telecom_calls_file_id"])
        return result
