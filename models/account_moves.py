from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError

from .account_chain import AccountChain


class ResPartner(models.Model):
    """Moving an account to another reseller: from that moment on, and not before."""

    _inherit = "res.partner"

    telecom_chain_ids = fields.One2many(
        "telecom.account.chain",
        "partner_id",
        string="Resellers so Far",
        groups="telecom_billing.group_user",
    )

    # === CRUD METHODS ===

    @api.model_create_multi
    def create(self, vals_list):
        """Let an account of a reseller be billed by the company in whose books that sells."""
        chain = AccountChain(self.env)
        for vals in vals_list:
            if vals.get("reseller_id") and "telecom_company_id" not in vals:
                reseller = self.browse(vals["reseller_id"])
                vals["telecom_company_id"] = chain.customers_profile(reseller).company_id.id
        return super().create(vals_list)

    def write(self, vals):
        if "reseller_kind" in vals:
            is_agent = vals["reseller_kind"] == "agent"
            changing = self.filtered(lambda p: (p.reseller_kind == "agent") != is_agent)
            changing.sudo()._check_sold_nothing()
        if "reseller_id" not in vals:
            return super().write(vals)
        movers = self.filtered(lambda p: p.reseller_id.id != (vals["reseller_id"] or False))
        if not movers:
            return super().write(vals)
        movers = movers.sudo().with_context(active_test=False)
        movers._lock_below()
        affected = movers._with_those_it_issues_for()
        chain = AccountChain(self.env)
        issuers = {account: chain.profile(account) for account in affected}
        before = {mover: (mover.reseller_id.id, mover.rate_card_id.id) for mover in movers}
        result = super().write(vals)
        moment = fields.Datetime.now()
        movers._remember_resellers(before, moment)
        chain = AccountChain(self.env)
        changed = {a: issuer for a, issuer in issuers.items() if chain.profile(a) != issuer}
        if changed:
            self.env["telecom.billing.period"].sudo()._stay_with(changed, moment)
            if "telecom_company_id" not in vals:
                affected.browse([a.id for a in changed])._follow_issuer(issuers, chain)
        return result

    # === BUSINESS METHODS ===

    def _check_sold_nothing(self):
        """Refuse another kind of reseller once anything was sold: whether its customers' calls and
        services are on its invoice, or earn it a commission, is what invoices, balances and
        margins of the past stand on.

        :raises UserError: with the reseller's name
        """
        rows = self.env["telecom.account.chain"]
        for reseller in self:
            below = reseller._and_below() - reseller
            if below._with_history() or rows.search_count(
                [("reseller_id", "=", reseller.id)], limit=1
            ):
                raise UserError(
                    self.env._(
                        "%s has sold to customers, either in its own name or for a commission: "
                        "what was sold would be invoiced otherwise. Set up another reseller of "
                        "the other kind and move its customers there.",
                        reseller.display_name,
                    )
                )

    def _lock_below(self):
        """Lock these accounts and the resellers below them until this transaction ends.

        Who puts an account under one of them meanwhile waits and begins anew, for a reference to
        a row waits for its lock: so no cycle comes about by two moves at once, and no path is
        left behind.

        :raises ConcurrencyError: when an account came under one of them unseen; Odoo then
            repeats the request
        """
        self.flush_model(["reseller_id"])
        below = """
            WITH RECURSIVE below AS (
                SELECT unnest(%s) AS id
                 UNION
                SELECT account.id FROM res_partner account JOIN below
                    ON account.reseller_id = below.id
            )
            SELECT id FROM below
        """
        self.env.cr.execute(
            f"""
            SELECT id FROM res_partner
             WHERE id IN ({below})
               AND (id = ANY(%s) OR is_reseller
                    OR id IN (SELECT reseller_id FROM res_partner
                               WHERE reseller_id IS NOT NULL))
             ORDER BY id FOR UPDATE
            """,
            [self.ids, self.ids],
        )
        self.env.cr.execute(below, [self.ids])
        seen = {row[0] for row in self.env.cr.fetchall()}
        with self.env.registry.cursor() as fresh:
            fresh.execute(below, [self.ids])
            unseen = {row[0] for row in fresh.fetchall()} - seen
        if not unseen:
            return
        # what this transaction itself moved or changed is here, what another one moved fails here
        self.env.cr.execute(
            "SELECT id FROM res_partner WHERE id = ANY(%s) FOR UPDATE", [list(unseen)]
        )
        if unseen - {row[0] for row in self.env.cr.fetchall()}:
            raise ConcurrencyError(
                self.env._("Accounts are being added below this reseller. Please try again.")
            )

    def _with_those_it_issues_for(self):
        """Return these accounts and those below them that have no issuer nearer to them."""
        owned = {
            profile.owner_id.id
            for profile in self.env["telecom.billing.profile"]
            .sudo()
            .search([("owner_id", "!=", False)])
        }
        found = level = self
        while level:
            sellers = [account.id for account in level if account.id not in owned]
            level = self.search([("reseller_id", "in", sellers)]) - found
            found += level
        return found

    def _remember_resellers(self, before, moment):
        """Write down who sold to these accounts until now, where anything was ever sold.

        :param before: {account: (reseller id, rate card id) until now}
        """
        rows = self.env["telecom.account.chain"].sudo()
        for account in self._with_history():
            reseller, card = before[account]
            last = rows.search([("partner_id", "=", account.id)], limit=1)
            if not last:
                last = rows.create({"partner_id": account.id, "reseller_id": reseller})
            if last.date_from == moment:
                # moved twice within a second
                last.reseller_id = account.reseller_id
                continue
            last.rate_card_id = card
            rows.create(
                {
                    "partner_id": account.id,
                    "reseller_id": account.reseller_id.id,
                    "date_from": moment,
                }
            )

    def _with_history(self):
        """Return those of these accounts that were charged, or have calls, or accounts below
        them that do. Others are still being set up: their reseller is put right, not changed."""
        self.flush_model(["reseller_path"])
        self.env["telecom.cdr"].flush_model()
        self.env["telecom.billing.period"].flush_model()
        self.env.cr.execute(
            """
            SELECT mover.id FROM res_partner mover
             WHERE mover.id = ANY(%s)
               AND EXISTS (
                   SELECT 1 FROM res_partner below
                    WHERE (below.id = mover.id
                           OR below.reseller_path LIKE mover.reseller_path || '%%')
                      AND (EXISTS (SELECT 1 FROM telecom_billing_period
                                    WHERE partner_id = below.id)
                           OR EXISTS (SELECT 1 FROM telecom_cdr WHERE partner_id = below.id)))
            """,
            [self.ids],
        )
        return self.browse([row[0] for row in self.env.cr.fetchall()])

    def _follow_issuer(self, issuers, chain):
        """Let accounts that were billed by their former issuer's company be billed by that of
        the new one, with its currency and its pricelists.

        :param issuers: {account: the profile in force before}
        :param chain: the `AccountChain` of today
        """
        for account in self:
            company = chain.profile(account).company_id
            former = issuers[account].company_id
            if company != former and account.telecom_company_id == former:
                account.telecom_company_id = company
