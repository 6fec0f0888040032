"""Free units of packages, used up in order of call start whatever the order of arrival."""

from collections import defaultdict
from datetime import date

from ..engine.allowance import Allowance, take
from .bulk import copy_rows
from .rerating import Rerater
from .subscription_spans import SpanRule


class Package:
    """An allowance of one running service: what it covers, and how much is used per span."""

    __slots__ = (
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
        return int(self.per_unit * quantity)


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
        # by (subscription, package, span): units used, and id of the stored counter
        self._used = {}
        self._counters = {}
        self._uses = []

    def take_back_later_calls(self):
        """Undo the pricing of calls after the first new one that uses a package.

        Free units belong to calls in order of their start. When a call comes late, those after
        it are priced again; so the result does not depend on the order in which calls arrive.

        :return: ids of the calls to price again with this batch
        """
        first = {}
        for _call_id, partner, direction, number, start, _seconds in self._calls:
            if partner in first or partner not in self._packages:
                continue
            account = self._accounts.get(partner)
            if account is None:
                continue
            day = date.fromisoformat(account.day(start))
            if any(p.covers(direction, number, day) for p in self._packages[partner]):
                first[partner] = start
        later = []
        for partner, start in first.items():
            self._env.cr.execute(
                """
                SELECT c.id FROM telecom_cdr c
                 WHERE c.partner_id = %s AND c.start >= %s AND c.ignored IS NULL
                   AND EXISTS (SELECT 1 FROM telecom_call_charge WHERE cdr_id = c.id)
                """,
                [partner, start],
            )
            later.extend(row[0] for row in self._env.cr.fetchall())
        if not later:
            return []
        return Rerater(self._env).release(later)

    def prepare(self, accounts, calls):
        """Read and lock the counters that the calls can use; nothing is read after this.

        :param accounts, calls: those of the batch as it is priced
        """
        self._accounts = accounts
        keys = set()
        for _call_id, partner, direction, number, start, _seconds in calls:
            if partner not in self._packages or accounts.get(partner) is None:
                continue
            day = date.fromisoformat(accounts.get(partner).day(start))
            keys.update(
                self._key(package, day)
                for package in self._packages[partner]
                if package.covers(direction, number, day)
            )
        self._used = dict.fromkeys(keys, 0)
        if not keys:
            return
        self._env.cr.execute(
            """
            SELECT id, used, subscription_id, package_id, date_from, date_to
              FROM telecom_allowance
             WHERE subscription_id = ANY(%s) AND date_from = ANY(%s)
             ORDER BY id
               FOR UPDATE
            """,
            [list({key[0] for key in keys}), list({key[2] for key in keys})],
        )
        for counter, used, *key in self._env.cr.fetchall():
            self._counters[tuple(key)], self._used[tuple(key)] = counter, used

    def take(self, account, call):
        """Use packages for a call.

        :return: (free seconds, whether the connection fee is covered, whether the same seconds
            are free for the resellers above, who pay for the package at their prices)
        """
        packages = self._packages.get(account.id)
        if not packages:
            return 0, False, False
        call_id, _partner, direction, number, start, seconds = call
        day = date.fromisoformat(account.day(start))
        usable, allowances = {}, []
        for package in packages:
            if not package.covers(direction, number, day):
                continue
            key = self._key(package, day)
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
            return 0, False, False
        free, uses, covers_fee = take(allowances, seconds)
        for key, units in uses:
            self._used[key] += units
            self._uses.append((call_id, key, units))
        covers_resellers = all(usable[key].covers_resellers for key, _units in uses)
        return free, covers_fee, bool(uses) and covers_resellers

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
            RETURNING id, subscription_id, package_id, date_from, date_to
            """,
            [(*key, used) for key, used in units.items()],
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
        date_from, date_to = package.rule.span_of(day)
        return package.subscription_id, package.package_id, date_from, date_to

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
        for row in rows:
            package = Package()
            package.subscription_id, partner, package.date_start, package.date_end = row[:4]
            package.package_id, package.direction, prefixes, package.unit = row[4:8]
            package.per_unit, package.increment = row[8], row[9] or 1
            package.covers_fee, package.covers_resellers = bool(row[10]), bool(row[11])
            package.prefixes = tuple((prefixes or "").replace(",", " ").split())
            package.quantities = quantities[package.subscription_id]
            package.rule = rules[package.subscription_id]
            packages[partner].append(package)
        return packages
