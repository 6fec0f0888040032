# what the others inherit
from . import clean_values

# isort: split
from . import (
    account_identifier,
    account_move,
    account_move_bulk,
    account_move_line,
    account_move_send,
    account_terms,
    allowance,
    billing_period,
    billing_period_edges,
    billing_profile,
    billing_run,
    call_charge,
    cdr,
    cdr_import,
    cdr_reject,
    cdr_source,
    charge,
    did,
    package,
    product_template,
    rate,
    rate_card,
    res_company,
    res_config_settings,
    res_partner,
    subscription,
    subscription_version,
    usage,
)
