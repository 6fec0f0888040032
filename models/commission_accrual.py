"""What agents earn by the invoices of their customers: entered when these are posted or paid."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from odoo import fields
from odoo.exceptions import UserError

from .account_chain import AccountChain
from .commission_costs import CommissionCosts
from .failures import failure_text, warn
from .invoice_check import InvoiceCheck

ZERO = Decimal()
ONE = Decimal(1)
# the columns that are the same in all rows of a document, agent and kind
TERMS = ("method", "accrue_on", "percent")


class Share(NamedTuple):
    """Amounts of rows: the commission, of what (in the document's currency), and the cost."""

    amount: Decimal
    base: Decimal
    cost: Decimal = ZERO

    def __neg__(self):
        return Share(-self.amount, -self.base, -self.cost)

    def __add__(self, other):
        return Share(*(one + two for one, two in zip(self, other, strict=True)))

    def __sub__(self, other):
        return self + -other

    def part(self, fraction, currency, move_currency):
        """Return a fraction of this, rounded."""
        return Share(
            rounded(self.amount * fraction, currency),
            rounded(self.base * fraction, move_currency),
            rounded(self.cost * fraction, currency),
        )


NOTHING = Share(ZERO, ZERO)


class CommissionAccrual:
    """Keeps the rows of `telecom.commission` in step with invoices and their payment.

    Runs as superuser: whoever posts an invoice or enters a payment needs no telecom rights.
    """

    def __init__(self, env):
        self.env = env(su=True)
        self.model = self.env["telecom.commission"]
        self.chain = AccountChain(self.env)
        self.check = InvoiceCheck(self.env)

    # === WHAT HAPPENS TO DOCUMENTS ===

    def accrue(self, moves):
        """Enter what is earned by documents that were posted now.

        What cannot be computed, for want of an exchange rate, is tried again by the hourly job:
        no invoice waits for a commission.

        :param moves: account.move; those that concern no agent are passed over
        """
        moves = moves.with_env(self.env).filtered(lambda move: move.is_sale_document())
        credits = moves.filtered(lambda move: move.reversed_entry_id.telecom_profile_id)
        sales = (moves - credits).filtered("telecom_profile_id")
        wanted = {}
        self.chain.load(sales.partner_id | sales.telecom_period_ids.partner_id)
        agents = {move: self._agents(move) for move in sales}
        agents = {move: found for move, found in agents.items() if found}
        costs = CommissionCosts(self.env, self._convert, agents) if agents else None
        for move, found in agents.items():
            try:
                wanted[move] = self._earned(move, found, costs)
            except UserError as error:
                self._keep_failure(move, found, error)
        for move in credits.sorted("id"):
            # the second credit note of an invoice knows of the first
            self._enter({move: self._taken_back(move)})
        self._enter(wanted)
        healed = [move.id for move in wanted if move.telecom_commission_error]
        self.env["account.move"].browse(healed).telecom_commission_error = False

    def withdraw(self, moves):
        """Take back what is earned by documents that are no longer posted."""
        rows = self._rows(moves)
        self._enter({move: {} for move in rows.move_id})
        counted = self.env["telecom.charge"].search([("commission_move_id", "in", moves.ids)])
        counted.commission_move_id = False
        failed = moves.with_env(self.env).filtered("telecom_commission_error")
        failed.telecom_commission_error = False

    def follow(self, moves):
        """Enter what is earned by payments, or no longer earned when they are undone."""
        rows = self._rows(moves).filtered(lambda row: row.accrue_on == "paid")
        wanted = defaultdict(dict)
        for key, same in self._by_key(rows).items():
            wanted[same.move_id][key[1:]] = self._sum(same), self._terms_of(same)
        self._enter({move: found for move, found in wanted.items() if move.state == "posted"})

    # === WHAT IS EARNED ===

    def _agents(self, move):
        """Return the agents that sell to the account of an invoice, the nearest first.

        Those who sold on the last day that it covers, wherever the account has moved since. A
        distributor sells in its own name: who is above it earns by what the distributor pays.
        """
        above = self._above(move)
        agents = above.browse()
        for reseller in above:
            if reseller.reseller_kind != "agent":
                break
            agents += reseller
        return agents.filtered("telecom_commission_method")

    def _above(self, move):
        """Return those who sold what is on an invoice, the nearest to its account first."""
        last = move.telecom_period_ids.sorted("date_to")[-1:]
        if last:
            self.chain.load(last.partner_id)
            return last._tiers_at_end(self.chain)[1:]
        return self.chain.tiers(move._telecom_account())[1:]

    def _seller(self, move):
        """Return the distributor in whose books an invoice's agents sell; empty: the provider."""
        above = self._above(move)
        return above.filtered(lambda reseller: reseller.reseller_kind != "agent")[:1]

    def _bases(self, move):
        """Return {kind: untaxed amount}, as the lines are now; negative on credit notes."""
        bases = defaultdict(Decimal)
        for line in move.invoice_line_ids:
            kind = line.telecom_section or line.telecom_credited_section
            if kind and line.display_type == "product":
                bases[kind] -= exact(line.amount_currency)
        return bases

    def _earned(self, move, agents, costs):
        """Return {(agent id, kind, currency id): (Share, terms)} of an invoice.

        By percent it is a share of what the customer is charged. By difference it is what the
        tier below pays less the agent's own price: what the customer is charged less what the
        agents below earn by it.
        """
        result, below = {}, defaultdict(list)
        bases = self._bases(move)
        for agent in agents:
            method = agent.telecom_commission_method
            currency = agent.with_company(move.company_id).telecom_currency_id
            terms = {
                "method": method,
                "accrue_on": agent.telecom_commission_when,
                "percent": 0.0,
            }
            earned = {}
            for kind, base in bases.items():
                if method == "percent":
                    percent = exact(agent[f"telecom_commission_{kind}"])
                    amount = self._convert(base * percent / 100, move.currency_id, currency, move)
                    share, percent = Share(amount, base), float(percent)
                else:
                    whole, base = base, costs.bought(move, agent, kind, base)
                    # who sells on what an agent does not buy is paid by who does
                    part = base / whole if whole else ONE
                    cost = costs.cost(move, agent, kind)
                    for lower, source in below[kind]:
                        cost += self._convert(lower, source, currency, move) * part
                    revenue = self._convert(base, move.currency_id, currency, move)
                    share, percent = Share(revenue - cost, base, cost), 0.0
                share = share.part(ONE, currency, move.currency_id)
                if share.amount or share.cost:
                    result[agent.id, kind, currency.id] = share, {**terms, "percent": percent}
                    earned[kind] = share.amount, currency
            for kind, amount in earned.items():
                below[kind].append(amount)
        return result

    def _taken_back(self, move):
        """Return {(agent id, kind, currency id): (Share, terms)} of a credit note: of what the
        credited invoice earns, as large a part as it gives back of what was invoiced.

        Parts are differences of rounded cumulative ones: credit notes that give everything
        back take everything back.
        """
        invoice = move.reversed_entry_id
        others = self.env["account.move"].search(
            [("reversed_entry_id", "=", invoice.id), ("id", "!=", move.id)]
        )
        earlier = self._by_key(self._rows(others), with_move=False)
        credited, invoiced, result = self._bases(move), self._bases(invoice), {}
        untaxed = exact(invoice.amount_untaxed)
        # where none of the invoice's lines is left
        of_all = -exact(move.amount_untaxed) / untaxed if untaxed else ZERO
        for key, rows in self._by_key(self._rows(invoice), with_move=False).items():
            whole, kind = self._sum(rows), key[1]
            if not any(whole):
                continue
            fraction, before = of_all, NOTHING
            if credited and invoiced.get(kind):
                fraction = credited.get(kind, ZERO) / invoiced[kind]
            if whole.base:
                before = self._sum(earlier.get(key, self.model))
                fraction += before.base / whole.base
            share = whole.part(fraction, rows.currency_id, move.currency_id)
            result[key] = share - before, self._terms_of(rows)
        return result

    # === ROWS ===

    def _rows(self, moves):
        return self.model.search([("move_id", "in", moves.ids)], order="id")

    @staticmethod
    def _by_key(rows, with_move=True):
        """Return {(document id, agent id, kind, currency id): rows}, or without documents."""

        def key(row):
            document = (row.move_id.id,) if with_move else ()
            return (*document, row.partner_id.id, row.kind, row.currency_id.id)

        return rows.grouped(key)

    @staticmethod
    def _sum(rows):
        return sum(
            (Share(exact(row.amount), exact(row.base), exact(row.cost)) for row in rows), NOTHING
        )

    @staticmethod
    def _terms_of(rows):
        last = rows.sorted("revision")[-1:]
        return {name: last[name] for name in TERMS}

    def _enter(self, wanted):
        """Add rows so that those of each document add up to what is wanted.

        :param wanted: {document: {(agent id, kind, currency id): (Share, terms)}}; what has rows
            and is not named earns nothing any more
        """
        moves = self.env["account.move"].union(*wanted)
        known = self._by_key(self._rows(moves)) if moves else {}
        for (move_id, *key), rows in known.items():
            shares = wanted[moves.browse(move_id)]
            shares.setdefault(tuple(key), (NOTHING, self._terms_of(rows)))
        vals_list = []
        for move, shares in wanted.items():
            for key, (share, terms) in shares.items():
                rows = known.get((move.id, *key), self.model)
                names = ("partner_id", "kind", "currency_id")
                vals_list += self._changes(
                    move, rows, share, {**dict(zip(names, key, strict=True)), **terms}
                )
        if vals_list:
            self.model.create(vals_list)._offset()

    def _changes(self, move, rows, share, vals):
        """Return values of the rows to add, and bring the row that waits up to date.

        :param rows: those that there are
        :param Share share: to which all rows shall add up
        :param vals: of each row
        """
        waiting = rows.filtered(lambda row: row.state == "waiting")
        entered = rows - waiting
        earned = share
        if vals["accrue_on"] == "paid":
            currency = self.env["res.currency"].browse(vals["currency_id"])
            earned = share.part(self._paid(move), currency, move.currency_id)
        difference, still_open = earned - self._sum(entered), share - earned
        invoice = move.reversed_entry_id or move
        customer = rows.customer_id[:1] or invoice._telecom_account()
        vals = {
            **vals,
            "move_id": move.id,
            "company_id": move.company_id.id,
            "customer_id": customer.id,
            "seller_id": (rows[:1].seller_id if rows else self._seller(invoice)).id,
            "move_name": move.name,
            "move_date": move.invoice_date,
            "move_currency_id": move.currency_id.id,
            "revision": max(rows.mapped("revision"), default=-1) + 1,
        }
        result = []
        if any(difference):
            day = self._date(move, entered, difference, share, vals["accrue_on"])
            result.append({**vals, **columns(difference), "state": "accrued", "date": day})
        if waiting and any(still_open):
            waiting.write(columns(still_open))
        elif waiting:
            waiting.unlink()
        elif any(still_open):
            day = move.invoice_date or move.date
            vals["revision"] += 1
            result.append({**vals, **columns(still_open), "state": "waiting", "date": day})
        return result

    def _paid(self, move):
        """Return which part of a document is settled, by money or by other documents."""
        total, residual = exact(move.amount_total), exact(move.amount_residual)
        if not total:
            return ONE
        return min(max((total - residual) / total, ZERO), ONE)

    def _date(self, move, rows, difference, share, accrue_on):
        """Return the day on which something is earned or, in part, no longer earned."""
        grows = (difference.amount < 0) == (share.amount < 0) and share.amount
        if not grows:
            # together with what it takes back, where that is not settled yet
            unsettled = rows.filtered(lambda row: row.state == "accrued").mapped("date")
            return min(unsettled, default=fields.Date.context_today(self.model))
        day = move.invoice_date or move.date
        if accrue_on == "paid":
            items = move.line_ids.filtered(lambda line: line.display_type == "payment_term")
            partials = items.matched_debit_ids + items.matched_credit_ids
            return max(partials.mapped("max_date"), default=day)
        return day

    # === CURRENCIES ===

    def _convert(self, amount, source, target, move):
        """Return an amount, not rounded, at the rate of a document's day.

        :raises UserError: when one of the currencies has no rate by then
        """
        if source == target or not amount:
            return amount
        day = move.invoice_date or move.date
        for currency in (source, target):
            self.check.check_rate(move.partner_id, currency, move.company_id, day)
        rate = self.env["res.currency"]._get_conversion_rate(source, target, move.company_id, day)
        return amount * Decimal(repr(rate))

    def _keep_failure(self, move, agents, error):
        """Keep on the invoice why its commission could not be entered; somebody hears of it."""
        message = failure_text(error)
        if move.telecom_commission_error != message:
            move.telecom_commission_error = message
            warn(
                move,
                message,
                self.env._("Commission of %s not entered", agents[:1].display_name),
            )


def exact(number):
    """Return a number of the database as it is written there."""
    return Decimal(str(number))


def rounded(amount, currency):
    """Return an amount rounded to its currency, halves away from zero."""
    step = Decimal(str(currency.rounding))
    return (amount / step).quantize(ONE, ROUND_HALF_UP) * step


def columns(share):
    """Return the columns of a Share."""
    return {name: float(value) for name, value in share._asdict().items()}
