"""Reminding customers of unpaid invoices: what is due today, in batches, once each."""

import logging
from collections import defaultdict
from datetime import timedelta
from typing import NamedTuple

from odoo import fields
from odoo.exceptions import UserError
from odoo.tools import SQL, split_every

from ..engine.calendar import local_day
from .bulk import RETRYABLE, commit_progress, run_batch
from .failures import failure_text, warn
from .session_lock import session_lock

_logger = logging.getLogger(__name__)

BATCH = 50
# A rule that is made now does not remind of what it would have reminded of earlier than this.
GRACE_DAYS = 3
# The calendar is nowhere ahead of UTC by more than this.
EARLIEST_ZONE = timedelta(hours=14)

CANDIDATES = """
    SELECT move.id, rule.id, instalment.due + rule.shift, reminder.tried
      FROM account_move move
      JOIN telecom_reminder_rule rule ON rule.profile_id = move.telecom_profile_id
      JOIN res_partner customer ON customer.id = move.partner_id
CROSS JOIN LATERAL (
           SELECT min(item.date_maturity) AS due
             FROM account_move_line item
            WHERE item.move_id = move.id AND item.display_type = 'payment_term'
              AND item.reconciled IS NOT TRUE
           ) instalment
 LEFT JOIN telecom_reminder reminder
        ON reminder.move_id = move.id AND reminder.rule_id = rule.id
     WHERE rule.active
       AND move.move_type = 'out_invoice' AND move.state = 'posted'
       AND move.payment_state IN ('not_paid', 'partial') AND move.amount_residual > 0
       AND move.telecom_disputed IS NOT TRUE AND move.telecom_no_reminder IS NOT TRUE
       AND customer.telecom_no_reminder IS NOT TRUE
       AND instalment.due + rule.shift BETWEEN rule.since - %(grace)s AND %(latest)s
       AND (reminder.id IS NULL OR reminder.state = 'failed')
       AND %(only)s
  ORDER BY move.partner_id, move.id
"""


class Due(NamedTuple):
    """An invoice of which to remind today."""

    move: object
    # the rule whose reminder is mailed, and what became due before it meanwhile: (rule, day)
    rule: object
    day: object
    missed: list
    today: object


class ReminderJob:
    """Sends what is due of reminders, and ends suspensions. Runs as superuser."""

    def __init__(self, env):
        self.env = env(su=True)
        self.reminders = self.env["telecom.reminder"]
        self.moment = fields.Datetime.now()

    def run(self):
        """Do today's work; other processes keep away meanwhile."""
        with session_lock(self.env.cr, "telecom_reminder", 0) as alone:
            if not alone:
                return
            for work, ids in self._batches():
                self._work(work, ids)
                if commit_progress(self.env, processed=len(ids)) <= 0:
                    # Odoo calls again while something remains
                    return

    def _work(self, work, ids):
        """Do a batch; where it fails as a whole, one by one, so that one stops no others."""
        try:
            run_batch(self.env, lambda: work(ids))
        except Exception:
            if len(ids) == 1:
                _logger.exception("Reminders were stopped at record %s", ids[0])
                return
            for each in ids:
                self._work(work, [each])

    def _batches(self):
        """Return (function, ids of records that it works on), a customer's invoices together."""
        held = self.reminders.search(
            ["|", ("holds_suspension", "=", True), ("state", "=", "failed")]
        )
        undelivered = self.reminders.search(
            [("state", "=", "sent"), ("mail_id.state", "=", "exception")]
        )
        accounts = defaultdict(list)
        for move in self._candidates():
            accounts[move.partner_id].append(move.id)
        batches = [(self._settle, ids) for ids in split_every(BATCH, held.ids)]
        batches += [(self._take_back, ids) for ids in split_every(BATCH, undelivered.ids)]
        batch = []
        for ids in accounts.values():
            batch += ids
            if len(batch) >= BATCH:
                batches.append((self._remind, batch))
                batch = []
        if batch:
            batches.append((self._remind, batch))
        commit_progress(self.env, remaining=sum(len(ids) for _work, ids in batches))
        return batches

    # === WHAT IS DUE ===

    def _candidates(self, move_ids=None):
        """Return {invoice: [(rule, day, date of the last try)]} of what is not sent yet.

        It may hold reminders of tomorrow, for accounts where tomorrow has not begun.

        :param move_ids: to which invoices it is limited; None: all
        """
        self.env.flush_all()
        only = SQL("TRUE") if move_ids is None else SQL("move.id IN %s", tuple(move_ids))
        rows = self.env.execute_query(
            SQL(
                CANDIDATES,
                grace=GRACE_DAYS,
                latest=(self.moment + EARLIEST_ZONE).date(),
                only=only,
            )
        )
        moves = self.env["account.move"].browse(dict.fromkeys(row[0] for row in rows))
        rules = self.env["telecom.reminder.rule"].browse(dict.fromkeys(row[1] for row in rows))
        moves = {move.id: move for move in moves}
        rules = {rule.id: rule for rule in rules}
        result = defaultdict(list)
        for move_id, rule_id, day, tried in rows:
            result[moves[move_id]].append((rules[rule_id], day, tried))
        return result

    def _due(self, move_ids):
        """Return what to mail today of these invoices: of each the latest that is due."""
        candidates = self._candidates(move_ids)
        accounts = {move: move._telecom_account() for move in candidates}
        zones = self.env["res.partner"].union(*accounts.values())._account_zones()
        result = []
        for move, found in candidates.items():
            # nobody is reminded at night: the day begins with the issuer's hour
            night = timedelta(hours=move.telecom_profile_id.reminder_hour)
            today = local_day(self.moment - night, zones[accounts[move].id])
            found = [each for each in found if each[1] <= today]
            if not found or not move._telecom_remindable():
                continue
            found.sort(key=lambda each: (each[1], each[0].sequence, each[0].id))
            rule, day, tried = found[-1]
            sent = move.telecom_reminder_ids.filtered(lambda r: r.state == "sent").mapped("day")
            if any(earlier and earlier > day for earlier in sent):
                # a rule that was added since: what comes after it has been sent already
                for missed, missed_day, _tried in found:
                    self._skip(move, missed, missed_day)
                continue
            if tried and tried >= today:
                continue
            missed = [(each[0], each[1]) for each in found[:-1]]
            result.append(Due(move, rule, day, missed, today))
        return result

    def _grouped(self, due):
        """Return lists of what goes in one mail each."""
        groups = defaultdict(list)
        for each in due:
            move, rule = each.move, each.rule
            key = (
                move._telecom_account(),
                move._telecom_contacts(),
                move.telecom_profile_id,
                move.company_id,
                move.currency_id,
                # what is not due yet is not told of in the words for what is overdue
                rule.moment == "after",
                move if not rule.is_grouped else None,
            )
            groups[key].append(each)
        return list(groups.values())

    # === THE WORK OF A BATCH: each may be repeated after a rollback ===

    def _remind(self, move_ids):
        moves = self.env["account.move"].browse(move_ids).exists()
        # an invoice that somebody else is at is left to the next call
        moves = moves.try_lock_for_update()
        if not moves:
            return
        sent = False
        for group in self._grouped(self._due(moves.ids)):
            try:
                with self.env.cr.savepoint():
                    sent = self._send(group) or sent
            except RETRYABLE:
                raise
            except Exception as error:
                if not isinstance(error, UserError):
                    _logger.warning("Reminder of %s failed", group[0].move.name, exc_info=True)
                self.env.invalidate_all(flush=False)
                self._fail(group, failure_text(error))
        if sent:
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    def _settle(self, ids):
        self.reminders.browse(ids).exists()._settle()

    def _take_back(self, ids):
        """Say of mails that no server took that they were not sent; they are sent anew tomorrow."""
        for reminder in self.reminders.browse(ids).exists():
            mail = reminder.mail_id
            day = self.reminders._today(reminder.partner_id)
            reminder.write({"state": "failed", "tried": day, "mail_id": False})
            self._say(
                reminder,
                self.env._(
                    "The mail was not taken by the server: %s",
                    mail.failure_reason or mail.failure_type or "",
                ),
            )

    # === ONE MAIL ===

    def _send(self, group):
        """Send one mail for the invoices of a group, unless that was done meanwhile.

        :return: whether a mail goes out
        :raises UserError: when nothing can be sent
        """
        claimed = [(each, self.reminders._claim(each.move, each.rule, "sent")) for each in group]
        claimed = [(each, reminder) for each, reminder in claimed if reminder]
        if not claimed:
            return False
        moves = self.env["account.move"].union(*(each.move for each, _reminder in claimed))
        # the sternest words of those that are due
        rule = max((each.rule for each, _r in claimed), key=lambda rule: (rule.shift, rule.id))
        mail = self._mail(moves, rule, group[0].today)
        addresses = ", ".join(mail.recipient_ids.mapped("email_normalized"))
        suspending = self.env["account.move"]
        for each, reminder in claimed:
            move = each.move
            due_date, amount = move._telecom_due(each.today)
            suspends = any(r.suspend for r in (each.rule, *(r for r, _day in each.missed)))
            reminder._drop_activity()
            reminder.write(
                {
                    **self._facts(move, each.day, each.today),
                    "due_date": due_date,
                    "amount": amount,
                    "email": addresses,
                    "error": False,
                    "mail_id": mail.id,
                    "holds_suspension": suspends,
                }
            )
            for missed, day in each.missed:
                self._skip(move, missed, day)
            move.message_post(
                body=self.env._(
                    "Reminder “%(rule)s” sent to %(address)s.",
                    rule=each.rule.display_name,
                    address=addresses,
                )
            )
            suspending += move if suspends else move.browse()
        for move in suspending[:1]:
            move._telecom_account()._suspend(
                self.env._("Suspended: %s is overdue.", ", ".join(suspending.mapped("name")))
            )
        return True

    def _mail(self, moves, rule, today):
        """Return the mail that reminds of these invoices, in Odoo's queue.

        :param date today: in the account's time zone
        """
        move = moves.sorted(lambda m: (m._telecom_due(today)[0], m.id))[0]
        brand = move._telecom_brand()
        contacts = move._telecom_contacts()
        if not any(contact.email_normalized for contact in contacts):
            raise UserError(
                self.env._("%s has no valid e-mail address.", contacts[:1].display_name or "")
            )
        template = rule.template_id or self.env.ref(
            "telecom_billing.mail_template_reminder", raise_if_not_found=False
        )
        if not template:
            raise UserError(self.env._("The reminder rule has no mail template."))
        template = template.with_context(telecom_reminder={"move_ids": moves.ids, "today": today})
        values = self._render(template, move)
        vals = {
            "model": move._name,
            "res_id": move.id,
            # shown to the customer with the invoice in the portal, too
            "subtype_id": self.env.ref("mail.mt_comment").id,
            "author_id": (brand.author or move.company_id.partner_id).id,
            "subject": values["subject"],
            "body_html": values["body_html"],
            "body": values["body_html"],
            "recipient_ids": [fields.Command.set(contacts.ids)],
            "attachment_ids": self._attachments(template, moves),
            "auto_delete": False,
        }
        # the issuer's own ones go before the template's, see `mail.template`
        for name in ("email_from", "reply_to", "mail_server_id"):
            if values.get(name):
                vals[name] = values[name]
        return self.env["mail.mail"].create(vals)

    def _render(self, template, move):
        """Return what a template says, its text in the customer's language."""
        try:
            return template._generate_template(
                move.ids, ("subject", "body_html", "email_from", "reply_to", "mail_server_id")
            )[move.id]
        except RETRYABLE:
            raise
        except Exception as error:
            # Odoo's own text is a traceback, and another one each time
            cause = error
            while cause.__cause__:
                cause = cause.__cause__
            raise UserError(
                self.env._(
                    "The mail template “%(template)s” cannot be used: %(cause)s",
                    template=template.name,
                    cause=failure_text(cause),
                )
            ) from error

    def _attachments(self, template, moves):
        """Return commands that attach what the template attaches, for each of the invoices."""
        commands = [fields.Command.link(each.id) for each in template.attachment_ids]
        if template.report_template_ids:
            for values in template._generate_template(moves.ids, ("report_template_ids",)).values():
                commands += [
                    fields.Command.create({"name": name, "datas": content})
                    for name, content in values.get("attachments", ())
                ]
        return commands

    def _facts(self, move, day, today):
        """Return what every reminder says, whatever became of it."""
        return {
            "partner_id": move._telecom_account().id,
            "company_id": move.company_id.id,
            "day": day,
            "tried": today,
            "date": self.moment,
        }

    def _skip(self, move, rule, day):
        """Log that a later reminder goes out in the stead of this one."""
        reminder = self.reminders._claim(move, rule, "skipped")
        if reminder:
            reminder._drop_activity()
            reminder.write({**self._facts(move, day, False), "error": False})

    # === FAILURES ===

    def _fail(self, group, message):
        """Keep on the reminders why they could not be sent, and tell somebody."""
        for each in group:
            reminder = self.reminders._claim(each.move, each.rule, "failed")
            if reminder:
                reminder.write(self._facts(each.move, each.day, each.today))
                self._say(reminder, message)

    def _say(self, reminder, message):
        """Write a failure in the invoice's chatter when it is new, with an activity."""
        move = reminder.move_id
        if reminder.error != message:
            reminder.error = message
            move.message_post(body=self.env._("Reminder not sent: %s", message))
        if not reminder.activity_id.active:
            reminder.activity_id = warn(move, message, self.env._("Reminder not sent"))
