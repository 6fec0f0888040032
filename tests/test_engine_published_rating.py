"""Prices and bundles that other billing systems have published, priced by the engine.

Each row names the case and, in SOURCES, where its figure comes from. Rules that the engine does not
have (grace time, volume tiers, a price that changes within a call, attempt fees, a cap per call)
have no rows.
"""

from datetime import date, datetime, timezone
from decimal import Decimal

from ..engine.allowance import Allowance, take
from ..engine.calendar import local_day, period_of
from ..engine.prefixes import PrefixTable
from ..engine.tariff import billed_seconds, price_call, terms, to_decimal
from .engine_case import EngineCase

SOURCES = {
    "CNX": "connexcs/docs @a73b0860, docs/billing-basics.md",
    "YETI": "yeti-switch/yeti-web @3ec29c9f, spec/sql/switch/writecdr_spec.rb",
    "CDRT": "AGProjects/cdrtool @6eb36233, doc/RATING.txt",
    "SIPN": "sipnode.com/en/wiki/billing-introduction.php",
    "KOL": "wiki.kolmisoft.com, What_is_increment and Wholesale_Tariff",
    "MAG": "magnussolution/magnusbilling7 @0872f723, wiki/en",
    "ITW": "itwissen.info, article on Taktung",
    "VOIPMS": "wiki.voip.ms, 6-second billing example",
    "KAZ": "2600hz/kazoo @dcf86cbc, core/kazoo_call/src/kapps_call_util.erl",
    "CGR": "cgrates/cgrates @19463bdc9, engine/calldesc_test.go, general_tests, docs/rals.rst",
    "3CX": "dorel14/3CX-Cdr-Server @836c3aab, tests",
    "A2B": "Star2Billing/a2billing @8dd474c6, admin/Public/importsamples.php",
    "ASTPP": "iNextrix/ASTPP @be464dcd, Rates_File/originationrates_sample.csv",
    "NONCLI": "non-cli.site/kb/billing-and-rates",
    "66": "shopshastra.com blog, 6/6 billing explanation",
    "DENOVO": "doc.denovolab.com, new billing rule",
    "SAVEMORE": "savemoreonphoneservice.com/6secondbilling.htm",
    "VOIPO": "helpdesk.voipo.com article 89",
    "PORTA": "docs.portaone.com/docs/mr96-resellers",
    "S4VOIP": "s4voip.com reseller module",
    "BR": "BillRun/system @e33ca42ce, library/Tests/Updaterowt.php",
    "FREESPEECH": "freespeech.ie, free minutes per day",
}

# case, first block, increment, duration, billed seconds
BILLED = (
    ("RAT-INC-CNX-60_6-61s", 60, 6, 61, 66),
    ("RAT-INC-CNX-60_6-67s", 60, 6, 67, 72),
    ("RAT-KOL-65s-inc60", 60, 60, 65, 120),
    # A minimum duration is a first block.
    ("RAT-KOL-min10-inc1-5s", 10, 1, 5, 10),
    ("RAT-DENOVO-3s", 6, 1, 3, 6),
    ("RAT-MAG-DID-30_6-10s", 30, 6, 10, 30),
    ("RAT-MAG-DID-30_6-32s", 30, 6, 32, 36),
    ("RAT-ITW-60_1-83s", 60, 1, 83, 83),
    ("RAT-NONCLI-60_6-67s", 60, 6, 67, 72),
    ("RAT-66-5s", 6, 6, 5, 6),
)

# case, price per minute, fee, first block, increment, digits, method, duration, billed, amount
PRICED = (
    ("RAT-INC-CNX-7s-6_6", "0.015", 0, 6, 6, 4, "half_up", 7, 12, "0.0030"),
    ("RAT-INC-CNX-7s-12_6", "0.015", 0, 12, 6, 4, "half_up", 7, 12, "0.0030"),
    ("RAT-INC-CNX-7s-30_6", "0.015", 0, 30, 6, 4, "half_up", 7, 30, "0.0075"),
    ("RAT-YETI-ZERO", "0.0001", 0, 60, 11, 4, "up", 0, 0, "0"),
    ("RAT-CDRT-59s", "0.16", "0.045", 1, 1, 4, "half_up", 59, 59, "0.2023"),
    # The page prints 0.3750; its own addends make 0.3250.
    ("RAT-SIPN-61s", "0.15", "0.10", 60, 30, 4, "half_up", 61, 90, "0.325"),
    ("RAT-KOL-15s-inc1", 1, 0, 1, 1, 4, "half_up", 15, 15, "0.25"),
    ("RAT-KOL-15s-inc10", 1, 0, 10, 10, 4, "half_up", 15, 20, "0.3333"),
    ("RAT-KOL-15s-inc20", 1, 0, 20, 20, 4, "half_up", 15, 20, "0.3333"),
    ("RAT-KOL-15s-inc60", 1, 0, 60, 60, 4, "half_up", 15, 60, "1"),
    ("RAT-VOIPMS-27s", "0.50", 0, 6, 6, 4, "half_up", 27, 30, "0.25"),
    # Price and billed seconds are one number: there they are 102 and 105.
    ("RAT-KAZ-MIN-THEN-INC", "0.01", 0, 60, 7, 4, "half_up", 100, 102, "0.017"),
    ("RAT-CGR-1persec-90", 60, 0, 1, 1, 4, "half_up", 90, 90, "90"),
    ("RAT-CGR-ZERO", 60, 1, 1, 1, 4, "half_up", 0, 0, "0"),
    ("RAT-CGR-GROUP-1s", 60, 0, 60, 1, 4, "half_up", 1, 60, "60"),
    ("RAT-CGR-GROUP-65s", 60, 0, 60, 1, 4, "half_up", 65, 65, "65"),
    # Rounded at each increment it would be 0.3001.
    ("RAT-CGR-INC-ROUND", "0.1", 0, 1, 1, 4, "half_up", 180, 180, "0.3"),
    # In binary floating point 0.15 + 0.02 is not 0.17.
    ("RAT-CGR-UP2-24s", "0.05", "0.15", 1, 1, 2, "up", 24, 24, "0.17"),
    ("RAT-CGR-UP2-180s", "0.05", "0.15", 1, 1, 2, "up", 180, 180, "0.30"),
    ("RAT-CGR-TUT-40CNT-20s", "0.4", "0.8", 30, 30, 4, "up", 20, 30, "1.0"),
    ("RAT-CGR-DATA", "0.012", 0, 10, 10, 4, "half_up", 20, 20, "0.004"),
    ("RAT-CGR-RND-0.11-half_up", "0.11", 0, 1, 1, 1, "half_up", 60, 60, "0.1"),
    ("RAT-CGR-RND-0.16-half_up", "0.16", 0, 1, 1, 1, "half_up", 60, 60, "0.2"),
    ("RAT-CGR-RND-0.19-down", "0.19", 0, 1, 1, 1, "down", 60, 60, "0.1"),
    # The exchange itself wrote 0.43, from another duration than it reported.
    ("RAT-3CX-25s", 1, 0, 1, 1, 2, "up", 25, 25, "0.42"),
    ("RAT-ASTPP-1-31s", "0.01", 0, 30, 60, 4, "half_up", 31, 90, "0.015"),
    ("RAT-ASTPP-1-90s", "0.01", 0, 30, 60, 4, "half_up", 90, 90, "0.015"),
    ("RAT-ASTPP-44-31s", "0.05", 0, 30, 30, 4, "half_up", 31, 60, "0.05"),
    ("RAT-SAVEMORE-30s", "0.049", 0, 30, 6, 2, "up", 20, 30, "0.03"),
    # Two legs of a forwarded call, each priced alone.
    ("RAT-VOIPO-FORWARD in", "0.025", 0, 1, 1, 4, "half_up", 60, 60, "0.025"),
    ("RAT-VOIPO-FORWARD out", "0.010", 0, 1, 1, 4, "half_up", 60, 60, "0.010"),
    # Calls that lie within one tariff of those that change at 18:00.
    ("TOD-CGR-EVENING-110s", 30, 0, 1, 1, 4, "half_up", 110, 110, "55"),
    ("TOD-CGR-EVENING-3621s", 30, 0, 1, 1, 4, "half_up", 3621, 3621, "1810.5"),
    ("RER-CGR-NEWTARIFF before", "0.6", 0, 1, 1, 2, "up", 120, 120, "1.2"),
    ("RER-CGR-NEWTARIFF after", "1.7", 0, 1, 1, 2, "up", 120, 120, "3.4"),
    ("CON-CGR-50", 60, 1, 1, 1, 4, "half_up", 59, 59, "60"),
    # Every tier of one call by its own blocks.
    ("RES-PORTA-2LEVEL customer", "0.10", 0, 1, 1, 4, "half_up", 600, 600, "1"),
    ("RES-PORTA-2LEVEL reseller", "0.06", 0, 1, 1, 4, "half_up", 600, 600, "0.60"),
    ("RES-S4VOIP-CHAIN customer", "0.10", 0, 60, 60, 4, "half_up", 47, 60, "0.1"),
    ("RES-S4VOIP-CHAIN reseller I", "0.08", 0, 30, 6, 4, "half_up", 47, 48, "0.064"),
    ("RES-S4VOIP-CHAIN reseller II", "0.06", 0, 1, 1, 4, "half_up", 47, 47, "0.047"),
)


def has_source(case):
    return any(part in SOURCES for part in case.replace(" ", "-").split("-")[1:])


class TestPublishedPrices(EngineCase):
    def test_cases_name_their_source(self):
        for case, *_figures in BILLED + PRICED:
            self.assertTrue(has_source(case), case)

    def test_billed_seconds(self):
        for case, initial, increment, seconds, billed in BILLED:
            with self.subTest(case=case):
                self.assertEqual(billed_seconds(seconds, 0, initial, increment), billed)

    def test_prices(self):
        for case, price, fee, initial, increment, digits, method, seconds, billed, amount in PRICED:
            with self.subTest(case=case):
                rate = terms(price, fee, 0, initial, increment, digits, method)
                found = price_call(rate, seconds)
                self.assertEqual((found[0], to_decimal(found[1])), (billed, Decimal(amount)))

    def test_no_grace_time(self):
        """RAT-SIPN-2s has a grace time of 3 s and charges 0; here any answered call is charged."""
        rate = terms("0.15", "0.10", initial_increment=60, increment=30)
        self.assertEqual(to_decimal(price_call(rate, 2)[1]), Decimal("0.25"))

    def test_rate_at_the_instant_of_a_change(self):
        """RAT-A2B-UK-NEW: the row that begins at the call's start is the one that prices it."""
        change = datetime(2005, 4, 15, 10)
        table = PrefixTable(
            [
                ("44", datetime(2005, 2, 10, 21, 23, 55), change, ("0.78", "0.06")),
                ("44", change, None, ("0.89", "0.10")),
            ]
        )
        _prefix, (price, fee) = table.find("447700900123", change)
        rate = terms(price, fee, initial_increment=30, increment=6)
        billed, amount = price_call(rate, 45)
        self.assertEqual((billed, to_decimal(amount)), (48, Decimal("0.812")))


# case, allowances in their order, calls, price per minute and increment of what is over,
# (free, over) of each call, prices or None where that system's overage has tiers of its own
BUNDLES = (
    ("BUN-BR-F", (100, 40, 75), (60, 50, 50, 280), 0, 1,
     ((60, 0), (50, 0), (50, 0), (55, 225)), None),
    ("BUN-BR-I2", (50,), (12, 80), 0, 1, ((12, 0), (38, 42)), None),
    ("BUN-BR-J", (100,), (30, 75, 30), 30, 1,
     ((30, 0), (70, 5), (0, 30)), ("0", "2.5", "15")),
    ("BUN-BR-K1", (10,), (8, 8), 6, 1, ((8, 0), (2, 6)), ("0", "0.6")),
    ("BUN-BR-S3", (30,), (20, 15), 60, 1, ((20, 0), (10, 5)), ("0", "5")),
    ("BUN-BR-W1", (2 * 100,), (150, 50, 50), 60, 1,
     ((150, 0), (50, 0), (0, 50)), ("0", "0", "50")),
    ("BUN-BR-W2", (300,), (50, 50, 100, 100, 150), 60, 1,
     ((50, 0), (50, 0), (100, 0), (100, 0), (0, 150)), ("0", "0", "0", "0", "150")),
    # 110.5 and 50.5 s at 0.1 per started second.
    ("BUN-BR-G2", (), (111,), 6, 1, ((0, 111),), ("11.1",)),
    ("BUN-BR-I3", (), (51,), 6, 1, ((0, 51),), ("5.1",)),
    # Ten free minutes a day: five minutes of a quarter of an hour are charged.
    ("BUN-FREESPEECH-15", (600,), (900,), 1, 60, ((600, 300),), ("5",)),
)  # fmt: skip


class TestPublishedBundles(EngineCase):
    def test_bundles(self):
        for case, quantities, calls, price, increment, splits, prices in BUNDLES:
            with self.subTest(case=case):
                self.assertTrue(has_source(case))
                allowances = [
                    Allowance(key, "seconds", left) for key, left in enumerate(quantities)
                ]
                rate = terms(price, initial_increment=increment, increment=increment)
                found = [(seconds, take(allowances, seconds)[0]) for seconds in calls]
                self.assertEqual(tuple((free, seconds - free) for seconds, free in found), splits)
                if prices:
                    amounts = [to_decimal(price_call(rate, *call)[1]) for call in found]
                    self.assertEqual(amounts, list(map(Decimal, prices)))

    def test_package_call_keeps_its_billed_seconds(self):
        """RAT-YETI-PACKAGE: the price is 0, the billed duration is the rate's."""
        rate = terms("0.0001", initial_increment=60, increment=11)
        free, _uses, covered = take([Allowance("package", "seconds", 1000)], 560)
        self.assertEqual(price_call(rate, 560, free, covered), (566, 0))

    def test_package_in_whole_minutes(self):
        """BUN-MAG-PKG: a call of 61 s uses 120 s of the package, whatever the rate's blocks are."""
        package = Allowance("package", "seconds", 6000, increment=60)
        self.assertEqual(take([package], 61), (61, [("package", 120)], True))
        self.assertEqual(package.remaining, 5880)

    def test_shared_and_own_allowances(self):
        """BUN-BR-K4: A empties the shared allowance and its own; the order of calls decides."""
        shared = Allowance("shared", "seconds", 10)
        rate = terms(6)
        for subscriber, expected in (("A", (15, "0.5")), ("B", (5, "1.5"))):
            free = take([shared, Allowance(subscriber, "seconds", 5)], 20)[0]
            amount = to_decimal(price_call(rate, 20, free)[1])
            self.assertEqual((free, amount), (expected[0], Decimal(expected[1])), subscriber)

    def test_allowance_of_certain_days(self):
        """BUN-BR-R: a late call is judged by its own day, and the end day is outside."""
        allowance = Allowance("two of 250", "seconds", 500)
        rate = terms("0.6", initial_increment=10, increment=10)
        for day, seconds, expected in (
            (11, 235, (235, "0")),
            (12, 245, (245, "0")),
            (13, 70, (20, "0.5")),
            (9, 120, (0, "1.2")),
            (21, 60, (0, "0.6")),
            (14, 75, (0, "0.8")),
        ):
            in_force = date(2017, 9, 10) <= date(2017, 9, day) < date(2017, 9, 21)
            free = take([allowance] if in_force else [], seconds)[0]
            amount = to_decimal(price_call(rate, seconds, free)[1])
            self.assertEqual((free, amount), (expected[0], Decimal(expected[1])), day)

    def test_period_of_a_bundle_is_that_of_the_account(self):
        """BUN-BR-P4: one second past midnight in Jerusalem, while it is still September in UTC."""
        moment = datetime.fromisoformat("2017-10-01T00:00:01+03:00").astimezone(timezone.utc)
        day = local_day(moment.replace(tzinfo=None), "Asia/Jerusalem")
        self.assertEqual(period_of(day, "monthly")[0], date(2017, 10, 1))
