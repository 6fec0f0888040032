from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..engine.calendar import local_day, midnight_utc
from .charge import OF_INVOICES


class BillingPeriod(models.Model):
    """The manual invoice: charges that a person chose are invoiced at once, apart from the time
    that they belong to.

    It stands for the day on which it was asked for, takes no part in the row of an account's
    periods, is never open, and holds no calls. When its invoice is given up, its charges go back
    to the account's open period.
    """

    _inherit = "telecom.billing.period"

    is_manual = fields.Boolean(
        string="Manual Invoice",
        readonly=True,
        help="Holds charges that a person chose to invoice at once, and covers no time.",
    )

    @api.model
    def _invoice_charges(self, charges):
        """Invoice charges at once, those of each account on an invoice of its own, in a run.

        :param charges: unbilled charges (`telecom.charge`), of one or several accounts
        :return: the `telecom.billing.run`
        :raises UserError: when one of them is invoiced, or in a period that is closed
        """
        charges = charges.sudo()
        charges._check_to_invoice()
        # whoever closes their periods meanwhile waits, or has made this transaction repeat
        charges._check_open()
        periods = self.sudo().browse()
        for (account, company, issuer, until), chosen in charges.grouped(
            lambda charge: (charge.partner_id, charge.company_id, *charge.period_id._sold_by())
        ).items():
            tz = account._account_tz()
            day = local_day(fields.Datetime.now(), tz)
            period = periods.create(
                {
                    "is_manual": True,
                    "partner_id": account.id,
                    "company_id": company.id,
                    # what a former issuer sold is invoiced by it
                    "profile_id": issuer.id,
                    "sold_until": until,
                    "date_from": day,
                    "date_to": day + timedelta(days=1),
                    "start": midnight_utc(day, tz),
                    "stop": midnight_utc(day + timedelta(days=1), tz),
                    "state": "closed",
                }
            )
            chosen.write({"period_id": period.id})
            periods += period
        run = self.env["telecom.billing.run"]._new_for(periods)
        run._process()
        return run

    def _chosen_by_hand(self):
        """Return those of these periods that are manual invoices."""
        return self.filtered(lambda period: period.is_manual and not period.is_late)

    def _release(self):
        result = super()._release()
        self._give_back()
        return result

    def _reopen(self):
        """A manual invoice that failed is given up: there is no time to open again."""
        manual = self._chosen_by_hand()
        if manual.move_id:
            raise UserError(self.env._("%s is invoiced.", manual[:1].display_name))
        manual._give_back()
        return super(BillingPeriod, self - manual)._reopen()

    def _give_back(self):
        """Put the charges of manual invoices back to their accounts' open periods."""
        manual = self._chosen_by_hand()
        of_invoice = manual.charge_ids.filtered(lambda c: c.charge_type in OF_INVOICES)
        of_invoice.unlink()
        for charge in manual.charge_ids:
            charge.period_id = charge._period_now()
        manual.write({"state": "skipped", "error": False})
        # nothing is left to be mended
        manual.activity_unlink(["mail.mail_activity_data_warning"])

    def _span_text(self):
        """Return the day of a manual invoice, and the span of other periods."""
        manual = self.filtered("is_manual")
        others = super(BillingPeriod, self - manual)._span_text() if self != manual else ""
        days = []
        for period in manual.filtered("date_from"):
            day = format_date(self.env, period.date_from, lang_code=period.partner_id.lang)
            if period.is_late:
                days.append(self.env._("Reported late, %s", day))
            else:
                days.append(self.env._("Manual invoice of %s", day))
        return "; ".join([others, *days] if others else days)
