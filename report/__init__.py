from . import telecom_margin_report, telecom_reconciliation_report
