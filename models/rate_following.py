"""What follows a change of rates: derived cards that are kept in step, and their warnings."""

from odoo import api, models
from odoo.exceptions import UserError

from .rate_derivation import RateDerivation, Terms


class RateCard(models.Model):
    _inherit = "telecom.rate.card"

    def _refuse_edits_in_step(self):
        """Refuse changes of the rates of cards that follow another one: they would be lost."""
        for card in self.filtered("is_kept_in_step"):
            raise UserError(
                self.env._(
                    "Rate card %(card)s is kept in step with %(parent)s: its rates are not edited "
                    "or imported. Change the mark-up, give the prefix a mark-up of its own, or "
                    "no longer keep the card in step.",
                    card=card.name,
                    parent=card.sudo().parent_card_id.name,
                )
            )

    def _rates_changed(self, prefixes=None):
        """Do what follows a change of the rates of these cards.

        :param prefixes: those whose rates changed; None for all
        """
        self._losses_outdated()
        self._derive_followers(prefixes)

    def _derive_followers(self, prefixes):
        """Let the cards that are kept in step with these follow, and those that follow them.

        Each is derived by the terms of its last derivation and from the moment of that one on.
        """
        followers = (
            self.sudo()
            .with_context(active_test=False)
            .search([("parent_card_id", "in", self.ids), ("is_kept_in_step", "=", True)])
        )
        for card in followers.filtered("derived_terms"):
            result = RateDerivation(card.env).apply(
                card, Terms.of(card.derived_terms), card.derived_since or None, prefixes
            )
            if not result.changes:
                continue
            if prefixes is None or len(prefixes) > 1:
                card._log_derivation(result)
            card._rates_changed(result.prefixes)


class Rate(models.Model):
    """Edits by hand, which derived cards follow like imported decks."""

    _inherit = "telecom.rate"

    @api.model_create_multi
    def create(self, vals_list):
        cards = self.env["telecom.rate.card"].browse(
            {vals["card_id"] for vals in vals_list if vals.get("card_id")}
        )
        cards._refuse_edits_in_step()
        rates = super().create(vals_list)
        rates._follow_edits(rates.card_id, rates._prefixes())
        return rates

    def write(self, vals):
        cards, prefixes = self.card_id, self._prefixes()
        cards._refuse_edits_in_step()
        if vals.get("card_id"):
            cards.browse(vals["card_id"])._refuse_edits_in_step()
        result = super().write(vals)
        if vals:
            self._follow_edits(cards | self.card_id, prefixes | self._prefixes())
        return result

    def unlink(self):
        cards, prefixes = self.card_id, self._prefixes()
        cards._refuse_edits_in_step()
        result = super().unlink()
        self._follow_edits(cards, prefixes)
        return result

    def _prefixes(self):
        return {prefix or "" for prefix in self.mapped("prefix")}

    def _follow_edits(self, cards, prefixes):
        """Do what follows an edit of rates by hand.

        The cards are marked as changed, so that somebody who derives a card from one of them at
        the same time, and does not see this edit, has to do it again.
        """
        if not cards:
            return
        self.env.cr.execute(
            "UPDATE telecom_rate_card SET write_date = now() AT TIME ZONE 'UTC' WHERE id IN %s",
            [tuple(cards.ids)],
        )
        cards._rates_changed(list(prefixes))
