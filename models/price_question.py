"""What a call would cost, at every tier: asked of the same code that prices real calls.

Nothing is written and no row is locked: in place of rating's periods there are none, and free
units are counted instead of being taken.
"""

from collections import namedtuple
from datetime import datetime

from odoo import fields
from odoo.exceptions import UserError

from ..engine.dialling import normalise
from ..engine.tariff import explain
from .account_chain import AccountChain
from .rating import _why
from .rating_accounts import Account, Accounts, Tier
from .rating_allowances import NOTHING_FREE, Allowances
from .rating_rates import Rates

# what calendars and time zones can reckon with, and no call is outside
FIRST, LAST = datetime(1900, 1, 1), datetime(3000, 1, 1)

Answer = namedtuple("Answer", "number rules problem tiers uses")
Answer.__doc__ = """
:param number: the number as rates are matched with it
:param rules: `engine.dialling.DiallingRules` by which it was read
:param problem: (reason, particulars) for which rating would leave the call unrated, else None
:param tiers: list of :class:`TierPrice`, that of the account first
:param uses: list of (package id, unit, units left before, units the call uses)
"""

TierPrice = namedtuple(
    "TierPrice",
    "partner_id level name card_name currency_id problem prefix rate_id"
    " terms free_seconds fee_covered billed_seconds amount steps",
    defaults=(None,) * 8,
)
TierPrice.__doc__ = """
:param problem: 'no_card' or 'no_rate' where there is no price; nothing after it is set then
:param terms: `engine.tariff.Terms` of the rate
:param amount: units of 10**-8
:param steps: what `engine.tariff.explain` tells
"""


class _AskedAccounts(Accounts):
    """The tiers of the account of a question, without billing periods."""

    def __init__(self, env, calls):
        self._env = env
        self._accounts = {}
        # as it would be rated at the moment in question
        bounds = {call[1]: (call[4], call[4]) for call in calls}
        for root, [(_moment, members)] in self._load_chains(bounds).items():
            tz = env["res.partner"].browse(root)._account_tz()
            tiers = [
                Tier(root, partner, level, name, card, None, is_agent)
                for partner, level, name, card, is_agent in members
            ]
            self._accounts[root] = Account(root, tiers, tz, {})


class _AskedAllowances(Allowances):
    """Free units as rating would find them for the call of a question."""

    def prepare(self, calls):
        """Count what calls before the one in question have used, and lock nothing.

        Rating takes later calls back while their periods are open, and prices them after it.
        """
        _id, partner, direction, number, start, _seconds = calls[0]
        day = fields.Date.to_date(self._accounts.get(partner).day(start))
        keys = {
            self._key(package, day)[0]
            for package in self._packages.get(partner, ())
            if package.covers(direction, number, day)
        }
        self._used = dict.fromkeys(keys, 0)
        self._env.cr.execute(
            """
            SELECT a.used - coalesce(sum(u.units) FILTER (WHERE c.start > %s
                   AND NOT EXISTS (
                       SELECT 1 FROM telecom_call_charge g
                         JOIN telecom_billing_period p ON p.id = g.period_id
                        WHERE g.cdr_id = c.id AND p.state <> 'open')), 0),
                   a.subscription_id, a.package_id, a.date_from
              FROM telecom_allowance a
              LEFT JOIN telecom_allowance_use u ON u.allowance_id = a.id
              LEFT JOIN telecom_cdr c ON c.id = u.cdr_id
             WHERE a.subscription_id = ANY(%s) AND a.date_from = ANY(%s)
             GROUP BY a.id
            """,
            [start, [key[0] for key in keys], [key[2] for key in keys]],
        )
        for used, *key in self._env.cr.fetchall():
            self._used[tuple(key)] = used

    def uses(self, account, call):
        """Return (package id, unit, units left before, units used) of each package the call of
        the question has used."""
        day = fields.Date.to_date(account.day(call[4]))
        packages = {self._key(p, day)[0]: p for p in self._packages.get(account.id, ())}
        return [
            (
                key[1],
                packages[key].unit,
                None
                if packages[key].unit == "unlimited"
                else packages[key].total(day) - self._used[key] + units,
                units,
            )
            for _call, key, units in self._uses
        ]


class PriceQuestion:
    """Answers what a call would cost. Runs as superuser: callers check rights first."""

    def __init__(self, env):
        self._env = env(su=True)

    def ask(self, account, number, direction, seconds, start):
        """Return the :class:`Answer` for one call.

        :param account: `res.partner` that calls, or is called
        :param number: the number called, in any form that the account's switch may report
        :param direction: 'outbound' or 'inbound'
        :param seconds: duration of the answered call
        :param start: naive UTC datetime at which it starts
        :raises UserError: when no call can start then
        """
        if not FIRST <= start < LAST:
            raise UserError(
                self._env._(
                    "No call starts in the year %(year)s. Enter one from %(first)s to %(last)s.",
                    year=start.year,
                    first=FIRST.year,
                    last=LAST.year - 1,
                )
            )
        for model in ("telecom.rate", "telecom.rate.card", "telecom.allowance"):
            self._env[model].flush_model()
        account = account.with_env(self._env)
        rules = AccountChain(self._env).profile(account)._dialling_rules()
        digits = normalise(number, rules) or ""
        call = (0, account.id, direction, digits, fields.Datetime.to_string(start), seconds)
        asked = _AskedAccounts(self._env, [call])
        found = asked.get(account.id)
        if found is None:
            return Answer(digits, rules, ("no_account", None), [], [])
        if not digits:
            return Answer(digits, rules, ("no_number", None), [], [])
        matches = self._match(asked, found, call)
        problem = next((match[1] for match in matches if match[1]), None)
        own, above, uses = *NOTHING_FREE, []
        if not problem:
            allowances = _AskedAllowances(self._env, asked, [call])
            allowances.prepare([call])
            own, above = allowances.take(found, call)
            uses = allowances.uses(found, call)
        tiers = [
            self._price(tier, missing, match, seconds, *(above if tier.level else own))
            for tier, missing, match in matches
        ]
        return Answer(digits, rules, problem, tiers, uses)

    def _match(self, asked, found, call):
        """Return (tier, why it has no price or None, (prefix, rate) or None) of each tier."""
        _id, _partner, direction, digits, start, _seconds = call
        rates = Rates(self._env)
        rates.load(asked.card_ids(), [call])
        matches = []
        for tier in found.tiers:
            table = rates.table(tier.card_id, direction)
            find = None if table is None else table.find
            match = find and find(digits, start)
            matches.append((tier, None if match else _why(tier, find, match, digits), match))
        return matches

    def _price(self, tier, missing, match, seconds, free, fee_covered):
        known = (tier.id, tier.level, tier.name, tier.card_name, tier.currency_id)
        if missing:
            return TierPrice(*known, missing[0])
        prefix, rate = match
        billed, amount = rate.price(seconds, free, fee_covered)
        return TierPrice(
            *known,
            None,
            prefix,
            rate.id,
            rate.terms,
            free,
            fee_covered,
            billed,
            amount,
            explain(rate.terms, seconds, free, fee_covered),
        )
