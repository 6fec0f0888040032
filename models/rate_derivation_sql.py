"""The statements with which a rate card is derived from another one (see rate_derivation.py).

They fill the plan of an imported deck (rate_deck_sql.py), whose statements then write it. Every
span of time is half-open; an open side is an infinite timestamp here and NULL in the rates.
"""

TABLES = """
CREATE TEMPORARY TABLE IF NOT EXISTS telecom_derive_markup (
    direction varchar, prefix varchar, factor numeric, fixed numeric
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS telecom_derive_prefix (prefix varchar) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS telecom_derive_rate (
    direction varchar, prefix varchar, destination varchar, price numeric, fee numeric,
    included integer, initial integer, increment integer, start timestamp, stop timestamp
) ON COMMIT DROP;
TRUNCATE telecom_derive_markup, telecom_derive_prefix, telecom_derive_rate
"""

# COPY writes an empty text as NULL
ANALYZE = """
UPDATE telecom_derive_markup SET prefix = '' WHERE prefix IS NULL;
UPDATE telecom_derive_prefix SET prefix = '' WHERE prefix IS NULL;
ANALYZE telecom_derive_markup;
ANALYZE telecom_derive_prefix
"""

_AMONG = "(%(all)s OR prefix IN (SELECT prefix FROM telecom_derive_prefix))"

# What the card has to be from the moment on. The mark-up of the longest prefix counts, one for the
# rate's direction before one for both. What costs something does not become free by rounding.
_DERIVE = f"""
INSERT INTO telecom_derive_rate
WITH source AS (
    SELECT id, direction, coalesce(prefix, '') AS prefix, destination, price_per_minute AS price,
           coalesce(connection_fee, 0) AS fee, coalesce(included_seconds, 0) AS included,
           initial_increment, increment, greatest(date_from, %(since)s) AS start,
           coalesce(date_to, 'infinity') AS stop
      FROM telecom_rate
     WHERE card_id = %(parent)s AND {_AMONG}
       AND coalesce(date_to, 'infinity') > greatest(date_from, %(since)s)
), size AS (
    SELECT DISTINCT length(prefix) AS digits FROM telecom_derive_markup
), chosen AS (
    SELECT DISTINCT ON (s.id) s.id, m.factor, m.fixed
      FROM source s
      JOIN size ON size.digits <= length(s.prefix)
      JOIN telecom_derive_markup m ON m.prefix = left(s.prefix, size.digits)
                                  AND coalesce(m.direction, s.direction) = s.direction
     ORDER BY s.id, size.digits DESC, m.direction NULLS LAST
), marked AS (
    SELECT s.*, s.price * coalesce(c.factor, %(factor)s) + coalesce(c.fixed, 0) AS raw_price,
           s.fee * coalesce(c.factor, %(factor)s) AS raw_fee
      FROM source s LEFT JOIN chosen c ON c.id = s.id
)
SELECT direction, prefix, destination,
       CASE WHEN raw_price > 0 THEN greatest(%(step)s, {{price}}) ELSE 0 END,
       CASE WHEN raw_fee > 0 THEN greatest(%(step)s, {{fee}}) ELSE 0 END,
       included, initial_increment, increment, start, stop
  FROM marked;
ANALYZE telecom_derive_rate
"""
_ROUNDED = {
    "half_up": "round({}, %(digits)s)",
    "up": "round(ceil({} * %(steps)s) / %(steps)s, %(digits)s)",
}
DERIVE = {
    method: _DERIVE.format(price=text.format("raw_price"), fee=text.format("raw_fee"))
    for method, text in _ROUNDED.items()
}

TOO_HIGH = """
SELECT prefix, price, fee FROM telecom_derive_rate
 WHERE price >= 1000000 OR fee >= 1000000 ORDER BY prefix LIMIT 1
"""

LIVE = f"""
INSERT INTO telecom_deck_live
SELECT id, direction, coalesce(prefix, ''), destination, price_per_minute,
       coalesce(connection_fee, 0), coalesce(included_seconds, 0), initial_increment, increment,
       coalesce(date_from, '-infinity'), coalesce(date_to, 'infinity')
  FROM telecom_rate WHERE card_id = %(card)s AND {_AMONG};
ANALYZE telecom_deck_live
"""

# `covering` is the card's rate where a derived one begins. It goes on where it says the same and
# begins there, too, or before the moment from which the card is derived. Else the derived rate
# takes the place of one with the same start, were it an empty span, or is added.
PLAN = """
INSERT INTO telecom_deck_plan
WITH matched AS (
    SELECT d.*, x.id AS covering_id, x.price AS covering_price, x.b, same.id AS same_start_id,
           coalesce(
               (d.destination, d.price, d.fee, d.included, d.initial, d.increment)
               = (x.destination, x.price, x.fee, x.included, x.initial, x.increment)
               AND (x.a = d.start OR d.start = %(since)s), FALSE) AS keeps
      FROM telecom_derive_rate d
      LEFT JOIN telecom_deck_live x ON x.direction = d.direction AND x.prefix = d.prefix
                                   AND x.a <= d.start AND d.start < x.b
      LEFT JOIN telecom_deck_live same ON same.direction = d.direction
                                      AND same.prefix = d.prefix AND same.a = d.start
)
SELECT row_number() OVER (ORDER BY direction DESC, prefix, start), 0, direction, prefix,
       destination, price, fee, included, initial, increment, start, stop,
       CASE WHEN covering_id IS NULL THEN 'new'
            WHEN keeps AND b = stop THEN 'unchanged'
            ELSE 'changed' END,
       CASE WHEN keeps THEN covering_id ELSE same_start_id END,
       covering_id, covering_price, FALSE
  FROM matched;
ANALYZE telecom_deck_plan
"""

# What is not derived is not in force: it ends, or becomes an empty span, since calls may refer to
# it.
ENDS = """
INSERT INTO telecom_deck_end
SELECT l.id, greatest(l.a, %(since)s),
       EXISTS (SELECT 1 FROM telecom_deck_plan p WHERE p.covering_id = l.id)
  FROM telecom_deck_live l
 WHERE l.a < l.b AND l.b > %(since)s
   AND NOT EXISTS (SELECT 1 FROM telecom_deck_plan p WHERE p.rate_id = l.id);
ANALYZE telecom_deck_end
"""

COUNTS = """
SELECT count(*) FILTER (WHERE kind = 'new'), count(*) FILTER (WHERE kind = 'changed'),
       count(*) FILTER (WHERE kind = 'unchanged'),
       (SELECT count(*) FROM telecom_deck_end WHERE NOT named)
  FROM telecom_deck_plan
"""
CHANGED_PREFIXES = """
SELECT prefix FROM telecom_deck_plan WHERE kind <> 'unchanged'
 UNION
SELECT coalesce(r.prefix, '') FROM telecom_deck_end e JOIN telecom_rate r ON r.id = e.rate_id
 LIMIT %s
"""
# mark-ups for prefixes with which no rate of the parent begins
UNUSED_MARKUPS = """
SELECT m.prefix FROM telecom_derive_markup m
 WHERE NOT EXISTS (
       SELECT 1 FROM telecom_derive_rate d
        WHERE d.prefix LIKE m.prefix || '%' AND coalesce(m.direction, d.direction) = d.direction)
 ORDER BY m.prefix
"""
