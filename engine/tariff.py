"""The price of one call.

Money in the engine is an ``int`` in units of 10**-8 of the currency, so that every sum and every
rounding is exact; :func:`from_decimal` and :func:`to_decimal` are the two doors. Durations are
whole seconds, prices are per minute.

A "30/6" rate bills a first block of 30 seconds as soon as the call is answered, then steps of 6
seconds counted from the end of that block. The amount is rounded once, at the end of the call.
"""

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from functools import lru_cache
from operator import index
from typing import NamedTuple

SCALE = 8
METHODS = ("half_up", "half_even", "up", "down")

# Arithmetic that refuses to round; 28 digits are more than any column of money holds.
_EXACT = Context(prec=28, Emax=27, traps=[InvalidOperation, Overflow, Inexact])


class Terms(NamedTuple):
    """What a rate says about the price of a call; made by :func:`terms`."""

    price: int  # per minute, in units of 10**-8
    fee: int  # connection fee of an answered call, in units of 10**-8
    included: int  # seconds at the start of every call that cost nothing
    initial: int  # seconds of the first block
    increment: int  # seconds of every later step
    digits: int  # decimals of the amount, 0 to 8
    method: str  # one of METHODS


def from_decimal(value):
    """The engine's integer for an amount of money.

    :param value: the amount, as ``Decimal``, ``str`` or ``int``
    :return: the amount in units of 10**-8 (``int``)
    :raises TypeError: for a ``float``: it has lost the digits already
    :raises ValueError: for what is no finite number, has more than 8 decimals, or more than 20
        digits before them

    >>> from_decimal('0.015')
    1500000
    >>> from_decimal('0.000000001')
    Traceback (most recent call last):
    ValueError: 0.000000001 has more than 8 decimals
    """
    if not isinstance(value, (Decimal, str, int)):
        raise TypeError(f"{value!r}: money is given as Decimal, str or int")
    try:
        return int(Decimal(value).scaleb(SCALE, _EXACT).to_integral_exact(context=_EXACT))
    except Overflow:
        raise ValueError(f"{value} is too large for an amount of money") from None
    except Inexact:
        raise ValueError(f"{value} has more than {SCALE} decimals") from None
    except (ArithmeticError, ValueError):
        raise ValueError(f"{value!r} is not an amount of money") from None


def to_decimal(amount):
    """The amount of money behind the engine's integer.

    :param amount: units of 10**-8 (``int``)
    :return: the same amount as a ``Decimal`` with 8 decimals, exact for any size

    >>> to_decimal(1650000)
    Decimal('0.01650000')
    """
    return Decimal(f"{amount}E-{SCALE}")


def terms(
    price_per_minute,
    connection_fee=0,
    included_seconds=0,
    initial_increment=1,
    increment=1,
    digits=4,
    method="half_up",
):
    """Check the figures of a rate and make them ready for pricing.

    An increment of 0 means per second. A first block of 0 means that there is none of its own: the
    increments count from the start of the call, so 0/60 bills whole minutes (and 0/0 whole
    seconds).

    :param price_per_minute: price of 60 seconds (``Decimal``, ``str`` or ``int``)
    :param connection_fee: fee of every answered call (``Decimal``, ``str`` or ``int``)
    :param included_seconds: seconds at the start of every call that cost nothing
    :param initial_increment: seconds of the first block
    :param increment: seconds of every later step
    :param digits: decimals of the amount, 0 to 8
    :param method: how the amount is rounded: half_up, half_even, up or down
    :return: :class:`Terms`
    :raises TypeError: for a ``float`` price or fee, or seconds that are not whole
    :raises ValueError: for negative or endless figures, more than 8 decimals, an unknown method

    >>> terms('0.015', initial_increment=30, increment=6)
    Terms(price=1500000, fee=0, included=0, initial=30, increment=6, digits=4, method='half_up')
    """
    increment = _not_negative("increment", index(increment)) or 1
    initial = _not_negative("initial increment", index(initial_increment)) or increment
    digits = index(digits)
    if not 0 <= digits <= SCALE:
        raise ValueError(f"an amount has 0 to {SCALE} decimals, not {digits}")
    if method not in METHODS:
        raise ValueError(f"unknown rounding method {method!r}")
    return Terms(
        _not_negative("price per minute", from_decimal(price_per_minute)),
        _not_negative("connection fee", from_decimal(connection_fee)),
        _not_negative("included seconds", index(included_seconds)),
        initial,
        increment,
        digits,
        method,
    )


def _not_negative(name, number):
    if number < 0:
        raise ValueError(f"the {name} is negative")
    return number


def billed_seconds(seconds, included=0, initial=1, increment=1):
    """The seconds that a rate charges for a call.

    Included seconds are deducted first, then the first block counts whole, then whole increments
    from the end of the block. The increment may be longer than the first block.

    :param seconds: duration of the answered call; 0 for one that was not answered
    :param included: seconds at the start that cost nothing
    :param initial: seconds of the first block
    :param increment: seconds of every later step
    :return: charged seconds (``int``)

    >>> billed_seconds(31, initial=30, increment=6), billed_seconds(31, initial=30, increment=60)
    (36, 90)
    """
    rest = seconds - included
    if rest <= 0 or seconds <= 0:
        return 0
    if rest <= initial:
        return initial
    return initial - (initial - rest) // increment * increment


def price_call(terms, seconds, free_seconds=0, fee_covered=False):
    """The price of one call: ``price x billed seconds / 60 + fee``, rounded once.

    A call that packages carry in part is priced from the first second they do not carry: the rest
    is a call of its own with its own first block, and included seconds are used up by the free
    ones. The connection fee is charged once, unless it is covered.

    :param terms: :class:`Terms` of the rate in force at the start of the call
    :param seconds: duration of the answered call; 0 (or less) for one that was not answered
    :param free_seconds: seconds at the start of the call that packages carry
    :param fee_covered: whether the packages carry the connection fee too
    :return: (billed seconds, amount in units of 10**-8); the billed seconds contain the free ones,
        and those of a wholly free call are what the rate would have billed

    >>> price_call(terms('0.015', initial_increment=30, increment=6), 61)
    (66, 1650000)
    >>> price_call(terms('0.06', '0.10', initial_increment=60, increment=60), 90, free_seconds=30)
    (90, 16000000)
    """
    return pricer(terms)(seconds, free_seconds, fee_covered)


@lru_cache(maxsize=4096)
def pricer(terms):
    """The function that prices calls by these terms, to hold on to where many calls are priced.

    The blocks of :func:`billed_seconds` are written out in it once more: calling it for each call
    takes a third longer.

    :param terms: :class:`Terms`
    :return: a function of (seconds, free_seconds=0, fee_covered=False) with the meaning and the
        result of :func:`price_call`

    >>> pricer(terms('0.015', initial_increment=30, increment=6))(61)
    (66, 1650000)
    """
    price, fee, included, initial, increment, digits, method = terms
    step = 10 ** (SCALE - digits)
    # amount = price x seconds / 60 + fee, in steps: one division of integers, whose bias rounds.
    divisor = 60 * step
    bias = {"down": 0, "up": divisor - 1}.get(method, divisor // 2)
    ties_to_even = method == "half_even"
    fee_part = 60 * fee + bias

    def price_one(seconds, free_seconds=0, fee_covered=False):
        if seconds <= 0:
            return 0, 0
        rest = seconds - included
        if rest <= 0:
            billed = 0
        elif rest <= initial:
            billed = initial
        else:
            billed = initial - (initial - rest) // increment * increment
        priced = billed
        if free_seconds > 0:
            if free_seconds >= seconds:
                priced = 0
            else:
                priced = billed_seconds(
                    seconds - free_seconds, max(0, included - free_seconds), initial, increment
                )
                billed = free_seconds + priced
        dividend = price * priced + (bias if fee_covered else fee_part)
        steps = dividend // divisor
        if ties_to_even and steps & 1 and not dividend % divisor:
            steps -= 1
        return billed, steps * step

    return price_one


def explain(terms, seconds, free_seconds=0, fee_covered=False):
    """How :func:`price_call` comes to its result, step by step, for a screen to put into words.

    Amounts are in units of 10**-8. The codes, in their order, with what comes along:

    - duration: seconds
    - not_answered: amount (0); the last step of a call of no seconds
    - free: seconds that packages carry
    - included: seconds that the rate does not charge
    - first_block: seconds
    - increments: count, increment, seconds
    - usage: seconds, price (per minute), amount, exact (False: the amount has more than 8 decimals
      and is cut here; the rounding at the end starts from all of them)
    - fee: amount, covered
    - rounded: method, digits, amount; the last step, its amount is that of :func:`price_call`

    Steps that play no part in the call (packages, increments, a fee of 0) are left out.

    :param terms: :class:`Terms`
    :param seconds: duration of the answered call
    :param free_seconds: seconds at the start of the call that packages carry
    :param fee_covered: whether the packages carry the connection fee too
    :return: list of (code, dict)

    >>> for step in explain(terms('0.015', initial_increment=30, increment=6), 61):
    ...     print(*step)
    duration {'seconds': 61}
    included {'seconds': 0}
    first_block {'seconds': 30}
    increments {'count': 6, 'increment': 6, 'seconds': 36}
    usage {'seconds': 66, 'price': 1500000, 'amount': 1650000, 'exact': True}
    rounded {'method': 'half_up', 'digits': 4, 'amount': 1650000}
    """
    amount = price_call(terms, seconds, free_seconds, fee_covered)[1]
    steps = [("duration", {"seconds": max(0, seconds)})]
    if seconds <= 0:
        return [*steps, ("not_answered", {"amount": 0})]
    free = min(max(0, free_seconds), seconds)
    if free:
        steps.append(("free", {"seconds": free}))
    rest = seconds - free
    if rest:
        included = min(max(0, terms.included - free), rest)
        steps.append(("included", {"seconds": included}))
        priced = billed_seconds(rest, included, terms.initial, terms.increment)
        if priced:
            steps.append(("first_block", {"seconds": terms.initial}))
        count = (priced - terms.initial) // terms.increment
        if count > 0:
            increments = {
                "count": count,
                "increment": terms.increment,
                "seconds": count * terms.increment,
            }
            steps.append(("increments", increments))
        usage, lost = divmod(terms.price * priced, 60)
        steps.append(
            (
                "usage",
                {"seconds": priced, "price": terms.price, "amount": usage, "exact": not lost},
            )
        )
    if terms.fee:
        steps.append(("fee", {"amount": terms.fee, "covered": bool(fee_covered)}))
    rounded = {"method": terms.method, "digits": terms.digits, "amount": amount}
    return [*steps, ("rounded", rounded)]
