"""A distributor's purchases in its own books: what it is invoiced becomes its vendor bill."""

import logging

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from .failures import failure_text, warn

_logger = logging.getLogger(__name__)

BILL_OF = {"out_invoice": "in_invoice", "out_refund": "in_refund"}


class ResPartner(models.Model):
    _inherit = "res.partner"

    telecom_mirror_bill = fields.Boolean(
        string="Enter Bills in Its Books",
        help="Each invoice to this distributor is entered as a draft vendor bill in its own "
        "company, so that what it buys and its margin stand in its own books.",
    )

    def _own_company(self):
        """Return the company whose books are this reseller's own, empty where there is none."""
        self.ensure_one()
        partner = self.sudo()
        if not partner.is_reseller or partner.reseller_kind != "distributor":
            return partner.env["res.company"]
        return partner.env["res.company"].search([("partner_id", "=", partner.id)], limit=1)


class AccountMove(models.Model):
    _inherit = "account.move"

    telecom_mirror_of_id = fields.Many2one(
        "account.move",
        string="Supplier's Document",
        readonly=True,
        copy=False,
        ondelete="set null",
        # it stands in books of others
        groups=fields.NO_ACCESS,
    )

    _telecom_mirrored_once = models.UniqueIndex(
        "(telecom_mirror_of_id) WHERE telecom_mirror_of_id IS NOT NULL AND state != 'cancel'",
        "This document of the supplier is entered already.",
    )

    # === ACTIONS ===

    def button_draft(self):
        """Say on the bills of a distributor that their document is not valid any more."""
        result = super().button_draft()
        self._telecom_withdraw_bills()
        return result

    def button_cancel(self):
        """Say on the bills of a distributor that their document is not valid any more."""
        result = super().button_cancel()
        self._telecom_withdraw_bills()
        return result

    # === BUSINESS METHODS ===

    def _post(self, soft=True):
        posted = super()._post(soft)
        for move in posted:
            if move.move_type in BILL_OF and move.commercial_partner_id.telecom_mirror_bill:
                move._telecom_enter_bill()
        return posted

    def _telecom_enter_bill(self):
        """Enter this document as a draft in the books of the distributor that it is made out to.

        Where that fails the document stays as it is, and somebody is told why.
        """
        self.ensure_one()
        move = self.sudo()
        company = move.commercial_partner_id._own_company()
        if not company or company == move.company_id:
            return
        try:
            with self.env.cr.savepoint():
                move._telecom_make_bill(company)
        except Exception as error:
            if not isinstance(error, UserError):
                _logger.warning("Document %s could not be mirrored", move.id, exc_info=True)
            warn(
                move,
                self.env._(
                    "In the books of %(company)s: %(error)s",
                    company=company.name,
                    error=failure_text(error),
                ),
                self.env._("Enter the vendor bill by hand"),
            )

    def _telecom_make_bill(self, company):
        """Return the bill of this document in the books of `company`, made once."""
        # as that company's own people would enter it; nothing of how this document is posted, which
        # may go without what a new one needs
        context = {
            "allowed_company_ids": company.ids,
            "lang": company.partner_id.lang or self.env.lang,
            "mail_create_nosubscribe": True,
            "tracking_disable": True,
        }
        bills = self.env["account.move"].with_env(self.env(context=context))
        known = bills.search(
            [("telecom_mirror_of_id", "=", self.id), ("state", "!=", "cancel")], limit=1
        )
        if known:
            return known
        bill = bills.create(
            {
                "move_type": BILL_OF[self.move_type],
                "company_id": company.id,
                "partner_id": self.company_id.partner_id.id,
                "ref": self.name,
                "payment_reference": self.payment_reference,
                "invoice_date": self.invoice_date,
                "date": self.invoice_date,
                "invoice_date_due": self.invoice_date_due,
                "invoice_payment_term_id": False,
                "currency_id": self.currency_id.id,
                "telecom_mirror_of_id": self.id,
                "invoice_line_ids": [
                    Command.create(self._telecom_bill_line(line, company))
                    for line in self.invoice_line_ids.sorted("sequence")
                ],
            }
        )
        # what is no product of that company is taxed as its purchases are as a rule
        taxes = bill.fiscal_position_id.map_tax(company.account_purchase_tax_id.with_env(bills.env))
        bill.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and not line.product_id
        ).tax_ids = taxes
        self._telecom_fit_bill(bill)
        return bill

    def _telecom_fit_bill(self, bill):
        """Let the bill be this document to the cent, where it is taxed alike: prices are without
        taxes, whatever the taxes of its books say, and taxes are rounded as the supplier did."""
        lines = bill.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        with_taxes = lines.filtered(lambda line: any(line.tax_ids.mapped("price_include")))
        for line in with_taxes:
            details = line.tax_ids._get_tax_details(
                line.price_unit * line.quantity, 1.0, special_mode="total_excluded"
            )
            line.write({"quantity": 1.0, "price_unit": details["total_included"]})
        difference = bill.currency_id.round(self.amount_total - bill.amount_total)
        if not difference or abs(difference) > bill.currency_id.rounding * len(lines):
            # more than rounding: those are other taxes
            return
        if with_taxes:
            with_taxes.sorted("price_unit")[-1].price_unit += difference
        elif taxes := bill.line_ids.filtered("tax_line_id"):
            largest = max(taxes, key=lambda line: abs(line.amount_currency))
            largest.amount_currency += bill.direction_sign * difference

    def _telecom_bill_line(self, line, company):
        """Return the values of a bill's line: account and taxes are for those books to say."""
        if line.display_type in ("line_section", "line_subsection", "line_note"):
            return {"display_type": line.display_type, "name": line.name}
        vals = {"name": line.name, "quantity": line.quantity, "price_unit": line.price_unit}
        plain = not line.discount and not any(line.tax_ids.mapped("price_include"))
        if not plain:
            # as it is booked: taxes that are rounded together may take a cent from a line
            booked = line.move_id.direction_sign * line.amount_currency
            vals.update(quantity=1.0, price_unit=booked)
        # a product of the supplier alone is none of that company
        if not line.product_id.company_id or line.product_id.company_id == company:
            vals["product_id"] = line.product_id.id
        return vals

    def _telecom_withdraw_bills(self):
        """Cancel the draft bills of these documents, and warn of those that are confirmed."""
        bills = (
            self.env["account.move"]
            .sudo()
            .search([("telecom_mirror_of_id", "in", self.ids), ("state", "!=", "cancel")])
        )
        for bill in bills:
            bill = bill.with_context(allowed_company_ids=bill.company_id.ids)
            if bill.state == "draft":
                bill.button_cancel()
                bill.message_post(body=self.env._("The supplier has withdrawn its document."))
            else:
                warn(
                    bill,
                    self.env._("The supplier has withdrawn its document %s.", bill.ref),
                    self.env._("Check with the supplier"),
                )
