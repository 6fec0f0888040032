"""The rules by which an account is billed: its own where it has one, else its issuer's."""

from typing import Any, NamedTuple

from odoo.tools import format_amount


class Setting(NamedTuple):
    """A setting in force.

    value: as the field of the billing profile has it
    origin: `customer`, or where the profile is from: `assigned` to the account, `reseller`
        (the account's own), `above` (a reseller further up), `company`; `product` and `user`
        where neither says anything
    """

    value: Any
    origin: str


class BillingRules:
    """The settings in force for one account: attributes with their values, and their origins.

    `settings` has a `Setting` for each name in `NAMES`; `rules.mode` is its value. What an account
    may set for itself stands in fields of `res.partner` of the same name after `telecom_`. Built
    by `AccountChain.rules`, which remembers them; runs as superuser.
    """

    NAMES = (
        "mode",
        "invoice_date_rule",
        "payment_term_id",
        "due_days",
        "send_mail",
        "no_usage",
        "minimum_amount",
        "carry_periods",
        "unrated",
        "tax_ids",
        "lang",
        "line_detail",
        "annex",
        "amount_in_words",
        "reminder_rule_ids",
    )

    def __init__(self, account, profile):
        self.account = account.with_company(profile.company_id)
        self.profile = profile
        self.issuer = self._issuer()
        self.settings = {
            "mode": self._setting("mode"),
            "invoice_date_rule": self._setting("invoice_date_rule"),
            **self._due_settings(),
            "send_mail": self._switch("send_mail"),
            **self._usage_settings(),
            "unrated": Setting(profile.unrated, self.issuer),
            "tax_ids": self._tax_setting(),
            "lang": self._language_setting(),
            "line_detail": Setting(profile.line_detail, self.issuer),
            "annex": self._setting("annex"),
            "amount_in_words": Setting(profile.amount_in_words, self.issuer),
            "reminder_rule_ids": self._reminder_setting(),
        }

    def __getattr__(self, name):
        # only what is no attribute of its own comes here
        settings = self.__dict__.get("settings", {})
        if name in settings:
            return settings[name].value
        raise AttributeError(name)

    # === WHERE THEY COME FROM ===

    def _issuer(self):
        """Return where the profile is from, as seen from the account."""
        if self.account.billing_profile_id == self.profile:
            return "assigned"
        owner = self.profile.owner_id
        if not owner:
            return "company"
        return "reseller" if owner == self.account.reseller_id else "above"

    def _setting(self, name):
        own = self.account[f"telecom_{name}"]
        return Setting(own, "customer") if own else Setting(self.profile[name], self.issuer)

    def _switch(self, name):
        """Return a setting that is yes or no, or empty on the account."""
        own = self.account[f"telecom_{name}"]
        if own:
            return Setting(own == "yes", "customer")
        return Setting(self.profile[name], self.issuer)

    def _due_settings(self):
        """Return terms and days: the days apply where there are no terms.

        Days on the account are meant for its telecom invoices, so they go before payment terms,
        which are those of all its invoices.
        """
        account, profile = self.account, self.profile
        none = account.env["account.payment.term"]
        if account.telecom_own_due_days:
            term = Setting(none, "customer")
            return {
                "payment_term_id": term,
                "due_days": Setting(account.telecom_due_days, "customer"),
            }
        days = Setting(profile.due_days, self.issuer)
        if account.property_payment_term_id:
            term = Setting(account.property_payment_term_id, "customer")
        else:
            term = Setting(profile.payment_term_id, self.issuer)
        return {"payment_term_id": term, "due_days": days}

    def _usage_settings(self):
        """Return what happens where little was charged; the figures belong to the rule."""
        names = ("no_usage", "minimum_amount", "carry_periods")
        if self.account.telecom_no_usage:
            return {name: Setting(self.account[f"telecom_{name}"], "customer") for name in names}
        return {name: Setting(self.profile[name], self.issuer) for name in names}

    def _tax_setting(self):
        """Return the assigned taxes, archived ones too: the account's own of the profile's
        company, else the profile's; the products' where there are none."""
        company = self.profile.company_id
        taxes = self.account.with_context(active_test=False).telecom_tax_ids.filtered(
            lambda tax: tax.company_id in company.parent_ids | company
        )
        if taxes:
            return Setting(taxes, "customer")
        taxes = self.profile.with_context(active_test=False).tax_ids
        return Setting(taxes, self.issuer if taxes else "product")

    def _language_setting(self):
        """Return the code of the language of invoices and mails: that of whoever runs the billing
        where the account has none."""
        own = self.account.lang
        return Setting(own or self.account.env.lang or "en_US", "customer" if own else "user")

    def _reminder_setting(self):
        """Return the rules by which the account is reminded: none where it is excluded."""
        rules = self.profile.reminder_rule_ids
        if self.account.telecom_no_reminder:
            return Setting(rules.browse(), "customer")
        return Setting(rules, self.issuer)

    # === WHAT THEY SAY ===

    @property
    def currency(self):
        """The currency of the minimum amount."""
        if self.settings["minimum_amount"].origin == "customer":
            return self.account.telecom_currency_id
        return self.profile.company_id.currency_id

    def is_minor(self, amount, convert):
        """Tell whether so little was charged that it waits for the next period.

        A credit waits like a charge: what counts is how much it is.

        :param Decimal amount: what would be invoiced, in the account's billing currency
        :param convert: called with (amount, currency), returns the amount in that currency
        """
        return self.no_usage == "carry" and abs(amount) < convert(
            self.minimum_amount, self.currency
        )

    # === AS PEOPLE READ THEM ===

    def rows(self, env):
        """Return [{name, label, value, origin}] as texts in the language of `env`."""
        return [
            {
                "name": name,
                "label": self._label(env, name),
                "value": self._text(env, name),
                "origin": self._origin_text(env, name),
                "is_own": self.settings[name].origin == "customer",
            }
            for name in self.NAMES
            if self._matters(name)
        ]

    def _matters(self, name):
        """Tell whether a setting has any effect, given the others."""
        if name == "due_days":
            return not self.payment_term_id
        if name == "payment_term_id":
            return bool(self.payment_term_id)
        if name in ("minimum_amount", "carry_periods"):
            return self.no_usage == "carry"
        return True

    def _field(self, name):
        if name == "tax_ids":
            return self.account._fields["telecom_tax_ids"]
        if name == "lang":
            return self.account._fields["lang"]
        return self.profile._fields[name]

    def _label(self, env, name):
        if name in ("payment_term_id", "due_days"):
            return env._("Due Date")
        return self._field(name)._description_string(env)

    def _text(self, env, name):
        value, field = self.settings[name].value, self._field(name)
        if name == "tax_ids":
            return ", ".join(value.mapped("name")) or env._("The products'")
        if name == "lang":
            return env["res.lang"]._get_data(code=value).name or value
        if name == "reminder_rule_ids":
            texts = value.with_env(env(su=True)).mapped("display_name")
            return "; ".join(texts) or env._("None")
        if name == "due_days":
            return env._("Days after the invoice date: %s", value)
        if name == "minimum_amount":
            return format_amount(env, value, self.currency)
        if field.type == "selection":
            return dict(field._description_selection(env))[value]
        if field.type == "boolean":
            return env._("Yes") if value else env._("No")
        if field.type == "many2one":
            return value.display_name
        return str(value)

    def _origin_text(self, env, name):
        origin, profile = self.settings[name].origin, self.profile.name
        return {
            "customer": lambda: env._("This account"),
            "user": lambda: env._("Whoever runs the billing"),
            "product": lambda: env._("The products, through the fiscal position"),
            "assigned": lambda: env._("Profile given to this account: %s", profile),
            "reseller": lambda: env._("Its reseller: %s", profile),
            "above": lambda: env._("A reseller above: %s", profile),
            "company": lambda: env._("The company: %s", profile),
        }[origin]()
