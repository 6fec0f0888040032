"""Longest matches that other systems have published or that follow from their tables."""

from ..engine.dialling import DiallingRules, normalise
from ..engine.prefixes import PrefixTable
from .engine_case import EngineCase

CGR = "cgrates/cgrates @19463bdc9, general_tests/costs1_test.go and engine/calldesc_test.go"
MAG = "magnussolution/magnusbilling7 @0872f723, wiki/en/find_rate.rst"
KOL = "wiki.kolmisoft.com, M4_Tariffs"
KAZ = "2600hz/kazoo @dcf86cbc, doc/blog/understanding_rates.md"
IVOZ = "irontec/ivozprovider @d7fd31b66, web/portal/brand/samples/billing/pricesSample.csv"
CDRT = "AGProjects/cdrtool @6eb36233, doc/RATING.txt and setup/csv"

GERMANY = ("+49", "+4915", "+4916", "+4917")
ROMANIA = ("0", "0256", "02564", "0723")
BRAZIL = ("55", "5511", "55119")
LITHUANIA = ("370", "3705", "3706", "888")
NORTH_AMERICA = ("1503", "150", "15", "1")
# The winning prefixes are those of the price lists; the others stand around them.
BRITAIN = ("+44", "+4420", "+447", "+4474", "+447400", "+4475", "+44751", "+447537", "+4475370")
ASIA = ("+61", "+61145", "+93", "+937", "+9377", "+9379")
TURKEY_AND_CANADA = ("1", "1204", "1809", "90", "90212", "905")

# case, source, prefixes, number, expected prefix
CASES = (
    ("PFX-CGR-4986517174963", CGR, GERMANY, "+4986517174963", "+49"),
    ("PFX-CGR-4918001234567", CGR, GERMANY, "+4918001234567", "+49"),
    ("PFX-CGR-0256", CGR, ROMANIA, "0256308200", "0256"),
    ("PFX-MAG-5521999990000", MAG, BRAZIL, "5521999990000", "55"),
    ("PFX-KOL-37060012345", KOL, LITHUANIA, "37060012345", "3706"),
    ("PFX-KOL-3700", KOL, LITHUANIA, "3700", "370"),
    ("PFX-KAZ-15035551234", KAZ, NORTH_AMERICA, "15035551234", "1503"),
    ("PFX-KAZ-15095551234", KAZ, NORTH_AMERICA, "15095551234", "150"),
    ("PFX-KAZ-15555551234", KAZ, NORTH_AMERICA, "15555551234", "15"),
    ("PFX-IVOZ-DECK-447537100123", IVOZ, BRITAIN, "+447537100123", "+447537"),
    ("PFX-IVOZ-DECK-447511100123", IVOZ, BRITAIN, "+447511100123", "+44751"),
    ("PFX-IVOZ-DECK-447400000123", IVOZ, BRITAIN, "+447400000123", "+447400"),
    ("PFX-IVOZ-DECK-442079460123", IVOZ, BRITAIN, "+442079460123", "+4420"),
    ("PFX-IVOZ-DECK-93771234567", IVOZ, ASIA, "+93771234567", "+9377"),
    ("PFX-IVOZ-DECK-611451234567", IVOZ, ASIA, "+611451234567", "+61145"),
    ("PFX-CDRT-DECK-902121234567", CDRT, TURKEY_AND_CANADA, "902121234567", "90212"),
    ("PFX-CDRT-DECK-12045551234", CDRT, TURKEY_AND_CANADA, "12045551234", "1204"),
    ("PFX-CDRT-DECK-12025551234", CDRT, TURKEY_AND_CANADA, "12025551234", "1"),
)


class TestPublishedPrefixes(EngineCase):
    def test_longest_match(self):
        for case, _source, prefixes, number, expected in CASES:
            for ordered in (prefixes, prefixes[::-1]):
                with self.subTest(case=case, prefixes=ordered):
                    table = PrefixTable((prefix, None, None, prefix) for prefix in ordered)
                    self.assertEqual(table.find(number, None), (expected, expected))

    def test_international_prefix_goes_before_matching(self):
        """PFX-CDRT-31650 (doc/RATING.txt): sip:0031650222333 is a number of 31650."""
        number = normalise("sip:0031650222333@example.com", DiallingRules("31"))
        self.assertEqual(number, "31650222333")
        table = PrefixTable((prefix, None, None, None) for prefix in ("31", "316", "31650"))
        self.assertEqual(table.find(number, None)[0], "31650")

    def test_tie_between_rows_of_one_prefix(self):
        """PFX-KAZ-TIE (hon_util_tests.erl): two live rows need a stated rule, not luck.

        That system goes by a weight; here the row that began last wins, in whatever order.
        """
        rows = [("432", 50, None, "0.5"), ("432", 51, None, "0.6")]
        for ordered in (rows, rows[::-1]):
            self.assertEqual(PrefixTable(ordered).find("4321", 60), ("432", "0.6"))

    def test_two_spellings_of_one_number(self):
        """CDR-GENERIC-COMMENT (cgrates ers/filecsv_it_test.go): one file writes both."""
        for number in ("086517174963", "+4986517174963"):
            self.assertEqual(normalise(number, DiallingRules("49")), "4986517174963")
