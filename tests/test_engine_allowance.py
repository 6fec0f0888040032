"""Free units: which allowance carries which seconds of a call."""

from hypothesis import strategies as st

from ..engine.allowance import Allowance, release, take
from ..engine.tariff import price_call, terms
from .engine_case import EngineCase, property_test

descriptions = st.lists(
    st.tuples(
        st.sampled_from(("seconds", "seconds", "calls", "unlimited")),
        st.integers(0, 400),
        st.sampled_from((1, 1, 6, 60)),
        st.booleans(),
    ),
    max_size=4,
)
calls = st.lists(st.integers(0, 300), max_size=12)


def build(described):
    return [Allowance(key, *fields) for key, fields in enumerate(described)]


def counted_take(allowances, seconds):
    """The rule of an allowance of seconds, one second at a time."""
    free = 0
    for allowance in allowances:
        while free < seconds and allowance.remaining:
            # The step that this second begins is used as a whole, or as far as it is there.
            step = min(allowance.increment, allowance.remaining)
            allowance.remaining -= step
            free = min(seconds, free + step)
    return free


class TestTake(EngineCase):
    def test_stated_order(self):
        first, second = Allowance("plan", "seconds", 100), Allowance("service", "seconds", 40)
        self.assertEqual(take([first, second], 130), (130, [("plan", 100), ("service", 30)], True))
        self.assertEqual((first.remaining, second.remaining), (0, 10))
        self.assertEqual(take([first, second], 30), (10, [("service", 10)], True))
        self.assertEqual(take([first, second], 30), (0, [], False))

    def test_call_of_no_seconds_uses_nothing(self):
        for unit in Allowance.UNITS:
            allowance = Allowance(1, unit, 5)
            self.assertEqual(take([allowance], 0), (0, [], False))
            self.assertEqual(take([allowance], -3), (0, [], False))
            self.assertEqual(allowance.remaining, 5)

    def test_whole_minutes(self):
        for remaining, seconds, free, used in (
            (6000, 61, 61, 120),
            (120, 61, 61, 120),
            (119, 61, 61, 119),
            (60, 61, 60, 60),
            (30, 20, 20, 30),
            (30, 31, 30, 30),
            (6000, 60, 60, 60),
            (6000, 1, 1, 60),
        ):
            with self.subTest(remaining=remaining, seconds=seconds):
                allowance = Allowance("minutes", "seconds", remaining, increment=60)
                self.assertEqual(take([allowance], seconds), (free, [("minutes", used)], True))
                self.assertEqual(allowance.remaining, remaining - used)

    def test_calls(self):
        seconds, number = Allowance("seconds", "seconds", 50), Allowance("calls", "calls", 1)
        self.assertEqual(take([seconds, number], 80), (80, [("seconds", 50), ("calls", 1)], True))
        self.assertEqual(take([seconds, number], 80), (0, [], False))

    def test_unlimited(self):
        unlimited = Allowance("flat", "unlimited")
        self.assertEqual(take([unlimited], 90_000), (90_000, [("flat", 90_000)], True))
        self.assertEqual(unlimited.remaining, 0)
        minutes = Allowance("flat", "unlimited", increment=60)
        self.assertEqual(take([minutes], 61), (61, [("flat", 120)], True))

    def test_fee_is_covered_when_one_used_allowance_covers_it(self):
        for covers, expected in (
            ((False, False), False),
            ((True, False), True),
            ((False, True), True),
        ):
            allowances = [
                Allowance(key, "seconds", 10, covers_fee=covered)
                for key, covered in enumerate(covers)
            ]
            self.assertIs(take(allowances, 15)[2], expected)
        unused = [Allowance(0, "seconds", 20, covers_fee=False), Allowance(1, "seconds", 20)]
        self.assertIs(take(unused, 15)[2], False)

    def test_refused(self):
        for arguments in ((1, "minutes", 5), (1, "seconds", -1), (1, "seconds", 5, 0)):
            with self.subTest(arguments=arguments), self.assertRaises(ValueError):
                Allowance(*arguments)

    @property_test(described=descriptions, durations=calls)
    def test_used_and_remaining_are_constant(self, described, durations):
        allowances = build(described)
        before = [allowance.remaining for allowance in allowances]
        used = dict.fromkeys(range(len(allowances)), 0)
        for seconds in durations:
            free, uses, _covered = take(allowances, seconds)
            self.assertLessEqual(free, seconds)
            for key, units in uses:
                self.assertGreater(units, 0)
                if allowances[key].unit != "unlimited":
                    used[key] += units
        for allowance, at_first in zip(allowances, before, strict=True):
            self.assertGreaterEqual(allowance.remaining, 0)
            self.assertEqual(allowance.remaining + used[allowance.key], at_first)

    @property_test(
        described=st.lists(
            st.tuples(st.just("seconds"), st.integers(0, 400), st.sampled_from((1, 6, 60))),
            max_size=4,
        ),
        durations=calls,
    )
    def test_equals_counting_second_by_second(self, described, durations):
        allowances, counted = build(described), build(described)
        for seconds in durations:
            self.assertEqual(take(allowances, seconds)[0], counted_take(counted, seconds))
        self.assertEqual(
            [allowance.remaining for allowance in allowances],
            [allowance.remaining for allowance in counted],
        )

    @property_test(described=descriptions, durations=calls, size=st.integers(1, 5))
    def test_batches_change_nothing(self, described, durations, size):
        """What is left between two batches is all that the next one needs to know."""
        rate = terms("0.60", "0.05", initial_increment=30, increment=6)

        def priced(allowances, batch):
            results = []
            for seconds in batch:
                free, uses, covered = take(allowances, seconds)
                results.append((price_call(rate, seconds, free, covered), uses))
            return results

        expected = priced(build(described), durations)
        allowances, results = build(described), []
        for start in range(0, len(durations), size):
            results += priced(allowances, durations[start : start + size])
            allowances = [
                Allowance(left.key, left.unit, left.remaining, left.increment, left.covers_fee)
                for left in allowances
            ]
        self.assertEqual(results, expected)

    def test_order_of_calls_decides(self):
        """The allowance carries the same seconds of both, but of another call."""
        for durations, expected in (((80, 40), (80, 20)), ((40, 80), (40, 60))):
            bundle = Allowance("bundle", "seconds", 100)
            self.assertEqual(tuple(take([bundle], seconds)[0] for seconds in durations), expected)


class TestRelease(EngineCase):
    @property_test(described=descriptions, durations=calls, data=st.data())
    def test_undoes_take_in_any_order(self, described, durations, data):
        allowances = build(described)
        before = [allowance.remaining for allowance in allowances]
        by_key = {allowance.key: allowance for allowance in allowances}
        all_uses = [take(allowances, seconds)[1] for seconds in durations]
        for uses in data.draw(st.permutations(all_uses)):
            release(by_key, uses)
        self.assertEqual([allowance.remaining for allowance in allowances], before)

    def test_unknown_allowance_gives_nothing_back(self):
        bundle = Allowance("bundle", "seconds", 10)
        with self.assertRaises(KeyError):
            release({"bundle": bundle}, [("bundle", 5), ("gone", 5)])
        self.assertEqual(bundle.remaining, 10)
