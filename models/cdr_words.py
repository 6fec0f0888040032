"""Why a call is refused, or a file of calls cannot be read, in the user's language.

The engine names reasons by codes; the sentences stand here once more because Odoo collects what
is to be translated from calls of `env._`.
"""

from ..engine.intake.badrow import MESSAGES


class CallWords:
    """The sentences in one language, looked up once."""

    def __init__(self, env):
        self._env = env
        self._reasons = _reasons(env)
        self._others = {
            "line": env._("The line"),
            "file": env._("The file"),
            "answer": env._("The time of the answer"),
            "answered": env._("Answered"),
        }

    def reason(self, error):
        """Return why a row is refused, or a file cannot be read.

        :param error: `BadRow` of the engine
        """
        sentence = self._reasons.get(error.code) or MESSAGES[error.code]
        return sentence % {**error.params, "field": self._label(error.field)}

    def failure(self, error):
        """Return why a file cannot be read.

        :param error: the exception that a reader of the engine raised
        """
        bad_row = getattr(error, "bad_row", None)
        return self.reason(bad_row) if bad_row else str(error)

    def _label(self, name):
        field = self._env["telecom.cdr"]._fields.get(name)
        if field:
            return field._description_string(self._env)
        return self._others.get(name, name)


def _reasons(env):
    return {
        "empty": env._("%(field)s is empty"),
        "columns": env._("The line has %(value)s columns where %(expected)s are expected"),
        "quotes": env._("A quotation mark is never closed: %(value)s"),
        "line_too_long": env._("%(field)s is longer than %(limit)s characters: %(value)s"),
        "text_too_long": env._("%(field)s is longer than %(limit)s characters: %(value)s"),
        "bad_character": env._("%(field)s holds a character that cannot be stored: %(value)s"),
        "conflict": env._("%(field)s %(value)s is here already with another %(fields)s"),
        "placeholder": env._("%(field)s identifies no call: %(value)s"),
        "other_company": env._("%(field)s leads to an account of another company: %(value)s"),
        "not_a_duration": env._("%(field)s is no duration: %(value)s"),
        "duration_too_long": env._("%(field)s is too long for a call: %(value)s seconds"),
        "above_duration": env._(
            "%(field)s is %(value)s, more than the whole call of %(duration)s seconds"
        ),
        "answer_denied": env._(
            "%(field)s says that the call was not answered (%(value)s), but there are %(duration)s "
            "seconds of conversation: one of the two is wrong"
        ),
        "answer_missing": env._(
            "%(field)s is empty, but there are %(duration)s seconds of conversation"
        ),
        "not_a_yes_or_no": env._("%(field)s is neither yes nor no: %(value)s"),
        "not_a_stamp": env._("%(field)s is no date and time: %(value)s"),
        "too_early": env._("%(field)s is before 1990: %(value)s"),
        "too_old": env._(
            "%(field)s is more than %(days)s days ago, longer than the call source allows: "
            "%(value)s"
        ),
        "in_future": env._("%(field)s is in the future: %(value)s"),
        "digits_lost": env._("%(field)s has lost its digits in a spreadsheet: %(value)s"),
        "not_json": env._("%(field)s is no valid JSON: %(value)s"),
        "not_a_call": env._("%(field)s is no report of a call: %(value)s"),
        "not_a_direction": env._("%(field)s is neither outbound nor inbound: %(value)s"),
        # the file as a whole
        "too_many_bytes": env._("The file is larger than %(limit)s bytes when unpacked"),
        "too_many_rows": env._("The file has more than %(limit)s rows"),
        "too_dense": env._("The file is packed too tightly to be genuine: send it unpacked"),
        "gzip_in_gzip": env._("The file is packed twice: unpack it once"),
        "damaged_gzip": env._("The packed file is damaged: %(value)s"),
        "unknown_archive": env._("The file must be unpacked first: %(value)s"),
        "missing_column": env._("The file has no column for %(value)s"),
    }
