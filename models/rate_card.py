from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_datetime

from .rate_deck import RateDeck
from .rate_deck_file import DeckFile


class RateCard(models.Model):
    """A named price list of calls. The tier that owns it sells with it."""

    _name = "telecom.rate.card"
    _description = "Rate Card"
    _inherit = ["mail.thread"]
    _order = "name, id"

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", index=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
        tracking=True,
    )
    owner_id = fields.Many2one(
        "res.partner",
        index="btree_not_null",
        domain="[('is_reseller', '=', True)]",
        help="The reseller that sells with this card; empty: the provider.",
    )
    rounding_digits = fields.Integer(
        string="Decimals",
        default=4,
        required=True,
        tracking=True,
        help="Decimals to which the price of each call is rounded, once.",
    )
    rounding_method = fields.Selection(
        [
            ("half_up", "To the nearest, half up"),
            ("half_even", "To the nearest, half to even"),
            ("up", "Up"),
            ("down", "Down"),
        ],
        string="Rounding",
        default="half_up",
        required=True,
        tracking=True,
    )
    rate_ids = fields.One2many("telecom.rate", "card_id", string="Rates")
    rate_count = fields.Integer(compute="_compute_rate_count")
    rates_deleted = fields.Integer(
        default=0, copy=False, readonly=True, help="How often rates were deleted."
    )
    account_ids = fields.One2many("res.partner", "rate_card_id", string="Accounts")
    account_count = fields.Integer(compute="_compute_account_count")

    # === COMPUTE METHODS ===

    def _compute_rate_count(self):
        counts = dict(
            self.env["telecom.rate"]._read_group(
                [("card_id", "in", self.ids)], ["card_id"], ["__count"]
            )
        )
        for card in self:
            card.rate_count = counts.get(card, 0)

    def _compute_account_count(self):
        counts = dict(
            self.env["res.partner"]._read_group(
                [("rate_card_id", "in", self.ids)], ["rate_card_id"], ["__count"]
            )
        )
        for card in self:
            card.account_count = counts.get(card, 0)

    # === CONSTRAINTS ===

    @api.constrains("rounding_digits")
    def _check_rounding_digits(self):
        for card in self:
            if not 0 <= card.rounding_digits <= 8:
                raise ValidationError(
                    self.env._("Rate card %s: decimals must be from 0 to 8.", card.name)
                )

    @api.constrains("currency_id")
    def _check_currency_unused(self):
        used = self.env["telecom.call.charge"].sudo()
        for card in self:
            if used.search_count(
                [("rate_id.card_id", "=", card.id), ("currency_id", "!=", card.currency_id.id)],
                limit=1,
            ):
                raise ValidationError(
                    self.env._(
                        "Rate card %s has priced calls in its present currency. "
                        "Make a new card for the other currency.",
                        card.name,
                    )
                )

    # === CRUD METHODS ===

    def unlink(self):
        """Delete the rates first, which refuse when calls were priced with them."""
        self.rate_ids.unlink()
        return super().unlink()

    # === ACTIONS ===

    def action_open_rates(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.rate_action")
        action["domain"] = [("card_id", "=", self.id)]
        action["context"] = {"default_card_id": self.id, "search_default_in_force": 1}
        return action

    def action_open_accounts(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.account_action")
        action["domain"] = [("rate_card_id", "=", self.id)]
        return action

    def action_import_rates(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.rate_import_action")
        action["context"] = {"default_card_id": self.id, "dialog_size": "extra-large"}
        return action

    def action_rerate(self):
        """Price again every call that this card priced and that is not invoiced yet."""
        self.ensure_one()
        self.check_access("read")
        return self.env["telecom.cdr"]._notify_rerated(self.env["telecom.cdr"]._rerate(cards=self))

    # === BUSINESS METHODS ===

    def _import_deck(self, content, name="", effective=None, replace=False, options=None):
        """Import a deck as its columns are recognised, without anybody looking at them.

        :param content: bytes of a CSV file, plain or gzip, or of an .xlsx workbook
        :param name: file name
        :param effective: naive UTC datetime from which it is effective; None for "since ever", on
            a card without rates
        :param replace: whether rates of prefixes that are not in the deck end
        :param options: options of `engine.intake.deck_rows.parse_deck_rows`
        :return: :class:`rate_deck.DeckResult`
        """
        self.ensure_one()
        self.check_access("write")
        self.env["telecom.rate"].check_access("create")
        rows = DeckFile(self.env, content, name).parse(options=options)
        deck = RateDeck(self.env, self.env.user.tz or "UTC")
        result = deck.apply(self, rows, effective, replace)
        self._log_deck(name, result, effective, replace)
        return result

    def _log_deck(self, name, result, effective, replace):
        """Note on the card what a deck has done."""
        self.ensure_one()
        self.message_post(
            body=self.env._(
                "Deck %(name)s, effective %(effective)s, %(mode)s: %(new)s new, "
                "%(changed)s changed, %(unchanged)s unchanged, %(closed)s closed, "
                "%(rejected)s rejected.",
                name=name or "-",
                effective=self.env._("from %s", format_datetime(self.env, effective))
                if effective
                else self.env._("since ever"),
                mode=self.env._("replacing the whole card")
                if replace
                else self.env._("as an update"),
                **{
                    count: result.counts[count]
                    for count in ("new", "changed", "unchanged", "closed", "rejected")
                },
            )
        )
