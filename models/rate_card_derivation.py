from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_datetime, formatLang

from .rate_derivation import RateDerivation, Terms
from .subscription_prices import ServicePrices


class RateCard(models.Model):
    """A rate card that is derived from another one by mark-up, and may be kept in step with it.

    What a card was derived by is kept on it: mark-ups that are edited come into force with the
    next derivation, from a moment that a person chooses, and never by the way.
    """

    _inherit = "telecom.rate.card"

    parent_card_id = fields.Many2one(
        "telecom.rate.card",
        string="Derived From",
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
        domain="[('id', '!=', id)]",
    )
    child_card_ids = fields.One2many("telecom.rate.card", "parent_card_id", string="Derived Cards")
    child_card_count = fields.Integer(compute="_compute_child_card_count")
    markup_percent = fields.Float(
        string="Mark-up (%)",
        digits=(9, 4),
        min_display_digits=2,
        tracking=True,
        help="Added to prices per minute and connection fees, where the prefix has no mark-up of "
        "its own. Increments and destinations are taken over.",
    )
    markup_ids = fields.One2many(
        "telecom.rate.markup", "card_id", string="Mark-ups by Prefix", copy=True
    )
    derived_digits = fields.Integer(
        string="Decimals of Prices",
        default=4,
        required=True,
        help="Decimals to which derived prices are rounded. What costs something never becomes "
        "free by it.",
    )
    derived_method = fields.Selection(
        [("half_up", "To the nearest, half up"), ("up", "Up")],
        string="Rounding of Prices",
        default="half_up",
        required=True,
    )
    is_kept_in_step = fields.Boolean(
        string="Kept in Step",
        tracking=True,
        help="Whatever changes in the card from which this one is derived changes here, too, from "
        "the same moment on. Rates are then not edited or imported here.",
    )
    derived_terms = fields.Json(
        copy=False, readonly=True, help="The mark-ups by which the rates were derived."
    )
    derived_since = fields.Datetime(
        copy=False, readonly=True, help="The moment from which the rates are derived."
    )
    is_derivation_due = fields.Boolean(compute="_compute_is_derivation_due")
    derivation_note = fields.Char(compute="_compute_derivation_note")

    _markup_percent_range = models.Constraint(
        "CHECK (markup_percent IS NULL OR (markup_percent > -100 AND markup_percent <= 10000))",
        "A mark-up is above -100 % and at most 10,000 %.",
    )
    _derived_digits_range = models.Constraint(
        "CHECK (derived_digits BETWEEN 0 AND 8)", "Prices have 0 to 8 decimals."
    )

    # === COMPUTE METHODS ===

    def _compute_child_card_count(self):
        counts = dict(
            self.env["telecom.rate.card"]._read_group(
                [("parent_card_id", "in", self.ids)], ["parent_card_id"], ["__count"]
            )
        )
        for card in self:
            card.child_card_count = counts.get(card, 0)

    @api.depends(
        "parent_card_id",
        "markup_percent",
        "derived_digits",
        "derived_method",
        "derived_terms",
        "markup_ids",
        "markup_ids.prefix",
        "markup_ids.direction",
        "markup_ids.percent",
        "markup_ids.fixed_amount",
    )
    def _compute_is_derivation_due(self):
        for card in self:
            terms = Terms.of(card.derived_terms)
            card.is_derivation_due = bool(card.parent_card_id) and (
                not terms or terms.agreed() != card._present_terms()
            )

    @api.depends("derived_terms", "derived_since", "parent_card_id.currency_id", "currency_id")
    def _compute_derivation_note(self):
        """Say by what the rates were derived."""
        for card in self:
            terms = Terms.of(card.derived_terms)
            card.derivation_note = bool(terms) and card._derivation_text(terms)

    def _derivation_text(self, terms):
        env = self.env
        parent = self.sudo().browse(terms.parent)
        parts = [
            env._(
                "Rates are derived from %(parent)s, %(since)s: %(percent)s %%, %(digits)s decimals",
                parent=parent.name,
                since=env._("from %s", format_datetime(env, self.derived_since))
                if self.derived_since
                else env._("since ever"),
                percent=formatLang(env, float(terms.percent), digits=2),
                digits=terms.digits,
            )
        ]
        if terms.markups:
            parts.append(env._("%s mark-ups by prefix", len(terms.markups)))
        if parent.currency_id != self.currency_id:
            parts.append(f"1 {parent.currency_id.name} = {terms.factor} {self.currency_id.name}")
        return "; ".join(parts)

    # === CONSTRAINTS ===

    @api.constrains("parent_card_id")
    def _check_parent_cycle(self):
        if self._has_cycle("parent_card_id"):
            raise ValidationError(
                self.env._("A rate card cannot be derived from itself, directly or through others.")
            )

    @api.constrains("parent_card_id", "is_kept_in_step")
    def _check_kept_in_step(self):
        for card in self:
            if card.is_kept_in_step and not card.parent_card_id:
                raise ValidationError(
                    self.env._(
                        "Rate card %s is kept in step with no card: say from which it is derived.",
                        card.name,
                    )
                )

    @api.constrains("currency_id")
    def _check_currency_of_derived(self):
        for card in self.sudo().with_context(active_test=False):
            for derived in card | card.child_card_ids:
                if derived.derived_terms and derived.is_kept_in_step:
                    raise ValidationError(
                        self.env._(
                            "Rate card %(derived)s is kept in step with %(parent)s, at an "
                            "exchange rate of its own. Make a new card for the other currency.",
                            derived=derived.name,
                            parent=derived.parent_card_id.name,
                        )
                    )

    # === CRUD METHODS ===

    def write(self, vals):
        if "parent_card_id" in vals or vals.get("is_kept_in_step"):
            # what happened to the rates meanwhile is not known: they have to be derived anew
            for card in self:
                if card.parent_card_id.id != vals.get("parent_card_id", card.parent_card_id.id) or (
                    vals.get("is_kept_in_step") and not card.is_kept_in_step
                ):
                    super(RateCard, card).write({"derived_terms": False, "derived_since": False})
        return super().write(vals)

    def unlink(self):
        """Rates of a card that is kept in step are not edited, but they go with it."""
        self.filtered("is_kept_in_step").is_kept_in_step = False
        return super().unlink()

    # === ACTIONS ===

    def action_derive(self):
        """Ask from which moment the rates are to be derived, and show what that changes."""
        self.ensure_one()
        self.check_access("write")
        self._check_parent()
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.rate_derive_action")
        action["context"] = {"default_card_id": self.id}
        return action

    def action_open_children(self):
        """Open the cards that are derived from this one."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.rate_card_action")
        action["domain"] = [("parent_card_id", "=", self.id)]
        action["context"] = {"default_parent_card_id": self.id}
        return action

    # === BUSINESS METHODS ===

    @api.model
    def _derive_card(self, owner, parent_card, percent, digits, **vals):
        """Make a rate card with which a reseller sells, derived from another card and, unless
        `vals` say otherwise, kept in step with it.

        :param owner: `res.partner`, the reseller
        :param parent_card: `telecom.rate.card`, most often the one by which the reseller buys
        :param percent: mark-up on prices per minute and connection fees
        :param digits: decimals of the derived prices
        :param vals: other values of the card
        :return: the `telecom.rate.card`, with its rates
        :raises UserError: when the currencies differ and there is no exchange rate
        """
        card = self.create(
            {
                "name": owner.name,
                "owner_id": owner.id,
                "company_id": parent_card.company_id.id,
                "currency_id": parent_card.currency_id.id,
                "rounding_digits": parent_card.rounding_digits,
                "rounding_method": parent_card.rounding_method,
                "parent_card_id": parent_card.id,
                "markup_percent": percent,
                "derived_digits": digits,
                "is_kept_in_step": True,
                **vals,
            }
        )
        card._derive()
        return card

    def _derive(self, since=None):
        """Derive the rates from a moment on; nothing before it changes.

        :param since: naive UTC datetime; None for "since ever", on a card without rates
        :return: :class:`rate_derivation.DerivationResult`
        :raises UserError: when a moment, an exchange rate or a right is missing
        """
        terms = self._terms_from(since)
        result = RateDerivation(self.env).apply(self, terms, since)
        begins = self.derived_since
        is_earlier = bool(begins) and (not since or since < begins)
        if not result.changes and not is_earlier and terms == Terms.of(self.derived_terms):
            return result
        self.write({"derived_terms": terms.values(), "derived_since": since})
        if result.changes:
            self._log_derivation(result)
            self._rates_changed(result.prefixes)
        return result

    def _preview_derivation(self, since=None):
        """Return the :class:`rate_derivation.DerivationResult` that `_derive` would have."""
        return RateDerivation(self.env).preview(self, self._terms_from(since), since)

    def _terms_from(self, since):
        """Check what a derivation needs, and return its terms."""
        self.ensure_one()
        self.check_access("write")
        self.env["telecom.rate"].check_access("create")
        self._check_parent()
        self.parent_card_id.check_access("read")
        if not since and self.rate_count:
            raise UserError(
                self.env._(
                    "Rate card %s has rates. Say from which moment they are to be derived: calls "
                    "before it keep their prices.",
                    self.name,
                )
            )
        return self._present_terms()._replace(factor=self._exchange_factor(since))

    def _check_parent(self):
        if not self.parent_card_id:
            raise UserError(
                self.env._("Say from which card the rates of %s are derived.", self.name)
            )

    def _present_terms(self):
        """Return the :class:`rate_derivation.Terms` that the card shows, at no exchange rate."""
        markups = [
            [
                markup.direction or "",
                markup.prefix or "",
                f"{markup.percent:.4f}",
                f"{markup.fixed_amount:.8f}",
            ]
            for markup in self.markup_ids
        ]
        return Terms(
            parent=self.parent_card_id._origin.id,
            percent=f"{self.markup_percent:.4f}",
            digits=self.derived_digits,
            method=self.derived_method,
            markups=sorted(markups),
        )

    def _exchange_factor(self, since):
        """Return what one unit of the parent's currency is in the card's on the day, as text."""
        parent = self.parent_card_id
        if parent.currency_id == self.currency_id:
            return "1"
        day = fields.Datetime.context_timestamp(self, since or fields.Datetime.now()).date()
        company = self.company_id or parent.company_id or self.env.company
        factor = ServicePrices(self.env).convert(
            1.0, parent.currency_id, self.currency_id, company, day
        )
        # more digits are noise of binary fractions
        return f"{Decimal(f'{factor:.15g}'):f}"

    def _log_derivation(self, result):
        """Note on the card what a derivation has done."""
        body = self.env._(
            "Derived: %(new)s new, %(changed)s changed, %(closed)s closed.",
            **{count: result.counts[count] for count in ("new", "changed", "closed")},
        )
        note = self.derivation_note
        self.message_post(body=f"{body} {note}" if note else body)
