"""In whose name something is sent to a customer: the profile's rules and the printed identity."""

from typing import NamedTuple

from odoo.tools import formataddr, html2plaintext

# of the mails that Odoo sends by itself: what is sent in their stead in an issuer's name, and
# which field of the profile names another
STOCK_TEMPLATES = {
    "account.email_template_edi_invoice": ("mail_template_invoice", "mail_template_id"),
    "account.email_template_edi_credit_note": ("mail_template_refund", "refund_template_id"),
    "account.mail_template_data_payment_receipt": ("mail_template_receipt", "receipt_template_id"),
    "auth_signup.portal_set_password_email": ("mail_template_invitation", "invitation_template_id"),
}

# layouts that print the issuer's address below the logo; in the others it is beside it
BELOW_LOGO = ("web.external_layout_standard", "web.external_layout_bubble")


class Brand(NamedTuple):
    """The billing profile that holds for a document or an account, and what it prints as.

    Runs as superuser: whoever writes to a customer need not have telecom rights.
    """

    profile: object
    # empty for the company itself, as Odoo prints it
    issuer: object

    @property
    def is_own_name(self):
        """Tell whether mails name the issuer and not the company in whose books it sells."""
        return bool(self.issuer and (self.profile.owner_id or self.profile.brand_name))

    @property
    def company(self):
        """Return the company as layouts and mails print it; None for that of the document."""
        return self.issuer._as_company() if self.issuer else None

    @property
    def sender(self):
        """Return from whom mails come; empty: whom Odoo names.

        A reseller without an address of its own sends from the company's, under its own name.
        """
        if self.profile.sender or not self.is_own_name:
            return self.profile.sender
        company = self.profile.company_id
        address = (
            self.profile.owner_id.email_normalized
            or company.partner_id.email_normalized
            or company.default_from_email
            or company.catchall_email
        )
        return formataddr((self.issuer.name, address)) if address else False

    @property
    def reply_to(self):
        """Return where replies go; empty: where Odoo sends them."""
        owner = self.profile.owner_id
        if self.profile.reply_to or not owner:
            return self.profile.reply_to
        if not owner.email_normalized:
            # Odoo would name whoever writes
            return self.sender
        return formataddr((self.issuer.name or owner.name, owner.email_normalized))

    @property
    def base_url(self):
        """Return the root of links to the portal; empty: the server's own."""
        return self.profile.portal_domain

    @property
    def author(self):
        """Return the partner in whose name mails are written; empty: whoever writes them."""
        return self.profile.owner_id if self.is_own_name else self.profile.owner_id.browse()

    def mail_values(self):
        """Return what of the mail's head the issuer decides."""
        values = {
            "email_from": self.sender,
            "reply_to": self.reply_to,
            "mail_server_id": self.profile.mail_server_id.id,
        }
        return {name: value for name, value in values.items() if value}

    def template(self, xml_id):
        """Return the mail template that stands in for one of Odoo's own; empty for none.

        :param xml_id: of Odoo's template, a key of `STOCK_TEMPLATES`
        """
        own, field = STOCK_TEMPLATES[xml_id]
        chosen = self.profile[field]
        if chosen or not self.is_own_name:
            return chosen
        return self.profile.env.ref(f"telecom_billing.{own}", raise_if_not_found=False) or chosen


def header_height(companies):
    """Return the millimetres that the header of pages in these companies' names needs; None for
    those of the paper format.

    A long address covers the beginning of each page, and telecom invoices often have several.

    :param companies: (company that prints, company whose paper it is)
    """
    heights = [0]
    for company, paper in companies:
        layout = company.external_report_layout_id.key or BELOW_LOGO[0]
        if company.is_company_details_empty:
            text = company.partner_id._display_address() + "\n" + company.name
        else:
            text = html2plaintext(company.company_details)
        lines = [line for line in text.splitlines() if line.strip()]
        # edge and logo, then 7 mm a line
        height = (34 if layout in BELOW_LOGO else 14) + 7 * len(lines)
        if height > paper.paperformat_id.margin_top:
            heights.append(height)
    return max(heights) or None
