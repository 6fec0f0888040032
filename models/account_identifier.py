from odoo import api, fields, models


class AccountIdentifier(models.Model):
    """Another name by which a switch reports an account that sends no account code."""

    _name = "telecom.account.identifier"
    _description = "Account Identifier"
    _inherit = ["telecom.clean.values"]
    _order = "partner_id, kind, value"
    _rec_name = "value"

    partner_id = fields.Many2one(
        "res.partner", string="Account", required=True, index=True, ondelete="cascade"
    )
    kind = fields.Selection(
        [
            ("sip_user", "SIP user"),
            ("trunk", "Trunk address"),
            ("caller", "Caller number"),
        ],
        required=True,
        default="sip_user",
    )
    value = fields.Char(
        required=True,
        help="A SIP user or a trunk's address exactly as the switch reports it, or a caller's "
        "number as E.164 digits.",
    )

    _value_uniq = models.Constraint(
        "UNIQUE(kind, value)", "Another account is known by this identifier already."
    )
    _value_not_empty = models.Constraint(
        "CHECK(value <> '')", "An identifier must not be empty: every anonymous call would have it."
    )

    def write(self, vals):
        if not vals.keys() & {"kind", "value"}:
            return super().write(vals)
        # what a value is brought to depends on its kind: either may be written without the other
        for identifier in self:
            both = {"kind": identifier.kind, "value": identifier.value}
            super(AccountIdentifier, identifier).write({**both, **vals})
        return True

    @api.model
    def _clean(self, vals):
        """Take off the spaces around an identifier, and of a caller's number what people type
        within: calls are looked up by its digits. A SIP user is one with its + or without."""
        if vals.get("value"):
            vals["value"] = value = vals["value"].strip()
            kind = vals.get("kind") or self.default_get(["kind"])["kind"]
            if kind == "caller":
                vals["value"] = "".join(value.split()).lstrip("+")
        return vals
