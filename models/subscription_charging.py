"""Recurring charges: once per span, at every tier, corrected when terms change."""

import logging
from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from odoo import fields
from odoo.exceptions import UserError

from ..engine.proration import prorate
from .account_chain import AccountChain
from .billing_until import FIRST_ZONE, day_of
from .bulk import RETRYABLE, commit_progress, run_batch
from .failures import failure_text, heal, keep_failure
from .sellers import charge_sides
from .subscription_due import due_services
from .subscription_prices import ServicePrices

_logger = logging.getLogger(__name__)

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
    """Adds what is due. Runs as superuser: callers check rights first.

    `finished` tells after `run` whether all that was due was looked at, or time was up before;
    services that failed before are tried again after the others, and nobody waits for them.
    """

    def __init__(self, env, retry_after_minutes=0):
        """:param retry_after_minutes: leave alone what failed less than so many minutes ago"""
        self.env = env(su=True)
        self.retry_after_minutes = retry_after_minutes
        self.chain = AccountChain(self.env)
        self.prices = ServicePrices(self.env)
        self.finished = False

    def run(self, until=None, partners=None, companies=None):
        """Charge what is due on `until` or before.

        :param until: date; or UTC datetime (None: now), whose day each account has for itself
        :param partners, companies: accounts, and companies that bill them, to which it is
            limited; with a reseller come the services of its customers, which it pays for, too
        :return: number of charges added
        """
        added = done = 0
        until = until or fields.Datetime.now()
        # nowhere is it later than there
        horizon = day_of(until, FIRST_ZONE)
        sound, failed = due_services(
            self.env, horizon, self.retry_after_minutes, partners, companies
        )
        batches = [sound[index : index + BATCH] for index in range(0, len(sound), BATCH)]
        # what failed before is tried alone: most likely it fails again, and takes none along
        batches += [[service] for service in failed]
        self.finished = not sound
        for ids in batches:
            added += self._charge_or_split(ids, until)
            done += len(ids)
            remaining = max(0, len(sound) - done)
            self.finished = not remaining
            if commit_progress(self.env, len(ids), remaining=remaining) <= 0:
                break
        return added

    def _charge_or_split(self, ids, until):
        """Charge a batch; when that fails, each half of it, and keep what fails alone."""
        try:
            return run_batch(self.env, lambda: self._charge_batch(ids, until))
        except RETRYABLE:
            raise
        except Exception as error:
            if len(ids) > 1:
                middle = len(ids) // 2
                halves = (ids[:middle], ids[middle:])
                return sum(self._charge_or_split(half, until) for half in halves)
            if not isinstance(error, UserError):
                _logger.warning("Service %s could not be charged", ids[0], exc_info=True)
            service = self.env["telecom.subscription"].browse(ids)
            message = failure_text(error)
            summary = self.env._("Could not be charged")

            def keep():
                keep_failure(service, message, summary)
                service.failed_on = fields.Datetime.now()

            run_batch(self.env, keep)
            return 0

    # === ONE BATCH ===

    def _charge_batch(self, ids, until):
        # where this may not commit, a failure takes back its own batch only
        with self.env.cr.savepoint():
            # waits for another runner, and fails on its update: the batch is then repeated
            self.env.cr.execute(
                "SELECT id FROM telecom_subscription WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
                [ids],
                log_exceptions=False,
            )
            services = self.env["telecom.subscription"].browse(ids)
            services.invalidate_recordset()
            self.chain.load(services.partner_id)
            existing = self._existing(services)
            with_setup = self._charges(services.filtered(lambda s: not s.charged_until), "=")
            with_setup = with_setup.subscription_id
            rows = []
            for service in services:
                day = day_of(until, service.partner_id._account_tz())
                if service not in with_setup:
                    rows += self._setup(service, day)
                rows += self._charge(service, day, existing[service.id])
            self.env["telecom.charge"].create(rows)
            heal(services)
            self.env.flush_all()
        return len(rows)

    def _charges(self, services, is_setup):
        return self.env["telecom.charge"].search(
            [("subscription_id", "in", services.ids), ("charge_type", is_setup, "setup")],
            order="revision, id",
        )

    def _existing(self, services):
        """Return {service: {(account, span start): [charges]}} of services to review."""
        found = defaultdict(lambda: defaultdict(list))
        for charge in self._charges(services.filtered("to_review"), "!="):
            key = (charge.partner_id.id, charge.span_from)
            found[charge.subscription_id.id][key].append(charge)
        return found

    def _charge(self, service, until, existing):
        """Return the values of the charges that a service owes and were not made.

        A span that is charged keeps its edges and its accounts, whatever became of them since.
        """
        rows = []
        for charged in existing.values():
            rows += self._correction(service, charged)
        begin = max(
            (charged[0].whole_to for charged in existing.values()),
            default=service.charged_until or service.date_start,
        )
        end = service.date_end or FAR
        for whole in service._span_rule().spans(begin, FAR):
            date_from, date_to = max(whole[0], begin), min(whole[1], end)
            due = date_from if service.invoicing == "advance" else date_to
            if date_from >= end or due > until:
                break
            self._change_currency(service, date_from)
            tiers = self.chain.tiers_on(service.partner_id, due)
            sides = charge_sides(tiers)
            for level, tier in enumerate(tiers):
                rows += [
                    self._row(service, level, tier, part, due, service.kind, 0, date_from, whole)
                    | sides[level]
                    for part in self._expected(service, level, tier, date_from, whole)
                ]
            begin = whole[1]
        # looked at once more on its last day
        next_look = due if date_from < end else end if until < end < FAR else None
        terms = service._version_on(max(until, service.date_start))
        service.with_context(
            keep_charged_rhythm=True, from_version=True, tracking_disable=True
        ).write(
            {
                "charged_until": min(begin, end) if begin > service.date_start else None,
                "next_charge_date": next_look,
                "state": "ended" if not next_look and end <= until else service.state,
                "quantity": terms.quantity,
                "price_unit": terms.price_unit,
            }
        )
        service.to_review = False
        return rows

    def _setup(self, service, until):
        """Return the charges of a setup fee that was not charged yet."""
        rows = []
        begins = service.date_start <= until and service.date_start < (service.date_end or FAR)
        if service.charged_until or not begins:
            return rows
        terms = service._version_on(service.date_start)
        tiers = self.chain.tiers_on(service.partner_id, service.date_start)
        sides = charge_sides(tiers)
        for level, tier in enumerate(tiers):
            if level:
                fee = self._tier_setup_fee(service, tier)
            else:
                fee = self._in_currency(
                    service, service.setup_fee, terms, tier.telecom_currency_id, service.date_start
                )
            if fee:
                price = Decimal(str(fee))
                quantity = Decimal(str(terms.quantity))
                part = Part(service.date_start, service.date_start, quantity, price)
                part.amount = _round(price * quantity, tier.telecom_currency_id)
                row = self._row(service, level, tier, part, service.date_start, "setup", 0)
                rows.append(row | sides[level])
        return rows

    def _tier_setup_fee(self, service, tier):
        """Return the setup fee of a tier above: the product's, in that tier's currency."""
        fee = self.prices.setup_fee(service, tier, service.date_start)
        return tier.telecom_currency_id.round(fee)

    def _change_currency(self, service, day):
        """Let the terms from `day` on, which are not charged yet, be in the account's currency.

        Their price is converted once, at the rate of that day: it does not move with the rates.
        """
        currency = service.partner_id.telecom_currency_id
        current = service._version_on(day)
        foreign = service.version_ids.filtered(
            lambda v: v.currency_id != currency and (v == current or v.date_from > day)
        ).with_context(from_version=True)
        if current in foreign:
            service.setup_fee = self._in_currency(
                service, service.setup_fee, current, currency, day
            )
        for version in foreign:
            vals = {
                "price_unit": self._in_currency(
                    service, version.price_unit, version, currency, day
                ),
                "currency_id": currency.id,
            }
            if version.date_from < day:
                version.copy({**vals, "date_from": day})
            else:
                version.write(vals)

    def _in_currency(self, service, price, terms, currency, day):
        """Return a price of some terms in a currency, that of the account or of a charge."""
        return self.prices.terms_price(service, price, terms.currency_id, currency, day)

    # === ONE SPAN AT ONE TIER ===

    def _correction(self, service, charged):
        """Return the charges that a change makes necessary in a span that is charged."""
        tier, level = charged[0].partner_id, charged[0].tier
        span_from, whole = charged[0].span_from, (charged[0].whole_from, charged[0].whole_to)
        # a span keeps the currency in which it was charged, a tier above also its price
        currency = charged[0].currency_id
        terms = (service, level, tier, span_from, whole, currency, charged[0].price_unit)
        current = _current_parts(charged)
        cut = _first_difference(current, self._expected(*terms))
        if cut is None:
            return []
        expected = self._expected(*terms, cut=cut)
        revision = max(charge.revision for charge in charged) + 1
        # a change is due when it takes effect; one of the past is due now
        due = max(cut, charged[0].date)
        place = (due, service.kind, revision, span_from, whole, currency)
        sold = {name: charged[0][name].id for name in ("seller_id", "resold_to_id")}
        # whoever charged it gives it back
        sold["sold_on"] = charged[0].date
        kept = sum((p.amount for p in expected if p.date_to <= cut), Decimal())
        total = sum((Decimal(str(charge.amount)) for charge in charged), Decimal())
        undue = [part for part in current if part.date_to > cut]
        rows = []
        if undue and kept != total:
            credit = Part(cut, undue[-1].date_to, -undue[0].quantity, undue[0].price)
            credit.amount = kept - total
            row = self._row(service, level, tier, credit, *place)
            rows.append(row | sold | {"is_credit": True})
        return rows + [
            self._row(service, level, tier, part, *place) | sold
            for part in expected
            if part.date_from >= cut
        ]

    def _expected(self, service, level, tier, begin, whole, currency=None, price=None, cut=None):
        """Return the parts of a span as the terms of the service now say.

        :param begin: first day of the span that is charged with it
        :param whole: the whole span, by whose days a part is priced
        :param currency: of the charges; None: the account's
        :param price: of a tier above; None looks it up
        :param cut: a day on which a part ends in any case
        """
        currency = currency or tier.telecom_currency_id
        end = min(whole[1], service.date_end or FAR)
        if begin >= end:
            return []
        edges = {begin, end}
        if service.prorate:
            edges.update(v.date_from for v in service.version_ids if begin < v.date_from < end)
            edges.update({cut} if cut and begin < cut < end else ())
        else:
            # charged in full, at the terms of its first day, whatever comes later
            edges = {begin, whole[1]}
        if level and price is None:
            price = self.prices.price(service, tier, begin)
        parts = []
        for date_from, date_to in pairwise(sorted(edges)):
            terms = service._version_on(date_from)
            part_price = (
                price
                if level
                else self._in_currency(service, terms.price_unit, terms, currency, begin)
            )
            # as many digits as the charge keeps
            part_price = Decimal(str(round(part_price, 8)))
            part = Part(date_from, date_to, Decimal(str(terms.quantity)), part_price)
            amount = part.quantity * part.price
            if service.prorate:
                step = Decimal(str(currency.rounding))
                part.amount = prorate(amount, *whole, date_from, date_to, step)
            else:
                part.amount = _round(amount, currency)
            parts.append(part)
        return _merge(parts, cut)

    def _row(
        self,
        service,
        level,
        tier,
        part,
        due,
        charge_type,
        revision,
        span_from=None,
        whole=None,
        currency=None,
    ):
        return {
            "name": service.name,
            "partner_id": tier.id,
            "customer_id": service.partner_id.id,
            "charge_type": charge_type,
            "date": due,
            "date_from": part.date_from,
            "date_to": part.date_to,
            "quantity": float(part.quantity),
            "price_unit": float(part.price),
            "amount": float(part.amount),
            "currency_id": (currency or tier.telecom_currency_id).id,
            "product_id": service.product_id.id,
            "subscription_id": service.id,
            "span_from": span_from,
            "whole_from": whole and whole[0],
            "whole_to": whole and whole[1],
            "revision": revision,
            "tier": level,
        }


def _round(amount, currency):
    step = Decimal(str(currency.rounding))
    return (amount / step).quantize(Decimal(1), ROUND_HALF_UP) * step


def _merge(parts, cut=None):
    """Join neighbours of equal terms: a change that changes nothing makes no second charge."""
    merged = []
    for part in parts:
        last = merged[-1] if merged else None
        joined = last and last.date_to == part.date_from != cut
        if joined and last.terms() == part.terms():
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
