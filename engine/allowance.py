"""Free units: how the allowances of packages carry calls.

An allowance is what is left of one package in one billing period. The order of the calls decides
who pays: whoever comes first uses the units, so callers take in the order of the calls' starts.
"""


class Allowance:
    """Free units that are left; :func:`take` uses them up.

    :param key: whatever tells this allowance from others, handed back in the uses
    :param unit: 'seconds', 'calls', or 'unlimited' (then ``remaining`` has no meaning)
    :param remaining: units left (``int``, not negative)
    :param increment: seconds; the time that a call uses up is rounded up to it (60: whole minutes)
    :param covers_fee: whether a call that this allowance carries pays no connection fee
    :raises ValueError: for an unknown unit, units below 0 or an increment below 1
    """

    __slots__ = ("covers_fee", "increment", "key", "remaining", "unit")

    UNITS = ("seconds", "calls", "unlimited")

    def __init__(self, key, unit, remaining=0, increment=1, covers_fee=True):
        if unit not in self.UNITS:
            raise ValueError(f"unknown unit {unit!r}")
        if remaining < 0:
            raise ValueError("an allowance cannot be overdrawn")
        if increment < 1:
            raise ValueError("an allowance is used in steps of at least one second")
        self.key = key
        self.unit = unit
        self.remaining = remaining
        self.increment = increment
        self.covers_fee = covers_fee

    def __repr__(self):
        return (
            f"Allowance({self.key!r}, {self.unit!r}, {self.remaining!r},"
            f" increment={self.increment!r}, covers_fee={self.covers_fee!r})"
        )


def take(allowances, seconds):
    """Let allowances carry a call, in the order in which they stand.

    An allowance of calls carries whatever is left of the call for one unit, an unlimited one
    carries it and says how many seconds that was. An allowance of seconds needs the rest of the
    call rounded up to its increment; where fewer units remain it gives all of them, for as many
    seconds of the call at most.

    :param allowances: iterable of :class:`Allowance`; their ``remaining`` is reduced
    :param seconds: duration of the answered call
    :return: (free seconds, list of (key, units used), whether a connection fee is covered)

    >>> bundle = Allowance('minutes', 'seconds', 6000, increment=60)
    >>> take([bundle], 61), bundle.remaining
    ((61, [('minutes', 120)], True), 5880)
    """
    rest = seconds = max(0, seconds)
    uses = []
    fee_covered = False
    for allowance in allowances:
        if not rest:
            break
        remaining = allowance.remaining
        if allowance.unit == "calls":
            if remaining <= 0:
                continue
            units, carried = 1, rest
        else:
            # Rounded up: the floor of the negative.
            units, carried = -(-rest // allowance.increment) * allowance.increment, rest
            if allowance.unit == "seconds" and units > remaining:
                if remaining <= 0:
                    continue
                units, carried = remaining, min(remaining, rest)
        if allowance.unit != "unlimited":
            allowance.remaining = remaining - units
        uses.append((allowance.key, units))
        rest -= carried
        fee_covered = fee_covered or allowance.covers_fee
    return seconds - rest, uses, fee_covered


def release(allowances_by_key, uses):
    """Give back what calls have used: the reverse of :func:`take`, for pricing them again.

    :param allowances_by_key: mapping of key to :class:`Allowance`; their ``remaining`` grows
    :param uses: iterable of (key, units) as :func:`take` returned them
    :raises KeyError: when an allowance is not in the mapping; nothing is given back then

    >>> bundle = Allowance('minutes', 'seconds', 100)
    >>> release({'minutes': bundle}, take([bundle], 61)[1])
    >>> bundle.remaining
    100
    """
    returned = [(allowances_by_key[key], units) for key, units in uses]
    for allowance, units in returned:
        if allowance.unit != "unlimited":
            allowance.remaining += units
