"""Periods that stay open because calls of theirs are not priced yet, where the rules say so."""

from odoo.tools import SQL

from .account_chain import AccountChain
from .cdr import REASONS
from .failures import keep_failure

# those who stood above a customer when a call began, where any of them was moved
TIERS_THEN = SQL(
    """
    WITH RECURSIVE above AS (
        SELECT customer.id
         WHERE EXISTS (SELECT 1 FROM telecom_account_chain WHERE partner_id = ANY(path.ids))
         UNION
        SELECT coalesce(past.reseller_id, CASE WHEN past.id IS NULL THEN now.reseller_id END)
          FROM above
          JOIN res_partner now ON now.id = above.id
          LEFT JOIN LATERAL (
               SELECT move.id, move.reseller_id FROM telecom_account_chain move
                WHERE move.partner_id = above.id
                  AND (move.date_from IS NULL OR move.date_from <= waiting.start)
                ORDER BY move.date_from DESC NULLS LAST LIMIT 1
               ) past ON true
    )
    SELECT id FROM above WHERE id IS NOT NULL
    """
)


class HeldPeriods:
    """Finds what is not to be closed yet. A call that is priced goes to an open period: had the
    period been closed, the call would be on the next invoice. Runs as superuser."""

    def __init__(self, env):
        self.env = env
        self.periods = env["telecom.billing.period"]

    def find(self, due):
        """Return {period: what keeps it open} of open periods.

        An account's periods are closed in their order, so those after a held one wait, too.

        :param SQL due: condition for the periods that would be closed otherwise
        """
        chain, held = AccountChain(self.env), {}
        for period_id, calls, reasons in self._waiting(due):
            period = self.periods.browse(period_id)
            if period._billing_rules(chain).unrated == "hold":
                held[period] = self._message(calls, reasons)
        first = {}
        for period in held:
            first[period.partner_id] = min(first.get(period.partner_id, period.start), period.start)
        later = self.periods.search(
            [("partner_id", "in", [account.id for account in first]), ("state", "=", "open")]
        )
        for period in later:
            if period.start > first[period.partner_id]:
                held.setdefault(period, "")
        return held

    def keep(self, held, due, run):
        """Say on the periods that would be closed otherwise why they are not.

        :param held: what `find` returned
        :param SQL due: as for `find`
        """
        self.env.cr.execute(SQL("SELECT id FROM telecom_billing_period WHERE %s", due))
        ended = {row[0] for row in self.env.cr.fetchall()}
        for period, message in held.items():
            if period.id not in ended:
                continue
            period.run_id = run
            if message:
                keep_failure(period, message, self.env._("Invoice held"))
            else:
                period.error = self.env._("A period before it is held.")

    def _waiting(self, due):
        """Return [(period, number of calls, reasons)] of open periods with calls that are not
        priced: of the account itself, and of those below a reseller who buys their calls."""
        self.env.flush_all()
        return self.env.execute_query(
            SQL(
                """
                SELECT period.id, count(*), array_agg(DISTINCT waiting.reason)
                  FROM telecom_cdr_pending waiting
                  JOIN telecom_cdr call ON call.id = waiting.cdr_id
                  JOIN res_partner customer ON customer.id = call.partner_id
            CROSS JOIN LATERAL (
                       SELECT string_to_array(trim(trailing '/' FROM customer.reseller_path), '/')
                              ::int[] AS ids
                       ) AS path
            CROSS JOIN LATERAL (
                       SELECT unnest(path.ids) AS id
                        WHERE NOT EXISTS (SELECT 1 FROM telecom_account_chain
                                           WHERE partner_id = ANY(path.ids))
                        UNION
                       (%(tiers_then)s)
                       ) AS tier
                  JOIN res_partner account
                    ON account.id = tier.id
                   AND (account.id = customer.id OR account.reseller_kind IS DISTINCT FROM 'agent')
                  JOIN telecom_billing_period period
                    ON period.partner_id = account.id
                   AND coalesce(period.sold_from, period.start) <= waiting.start
                   AND waiting.start < coalesce(period.sold_until, period.stop)
                 WHERE period.state = 'open'
                   AND period.id IN (SELECT id FROM telecom_billing_period WHERE %(due)s)
                 GROUP BY period.id ORDER BY period.id
                """,
                due=due,
                tiers_then=TIERS_THEN,
            )
        )

    def _message(self, calls, reasons):
        labels = dict(self.env["telecom.cdr"]._fields["reason"]._description_selection(self.env))
        known = [labels[reason] for reason, _label in REASONS if reason in reasons]
        return self.env._(
            "Calls of this period that are not priced yet: %(calls)s (%(reasons)s). Have them "
            "rated or set them aside; the invoice is made by the next run then.",
            calls=calls,
            reasons=", ".join(known) or self.env._("to be rated"),
        )
