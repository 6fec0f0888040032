"""The longest prefix in force."""

from datetime import datetime, timedelta

from hypothesis import strategies as st

from ..engine.prefixes import PrefixTable
from .engine_case import EngineCase, property_test

DIGITS = "012"
moments = st.none() | st.integers(0, 6)
table_rows = st.lists(
    st.tuples(st.text(DIGITS, max_size=4), moments, moments, st.integers()), max_size=25
)


def naive_find(rows, number, moment):
    """Every row looked at, the best one kept."""
    best = None
    for position, (prefix, date_from, date_to, value) in enumerate(rows):
        if not number.startswith(prefix):
            continue
        if date_from is not None and moment < date_from:
            continue
        if date_to is not None and moment >= date_to:
            continue
        rank = (len(prefix), -1 if date_from is None else date_from, position)
        if best is None or rank > best[0]:
            best = rank, (prefix, value)
    return best and best[1]


class TestPrefixTable(EngineCase):
    def test_nothing_matches(self):
        self.assertIsNone(PrefixTable([]).find("49", 0))
        table = PrefixTable([("49", None, None, "Germany")])
        self.assertIsNone(table.find("4", 0))
        self.assertIsNone(table.find("", 0))
        self.assertEqual(table.find("49", 0), ("49", "Germany"))

    def test_empty_prefix_is_the_rate_of_every_other_number(self):
        table = PrefixTable([("", None, None, "default"), ("49", None, None, "Germany")])
        self.assertEqual(table.find("4930", 0), ("49", "Germany"))
        for number in ("44", "4", ""):
            self.assertEqual(table.find(number, 0), ("", "default"))

    def test_size_is_the_number_of_prefixes(self):
        self.assertEqual(len(PrefixTable([])), 0)
        rows = [("49", None, 5, "old"), ("49", 5, None, "new"), ("491", None, None, "mobile")]
        self.assertEqual(len(PrefixTable(iter(rows))), 2)

    def test_the_moment_of_a_change_belongs_to_the_new_row(self):
        change = datetime(2025, 4, 15, 10)
        table = PrefixTable([("44", None, change, "old"), ("44", change, None, "new")])
        self.assertEqual(table.find("447", change - timedelta(microseconds=1)), ("44", "old"))
        self.assertEqual(table.find("447", change), ("44", "new"))

    def test_longer_prefix_out_of_force_yields(self):
        table = PrefixTable([("44", None, None, "land"), ("447", 5, 8, "mobile")])
        for moment, expected in ((4, "44"), (5, "447"), (7, "447"), (8, "44")):
            self.assertEqual(table.find("447700900123", moment)[0], expected)

    def test_overlapping_rows(self):
        rows = [("44", 3, None, "later start"), ("44", None, None, "always"), ("44", 1, 9, "first")]
        table = PrefixTable(rows)
        self.assertEqual(table.find("44", 0), ("44", "always"))
        self.assertEqual(table.find("44", 2), ("44", "first"))
        self.assertEqual(table.find("44", 5), ("44", "later start"))
        twins = PrefixTable([("44", 1, None, "earlier row"), ("44", 1, None, "later row")])
        self.assertEqual(twins.find("44", 1), ("44", "later row"))

    def test_a_short_number_has_its_own_row_or_that_of_every_number(self):
        rows = [
            ("1", None, None, "USA"),
            ("112", 5, None, "emergency"),
            ("3", None, None, "Europe"),
        ]
        table = PrefixTable(rows, short_length=4)
        for number, moment, expected in (
            ("112", 5, ("112", "emergency")),
            ("112", 4, None),
            ("1120", 5, None),
            ("1414", 5, None),
            ("100", 5, None),
            ("1", 5, ("1", "USA")),
            ("", 5, None),
            ("11205", 5, ("112", "emergency")),
            ("12025", 5, ("1", "USA")),
        ):
            self.assertEqual(table.find(number, moment), expected, number)
        table = PrefixTable([*rows, ("", None, None, "any")], short_length=4)
        for number in ("112", "1414", "100", ""):
            self.assertEqual(table.find(number, 4), ("", "any"), number)

    @property_test(
        max_examples=500,
        rows=table_rows,
        number=st.text(DIGITS, max_size=6),
        moment=st.integers(0, 6),
        short_length=st.sampled_from((0, 2, 4)),
    )
    def test_equals_looking_at_every_row(self, rows, number, moment, short_length):
        found = PrefixTable(rows, short_length).find(number, moment)
        if len(number) <= short_length:
            rows = [row for row in rows if row[0] in ("", number)]
        self.assertEqual(found, naive_find(rows, number, moment))
