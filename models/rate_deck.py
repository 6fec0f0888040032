"""Decks (vendors' price lists) into rate cards: what a deck changes, and the change itself."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import NamedTuple
from zoneinfo import ZoneInfo

from odoo.exceptions import UserError

from ..engine.countries import country_of_prefix
from . import rate_deck_sql as sql
from .bulk import copy_lines, escape
from .rate_deck_words import DeckWords
from .rate_derivation import changed_prefixes

SAMPLES = 20
COLUMNS = (
    "number",
    "line",
    "direction",
    "prefix",
    "destination",
    "fallback",
    "price",
    "fee",
    "included",
    "initial",
    "increment",
    "date_from",
    "date_to",
)


class Reject(NamedTuple):
    """A row of a deck that is not imported, and why."""

    line: int
    raw: str
    code: str
    params: dict


@dataclass
class DeckResult:
    """What a deck changes, or has changed."""

    counts: Counter = field(default_factory=Counter)
    """read, new, changed, unchanged, closed, rejected; and of these: dearer, cheaper (changed),
    clipped (dated before the deck), ending (with an end of their own), unnamed"""
    rejects: list = field(default_factory=list)
    warnings: list = field(default_factory=list)
    """(line, code, parameters) of rows that are odd, and of the deck (line 0)"""
    samples: list = field(default_factory=list)
    """dicts of the first rows as they were understood"""
    closed: list = field(default_factory=list)
    """(prefix, destination) of the first rates that end because the deck does not name them"""


class RateDeck:
    """Merges decks into rate cards. Runs as superuser: callers check rights first.

    Whatever lies before the moment from which a deck is effective stays as it is, so that a call
    finds the price it found before; and at no moment are two rates of one prefix in force.

    :param tz: IANA name of the time zone of the dates in the rows
    """

    def __init__(self, env, tz="UTC"):
        self.env = env(su=True)
        self._uid = env.uid
        self._zone = ZoneInfo(tz)
        self._moments = {}
        self._names = None

    def preview(self, card, rows, effective=None, replace=False):
        """Return the :class:`DeckResult` that :meth:`apply` would have, and change nothing.

        :param card: `telecom.rate.card`; an empty recordset stands for a new card
        """
        card._refuse_edits_in_step()
        return self._plan(card, rows, effective, replace)

    def apply(self, card, rows, effective=None, replace=False):
        """Bring the rates of a deck into force.

        :param card: `telecom.rate.card`
        :param rows: rates and bad rows as `engine.intake.deck_rows.parse_deck_rows` returns
            them; `prefixes` of a bad row are those that it names, as far as they can be read
        :param effective: naive UTC datetime from which the deck is effective; None for "since
            ever", on a card without rates
        :param replace: whether rates that the deck does not name end; the deck speaks for the
            directions of calls that it has rows of
        :return: :class:`DeckResult`
        :raises UserError: when the deck was not read to its end, or no moment is given for a card
            that has rates, or the card is kept in step with another one
        """
        card._refuse_edits_in_step()
        # Two imports into one card at the same time: the second fails here and is repeated by
        # Odoo, after the first, on what that left.
        self.env.cr.execute(
            "UPDATE telecom_rate_card SET write_uid = %s, write_date = now() AT TIME ZONE 'UTC'"
            " WHERE id = %s",
            [self._uid, card.id],
        )
        result = self._plan(card, rows, effective, replace)
        cr = self.env.cr
        params = {"card": card.id, "uid": self._uid}
        for statement in (sql.WRITE_MATCHED, sql.WRITE_ENDS, sql.WRITE_NEW):
            cr.execute(statement, params)
        self.env["telecom.rate"].invalidate_model(flush=False)
        card.invalidate_recordset()
        # what followers do overwrites the plan
        card._rates_changed(changed_prefixes(cr))
        return result

    # === THE PLAN ===

    def _plan(self, card, rows, effective, replace):
        self.env["telecom.rate"].flush_model()
        cr = self.env.cr
        rates = self.env["telecom.rate"]
        if not effective and rates.search_count([("card_id", "=", card.id or 0)], limit=1):
            raise UserError(
                self.env._(
                    "Rate card %s has rates. Say from which moment the deck is effective: calls "
                    "before it keep their prices.",
                    card.name,
                )
            )
        params = {
            "card": card.id or 0,
            "effective": effective or "-infinity",
            "replace": bool(replace),
        }
        result = DeckResult()
        cr.execute(sql.TABLES)
        raws = self._stage(rows, result)
        ends = sql.ENDS_OF_REPLACEMENT if replace else sql.ENDS_OF_UPDATE
        for statement in (sql.SPANS, sql.LIVE, sql.PLAN, ends):
            cr.execute(statement, params)
        self._collect(result, raws)
        return result

    def _stage(self, rows, result):
        """COPY the good rows; return {line: raw text}."""
        lines, raws, kept, counts = [], {}, set(), result.counts
        result.warnings += [(0, code, params) for code, params in getattr(rows, "warnings", ())]
        for number, row in enumerate(rows):
            counts["read"] += 1
            error = row.get("error")
            if error is None:
                lines.append(self._line(number, row))
                raws[row["line"]] = row["raw"]
                result.warnings += [
                    (row["line"], code, params) for code, params in row.get("warnings", ())
                ]
            elif error.fatal:
                raise UserError(DeckWords(self.env).reason(error.code, error.params))
            else:
                result.rejects.append(Reject(row["line"], row["raw"], error.code, error.params))
                kept.update(row.get("prefixes", ()))
        copy_lines(self.env.cr, "telecom_deck_row", COLUMNS, lines)
        # of either direction, since a row that cannot be read does not say
        copy_lines(self.env.cr, "telecom_deck_kept", ("prefix",), list(kept))
        self.env.cr.execute(sql.ANALYZE_ROWS)
        return raws

    def _line(self, number, row):
        """Return the COPY line of a good row."""
        destination, prefix = row["destination"], row["prefix"]
        if not destination.isprintable():
            destination = "".join(char if char.isprintable() else " " for char in destination)
        destination = destination.strip()
        fallback = "" if destination else self._country_name(prefix)
        return (
            f"{number}\t{row['line']}\t{row['direction']}\t{prefix}\t{escape(destination)}"
            f"\t{escape(fallback)}\t{row['price_per_minute']}\t{row['connection_fee']}"
            f"\t{row['included_seconds']}\t{row['initial_increment']}\t{row['increment']}"
            f"\t{self._moment(row['date_from'])}\t{self._moment(row['date_to'])}"
        )

    def _moment(self, moment):
        """Return a date of a row, in the deck's time zone, as text in UTC; '' for none."""
        if moment is None:
            return ""
        text = self._moments.get(moment)
        if text is None:
            utc = moment.replace(tzinfo=self._zone).astimezone(timezone.utc)
            text = self._moments[moment] = utc.strftime("%Y-%m-%d %H:%M:%S")
        return text

    def _country_name(self, prefix):
        """Return a name for a destination that the deck does not name: the country, else the
        prefix itself."""
        if self._names is None:
            self._names = {
                country.code: country.name for country in self.env["res.country"].search([])
            }
        return self._names.get(country_of_prefix(prefix)) or prefix or "*"

    # === WHAT CAME OF IT ===

    def _collect(self, result, raws):
        cr, counts = self.env.cr, result.counts
        cr.execute(sql.PROBLEMS)
        for line, prefix, problem, first_line, next_line, date_to in cr.fetchall():
            code, params = {
                "duplicate": ("duplicate_prefix", {"first_line": first_line}),
                "ended": ("ended_before", {"date_to": self._local(date_to)}),
                "superseded": ("superseded", {"next_line": next_line}),
            }[problem]
            params.update(field="prefix", value=prefix)
            result.rejects.append(Reject(line, raws[line], code, params))
        result.rejects.sort(key=lambda reject: reject.line)
        counts["rejected"] = len(result.rejects)
        cr.execute(sql.KINDS)
        counts.update(dict.fromkeys(("new", "changed", "unchanged"), 0))
        for kind, count, dearer, cheaper in cr.fetchall():
            counts[kind] = count
            counts["dearer"] += dearer
            counts["cheaper"] += cheaper
        cr.execute(sql.DETAILS)
        counts["clipped"], counts["ending"], counts["unnamed"] = cr.fetchone()
        cr.execute(sql.CLOSED)
        counts["closed"] = cr.fetchone()[0]
        cr.execute(sql.FIRST_ROWS, [SAMPLES])
        result.samples = cr.dictfetchall()
        cr.execute(sql.FIRST_CLOSED, [SAMPLES])
        result.closed = cr.fetchall()

    def _local(self, text):
        """Return a UTC text as text in the deck's time zone; None is left as it is."""
        if text is None:
            return None
        moment = datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
        return moment.astimezone(self._zone).strftime("%Y-%m-%d %H:%M")
