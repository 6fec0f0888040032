import re

from odoo import api, fields, models

from ..models.price_question import PriceQuestion
from ..models.price_words import increments_text, money_text, step_texts

_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,5}):([0-5]\d)", re.ASCII)
_SECONDS = re.compile(r"\d{1,7}", re.ASCII)


class PriceCheck(models.TransientModel):
    """What a call would cost: its rate and price at every tier, with the arithmetic."""

    _name = "telecom.price.check"
    _description = "Price Check"

    partner_id = fields.Many2one(
        "res.partner", string="Account", domain="[('is_telecom_account', '=', True)]"
    )
    number = fields.Char(
        string="Number Called",
        help="As the account dials it, or in international form. "
        "For an inbound call: the account's own number.",
    )
    direction = fields.Selection(
        [("outbound", "Outbound"), ("inbound", "Inbound")], required=True, default="outbound"
    )
    duration = fields.Char(
        required=True, default="1:00", help="Of the conversation: 1:30 or 90 for 90 seconds."
    )
    start = fields.Datetime(
        string="Moment", required=True, default=lambda self: fields.Datetime.now()
    )
    result = fields.Html(compute="_compute_result", sanitize=False)

    @api.depends("partner_id", "number", "direction", "duration", "start")
    def _compute_result(self):
        for check in self:
            check.result = self.env["ir.qweb"]._render(
                "telecom_billing.price_check_result", check._answer()
            )

    # === BUSINESS METHODS ===

    def _answer(self):
        """Return the values of the template: what is asked for still, or the answer."""
        self.ensure_one()
        seconds = self._seconds()
        if not (self.partner_id and self.number and self.start):
            return {"hint": self.env._("Choose an account and enter the number called.")}
        if seconds is None:
            return {
                "hint": self.env._(
                    "The duration %s is not understood. Write seconds, or minutes and seconds "
                    "like 1:30.",
                    self.duration or "",
                )
            }
        self.partner_id.check_access("read")
        answer = PriceQuestion(self.env).ask(
            self.partner_id, self.number, self.direction, seconds, self.start
        )
        return {
            "hint": False,
            "number": answer.number,
            "rules": answer.rules,
            "problem": self._problem(answer.problem),
            "uses": self._uses(answer),
            "tiers": [self._tier(tier) for tier in answer.tiers],
        }

    def _seconds(self):
        """Return the duration in seconds, None when it is not understood."""
        text = (self.duration or "").strip()
        if match := _CLOCK.fullmatch(text):
            hours, minutes, seconds = (int(part or 0) for part in match.groups())
            return hours * 3600 + minutes * 60 + seconds
        return int(text) if _SECONDS.fullmatch(text) else None

    def _problem(self, problem):
        if not problem:
            return False
        reason, detail = problem
        reasons = self.env["telecom.cdr"]._fields["reason"]._description_selection(self.env)
        text = dict(reasons)[reason]
        return f"{text}: {detail}" if detail else text

    def _uses(self, answer):
        """Return a sentence for each package that the call would use."""
        sentences = []
        for package_id, unit, left, units in answer.uses:
            name = self.env["telecom.package"].sudo().browse(package_id).name
            if unit == "unlimited":
                sentences.append(
                    self.env._("Package %(name)s carries the call without limit.", name=name)
                )
            elif unit == "calls":
                sentences.append(
                    self.env._(
                        "Package %(name)s carries the call: one of %(left)s calls left.",
                        name=name,
                        left=left,
                    )
                )
            else:
                sentences.append(
                    self.env._(
                        "Package %(name)s has %(left)s s left; the call uses %(units)s s.",
                        name=name,
                        left=left,
                        units=units,
                    )
                )
        return sentences

    def _tier(self, tier):
        """Return what the template shows of one tier."""
        currency = self.env["res.currency"].browse(tier.currency_id)
        shown = {
            "name": tier.name,
            "role": self.env._("Reseller") if tier.level else self.env._("Account"),
            "card": tier.card_name,
            "problem": self._problem(tier.problem and (tier.problem, None)),
        }
        if tier.problem:
            return shown
        rate = self.env["telecom.rate"].sudo().browse(tier.rate_id)
        terms = tier.terms
        return {
            **shown,
            "prefix": tier.prefix or "*",
            "destination": rate.destination,
            "date_from": rate.date_from,
            "date_to": rate.date_to,
            "price": money_text(self.env, terms.price, currency),
            "fee": money_text(self.env, terms.fee, currency) if terms.fee else False,
            "increments": increments_text(terms),
            "billed": tier.billed_seconds,
            "free": tier.free_seconds,
            "amount": money_text(self.env, tier.amount, currency),
            "steps": step_texts(self.env, tier.steps, currency),
        }
