from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import float_round

from .invoice_changes import InvoiceChanges
from .invoice_wholesale import KINDS_OF

# What the amount of a line follows from.
AMOUNT_FIELDS = frozenset({"discount", "price_unit", "quantity"})


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    telecom_section = fields.Selection(
        [
            ("calls", "Calls"),
            ("package", "Packages"),
            ("subscription", "Subscriptions"),
            ("did", "Numbers"),
            ("other", "Other"),
        ],
        readonly=True,
        copy=False,
    )
    telecom_direction = fields.Selection(
        [("outbound", "Outbound"), ("inbound", "Inbound")], readonly=True, copy=False
    )
    telecom_destination = fields.Char(readonly=True, copy=False)
    telecom_charge_id = fields.Many2one(
        "telecom.charge",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        groups="telecom_billing.group_user",
    )
    telecom_customer_id = fields.Many2one(
        "res.partner",
        string="Resold To",
        readonly=True,
        copy=False,
        ondelete="restrict",
        index="btree_not_null",
        groups="telecom_billing.group_user",
        help="The customer of the invoiced reseller whose calls or charges are summed up here.",
    )
    telecom_period_id = fields.Many2one(
        "telecom.billing.period",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        groups="telecom_billing.group_user",
    )
    telecom_amount = fields.Float(
        string="Charged",
        digits=(20, 8),
        min_display_digits=2,
        readonly=True,
        copy=False,
        help="What is charged with this line, before a person changed it; "
        "positive is what the account owes, on credit notes too.",
    )

    # === COMPUTE METHODS ===

    def _compute_price_unit(self):
        """Keep the prices of telecom lines: they are what was charged, not what a product costs.

        Odoo looks up the product's when a fiscal position is changed and a price is 0.
        """
        return super(
            AccountMoveLine, self.filtered(lambda line: not line.telecom_section)
        )._compute_price_unit()

    # === CRUD METHODS ===

    def write(self, vals):
        """Let charges follow when the amount of their line is changed."""
        result = super().write(vals)
        if not AMOUNT_FIELDS.isdisjoint(vals):
            InvoiceChanges(self.filtered("telecom_section").move_id).settle()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_telecom_calls(self):
        """Calls stay in the period in which they were made, so their line does, too."""
        for line in self:
            if not line.telecom_amount or not line.move_id.sudo().telecom_period_ids:
                continue
            customer = line.sudo().telecom_customer_id
            if customer and line.telecom_section != "calls":
                raise UserError(
                    self.env._(
                        "The line %(line)s sums up what %(customer)s was charged and cannot be "
                        "taken off %(invoice)s. Set the price to 0 to waive it.",
                        line=line.name,
                        customer=customer.display_name,
                        invoice=line.move_id.display_name,
                    )
                )
            if line.telecom_section == "calls":
                raise UserError(
                    self.env._(
                        "The calls of the line %(line)s cannot be taken off %(invoice)s. Set the "
                        "price to 0 to waive them. To invoice them otherwise cancel the invoice, "
                        "mend the calls or their prices, and bill again.",
                        line=line.name,
                        invoice=line.move_id.display_name,
                    )
                )

    def unlink(self):
        """Give the charges of deleted lines back: they are on the account's next invoice."""
        moves = self.filtered("telecom_section").move_id
        result = super().unlink()
        InvoiceChanges(moves.exists()).settle()
        return result

    # === ACTIONS ===

    def action_telecom_details(self):
        """Open the calls or the charge that this invoice line adds up."""
        self.ensure_one()
        if self.telecom_section == "calls":
            action = self.move_id.action_telecom_calls()
            # a line may sum up all destinations, and both directions
            if self.telecom_destination:
                action["domain"].append(("destination", "=", self.telecom_destination))
            if self.telecom_direction:
                action["domain"].append(("cdr_id.direction", "=", self.telecom_direction))
            action["domain"] += self._telecom_sold_domain()
            return action
        action = self.move_id.action_telecom_charges()
        action["domain"] = [("id", "=", self.telecom_charge_id.id)]
        if self.telecom_customer_id:
            action["domain"] = self._telecom_resold_charges_domain()
        return action

    # === BUSINESS METHODS ===

    def _telecom_is_sum(self):
        """Tell whether the line sums up what has no unit price: calls, or what was resold."""
        return self.telecom_section == "calls" or bool(self.sudo().telecom_customer_id)

    def _telecom_sold_domain(self):
        """Return which call charges of the invoice's account are on this line, as far as who used
        them tells: the account itself, or the customer to which it resold them."""
        self.ensure_one()
        line = self.sudo()
        customer = line.telecom_customer_id
        domain = [("resold_to_id", "=", customer.id)] if customer else [("tier", "=", 0)]
        if line.telecom_period_id:
            domain.append(("period_id", "=", line.telecom_period_id.id))
        return domain

    def _telecom_resold_charges_domain(self):
        """Return which charges this line of a reseller's customer sums up."""
        self.ensure_one()
        line = self.sudo()
        domain = [
            ("period_id", "=", line.telecom_period_id.id),
            ("resold_to_id", "=", line.telecom_customer_id.id),
            ("charge_type", "in", KINDS_OF[line.telecom_section]),
        ]
        same = line.move_id.invoice_line_ids.filtered(
            lambda other: (
                (other.telecom_section, other.telecom_customer_id, other.telecom_period_id)
                == (line.telecom_section, line.telecom_customer_id, line.telecom_period_id)
            )
        )
        if len(same) > 1:
            # products with other taxes or accounts have lines of their own
            domain.append(("product_id", "=", line.product_id.id))
        return domain

    def _telecom_amount_now(self):
        """Return what this line invoices, as charges say it: negative on a credit note.

        It is what the line says, not its subtotal, which has no taxes where prices include them.
        """
        self.ensure_one()
        places = self.currency_id.decimal_places
        exact = self.quantity * self.price_unit * (1 - (self.discount or 0.0) / 100)
        amount = Decimal(f"{float_round(exact, precision_digits=places):.{places}f}")
        return -amount if self.move_id.move_type == "out_refund" else amount
