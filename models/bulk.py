"""What the bulk paths share: COPY, commits between batches, and fields without a foreign key."""

import math
import time
from itertools import islice

from psycopg2.errors import DeadlockDetected, LockNotAvailable, SerializationFailure

from odoo import fields, modules
from odoo.exceptions import ConcurrencyError

RETRYABLE = (SerializationFailure, DeadlockDetected, LockNotAvailable, ConcurrencyError)


class BulkMany2one(fields.Many2one):
    """A many2one of a table with millions of rows, without a foreign key.

    PostgreSQL checks a foreign key once per row and key: with five keys that costs more than
    writing the rows. What the key would promise is kept otherwise: the writer locks each
    referenced record once per batch, and deleting a referenced record is refused (the usage
    rows, one per batch and destination, do have their foreign keys; see docs/decisions.md).
    """

    def update_db_foreign_key(self, model, column):
        """Add no foreign key."""


class BigInteger(fields.Integer):
    """An integer of eight bytes: what adds up over millions of calls needs more than four."""

    _column_type = ("int8", "int8")


def escape(value):
    """Return `value` as a field of COPY's text format (NULL is the empty field)."""
    if value is None:
        return ""
    text = str(value)
    if "\\" in text or "\t" in text or "\n" in text or "\r" in text:
        text = (
            text.replace("\\", "\\\\")
            .replace("\t", "\\t")
            .replace("\n", "\\n")
            .replace("\r", "\\r")
        )
    return text


class _LineReader:
    """What COPY reads from: lines as they are computed, a few hundred at a time."""

    def __init__(self, lines):
        self._lines = iter(lines)

    def read(self, _size):  # pylint: disable=method-required-super
        """Return the next lines, '' after the last."""
        chunk = list(islice(self._lines, 400))
        return "\n".join(chunk) + "\n" if chunk else ""


def copy_lines(cr, table, columns, lines):
    """COPY lines (text format, '' is NULL) into `table`.

    :param lines: iterable of str, one per row, each without its newline. An iterator is read
        while PostgreSQL works on what it got, and must not ask the database itself.
    """
    cr.copy_expert(
        f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT text, NULL '')",
        _LineReader(lines),
    )


def copy_rows(cr, table, columns, rows):
    """COPY tuples into `table`; None is NULL, and so is an empty string."""
    copy_lines(cr, table, columns, ("\t".join(map(escape, row)) for row in rows))


def may_commit(env):
    """Tell whether a bulk job may commit between its batches.

    It may not inside a test's transaction, which has to be rolled back in the end; a test of
    concurrent jobs uses cursors of its own and says so with `telecom_commit`. A rehearsal is
    rolled back, too.
    """
    if env.context.get("telecom_rehearsal"):
        return False
    return not modules.module.current_test or env.context.get("telecom_commit")


def rehearsal_of(env):
    """Return the environment, as superuser, in which bulk jobs commit nothing and tell nobody:
    the caller rolls back what they did."""
    return env(
        su=True,
        context={
            **env.context,
            "telecom_rehearsal": True,
            "tracking_disable": True,
            "mail_activity_quick_update": True,
            "mail_notify_force_send": False,
        },
    )


def commit_progress(env, processed=0, remaining=None):
    """Commit a batch, tell the cron job how far it is, and return the seconds it has left."""
    env.flush_all()
    if not may_commit(env):
        return math.inf
    return env["ir.cron"]._commit_progress(processed, remaining=remaining)


def run_batch(env, function, tries=8):
    """Run `function` and commit; when another transaction was faster, repeat it in a new one.

    Cron repeats nothing by itself. Where this may not commit, the failure goes to the caller.
    What the caller has done before is committed first: a rollback must not take it along.

    :param function: callable without arguments; must be safe to repeat after a rollback
    :return: what `function` returned
    """
    env.flush_all()
    if not may_commit(env):
        result = function()
        env.flush_all()
        return result
    env.cr.commit()
    for attempt in range(1, tries + 1):
        try:
            result = function()
            env.flush_all()
            env.cr.commit()
            return result
        except RETRYABLE:
            env.cr.rollback()
            env.transaction.reset()
            if attempt == tries:
                raise
            time.sleep(min(0.05 * 2**attempt, 2.0))
        except Exception:
            env.cr.rollback()
            env.transaction.reset()
            raise
    return None
