"""The arithmetic of a call's price in sentences, in the user's language."""

from odoo.tools.misc import NON_BREAKING_SPACE, formatLang

from ..engine.tariff import to_decimal


def money_text(env, amount, currency, digits=None):
    """Return an amount of money as text.

    :param amount: units of 10**-8 (``int``)
    :param digits: decimals; None for as many as there are, two at least
    """
    exact = to_decimal(amount)
    if digits is None:
        digits = max(2, -exact.normalize().as_tuple().exponent)
    text = formatLang(env, float(exact), digits=digits)
    if currency.position == "before":
        return f"{currency.symbol}{NON_BREAKING_SPACE}{text}"
    return f"{text}{NON_BREAKING_SPACE}{currency.symbol}"


def increments_text(terms):
    """Return the increments of a rate as the trade writes them: 30/6."""
    return f"{terms.initial}/{terms.increment}"


def step_texts(env, steps, currency):
    """Return the steps of `engine.tariff.explain` as sentences.

    :return: list of (sentence, amount as text or '')
    """

    def money(amount):
        return money_text(env, amount, currency)

    return [text for code, values in _shorter(steps) if (text := _step(env, code, values, money))]


def _shorter(steps):
    """Return the steps with those of a rate per second made one: it has blocks of one second."""
    found = dict(steps)
    first, rest = found.get("first_block"), found.get("increments", {"increment": 1, "seconds": 0})
    if first and first["seconds"] == rest["increment"] == 1:
        total = {"seconds": 1 + rest["seconds"]}
        steps = [
            ("per_second", total) if code == "first_block" else (code, values)
            for code, values in steps
            if code != "increments"
        ]
    return steps


def _step(env, code, values, money):
    """Return (sentence, amount) of one step, None for one that says nothing."""
    seconds = values.get("seconds")
    if code == "duration":
        return env._("The call lasts %s s.", seconds), ""
    if code == "not_answered":
        return env._("A call that is not answered costs nothing."), money(0)
    if code == "free":
        return env._("Packages carry %s s.", seconds), ""
    if code == "included":
        return (env._("%s s are included.", seconds), "") if seconds else None
    if code == "per_second":
        return env._("Billed by the second: %s s.", seconds), ""
    if code == "first_block":
        return env._("The first block counts %s s.", seconds), ""
    if code == "increments":
        return (
            env._(
                "Then %(count)s × %(increment)s s = %(seconds)s s.",
                count=values["count"],
                increment=values["increment"],
                seconds=seconds,
            ),
            "",
        )
    if code == "usage":
        price = money(values["price"])
        if values["exact"]:
            sentence = env._("%(seconds)s s × %(price)s / 60", seconds=seconds, price=price)
        else:
            sentence = env._(
                "%(seconds)s s × %(price)s / 60 (more decimals than shown)",
                seconds=seconds,
                price=price,
            )
        return sentence, money(values["amount"])
    if code == "fee":
        if values["covered"]:
            return (
                env._("The package covers the connection fee of %s.", money(values["amount"])),
                money(0),
            )
        return env._("Connection fee"), money(values["amount"])
    methods = {
        "half_up": env._("to the nearest, half up"),
        "half_even": env._("to the nearest, half to even"),
        "up": env._("up"),
        "down": env._("down"),
    }
    sentence = env._(
        "Rounded once, to %(digits)s decimals: %(method)s",
        method=methods[values["method"]],
        digits=values["digits"],
    )
    return sentence, money(values["amount"])
