"""Who stood above an account at a given moment, and at whose prices it bought."""

from collections import defaultdict


class AccountHistory:
    """Reads the chains of many accounts at once, as they are and as they were.

    Moments are texts as PostgreSQL prints timestamps ('2026-09-01 10:00:00', UTC), which compare
    like the moments they stand for; the empty text is before all of them. What an account was
    moved from stands in `telecom.account.chain`; few accounts are ever moved.
    """

    def __init__(self, env):
        self._env = env
        # {account id: (reseller id, rate card id)} as they are now
        self._now = {}
        # {account id: (whether it is a telecom account, name, kind of reseller)}
        self._facts = {}
        # {account id: [(moment, reseller id, rate card id)]}, oldest first, of those that moved
        self._moves = {}

    def load(self, account_ids):
        """Read these accounts and everybody who stands, or ever stood, above them."""
        cr = self._env.cr
        unknown = set(account_ids) - self._now.keys()
        if unknown:
            self._env["res.partner"].flush_model()
            self._env["telecom.account.chain"].flush_model()
        while unknown:
            wanted, above = [list(unknown)], set()
            cr.execute(
                "SELECT id, reseller_id, rate_card_id, is_telecom_account, complete_name,"
                " reseller_kind FROM res_partner WHERE id = ANY(%s)",
                wanted,
            )
            for account, reseller, card, *facts in cr.fetchall():
                self._now[account], self._facts[account] = (reseller, card), facts
                above.add(reseller)
            cr.execute(
                "SELECT partner_id, coalesce(date_from::text, ''), reseller_id, rate_card_id"
                " FROM telecom_account_chain WHERE partner_id = ANY(%s)"
                " ORDER BY partner_id, date_from NULLS FIRST",
                wanted,
            )
            moves = defaultdict(list)
            for account, *move in cr.fetchall():
                moves[account].append(tuple(move))
                above.add(move[1])
            self._moves.update(moves)
            unknown = above - self._now.keys() - unknown - {None}

    def is_account(self, account_id):
        """Tell whether a partner that was asked for is a telecom account."""
        return account_id in self._facts and bool(self._facts[account_id][0])

    def name(self, account_id):
        """Return the name of an account."""
        return self._facts[account_id][1]

    def kind(self, account_id):
        """Return which kind of reseller an account is, None for none."""
        return self._facts[account_id][2]

    def has_moved(self, account_id):
        """Tell whether an account, or anybody above it, was ever moved."""
        # up to the first one that moved, the chain is what it always was
        return bool(self._moves) and any(
            member in self._moves for member, _card in self.at(account_id)
        )

    def at(self, account_id, moment=None):
        """Return [(account id, rate card id)] of an account, its reseller and so on up.

        :param moment: text; None: as they are now
        """
        chain, seen = [], set()
        while account_id and account_id not in seen:
            seen.add(account_id)
            reseller, card = self._terms(account_id, moment)
            chain.append((account_id, card))
            account_id = reseller
        return chain

    def eras(self, account_id, first, last):
        """Return [(moment from which it holds, chain as `at` returns it)] between two moments,
        oldest first; the first of them is from `first` on."""
        eras, moment = [], first
        while True:
            chain = self.at(account_id, moment)
            eras.append((moment, chain))
            if not self._moves:
                return eras
            later = [
                move[0]
                for member, _card in chain
                for move in self._moves.get(member, ())
                if moment < move[0] <= last
            ]
            if not later:
                return eras
            moment = min(later)

    def _terms(self, account_id, moment):
        """Return (reseller, rate card) of an account at a moment.

        Of the past, the card is that which the account had when it was moved away; where there
        was none, the one of today prices what is left.
        """
        now = self._now[account_id]
        moves = self._moves.get(account_id)
        if moment is None or not moves:
            return now
        past = None
        for move in moves:
            if move[0] > moment:
                break
            past = move
        if past is None or past is moves[-1]:
            return now
        return past[1], past[2] or now[1]
