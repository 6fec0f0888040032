from odoo import fields, models


class Subscription(models.Model):
    """The terms of a service: its quantity and price from each day on."""

    _inherit = "telecom.subscription"

    def change_terms(self, date_from, quantity=None, price_unit=None):
        """Change the quantity or the price from a day on.

        A day that is charged already is credited at the old terms and charged at the new ones,
        when the service is prorated; otherwise the change takes effect with the next span.

        :param date_from: first day of the new terms (date)
        :param quantity, price_unit: the new terms, the price in the currency of those before;
            None keeps what is in force that day
        """
        for service in self:
            day = max(fields.Date.to_date(date_from), service.date_start)
            service._set_terms(day, quantity, price_unit)
            service._apply_version()

    def _version_on(self, day):
        """Return the terms in force on a day: the first ones before the service starts."""
        self.ensure_one()
        versions = self.version_ids.sorted("date_from")
        return versions.filtered(lambda v: v.date_from <= day)[-1:] or versions[:1]

    def _terms_today(self):
        """Return the terms that the service shows."""
        today = fields.Date.context_today(self)
        return self._version_on(max(today, self.date_start or today))

    def _set_terms(self, day, quantity=None, price_unit=None):
        """Record the quantity and the price from `day` on; None keeps what is in force then."""
        self.ensure_one()
        versions = self.version_ids.with_context(from_version=True)
        current = self._version_on(day)
        vals = {
            "quantity": current.quantity if quantity is None else quantity,
            "price_unit": current.price_unit if price_unit is None else price_unit,
            "currency_id": (current or self).currency_id.id,
        }
        same_day = versions.filtered(lambda v: v.date_from == day)
        if same_day:
            same_day.write(vals)
        else:
            versions.create({**vals, "subscription_id": self.id, "date_from": day})

    def _keep_terms(self, vals):
        """Let the terms follow what was written on the services themselves."""
        if {"partner_id", "product_id"} & vals.keys():
            # prices that were planned for another product or account are not this one's
            for service in self:
                service.version_ids.with_context(from_version=True).write(
                    {
                        "price_unit": service.price_unit,
                        "currency_id": service.partner_id.telecom_currency_id.id,
                    }
                )
        if "date_start" in vals:
            for service in self:
                service._move_start()
        if {"quantity", "price_unit"} & vals.keys():
            today = fields.Date.context_today(self)
            for service in self:
                day = max(today, service.date_start)
                service._set_terms(
                    day if service.charged_until else service.date_start,
                    vals.get("quantity"),
                    vals.get("price_unit"),
                )

    def _move_start(self):
        """Let the first terms be those in force on the day on which the service starts now.

        What was planned for days before is over, what comes later stays.
        """
        self.ensure_one()
        versions = self.version_ids.with_context(from_version=True).sorted("date_from")
        first, current = versions[:1], self._version_on(self.date_start)
        terms = {name: current[name] for name in ("quantity", "price_unit")}
        terms["currency_id"] = current.currency_id.id
        (versions.filtered(lambda v: v.date_from <= self.date_start) - first).unlink()
        first.write({**terms, "date_from": self.date_start})
        self._apply_version()

    def _apply_version(self):
        """Show the terms that are in force today."""
        for service in self:
            version = service._terms_today()
            service.with_context(from_version=True).write(
                {
                    "quantity": version.quantity,
                    "price_unit": version.price_unit,
                    "to_review": True,
                }
            )
