import io

from odoo import models
from odoo.tools.pdf import PdfFileReader, PdfWriter


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    def _render_qweb_pdf_prepare_streams(self, report_ref, data, res_ids=None):
        """Write into the PDFs of issuers what they are and whose."""
        streams = super()._render_qweb_pdf_prepare_streams(report_ref, data, res_ids=res_ids)
        model = self._get_report(report_ref).model
        if not hasattr(self.env.get(model), "_telecom_brand"):
            return streams
        for record in self.env[model].browse([res_id for res_id in streams if res_id]):
            brand = record._telecom_brand()
            stream = streams[record.id]
            # one that was made before is left as it is
            if brand and brand.issuer and stream["stream"] and not stream["attachment"]:
                stream["stream"] = self._telecom_titled(stream["stream"], record, brand.issuer)
        return streams

    def _telecom_titled(self, stream, record, issuer):
        """Return a PDF whose title is the document's number and issuer."""
        # not Odoo's writer, which names itself
        writer = PdfWriter()
        writer.appendPagesFromReader(PdfFileReader(stream))
        title = " - ".join(
            part for part in (record.name or record.display_name, issuer.name) if part
        )
        writer.addMetadata({"/Title": title, "/Author": issuer.name, "/Producer": "wkhtmltopdf"})
        titled = io.BytesIO()
        writer.write(titled)
        stream.close()
        return titled
