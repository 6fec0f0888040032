"""What is said about a file before it is read."""

from typing import NamedTuple

from .durations import ROUNDINGS
from .stamps import DATE_ORDERS
from .stream import Limits, check_encoding

DURATION_UNITS = {"s": 1, "ms": 1000, "us": 1_000_000}


class Options(NamedTuple):
    """The options of a call file; made by :func:`options_from`."""

    timezone: str = "UTC"  # IANA name, of stamps without a zone
    date_order: str | None = None  # what 03/04/2026 means: 'dmy' or 'mdy'; None: found out
    columns: object = None  # see the reader of the format
    header_row: bool | None = None  # None: there is one unless columns are given by number
    delimiter: str | None = None  # None: found out, or the format's own
    encoding: str | None = None  # None: found out
    duration_rounding: str = "up"  # of parts of a second: 'up', 'down' or 'half_up'
    duration_unit: str = "s"  # of plain numbers in a CSV file with a header: 's', 'ms' or 'us'
    charge_b_legs: bool = False  # whether FreeSWITCH's legs are calls of their own, each for itself
    limits: Limits = Limits()


def options_from(given=None):
    """The options of a call file, checked.

    :param given: ``dict`` with any fields of :class:`Options`; those of :class:`stream.Limits` may
        be given in it too
    :return: :class:`Options`
    :raises ValueError: for an unknown name or value
    """
    given = dict(given or {})
    limits = {name: given.pop(name) for name in Limits._fields if name in given}
    unknown = set(given) - set(Options._fields)
    if unknown:
        raise ValueError(f"unknown options: {', '.join(sorted(map(str, unknown)))}")
    options = Options(**{name: value for name, value in given.items() if value is not None})
    options = options._replace(
        encoding=check_encoding(options.encoding), limits=options.limits._replace(**limits)
    )
    for name, allowed in (
        ("duration_rounding", ROUNDINGS),
        ("duration_unit", DURATION_UNITS),
        ("date_order", DATE_ORDERS),
    ):
        if getattr(options, name) not in (*allowed, Options._field_defaults[name]):
            raise ValueError(f"{name} is one of {', '.join(allowed)}")
    delimiter = options.delimiter
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
        raise ValueError(f"{delimiter!r} is no delimiter")
    return options
