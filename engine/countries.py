"""Which country the numbers under a prefix belong to."""

from functools import lru_cache

# Enough digits of a national number to tell the countries that share a country code apart.
_TELLING = 7
_PADDING = "2345678901"
_NOWHERE = "001"


def country_of_prefix(prefix):
    """The country of the numbers that begin with a prefix.

    Where several countries share a country code (+1, +7, +44), the prefix decides as far as it is
    long enough, and the largest of them stands for the rest.

    :param prefix: leading digits of numbers in international form (``str``)
    :return: ISO 3166 code, or '' for no country (satellites, freephone, half a country code)
    :raises ImportError: without the ``phonenumbers`` library

    >>> [country_of_prefix(prefix) for prefix in ('3247', '1204', '1', '8')]
    ['BE', 'CA', 'US', '']
    """
    return _country(prefix[: 3 + _TELLING])


@lru_cache(maxsize=1 << 16)
def _country(prefix):
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    for length in (1, 2, 3):
        regions = COUNTRY_CODE_TO_REGION_CODE.get(int(prefix[:length] or 0))
        if regions:
            break
    else:
        return ""
    country = regions[0]
    if len(regions) > 1 and len(prefix) >= length + 3:
        country = _told_apart(prefix, length, country) or country
    return "" if country == _NOWHERE else country


def _told_apart(prefix, length, main):
    """The region of the first valid number under the prefix, or ``None``."""
    from phonenumbers import PhoneMetadata, PhoneNumber, region_code_for_number

    for size in PhoneMetadata.metadata_for_region(main).general_desc.possible_length:
        national = prefix[length:] + _PADDING[: max(0, size - len(prefix) + length)]
        region = region_code_for_number(
            PhoneNumber(country_code=int(prefix[:length]), national_number=int(national))
        )
        if region:
            return region
    return None
