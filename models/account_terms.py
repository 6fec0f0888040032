from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, ValidationError

# what an account is charged and billed by: more than an address
TERMS = frozenset(
    {
        "account_code",
        "billing_cycle",
        "billing_day",
        "billing_mode",
        "billing_profile_id",
        "billing_start",
        "billing_tz",
        "is_reseller",
        "is_telecom_account",
        "rate_card_id",
        "reseller_id",
        "reseller_kind",
        "telecom_annex",
        "telecom_carry_periods",
        "telecom_commission_calls",
        "telecom_commission_cycle",
        "telecom_commission_day",
        "telecom_commission_did",
        "telecom_commission_method",
        "telecom_commission_minimum",
        "telecom_commission_other",
        "telecom_commission_package",
        "telecom_commission_settled",
        "telecom_commission_subscription",
        "telecom_commission_when",
        "telecom_company_id",
        "telecom_due_days",
        "telecom_invoice_date_rule",
        "telecom_minimum_amount",
        "telecom_mirror_bill",
        "telecom_mode",
        "telecom_no_reminder",
        "telecom_no_usage",
        "telecom_own_due_days",
        "telecom_send_mail",
        "telecom_suspended",
        "telecom_tax_ids",
    }
)
# what decides which company bills an account
COMPANY_FIELDS = frozenset(
    {"billing_profile_id", "company_id", "reseller_id", "telecom_company_id"}
)


class ResPartner(models.Model):
    """The terms of an account: who may set them, and what follows when they change."""

    _inherit = "res.partner"

    billing_tz = fields.Selection(
        lambda self: self._fields["tz"]._description_selection(self.env),
        string="Billing Time Zone",
        help="The account's days and billing periods begin at midnight of this time zone. "
        "Empty: that of the billing profile, kept here when the first period is made.",
    )

    # === CONSTRAINTS ===

    @api.constrains("billing_profile_id", "company_id")
    def _check_billing_profile_company(self):
        for partner in self:
            company = partner.sudo().billing_profile_id.company_id
            if company and partner.company_id and company not in partner.company_id.parent_ids:
                raise ValidationError(
                    self.env._(
                        "%(account)s belongs to company %(company)s: it cannot be billed with "
                        "profile %(profile)s of %(other)s.",
                        account=partner.display_name,
                        company=partner.company_id.name,
                        profile=partner.sudo().billing_profile_id.name,
                        other=company.name,
                    )
                )

    # === CRUD METHODS ===

    @api.model_create_multi
    def create(self, vals_list):
        if not self._may_set_terms():
            for vals in vals_list:
                self._check_new_terms(vals)
        if self._sets_billing_tz():
            vals_list = [
                {"billing_tz": vals["tz"], **vals} if vals.get("tz") else vals for vals in vals_list
            ]
        return super().create(vals_list)

    def write(self, vals):
        if not self._may_set_terms():
            self._check_terms(vals)
        regular = COMPANY_FIELDS & vals.keys()
        before = {partner: [partner[name] for name in regular] for partner in self}
        result = super().write(vals)
        if "tz" in vals and "billing_tz" not in vals and self._sets_billing_tz():
            (self - self.env.user.partner_id)._follow_tz(vals["tz"])
        if regular:
            self.filtered(
                lambda partner: before[partner] != [partner[name] for name in regular]
            )._follow_company()
        return result

    def copy_data(self, default=None):
        """Give a copy the usual terms where whoever makes it may not set others."""
        self.check_access("read")
        vals_list = super().copy_data(default)
        if self._may_set_terms():
            return vals_list
        given = (default or {}).keys()
        return [
            {name: value for name, value in vals.items() if name not in TERMS or name in given}
            for vals in vals_list
        ]

    # === WHO MAY SET THEM ===

    def _may_set_terms(self):
        return self.env.su or self.env.user.has_group("telecom_billing.group_manager")

    def _check_terms(self, vals):
        """Refuse other terms; the same ones may be written, as a form does."""
        for name in TERMS & vals.keys():
            field = self._fields[name]
            for partner in self.sudo():
                wanted = field.convert_to_cache(vals[name], partner)
                if _differ(wanted, field.convert_to_cache(partner[name], partner)):
                    self._refuse_terms(field)

    def _check_new_terms(self, vals):
        """Refuse terms that are not the usual ones, wherever they come from."""
        names = [name for name in TERMS if name in self._fields]
        partners = self.sudo()
        # not what a user's own defaults or the context say, but what holds for everybody
        everybody = self.env["ir.default"].with_user(SUPERUSER_ID)
        usual_values = everybody._get_model_defaults(self._name)
        for name, value in {**self.default_get(names), **vals}.items():
            if name not in TERMS or not value:
                continue
            field = self._fields[name]
            usual = field.default(partners) if field.default else None
            usual = usual_values.get(name, usual)
            if _differ(
                field.convert_to_cache(value, partners), field.convert_to_cache(usual, partners)
            ):
                self._refuse_terms(field)

    def _refuse_terms(self, field):
        raise AccessError(
            self.env._(
                "“%s” decides how an account is billed: only billing managers set it.",
                field._description_string(self.env),
            )
        )

    # === THE TIME ZONE ===

    def _sets_billing_tz(self):
        """Tell whether a time zone that this user gives a contact is meant for its billing.

        `tz` is a preference of whoever logs in, too: an account's own user may set it, and the
        browser sets it at the first login; that must not move the edges of billing periods.
        """
        return self.env.uid == SUPERUSER_ID or self.env.user.has_group(
            "telecom_billing.group_manager"
        )

    def _follow_tz(self, tz):
        """Bill these partners by the time zone that they were given; of companies, all accounts
        that have no time zone of their own yet."""
        self.filtered(lambda partner: partner.billing_tz != tz).write({"billing_tz": tz})
        if tz:
            profiles = self.env["telecom.billing.profile"].sudo()
            profiles.search(
                [("company_id.partner_id", "in", self.ids), ("owner_id", "=", False)]
            ).write({"tz": tz})

    def _fix_billing_tz(self, zones):
        """Keep the time zone of accounts that have none of their own, now that periods depend on
        it: what changes elsewhere later shall not move their edges.

        :param zones: {account id: time zone}
        """
        rows = [(partner.id, zones[partner.id]) for partner in self if not partner.billing_tz]
        if rows:
            self.flush_model(["billing_tz"])
            self.env.cr.execute_values(
                """
                UPDATE res_partner account SET billing_tz = zone.tz
                  FROM (VALUES %s) AS zone (id, tz)
                 WHERE account.id = zone.id AND account.billing_tz IS NULL
                """,
                rows,
            )
            self.invalidate_recordset(["billing_tz"], flush=False)

    # === THE COMPANY ===

    def _follow_company(self):
        """Move the open periods of these accounts, and of those below them, to the books of the
        company that bills them now, where they are read, too."""
        everyone = self._and_below()
        if everyone:
            self.env["telecom.billing.period"].sudo()._follow_company(everyone)
            everyone._set_reader_companies()

    def _and_below(self):
        """Return these accounts and all that they sell to, directly or through others."""
        accounts = everyone = self.sudo().with_context(active_test=False)
        while accounts:
            accounts = accounts.search([("reseller_id", "in", accounts.ids)]) - everyone
            everyone += accounts
        return everyone


def _differ(one, other):
    """Compare two values of the cache; those of relations to many have no order."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return set(one) != set(other)
    return (one or None) != (other or None)
