"""What the first calls of a file would become, without taking any."""

import io
from datetime import datetime
from itertools import islice

from odoo import fields

from ..engine.intake import read_calls
from .account_finder import AccountFinder
from .cdr_intake import Intake


class CallPreview:
    """The first rows of a file as intake understands them. Runs as superuser, writes nothing."""

    def __init__(self, env, source):
        self._intake = Intake(env, source)
        self._partners = self._intake.env["res.partner"]

    def rows(self, content, format_name, options, limit=10):
        """Return the first rows.

        :param content: bytes of the file, plain or gzip
        :param format_name, options: as `read_calls` of the engine takes them
        :return: list of dicts `line`, `account`, `src`, `dst`, `start` (UTC or None), `seconds`,
            `answered`, `error` (text, or empty) and, of an error, `code`, `value`, `fatal`
        :raises ValueError: when the format or an option is wrong
        """
        rows = list(islice(read_calls(io.BytesIO(content), format_name, options), limit))
        now, oldest = fields.Datetime.now(), self._intake.source.oldest_days
        errors = [self._intake.check(row, now, oldest) for row in rows]
        good = [row for row, error in zip(rows, errors, strict=True) if not error]
        accounts = AccountFinder(self._intake, good)
        return [
            self._bad(row, error) if error else self._good(row, accounts)
            for row, error in zip(rows, errors, strict=True)
        ]

    def _good(self, row, accounts):
        partner, _direction, src, dst = self._intake.find(row, accounts)
        error = self._intake.check_account(row, partner, accounts)
        if error:
            return self._bad(row, error)
        return {
            "line": row.get("line"),
            "account": self._partners.browse(partner).display_name if partner else "",
            "account_code": row.get("account_code") or "",
            "src": src,
            "dst": dst,
            "start": row["start"],
            "seconds": row["billsec"],
            "answered": self._intake.is_charged(row),
            "ignored": bool(row.get("ignored")),
            "error": "",
        }

    def _bad(self, row, error):
        start = row.get("start")
        return {
            "line": row.get("line"),
            "account": "",
            "account_code": row.get("account_code") or "",
            "src": row.get("src") or "",
            "dst": row.get("dst") or "",
            "start": start if isinstance(start, datetime) else None,
            "seconds": None,
            "answered": None,
            "ignored": False,
            "fatal": error.fatal,
            "code": error.code,
            "value": error.params.get("value"),
            "error": self._intake.reason(error),
        }
