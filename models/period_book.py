"""Which open billing period a charge belongs to, found when the charge is made."""

from bisect import bisect_right
from collections import defaultdict

# later than any moment, as text
NEVER = "~"


class PeriodBook:
    """The open periods of one account, in order."""

    __slots__ = ("_ends", "_ids", "_moves", "_segments", "_starts")

    def __init__(self, rows, moves=()):
        """
        :param rows: (first moment, end, id, moment at which the account moved away from the issuer
            of the period, else None), as text in UTC, oldest first
        :param moves: all moments at which the account moved to another issuer, oldest first
        """
        self._starts = [row[0] for row in rows]
        self._ends = [row[1] for row in rows]
        self._ids = [row[2] for row in rows]
        self._moves = moves
        if moves:
            segments = [[] for _number in range(len(moves) + 1)]
            for row in rows:
                segments[bisect_right(moves, row[3] or row[0]) - bool(row[3])].append(row)
            self._segments = [PeriodBook(segment) for segment in segments]

    def find(self, start, due=None):
        """Return the open period that contains `start`; for a late call the oldest open one.

        Where the account moved to another issuer, it is among those of whoever sold it.

        :param due: moment at which it was sold, None for `start`
        """
        if self._moves:
            return self._segments[bisect_right(self._moves, due or start)].find(start)
        index = bisect_right(self._starts, start) - 1
        if index >= 0 and start < self._ends[index]:
            return self._ids[index]
        # before the first open period, or inside one that is closed between open ones
        return self._ids[0] if self._ids else None

    def lacks(self, first, last):
        """Return the moves before which something was sold between two moments, but no period of
        whoever sold it is open."""
        return [
            move
            for index, move in enumerate(self._moves)
            if not self._segments[index]._ids
            and first < move
            and (not index or self._moves[index - 1] <= last)
        ]


def open_periods(env, bounds, sold=None):
    """Return {account id: PeriodBook} of open periods that cover the given moments.

    Missing periods are made. All are locked until the transaction ends, in share mode: others
    that add charges go on, and closing a period waits until these charges are committed.

    :param bounds: {account id: (first moment, last moment)}, as text in UTC
    :param sold: the same of the moments at which anything was sold; None: those of `bounds`
    """
    periods = env["telecom.billing.period"]
    periods._ensure(bounds)
    moves = periods._moves_between_issuers(list(bounds))
    books = _read(env, bounds, moves)
    if moves:
        sold = sold or bounds
        lacking = {partner: books[partner].lacks(*sold[partner]) for partner in moves}
        if any(lacking.values()):
            periods._ensure_late(lacking)
            books = _read(env, bounds, moves)
    return books


def _read(env, bounds, moves):
    rows = defaultdict(list)
    env.cr.execute(
        """
        SELECT partner_id, CASE WHEN is_late THEN %s ELSE coalesce(sold_from, start)::text END,
               coalesce(sold_until, stop)::text, id, sold_until::text
          FROM telecom_billing_period
         WHERE partner_id = ANY(%s) AND state = 'open'
         ORDER BY partner_id, is_late IS TRUE, start
           FOR SHARE
        """,
        [NEVER, list(bounds)],
    )
    for partner, *period in env.cr.fetchall():
        rows[partner].append(period)
    return {partner: PeriodBook(rows[partner], moves.get(partner, ())) for partner in bounds}
