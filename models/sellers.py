"""Who sells to whom: what usage and charges say of it when they are made.

A customer or a reseller may be moved to another reseller at any time, and what was charged stays
with who sold it. So each row says itself who sold it to its account, and to whom its account
resold it; nothing reads today's chain to tell of the past.

Agents are passed over: they sell in the books of the tier above them, so that tier is the seller,
and their customers are that tier's.
"""


def sides(chain):
    """Return (seller, resold to) of each account of a chain, ids or None.

    :param chain: (account id, whether it is an agent) of those who are charged, who uses it first
    :return: list as long as the chain; an agent, charged in no books, has neither

    >>> sides([(1, False), (2, True), (3, False)])
    [(3, None), (None, None), (None, 1)]
    """
    result, below = [(None, None)] * len(chain), None
    for index, (account, is_agent) in enumerate(chain):
        if index and is_agent:
            continue
        if below is not None:
            result[below] = (account, result[below][1])
        result[index] = (None, None if below is None else chain[below][0])
        below = index
    return result


def charge_sides(tiers):
    """Return values of a charge at each tier of an account; see `sides`.

    :param tiers: the accounts, tier 0 first
    """
    chain = [(tier.id, tier.reseller_kind == "agent") for tier in tiers]
    return [{"seller_id": seller, "resold_to_id": below} for seller, below in sides(chain)]


def sold_calls(charges):
    """Return a query on call charges that adds to each `customer_id`, `seller_id`,
    `resold_to_id` and `resold_as`, as rating writes them into the usage.

    :param str charges: name of a table or of a query before, with all charges of each call
    """
    return f"""
        SELECT charge.*, first_value(charge.partner_id) OVER call AS customer_id,
               CASE WHEN charge.in_books THEN lead(charge.partner_id) OVER chain END AS seller_id,
               CASE WHEN charge.in_books THEN lag(charge.partner_id) OVER chain END
                   AS resold_to_id,
               CASE WHEN charge.in_books THEN lag(charge.destination) OVER chain END AS resold_as
          FROM (
            SELECT found.*,
                   found.tier = 0 OR account.reseller_kind IS DISTINCT FROM 'agent' AS in_books
              FROM {charges} found
              LEFT JOIN res_partner account ON account.id = found.partner_id
          ) charge
        WINDOW call AS (PARTITION BY charge.cdr_id ORDER BY charge.tier),
               chain AS (PARTITION BY charge.cdr_id, charge.in_books ORDER BY charge.tier)
    """
