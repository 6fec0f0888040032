"""Which open billing period a charge belongs to, found when the charge is made."""

from bisect import bisect_right
from collections import defaultdict


class PeriodBook:
    """The open periods of one account, in order."""

    __slots__ = ("_ends", "_ids", "_starts")

    def __init__(self, rows):
        self._starts = [row[0] for row in rows]
        self._ends = [row[1] for row in rows]
        self._ids = [row[2] for row in rows]

    def find(self, start):
        """Return the open period that contains `start`; for a late call the oldest open one."""
        index = bisect_right(self._starts, start) - 1
        if index >= 0 and start < self._ends[index]:
            return self._ids[index]
        # before the first open period, or inside one that is closed between open ones
        return self._ids[0] if self._ids else None


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
        SELECT partner_id, start::text, stop::text, id
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
