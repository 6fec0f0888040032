from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .account_chain import AccountChain

# whose invoices they are: nothing that a reseller's customers receive names who is above it
IDENTITY = (
    "brand_name",
    "details",
    "favicon",
    "font",
    "footer",
    "invitation_template_id",
    "invoice_prefix",
    "logo",
    "mail_server_id",
    "mail_template_id",
    "note",
    "partner_bank_id",
    "portal_domain",
    "primary_color",
    "receipt_template_id",
    "refund_template_id",
    "reply_to",
    "report_layout_id",
    "secondary_color",
    "sender",
    "tagline",
    "terms",
)


class ResPartner(models.Model):
    """A reseller gets a billing profile of its own, which begins as the one it follows."""

    _inherit = "res.partner"

    telecom_own_profile_id = fields.Many2one(
        "telecom.billing.profile",
        string="Own Billing Profile",
        compute="_compute_telecom_own_profile_id",
        search="_search_telecom_own_profile_id",
        groups="telecom_billing.group_user",
        help="The profile with which this reseller invoices its customers.",
    )

    def _compute_telecom_own_profile_id(self):
        profiles = self.env["telecom.billing.profile"].search([("owner_id", "in", self.ids)])
        owned = {profile.owner_id.id: profile for profile in profiles}
        for partner in self:
            partner.telecom_own_profile_id = owned.get(partner.id, False)

    def _search_telecom_own_profile_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        profiles = self.env["telecom.billing.profile"].search([("owner_id", "!=", False)])
        owners = profiles.filtered(lambda profile: profile.id in value).owner_id
        domain = Domain("id", "in", owners.ids)
        return domain | Domain("id", "not in", profiles.owner_id.ids) if False in value else domain

    def action_create_billing_profile(self):
        """Copy the profile that this reseller's customers follow, for the reseller, and open it."""
        self.ensure_one()
        return self._create_billing_profile().get_formview_action()

    def _create_billing_profile(self, company=None, **values):
        """Return a new profile of this reseller with the rules of the one its customers follow.

        Name, brand, sender, texts and the series of numbers are its own. Its customers are billed
        with it from their next invoices on.

        :param company: in whose books it invoices; None: in those of the profile it begins as
        :param values: other fields of the profile
        :raises UserError: for an account that sells to nobody, or has a profile already
        """
        self.ensure_one()
        profiles = self.env["telecom.billing.profile"]
        profiles.check_access("create")
        if not self.is_reseller:
            raise UserError(self.env._("%s is not a reseller.", self.display_name))
        if profiles.sudo().search_count([("owner_id", "=", self.id)], limit=1):
            raise UserError(
                self.env._("%s has a billing profile of its own already.", self.display_name)
            )
        above = AccountChain(self.env).customers_profile(self)
        own = {"name": self.name, "owner_id": self.id, "active": True, "journal_id": False}
        if company and company != above.company_id:
            own.update(self._values_of_other_books(above, company.sudo()))
        profile = above.copy({**dict.fromkeys(IDENTITY, False), **own})
        # the texts of reminders may name the one above
        profile.reminder_rule_ids.template_id = False
        profile._make_own_journal()
        self.invalidate_recordset(["telecom_own_profile_id"])
        if values:
            profile.write(values)
        return profile.with_env(self.env)

    def _values_of_other_books(self, above, company):
        """Return what a copy of a profile cannot have from it in another company."""
        values = {"company_id": company.id}
        country = company.account_fiscal_country_id or company.country_id
        if country != above.country_id:
            rules = above._dialling_of(country)
            values.update(
                country_id=country.id,
                country_code=rules and rules.country_code,
                international_prefix=(rules and rules.international_prefix) or "00",
                national_prefix=rules.national_prefix if rules else "0",
            )
        if company.currency_id != above.company_id.currency_id:
            # another amount in another currency: the reseller says which
            values["minimum_amount"] = 0.0
        if above.with_context(active_test=False).tax_ids:
            values["tax_ids"] = False
        for name in ("payment_term_id", "call_product_id"):
            if above[name].company_id - company.parent_ids - company:
                values[name] = above.default_get([name]).get(name, False)
        return values
