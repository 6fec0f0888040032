from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import formatLang

from .account_move_line import AMOUNT_FIELDS
from .commission_accrual import CommissionAccrual, exact

# what a settlement has found out: whose bill it is, in whose books and currency
BILL_FIELDS = frozenset({"company_id", "currency_id", "move_type", "partner_id"})


class AccountMove(models.Model):
    """Documents of customers, by which agents earn; and the vendor bills that settle it."""

    _inherit = "account.move"

    telecom_commission_until = fields.Date(
        string="Commissions Until",
        readonly=True,
        copy=False,
        help="This vendor bill settles what an agent earned before this day.",
    )
    telecom_commission_error = fields.Char(
        string="Commission Not Entered",
        readonly=True,
        copy=False,
        index="btree_not_null",
        groups="telecom_billing.group_user",
        help="Why the agent's commission could not be entered yet; the hourly job tries again.",
    )

    # === CRUD METHODS ===

    def write(self, vals):
        """Keep a bill of commissions with its agent."""
        before = {}
        if not BILL_FIELDS.isdisjoint(vals):
            before = {bill: bill._telecom_bill_identity() for bill in self._telecom_settled()}
        result = super().write(vals)
        for bill, identity in before.items():
            if bill._telecom_bill_identity() != identity:
                raise UserError(
                    self.env._(
                        "%s settles commissions: its vendor, company, currency and type cannot be "
                        "changed. Cancel it and settle again.",
                        bill.display_name,
                    )
                )
        return result

    def unlink(self):
        """Take back what these documents earn; free what these bills settle."""
        self.check_access("unlink")
        CommissionAccrual(self.env).withdraw(self)
        self._telecom_free_commissions()
        return super().unlink()

    # === ACTIONS ===

    def button_draft(self):
        """Take back what these documents earn until they are posted again."""
        for bill in self:
            if bill.state == "cancel" and bill.telecom_commission_until:
                raise UserError(
                    self.env._(
                        "What %s settled can be settled again since it was cancelled. Leave it "
                        "cancelled, and settle the commissions anew.",
                        bill.display_name,
                    )
                )
        result = super().button_draft()
        self._telecom_withdraw_commissions()
        return result

    def button_cancel(self):
        """Take back what these documents earn; have settled again what these bills settled."""
        result = super().button_cancel()
        self._telecom_withdraw_commissions()
        self.filtered(lambda move: move.state == "cancel")._telecom_free_commissions()
        return result

    def action_telecom_commissions(self):
        """Open the commissions that this bill settles, or that this document earns."""
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.commission_action")
        action["domain"] = ["|", ("bill_id", "in", self.ids), ("move_id", "in", self.ids)]
        action["context"] = {}
        return action

    def action_telecom_commission_statement(self):
        """Print what this bill settles, customer by customer."""
        self.check_access("read")
        return self.env.ref("telecom_billing.commission_statement_report").report_action(self)

    # === BUSINESS METHODS ===

    def _post(self, soft=True):
        """Enter what agents earn by the documents that are posted."""
        posted = super()._post(soft)
        CommissionAccrual(self.env).accrue(posted)
        return posted

    def _telecom_withdraw_commissions(self):
        CommissionAccrual(self.env).withdraw(self.filtered(lambda move: move.state != "posted"))

    def _telecom_settled(self):
        """Return those of these that settle commissions."""
        return self.filtered("telecom_commission_until")

    def _telecom_bill_identity(self):
        return self.partner_id, self.company_id, self.currency_id, self.move_type

    def _telecom_free_commissions(self):
        self._telecom_settled().invoice_line_ids._telecom_free_commissions()

    # === THE STATEMENT ===

    @api.private
    def telecom_commission_statement(self):
        """Return what the statement of this bill prints.

        :return: dict with `customers`, a list of dicts with `customer`, `rows` (of commission,
            kind and percentage as texts) and `total`; the sums per kind (`kinds`, pairs); the
            `total` of commissions; what else is on the bill (`other`); and whether purchase
            prices are among the rows (`has_cost`)
        """
        self.ensure_one()
        rows = (
            self.env["telecom.commission"]
            .sudo()
            .search([("bill_id", "=", self.id)], order="move_date, move_name, id")
        )
        kinds = dict(rows._fields["kind"]._description_selection(self.env))
        of_customers = rows.grouped("customer_id")
        of_kinds = rows.grouped("kind")
        total = _total(rows)
        return {
            "customers": [
                {
                    "customer": customer,
                    "rows": [(row, kinds[row.kind], self._telecom_percent(row)) for row in found],
                    "total": _total(found),
                }
                for customer, found in sorted(
                    of_customers.items(), key=lambda item: (item[0].name or "", item[0].id)
                )
            ],
            "kinds": [(kinds[kind], _total(of_kinds[kind])) for kind in kinds if kind in of_kinds],
            "total": total,
            "other": self.currency_id.round(self.amount_untaxed - total),
            "has_cost": any(row.method == "difference" for row in rows),
        }

    def _telecom_percent(self, commission):
        """Return the percentage of a commission as people write it, without needless zeros."""
        if commission.method != "percent":
            return ""
        digits = -exact(commission.percent).normalize().as_tuple().exponent
        return formatLang(self.env, commission.percent, digits=max(digits, 0))


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    telecom_credited_section = fields.Selection(
        selection=lambda self: self._fields["telecom_section"].selection,
        string="Credited Section",
        readonly=True,
        copy=False,
        help="On a credit note: in which section of the invoice the line is that it gives back.",
    )

    # === CRUD METHODS ===

    def write(self, vals):
        """Keep the amounts of lines that settle commissions."""
        if not AMOUNT_FIELDS.isdisjoint(vals):
            settled = self._telecom_commissions().bill_line_id.with_env(self.env)
            before = {line: line.price_subtotal for line in settled}
            result = super().write(vals)
            for line, amount in before.items():
                if line.currency_id.compare_amounts(line.price_subtotal, amount):
                    raise UserError(
                        self.env._(
                            "The line %s is the sum of commissions and keeps its amount. Delete "
                            "it to put it off to the next settlement, or add another line.",
                            line.name,
                        )
                    )
            return result
        return super().write(vals)

    def unlink(self):
        """Have the commissions of deleted lines settled again."""
        self.check_access("unlink")
        self._telecom_free_commissions()
        return super().unlink()

    # === BUSINESS METHODS ===

    def _copy_data_extend_business_fields(self, values):
        """Remember on a credit note of what each line gives something back."""
        result = super()._copy_data_extend_business_fields(values)
        section = self.telecom_section or self.telecom_credited_section
        if section:
            values["telecom_credited_section"] = section
        return result

    def _telecom_commissions(self):
        """Return the commissions that these bill lines settle."""
        lines = self.filtered(lambda line: line.move_id.telecom_commission_until)
        commissions = self.env["telecom.commission"].sudo()
        return commissions.search([("bill_line_id", "in", lines.ids)]) if lines else commissions

    def _telecom_free_commissions(self):
        commissions = self._telecom_commissions()
        if commissions:
            commissions._free()


def _total(commissions):
    return float(sum(exact(row.amount) for row in commissions))
