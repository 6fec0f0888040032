from . import (
    telecom_billing_run_launch,
    telecom_cdr_import_wizard,
)
