from decimal import Decimal


class InvoiceLine:
    """A line before it is one: exact amount, text, and what it opens."""

    __slots__ = (
        "charge",
        "charge_type",
        "customer",
        "destination",
        "direction",
        "exact",
        "name",
        "period",
        "price",
        "product",
        "quantity",
    )

    def __init__(self, section, name, exact, product=None):
        self.charge_type = section
        self.name = name
        self.exact = exact
        self.product = product
        self.charge = None
        self.customer = None
        self.destination = None
        self.direction = None
        self.period = None
        self.quantity = 1.0
        self.price = None

    @property
    def amount(self):
        """Return what the line adds to the invoice, in its currency."""
        return self.price * Decimal(str(self.quantity))


def minutes_text(seconds):
    """Return seconds as minutes and seconds, `75:05`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
