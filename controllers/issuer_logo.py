from odoo import http
from odoo.http import request


class IssuerLogo(http.Controller):
    """The logos in mails, for whoever reads them; their addresses cannot be guessed."""

    @http.route("/telecom/logo/<string:digest>", type="http", auth="public", readonly=True)
    def logo(self, digest):
        """Return the logo of the issuer that prints as this digest says.

        :raises NotFound: when there is none
        """
        issuer = request.env["telecom.issuer"].sudo().search([("digest", "=", digest)], limit=1)
        if not issuer.logo:
            raise request.not_found()
        stream = request.env["ir.binary"]._get_image_stream_from(issuer, "logo", width=360)
        return stream.get_response(max_age=http.STATIC_CACHE_LONG, immutable=True)
