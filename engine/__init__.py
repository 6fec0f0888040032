"""Plain Python: prices, allowances, periods and intake; imports no Odoo."""
