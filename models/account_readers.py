from odoo import api, fields, models, tools

from .account_chain import AccountChain


class ResPartner(models.Model):
    """Accounts are read in the companies along their chain, and in no other reseller's.

    Odoo shares contacts among companies. That is right for a business's own companies, but a
    reseller with a company of its own would read whose customers the others' are.
    """

    _inherit = "res.partner"

    telecom_reader_company_ids = fields.Many2many(
        "res.company",
        "res_partner_telecom_reader_rel",
        string="Read In",
        copy=False,
        readonly=True,
        groups="telecom_billing.group_manager",
        help="The companies that bill this account and the resellers above it, and where it "
        "invoices its own customers.",
    )

    # === CRUD METHODS ===

    @api.model_create_multi
    def create(self, vals_list):
        partners = super().create(vals_list)
        partners._set_reader_companies()
        return partners

    def write(self, vals):
        result = super().write(vals)
        if not {"is_reseller", "is_telecom_account"}.isdisjoint(vals):
            self._set_reader_companies()
        return result

    # === BUSINESS METHODS ===

    def _set_reader_companies(self):
        """Write down in which companies these accounts are read."""
        chain = AccountChain(self.env)
        # record rules look at it in the usual context, in which its values are kept apart
        accounts = self.sudo().with_context(active_test=True)
        for account in accounts.filtered("is_telecom_account"):
            companies = self.env["res.company"].union(
                *(chain.profile(tier).company_id for tier in chain.tiers(account))
            )
            if account.is_reseller:
                companies |= chain.customers_profile(account).company_id
            if account.telecom_reader_company_ids != companies:
                account.telecom_reader_company_ids = companies


class ResUsers(models.Model):
    _inherit = "res.users"

    def _telecom_account_domain(self, company_ids):
        """Return which contacts are read in these companies, for a record rule: all, unless all
        of the companies are resellers' own."""
        if not self._telecom_only_of_resellers(company_ids):
            return [(1, "=", 1)]
        return [
            *("|", "|", ("is_telecom_account", "=", False)),
            # people who work here can be chosen everywhere, as Odoo has it
            ("partner_share", "=", False),
            ("telecom_reader_company_ids", "in", company_ids),
        ]

    def _telecom_notification_domain(self, company_ids):
        """Return whose notifications are read in these companies, for a record rule: Odoo shows
        everybody to whom about what others were notified."""
        if not self._telecom_only_of_resellers(company_ids):
            return [(1, "=", 1)]
        mine = self.partner_id.id
        return ["|", ("res_partner_id", "=", mine), ("author_id", "=", mine)]

    def _telecom_books(self, company_ids):
        """Return the companies whose records are read in these companies, for record rules.

        What is of no company is the business's own: resellers' companies do not read it.
        """
        if self._telecom_only_of_resellers(company_ids):
            return list(company_ids)
        return [False, *company_ids]

    def _telecom_chain_domain(self, company_ids):
        """Return which rows of who sold to an account are read in these companies, for a record
        rule: those of accounts and sellers that are read there, with cards that are."""
        return [
            ("partner_id.telecom_reader_company_ids", "in", company_ids),
            *("|", ("reseller_id", "=", False)),
            ("reseller_id.telecom_reader_company_ids", "in", company_ids),
            *("|", ("rate_card_id", "=", False)),
            ("rate_card_id.company_id", "in", self._telecom_books(company_ids)),
        ]

    def _telecom_alias_domain(self, company_ids):
        """Return which mail aliases are read in these companies, for a record rule."""
        if not self._telecom_only_of_resellers(company_ids):
            return [(1, "=", 1)]
        journals = self.env["account.journal"].sudo()
        # rules are cached: an address that is made later stays hidden, not shown
        own = journals.search([("alias_id", "!=", False), ("company_id", "in", company_ids)])
        no_journals = ("alias_model_id.model", "!=", "account.move")
        return ["|", no_journals, ("id", "in", own.alias_id.ids)]

    @api.model
    @tools.ormcache()
    def _telecom_has_resellers(self):
        """Tell whether any reseller has a billing profile of its own."""
        profiles = self.env["telecom.billing.profile"].sudo()
        return bool(profiles.search_count([("owner_id", "!=", False)], limit=1))

    def _telecom_only_of_resellers(self, company_ids):
        """Tell whether all of these companies are resellers' own."""
        resellers = self.env["res.company"].sudo()._of_resellers()
        return set(company_ids) <= set(resellers.ids)
