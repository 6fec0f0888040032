from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

PRICE_DIGITS = (16, 8)


def clean_prefix(env, typed):
    """Return a prefix as calls are matched: digits only, without + or 00 in front.

    :raises ValidationError: when nothing is left of it
    """
    typed = prefix = "".join((typed or "").split())
    if prefix.startswith("+"):
        prefix = prefix[1:]
    elif prefix.startswith("00"):
        prefix = prefix[2:]
    if typed and not prefix:
        raise ValidationError(
            env._(
                "%s is no prefix: digits have to follow it. Leave the prefix empty for the "
                "price of every number for which there is no other.",
                typed,
            )
        )
    return prefix


class Rate(models.Model):
    """One row of a rate card: the price of calls to the numbers that start with a prefix."""

    _name = "telecom.rate"
    _description = "Rate"
    _inherit = ["telecom.clean.values"]
    _order = "card_id, prefix, direction, date_from"
    _rec_name = "prefix"

    card_id = fields.Many2one(
        "telecom.rate.card", string="Rate Card", required=True, ondelete="restrict"
    )
    currency_id = fields.Many2one(related="card_id.currency_id")
    company_id = fields.Many2one(related="card_id.company_id")
    direction = fields.Selection(
        [("outbound", "Outbound"), ("inbound", "Inbound")], required=True, default="outbound"
    )
    prefix = fields.Char(
        required=True,
        default="",
        help="Leading digits of the number in international form, such as 3247. "
        "Empty: every number for which no longer prefix is found.",
    )
    destination = fields.Char(required=True)
    price_per_minute = fields.Float(
        digits=PRICE_DIGITS, min_display_digits=4, required=True, default=0.0
    )
    connection_fee = fields.Float(
        digits=PRICE_DIGITS,
        min_display_digits=4,
        default=0.0,
        help="Charged once for every answered call.",
    )
    included_seconds = fields.Integer(help="Seconds at the start that the connection fee pays.")
    initial_increment = fields.Integer(
        default=1, required=True, help="Seconds of the first block, billed whole."
    )
    increment = fields.Integer(
        default=1, required=True, help="Seconds of each further block, billed whole."
    )
    date_from = fields.Datetime(
        string="In Force From", help="Calls that start at this moment or later. Empty: always."
    )
    date_to = fields.Datetime(
        string="In Force Until", help="Calls that start before this moment. Empty: for ever."
    )

    _row_uniq = models.UniqueIndex(
        "(card_id, direction, prefix, COALESCE(date_from, '-infinity'))",
        "This card has a rate for this prefix from this moment already.",
    )
    _prefix_digits = models.Constraint(
        "CHECK (prefix ~ '^[0-9]*$' AND length(prefix) <= 15)",
        "A prefix has digits only, fifteen at most.",
    )
    _price_range = models.Constraint(
        "CHECK (price_per_minute >= 0 AND price_per_minute < 1000000"
        " AND connection_fee >= 0 AND connection_fee < 1000000)",
        "A price is from 0 to below 1,000,000.",
    )
    _increments_range = models.Constraint(
        "CHECK (included_seconds >= 0 AND initial_increment >= 1 AND increment >= 1"
        " AND included_seconds <= 86400 AND initial_increment <= 86400 AND increment <= 86400)",
        "Increments are from 1 to 86,400 seconds, included seconds from 0.",
    )
    _dates_order = models.Constraint(
        "CHECK (date_to IS NULL OR date_from IS NULL OR date_to >= date_from)",
        "A rate's end is not before its start.",
    )

    # === COMPUTE METHODS ===

    @api.depends("prefix", "destination", "card_id")
    def _compute_display_name(self):
        for rate in self:
            rate.display_name = f"{rate.prefix or '*'} {rate.destination or ''}".strip()

    # === CONSTRAINTS ===

    @api.constrains("card_id", "direction", "prefix", "date_from", "date_to")
    def _check_overlap(self):
        """Rates of one prefix do not overlap in time: which one prices a call is never a guess."""
        for rate in self:
            overlap = Domain(
                [
                    ("card_id", "=", rate.card_id.id),
                    ("direction", "=", rate.direction),
                    ("prefix", "=", rate.prefix or ""),
                    ("id", "!=", rate.id),
                ]
            )
            if rate.date_to:
                overlap &= Domain("date_from", "=", False) | Domain("date_from", "<", rate.date_to)
            if rate.date_from:
                overlap &= Domain("date_to", "=", False) | Domain("date_to", ">", rate.date_from)
            # an empty span [x, x) is in force at no moment and collides with nothing
            if rate.date_from and rate.date_from == rate.date_to:
                continue
            for other in self.search(overlap):
                if not other.date_from or other.date_from != other.date_to:
                    raise ValidationError(
                        self.env._(
                            "Prefix %(prefix)s of card %(card)s: two rates are in force at the "
                            "same time (%(first)s and %(second)s). End one before the other.",
                            prefix=rate.prefix or "*",
                            card=rate.card_id.name,
                            first=rate.destination,
                            second=other.destination,
                        )
                    )

    # === CRUD METHODS ===

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        """Keep the rates that priced calls: a call shows the rate it was priced with."""
        if self._is_used():
            raise UserError(
                self.env._("Calls were priced with these rates: end them instead of deleting them.")
            )

    def _is_used(self):
        """Tell whether calls were priced with these rates; call charges have no foreign key.

        Waits for those who price with the cards just now, and looks for what they committed,
        which this transaction does not see.
        """
        self.env.cr.execute(
            SQL(
                "SELECT id FROM telecom_rate_card WHERE id IN %s ORDER BY id FOR UPDATE",
                tuple(self.card_id.ids),
            )
        )
        self.env.cr.execute(
            SQL(
                "UPDATE telecom_rate_card SET rates_deleted = coalesce(rates_deleted, 0) + 1"
                " WHERE id IN %s",
                tuple(self.card_id.ids),
            )
        )
        used = SQL("SELECT 1 FROM telecom_call_charge WHERE rate_id IN %s LIMIT 1", tuple(self.ids))
        if self.env.execute_query(used):
            return True
        with self.env.registry.cursor() as cursor:
            cursor.execute(used)
            return bool(cursor.fetchone())

    @api.model
    def _clean(self, vals):
        """Write prefixes the way calls are matched: digits only, without + or 00 in front."""
        if "prefix" in vals:
            vals["prefix"] = clean_prefix(self.env, vals["prefix"])
        return vals
