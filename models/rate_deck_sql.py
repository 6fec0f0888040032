"""The statements with which a deck of prices is merged into a rate card (see rate_deck.py).

Every span of time is half-open; an open side is an infinite timestamp here and NULL in the rates.
"""

TABLES = """
CREATE TEMPORARY TABLE IF NOT EXISTS telecom_deck_row (
    number integer, line integer, direction varchar, prefix varchar, destination varchar,
    fallback varchar, price numeric(16, 8), fee numeric(16, 8), included integer, initial integer,
    increment integer, date_from timestamp, date_to timestamp
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS telecom_deck_span (
    LIKE telecom_deck_row, base timestamp, start timestamp, own_stop timestamp,
    previous timestamp, first timestamp, first_line integer, next_line integer, problem varchar
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS telecom_deck_live (
    id integer, direction varchar, prefix varchar, destination varchar, price numeric, fee numeric,
    included integer, initial integer, increment integer, a timestamp, b timestamp
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS telecom_deck_plan (
    number integer, line integer, direction varchar, prefix varchar, destination varchar,
    price numeric(16, 8), fee numeric(16, 8), included integer, initial integer,
    increment integer, start timestamp, stop timestamp,
    kind varchar, rate_id integer, covering_id integer, covering_price numeric, ends boolean
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS telecom_deck_kept (
    direction varchar, prefix varchar
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS telecom_deck_end (
    rate_id integer, stop timestamp, named boolean
) ON COMMIT DROP;
TRUNCATE telecom_deck_row, telecom_deck_span, telecom_deck_live, telecom_deck_plan,
         telecom_deck_kept, telecom_deck_end
"""

ANALYZE_ROWS = "ANALYZE telecom_deck_row"

# The rates of the card with both ends filled in: [a, b). In a table of its own, since PostgreSQL
# knows how many there are even where it has never looked at the card.
LIVE = """
INSERT INTO telecom_deck_live
SELECT id, direction, prefix, destination, price_per_minute, coalesce(connection_fee, 0),
       coalesce(included_seconds, 0), initial_increment, increment,
       coalesce(date_from, '-infinity'), coalesce(date_to, 'infinity')
  FROM telecom_rate WHERE card_id = %(card)s;
ANALYZE telecom_deck_live
"""

# A row begins at its own date, else ever since, as the reader of decks has it, and never before the
# deck: what calls cost before that stays as it was. What is over by then takes part in nothing; of
# the other rows of one prefix, each ends where the next one begins.
SPANS = """
INSERT INTO telecom_deck_span
WITH dated AS (
    SELECT r.*, coalesce(date_from, '-infinity') AS base,
           greatest(date_from, %(effective)s) AS start,
           coalesce(date_to <= greatest(date_from, %(effective)s), FALSE) AS is_over
      FROM telecom_deck_row r
), placed AS (
    SELECT d.*, first_value(number) OVER twins AS first_number,
           first_value(line) OVER twins AS first_line
      FROM dated d
    WINDOW twins AS (PARTITION BY direction, prefix, is_over, base ORDER BY number)
), followed AS (
    SELECT p.*, lead(base) OVER following AS next_base, lead(line) OVER following AS next_line
      FROM placed p
    WINDOW following AS (
        PARTITION BY direction, prefix, is_over, number = first_number ORDER BY base)
), judged AS (
    SELECT f.*, least(date_to, next_base) AS own_stop,
           CASE WHEN is_over THEN 'ended'
                WHEN number <> first_number THEN 'duplicate'
                WHEN next_base <= start THEN 'superseded' END AS problem
      FROM followed f
)
SELECT number, line, direction, coalesce(prefix, ''), destination, fallback, price, fee, included,
       initial, increment, date_from, date_to, base, start, own_stop,
       lag(start) OVER sound, first_value(start) OVER sound, first_line, next_line, problem
  FROM judged
WINDOW sound AS (PARTITION BY direction, prefix, problem IS NULL ORDER BY start);
ANALYZE telecom_deck_span;
INSERT INTO telecom_deck_kept
SELECT direction, prefix FROM telecom_deck_span WHERE problem IS NOT NULL
"""

# `covering` is the rate in force where a row begins. It goes on (`keeps`) where it says the same
# as the row, and no earlier row of the deck has ended it. Else the row takes the place of the rate
# with the same start, were it an empty span (a prefix has one rate of one start), or is added.
# In an update, a row without an end of its own holds until the next rate that is known: a price
# that was announced already is not withdrawn by a deck that says nothing of it. In a replacement
# the deck is all there is, and nothing but itself ends a row.
PLAN = """
INSERT INTO telecom_deck_plan
WITH later AS (
    SELECT d.number, min(l.a) AS a
      FROM telecom_deck_span d
      JOIN telecom_deck_live l ON l.direction = d.direction AND l.prefix = d.prefix
                 AND l.a > d.start AND l.a < l.b
     WHERE NOT %(replace)s AND d.problem IS NULL
     GROUP BY d.number
), matched AS (
    SELECT d.number, d.line, d.direction, d.prefix,
           coalesce(d.destination, x.destination, d.fallback) AS destination,
           d.price, d.fee, d.included, d.initial, d.increment, d.start,
           coalesce(least(d.own_stop, n.a), 'infinity') AS stop,
           x.id AS covering_id, x.price AS covering_price, x.b, same.id AS same_start_id,
           x.a < d.start AND (d.previous IS NULL OR d.previous < x.a) AS is_first,
           coalesce(
               (coalesce(d.destination, x.destination), d.price, d.fee, d.included, d.initial,
                d.increment)
               = (x.destination, x.price, x.fee, x.included, x.initial, x.increment)
               AND CASE WHEN %(replace)s THEN d.start = d.first OR x.a = d.start
                        ELSE d.previous IS NULL OR d.previous < x.a END,
               FALSE) AS keeps
      FROM telecom_deck_span d
      LEFT JOIN telecom_deck_live x ON x.direction = d.direction AND x.prefix = d.prefix
                      AND x.a <= d.start AND d.start < x.b
      LEFT JOIN telecom_deck_live same ON same.direction = d.direction AND same.prefix = d.prefix
                         AND same.a = d.start
      LEFT JOIN later n ON n.number = d.number
     WHERE d.problem IS NULL
)
SELECT number, line, direction, prefix, destination, price, fee, included, initial, increment,
       start, stop,
       CASE WHEN covering_id IS NULL THEN 'new'
            WHEN keeps AND b = stop THEN 'unchanged'
            ELSE 'changed' END,
       CASE WHEN keeps THEN covering_id ELSE same_start_id END,
       covering_id, covering_price,
       covering_id IS NOT NULL AND is_first AND NOT keeps
  FROM matched;
ANALYZE telecom_deck_plan
"""

ENDS_OF_UPDATE = """
INSERT INTO telecom_deck_end
SELECT covering_id, start, TRUE FROM telecom_deck_plan WHERE ends;
ANALYZE telecom_deck_end
"""

# A prefix that the deck names keeps its rate until the deck's first row of it begins; one that only
# rejected rows name keeps it altogether: a typing error in a price or date ends nothing. (Of a row
# that could not be read the direction is unknown.) What would have begun later becomes an empty
# span, in force at no moment, and is not deleted: calls may have been priced by it, and asking that
# for each rate would read all the calls there are.
ENDS_OF_REPLACEMENT = """
INSERT INTO telecom_deck_end
WITH named AS (
    SELECT direction, prefix, min(start) AS first FROM telecom_deck_plan GROUP BY 1, 2
)
SELECT l.id, greatest(l.a, coalesce(n.first, %(effective)s)), n.first IS NOT NULL
  FROM telecom_deck_live l LEFT JOIN named n ON n.direction = l.direction AND n.prefix = l.prefix
 WHERE l.a < l.b AND l.b > coalesce(n.first, %(effective)s)
   AND l.direction IN (SELECT direction FROM telecom_deck_plan)
   AND NOT EXISTS (SELECT 1 FROM telecom_deck_plan p WHERE p.rate_id = l.id)
   AND NOT (n.first IS NULL AND EXISTS (
       SELECT 1 FROM telecom_deck_kept k
        WHERE k.prefix = l.prefix AND coalesce(k.direction, l.direction) = l.direction));
ANALYZE telecom_deck_end
"""

_STAMPS = "write_uid = %(uid)s, write_date = now() AT TIME ZONE 'UTC'"
WRITE_MATCHED = f"""
UPDATE telecom_rate t
   SET destination = p.destination, price_per_minute = p.price, connection_fee = p.fee,
       included_seconds = p.included, initial_increment = p.initial, increment = p.increment,
       date_to = nullif(p.stop, 'infinity'), {_STAMPS}
  FROM telecom_deck_plan p
 WHERE t.id = p.rate_id AND p.rate_id IS NOT NULL AND p.kind <> 'unchanged'
"""
WRITE_ENDS = f"""
UPDATE telecom_rate t SET date_to = e.stop, {_STAMPS}
  FROM telecom_deck_end e WHERE t.id = e.rate_id
"""
WRITE_NEW = """
INSERT INTO telecom_rate (
    card_id, direction, prefix, destination, price_per_minute, connection_fee, included_seconds,
    initial_increment, increment, date_from, date_to,
    create_uid, create_date, write_uid, write_date)
SELECT %(card)s, direction, prefix, destination, price, fee, included, initial, increment,
       nullif(start, '-infinity'), nullif(stop, 'infinity'),
       %(uid)s, now() AT TIME ZONE 'UTC', %(uid)s, now() AT TIME ZONE 'UTC'
  FROM telecom_deck_plan WHERE rate_id IS NULL
 ORDER BY number
"""

# === WHAT CAME OF IT ===

PROBLEMS = """
SELECT line, prefix, problem, first_line, next_line, date_to::text
  FROM telecom_deck_span WHERE problem IS NOT NULL ORDER BY number
"""
KINDS = """
SELECT kind, count(*), count(*) FILTER (WHERE price > covering_price),
       count(*) FILTER (WHERE price < covering_price)
  FROM telecom_deck_plan GROUP BY kind
"""
DETAILS = """
SELECT count(*) FILTER (WHERE date_from < start), count(*) FILTER (WHERE date_to IS NOT NULL),
       count(*) FILTER (WHERE destination IS NULL)
  FROM telecom_deck_span WHERE problem IS NULL
"""
CLOSED = "SELECT count(*) FROM telecom_deck_end WHERE NOT named"
FIRST_ROWS = """
SELECT line, direction, prefix, destination, price, fee, included, initial, increment,
       nullif(start, '-infinity') AS date_from, nullif(stop, 'infinity') AS date_to,
       kind, covering_price
  FROM telecom_deck_plan ORDER BY number LIMIT %s
"""
FIRST_CLOSED = """
SELECT r.prefix, r.destination
  FROM telecom_deck_end e JOIN telecom_rate r ON r.id = e.rate_id
 WHERE NOT e.named ORDER BY r.prefix LIMIT %s
"""
