from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import is_html_empty, plaintext2html


class BillingProfile(models.Model):
    """What an issuer's invoices say, and in how much detail."""

    _inherit = "telecom.billing.profile"

    line_detail = fields.Selection(
        [
            ("destination", "A line per destination"),
            ("direction", "A line for outgoing calls, one for incoming"),
            ("total", "One line"),
        ],
        string="Lines of Calls",
        required=True,
        default="destination",
        help="Packages, subscriptions, numbers and other charges have a line each.",
    )
    annex = fields.Selection(
        [
            ("none", "None"),
            ("pdf", "In the PDF"),
            ("csv", "As a CSV file with the mail"),
            ("both", "In the PDF, and as a CSV file with the mail"),
        ],
        string="Itemised Calls",
        required=True,
        default="none",
    )
    amount_in_words = fields.Boolean()
    note = fields.Text(translate=True, help="Printed at the foot of the invoice.")
    terms = fields.Html(
        string="Terms and Conditions",
        translate=True,
        help="Printed below the note. Empty: of a company's profile without a note, the terms in "
        "the settings of Invoicing; of a reseller's, none.",
    )
    partner_bank_id = fields.Many2one(
        "res.partner.bank",
        string="Bank Account",
        check_company=True,
        help="To which customers pay, printed with the payment communication. Empty: as Odoo "
        "chooses among the company's.",
    )

    # === CONSTRAINTS ===

    @api.constrains("partner_bank_id", "company_id", "owner_id")
    def _check_partner_bank(self):
        for profile in self.filtered("partner_bank_id"):
            holder = profile.partner_bank_id.partner_id.commercial_partner_id
            issuers = profile.company_id.partner_id | profile.owner_id.commercial_partner_id
            if holder not in issuers.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "Bank account %(account)s belongs to %(holder)s: customers of this "
                        "profile pay to %(company)s or its reseller.",
                        account=profile.partner_bank_id.acc_number,
                        holder=holder.display_name,
                        company=profile.company_id.name,
                    )
                )

    # === BUSINESS METHODS ===

    def _narration(self, lang):
        """Return the note and terms of an invoice as HTML; None where Odoo's own terms hold.

        A reseller's customers never read the terms of the company in whose books it sells.

        :param lang: code of the customer's language
        """
        self.ensure_one()
        profile = self.with_context(lang=lang)
        parts = [plaintext2html(profile.note)] if profile.note else []
        if not is_html_empty(profile.terms):
            parts.append(profile.terms)
        if parts:
            return Markup().join(parts)
        return False if profile.owner_id else None
