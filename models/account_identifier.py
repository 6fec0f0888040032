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
        required=True, help="A SIP user, a trunk's IP address, or a number as E.164 digits."
    )

    _value_uniq = models.Constraint(
        "UNIQUE(kind, value)", "Another account is known by this identifier already."
    )

    @api.model
    def _clean(self, vals):
        """Take off what people type around an identifier: spaces, and the + of a number."""
        if vals.get("value"):
            value = "".join(vals["value"].split())
            vals["value"] = value.lstrip("+")
        return vals
