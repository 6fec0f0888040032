"""The statements that find the prices under which numbers are bought (see rate_card_losses.py)."""

from ..engine.tariff import SCALE

TABLES = """
CREATE TEMPORARY TABLE IF NOT EXISTS telecom_loss_sale (
    id integer, direction varchar, prefix varchar, destination varchar, short numeric, long numeric
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS telecom_loss_cost (
    LIKE telecom_loss_sale
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS telecom_loss_covered (
    direction varchar, prefix varchar
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS telecom_loss_known (
    LIKE telecom_rate_loss
) ON COMMIT DROP;
TRUNCATE telecom_loss_known
"""
EMPTY = "TRUNCATE telecom_loss_sale, telecom_loss_cost, telecom_loss_covered"

_UNIT = 10**SCALE

# What a call costs, as engine/tariff.py has it: one division of whole numbers, whose bias rounds.
# `%(short)s` and `%(long)s` are the seconds of the two calls that are compared.
_BILLED = """CASE WHEN {seconds} <= included THEN 0
                 WHEN {seconds} - included <= initial THEN initial
                 ELSE initial + ({seconds} - included - initial + increment - 1)
                                / increment * increment END"""
_DIVIDEND = f"""price * {_UNIT} * ({_BILLED}) + 60 * fee * {_UNIT}"""
_STEPS = f"""CASE method
        WHEN 'up' THEN div(({_DIVIDEND}) + divisor - 1, divisor)
        WHEN 'down' THEN div({_DIVIDEND}, divisor)
        WHEN 'half_even' THEN div(({_DIVIDEND}) + half, divisor)
            - CASE WHEN mod(({_DIVIDEND}) + half, divisor) = 0
                    AND mod(div(({_DIVIDEND}) + half, divisor), 2) = 1 THEN 1 ELSE 0 END
        ELSE div(({_DIVIDEND}) + half, divisor) END"""

# The rates in force at a moment, with the prices of the two calls in the sale's currency.
LOAD = f"""
INSERT INTO {{table}}
SELECT id, direction, prefix, destination,
       ({_STEPS.format(seconds="%(short)s")}) * step * %(factor)s,
       ({_STEPS.format(seconds="%(long)s")}) * step * %(factor)s
  FROM (
    SELECT r.id, r.direction, coalesce(r.prefix, '') AS prefix, r.destination,
           r.price_per_minute AS price, coalesce(r.connection_fee, 0) AS fee,
           coalesce(r.included_seconds, 0) AS included, r.initial_increment AS initial,
           r.increment, c.rounding_method AS method,
           round(power(0.1, c.rounding_digits), 8) AS step,
           60 * round(power(10::numeric, {SCALE} - c.rounding_digits)) AS divisor,
           30 * round(power(10::numeric, {SCALE} - c.rounding_digits)) AS half
      FROM telecom_rate r JOIN telecom_rate_card c ON c.id = r.card_id
     WHERE r.card_id = %(card)s
       AND coalesce(r.date_from, '-infinity') <= %(moment)s
       AND coalesce(r.date_to, 'infinity') > %(moment)s) priced;
ANALYZE {{table}}
"""

# A prefix whose ten longer ones are all there prices no number: those do.
COVERED = """
INSERT INTO telecom_loss_covered
SELECT direction, left(prefix, %(digits)s) FROM (
    SELECT direction, prefix FROM telecom_loss_sale WHERE length(prefix) = %(digits)s + 1
     UNION
    SELECT direction, prefix FROM telecom_loss_cost WHERE length(prefix) = %(digits)s + 1
     UNION
    SELECT direction, prefix FROM telecom_loss_covered WHERE length(prefix) = %(digits)s + 1
) longer
 GROUP BY 1, 2 HAVING count(*) = 10
"""

ANALYZE_COVERED = "ANALYZE telecom_loss_covered"

# For every prefix of either card, the rates that price its numbers on both sides.
FIND = """
INSERT INTO telecom_rate_loss (
    card_id, company_id, owner_id, currency_id, rate_id, direction, prefix, destination,
    sale_prefix, cost_prefix, cost_destination, date_from, sale_short, cost_short,
    difference_short, sale_long, cost_long, difference_long, difference, percent,
    create_uid, create_date, write_uid, write_date)
WITH bought AS (
    SELECT DISTINCT ON (s.id) s.prefix AS numbers, s.id AS sale_id, c.id AS cost_id
      FROM telecom_loss_sale s
      JOIN (SELECT DISTINCT direction, length(prefix) AS digits FROM telecom_loss_cost) size
        ON size.direction = s.direction AND size.digits <= length(s.prefix)
      JOIN telecom_loss_cost c
        ON c.direction = s.direction AND c.prefix = left(s.prefix, size.digits)
     ORDER BY s.id, size.digits DESC
), sold AS (
    SELECT DISTINCT ON (c.id) c.prefix AS numbers, s.id AS sale_id, c.id AS cost_id,
           s.prefix = c.prefix AS is_same
      FROM telecom_loss_cost c
      JOIN (SELECT DISTINCT direction, length(prefix) AS digits FROM telecom_loss_sale) size
        ON size.direction = c.direction AND size.digits <= length(c.prefix)
      JOIN telecom_loss_sale s
        ON s.direction = c.direction AND s.prefix = left(c.prefix, size.digits)
     ORDER BY c.id, size.digits DESC
), pair AS (
    SELECT numbers, sale_id, cost_id FROM bought
     UNION ALL
    SELECT numbers, sale_id, cost_id FROM sold WHERE NOT is_same
), compared AS (
    SELECT p.numbers, s.id AS rate_id, s.direction, s.prefix AS sale_prefix,
           CASE WHEN p.numbers = s.prefix THEN s.destination ELSE c.destination END AS destination,
           c.prefix AS cost_prefix, c.destination AS cost_destination,
           s.short AS sale_short, c.short AS cost_short, s.short - c.short AS by_short,
           s.long AS sale_long, c.long AS cost_long, s.long - c.long AS by_long
      FROM pair p
      JOIN telecom_loss_sale s ON s.id = p.sale_id
      JOIN telecom_loss_cost c ON c.id = p.cost_id
     WHERE s.short < c.short OR s.long < c.long
)
SELECT %(card)s, %(company)s, %(owner)s, %(currency)s, rate_id, direction, numbers, destination,
       sale_prefix, cost_prefix, cost_destination, %(moment)s, sale_short, cost_short, by_short,
       sale_long, cost_long, by_long, least(by_short, by_long),
       least(CASE WHEN cost_short > 0 THEN 100 * by_short / cost_short END,
             CASE WHEN cost_long > 0 THEN 100 * by_long / cost_long END),
       %(uid)s, now() AT TIME ZONE 'UTC', %(uid)s, now() AT TIME ZONE 'UTC'
  FROM compared x
 WHERE NOT EXISTS (SELECT 1 FROM telecom_loss_covered v
                    WHERE v.direction = x.direction AND v.prefix = x.numbers)
   AND NOT EXISTS (SELECT 1 FROM telecom_loss_known known
                    WHERE known.direction = x.direction AND known.prefix = x.numbers
                      AND known.rate_id = x.rate_id AND known.cost_prefix = x.cost_prefix
                      AND (known.sale_short, known.cost_short, known.sale_long, known.cost_long)
                          = (x.sale_short, x.cost_short, x.sale_long, x.cost_long))
"""

# What was found, in a table that grows only between two searches.
KEEP = """
INSERT INTO telecom_loss_known
SELECT * FROM telecom_rate_loss WHERE card_id = %(card)s AND date_from = %(moment)s;
ANALYZE telecom_loss_known
"""

# The moments to come at which prices of one of the two cards change.
MOMENTS = """
SELECT DISTINCT moment FROM (
    SELECT date_from AS moment FROM telecom_rate
     WHERE card_id IN (%(sale)s, %(cost)s) AND date_from > %(now)s
     UNION ALL
    SELECT date_to FROM telecom_rate
     WHERE card_id IN (%(sale)s, %(cost)s) AND date_to > %(now)s
) changes ORDER BY moment LIMIT %(limit)s
"""
