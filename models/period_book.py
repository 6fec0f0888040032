"""Which open billing period a charge belongs to, found when the charge is made."""

from bisect import bisect_right
from collections import defaultdict


class PeriodBook:
    """The open periods of one account, in order."""

    __slots__ = ("_ends", "_ids", "_moves", "_starts")

    def __init__(self, rows):
        """:param rows: (first moment, end, id, moment at which the account moved away from the
        issuer of the period, else None), as text in UTC, oldest first"""
        self._starts = [row[0] for row in rows]
        self._ends = [row[1] for row in rows]
        self._ids = [row[2] for row in rows]
        self._moves = [(row[3], index + 1) for index, row in enumerate(rows) if row[3]]

    def find(self, start, due=None):
        """Return the open period that contains `start`; for a late call the oldest open one.

        What is sold after the account moved to another issuer is in no period of the former one.

        :param due: moment at which it was sold, None for `start`
        """
        index = bisect_right(self._starts, start) - 1
        contained = index >= 0 and start < self._ends[index]
        if not self._moves:
            if contained:
                return self._ids[index]
            # before the first open period, or inside one that is closed between open ones
            return self._ids[0] if self._ids else None
        first = max((after for move, after in self._moves if move <= (due or start)), default=0)
        index = max(index, first) if contained else first
        return self._ids[index] if index < len(self._ids) else None


def open_periods(env, bounds):
    """Return {account id: PeriodBook} of open periods that cover the given moments.

    Missing periods are made. All are locked until the transaction ends, in share mode: others
    that add charges go on, and closing a period waits until these charges are committed.

    :param bounds: {account id: (first moment, last moment)}, as text in UTC
    """
    env["telecom.billing.period"]._ensure(bounds)
    rows = defaultdict(list)
    env.cr.execute(
        """
        SELECT partner_id, coalesce(sold_from, start)::text, coalesce(sold_until, stop)::text,
               id, sold_until::text
          FROM telecom_billing_period
         WHERE partner_id = ANY(%s) AND state = 'open'
         ORDER BY partner_id, start
           FOR SHARE
        """,
        [list(bounds)],
    )
    for partner, *period in env.cr.fetchall():
        rows[partner].append(period)
    return {partner: PeriodBook(rows[partner]) for partner in bounds}
