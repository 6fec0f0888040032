from odoo import fields, models


class AccountJournal(models.Model):
    _inherit = "account.journal"

    telecom_profile_ids = fields.One2many(
        "telecom.billing.profile",
        "journal_id",
        string="Billing Profiles",
        groups="telecom_billing.group_user",
    )
