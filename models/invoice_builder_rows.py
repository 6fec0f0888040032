"""Every column of drafted invoices, so that the ORM has little left to compute for them."""

from .invoice_builder_known import TEXT_LINES

SEQUENCES = {"tax": 10000, "rounding": 11000, "payment_term": 12000}


class InvoiceRows:
    """Adds to the values of one company's invoices what the ORM would compute from them.

    A stored field that is missing here is computed by the ORM as ever.
    """

    def __init__(self, env, company):
        self.env = env
        self.company = company
        self.own_currency = company.currency_id
        self._looked_up = {}

    def finish(self, document):
        """Add the columns of an invoice and of its journal items.

        :param Document document: with its journal items in `vals`, which are changed
        """
        move = document.vals
        items = [command[2] for command in move["line_ids"]]
        for item in items:
            self._finish_item(document, item)
        self._finish_move(document, items)

    # === JOURNAL ITEMS ===

    def _finish_item(self, document, item):
        move, display_type = document.vals, item["display_type"]
        if display_type in TEXT_LINES:
            item.update(amount_currency=0.0, balance=0.0)
        for name, value in (
            ("account_id", False),
            ("deductible_amount", 100.0),
            ("discount", 0.0),
            ("price_subtotal", 0.0),
            ("price_total", 0.0),
            ("price_unit", 0.0),
            ("product_uom_id", False),
            ("quantity", 0.0),
            ("sequence", SEQUENCES.get(display_type, 100)),
            ("tax_ids", False),
        ):
            item.setdefault(name, value)
        if display_type == "payment_term" and not self._is_named(document):
            item["name"] = False
        tax_id, group_id = self._tax(item.get("tax_repartition_line_id"))
        item.update(
            company_currency_id=self.own_currency.id,
            company_id=self.company.id,
            date=document.date,
            invoice_date=document.date,
            is_storno=False,
            journal_id=move["journal_id"],
            move_name=False,
            no_followup=False,
            parent_state="draft",
            payment_id=False,
            ref=move.get("ref", False),
            statement_id=False,
            statement_line_id=False,
            tax_group_id=group_id,
            tax_line_id=tax_id,
        )
        self._finish_residual(document, item)

    def _finish_residual(self, document, item):
        own, currency = self.own_currency, document.currency
        residual = residual_currency = 0.0
        reconciled = False
        if item["account_id"] and self._is_reconciled(item["account_id"]):
            residual = own.round(item["balance"])
            residual_currency = currency.round(item["amount_currency"])
            reconciled = own.is_zero(residual) and currency.is_zero(residual_currency)
        item.update(
            amount_residual=residual,
            amount_residual_currency=residual_currency,
            reconciled=reconciled,
        )

    def _is_named(self, document):
        """Tell whether the due items of a draft have names; those are left to the ORM."""
        return bool(document.vals.get("payment_reference")) or len(document.term.line_ids) > 1

    def _tax(self, repartition_id):
        key = "tax", repartition_id
        if key not in self._looked_up:
            repartition = self.env["account.tax.repartition.line"].browse(repartition_id or ())
            tax = repartition.tax_id
            self._looked_up[key] = tax.id, tax.tax_group_id.id
        return self._looked_up[key]

    def _is_reconciled(self, account_id):
        key = "account", account_id
        if key not in self._looked_up:
            account = self.env["account.account"].browse(account_id)
            self._looked_up[key] = account.reconcile or account.account_type in (
                "asset_cash",
                "liability_credit_card",
            )
        return self._looked_up[key]

    # === INVOICES ===

    def _finish_move(self, document, items):
        move, sign = document.vals, document.sign
        untaxed, untaxed_currency, tax, tax_currency = document.totals
        due = [item for item in items if item["display_type"] == "payment_term"]
        amount_total = document.currency.round(sign * (untaxed_currency + tax_currency))
        move.update(
            always_tax_exigible=False,
            amount_residual=-sign * sum(item["amount_residual_currency"] for item in due),
            amount_residual_signed=sum(item["amount_residual"] for item in due),
            amount_tax=sign * tax_currency,
            amount_tax_signed=-tax,
            amount_total=amount_total,
            amount_total_in_currency_signed=-sign * amount_total,
            amount_total_signed=-(untaxed + tax),
            amount_untaxed=sign * untaxed_currency,
            amount_untaxed_in_currency_signed=-untaxed_currency,
            amount_untaxed_signed=-untaxed,
            auto_post_until=False,
            checked=False,
            commercial_partner_id=document.commercial.id,
            is_manually_modified=False,
            made_sequence_gap=False,
            name=False,
            payment_state="not_paid",
            sequence_number=0,
            sequence_prefix="",
        )
        move.setdefault("payment_reference", False)
        if not move.get("invoice_date_due"):
            move["invoice_date_due"] = max(item["date_maturity"] for item in due)
