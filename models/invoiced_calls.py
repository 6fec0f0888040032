"""The calls behind an invoice, read one by one: for its annex and its file of calls."""

from typing import Any, NamedTuple

from odoo.tools import SQL

CHUNK = 5_000


class InvoicedCall(NamedTuple):
    """A call as it is invoiced; `amount` is a text, for the driver would make it a float."""

    when: Any
    source: str
    target: str
    direction: str
    destination: str
    seconds: int
    free_seconds: int
    amount: str
    currency_id: int


def invoiced_calls(env, periods):
    """Yield the calls that are invoiced to the account of these periods, oldest first.

    An agent is not invoiced for what its customers call: they are, in the provider's books.
    """
    if not periods:
        return
    for model in ("telecom.cdr", "telecom.call.charge"):
        env[model].flush_model()
    env.cr.execute(
        SQL(
            """
            SELECT charge.call_date, call.src, call.dst, call.direction, charge.destination,
                   charge.billed_seconds, charge.free_seconds, charge.amount::text,
                   charge.currency_id
              FROM telecom_call_charge charge
              JOIN telecom_cdr call ON call.id = charge.cdr_id
              JOIN res_partner account ON account.id = charge.partner_id
             WHERE charge.period_id = ANY(%s)
               AND (charge.tier = 0 OR account.reseller_kind IS DISTINCT FROM 'agent')
             ORDER BY charge.call_date, charge.id
            """,
            periods.ids,
        )
    )
    while rows := env.cr.fetchmany(CHUNK):
        yield from map(InvoicedCall._make, rows)
