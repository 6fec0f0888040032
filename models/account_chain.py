"""Who stands above an account, and by whose rules it is billed."""

from ..engine.calendar import midnight_utc
from .account_history import AccountHistory
from .billing_rules import BillingRules


class AccountChain:
    """Walks up from accounts to the provider, remembering what it found.

    Runs as superuser: what lies above a user's own tier decides prices and profiles, and the
    user must not need the right to read it.
    """

    def __init__(self, env):
        # whoever asks may be looking at archived records; an archived profile issues nothing
        self._env = env(su=True, context={**env.context, "active_test": True})
        self._tiers = {}
        self._profiles = {}
        self._rules = {}
        self._owned = None
        self._history = AccountHistory(self._env)

    def tiers(self, account):
        """Return the accounts charged for what `account` uses, tier 0 (itself) first."""
        account = account.with_env(self._env)
        if account.id not in self._tiers:
            above = account.reseller_id
            self._tiers[account.id] = account + (self.tiers(above) if above else account.browse())
        return self._tiers[account.id]

    def load(self, accounts):
        """Read where these accounts stood before they were moved, if they ever were."""
        self._history.load(accounts.ids)

    def tiers_on(self, account, day):
        """Return the accounts that are charged for what is due on a day: those that were above
        `account` at the midnight that began it, where the account is; tier 0 first."""
        self._history.load(account.ids)
        if not self._history.has_moved(account.id):
            return self.tiers(account)
        account = account.with_env(self._env)
        tz = account.billing_tz or self.profile(account).tz or "UTC"
        return self.tiers_at(account, midnight_utc(day, tz))

    def tiers_at(self, account, moment):
        """Return the accounts that were above `account` at a UTC moment, tier 0 first."""
        self._history.load(account.ids)
        chain = self._history.at(account.id, str(moment))
        return account.with_env(self._env).browse([member for member, _card in chain])

    def profile(self, account):
        """Return the billing profile that is in force for `account`."""
        account = account.with_env(self._env)
        if account.id not in self._profiles:
            self._profiles[account.id] = self._find_profile(account)
        return self._profiles[account.id]

    def rules(self, account, profile=None):
        """Return the `BillingRules` in force for `account`.

        :param profile: by which it is billed; None: that in force
        """
        account = account.with_env(self._env)
        profile = profile.with_env(self._env) if profile else self.profile(account)
        key = account.id, profile.id
        if key not in self._rules:
            self._rules[key] = BillingRules(account, profile)
        return self._rules[key]

    def customers_profile(self, reseller):
        """Return the billing profile that customers of `reseller` follow."""
        tiers = self.tiers(reseller.with_env(self._env))
        return self._issuing(tiers) or self._of_company(tiers)

    def _find_profile(self, account):
        tiers = self.tiers(account)
        return account.billing_profile_id or self._issuing(tiers[1:]) or self._of_company(tiers)

    def _issuing(self, resellers):
        """Return the profile of the nearest of these resellers that has one of its own."""
        # in a form that is not saved yet, those above are no records of the database either
        for reseller in resellers._origin:
            if reseller in self._owned_profiles():
                return self._owned_profiles()[reseller]
        return self._env["telecom.billing.profile"]

    def _of_company(self, tiers):
        """Return the profile of the company that bills the uppermost of these accounts."""
        top = tiers[-1]
        company = top.telecom_company_id or top.company_id or self._env.company
        return company._ensure_billing_profile()

    def _owned_profiles(self):
        """Return {reseller: its billing profile}; there are few of them, read once."""
        if self._owned is None:
            profiles = self._env["telecom.billing.profile"].search([("owner_id", "!=", False)])
            self._owned = {profile.owner_id: profile for profile in profiles}
        return self._owned
