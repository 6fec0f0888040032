"""The rates that price a batch of calls, looked up by prefix and moment."""

from decimal import Decimal

from ..engine.dialling import SHORT_LENGTH
from ..engine.prefixes import PrefixTable
from ..engine.tariff import pricer, terms
from .bulk import escape

# up to so many different numbers, only the rates that can match them are read
FEW_NUMBERS = 2_000


class PricedRate:
    """A rate with the function that prices its calls."""

    __slots__ = ("columns", "destination", "direction", "id", "price", "terms", "usage")

    def __init__(self, rate_id, destination, direction, rate_terms):
        self.id = rate_id
        self.destination = escape(destination)
        self.direction = direction
        self.terms = rate_terms
        # (seconds, free seconds, fee covered) -> (billed seconds, amount in 10**-8)
        self.price = pricer(rate_terms)
        # the columns of a call charge that are the same for all calls
        self.columns = f"{rate_id}\t{self.destination}"
        # and those of a row of usage
        self.usage = f"{direction}\t{self.destination}"

    def under(self, destination, direction):
        """Return the same rate under the destination that a call charge has."""
        return PricedRate(self.id, destination, direction, self.terms)


class Rates:
    """Prefix tables by (card, direction); whole cards are kept while one run lasts."""

    def __init__(self, env):
        self._env = env
        self._whole = {}
        self._some = {}
        self._deleted = {}

    def load(self, card_ids, calls):
        """Read the rates that the calls of a batch can match.

        The cards are held until the transaction ends: a rate is deleted only when nobody prices
        with its card, and what was read before is then read anew.
        """
        self._some = {}
        self._env.cr.execute(
            "SELECT id, rates_deleted FROM telecom_rate_card WHERE id = ANY(%s) ORDER BY id"
            " FOR KEY SHARE",
            [card_ids],
        )
        for card, deleted in self._env.cr.fetchall():
            if self._deleted.setdefault(card, deleted) != deleted:
                self._deleted[card] = deleted
                for way in ("outbound", "inbound"):
                    self._whole.pop((card, way), None)
        missing = [card for card in card_ids if (card, "outbound") not in self._whole]
        if not missing:
            return
        numbers = {call[3] for call in calls}
        if len(numbers) > FEW_NUMBERS:
            self._whole.update(self._read(missing))
        else:
            prefixes = {number[:length] for number in numbers for length in range(16)}
            self._some = self._read(missing, list(prefixes))

    def table(self, card_id, direction):
        """Return the prefix table of a card, None when the account has no card."""
        key = (card_id, direction)
        table = self._whole.get(key)
        return self._some.get(key) if table is None else table

    def by_id(self, rate_ids):
        """Return {rate id: PricedRate} of rates that priced calls before."""
        return {rate.id: rate for *_span, rate in self._priced("r.id = ANY(%s)", [list(rate_ids)])}

    def _read(self, card_ids, prefixes=None):
        rows = {(card, way): [] for card in card_ids for way in ("outbound", "inbound")}
        condition, params = "r.card_id = ANY(%s)", [card_ids]
        if prefixes is not None:
            condition, params = f"{condition} AND r.prefix = ANY(%s)", [card_ids, prefixes]
        for card, prefix, date_from, date_to, rate in self._priced(condition, params):
            rows[card, rate.direction].append((prefix, date_from, date_to, rate))
        return {key: PrefixTable(table, SHORT_LENGTH) for key, table in rows.items()}

    def _priced(self, condition, params):
        """Yield (card id, prefix, from, to, PricedRate) of the rates that a condition selects."""
        cr = self._env.cr
        cr.execute(
            f"""
            SELECT r.id, r.card_id, r.direction, r.prefix, r.destination,
                   r.date_from::text, r.date_to::text,
                   r.price_per_minute::text, r.connection_fee::text, r.included_seconds,
                   r.initial_increment, r.increment, c.rounding_digits, c.rounding_method
              FROM telecom_rate r JOIN telecom_rate_card c ON c.id = r.card_id
             WHERE {condition}
             ORDER BY r.id
            """,
            params,
        )
        known = {}
        for (
            rate_id,
            card,
            way,
            prefix,
            destination,
            date_from,
            date_to,
            price,
            fee,
            included,
            initial,
            increment,
            digits,
            method,
        ) in cr.fetchall():
            key = (price, fee, included, initial, increment, digits, method)
            rate_terms = known.get(key)
            if rate_terms is None:
                rate_terms = known[key] = terms(
                    Decimal(price),
                    Decimal(fee or 0),
                    included or 0,
                    initial,
                    increment,
                    digits,
                    method,
                )
            rate = PricedRate(rate_id, destination, way, rate_terms)
            yield card, prefix, date_from, date_to, rate
