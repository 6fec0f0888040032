"""Periods of which so little was charged that they wait for the next invoice."""

from collections import defaultdict


def carried_to(periods):
    """Return {(account, company, False): periods that wait for the next invoice, oldest first}.

    A manual invoice, whose key ends with True, takes none of them along. They are locked until
    the transaction ends: no other invoice takes them meanwhile.

    :param periods: those that are to be invoiced now, of any accounts
    """
    env = periods.env
    periods.flush_model()
    env.cr.execute(
        """
        SELECT id FROM telecom_billing_period
         WHERE partner_id = ANY(%s) AND state = 'carried' AND move_id IS NULL
         ORDER BY id FOR UPDATE
        """,
        [periods.partner_id.ids],
    )
    carried = defaultdict(periods.browse)
    found = periods.browse([row[0] for row in env.cr.fetchall()])
    for period in found.sorted("date_from"):
        carried[period.partner_id, period.company_id, False] += period
    return carried
