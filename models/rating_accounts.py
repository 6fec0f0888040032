"""The accounts of a batch of calls: who is charged at which tier and card, in which period."""

from collections import defaultdict
from datetime import datetime

from ..engine.calendar import local_day
from .account_history import AccountHistory
from .period_book import open_periods
from .sellers import sides


class Tier:
    """One account as it is charged for the calls of an account below it, or its own."""

    __slots__ = (
        "card_id",
        "card_name",
        "currency_id",
        "customer_id",
        "id",
        "is_agent",
        "level",
        "name",
        "period",
        "prefix",
        "usage",
    )

    def __init__(self, customer_id, partner_id, level, name, card, book, is_agent=False):
        """
        :param card: (id, name, currency id) of the rate card
        :param book: the account's PeriodBook, None when no period is to be found
        :param is_agent: who is charged in nobody's books for what its customers use
        """
        self.customer_id = customer_id
        self.id = partner_id
        self.level = level
        self.name = name
        self.card_id, self.card_name, self.currency_id = card
        # (moment) -> id of the open period, None when there is none
        self.period = book and book.find
        # the columns of a call charge that are the same for all calls
        self.prefix = f"{partner_id}\t{level}"
        self.is_agent = bool(level and is_agent)
        # and those of a row of usage, set by `in_chain`
        self.usage = None

    @staticmethod
    def in_chain(tiers):
        """Let the tiers of one account's calls know who sells to whom, and return them."""
        both = sides([(tier.id, tier.is_agent) for tier in tiers])
        for tier, (seller, below) in zip(tiers, both, strict=True):
            tier.usage = (
                f"{tier.id}\t{tier.customer_id}\t{tier.level}\t{seller or ''}\t{below or ''}"
            )
        return tiers


class Account:
    """An account that called, with its tiers and the days of its time zone."""

    __slots__ = ("days", "eras", "id", "routes", "tiers", "tz")

    def __init__(self, partner_id, tiers, tz, days):
        self.id = partner_id
        self.tiers = tiers
        self.tz = tz
        # {minute: day} as far as `day` was asked
        self.days = days
        # filled by rating: {direction: how to price such a call}
        self.routes = {}
        # where it, or somebody above it, was moved between the calls of the batch:
        # [(moment from which it holds, Account)], the latest first
        self.eras = None

    def at(self, start):
        """Return the account with the tiers that it had at a moment; only where it has `eras`."""
        return next((era for moment, era in self.eras if moment <= start), self)

    def day(self, start):
        """Return the account's own calendar day of a moment, as ISO text."""
        # offsets are whole minutes, so one look-up a minute is enough
        minute = start[:16]
        day = self.days.get(minute)
        if day is None:
            day = self.days[minute] = local_day(datetime.fromisoformat(minute), self.tz).isoformat()
        return day


class Accounts:
    """What rating has to know of the accounts of one batch; periods are locked until commit."""

    def __init__(self, env, calls):
        self._env = env
        bounds = {}
        for call in calls:
            partner, start = call[1], call[4]
            if partner:
                first, last = bounds.get(partner, (start, start))
                bounds[partner] = (min(first, start), max(last, start))
        chains = self._load_chains(bounds)
        tier_bounds = {}
        for root, eras in chains.items():
            ends = [moment for moment, _members in eras[1:]] + [bounds[root][1]]
            for (first, members), last in zip(eras, ends, strict=True):
                for member in members:
                    known_first, known_last = tier_bounds.get(member[0], (first, last))
                    tier_bounds[member[0]] = (min(first, known_first), max(last, known_last))
        books = open_periods(env, tier_bounds)
        days = defaultdict(dict)
        zones = env["res.partner"].browse(chains)._account_zones()
        self._accounts = {}
        for root, eras in chains.items():
            tz = zones[root]
            known = []
            for moment, members in eras:
                tiers = [
                    Tier(root, partner, level, name, card, books[partner], is_agent)
                    for partner, level, name, card, is_agent in members
                ]
                known.append((moment, Account(root, Tier.in_chain(tiers), tz, days[tz])))
            account = self._accounts[root] = known[0][1]
            if len(known) > 1:
                account.eras = known[::-1]

    def get(self, partner_id):
        """Return the account, None when the partner is unknown or no telecom account."""
        return self._accounts.get(partner_id)

    def card_ids(self):
        """Return the ids of all rate cards of all tiers."""
        accounts = list(self._accounts.values())
        accounts += [era for account in accounts for _moment, era in account.eras or ()]
        return list({tier.card_id for a in accounts for tier in a.tiers if tier.card_id})

    def _load_chains(self, bounds):
        """Return {account: [(moment, [(tier account, level, name, (card, card name, currency),
        whether it is an agent), ...]), ...]}: who stood above it since which moment, as its first
        call came, and later."""
        history = AccountHistory(self._env)
        history.load(list(bounds))
        found = {
            root: history.eras(root, *span)
            for root, span in bounds.items()
            if history.is_account(root)
        }
        cards = self._load_cards(
            {card for eras in found.values() for _moment, chain in eras for _id, card in chain}
        )
        chains = {}
        for root, eras in found.items():
            chains[root] = [
                (
                    moment,
                    [
                        (
                            partner,
                            level,
                            history.name(partner),
                            cards[card],
                            history.kind(partner) == "agent",
                        )
                        for level, (partner, card) in enumerate(chain)
                        # an agent without purchase prices earns a commission; calls cost it
                        # nothing
                        if not level or card or history.kind(partner) != "agent"
                    ],
                )
                for moment, chain in eras
            ]
        return chains

    def _load_cards(self, ids):
        """Return {card id: (id, name, currency)}, with one for accounts that have none."""
        self._env["telecom.rate.card"].flush_model()
        self._env.cr.execute(
            "SELECT id, name, currency_id FROM telecom_rate_card WHERE id = ANY(%s)",
            [[card for card in ids if card]],
        )
        return {None: (None, None, None), **{row[0]: row for row in self._env.cr.fetchall()}}
