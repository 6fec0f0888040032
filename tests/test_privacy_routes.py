"""What the people of one reseller get from the web server: pages, PDFs, files, pictures."""

import json

from odoo.http import _generate_routing_rules
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .privacy_case import PrivacyCase

# every route of ours, and for whom it is: a new one is to be thought about
ROUTES = {
    "/telecom/invoice/<int:move_id>/details.csv": "user",
    "/telecom/logo/<string:digest>": "public",
}
INVOICE_PAGES = (
    "/my/invoices/{id}",
    "/my/invoices/{id}?report_type=html",
    "/my/invoices/{id}?report_type=pdf&download=true",
    "/my/invoices/{id}?access_token=00000000-0000-0000-0000-000000000000",
    "/report/html/account.report_invoice/{id}",
    "/report/html/account.report_invoice_with_payments/{id}",
    "/report/html/telecom_billing.commission_statement/{id}",
    "/report/pdf/account.report_invoice/{id}",
    "/telecom/invoice/{id}/details.csv",
)
PAGES_OF = {
    "account.move": INVOICE_PAGES,
    "account.payment": ("/report/html/account.report_payment_receipt/{id}",),
    "ir.attachment": ("/web/content/{id}", "/web/image/{id}"),
    "telecom.billing.profile": ("/report/html/telecom_billing.issuer_preview/{id}",),
}
OWN_PAGES = ("/my", "/my/home", "/my/account", "/my/addresses", "/my/invoices", "/my/security")


@tagged("post_install", "-at_install")
class TestPrivacyOfRoutes(PrivacyCase, HttpCase):
    def test_every_route_is_in_the_table(self):
        rules = _generate_routing_rules(["telecom_billing"], nodb_only=False)
        self.assertEqual({url: point.routing["auth"] for url, point in rules}, ROUTES)

    def get(self, url):
        """Return (status, all that is sent) of a page."""
        response = self.url_open(url, allow_redirects=False)
        # the address that was asked for comes back
        headers = {name: value for name, value in response.headers.items() if name != "Set-Cookie"}
        return response.status_code, f"{response.text} {headers}"

    def pages(self, record):
        """Yield the addresses at which something of a record could be had."""
        for page in PAGES_OF.get(record._name, ()):
            yield page.format(id=record.id)
        yield f"/mail/view?model={record._name}&res_id={record.id}"
        for field in record._fields.values():
            if field.type == "binary" and (
                field.name.startswith("telecom_") or record._name.startswith("telecom.")
            ):
                yield f"/web/content/{record._name}/{record.id}/{field.name}"
                yield f"/web/image/{record._name}/{record.id}/{field.name}"

    def told_of(self, model, method, *args):
        """Return what the server sends when a client calls a method."""
        params = {"model": model, "method": method, "args": args, "kwargs": {}}
        response = self.url_open(
            f"/web/dataset/call_kw/{model}/{method}",
            data=json.dumps({"jsonrpc": "2.0", "params": params}),
            headers={"Content-Type": "application/json"},
        )
        return response.text

    def check(self, leaks, name, role, url, text):
        leaks += [(name, role, url, leak) for leak in self.found(name, role, text)]

    # what is refused is logged
    @mute_logger("odoo.http")
    def test_others_documents(self):
        leaks = []
        for (name, role), user in self.users.items():
            self.authenticate(user.login, user.login)
            for record in self.records_that_name(name, role).values():
                for url in self.pages(record):
                    _status, text = self.get(url)
                    self.check(leaks, name, role, url, text)
                self.check(
                    leaks, name, role, "read", self.told_of(record._name, "read", record.ids)
                )
        self.assertFalse(leaks, "\n".join(map(str, leaks[:40])))

    def test_own_documents(self):
        """They work, and name nobody above the supplier."""
        leaks = []
        for (name, role), user in self.users.items():
            if role not in ("reseller", "customer"):
                continue
            self.authenticate(user.login, user.login)
            for url in OWN_PAGES:
                status, text = self.get(url)
                self.assertLess(status, 400, url)
                self.check(leaks, name, role, url, text)
            moves = self.env["account.move"].search([("partner_id", "=", user.partner_id.id)])
            for move in moves.filtered(lambda m: m.move_type == "out_invoice"):
                for page in INVOICE_PAGES[:3]:
                    url = page.format(id=move.id)
                    status, text = self.get(url)
                    self.assertEqual(status, 200, url)
                    self.check(leaks, name, role, url, text)
        self.assertFalse(leaks, "\n".join(map(str, leaks[:40])))

    def test_who_has_the_token_of_an_invoice(self):
        """It shows what its customer may read, and nothing besides."""
        leaks = []
        self.authenticate(None, None)
        for (name, role), user in self.users.items():
            if role != "customer":
                continue
            moves = self.env["account.move"].search([("partner_id", "=", user.partner_id.id)])
            self.assertTrue(moves)
            for move in moves:
                token = move._portal_ensure_token()
                self.env.flush_all()
                for page in INVOICE_PAGES[:3]:
                    url = page.format(id=move.id)
                    status, _text = self.get(url)
                    self.assertIn(status, (303, 403, 404), url)
                    url += f"{'&' if '?' in url else '?'}access_token={token}"
                    status, text = self.get(url)
                    self.assertEqual(status, 200, url)
                    self.check(leaks, name, role, url, text)
        self.assertFalse(leaks, "\n".join(map(str, leaks[:40])))
