"""What is on the invoice of a billing period: sections, lines, taxes, dates; one code for all."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

from odoo import fields
from odoo.fields import Command
from odoo.tools import SQL, format_date

from .account_chain import AccountChain
from .charge import OF_INVOICES
from .invoice_builder import InvoiceBuilder
from .invoice_carry import carried_to
from .invoice_check import InvoiceCheck
from .invoice_head import InvoiceHead
from .invoice_line import InvoiceLine, minutes_text
from .invoice_wholesale import KINDS_OF, ResoldUsage, WholesaleLines
from .sellers import charge_sides

SECTIONS = ("calls", "package", "subscription", "did", "other")
SECTION_OF = {kind: section for section, kinds in KINDS_OF.items() for kind in kinds}


class InvoiceContent(InvoiceHead):
    """Makes the invoices of closed periods. Runs as superuser within the caller's transaction."""

    def __init__(self, env, periods):
        self.env = env(su=True)
        self.periods = periods.with_env(self.env)
        self.charge_model = self.env["telecom.charge"]
        self._issuers = {}
        self.builder = InvoiceBuilder(self.env)
        self.check = InvoiceCheck(self.env)
        self.chain = AccountChain(self.env)

    def make(self):
        """Create the invoices, post those whose profile says so, and return them all.

        :raises UserError: with the account's name, when something is missing to invoice it
        """
        # a period whose invoice was cancelled is rounded anew, and charged in full
        self.charge_model.search(
            [("period_id", "in", self.periods.ids), ("charge_type", "in", OF_INVOICES)]
        ).unlink()
        carried = carried_to(self.periods)
        everything = InvoiceContent(self.env, self.periods.union(*carried.values()))
        usage, charges = everything.load_usage(), everything.load_charges()
        self.chain.load(self.periods.partner_id)
        vals_list, made, roundings = [], [], []
        # what is carried forward is on the invoice of the period after it
        for period in self.periods.sorted("date_from"):
            key = period.partner_id, period.company_id, period.is_manual
            waiting = carried[key]
            periods, rules = (waiting + period).sorted("date_from"), self._rules(period)
            lines = []
            for part in periods:
                lines += self._lines(part, usage[part.id], charges[part.id])
            lines.sort(key=lambda line: SECTIONS.index(line.charge_type))
            if not lines:
                if rules.no_usage != "always" or period.is_late:
                    periods.write({"state": "skipped", "error": False})
                    carried.pop(key)
                    continue
                lines = [self._empty_line(period)]
            total = sum((line.amount for line in lines), Decimal())
            if self._waits(period, waiting, total):
                period.write({"state": "carried", "error": False})
                carried[key] = periods
                continue
            carried.pop(key)
            vals_list.append(self._move_vals(periods, lines))
            rows = [row for part in periods for row in usage[part.id]]
            owed = self.charge_model.union(*(charges[part.id] for part in periods))
            currency = period.partner_id.telecom_currency_id
            roundings += self.rounding_vals(periods[0], currency, total, rows, owed)
            made.append((periods, period))
        self.periods.activity_unlink(["mail.mail_activity_data_warning"])
        if not vals_list:
            return self.env["account.move"]
        moves = self.builder.build(vals_list)
        to_post = to_mail = moves.browse()
        for (periods, period), move in zip(made, moves, strict=True):
            periods.write(
                {
                    "state": "invoiced",
                    "move_id": move.id,
                    "error": False,
                    "run_id": period.run_id.id,
                }
            )
            rules = self._rules(period)
            if rules.mode == "confirmed":
                to_post += move
                to_mail += move if rules.send_mail else move.browse()
        self.charge_model.create(roundings)
        if to_post:
            self.builder.post(to_post)
            # in this transaction: whatever stops the run, no invoice that was made stays unsent
            to_mail._telecom_queue_mail()
        return moves

    def _rules(self, period):
        """Return the rules by which a period is invoiced; see `BillingRules`."""
        return period._billing_rules(self.chain)

    def _run(self, period):
        """Return the billing run in which a period is invoiced."""
        return period.run_id

    def _waits(self, period, waiting, total):
        """Tell whether what is owed by the end of a period is carried on to the next one.

        :param waiting: the periods that are carried to this one
        :param Decimal total: sum of the lines of all these periods
        """
        rules = self._rules(period)
        if (
            period.is_manual
            or self._run(period)._asks_for(period.partner_id)
            # the one from whom the account moved away sends no later invoice
            or period.profile_id
            or len(waiting) >= rules.carry_periods
            or not rules.is_minor(
                total, lambda amount, currency: self._convert(period, amount, currency.id)
            )
        ):
            return False
        # the next invoice of an account that is billed elsewhere now is none of this company
        return self.chain.profile(period.partner_id).company_id == period.company_id

    # === WHAT IS CHARGED ===

    def load_usage(self):
        """Return {period: [(direction, destination, currency, calls, seconds, free, amount)]}.

        Amounts are texts: the driver would make floats of them. What a reseller resold is summed
        up by its customers, in rows of `ResoldUsage` without direction and destination.
        """
        for model in ("telecom.usage", "telecom.charge", "telecom.billing.period"):
            self.env[model].flush_model()
        rows = defaultdict(list)
        if not self.periods:
            return rows
        self.env.cr.execute(
            SQL(
                """
                SELECT u.period_id, u.resold_to_id,
                       CASE WHEN u.resold_to_id IS NULL THEN u.direction END,
                       CASE WHEN u.resold_to_id IS NULL THEN u.destination END, u.currency_id,
                       sum(u.calls), sum(u.seconds), sum(u.free_seconds), sum(u.amount)::text
                  FROM telecom_usage u
                  JOIN res_partner p ON p.id = u.partner_id
                 WHERE u.period_id IN %s
                       -- an agent's customers are invoiced in the provider's own books
                   AND (u.tier = 0 OR p.reseller_kind IS DISTINCT FROM 'agent')
                 GROUP BY 1, 2, 3, 4, 5
                HAVING sum(u.calls) != 0 OR sum(u.amount) != 0
                 ORDER BY 3 DESC, 4, 2
                """,
                tuple(self.periods.ids),
            )
        )
        for period, customer, *row in self.env.cr.fetchall():
            rows[period].append(ResoldUsage(customer, row) if customer else row)
        return rows

    def load_charges(self):
        """Return {period: charges} in the order in which they are printed."""
        charges = defaultdict(self.charge_model.browse)
        found = self.charge_model.search(
            [
                ("period_id", "in", self.periods.ids),
                ("charge_type", "not in", OF_INVOICES),
                "|",
                ("tier", "=", 0),
                ("partner_id.reseller_kind", "!=", "agent"),
            ],
            order="name, date_from, id",
        )
        for charge in found:
            charges[charge.period_id.id] += charge
        return charges

    # === LINES ===

    def _lines(self, period, usage, charges):
        """Return the lines of a period."""
        currency = period.partner_id.telecom_currency_id
        env = self._lang_env(period.partner_id)
        wholesale = WholesaleLines(self, period, usage, charges)
        lines = self._call_lines(env, period, wholesale.own_usage)
        for charge in wholesale.own_charges:
            lines.append(self._charge_line(env, period, charge))
        lines += wholesale.lines(env)
        step = Decimal(str(currency.rounding))
        for line in lines:
            if line.price is None:
                line.price = (line.exact / step).quantize(Decimal(1), ROUND_HALF_UP) * step
            line.period = period
        return lines

    def _call_lines(self, env, period, usage):
        """Return the lines of calls, in the detail that the profile asks for."""
        detail = self._rules(period).line_detail
        groups = defaultdict(list)
        for direction, destination, currency_id, *sums in usage:
            key = {
                "destination": (direction, destination, currency_id),
                "direction": (direction, False, False),
                "total": (False, False, False),
            }[detail]
            groups[key].append((self._convert(period, sums[-1], currency_id), *sums[:-1]))
        return [
            self._call_line(env, period, direction, destination, rows)
            for (direction, destination, _currency_id), rows in groups.items()
        ]

    def _call_line(self, env, period, direction, destination, rows):
        """Return one line of calls.

        :param direction: of its calls, False for both
        :param destination: False for all of them
        :param rows: (amount in the invoice's currency, calls, seconds, free seconds)
        """
        amount, calls, seconds, free = (sum(column) for column in zip(*rows, strict=True))
        texts = {
            "destination": destination or self._direction_text(env, direction),
            "calls": int(calls),
            "minutes": minutes_text(seconds),
            "free": minutes_text(free),
        }
        # no word follows a number: languages differ in how many plurals they have
        if free:
            name = env._(
                "%(destination)s – calls: %(calls)s, minutes: %(minutes)s, of which free: %(free)s",
                **texts,
            )
        else:
            name = env._("%(destination)s – calls: %(calls)s, minutes: %(minutes)s", **texts)
        line = InvoiceLine("calls", name, amount, self._rules(period).profile.call_product_id)
        line.destination, line.direction = destination, direction
        return line

    def _direction_text(self, env, direction):
        if direction == "outbound":
            return env._("Outgoing calls")
        return env._("Incoming calls") if direction else env._("All calls")

    def _empty_line(self, period):
        """Return the line of an invoice for nothing: without one Odoo confirms none."""
        env = self._lang_env(period.partner_id)
        product = self._rules(period).profile.call_product_id
        line = InvoiceLine("calls", env._("No calls and no services"), Decimal(), product)
        line.price, line.period = Decimal(), period
        return line

    def _charge_line(self, env, period, charge):
        section = SECTION_OF[charge.charge_type]
        name = charge.name
        if charge.charge_type == "setup":
            name = env._("%s, setup", name)
        if charge.date_from and charge.date_to and charge.date_to > charge.date_from:
            name = env._(
                "%(name)s, %(from)s to %(to)s",
                name=name,
                **{
                    "from": format_date(env, charge.date_from),
                    "to": format_date(env, fields.Date.subtract(charge.date_to, days=1)),
                },
            )
        line = InvoiceLine(
            section,
            name,
            self._convert(period, Decimal(str(charge.amount)), charge.currency_id.id),
            charge.product_id,
        )
        line.charge = charge
        quantity, price = Decimal(str(charge.quantity)), Decimal(str(charge.price_unit))
        digits = env["decimal.precision"].precision_get("Product Price")
        places = period.partner_id.telecom_currency_id.decimal_places
        same_in_odoo = round(price, digits) == price and round(line.exact, places) == line.exact
        if quantity > 0 and quantity * price == line.exact and same_in_odoo:
            # a whole span shows its price; a part of one only its amount
            line.quantity, line.price = float(quantity), price
        elif quantity not in (1, -1):
            line.name = env._(
                "%(name)s (%(quantity)s units)",
                name=line.name,
                quantity=f"{quantity.normalize():f}",
            )
        return line

    def _convert(self, period, amount, currency_id):
        """Return an amount in the period's currency, at the rate of its last day."""
        target = period.partner_id.telecom_currency_id
        if currency_id == target.id:
            return Decimal(str(amount))
        source = self.env["res.currency"].browse(currency_id)
        company, day = period.company_id, fields.Date.subtract(period.date_to, days=1)
        for currency in (source, target):
            self.check.check_rate(period.partner_id, currency, company, day)
        return Decimal(str(source._convert(float(amount), target, company, day, round=False)))

    # === THE MOVE ===

    def _line_vals(self, period, lines, sign):
        env = self._lang_env(period.partner_id)
        titles = {
            "calls": env._("Calls"),
            "package": env._("Packages"),
            "subscription": env._("Subscriptions"),
            "did": env._("Numbers"),
            "other": env._("Other"),
        }
        company = period.company_id
        taxes, above = self._rules(period).tax_ids, None
        for line in lines:
            section = line.charge_type
            # calls of each period by themselves; other charges have their own spans
            title = (section, line.period if section == "calls" else None)
            if title != above:
                above = title
                name = titles[section]
                if section == "calls":
                    name = f"{name}, {line.period._span_text()}"
                yield {"display_type": "line_section", "name": name}
            vals = {
                "name": line.name,
                "quantity": line.quantity,
                "price_unit": float(sign * line.price),
                "telecom_section": section,
                "telecom_amount": float(line.amount),
                "telecom_destination": line.destination or False,
                "telecom_direction": line.direction or False,
                "telecom_charge_id": line.charge.id if line.charge else False,
                "telecom_customer_id": line.customer.id if line.customer else False,
                "telecom_period_id": line.period.id,
            }
            if line.product:
                vals["product_id"] = line.product.id
            if taxes:
                vals["tax_ids"] = [Command.set(taxes.ids)]
            elif not line.product:
                # such as an adjustment: Odoo leaves a line without a product untaxed
                vals["tax_ids"] = [Command.set(self._default_taxes(period, company).ids)]
            yield vals

    def rounding_vals(self, period, currency, total, usage, charges):
        """Return the charges that make the exact ones add up to the invoice's rounded lines.

        There is one a currency: what was charged in another than the invoice's is taken out
        there and added here, at the rate of the invoice.

        :param currency: the invoice's, in which `total` is
        :param Decimal total: sum of the lines
        """
        differences = defaultdict(Decimal)
        for row in usage:
            differences[row[2]] -= Decimal(row[6])
        for charge in charges:
            differences[charge.currency_id.id] -= Decimal(str(charge.amount))
        several = len(differences) > 1
        name = self.env._("Currency conversion") if several else self.env._("Rounding")
        differences[currency.id] += total
        return [
            {
                **self.charge_vals(period, "rounding", name),
                "amount": float(difference),
                "currency_id": currency_id,
            }
            for currency_id, difference in differences.items()
            if difference
        ]

    def charge_vals(self, period, charge_type, name):
        """Return values of a charge that follows the invoice of a period.

        It is whose the period was: the account may have been moved to another reseller since.
        """
        sides = charge_sides(period._tiers_at_end(self.chain))
        return {
            "name": name,
            "partner_id": period.partner_id.id,
            "seller_id": sides[0]["seller_id"],
            "company_id": period.company_id.id,
            "charge_type": charge_type,
            "date": fields.Date.subtract(period.date_to, days=1),
            "period_id": period.id,
        }

    def _lang_env(self, partner):
        return self.env(context={**self.env.context, "lang": partner.lang or self.env.lang})
