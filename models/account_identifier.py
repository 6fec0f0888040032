from odoo import api, fields, models


class AccountIdentifier(models.Model):
    """Another name by which a switch reports an account that sends no account code."""

    _name = "telecom.account.identifier"
    _description = "Account Identifier"
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

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._clean(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._clean(vals)
        return super().write(vals)

    @api.model
    def _clean(self, vals):
        """Take off what people type around an identifier: spaces, and the + of a number."""
        if vals.get("value"):
            value = "".join(vals["value"].split())
            vals["value"] = value.lstrip("+")
