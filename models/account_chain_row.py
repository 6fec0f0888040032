from odoo import fields, models


class AccountChain(models.Model):
    """Who sold to an account from when on. Written when an account that was charged is moved to
    another reseller; an account without rows was never moved."""

    _name = "telecom.account.chain"
    _description = "Reseller of an Account over Time"
    _order = "partner_id, date_from desc nulls last"

    partner_id = fields.Many2one(
        "res.partner", string="Account", required=True, readonly=True, ondelete="cascade"
    )
    date_from = fields.Datetime(
        string="From",
        readonly=True,
        help="Calls that start at this moment or later are sold by this reseller. "
        "Empty: from the beginning.",
    )
    reseller_id = fields.Many2one(
        "res.partner",
        index="btree_not_null",
        readonly=True,
        ondelete="restrict",
        help="Empty: the provider itself.",
    )
    rate_card_id = fields.Many2one(
        "telecom.rate.card",
        readonly=True,
        ondelete="restrict",
        help="With which the account was charged until it was moved away from this reseller.",
    )

    _moment_uniq = models.UniqueIndex(
        "(partner_id, (coalesce(date_from, '-infinity'::timestamp)))",
        "An account is moved to one reseller at a time.",
    )
