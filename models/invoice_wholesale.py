"""The wholesale part of a reseller's invoice: what its customers used, by customer and kind."""

from collections import defaultdict
from decimal import Decimal

from .invoice_line import InvoiceLine, minutes_text

# kinds of charges by the section of the invoice in which they are
KINDS_OF = {
    "package": ("package",),
    "subscription": ("subscription",),
    "did": ("did",),
    "other": ("setup", "adjustment", "commission"),
}


class ResoldUsage(list):
    """A row of usage as `InvoiceContent.load_usage` returns it, of one of the account's customers.

    The calls of all destinations and both directions are in it.
    """

    __slots__ = ("customer_id",)

    def __init__(self, customer_id, row):
        super().__init__(row)
        self.customer_id = customer_id


class WholesaleLines:
    """Tells what an account uses itself from what it resells, and makes the lines of the latter.

    A customer is the reseller's own: for what is sold through another reseller below, that
    reseller. Whom that one sells to is not named; it is not this reseller's business.
    """

    def __init__(self, content, period, usage, charges):
        """
        :param content: the `InvoiceContent` that makes the invoice
        :param usage: rows of the period, as `load_usage` returns them
        :param charges: those of the period, as `load_charges` returns them
        """
        self.content = content
        self.period = period
        self.own_usage, self._usage = [], defaultdict(list)
        for row in usage:
            if isinstance(row, ResoldUsage):
                self._usage[row.customer_id].append(row)
            else:
                self.own_usage.append(row)
        resold = charges.filtered("resold_to_id")
        self.own_charges = charges - resold
        self._charges = resold.grouped("resold_to_id")

    def lines(self, env):
        """Return one line per customer and kind: calls, packages, subscriptions and so on.

        :param env: environment in the language of the invoice
        """
        customers = env["res.partner"].browse(self._usage).union(*self._charges)
        lines = []
        for customer in customers.with_env(env).sorted(lambda c: (c.display_name, c.id)):
            rows = self._usage.get(customer.id)
            if rows:
                lines.append(self._call_line(env, customer, rows))
            charges = self._charges.get(customer)
            for section, kinds in KINDS_OF.items():
                found = charges and charges.filtered(lambda c, kinds=kinds: c.charge_type in kinds)
                if found:
                    lines += self._charge_lines(env, customer, section, found)
        return lines

    def _call_line(self, env, customer, rows):
        _way, _destination, _currency, calls, seconds, free, _amount = zip(*rows, strict=True)
        amount = sum((self._convert(row[6], row[2]) for row in rows), Decimal())
        texts = {
            "customer": customer.display_name,
            "calls": int(sum(calls)),
            "minutes": minutes_text(sum(seconds)),
            "free": minutes_text(sum(free)),
        }
        # no word follows a number: languages differ in how many plurals they have
        if sum(free):
            name = env._(
                "Calls of %(customer)s – calls: %(calls)s, minutes: %(minutes)s, "
                "of which free: %(free)s",
                **texts,
            )
        else:
            name = env._("Calls of %(customer)s – calls: %(calls)s, minutes: %(minutes)s", **texts)
        product = self.content._rules(self.period).profile.call_product_id
        return self._line("calls", name, amount, product, customer)

    def _charge_lines(self, env, customer, section, charges):
        """Return the line of a customer's charges of one kind.

        Where their products have different taxes or accounts, there is one per product.
        """
        by_product = charges.grouped("product_id")
        groups = list(by_product.items())
        if len(groups) > 1 and len({self._entries_of(product) for product in by_product}) == 1:
            groups = [(charges.product_id.sorted("id")[:1], charges)]
        lines = []
        for product, group in groups:
            amount = sum(
                (self._convert(Decimal(str(c.amount)), c.currency_id.id) for c in group), Decimal()
            )
            name = self._charges_name(env, customer, section, group)
            if len(groups) > 1 and product:
                name = f"{name}, {product.with_env(env).name}"
            lines.append(self._line(section, name, amount, product, customer))
        return lines

    def _charges_name(self, env, customer, section, charges):
        texts = {"customer": customer.display_name, "count": len(charges)}
        if section == "package":
            return env._("Packages of %(customer)s – charges: %(count)s", **texts)
        if section == "subscription":
            return env._("Subscriptions of %(customer)s – charges: %(count)s", **texts)
        if section == "did":
            return env._("Numbers of %(customer)s – charges: %(count)s", **texts)
        if set(charges.mapped("charge_type")) == {"setup"}:
            return env._("Setup fees of %(customer)s – charges: %(count)s", **texts)
        return env._("Other charges of %(customer)s – charges: %(count)s", **texts)

    def _entries_of(self, product):
        """Return what decides how a product is booked: its taxes and its account."""
        company = self.period.company_id
        product = product.with_company(company)
        taxes = product.taxes_id._filter_taxes_by_company(company)
        if self.content._rules(self.period).tax_ids:
            # the account's own replace them
            taxes = taxes.browse()
        account = product._get_product_accounts()["income"] if product else None
        return bool(product), frozenset(taxes.ids), account

    def _convert(self, amount, currency_id):
        return self.content._convert(self.period, amount, currency_id)

    def _line(self, section, name, amount, product, customer):
        line = InvoiceLine(section, name, amount, product)
        line.customer = customer
        return line
