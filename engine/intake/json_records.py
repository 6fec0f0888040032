"""The records of a JSON file whose records may be torn, nested without end or hostile."""

import json
import re

from .badrow import BadRow, Refused

# A string up to its end (the group), to the end of the line or of the text; or what nests.
_TOKEN = re.compile(r'"(?:[^"\\\n]+|\\.)*("|)|[{}\[\]]')
_SEPARATORS = re.compile(r"[\s,\[\]]+")
_LINE_START = "\n{"
_MAX_DEPTH = 40
# An error is as slow as the text before it is long.
_TRIMMED_LENGTH = 1 << 15
# How much is looked at twice before a file is held to be made to harm.
_FREE_WASTE, _MAX_WASTE_RATIO = 64 << 20, 16


def _refuse(constant):
    raise ValueError(f"{constant} is no JSON number")


def _integer(digits):
    if len(digits) > 30:
        raise ValueError("an integer of more than 30 digits")
    return int(digits)


_decode = json.JSONDecoder(parse_constant=_refuse, parse_int=_integer).raw_decode


def json_records(texts, max_length, is_record):
    """The objects of a file: one, an array of them, one a line, or one after the other.

    An object that is no JSON is listed, and reading goes on behind it: at its closing brace, at the
    end of the line where a string was left open, or at the next line that starts with a record.

    :param texts: iterator of ``str``, with LF as line end
    :param max_length: characters of a record; one that is longer is listed
    :param is_record: function that tells whether an object is a record by itself
    :return: iterator of (line number, raw text, object or :class:`BadRow`)
    :raises Refused: for a file that would take too long
    """
    reader = _Reader(texts, max_length, is_record)
    while reader.skip_separators():
        yield reader.read()


class _Reader:
    def __init__(self, texts, max_length, is_record):
        self.texts = iter(texts)
        self.max_length, self.is_record = max_length, is_record
        self.buffer, self.at, self.line = "", 0, 1
        self.is_final = False
        self.read_length = self.waste = 0

    def more(self):
        """Add a block to the buffer; false at the end of the file."""
        block = next(self.texts, None)
        if block is None:
            self.is_final = True
            return False
        self.read_length += len(block)
        self.buffer, self.at = self.buffer[self.at :] + block, 0
        return True

    def advance(self, to):
        self.line += self.buffer.count("\n", self.at, to)
        self.at = to
        if to > _TRIMMED_LENGTH:
            self.buffer, self.at = self.buffer[to:], 0

    def skip_separators(self):
        """Go to the next record; false at the end of the file."""
        while True:
            match = _SEPARATORS.match(self.buffer, self.at)
            if match:
                self.advance(match.end())
            if self.at < len(self.buffer):
                return True
            if not self.more():
                return False

    def read(self):
        """(line, raw, object or BadRow) of the record that starts here."""
        start = self.line
        if self.buffer[self.at] != "{":
            return self.skip_line("an object is expected")
        while True:
            value, end, reason = self.decode(self.at)
            if not reason:
                break
            end, reason = self.find_end(reason)
            if end is not None:
                value = BadRow("line", "not_json", reason)
                break
            if len(self.buffer) - self.at > self.max_length or not self.more():
                return start, *self.skip_to_start(reason)
        raw = self.buffer[self.at : end]
        if len(raw) > self.max_length:
            value = BadRow("line", "line_too_long", raw, limit=self.max_length)
        self.advance(end)
        return start, raw, value

    def skip_line(self, reason):
        """List what is no record, up to the end of its line."""
        start, raw = self.line, ""
        while True:
            end = self.buffer.find("\n", self.at)
            if not raw:
                raw = self.buffer[self.at : end if end >= 0 else None][: self.max_length]
            self.advance(end if end >= 0 else len(self.buffer))
            if end >= 0 or not self.more():
                return start, raw, BadRow("line", "not_json", reason)

    def find_end(self, reason):
        """(end of a record that is no JSON, reason); an end of ``None`` where more is needed."""
        depth, buffer, begin = 0, self.buffer, self.at
        for match in _TOKEN.finditer(buffer, begin):
            at = match.start()
            char = buffer[at]
            if char == '"':
                if not match[1] and match.end() < len(buffer) and buffer[match.end()] == "\n":
                    return match.end(), "a string is not closed"
            elif char in "{[":
                if (
                    char == "{"
                    and depth
                    and buffer[at - 1] == "\n"
                    and (depth > _MAX_DEPTH or self.is_record(self.decode(at)[0]))
                ):
                    self.wasted(at - begin)
                    return at, "an object is not closed"
                depth += 1
            else:
                depth -= 1
                if depth <= 0:
                    self.wasted(match.end() - begin)
                    return match.end(), reason
            if at - begin > self.max_length:
                break
        self.wasted(len(buffer) - begin)
        return None, "an object is not closed"

    def decode(self, at):
        """(value, its end, '') of the JSON at a place, or (``None``, ``None``, reason)."""
        try:
            return *_decode(self.buffer, at), ""
        except RecursionError:
            return None, None, "it is nested too deeply"
        except json.JSONDecodeError as error:
            self.wasted(error.pos - at)
            return None, None, error.msg
        except ValueError as error:
            return None, None, str(error)

    def skip_to_start(self, reason):
        """List a record without end, up to the next line that may start one."""
        raw = None
        while True:
            found = self.buffer.find(_LINE_START, self.at)
            # The end of the line may be in this block and the start of a record in the next.
            end = found + 1 if found >= 0 else len(self.buffer) - (not self.is_final)
            if raw is None:
                raw = self.buffer[self.at : end][: self.max_length]
            self.advance(end)
            if found >= 0 or not self.more():
                if found < 0:
                    self.advance(len(self.buffer))
                return raw, BadRow("line", "not_json", reason)

    def wasted(self, length):
        self.waste += length
        if self.waste > _FREE_WASTE + _MAX_WASTE_RATIO * self.read_length:
            raise Refused("not_json", "too much of it is damaged")
