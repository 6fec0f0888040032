"""Whose call it is: by account code, else by the number called, else by other identifiers."""

from collections import defaultdict

from odoo.tools import SQL

from ..engine.calendar import local_day


class AccountFinder:
    """Finds the accounts of one batch: by code, by DID called, by further identifiers."""

    def __init__(self, intake, rows):
        self._intake = intake
        self._env = intake.env
        self._rules = {}
        self._companies = {}
        self._codes = self._load_codes(
            {row["account_code"] for row in rows if row.get("account_code")}
        )
        self._dids = self._load_dids(rows)
        self._identifiers = self._load_identifiers(rows)

    def by_code(self, code):
        """Return (partner id or None, dialling rules) for an account code."""
        partner = self._codes.get(code)
        return partner, (self._intake.rules if partner is None else self.rules(partner))

    def by_did(self, number, start):
        """Return the id of the account that held the number at that UTC moment, or None."""
        for partner, tz, date_start, date_end in self._dids.get(number, ()):
            day = local_day(start, tz)
            if date_start <= day and (date_end is None or day < date_end):
                return partner
        return None

    def by_identifier(self, row, caller):
        """Return the account id for the row's SIP user, trunk or caller number, or None."""
        found = self._identifiers
        return (
            found.get(("sip_user", row.get("sip_user")))
            or found.get(("trunk", row.get("trunk")))
            or found.get(("caller", caller))
            or None
        )

    def is_allowed(self, partner, companies):
        """Tell whether someone may charge the account.

        :param companies: ids of the companies that are open to him, with commas between; None
            for all
        """
        return not companies or str(self.company(partner)) in companies.split(",")

    def company(self, partner):
        """Return the id of the company in whose books the account is billed."""
        if partner not in self._companies:
            account = self._env["res.partner"].browse(partner)
            self._companies[partner] = self._intake.chain.profile(account).company_id.id
        return self._companies[partner]

    def rules(self, partner):
        """Return the dialling rules of the account's issuer."""
        if partner not in self._rules:
            account = self._env["res.partner"].browse(partner)
            self._rules[partner] = self._intake.chain.profile(account)._dialling_rules()
        return self._rules[partner]

    def _load_codes(self, codes):
        if not codes:
            return {}
        return dict(
            self._env.execute_query(
                SQL(
                    "SELECT account_code, id FROM res_partner"
                    " WHERE account_code = ANY(%s) AND is_telecom_account",
                    list(codes),
                )
            )
        )

    def _load_dids(self, rows):
        numbers = set()
        for row in rows:
            if row.get("dst"):
                partner = self._codes.get(row.get("account_code"))
                rules = self._intake.rules if partner is None else self.rules(partner)
                numbers.add(self._intake._normalise(row["dst"], rules))
        holders = defaultdict(list)
        if numbers:
            self._env["telecom.subscription"].flush_model()
            rows = self._env.execute_query(
                SQL(
                    """
                    SELECT d.number, s.partner_id, s.date_start, s.date_end
                      FROM telecom_did d
                      JOIN telecom_subscription s ON s.did_id = d.id
                     WHERE d.number = ANY(%s) AND s.state IN ('running', 'ended')
                    """,
                    list(numbers),
                )
            )
            zones = self._env["res.partner"].browse({row[1] for row in rows})._account_zones()
            for number, partner, start, end in rows:
                holders[number].append((partner, zones[partner], start, end))
        return holders

    def _load_identifiers(self, rows):
        wanted = set()
        for row in rows:
            if row.get("sip_user"):
                wanted.add(("sip_user", row["sip_user"]))
            if row.get("trunk"):
                wanted.add(("trunk", row["trunk"]))
            caller = self._intake._normalise(row.get("src") or "", self._intake.rules)
            if caller:
                wanted.add(("caller", caller))
        if not wanted:
            return {}
        return {
            (kind, value): partner
            for kind, value, partner in self._env.execute_query(
                SQL(
                    "SELECT kind, value, partner_id FROM telecom_account_identifier"
                    " WHERE value = ANY(%s)",
                    list({value for _kind, value in wanted}),
                )
            )
        }
