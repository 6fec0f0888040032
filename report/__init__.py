from . import telecom_reconciliation_report
