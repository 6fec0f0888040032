"""The days of usage, when the time zone of an account changes."""

from .sellers import sold_calls


def move_usage(env, zones):
    """Bring the usage that lies in open periods to the days of the accounts' new time zones.

    Calls that are priced again are subtracted on the day that they have by then. Were they
    added on another one, that day would keep them, and the other would have fewer than none.

    No period is locked: what is appended to each adds up to nothing.

    :param zones: {account id: (old, new)}, IANA names
    """
    if not zones:
        return
    env["telecom.billing.period"].flush_model()
    env.cr.execute_values(
        f"""
        WITH charge AS (
            SELECT g.*, zone.old, zone.new
              FROM (VALUES %s) AS zone (partner_id, old, new)
              JOIN telecom_billing_period p ON p.partner_id = zone.partner_id AND p.state = 'open'
              JOIN telecom_call_charge own ON own.period_id = p.id AND own.tier = 0
              JOIN telecom_call_charge g ON g.cdr_id = own.cdr_id
        ), sold AS ({sold_calls("charge")}), moved AS (
            SELECT g.period_id, g.partner_id, g.customer_id, g.tier, g.seller_id, g.resold_to_id,
                   c.direction, g.destination, g.resold_as, g.currency_id, day.old, day.new,
                   count(*) AS calls, sum(g.billed_seconds) AS seconds,
                   sum(g.free_seconds) AS free_seconds, sum(g.amount) AS amount
              FROM sold g
              JOIN telecom_billing_period above ON above.id = g.period_id AND above.state = 'open'
              JOIN telecom_cdr c ON c.id = g.cdr_id
             CROSS JOIN LATERAL (
                SELECT (g.call_date AT TIME ZONE 'UTC' AT TIME ZONE g.old)::date AS old,
                       (g.call_date AT TIME ZONE 'UTC' AT TIME ZONE g.new)::date AS new
             ) day
             WHERE day.old != day.new
             GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
        )
        INSERT INTO telecom_usage (
            period_id, partner_id, customer_id, tier, seller_id, resold_to_id, day, direction,
            destination, resold_as, currency_id, calls, seconds, free_seconds, amount)
        SELECT period_id, partner_id, customer_id, tier, seller_id, resold_to_id, side.day,
               direction, destination, resold_as, currency_id,
               sign * calls, sign * seconds, sign * free_seconds, sign * amount
          FROM moved CROSS JOIN LATERAL (VALUES (old, -1), (new, 1)) AS side (day, sign)
        """,
        [(account, old, new) for account, (old, new) in zones.items()],
    )
    env["telecom.usage"].invalidate_model(flush=False)
