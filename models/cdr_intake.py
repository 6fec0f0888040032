"""Calls into the database: checked, normalised, each once; one path for one row or a million."""

from functools import partial
from itertools import islice

from odoo import fields

from ..engine.dialling import normalise
from ..engine.intake import BadRow, check_row
from .account_chain import AccountChain
from .account_finder import AccountFinder
from .bulk import commit_progress, copy_lines, escape, run_batch
from .call_legs import CallLegs
from .cdr_row import EMPTY, as_json, clean_row, line_number, storable
from .cdr_words import CallWords

BATCH = 20_000
ERRORS_SHOWN = 20
# what an account may be found by
ACCOUNT_FIELDS = ("account_code", "sip_user", "trunk", "dst", "src")
# what a row brings besides its line number
COLUMNS = (
    "uid",
    "account_code",
    "partner_id",
    "direction",
    "src",
    "dst",
    "src_reported",
    "dst_reported",
    "start",
    "duration",
    "billsec",
    "disposition",
    "bleg_uid",
    "sip_user",
    "trunk",
    "ignored",
    "importer_companies",
)
# two reports of one uid that differ in these are a conflict, not a duplicate
CONTENT = (
    "account_code",
    "src_reported",
    "dst_reported",
    "start",
    "duration",
    "billsec",
    "disposition",
)


class Intake:
    """Takes the rows of one source. Runs as superuser: callers check rights first."""

    def __init__(self, env, source, import_log=None):
        self.env = env(su=True)
        self.source = self.env["telecom.cdr.source"]._get(source)
        # the companies whose accounts the caller may charge; the system itself may charge any
        self.allowed = None
        if not env.su:
            self.allowed = ",".join(map(str, sorted(env.companies.ids)))
            self.source.with_env(env).check_access("read")
        self.import_log = import_log
        self.company = self.source.company_id or self.env.company
        self.rules = self.company._ensure_billing_profile()._dialling_rules()
        self.chain = AccountChain(self.env)
        # why the rest of a file was not read
        self.refused = None
        self._numbers = {}
        self._words = None

    def run(self, rows):
        """Take `rows` in batches; return the counts that `import_calls` documents."""
        # accounts and numbers are read from the database
        self.env.flush_all()
        counts = dict.fromkeys(("read", "taken", "ignored", "duplicate", "rejected"), 0)
        counts["errors"] = []
        rows = iter(rows)
        while batch := list(islice(rows, BATCH)):
            for name, count in self._take(batch).items():
                counts[name] += count
        counts["errors"] = counts["errors"][:ERRORS_SHOWN]
        return counts

    def run_committed(self, rows):
        """Take `rows` with a commit after each batch, and note each on the file's import.

        :return: False when the time of the cron job ended before the rows
        """
        rows = iter(rows)
        batch = list(islice(rows, BATCH))
        while batch:
            run_batch(self.env, partial(self._take_and_note, batch))
            batch = list(islice(rows, BATCH))
            if batch and commit_progress(self.env, remaining=1) <= 0:
                return False
        return True

    def _take_and_note(self, batch):
        counts = self._take(batch)
        if self.import_log:
            error = self.refused and self.reason(self.refused)
            self.import_log._note(len(batch), counts, error)

    def find_again(self, rows):
        """Return (call id, account id, direction, caller, called) of rows whose account is
        known by now, and one that whoever imported the call may charge.

        :param rows: dicts of calls of this source, as reported, with their `id` and the
            `importer_companies`
        """
        accounts = AccountFinder(self, rows)
        found = []
        for row in rows:
            partner, direction, src, dst = self.find(row, accounts)
            if partner is not None and accounts.is_allowed(partner, row["importer_companies"]):
                found.append((row["id"], partner, direction, src or None, dst or None))
        return found

    # === ONE BATCH ===

    def _take(self, batch):
        now, oldest = fields.Datetime.now(), self.source.oldest_days
        good, rejects = [], []
        for row in batch:
            if not isinstance(row, dict):
                row = {"raw": str(row), "error": BadRow("line", "not_a_call", row)}
            error = self.check(row, now, oldest)
            if not error:
                good.append(row)
                continue
            if error.fatal and self.import_log:
                # not a row: the file's own trouble, said on its import
                self.refused = error
            else:
                rejects.append((row, error))
        accounts = AccountFinder(self, good)
        lines, ours = [], []
        for row in good:
            found = self.find(row, accounts)
            error = self.check_account(row, found[0], accounts)
            if error:
                rejects.append((row, error))
            else:
                lines.append(self._line(len(ours), row, found))
                ours.append(row)
        taken, ignored, duplicate, conflicts = self._store(lines)
        for number, differences in conflicts:
            rejects.append(
                (ours[number], BadRow("uid", "conflict", ours[number]["uid"], fields=differences))
            )
        self._reject(rejects)
        return {
            "read": len(ours) + len(rejects) - len(conflicts),
            "taken": taken,
            "ignored": ignored,
            "duplicate": duplicate,
            "rejected": len(rejects),
            "errors": [self._message(row, error) for row, error in rejects[:ERRORS_SHOWN]],
        }

    @staticmethod
    def check(row, now, oldest):
        """Bring a row to the types that are stored; return the BadRow that says why it cannot be
        taken, whoever's call it is, else None."""
        error = row.get("error") or clean_row(row) or check_row(row, now, oldest)
        if error and not isinstance(error, BadRow):
            return BadRow("line", "not_a_call", error)
        return error or None

    def check_account(self, row, partner, accounts):
        """Return the BadRow of a row whose account the caller may not charge, else None."""
        if partner is None or accounts.is_allowed(partner, self.allowed):
            return None
        field = next(name for name in ACCOUNT_FIELDS if row[name])
        return BadRow(field, "other_company", row[field])

    @staticmethod
    def is_charged(row):
        """Tell whether a checked row is of a conversation."""
        return bool(row["billsec"]) and row["answered"]

    def _line(self, number, row, found):
        """Return the COPY line of a checked row.

        :param found: what `find` returned for it
        """
        partner, direction, src, dst = found
        values = (
            number,
            row["uid"],
            row.get("account_code") or "",
            partner,
            direction,
            src,
            dst,
            row.get("src"),
            row.get("dst"),
            row["start"],
            row["duration"],
            row["billsec"],
            row.get("disposition"),
            row.get("bleg_uid"),
            row.get("sip_user"),
            row.get("trunk"),
            (row.get("ignored") or "") if self.is_charged(row) else "no_answer",
            self.allowed,
        )
        return "\t".join(map(escape, values))

    def find(self, row, accounts):
        """Return (account id or None, direction or None, caller, called) of a row."""
        partner, rules = accounts.by_code(row.get("account_code") or "")
        direction = row.get("direction") or None
        start = row["start"]
        dst = self._normalise(row.get("dst") or "", rules)
        if partner is None:
            if direction != "outbound":
                partner = accounts.by_did(dst, start)
                if partner is not None:
                    direction = "inbound"
            if partner is None:
                caller = self._normalise(row.get("src") or "", rules)
                partner = accounts.by_identifier(row, caller)
            if partner is not None:
                rules = accounts.rules(partner)
                dst = self._normalise(row.get("dst") or "", rules)
        elif not direction and accounts.by_did(dst, start) == partner:
            # a call to a number of the account itself that carries its code: it was received
            direction = "inbound"
        if partner is not None and not direction:
            # without account it stays as reported: the account found later decides
            direction = "outbound"
        return partner, direction, self._normalise(row.get("src") or "", rules), dst

    def _normalise(self, number, rules):
        key = (number, rules)
        found = self._numbers.get(key)
        if found is None:
            if len(self._numbers) > 500_000:
                self._numbers.clear()
            found = self._numbers[key] = normalise(number, rules) or ""
        return found

    # === STORING ===

    def _store(self, lines):
        """Insert the lines that are new; return counts and the conflicting line numbers."""
        cr = self.env.cr
        cr.execute(
            """
            CREATE TEMPORARY TABLE IF NOT EXISTS telecom_cdr_batch (
                line integer, uid varchar, account_code varchar, partner_id integer,
                direction varchar, src varchar, dst varchar, src_reported varchar,
                dst_reported varchar, start timestamp, duration integer, billsec integer,
                disposition varchar, bleg_uid varchar, sip_user varchar, trunk varchar,
                ignored varchar, importer_companies varchar
            ) ON COMMIT DROP;
            TRUNCATE telecom_cdr_batch
            """
        )
        copy_lines(cr, "telecom_cdr_batch", ("line", *COLUMNS), lines)
        columns = ", ".join(COLUMNS)
        cr.execute(
            f"""
            WITH new AS (
                INSERT INTO telecom_cdr (source, import_id, company_id, {columns})
                SELECT %(source)s, %(import)s, %(company)s, {columns}
                  FROM (SELECT DISTINCT ON (uid) * FROM telecom_cdr_batch ORDER BY uid, line) b
                 ORDER BY line
                    ON CONFLICT (source, uid) DO NOTHING
                RETURNING id, start, ignored
            ), waiting AS (
                INSERT INTO telecom_cdr_pending (cdr_id, start)
                SELECT id, start FROM new WHERE ignored IS NULL
            )
            SELECT array_agg(id), count(ignored) FROM new
            """,
            {
                "source": self.source.code,
                "import": self.import_log.id if self.import_log else None,
                "company": self.company.id,
            },
        )
        taken, ignored = cr.fetchone()
        taken = taken or []
        conflicts = []
        if len(taken) < len(lines):
            conflicts = self._conflicts()
        duplicate = len(lines) - len(taken) - len(conflicts)
        CallLegs(self.env).settle(taken)
        return len(taken), ignored, duplicate, conflicts

    def _conflicts(self):
        """Return (line, differing fields) of the batch's rows that contradict the stored call."""
        differs = " OR ".join(f"b.{name} IS DISTINCT FROM c.{name}" for name in CONTENT)
        names = ", ".join(
            f"CASE WHEN b.{name} IS DISTINCT FROM c.{name} THEN '{name}' END" for name in CONTENT
        )
        self.env.cr.execute(
            f"""
            SELECT b.line, concat_ws(', ', {names})
              FROM telecom_cdr_batch b
              JOIN telecom_cdr c ON c.source = %s AND c.uid = b.uid
             WHERE {differs}
             ORDER BY b.line
            """,
            [self.source.code],
        )
        return self.env.cr.fetchall()

    # === REJECTS ===

    def _reject(self, rejects):
        """Keep each bad row with its reason, once: the same file again adds none."""
        if not rejects:
            return
        self.env["telecom.cdr.reject"]._keep(
            [
                {
                    "source_id": self.source.id,
                    "import_id": self.import_log.id if self.import_log else None,
                    "line": line_number(row),
                    "raw": storable(row.get("raw") or as_json(row)),
                    "values": storable(as_json({**EMPTY, **row}, indent=2)),
                    "field": error.field,
                    "reason": self.reason(error),
                }
                for row, error in rejects
            ]
        )

    def _message(self, row, error):
        return self.env._(
            "Line %(line)s, %(field)s: %(reason)s",
            line=row.get("line") or "-",
            field=error.field,
            reason=self.reason(error),
        )

    def reason(self, error):
        """Return why a row is refused, in the user's language."""
        if self._words is None:
            self._words = CallWords(self.env)
        return storable(self._words.reason(error))
