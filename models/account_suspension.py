from odoo import api, fields, models


class ResPartner(models.Model):
    """Accounts that are suspended until they pay: a sign for switches and screens.

    What they call is charged all the same.
    """

    _inherit = "res.partner"

    telecom_no_reminder = fields.Boolean(
        string="No Reminders",
        tracking=True,
        help="This customer is not reminded of invoices that are not paid.",
    )
    telecom_suspended = fields.Boolean(
        string="Suspended",
        copy=False,
        tracking=True,
        help="Set by reminders that say so until what is overdue is paid, or by hand. It tells "
        "the switch to refuse calls; calls that are reported are still charged.",
    )
    telecom_suspended_since = fields.Date(
        string="Suspended Since",
        compute="_compute_telecom_suspended_since",
        store=True,
    )

    @api.depends("telecom_suspended")
    def _compute_telecom_suspended_since(self):
        for partner in self:
            since = partner.telecom_suspended_since or fields.Date.context_today(partner)
            partner.telecom_suspended_since = since if partner.telecom_suspended else False

    def _suspend(self, reason):
        """Suspend accounts that are not, and say why.

        :param str reason: a sentence
        """
        for account in self.sudo().filtered(lambda partner: not partner.telecom_suspended):
            account.telecom_suspended = True
            account.message_post(body=reason)

    def _end_suspension(self, reason):
        """End the suspension of accounts that are suspended, and say why.

        :param str reason: a sentence
        """
        for account in self.sudo().filtered("telecom_suspended"):
            account.telecom_suspended = False
            account.message_post(body=reason)
