"""One leg of each call is charged, whatever the order in which a switch reports the legs."""


class CallLegs:
    """Finds the legs of calls that name each other, and sets aside all but one. Runs as superuser:
    callers check rights first."""

    def __init__(self, env):
        self.env = env(su=True)

    def settle(self, cdr_ids):
        """Charge one leg of each call: the one that names the other, whichever came first.

        Where both name each other, the leg with an account, then the earlier one, is charged. A leg
        that is invoiced already, or about to be, stays the one that is charged.

        Asked for the same calls again, it changes nothing more. A batch of calls that are taken
        does not see the legs that another one has not committed yet: whoever prices calls asks
        again, for of two legs the one priced later sees both.

        :param cdr_ids: ids of calls of any sources; the legs that they name or are named by need
            not be among them
        :return: set of the ids of the calls that were set aside, of those given and of others
        """
        namers = dict(self._others(list(cdr_ids)))
        if not namers:
            return set()
        calls = self.env["telecom.cdr"]
        invoiced = set(calls.browse(namers)._set_aside("other_leg").ids)
        aside = namers.keys() - invoiced
        if invoiced:
            # too late for the leg that should be charged: the customer has paid for the other
            late = {namers[leg] for leg in invoiced}
            aside |= late - set(calls.browse(late)._set_aside("other_leg").ids)
        return aside

    def _others(self, cdr_ids):
        """Return [(leg not to be charged, leg that names it)] of these calls."""
        self.env.cr.execute(
            """
            WITH RECURSIVE given AS MATERIALIZED (
                SELECT id, source, uid, bleg_uid, ignored FROM telecom_cdr WHERE id = ANY(%s)
            ), pair AS (
                -- by index from these calls, however many others there are: those that name
                -- another, and those that another names; what is set aside stays so
                SELECT n.id AS namer, b.id AS leg
                  FROM given n
                  JOIN telecom_cdr b ON b.source = n.source AND b.uid = n.bleg_uid
                 WHERE n.bleg_uid IS NOT NULL AND b.ignored IS NULL
             UNION
                SELECT a.id, n.id
                  FROM given n
                  JOIN telecom_cdr a ON a.source = n.source AND a.bleg_uid = n.uid
                 WHERE a.bleg_uid IS NOT NULL AND n.ignored IS NULL
            ), named AS (
                SELECT b.id, a.id AS namer, a.id AS above, a.source, a.uid, a.ignored, 1 AS depth
                  FROM pair
                  JOIN telecom_cdr a ON a.id = pair.namer
                  JOIN telecom_cdr b ON b.id = pair.leg
                 WHERE a.id != b.id
                   AND (b.bleg_uid IS DISTINCT FROM a.uid
                        OR (a.partner_id IS NULL, a.start, a.uid)
                           < (b.partner_id IS NULL, b.start, b.uid))
             UNION
                -- a leg that is set aside itself stands for the one that names it; one that the
                -- switch reports as the other leg of a call is named by none
                SELECT named.id, named.namer, n.id, n.source, n.uid, n.ignored, named.depth + 1
                  FROM named
                  JOIN telecom_cdr n ON n.source = named.source AND n.bleg_uid = named.uid
                 WHERE named.ignored = 'other_leg' AND named.depth < 20
                   AND n.id NOT IN (named.id, named.above)
            )
            SELECT id, namer FROM named WHERE ignored IS DISTINCT FROM 'other_leg'
            """,
            [cdr_ids],
        )
        return self.env.cr.fetchall()
