"""Recurring charges: once per span, at every tier, corrected when terms change."""

from collections import defaultdict
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from odoo import fields

from ..engine.calendar import local_day
from ..engine.proration import prorate
from .account_chain import AccountChain
from .bulk import commit_progress, run_batch

BATCH = 500
FAR = date(9999, 12, 31)


class Part:
    """Some days of a span at one quantity and price."""

    __slots__ = ("amount", "date_from", "date_to", "price", "quantity")

    def __init__(self, date_from, date_to, quantity, price, amount=None):
        self.date_from = date_from
        self.date_to = date_to
        self.quantity = quantity
        self.price = price
        self.amount = amount

    def terms(self):
        return (self.quantity, self.price)


class SubscriptionCharger:
    """Adds what is due. Runs as superuser: callers check rights first."""

    def __init__(self, env):
        self.env = env(su=True)
        self.chain = AccountChain(self.env)

    def run(self, until=None, partners=None):
        """Charge what is due on `until` or before.

        :param until: date; or UTC datetime (None: now), whose day each account has for itself
        :return: number of charges added
        """
        added, last_id = 0, 0
        until = until or fields.Datetime.now()
        # nowhere is it later than there
        horizon = _day(until, "Pacific/Kiritimati")
        while True:
            ids = self._due(horizon, partners, last_id)
            if not ids:
                return added
            added += run_batch(self.env, lambda ids=ids: self._charge_batch(ids, until))
            last_id = ids[-1]
            if commit_progress(self.env, len(ids)) <= 0:
                return added

    def _due(self, horizon, partners, last_id):
        self.env["telecom.subscription"].flush_model()
        query = """
            SELECT id FROM telecom_subscription
             WHERE id > %(last)s AND state = 'running'
               AND (to_review OR next_charge_date <= %(horizon)s)
               AND date_start <= %(horizon)s
        """
        if partners is not None:
            query += " AND partner_id = ANY(%(partners)s)"
        self.env.cr.execute(
            query + " ORDER BY id LIMIT %(limit)s",
            {
                "last": last_id,
                "horizon": horizon,
                "partners": partners.ids if partners is not None else None,
                "limit": BATCH,
            },
        )
        return [row[0] for row in self.env.cr.fetchall()]

    # === ONE BATCH ===

    def _charge_batch(self, ids, until):
        # waits for another runner, and fails on its update: the batch is then repeated
        self.env.cr.execute(
            "SELECT id FROM telecom_subscription WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [ids]
        )
        services = self.env["telecom.subscription"].browse(ids)
        services.invalidate_recordset()
        existing = self._existing(services)
        rows = []
        for service in services:
            day = _day(until, service.partner_id._account_tz())
            rows += self._charge(service, day, existing[service.id])
        self.env["telecom.charge"].create(rows)
        self.env.flush_all()
        return len(rows)

    def _existing(self, services):
        """Return {service: {(tier account, span start): [charges]}} of services to review."""
        found = defaultdict(lambda: defaultdict(list))
        charges = self.env["telecom.charge"].search(
            [
                ("subscription_id", "in", services.filtered("to_review").ids),
                ("charge_type", "!=", "setup"),
            ],
            order="revision, id",
        )
        for charge in charges:
            key = (charge.partner_id.id, charge.span_from)
            found[charge.subscription_id.id][key].append(charge)
        return found

    def _charge(self, service, until, existing):
        """Return the values of the charges that a service owes and were not made."""
        rows = []
        tiers = self.chain.tiers(service.partner_id)
        if service.date_start <= until and not service.charged_until:
            rows += self._setup(service, tiers)
        next_due, charged_until = None, service.charged_until
        end = service.date_end or FAR
        charged_spans = {span_from for _tier, span_from in existing}
        # what is charged and needs no second look is passed over
        begin = service.date_start if service.to_review else charged_until or service.date_start
        for span in service._span_rule().spans(begin, FAR):
            date_from, date_to = max(span[0], service.date_start), min(span[1], end)
            if date_to <= begin and not service.to_review:
                continue
            is_charged = date_from in charged_spans
            due = date_from if service.invoicing == "advance" else date_to
            if not is_charged and (date_from >= end or due > until):
                next_due = due if date_from < end else None
                break
            for level, tier in enumerate(tiers):
                charged = existing.get((tier.id, date_from), [])
                # a tier that came later than the charge is not charged for what is past
                if charged or not is_charged:
                    rows += self._span(service, level, tier, span, due, charged)
            if date_from < end:
                charged_until = max(charged_until or date_to, date_to)
        if next_due is None and until < end < FAR:
            # looked at once more on its last day
            next_due = end
        service.with_context(keep_charged_rhythm=True, tracking_disable=True).write(
            {
                "charged_until": charged_until,
                "next_charge_date": next_due,
                "state": "ended" if next_due is None and end <= until else service.state,
            }
        )
        service.to_review = False
        return rows

    def _setup(self, service, tiers):
        rows = []
        for level, tier in enumerate(tiers):
            fee = service.setup_fee if not level else self._tier_setup_fee(service, tier)
            if fee:
                price = Decimal(str(fee))
                quantity = Decimal(str(service._version_on(service.date_start).quantity))
                part = Part(service.date_start, service.date_start, quantity, price)
                part.amount = self._round(price * quantity, tier)
                rows.append(self._row(service, level, tier, part, service.date_start, "setup", 0))
        return rows

    def _tier_setup_fee(self, service, tier):
        """Return the setup fee of a tier above: the product's, in that tier's currency."""
        product = service.product_id
        company = self.chain.profile(tier).company_id
        return product.currency_id._convert(
            product.telecom_setup_fee, tier.telecom_currency_id, company, service.date_start
        )

    # === ONE SPAN AT ONE TIER ===

    def _span(self, service, level, tier, span, due, charged):
        """Return the charges of a span: all of it, or what a change makes different."""
        expected = self._expected(service, level, tier, span, charged)
        if not charged:
            return [
                self._row(service, level, tier, part, due, service.kind, 0, span)
                for part in expected
                if part.date_from < part.date_to
            ]
        current = _current_parts(charged)
        cut = _first_difference(current, expected)
        if cut is None:
            return []
        revision = max(charge.revision for charge in charged) + 1
        kept = sum((p.amount for p in expected if p.date_to <= cut), Decimal())
        total = sum((Decimal(str(charge.amount)) for charge in charged), Decimal())
        # a change is due when it takes effect; one of the past is due now
        due = max(cut, due) if service.invoicing == "arrears" else cut
        rows = []
        old = next((p for p in current if p.date_from <= cut < p.date_to), None)
        if old and kept != total:
            credit = Part(cut, max(p.date_to for p in current), -old.quantity, old.price)
            credit.amount = kept - total
            row = self._row(service, level, tier, credit, due, service.kind, revision, span)
            row["is_credit"] = True
            rows.append(row)
        rows += [
            self._row(service, level, tier, part, due, service.kind, revision, span)
            for part in expected
            if part.date_from >= cut and part.date_from < part.date_to
        ]
        return rows

    def _expected(self, service, level, tier, span, charged):
        """Return the parts of a span as the terms of the service now say."""
        begin = max(span[0], service.date_start)
        end = min(span[1], service.date_end or FAR)
        if begin >= end:
            return []
        versions = service.version_ids.sorted("date_from")
        if not service.prorate:
            # charged in full, at the terms of its first day, whatever comes later
            whole_end = span[1]
            version = service._version_on(begin)
            parts = [Part(begin, whole_end, Decimal(str(version.quantity)), version.price_unit)]
        else:
            edges = sorted(
                {begin, end, *(v.date_from for v in versions if begin < v.date_from < end)}
            )
            parts = []
            for date_from, date_to in pairwise(edges):
                version = service._version_on(date_from)
                parts.append(
                    Part(date_from, date_to, Decimal(str(version.quantity)), version.price_unit)
                )
        for part in parts:
            if level:
                # a tier above keeps the price at which the span was charged
                part.price = charged[0].price_unit if charged else service._tier_price(tier, begin)
            part.price = Decimal(str(part.price))
            whole = part.quantity * part.price
            if service.prorate:
                part.amount = prorate(whole, *span, part.date_from, part.date_to, self._step(tier))
            else:
                part.amount = self._round(whole, tier)
        return _merge(parts)

    def _step(self, tier):
        return Decimal(str(tier.telecom_currency_id.rounding))

    def _round(self, amount, tier):
        step = self._step(tier)
        return (amount / step).quantize(Decimal(1), ROUND_HALF_UP) * step

    def _row(self, service, level, tier, part, due, charge_type, revision, span=None):
        return {
            "name": service.name,
            "partner_id": tier.id,
            "customer_id": service.partner_id.id,
            "charge_type": charge_type,
            "date": due,
            "date_from": part.date_from,
            "date_to": part.date_to if part.date_to > part.date_from else part.date_from,
            "quantity": float(part.quantity),
            "price_unit": float(part.price),
            "amount": float(part.amount),
            "currency_id": tier.telecom_currency_id.id,
            "product_id": service.product_id.id,
            "subscription_id": service.id,
            "span_from": max(span[0], service.date_start) if span else service.date_start,
            "revision": revision,
            "tier": level,
        }


def _day(until, tz):
    """Return the account's day of a date (that day) or of a UTC datetime."""
    return local_day(until, tz) if isinstance(until, datetime) else until


def _merge(parts):
    """Join neighbours of equal terms: a change that changes nothing makes no second charge."""
    merged = []
    for part in parts:
        last = merged[-1] if merged else None
        if last and last.date_to == part.date_from and last.terms() == part.terms():
            last.date_to = part.date_to
            if part.amount is not None:
                last.amount += part.amount
        else:
            merged.append(part)
    return merged


def _current_parts(charges):
    """Return what is charged for a span now: each revision replaces what it overlaps."""
    parts = []
    for charge in charges:
        covered = []
        for part in parts:
            if part.date_from < charge.date_from:
                covered.append(
                    Part(part.date_from, min(part.date_to, charge.date_from), *part.terms())
                )
            if part.date_to > charge.date_to:
                covered.append(
                    Part(max(part.date_from, charge.date_to), part.date_to, *part.terms())
                )
        if not charge.is_credit:
            quantity, price = Decimal(str(charge.quantity)), Decimal(str(charge.price_unit))
            covered.append(Part(charge.date_from, charge.date_to, quantity, price))
        parts = [part for part in covered if part.date_from < part.date_to]
    return _merge(sorted(parts, key=lambda part: part.date_from))


def _first_difference(current, expected):
    """Return the first day on which the two sets of terms differ, None when they are the same."""
    days = sorted(
        {day for parts in (current, expected) for p in parts for day in (p.date_from, p.date_to)}
    )
    for day in days:
        now = next((p.terms() for p in current if p.date_from <= day < p.date_to), None)
        then = next((p.terms() for p in expected if p.date_from <= day < p.date_to), None)
        if now != then:
            return day
    return None
