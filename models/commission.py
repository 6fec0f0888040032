from odoo import api, fields, models
from odoo.exceptions import UserError

from .commission_settlement import CommissionSettlement

# what is sold, as invoices are divided
KINDS = [
    ("calls", "Calls"),
    ("package", "Packages"),
    ("subscription", "Subscriptions"),
    ("did", "Numbers"),
    ("other", "Setup and Other"),
]
METHODS = [
    ("percent", "Percent of Charges"),
    ("difference", "Difference to Purchase Price"),
]
MOMENTS = [("posted", "Posted"), ("paid", "Paid")]


class Commission(models.Model):
    """What an agent earns by one kind of charges on one invoice or credit note, or a part of it.

    It is owed to the agent, not by it: no charge, which would be on the agent's own invoice.
    The rows of a document, agent and kind add up to what the agent earns by it while the
    document is posted, and to nothing when it is not. Those that are not `waiting` add up to
    what is earned by now. Only waiting rows change; everything else is said by another row.
    """

    _name = "telecom.commission"
    _description = "Commission"
    _order = "date desc, id desc"
    _rec_name = "move_name"

    partner_id = fields.Many2one(
        "res.partner",
        string="Agent",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    move_id = fields.Many2one(
        "account.move",
        string="Document",
        readonly=True,
        index=True,
        ondelete="set null",
        help="The customer's invoice or credit note; empty when it was deleted.",
    )
    # what statements print, also of a document that is deleted
    move_name = fields.Char(string="Invoice", readonly=True)
    move_date = fields.Date(string="Invoice Date", readonly=True)
    customer_id = fields.Many2one(
        "res.partner", required=True, readonly=True, index=True, ondelete="restrict"
    )
    seller_id = fields.Many2one(
        "res.partner",
        string="Sold By",
        readonly=True,
        ondelete="restrict",
        help="The distributor in whose books the agent sells; empty: the provider.",
    )
    kind = fields.Selection(KINDS, required=True, readonly=True)
    revision = fields.Integer(
        required=True,
        readonly=True,
        help="Counts what was entered for one document, agent and kind.",
    )
    method = fields.Selection(METHODS, required=True, readonly=True)
    accrue_on = fields.Selection(
        MOMENTS, string="Earned When", required=True, readonly=True, default="posted"
    )
    state = fields.Selection(
        [
            ("waiting", "Waiting for Payment"),
            ("accrued", "To Settle"),
            ("settled", "Settled"),
            ("reversed", "Taken Back"),
        ],
        required=True,
        readonly=True,
        index=True,
    )
    date = fields.Date(
        string="Earned On",
        required=True,
        readonly=True,
        help="The day of the document, or of its payment. A settlement takes what was earned "
        "before its day.",
    )
    base = fields.Monetary(
        currency_field="move_currency_id",
        readonly=True,
        help="Untaxed amount of the document's lines of this kind, or the part of it that is "
        "paid. Negative on credit notes.",
    )
    move_currency_id = fields.Many2one(
        "res.currency", string="Invoice Currency", required=True, readonly=True
    )
    percent = fields.Float(digits=(7, 4), min_display_digits=2, readonly=True, aggregator="avg")
    cost = fields.Monetary(
        string="Purchase Price",
        readonly=True,
        help="What the agent would be charged for the same, and what agents below it earn.",
    )
    amount = fields.Monetary(string="Commission", readonly=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    bill_line_id = fields.Many2one(
        "account.move.line",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    bill_id = fields.Many2one(related="bill_line_id.move_id", string="Vendor Bill")

    _once = models.UniqueIndex(
        "(move_id, partner_id, kind, currency_id, revision) WHERE move_id IS NOT NULL",
        "A commission is entered once per document, agent and kind.",
    )
    _one_waiting = models.UniqueIndex(
        "(move_id, partner_id, kind, currency_id) WHERE state = 'waiting'",
        "What waits for payment is one row per document, agent and kind.",
    )
    _settled_with_bill = models.Constraint(
        "CHECK ((state = 'settled') = (bill_line_id IS NOT NULL))",
        "A commission is settled exactly when it is on a vendor bill.",
    )

    # === ACTIONS ===

    def action_open_document(self):
        """Open the customer's invoice or credit note."""
        self.ensure_one()
        return self._open(self.move_id)

    def action_open_bill(self):
        """Open the vendor bill with which this is settled."""
        self.ensure_one()
        return self._open(self.bill_id)

    def _open(self, move):
        if not move:
            raise UserError(self.env._("There is no such document."))
        return move.get_formview_action()

    # === BUSINESS METHODS ===

    @api.model
    def _settle(self, until, agents=None, date=None, companies=None):
        """Make a vendor bill of what each agent has earned, per company and currency.

        What is below the agent's minimum, or negative, stays for the next settlement.

        :param date until: what was earned before this day; the first day not covered
        :param agents: whose (`res.partner`); None for all
        :param date date: of the bills; None for today
        :param companies: in whose books; None for all
        :return: the bills (`account.move`); `CommissionSettlement` tells of failures, too
        """
        return CommissionSettlement(self.env, until, date, companies).run(agents)

    def _free(self):
        """Have these settled again: the bill, or its line, is given up."""
        self.sudo().write({"state": "accrued", "bill_line_id": False})
        self._offset()

    def _offset(self):
        """Mark rows that add up to nothing as taken back: there is nothing to settle in them."""
        rows = self.sudo()
        if not rows:
            return
        unsettled = rows.search(
            [
                ("state", "=", "accrued"),
                ("move_id", "in", rows.move_id.ids),
                ("partner_id", "in", rows.partner_id.ids),
            ]
        )
        for (_move, _agent, _kind, currency), same in unsettled.grouped(
            lambda row: (row.move_id, row.partner_id, row.kind, row.currency_id)
        ).items():
            if currency.is_zero(sum(same.mapped("amount"))) and (
                same.move_currency_id[:1].is_zero(sum(same.mapped("base")))
            ):
                same.state = "reversed"

    @api.model
    def _cron_settle(self):
        """Enter what could not be entered before, and settle with the agents whose day it is."""
        CommissionSettlement.run_scheduled(self.env)
