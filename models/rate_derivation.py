"""Rate cards derived from other ones by mark-up: what that changes, and the change itself."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from odoo.exceptions import UserError

from . import rate_deck_sql as deck_sql
from . import rate_derivation_sql as sql
from .bulk import copy_rows

# of more changed prefixes, the whole card is looked at
FEW_PREFIXES = 20_000


class Terms(NamedTuple):
    """By what a card is derived; kept on the card as it was when it was derived."""

    parent: int  # ID of the card from which it is derived
    percent: str  # mark-up where no prefix has one of its own
    digits: int  # decimals of the prices
    method: str  # half_up or up
    markups: list  # [direction or '', prefix, percent, fixed amount per minute]
    factor: str = "1"  # what one unit of the parent's currency is in the card's

    @classmethod
    def of(cls, values):
        """Return the terms that :meth:`values` were made of, None for none."""
        return cls(**values) if values else None

    def values(self):
        """Return the terms as a JSON value."""
        return self._asdict()

    def agreed(self):
        """Return what a person decides of them: all but the exchange rate."""
        return self._replace(factor="1")

    def multiplier(self, percent):
        """Return by what a price is multiplied for a mark-up in percent."""
        return (1 + Decimal(percent) / 100) * Decimal(self.factor)


@dataclass
class DerivationResult:
    """What a derivation changes, or has changed."""

    counts: Counter = field(default_factory=Counter)
    """new, changed, unchanged, closed"""
    unused: list = field(default_factory=list)
    """prefixes of mark-ups that no rate begins with"""
    changes: bool = False
    prefixes: list = None
    """prefixes whose rates changed; None where these are many"""


class RateDerivation:
    """Derives rate cards. Runs as superuser: callers check rights first.

    Whatever lies before the moment from which a card is derived stays as it is; from then on the
    card has exactly the rates of its parent, in force at the same moments, at its own prices.
    """

    def __init__(self, env):
        self.env = env(su=True)
        self._uid = env.uid

    def preview(self, card, terms, since):
        """Return the :class:`DerivationResult` that :meth:`apply` would have; change nothing."""
        return self._plan(card, terms, since, None)

    def apply(self, card, terms, since, prefixes=None):
        """Bring the rates of a card into line with its parent's.

        :param card: `telecom.rate.card`
        :param terms: :class:`Terms`
        :param since: naive UTC datetime; None for "since ever"
        :param prefixes: prefixes whose rates may have changed; None for all
        :return: :class:`DerivationResult`
        :raises UserError: when a price is too high to be stored
        """
        # Whoever changes one of the two cards at the same time does so before or after this: who
        # comes second fails here, or there, and is repeated by Odoo.
        self.env.cr.execute(
            "UPDATE telecom_rate_card SET write_uid = %s, write_date = now() AT TIME ZONE 'UTC'"
            " WHERE id IN %s",
            [self._uid, (card.id, terms.parent)],
        )
        result = self._plan(card, terms, since, prefixes)
        if result.changes:
            params = {"card": card.id, "uid": self._uid}
            for statement in (deck_sql.WRITE_MATCHED, deck_sql.WRITE_ENDS, deck_sql.WRITE_NEW):
                self.env.cr.execute(statement, params)
            self.env["telecom.rate"].invalidate_model(flush=False)
            card.invalidate_recordset(["rate_ids", "rate_count"], flush=False)
        return result

    def _plan(self, card, terms, since, prefixes):
        self.env["telecom.rate"].flush_model()
        cr = self.env.cr
        params = {
            "card": card.id or 0,
            "parent": terms.parent,
            "since": since or "-infinity",
            "all": prefixes is None,
            "factor": terms.multiplier(terms.percent),
            "digits": terms.digits,
            "steps": 10**terms.digits,
            "step": Decimal(1).scaleb(-terms.digits),
        }
        cr.execute(deck_sql.TABLES)
        cr.execute(sql.TABLES)
        copy_rows(
            cr,
            "telecom_derive_markup",
            ("direction", "prefix", "factor", "fixed"),
            [
                (direction, prefix, terms.multiplier(percent), fixed)
                for direction, prefix, percent, fixed in terms.markups
            ],
        )
        copy_rows(cr, "telecom_derive_prefix", ("prefix",), [(p,) for p in prefixes or ()])
        cr.execute(sql.ANALYZE)
        cr.execute(sql.DERIVE[terms.method], params)
        self._check_prices(card)
        for statement in (sql.LIVE, sql.PLAN, sql.ENDS):
            cr.execute(statement, params)
        return self._collect(prefixes is None)

    def _check_prices(self, card):
        self.env.cr.execute(sql.TOO_HIGH)
        found = self.env.cr.fetchone()
        if found:
            prefix, price, fee = found
            raise UserError(
                self.env._(
                    "Rate card %(card)s: the derived price of prefix %(prefix)s would be "
                    "%(price)s. A price is below 1,000,000.",
                    card=card.name,
                    prefix=prefix or "*",
                    price=max(price, fee),
                )
            )

    def _collect(self, whole):
        cr, result = self.env.cr, DerivationResult()
        cr.execute(sql.COUNTS)
        counts = dict(zip(("new", "changed", "unchanged", "closed"), cr.fetchone(), strict=True))
        result.counts.update(counts)
        result.changes = bool(counts["new"] or counts["changed"] or counts["closed"])
        if whole:
            cr.execute(sql.UNUSED_MARKUPS)
            result.unused = [prefix for (prefix,) in cr.fetchall()]
        result.prefixes = changed_prefixes(cr)
        return result


def changed_prefixes(cr):
    """Return the prefixes whose rates the plan at hand changes, None where these are many."""
    cr.execute(sql.CHANGED_PREFIXES, [FEW_PREFIXES + 1])
    prefixes = [prefix for (prefix,) in cr.fetchall()]
    return None if len(prefixes) > FEW_PREFIXES else prefixes
