from odoo import models


class ResPartner(models.Model):
    """What a person charges to an account by hand."""

    _inherit = "res.partner"

    def action_add_charge(self):
        """Open an empty charge or credit of this account."""
        self.ensure_one()
        self.env["telecom.charge"].check_access("create")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Add Charge or Credit"),
            "res_model": "telecom.charge",
            "view_mode": "form",
            "views": [(self.env.ref("telecom_billing.charge_view_form").id, "form")],
            "target": "new",
            "context": {"default_partner_id": self.id},
        }
