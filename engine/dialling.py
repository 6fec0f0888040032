"""Telephone numbers as E.164 digits, whatever way a switch or a price list writes them.

Prefixes can only be compared with numbers of one form. What the leading digits of a number mean
depends on where it was dialled; that is what :class:`DiallingRules` says of a source of calls.
"""

import re
from functools import lru_cache
from itertools import chain, product
from typing import NamedTuple

# The characters with which people group the digits of a number, tabs and line ends of bad files,
# and the apostrophe with which spreadsheets mark a text.
_PUNCTUATION = dict.fromkeys(
    map(ord, " \t\r\n-./()[]'\"\u00a0\u00ad\u2007\u2009\u200b\u2010\u2011\u2012\u2013\u2014\u202f")
)
_SCHEME = re.compile(r"\s*(?:sips?|tel):", re.IGNORECASE)
# A national number with its trunk prefix has more digits than this everywhere; what is not longer
# is an extension or a short code of the switch.
SHORT_LENGTH = 4
_COMMON_PREFIXES = ("00", "001", "011")


class DiallingRules(NamedTuple):
    """How numbers are dialled at a source of calls."""

    country_code: str  # '49'
    international_prefix: str = "00"
    national_prefix: str = "0"  # '' where numbers are dialled in full, as in Italy
    bare: str = "international"  # what a number without any prefix is, or 'national'


def normalise(number, rules):
    """The digits of a number as E.164 has them, without the ``+``.

    Scheme, host, parameters and punctuation go first. Then, in this order: ``+`` or the
    international prefix leaves the rest; the national prefix is replaced by the country code; a
    number without prefix is read as ``rules.bare`` says. Up to four digits without prefix are an
    extension or a short code where bare numbers are international, and stay as they are.

    Where country codes begin with the national prefix too (Russia's 8, Japan's 81), a source that
    sends international numbers bare needs rules without a national prefix.

    :param number: a number, a ``sip:`` or ``tel:`` address (``str``, or ``None`` for none)
    :param rules: :class:`DiallingRules` of the source
    :return: digits, or '' for what is no telephone number (letters, ``*`` and ``#``, nothing)

    >>> germany = DiallingRules('49')
    >>> normalise('sip:+493012345@sbc.example.com;user=phone', germany)
    '493012345'
    >>> normalise('030 123-45', germany), normalise('0044 20 7946 0123', germany)
    ('493012345', '442079460123')
    >>> normalise('*98', germany)
    ''
    """
    text = number or ""
    if not text.removeprefix("+").isdigit():
        text = _bare_number(text)
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        return ""
    if len(digits) < len(text):
        return digits
    country_code, international_prefix, national_prefix, bare = rules
    if international_prefix and digits.startswith(international_prefix):
        return digits[len(international_prefix) :]
    is_international = bare == "international"
    if is_international and len(digits) <= SHORT_LENGTH:
        return digits
    if national_prefix and digits.startswith(national_prefix):
        return country_code + digits[len(national_prefix) :]
    return digits if is_international else country_code + digits


def _bare_number(text):
    """The number in an address such as ``"Bob" <sip:+49 30 123;isub=1@host:5060;user=phone>``."""
    if "<" in text:
        text = text.partition("<")[2].partition(">")[0]
    text, schemes = _SCHEME.subn("", text, count=1)
    # Everything from the first of these on is host, password, parameter or header.
    text = re.split("[@;?:]" if schemes else "[@;]", text, maxsplit=1)[0]
    return text.translate(_PUNCTUATION)


@lru_cache(maxsize=512)
def rules_for_country(iso_code, bare="international"):
    """The dialling rules of a country, from the metadata of the ``phonenumbers`` library.

    Where a country has several international prefixes (one per carrier), the preferred one is
    taken, else 00 or 001 where that is one of them, else the shortest and lowest.

    :param iso_code: ISO 3166 code of the country, two letters
    :param bare: what a number without prefix is at this source, 'international' or 'national'
    :return: :class:`DiallingRules`
    :raises ValueError: for a country without telephone metadata
    :raises ImportError: without the ``phonenumbers`` library

    >>> tuple(rules_for_country('RU'))
    ('7', '810', '8', 'international')
    """
    from phonenumbers import PhoneMetadata

    metadata = PhoneMetadata.metadata_for_region((iso_code or "").upper(), None)
    if metadata is None:
        raise ValueError(f"no telephone metadata for country {iso_code!r}")
    return DiallingRules(
        country_code=str(metadata.country_code),
        international_prefix=_international_prefix(metadata),
        national_prefix=metadata.national_prefix or "",
        bare=bare,
    )


def _international_prefix(metadata):
    """One prefix of digits for the metadata's preference ('8~10') or pattern ('00[1-9]')."""
    preferred = (metadata.preferred_international_prefix or "").replace("~", "")
    if preferred:
        return preferred
    pattern = metadata.international_prefix or ""
    numbers = (
        "".join(digits) for size in range(1, 5) for digits in product("0123456789", repeat=size)
    )
    matches = filter(re.compile(pattern).fullmatch, chain(_COMMON_PREFIXES, numbers))
    return next(matches, "") if pattern else ""
