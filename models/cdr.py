from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .bulk import BulkMany2one
from .cdr_intake import Intake
from .rating import Rater
from .rerating import Rerater

REASONS = [
    # waiting to be mended
    ("no_account", "No account found"),
    ("no_number", "Not a telephone number"),
    ("no_card", "Account without rate card"),
    ("no_rate", "No rate for the number"),
    ("no_period", "No open billing period"),
    ("error", "Unexpected error"),
    # never charged
    ("no_answer", "Not answered"),
    ("other_leg", "Other leg of a call"),
]


class Cdr(models.Model):
    """A call as the switch reported it. Rows are added by `import_calls` and hardly ever change.

    What is still to be rated stands in the side table telecom_cdr_pending, with the reason
    why it failed if it was tried: marking a million calls as rated is then one delete from a
    narrow table instead of a million updates of wide rows with four indexes.
    """

    _name = "telecom.cdr"
    _description = "Call"
    _log_access = False
    _order = "id desc"
    _rec_name = "uid"

    uid = fields.Char("Call ID", required=True, readonly=True)
    source = fields.Char(required=True, readonly=True)
    import_id = BulkMany2one("telecom.cdr.import", string="Import", readonly=True)
    company_id = BulkMany2one("res.company", readonly=True)
    account_code = fields.Char(readonly=True)
    partner_id = BulkMany2one("res.partner", string="Account", readonly=True)
    direction = fields.Selection([("outbound", "Outbound"), ("inbound", "Inbound")], readonly=True)
    src = fields.Char("From", readonly=True)
    dst = fields.Char("To", readonly=True)
    src_reported = fields.Char("From as Reported", readonly=True)
    dst_reported = fields.Char("To as Reported", readonly=True)
    start = fields.Datetime(required=True, readonly=True)
    duration = fields.Integer(readonly=True, help="Seconds from the first ring to the end.")
    billsec = fields.Integer("Seconds", readonly=True, help="Seconds of conversation.")
    disposition = fields.Char(readonly=True)
    bleg_uid = fields.Char("Other Leg", readonly=True)
    sip_user = fields.Char(readonly=True)
    trunk = fields.Char(readonly=True)
    ignored = fields.Char(readonly=True, help="Why this call is never charged.")
    importer_companies = fields.Char(
        readonly=True,
        help="IDs of the companies whose accounts whoever imported the call may charge, with "
        "commas between. Empty: any.",
    )

    state = fields.Selection(
        [
            ("pending", "To Rate"),
            ("rated", "Rated"),
            ("unrated", "Unrated"),
            ("ignored", "Ignored"),
        ],
        compute="_compute_state",
        search="_search_state",
    )
    reason = fields.Selection(REASONS, compute="_compute_state", search="_search_reason")
    reason_detail = fields.Char(compute="_compute_state")
    call_charge_ids = fields.One2many("telecom.call.charge", "cdr_id", string="Charges")
    amount = fields.Monetary(
        compute="_compute_amount", help="What the account itself is charged for the call."
    )
    currency_id = fields.Many2one("res.currency", compute="_compute_amount")
    destination = fields.Char(compute="_compute_amount")
    move_id = fields.Many2one("account.move", string="Invoice", compute="_compute_amount")

    _uid_uniq = models.UniqueIndex("(source, uid)", "This call is here already.")
    _partner_start_idx = models.Index("(partner_id, start)")
    _bleg_uid_idx = models.Index("(source, bleg_uid) WHERE bleg_uid IS NOT NULL")
    _import_idx = models.Index("(import_id) WHERE import_id IS NOT NULL")

    def init(self):
        """Make the side table of calls that are still to be rated."""
        self.env.cr.execute(
            """
            CREATE TABLE IF NOT EXISTS telecom_cdr_pending (
                cdr_id integer PRIMARY KEY,
                start timestamp NOT NULL,
                tried timestamp,
                reason varchar,
                detail varchar
            );
            CREATE INDEX IF NOT EXISTS telecom_cdr_pending_start_idx
                ON telecom_cdr_pending (start, cdr_id);
            CREATE INDEX IF NOT EXISTS telecom_cdr_pending_reason_idx
                ON telecom_cdr_pending (reason) WHERE reason IS NOT NULL;
            """
        )

    # === COMPUTE METHODS ===

    @api.depends("ignored")
    def _compute_state(self):
        waiting = {}
        if self.ids:
            waiting = {
                cdr: (reason, detail)
                for cdr, reason, detail in self.env.execute_query(
                    SQL(
                        "SELECT cdr_id, reason, detail FROM telecom_cdr_pending WHERE cdr_id IN %s",
                        tuple(self.ids),
                    )
                )
            }
        for cdr in self:
            reason, detail = waiting.get(cdr.id, (False, False))
            if cdr.ignored:
                cdr.state, reason = "ignored", cdr.ignored
            elif cdr.id not in waiting:
                cdr.state = "rated"
            else:
                cdr.state = "unrated" if reason else "pending"
            cdr.reason = reason or False
            cdr.reason_detail = detail or False

    def _search_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        pending = "SELECT cdr_id FROM telecom_cdr_pending"
        domains = {
            "pending": Domain("id", "in", SQL(f"({pending} WHERE reason IS NULL)")),
            "unrated": Domain("id", "in", SQL(f"({pending} WHERE reason IS NOT NULL)")),
            "ignored": Domain("ignored", "!=", False),
            "rated": Domain("ignored", "=", False) & Domain("id", "not in", SQL(f"({pending})")),
        }
        return Domain.OR(domains[state] for state in value if state in domains)

    def _search_reason(self, operator, value):
        if operator != "in":
            return NotImplemented
        reasons = [reason for reason in value if reason]
        domain = Domain("ignored", "in", reasons) | Domain(
            "id",
            "in",
            SQL("(SELECT cdr_id FROM telecom_cdr_pending WHERE reason = ANY(%s))", reasons),
        )
        if False in value:
            domain |= Domain("ignored", "=", False) & Domain(
                "id",
                "not in",
                SQL("(SELECT cdr_id FROM telecom_cdr_pending WHERE reason IS NOT NULL)"),
            )
        return domain

    def _field_to_sql(self, alias, field_expr, query=None):
        """Let lists be grouped by state and reason, which are not columns of this table."""
        if field_expr in ("state", "reason") and query is not None:
            pending = query.left_join(alias, "id", "telecom_cdr_pending", "cdr_id", "pending")
            ignored = SQL.identifier(alias, "ignored")
            reason = SQL.identifier(pending, "reason")
            if field_expr == "reason":
                return SQL("COALESCE(%s, %s)", ignored, reason)
            return SQL(
                "CASE WHEN %s IS NOT NULL THEN 'ignored' WHEN %s IS NULL THEN 'rated'"
                " WHEN %s IS NULL THEN 'pending' ELSE 'unrated' END",
                ignored,
                SQL.identifier(pending, "cdr_id"),
                reason,
            )
        return super()._field_to_sql(alias, field_expr, query)

    @api.depends("partner_id", "call_charge_ids")
    def _compute_amount(self):
        own = {
            charge.cdr_id: charge
            for charge in self.env["telecom.call.charge"].search(
                [("cdr_id", "in", self.ids), ("tier", "=", 0)]
            )
        }
        for cdr in self:
            charge = own.get(cdr)
            cdr.amount = charge.amount if charge else 0.0
            cdr.currency_id = charge.currency_id if charge else False
            cdr.destination = charge.destination if charge else False
            cdr.move_id = charge.sudo().period_id.move_id if charge else False

    # === CRUD METHODS ===

    @api.model_create_multi
    def create(self, vals_list):  # pylint: disable=method-required-super
        """Take calls the way every call is taken: one posted alone is an import of one row."""
        calls = self.browse()
        for vals in vals_list:
            source = vals.get("source") or "manual"
            counts = self.import_calls([vals], source)
            if counts["rejected"]:
                raise UserError(counts["errors"][0])
            calls |= self.search([("source", "=", source), ("uid", "=", vals["uid"])], limit=1)
        return calls

    def write(self, vals):
        """Refuse: calls are evidence. What is found out about them later (an account, a leg to be
        set aside) is written by the methods that do so, as superuser."""
        if not self.env.su:
            raise AccessError(
                self.env._("A call is kept as the switch reported it: nobody may change it.")
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_charged(self):
        if (
            self.env["telecom.call.charge"]
            .sudo()
            .search_count([("cdr_id", "in", self.ids)], limit=1)
        ):
            raise UserError(self.env._("A call that is charged cannot be deleted."))

    def unlink(self):
        self.check_access("unlink")
        if self:
            self.env.cr.execute(
                SQL("DELETE FROM telecom_cdr_pending WHERE cdr_id IN %s", tuple(self.ids))
            )
        return super().unlink()

    # === ACTIONS ===

    def action_rate(self):
        """Try the selected calls that are still to be rated."""
        self._check_rating()
        waiting = self.filtered(lambda cdr: cdr.state in ("pending", "unrated"))
        return self._notify_rated(Rater(self.env).run(only=waiting.ids))

    def action_rerate(self):
        """Price the selected calls again, where they are not invoiced yet."""
        return self._notify_rerated(self._rerate(calls=self))

    def action_open_charges(self):
        """Open what each tier is charged for this call."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("telecom_billing.call_charge_action")
        action["domain"] = [("cdr_id", "=", self.id)]
        return action

    @api.model
    def _notify(self, message, kind="success"):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "message": message,
                "type": kind,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    @api.model
    def _notify_rated(self, counts):
        return self._notify(
            self.env._(
                "%(rated)s calls rated, %(unrated)s unrated.",
                rated=counts["rated"],
                unrated=counts["unrated"],
            ),
            "warning" if counts["unrated"] else "success",
        )

    @api.model
    def _notify_rerated(self, counts):
        return self._notify(
            self.env._(
                "%(released)s calls priced again, %(kept)s left as invoiced.",
                released=counts["released"],
                kept=counts["kept"],
            )
        )

    # === BUSINESS METHODS ===

    def _check_rating(self):
        """Refuse those who may not have these calls priced: who may import calls may also have
        them rated, where they are of a company of theirs."""
        self.check_access("read")
        self.browse().check_access("create")

    @api.model
    def import_calls(self, rows, source):
        """Take calls into the database, each once.

        :param rows: iterable of dicts with `uid`, `start` (UTC, or with an offset), `billsec`
            (seconds of conversation), and any of `account_code`, `direction`, `src`, `dst`,
            `duration` (seconds), `disposition` (such as NO ANSWER: not charged, unless
            `answered` says otherwise), `answered` (yes or no; None or empty where it is not
            known), `bleg_uid`, `sip_user`, `trunk`, `line`, `raw`; a row with `error` is
            listed as rejected
        :param source: code or record of the `telecom.cdr.source` that reports them, which is
            made when the code is new; a call is known by `uid` within its source
        :return: dict of counts: `read`, `taken`, `ignored` (taken, never charged),
            `duplicate`, `rejected`; and `errors`, the first reasons as text
        """
        self.check_access("create")
        return Intake(self.env, source).run(rows)

    @api.model
    def rate_pending(self, limit=None):
        """Price calls that are still to be rated, oldest first, and try unrated ones again.

        :param limit: number of calls to try at most; None for all
        :return: dict of counts: `rated`, `unrated`, and `reasons` {reason: calls}
        """
        self._check_rating()
        return Rater(self.env).run(limit=limit)

    @api.model
    def _rerate(self, calls=None, accounts=None, cards=None, date_from=None, date_to=None):
        """Undo the pricing of calls that are not invoiced yet, and price them again.

        :param calls, accounts, cards: recordsets that limit which calls
        :param date_from, date_to: UTC datetimes; calls that start in [date_from, date_to)
        :return: dict of counts `released`, `kept` (invoiced or frozen), `rated`, `unrated`
        """
        (self if calls is None else calls)._check_rating()
        return Rerater(self.env).run(calls, accounts, cards, date_from, date_to)

    def _find_accounts(self):
        """Look again for the account of calls that have none: it may be known by now."""
        by_source = defaultdict(list)
        self.env.cr.execute(
            """
            SELECT id, source, coalesce(account_code, '') AS account_code, direction, start,
                   src_reported AS src, dst_reported AS dst, sip_user, trunk, importer_companies
              FROM telecom_cdr WHERE id = ANY(%s)
            """,
            [self.ids],
        )
        for row in self.env.cr.dictfetchall():
            by_source[row.pop("source")].append(row)
        found = []
        for source, rows in by_source.items():
            found += Intake(self.env, source).find_again(rows)
        if found:
            self.env.cr.execute_values(
                """
                UPDATE telecom_cdr c
                   SET partner_id = v.partner_id, direction = v.direction, src = v.src, dst = v.dst
                  FROM (VALUES %s) AS v (id, partner_id, direction, src, dst)
                 WHERE c.id = v.id
                """,
                found,
            )
            self.invalidate_model(flush=False)

    def _set_aside(self, reason):
        """Never charge these calls, unless they are invoiced already.

        :param reason: code of the reason, such as other_leg
        :return: those that are invoiced already, or about to be
        """
        self.env.cr.execute(
            "SELECT DISTINCT cdr_id FROM telecom_call_charge WHERE cdr_id = ANY(%s)", [self.ids]
        )
        charged = {row[0] for row in self.env.cr.fetchall()}
        kept = charged - set(Rerater(self.env).withdraw(list(charged)))
        aside = [cdr_id for cdr_id in self.ids if cdr_id not in kept]
        self.env.cr.execute(
            "UPDATE telecom_cdr SET ignored = %s WHERE id = ANY(%s)", [reason, aside]
        )
        self.env.cr.execute("DELETE FROM telecom_cdr_pending WHERE cdr_id = ANY(%s)", [aside])
        self.invalidate_model(flush=False)
        return self.browse(kept)

    @api.model
    def _cron_rate_pending(self):
        Rater(self.env).run(retry_after_minutes=60)
