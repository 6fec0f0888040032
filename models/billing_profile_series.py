from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

CODE_LENGTH = 5
PADDING = 5


class BillingProfile(models.Model):
    """The series of numbers in which an issuer's invoices and credit notes stand."""

    _inherit = "telecom.billing.profile"

    invoice_prefix = fields.Char(
        help="Begins the number of each invoice, such as ACME/ for ACME/2026/00001. It needs a "
        "journal of this issuer alone, which is made when there is none. Empty: the journal's own "
        "numbers. Invoices that are numbered keep their numbers.",
    )
    number_reset = fields.Selection(
        [("year", "Each year"), ("month", "Each month"), ("never", "Never")],
        string="Numbers Begin Anew",
        required=True,
        default="year",
    )
    first_number = fields.Integer(
        required=True,
        default=1,
        help="The number of the first invoice with this prefix; later years and months begin at 1.",
    )

    _first_number_positive = models.Constraint(
        "CHECK(first_number > 0)", "The first invoice number is 1 or more."
    )

    # === CONSTRAINTS ===

    @api.constrains("invoice_prefix", "number_reset", "journal_id", "company_id", "active")
    def _check_series(self):
        for profile in self.filtered("invoice_prefix"):
            profile._check_prefix()
            profile._check_alone()

    def _check_prefix(self):
        """Refuse a prefix from which Odoo would read another rhythm of the numbers."""
        if self.invoice_prefix != self.invoice_prefix.strip() or self.invoice_prefix[-1].isdigit():
            raise ValidationError(
                self.env._(
                    "The invoice prefix %s cannot end with a digit, or begin or end with a space: "
                    "write it like ACME/ or ACME-.",
                    self.invoice_prefix,
                )
            )
        example = self._starting_number(fields.Date.from_string("2026-10-31"))
        if self.env["account.move"]._deduce_sequence_number_reset(example) != self.number_reset:
            raise ValidationError(
                self.env._(
                    "With the invoice prefix %(prefix)s a number such as %(example)s would not "
                    "begin anew as you want it: leave out digits that look like a year or month.",
                    prefix=self.invoice_prefix,
                    example=example,
                )
            )

    def _check_alone(self):
        """Refuse a journal or a prefix that another issuer has."""
        same = Domain("invoice_prefix", "=", self.invoice_prefix)
        if self.journal_id:
            same |= Domain("journal_id", "=", self.journal_id.id)
        others = self.search(
            Domain("id", "!=", self.id) & Domain("company_id", "=", self.company_id.id) & same,
            limit=1,
        )
        if others:
            raise ValidationError(
                self.env._(
                    "Billing profile %(other)s has the same journal or invoice prefix as "
                    "%(profile)s: their invoice numbers would get mixed up.",
                    other=others.name,
                    profile=self.name,
                )
            )

    # === CRUD METHODS ===

    @api.model_create_multi
    def create(self, vals_list):
        profiles = super().create(vals_list)
        profiles._ensure_own_journal()
        return profiles

    def write(self, vals):
        result = super().write(vals)
        if "invoice_prefix" in vals:
            self._ensure_own_journal()
        return result

    # === BUSINESS METHODS ===

    def _ensure_own_journal(self):
        """Make a sales journal for each issuer that has a prefix and no journal yet."""
        self.filtered(lambda p: p.invoice_prefix and not p.journal_id)._make_own_journal()

    def _make_own_journal(self):
        """Give each of these issuers a new sales journal in its company."""
        for profile in self:
            profile.journal_id = self.env["account.journal"].create(
                {
                    "name": profile.name,
                    "code": profile._free_journal_code(),
                    "type": "sale",
                    "company_id": profile.company_id.id,
                    "default_account_id": profile._usual_income_account().id,
                }
            )

    def _usual_income_account(self):
        """Return the account of sales without a product: that of the company's other journals."""
        journals = self.env["account.journal"]
        return journals.search(
            [
                *journals._check_company_domain(self.company_id),
                ("type", "=", "sale"),
                ("default_account_id", "!=", False),
            ],
            limit=1,
        ).default_account_id

    def _free_journal_code(self):
        """Return a journal code of this issuer that its company does not use yet."""
        journals = self.env["account.journal"].with_context(active_test=False)
        used = set(
            journals.search([("company_id", "child_of", self.company_id.root_id.id)]).mapped("code")
        )
        letters = "".join(c for c in (self.invoice_prefix or self.name).upper() if c.isalnum())
        code = letters[:CODE_LENGTH] or "TEL"
        number = 1
        while code in used:
            number += 1
            code = f"{letters[: CODE_LENGTH - len(str(number))]}{number}"
        return code

    def _starting_number(self, day):
        """Return the number before the first one of the series, as it would be on that day."""
        self.ensure_one()
        span = {"year": f"{day:%Y}/", "month": f"{day:%Y/%m}/", "never": ""}[self.number_reset]
        return f"{self.invoice_prefix}{span}{'0' * PADDING}"
