from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from . import rate_loss_sql as sql
from .bulk import commit_progress, run_batch
from .subscription_prices import ServicePrices

# the two calls that are compared, in seconds: the first minute of a rate that has a fee or long
# increments says little about the rest
SHORT_CALL, LONG_CALL = 60, 180
# of the moments to come at which prices change, so many are looked at
MOMENTS = 4
# so many cards are checked at once after an import; the rest by the cron job
CARDS_AT_ONCE = 5


class RateCard(models.Model):
    """Sale prices of a reseller that are under what it pays."""

    _inherit = "telecom.rate.card"

    loss_ids = fields.One2many("telecom.rate.loss", "card_id", string="Sold Under Cost")
    loss_count = fields.Integer(compute="_compute_loss_count")
    losses_checked = fields.Datetime(
        string="Checked Against Cost", copy=False, readonly=True, help="Empty: to be checked."
    )
    losses_error = fields.Char(
        copy=False, readonly=True, help="Why the prices cannot be compared with the cost."
    )

    # === COMPUTE METHODS ===

    @api.depends("loss_ids")
    def _compute_loss_count(self):
        counts = dict(
            self.env["telecom.rate.loss"]._read_group(
                [("card_id", "in", self.ids)], ["card_id"], ["__count"]
            )
        )
        for card in self:
            card.loss_count = counts.get(card, 0)

    # === CRUD METHODS ===

    def write(self, vals):
        result = super().write(vals)
        if {"owner_id", "currency_id", "rounding_digits", "rounding_method"} & vals.keys():
            self._losses_outdated()
        return result

    # === ACTIONS ===

    def action_open_losses(self):
        """Open the prices under cost, checked just now by those who may change prices."""
        self.ensure_one()
        self.check_access("read")
        if self.owner_id and self.has_access("write"):
            self._check_losses()
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.rate_loss_action")
        action["domain"] = [("card_id", "=", self.id)]
        action["context"] = {}
        return action

    # === BUSINESS METHODS ===

    @api.model
    def _cron_check_losses(self):
        """Check what changed, and once a day everything: rates come into force, currencies move."""
        yesterday = fields.Datetime.now() - timedelta(hours=20)
        cards = self.search(
            [
                ("owner_id.rate_card_id", "!=", False),
                "|",
                ("losses_checked", "=", False),
                ("losses_checked", "<", yesterday),
            ],
            order="losses_checked NULLS FIRST, id",
        )
        for done, card in enumerate(cards, 1):
            run_batch(self.env, card._check_losses)
            if not commit_progress(self.env, 1, remaining=len(cards) - done):
                break

    def _losses_outdated(self):
        """Have the cards checked again that are concerned by these cards' prices."""
        cards = self._cards_sold_against().filtered("losses_checked")
        if cards:
            cards.losses_checked = False
            self.env.ref("telecom_billing.ir_cron_check_losses").sudo()._trigger()

    def _cards_sold_against(self):
        """Return the resellers' cards among these, and those of resellers that buy by these."""
        cards = self.sudo()
        return cards.filtered("owner_id.rate_card_id") | cards.search(
            [("owner_id.rate_card_id", "in", self.ids)]
        )

    def _loss_warnings(self):
        """Check the cards that are concerned by a change of these cards' prices.

        :return: a sentence for each that sells under cost
        """
        cards = self._cards_sold_against()
        for card in cards[:CARDS_AT_ONCE]:
            card._check_losses()
        texts = []
        for card in cards[:CARDS_AT_ONCE]:
            if card.loss_count:
                texts.append(
                    self.env._(
                        "Rate card %(card)s, prices under what %(reseller)s pays: %(count)s.",
                        card=card.name,
                        count=card.loss_count,
                        reseller=card.owner_id.name,
                    )
                )
            elif card.losses_error:
                texts.append(f"{card.name}: {card.losses_error}")
        return texts

    def _check_losses(self):
        """Compare what resellers sell by these cards with what they pay, and keep what is under it.

        For the numbers of each prefix of either card, the longest prefix on both sides is taken.
        Compared are the prices of a call of one minute and of one of three, with connection fee,
        increments and the rounding of each card, in the currency of the sale; the prices of now,
        and those of the next moments at which some change.
        """
        self.env["telecom.rate"].flush_model()
        self.env["telecom.rate.card"].flush_model()
        for card in self.sudo():
            # two checks of one card at a time: the second is repeated
            self.env.cr.execute(
                "UPDATE telecom_rate_card SET losses_checked = now() AT TIME ZONE 'UTC'"
                " WHERE id = %s",
                [card.id],
            )
            self.env.cr.execute("DELETE FROM telecom_rate_loss WHERE card_id = %s", [card.id])
            error = False
            if card.owner_id.rate_card_id:
                try:
                    card._find_losses()
                except UserError as reason:
                    error = str(reason)
            card.invalidate_recordset(["losses_checked", "loss_ids", "loss_count"], flush=False)
            card.losses_checked = fields.Datetime.now()
            card.losses_error = error
        self.env["telecom.rate.loss"].invalidate_model(flush=False)
        self.invalidate_recordset(["losses_checked", "losses_error", "loss_ids", "loss_count"])

    def _find_losses(self):
        cr, now = self.env.cr, fields.Datetime.now()
        bought = self.owner_id.rate_card_id
        company = self.company_id or bought.company_id or self.env.company
        factor = ServicePrices(self.env).convert(
            1.0, bought.currency_id, self.currency_id, company, fields.Date.context_today(self)
        )
        cr.execute(
            sql.MOMENTS, {"sale": self.id, "cost": bought.id, "now": now, "limit": MOMENTS - 1}
        )
        moments = [now, *(moment for (moment,) in cr.fetchall())]
        cr.execute(sql.TABLES)
        for moment in moments:
            cr.execute(sql.EMPTY)
            calls = {"moment": moment, "short": SHORT_CALL, "long": LONG_CALL}
            for table, card, rate in (
                ("telecom_loss_sale", self, "1"),
                ("telecom_loss_cost", bought, f"{factor:.15g}"),
            ):
                cr.execute(
                    sql.LOAD.format(table=table),
                    {**calls, "card": card.id, "factor": Decimal(rate)},
                )
            for digits in range(14, -1, -1):
                cr.execute(sql.COVERED, {"digits": digits})
            cr.execute(sql.ANALYZE_COVERED)
            params = {
                "card": self.id,
                "company": self.company_id.id or None,
                "owner": self.owner_id.id,
                "currency": self.currency_id.id,
                "moment": moment,
                "uid": self.env.uid,
            }
            cr.execute(sql.FIND, params)
            if moment != moments[-1]:
                cr.execute(sql.KEEP, params)


class ResPartner(models.Model):
    _inherit = "res.partner"

    def write(self, vals):
        result = super().write(vals)
        if "rate_card_id" in vals:
            cards = self.env["telecom.rate.card"].sudo().search([("owner_id", "in", self.ids)])
            cards._losses_outdated()
        return result
