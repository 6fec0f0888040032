"""Free units of packages, used up in order of call start whatever the order of arrival."""

from bisect import bisect_right
from collections import defaultdict
from datetime import date
from decimal import Decimal

from ..engine.allowance import Allowance, take
from .bulk import copy_rows
from .rating_accounts import Tier
from .rerating import Rerater
from .subscription_spans import SpanRule

# (free seconds, whether the fee is covered) of the account, and of those above it
NOTHING_FREE = ((0, False), (0, False))


class Package:
    """An allowance of one running service: what it covers, and how much is used per span."""

    __slots__ = (
        "_spans",
        "charged",
        "covers_fee",
        "covers_resellers",
        "date_end",
        "date_start",
        "direction",
        "increment",
        "package_id",
        "per_unit",
        "prefixes",
        "quantities",
        "rule",
        "subscription_id",
        "unit",
    )

    def __init__(self):
        self._spans = {}

    def covers(self, direction, number, day):
        """Tell whether the package carries such a call on that day of the account."""
        return (
            self.date_start <= day
            and (self.date_end is None or day < self.date_end)
            and self.direction in ("both", direction)
            and (not self.prefixes or number.startswith(self.prefixes))
        )

    def total(self, day):
        """Return the units of the span that contains `day`: the package's, times the quantity."""
        quantity = 0
        for date_from, value in self.quantities:
            if date_from <= day:
                quantity = value
        return int(Decimal(str(self.per_unit)) * Decimal(str(quantity)))

    def span(self, day):
        """Return the span [from, to) of which the package's units are used up on that day.

        A span that is charged keeps its edges, whatever became of the billing day since.
        """
        span = self._spans.get(day)
        if span is None:
            index = bisect_right(self.charged, (day, date.max, date.max)) - 1
            if index >= 0 and day < self.charged[index][2]:
                span = self.charged[index][1:]
            else:
                span = self.rule.span_of(day)
            self._spans[day] = span
        return span


class Allowances:
    """The allowances of the accounts of one batch."""

    def __init__(self, env, accounts, calls):
        self._env = env
        self._accounts = accounts
        self._calls = calls
        partners = list({call[1] for call in calls if call[1]})
        self._packages = self._load_packages(partners)
        # the accounts that have any package at all
        self.holders = self._packages.keys()
        # by (service, package, first day of the span): units used, the span's end, and the
        # id of the stored counter
        self._used = {}
        self._ends = {}
        self._counters = {}
        self._uses = []

    def take_back_later_calls(self, can_be_priced, rates):
        """Undo the pricing of calls after the first new one that uses a package.

        Free units belong to calls in order of their start. When a call comes late, those after
        it are priced again; so the result does not depend on the order in which calls arrive.
        They keep the rates that they were priced with, and their periods.

        :param can_be_priced: function of (account, call): a call that goes back to the queue
            uses no units
        :param rates: the `Rates` of the run
        :return: {call id: [(tier, rate, period)]} of the calls to price again with this batch
        """
        first = {}
        for call in self._calls:
            _call_id, partner, direction, number, start, _seconds = call
            if partner in first or partner not in self._packages:
                continue
            account = self._accounts.get(partner)
            if account is None:
                continue
            day = date.fromisoformat(account.day(start))
            covered = any(p.covers(direction, number, day) for p in self._packages[partner])
            if covered and can_be_priced(account, call):
                first[partner] = start
        later = {}
        for partner, start in first.items():
            self._env.cr.execute(
                """
                SELECT c.id, g.partner_id, g.tier, g.currency_id, g.rate_id, g.destination,
                       c.direction, g.period_id
                  FROM telecom_cdr c JOIN telecom_call_charge g ON g.cdr_id = c.id
                 WHERE c.partner_id = %s AND c.start >= %s AND c.ignored IS NULL
                 ORDER BY c.id, g.tier
                """,
                [partner, start],
            )
            for call, *charge in self._env.cr.fetchall():
                later.setdefault(call, []).append((partner, *charge))
        released = Rerater(self._env).release(list(later)) if later else []
        return self._charged_as_before({call: later[call] for call in released}, rates)

    def _charged_as_before(self, charges, rates):
        """Return {call: [(tier, rate, period)]} of (customer, account, level, currency, rate id,
        destination, direction, period) of call charges that were taken back."""
        known = rates.by_id({charge[4] for found in charges.values() for charge in found})
        partners = {charge[1] for found in charges.values() for charge in found}
        partners = self._env["res.partner"].browse(partners)
        agents = set(partners.filtered(lambda p: p.reseller_kind == "agent").ids)
        chains, priced = {}, {}
        for call, found in charges.items():
            # accounts may have been moved to other resellers meanwhile
            key = tuple(charge[:4] for charge in found)
            if key not in chains:
                chains[key] = Tier.in_chain(
                    [
                        Tier(customer, partner, level, "", (None, "", currency), None, is_agent)
                        for customer, partner, level, currency in key
                        for is_agent in [partner in agents]
                    ]
                )
            priced[call] = [
                (tier, known[rate_id].under(destination, way), period)
                for tier, (*_key, rate_id, destination, way, period) in zip(
                    chains[key], found, strict=True
                )
            ]
        return priced

    def prepare(self, calls):
        """Read and lock the counters that the calls can use; nothing is read after this.

        :param calls: those of the batch as it is priced
        """
        ends = {}
        for _call_id, partner, direction, number, start, _seconds in calls:
            account = self._accounts.get(partner)
            if partner not in self._packages or account is None:
                continue
            day = date.fromisoformat(account.day(start))
            for package in self._packages[partner]:
                if package.covers(direction, number, day):
                    key, ends_on = self._key(package, day)
                    ends[key] = ends_on
        self._ends, self._used = ends, dict.fromkeys(ends, 0)
        if not ends:
            return
        # written, not only locked: who gives units back meanwhile has to begin anew, and sees
        # the calls that found none left
        self._env.cr.execute(
            """
            UPDATE telecom_allowance SET used = used
             WHERE id IN (SELECT id FROM telecom_allowance
                           WHERE subscription_id = ANY(%s) AND date_from = ANY(%s)
                           ORDER BY id FOR UPDATE)
            RETURNING id, used, subscription_id, package_id, date_from
            """,
            [list({key[0] for key in ends}), list({key[2] for key in ends})],
        )
        for counter, used, *key in self._env.cr.fetchall():
            self._counters[tuple(key)], self._used[tuple(key)] = counter, used

    def take(self, account, call):
        """Use packages for a call.

        :return: (free seconds, whether the connection fee is covered) for the account, and the
            same for the resellers above, who pay for the packages at their prices
        """
        packages = self._packages.get(account.id)
        if not packages:
            return NOTHING_FREE
        call_id, _partner, direction, number, start, seconds = call
        day = date.fromisoformat(account.day(start))
        usable, allowances = {}, []
        for package in packages:
            if not package.covers(direction, number, day):
                continue
            key, _end = self._key(package, day)
            remaining = 0
            if package.unit != "unlimited":
                remaining = package.total(day) - self._used[key]
                if remaining <= 0:
                    continue
            usable[key] = package
            allowances.append(
                Allowance(key, package.unit, remaining, package.increment, package.covers_fee)
            )
        if not allowances:
            return NOTHING_FREE
        free, uses, covers_fee = take(allowances, seconds)
        above, above_fee, rest = 0, False, seconds
        for key, units in uses:
            self._used[key] += units
            self._uses.append((call_id, key, units))
            package = usable[key]
            carried = min(units, rest) if package.unit == "seconds" else rest
            rest -= carried
            if package.covers_resellers:
                above += carried
                above_fee = above_fee or package.covers_fee
        return (free, covers_fee), (above, above_fee)

    def store(self):
        """Write the counters, and which call used what, so that it can be given back."""
        if not self._uses:
            return
        cr = self._env.cr
        units = defaultdict(int)
        for _call, key, used in self._uses:
            units[key] += used
        # a counter that another rater made since this batch began fails the batch, which is
        # then repeated: units of one account are used up by one rater after the other
        for counter, *key in cr.execute_values(
            """
            INSERT INTO telecom_allowance (subscription_id, package_id, date_from, date_to, used)
            VALUES %s
                ON CONFLICT (subscription_id, package_id, date_from)
                DO UPDATE SET used = telecom_allowance.used + excluded.used
            RETURNING id, subscription_id, package_id, date_from
            """,
            [(*key, self._ends[key], used) for key, used in units.items()],
            fetch=True,
        ):
            self._counters[tuple(key)] = counter
        copy_rows(
            cr,
            "telecom_allowance_use",
            ("cdr_id", "allowance_id", "units"),
            [(call, self._counters[key], used) for call, key, used in self._uses],
        )
        self._uses = []
        self._env["telecom.allowance"].invalidate_model(flush=False)

    # === LOADING ===

    def _key(self, package, day):
        """Return the key of the counter that the package has on that day, and its span's end."""
        date_from, date_to = package.span(day)
        return (package.subscription_id, package.package_id, date_from), date_to

    def _load_packages(self, partner_ids):
        packages = defaultdict(list)
        if not partner_ids:
            return packages
        for model in ("telecom.subscription", "telecom.package", "telecom.subscription.version"):
            self._env[model].flush_model()
        self._env.cr.execute(
            """
            SELECT s.id, s.partner_id, s.date_start, s.date_end, k.id, k.direction, k.prefixes,
                   k.unit, k.quantity, k.increment, k.covers_fee, k.covers_resellers
              FROM telecom_subscription s
              JOIN telecom_package k ON k.product_id = s.product_id
             WHERE s.partner_id = ANY(%s) AND s.state NOT IN ('draft', 'cancelled')
             ORDER BY k.sequence, s.date_start, s.id, k.id
            """,
            [partner_ids],
        )
        rows = self._env.cr.fetchall()
        subscriptions = self._env["telecom.subscription"].browse({row[0] for row in rows})
        quantities = defaultdict(list)
        for version in self._env["telecom.subscription.version"].search(
            [("subscription_id", "in", subscriptions.ids)], order="date_from"
        ):
            quantities[version.subscription_id.id].append((version.date_from, version.quantity))
        rules = {s.id: SpanRule.of(s) for s in subscriptions}
        charged = self._charged_spans(subscriptions.ids)
        for row in rows:
            package = Package()
            package.subscription_id, partner, package.date_start, package.date_end = row[:4]
            package.package_id, package.direction, prefixes, package.unit = row[4:8]
            package.per_unit, package.increment = row[8], row[9] or 1
            package.covers_fee, package.covers_resellers = bool(row[10]), bool(row[11])
            package.prefixes = tuple((prefixes or "").replace(",", " ").split())
            package.quantities = quantities[package.subscription_id]
            package.rule = rules[package.subscription_id]
            package.charged = charged[package.subscription_id]
            packages[partner].append(package)
        return packages

    def _charged_spans(self, subscription_ids):
        """Return {service: [(first day charged, span's first day, span's end)]}, in order."""
        self._env["telecom.charge"].flush_model()
        self._env.cr.execute(
            """
            SELECT DISTINCT subscription_id, span_from, whole_from, whole_to
              FROM telecom_charge
             WHERE subscription_id = ANY(%s) AND tier = 0 AND span_from IS NOT NULL
             ORDER BY subscription_id, span_from
            """,
            [subscription_ids],
        )
        spans = defaultdict(list)
        for subscription, *span in self._env.cr.fetchall():
            spans[subscription].append(tuple(span))
        return spans
