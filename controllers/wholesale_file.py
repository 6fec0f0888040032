import io
import tempfile

from werkzeug.wsgi import wrap_file

from odoo.exceptions import AccessError
from odoo.http import Controller, Response, content_disposition, request, route

from ..models.wholesale_file import WholesaleFile


class WholesaleFileController(Controller):
    """The file of a reseller's invoice, for whoever may read the invoice."""

    @route("/telecom/invoice/<int:move_id>/details.csv", type="http", auth="user", methods=["GET"])
    def wholesale_file(self, move_id):
        """Send each call and service behind the lines of a reseller's invoice."""
        move = request.env["account.move"].browse(move_id).exists()
        try:
            move.check_access("read")
        except AccessError:
            move = move.browse()
        if not move.telecom_is_wholesale:
            # the same answer whether there is such an invoice or not
            raise request.not_found()
        content = WholesaleFile(move)
        # it is sent when the transaction is over, and may be of any size
        file = tempfile.TemporaryFile()  # noqa: SIM115 # pylint: disable=consider-using-with
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        content.write_to(text)
        text.detach()
        size = file.tell()
        file.seek(0)
        return Response(
            wrap_file(request.httprequest.environ, file),
            headers=[
                ("Content-Type", "text/csv; charset=utf-8"),
                ("Content-Length", size),
                ("Content-Disposition", content_disposition(content.file_name())),
                ("X-Content-Type-Options", "nosniff"),
            ],
            direct_passthrough=True,
        )
