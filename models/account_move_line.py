from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import float_round

from .invoice_changes import InvoiceChanges

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
            if (
                line.telecom_section == "calls"
                and line.telecom_amount
                and line.move_id.sudo().telecom_period_ids
            ):
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
            return action
        action = self.move_id.action_telecom_charges()
        action["domain"] = [("id", "=", self.telecom_charge_id.id)]
        return action

    # === BUSINESS METHODS ===

    def _telecom_amount_now(self):
        """Return what this line invoices, as charges say it: negative on a credit note.

        It is what the line says, not its subtotal, which has no taxes where prices include them.
        """
        self.ensure_one()
        places = self.currency_id.decimal_places
        exact = self.quantity * self.price_unit * (1 - (self.discount or 0.0) / 100)
        amount = Decimal(f"{float_round(exact, precision_digits=places):.{places}f}")
        return -amount if self.move_id.move_type == "out_refund" else amount
