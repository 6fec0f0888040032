"""Shares of a recurring price."""

from decimal import Decimal
from fractions import Fraction


def prorate(amount, span_from, span_to, part_from, part_to, rounding):
    """The share of a price for some days of the span that it covers.

    Every calendar day of the whole span weighs the same (``amount x days / days of the span``); the
    share of a part is the rounded share up to its end less the rounded share up to its beginning.
    So the parts of a span, however it is cut, always add up to the rounded price of the whole, and
    a credit for a part is the exact opposite of its charge. A part in the middle may thereby differ
    from its own rounded share by one step of the rounding.

    :param amount: price of the whole span, negative for a credit (``Decimal``, ``str`` or ``int``)
    :param span_from: first day of the span
    :param span_to: day after its last
    :param part_from: first day of the part
    :param part_to: day after its last
    :param rounding: the step of the result such as ``Decimal('0.01')``; halves go away from zero
    :return: ``Decimal``, a multiple of the step
    :raises TypeError: for a ``float``
    :raises ValueError: for a part that leaves its span, an empty span, or a step that is not above
        0

    >>> from datetime import date
    >>> march = date(2024, 3, 1), date(2024, 4, 1)
    >>> prorate(Decimal('100'), *march, date(2024, 3, 1), date(2024, 3, 15), Decimal('0.01'))
    Decimal('45.16')
    >>> prorate(Decimal('100'), *march, date(2024, 3, 15), date(2024, 4, 1), Decimal('0.01'))
    Decimal('54.84')
    """
    if isinstance(amount, float) or isinstance(rounding, float):
        raise TypeError("money is given as Decimal, str or int")
    rounding = Decimal(rounding)
    if not rounding.is_finite() or rounding <= 0:
        raise ValueError(f"cannot round to steps of {rounding}")
    if not span_from <= part_from <= part_to <= span_to or span_from == span_to:
        raise ValueError(f"{part_from} - {part_to} is no part of the span {span_from} - {span_to}")
    steps_per_day = Fraction(amount) / Fraction(rounding) / (span_to - span_from).days
    share_to = _half_up(steps_per_day * (part_to - span_from).days)
    share_from = _half_up(steps_per_day * (part_from - span_from).days)
    return (share_to - share_from) * rounding


def _half_up(number):
    """The nearest whole number to a ``Fraction``; a half goes away from zero."""
    whole = (2 * abs(number.numerator) + number.denominator) // (2 * number.denominator)
    return whole if number >= 0 else -whole
