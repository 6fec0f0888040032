"""What a deck does to a card, prepared for a page."""

from datetime import timezone
from zoneinfo import ZoneInfo

from odoo.tools import formatLang, groupby

from .rate_deck_words import DeckWords

WARNINGS_SHOWN = 5
REJECTS_SHOWN = 10


class DeckPreview:
    """Puts a :class:`rate_deck.DeckResult` into words.

    :param tz: IANA name of the time zone in which moments are shown
    """

    def __init__(self, env, tz):
        self._env = env
        self._zone = ZoneInfo(tz)
        self._words = DeckWords(env)

    def values(self, result, card, replace, done):
        """Return the values of the template `rate_import_preview`.

        :param replace: whether the deck replaces the whole card
        :param done: whether it is imported already
        """
        return {
            "done": done,
            "card": card.name,
            "counts": result.counts,
            "number": lambda value: formatLang(self._env, value, digits=0),
            "warnings": self._warnings(result.warnings),
            "notes": self._notes(result.counts, replace),
            "rows": [self._row(row) for row in result.samples],
            "closed": [f"{prefix or '*'} {name}" for prefix, name in result.closed],
            "rejects": [
                (reject.line, reject.raw[:80], self._words.reason(reject.code, reject.params))
                for reject in result.rejects[:REJECTS_SHOWN]
            ],
        }

    def _row(self, row):
        env, before = self._env, row["covering_price"]
        kinds = {
            "new": env._("New"),
            "changed": env._("Changed"),
            "unchanged": env._("Unchanged"),
        }
        return {
            **row,
            "label": kinds[row["kind"]],
            "price": _plain(row["price"]),
            "before": _plain(before) if before is not None and before != row["price"] else "",
            "fee": _plain(row["fee"]) if row["fee"] else "",
            "date_from": self._when(row["date_from"]),
            "date_to": self._when(row["date_to"]),
        }

    def _when(self, moment):
        if not moment:
            return ""
        local = moment.replace(tzinfo=timezone.utc).astimezone(self._zone)
        return local.strftime("%Y-%m-%d %H:%M").removesuffix(" 00:00")

    def _notes(self, counts, replace):
        """Return sentences on how the dates of the deck are taken, and on what is not in it."""
        env, notes = self._env, []
        if counts["clipped"]:
            notes.append(
                env._(
                    "%s rows begin before the deck is effective: they hold from then on only.",
                    counts["clipped"],
                )
            )
        if counts["ending"]:
            notes.append(
                env._(
                    "%s rows end by themselves; after that, calls are priced by the next shorter "
                    "prefix, if there is one.",
                    counts["ending"],
                )
            )
        if counts["rejected"] and replace:
            notes.append(
                env._("The rates in force for the prefixes of rejected rows stay as they are.")
            )
        return notes

    def _warnings(self, warnings):
        """Return (first (line, sentence), number of further ones) of each kind of warning."""
        found = []
        for _code, group in groupby(warnings, key=lambda warning: warning[1]):
            # of prices that are too high, the highest are those to look at
            group.sort(key=lambda item: -float(item[2]["price"] if "median" in item[2] else 0))
            # a row of several prefixes is one line
            lines = {line: self._words.warning(code, params) for line, code, params in group}
            shown = list(lines.items())[:WARNINGS_SHOWN]
            found.append((shown, len(lines) - len(shown)))
        return found


def _plain(number):
    """Return a numeric of the database as text without zeros at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
