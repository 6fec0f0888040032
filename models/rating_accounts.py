"""The accounts of a batch of calls: who is charged at which tier and card, in which period."""

from collections import defaultdict
from datetime import datetime

from ..engine.calendar import local_day
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

    __slots__ = ("days", "id", "routes", "tiers", "tz")

    def __init__(self, partner_id, tiers, tz, days):
        self.id = partner_id
        self.tiers = tiers
        self.tz = tz
        # {minute: day} as far as `day` was asked
        self.days = days
        # filled by rating: {direction: how to price such a call}
        self.routes = {}

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
        chains = self._load_chains(list(bounds))
        tier_bounds = {}
        for root, members in chains.items():
            first, last = bounds[root]
            for member in members:
                known_first, known_last = tier_bounds.get(member[0], (first, last))
                tier_bounds[member[0]] = (min(first, known_first), max(last, known_last))
        books = open_periods(env, tier_bounds)
        days = defaultdict(dict)
        zones = env["res.partner"].browse(chains)._account_zones()
        self._accounts = {}
        for root, members in chains.items():
            tz = zones[root]
            tiers = [
                Tier(root, partner, level, name, card, books[partner], is_agent)
                for partner, level, name, card, is_agent in members
            ]
            self._accounts[root] = Account(root, Tier.in_chain(tiers), tz, days[tz])

    def get(self, partner_id):
        """Return the account, None when the partner is unknown or no telecom account."""
        return self._accounts.get(partner_id)

    def card_ids(self):
        """Return the ids of all rate cards of all tiers."""
        return list(
            {tier.card_id for a in self._accounts.values() for tier in a.tiers if tier.card_id}
        )

    def _load_chains(self, partner_ids):
        """Return {account: [(tier account, level, name, (card, card name, currency), whether it
        is an agent), ...]}."""
        self._env["res.partner"].flush_model()
        self._env["telecom.rate.card"].flush_model()
        self._env.cr.execute(
            """
            WITH RECURSIVE chain AS (
                SELECT id AS root, id, 0 AS level FROM res_partner
                 WHERE id = ANY(%s) AND is_telecom_account
                UNION ALL
                SELECT chain.root, p.reseller_id, chain.level + 1
                  FROM chain JOIN res_partner p ON p.id = chain.id
                 WHERE p.reseller_id IS NOT NULL AND chain.level < 100
            )
            SELECT chain.root, chain.id, chain.level, p.complete_name, p.reseller_kind,
                   card.id, card.name, card.currency_id
              FROM chain JOIN res_partner p ON p.id = chain.id
              LEFT JOIN telecom_rate_card card ON card.id = p.rate_card_id
             ORDER BY chain.root, chain.level
            """,
            [partner_ids],
        )
        chains = defaultdict(list)
        for root, partner, level, name, kind, *card in self._env.cr.fetchall():
            if level and kind == "agent" and not card[0]:
                # an agent without purchase prices earns a commission; calls cost it nothing
                continue
            chains[root].append((partner, level, name, tuple(card), kind == "agent"))
        return chains
