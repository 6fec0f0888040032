from odoo import api, fields, models

from .account_chain import AccountChain


class BillingRun(models.Model):
    """Whom a billing run is for: all accounts, those that are named, or those of some issuers."""

    _inherit = "telecom.billing.run"

    profile_ids = fields.Many2many(
        "telecom.billing.profile",
        string="Issuers",
        readonly=True,
        context={"active_test": False},
        help="Only accounts whose billing profile in force is one of these; empty: of any.",
    )

    is_early = fields.Boolean(
        string="Everything Until Today",
        readonly=True,
        help="Periods that are going on are closed early, at the midnight that begins today where "
        "the account is, if there is anything to invoice until then.",
    )

    def _asks_for(self, account):
        """Tell whether somebody wants this very account invoiced now, however little it is."""
        return self.is_early and account in self.partner_ids

    def _accounts(self):
        """Return the accounts that this run is for; None: all."""
        self.ensure_one()
        run = self.sudo()
        partners = None if run.all_accounts else run.partner_ids
        return run._issued_by(run.profile_ids, partners)

    @api.model
    def _issued_by(self, profiles, partners=None):
        """Return the accounts that are invoiced by these issuers.

        :param profiles: issuers; none of them: any
        :param partners: accounts to which it is limited; None: all
        :return: accounts, or None: all of them
        """
        if not profiles:
            return partners
        if partners is None:
            partners = (
                self.env["res.partner"]
                .sudo()
                .with_context(active_test=False)
                .search(
                    [
                        "|",
                        ("is_telecom_account", "=", True),
                        ("billing_period_ids.state", "in", ("open", "closed")),
                    ]
                )
            )
        chain = AccountChain(self.env)
        # those that moved away, too, as long as there is something of these issuers to invoice
        moved = (
            self.env["telecom.billing.period"]
            .sudo()
            .search([("profile_id", "in", profiles.ids), ("state", "in", ("open", "closed"))])
            .partner_id
        )
        return partners.filtered(
            lambda partner: chain.profile(partner) in profiles or partner in moved
        )
