"""The recurrence spans of a service: which days one charge covers."""

from datetime import timedelta

from ..engine import calendar


class SpanRule:
    """How the time of one service is cut into spans, each charged once.

    A prorated service follows the billing day of its account: its first and last spans are cut
    and priced by the day. Any other begins a span on the day of the month it began, and every
    span is charged in full. Spans of several units (every 2 months) begin with the service, too.
    """

    __slots__ = ("_aligned", "_anchor", "_day", "_interval", "_unit")

    def __init__(self, unit, interval, anchor, aligned, billing_day):
        self._unit = unit
        self._interval = interval or 1
        self._anchor = anchor
        self._aligned = aligned and self._interval == 1
        self._day = billing_day or 1

    @classmethod
    def of(cls, subscription):
        """Return the rule of a `telecom.subscription`."""
        return cls(
            subscription.recurrence,
            subscription.recurrence_interval,
            subscription.date_start,
            subscription.prorate,
            subscription.partner_id.billing_day,
        )

    def span_of(self, day):
        """Return the whole span [from, to) that contains `day`, not cut to the service."""
        if self._aligned:
            return calendar.period_of(day, self._unit, self._day)
        return calendar.span_of(day, self._unit, self._interval, self._anchor)

    def spans(self, date_from, until):
        """Yield the whole spans that begin before `until`, from the one that contains
        `date_from` on."""
        span = self.span_of(date_from)
        while span[0] < until:
            yield span
            span = self.span_of(max(span[1], span[0] + timedelta(days=1)))
