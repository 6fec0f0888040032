"""What would become of a period, asked before it is closed."""

from decimal import Decimal

from .invoice_carry import carried_to
from .invoice_content import InvoiceContent


class InvoiceQuestion(InvoiceContent):
    """Asks about one period by the code that makes its invoice, and makes nothing."""

    def __init__(self, env, period, run):
        super().__init__(env, period)
        self.run = run.with_env(self.env)

    def _run(self, period):
        return self.run

    def makes_invoice(self):
        """Tell whether the period has charges and would not be carried forward by the run.

        :raises UserError: when what is charged cannot be added up
        """
        period = self.periods
        waiting = carried_to(period)[period.partner_id, period.company_id, False]
        everything = InvoiceContent(self.env, waiting + period)
        usage, charges = everything.load_usage(), everything.load_charges()
        if not (usage[period.id] or charges[period.id]):
            return False
        lines = []
        for part in waiting + period:
            lines += self._lines(part, usage[part.id], charges[part.id])
        return not self._waits(period, waiting, sum((line.amount for line in lines), Decimal()))
