from odoo import api, models

# fields of a company that name it, or lead to what does
NAMING_TYPES = frozenset(
    {"binary", "char", "html", "many2many", "many2one", "one2many", "reference", "text"}
)
# what they lead to may be told: Odoo's pages need to know how amounts and addresses are written
PLAIN_MODELS = frozenset({"res.country", "res.currency"})


class ResCompany(models.Model):
    """A reseller's customers never read of the company in whose books it sells, and people of
    resellers' companies not of the others.

    Odoo shows the name of a record's company to whoever reads the record, and all of a company to
    whose login is in it.
    """

    _inherit = "res.company"

    @api.depends_context("uid")
    def _compute_display_name(self):
        result = super()._compute_display_name()
        user = self.env.user
        if user.id and not user._is_superuser():
            for company in self:
                name = user._telecom_name_of_company(company)
                if name:
                    company.display_name = name
        return result

    def _has_field_access(self, field, operation):
        """Keep from a reseller's customers what names a company above it."""
        allowed = super()._has_field_access(field, operation)
        if not allowed or self.env.su or field.name == "display_name":
            return allowed
        if field.type not in NAMING_TYPES or field.comodel_name in PLAIN_MODELS:
            return allowed
        return not self.env.user._telecom_is_under_brand()


class ResUsers(models.Model):
    _inherit = "res.users"

    def _telecom_is_under_brand(self):
        """Tell whether this is a customer of a reseller that sells in another's books."""
        return bool(self._telecom_brand_profile())

    def _telecom_brand_profile(self):
        """Return the billing profile of the reseller whose customer this is, when it sells in the
        books of a company that is not its own; else an empty one."""
        self.ensure_one()
        profile = self.env["telecom.billing.profile"].sudo()
        user = self.sudo()
        if not user._is_portal():
            return profile
        profile = user.partner_id._telecom_issuing_profile()
        seller = profile.owner_id
        own_books = (
            seller.reseller_kind == "distributor"
            and profile.company_id in self.env["res.company"]._of_resellers()
        )
        return profile.browse() if own_books or not seller else profile

    def _telecom_name_of_company(self, company):
        """Return by what name this user reads of a company; None for its own."""
        profile = self._telecom_brand_profile()
        if profile:
            return profile.brand_name or profile.owner_id.name
        if company in self.sudo().company_ids or not company._origin:
            return None
        mine = self.sudo().company_ids
        if self._is_internal() and self._telecom_only_of_resellers(mine.ids):
            return self.env._("Another Company")
        return None
