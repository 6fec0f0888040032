"""What InvoiceBuilder reproduces of native code: modules, methods, fields and values."""

# Modules whose part in making an invoice is reproduced, or plays none in a customer invoice.
KNOWN_MODULES = frozenset(
    {
        "account",
        "analytic",
        "mail",
        "portal",
        "product",
        "telecom_billing",
    }
)

# Overrides of other modules that were read and change nothing for invoices built here, whose
# lines belong to no order, no delivery and no vendor bill.
TRUSTED_OVERRIDES = frozenset(
    {
        ("purchase", "_related_analytic_distribution"),
        ("purchase", "create"),
        ("purchase", "write"),
        ("sale", "_compute_is_storno"),
        ("sale", "_post"),
        ("sale", "_related_analytic_distribution"),
        ("sale", "action_post"),
        ("sale_stock", "_compute_delivery_date"),
        ("stock_account", "_compute_account_id"),
        # the same for each invoice of a batch
        ("utm", "default_get"),
    }
)

# What native `create` does to the values and lines of a customer invoice, and what the builder
# does in its stead. A module that overrides one of them has its own idea of an invoice.
REPRODUCED_METHODS = {
    "account.move": (
        "_check_balanced",
        "_compute_direction_sign",
        "_compute_expected_currency_rate",
        "_compute_needed_terms",
        "_get_accounting_date_source",
        "_get_discount_allocation_account",
        "_get_expected_currency_rate_at",
        "_get_invoice_currency_rate_date",
        "_get_product_base_line_currency_rate",
        "_get_rounded_base_and_tax_lines",
        "_get_sync_stack",
        "_prepare_product_base_line_for_taxes_computation",
        "_recompute_cash_rounding_lines",
        "_sanitize_vals",
        "_sync_dynamic_line",
        "_sync_dynamic_line_needed_values",
        "_sync_dynamic_lines",
        "_sync_invoice",
        "_sync_non_deductible_base_lines",
        "_sync_rounding_lines",
        "_sync_tax_lines",
        "_sync_unbalanced_lines",
        "create",
    ),
    "account.move.line": (
        "_compute_discount_allocation_needed",
        "_compute_epd_needed",
        "_compute_is_refund",
        "_get_computed_taxes",
        "_prepare_create_values",
        "_related_analytic_distribution",
        "_sanitize_vals",
        "_sync_invoice",
        "create",
    ),
    # The engine itself is called; these read a journal item, and the builder gives it none.
    "account.tax": (
        "_prepare_base_line_for_taxes_computation",
        "_prepare_base_line_grouping_key",
        "_prepare_base_line_tax_repartition_grouping_key",
    ),
    "account.fiscal.position": ("_get_fiscal_position",),
}

# Computed fields that the fast way gives a value: their compute methods count as reproduced.
GIVEN_FIELDS = {
    "account.move": (
        "company_id",
        "currency_id",
        "date",
        "delivery_date",
        "fiscal_position_id",
        "invoice_currency_rate",
        "invoice_date_due",
        "invoice_payment_term_id",
        "journal_id",
        "partner_shipping_id",
        "taxable_supply_date",
    ),
    "account.move.line": (
        "account_id",
        "amount_currency",
        "analytic_distribution",
        "balance",
        "currency_id",
        "display_type",
        "partner_id",
        "product_uom_id",
        "quantity",
        "tax_ids",
    ),
}

# What `InvoiceRows` and the overrides of account_move_bulk.py reproduce besides. Where another
# module has changed it, or added a field that is computed before rows are written, the ORM
# gets the journal items alone and computes the rest of the columns.
ROW_METHODS = {
    model_name: (
        "_add_precomputed_values",
        "_check_company",
        "_create",
        "_prepare_create_values",
        "default_get",
    )
    for model_name in ("account.move", "account.move.line")
}
ROW_FIELDS = {
    "account.move": (
        "always_tax_exigible",
        "amount_total",
        "auto_post_until",
        "checked",
        "commercial_partner_id",
        "made_sequence_gap",
        "name",
        "payment_reference",
        "payment_state",
        "sequence_number",
    ),
    "account.move.line": (
        "amount_residual",
        "company_currency_id",
        "company_id",
        "credit",
        "date",
        "debit",
        "invoice_date",
        "is_storno",
        "journal_id",
        "move_name",
        "name",
        "no_followup",
        "parent_state",
        "payment_id",
        "price_total",
        "price_unit",
        "ref",
        "sequence",
        "statement_id",
        "statement_line_id",
        "tax_group_id",
        "tax_line_id",
    ),
}
PRECOMPUTED_FIELDS = {
    model_name: {*GIVEN_FIELDS[model_name], *ROW_FIELDS[model_name]} for model_name in GIVEN_FIELDS
}
# What posting calls. Where another module takes part, native code synchronises lines as ever.
POSTING_METHODS = {
    "account.move": ("_post", "action_post", "write"),
    "account.move.line": ("write",),
}
NUMBERING_METHODS = {
    "account.move": (
        "_get_last_sequence",
        "_get_last_sequence_domain",
        "_get_next_sequence_format",
        "_get_sequence_date_range",
        "_get_starting_sequence",
        "_locked_increment",
        "_set_next_sequence",
    )
}

# What the fast way understands; besides, plain columns of other modules are passed through.
MOVE_KEYS = frozenset(
    {
        "company_id",
        "currency_id",
        "fiscal_position_id",
        "invoice_cash_rounding_id",
        "invoice_date",
        "invoice_date_due",
        "invoice_line_ids",
        "invoice_origin",
        "invoice_payment_term_id",
        "invoice_user_id",
        "journal_id",
        "move_type",
        "narration",
        "partner_bank_id",
        "partner_id",
        "partner_shipping_id",
        "payment_reference",
        "ref",
    }
)
REQUIRED_MOVE_KEYS = (
    "company_id",
    "currency_id",
    "invoice_date",
    "invoice_line_ids",
    "journal_id",
    "partner_id",
)
LINE_KEYS = frozenset(
    {
        "account_id",
        "collapse_composition",
        "collapse_prices",
        "discount",
        "display_type",
        "name",
        "price_unit",
        "product_id",
        "product_uom_id",
        "quantity",
        "sequence",
        "tax_ids",
    }
)
REQUIRED_LINE_KEYS = ("name", "price_unit", "quantity")
TEXT_LINES = ("line_section", "line_subsection", "line_note")
