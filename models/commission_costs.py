"""What agents would pay for what is on the invoices of their customers."""

from collections import defaultdict
from decimal import Decimal

from odoo.tools import SQL

from .invoice_content import SECTION_OF

ZERO = Decimal()

# Call by call: a call that was reported late is on a later invoice than its day says, and its
# purchase price is a row of the agent's own period. The unique index of call charges leads
# from one to the other.
CALLS = """
    SELECT pair.move_id, pair.agent_id, retail.currency_id, own.currency_id,
           sum(retail.amount)::text,
           COALESCE(sum(retail.amount) FILTER (WHERE own.cdr_id IS NOT NULL), 0)::text,
           COALESCE(sum(own.amount), 0)::text
      FROM (VALUES %(pairs)s) AS pair (move_id, agent_id)
      JOIN telecom_billing_period period ON period.move_id = pair.move_id
      JOIN res_partner account ON account.id = period.partner_id
      JOIN telecom_call_charge retail ON retail.period_id = period.id
       AND (retail.tier = 0 OR account.reseller_kind IS DISTINCT FROM 'agent')
 LEFT JOIN telecom_call_charge own
        ON own.cdr_id = retail.cdr_id AND own.partner_id = pair.agent_id
     GROUP BY 1, 2, 3, 4
"""
# An agent's charges for a service go with the first invoice of the customer on which the span is,
# or a later one of the service: what changes for the customer need not change for the agent, and
# each of its charges counts once.
CHARGES = """
    SELECT DISTINCT ON (own.id)
           own.id, pair.move_id, pair.agent_id, own.charge_type, own.currency_id, own.amount::text
      FROM (VALUES %(pairs)s) AS pair (move_id, agent_id)
      JOIN (SELECT line.move_id, retail.subscription_id, retail.charge_type,
                   max(retail.span_from) AS span
              FROM account_move_line line
              JOIN telecom_charge retail ON retail.id = line.telecom_charge_id
             WHERE line.quantity != 0
             GROUP BY 1, 2, 3) sold ON sold.move_id = pair.move_id
      JOIN telecom_charge own ON own.subscription_id = sold.subscription_id
       AND own.charge_type = sold.charge_type
       AND own.partner_id = pair.agent_id
     WHERE (own.span_from IS NULL OR own.span_from <= sold.span)
       AND (own.commission_move_id IS NULL OR own.commission_move_id = pair.move_id)
     ORDER BY own.id, sold.span, pair.move_id
"""
# what an agent has no price for, such as an adjustment, is not bought by it
BOUGHT = """
    SELECT line.id, pair.agent_id
      FROM (VALUES %(pairs)s) AS pair (move_id, agent_id)
      JOIN account_move_line line ON line.move_id = pair.move_id
      JOIN telecom_charge retail ON retail.id = line.telecom_charge_id
     WHERE EXISTS (SELECT FROM telecom_charge own
                    WHERE own.subscription_id = retail.subscription_id
                      AND own.partner_id = pair.agent_id)
"""


class CommissionCosts:
    """Purchase prices of the agents that earn the difference, read for many invoices at once."""

    def __init__(self, env, convert, agents):
        """
        :param convert: (amount, source, target, document) -> amount in the currency `target`
        :param agents: {document: agents}
        """
        self.env = env
        self._convert = convert
        self._costs = defaultdict(list)
        self._calls = defaultdict(list)
        self._bought_lines = set()
        pairs = [
            (move.id, agent.id)
            for move, found in agents.items()
            for agent in found
            if agent.telecom_commission_method == "difference"
        ]
        if pairs:
            self._load(pairs)

    def cost(self, move, agent, kind):
        """Return what the agent would be charged, in its currency, not rounded."""
        currency = agent.with_company(move.company_id).telecom_currency_id
        return sum(
            (
                self._convert(amount, source, currency, move)
                for source, amount in self._costs[move.id, agent.id, kind]
            ),
            ZERO,
        )

    def bought(self, move, agent, kind, base):
        """Return how much of what the customer is charged the agent has a purchase price for.

        :param Decimal base: all that is charged for this kind, in the document's currency
        """
        if kind != "calls":
            lines = move.invoice_line_ids.filtered(
                lambda line: (
                    line.telecom_section == kind and (line.id, agent.id) in self._bought_lines
                )
            )
            return sum((-Decimal(str(line.amount_currency)) for line in lines), ZERO)
        whole = part = ZERO
        for source, charged, bought in self._calls[move.id, agent.id]:
            whole += self._convert(charged, source, move.currency_id, move)
            part += self._convert(bought, source, move.currency_id, move)
        return base * part / whole if whole else base

    def _load(self, pairs):
        for name in ("telecom.call.charge", "telecom.charge", "telecom.billing.period"):
            self.env[name].flush_model()
        self.env["account.move.line"].flush_model(["move_id", "quantity", "telecom_charge_id"])
        values = SQL(", ").join(SQL("%s", pair) for pair in pairs)
        currencies = self.env["res.currency"]
        for move, agent, retail, own, charged, bought, cost in self._query(CALLS, values):
            self._calls[move, agent].append(
                (currencies.browse(retail), Decimal(charged), Decimal(bought))
            )
            if own:
                self._costs[move, agent, "calls"].append((currencies.browse(own), Decimal(cost)))
        counted = defaultdict(list)
        for charge, move, agent, charge_type, currency, cost in self._query(CHARGES, values):
            key = move, agent, SECTION_OF[charge_type]
            self._costs[key].append((currencies.browse(currency), Decimal(cost)))
            counted[move].append(charge)
        for move, ids in counted.items():
            self.env["telecom.charge"].browse(ids).commission_move_id = move
        self._bought_lines.update(self._query(BOUGHT, values))

    def _query(self, query, values):
        return self.env.execute_query(SQL(query, pairs=values))
