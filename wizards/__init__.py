from . import (
    account_move_reversal,
    base_partner_merge,
    mail_compose_message,
    telecom_billing_run_launch,
    telecom_cdr_import_wizard,
    telecom_commission_settle,
    telecom_price_check,
    telecom_rate_derive,
    telecom_rate_import,
    telecom_reseller_setup,
)
