"""From the bytes of a file to lines of text: unpacking, decoding and splitting, within limits.

Nothing here ever holds more than a few blocks of the file.
"""

import codecs
import io
import re
import zlib
from typing import NamedTuple

from .badrow import Refused

_BLOCK = 1 << 18
_GZIP_MAGIC = b"\x1f\x8b"
_ARCHIVES = {b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"7z\xbc\xaf": "7z"}
_MAX_GZIP_MEMBERS = 1000
# What is packed more tightly than this after the first 16 MiB was made to harm: call files and
# price lists reach 20 to 30.
_MAX_RATIO, _RATIO_FREE_BYTES = 200, 16 << 20
_TEXT_CODECS = re.compile(
    r"utf-8(-sig)?|utf-(16|32)(-[bl]e)?|ascii|iso8859-\d+|cp\d+|mac-roman|koi8-[rtu]|gb18030"
    r"|shift_jis|euc_jp|big5"
)
_UTF8_FALLBACK = "telecom_intake_cp1252"


class Limits(NamedTuple):
    """How much of a file is read at most."""

    expanded_bytes: int = 2 << 30  # after unpacking
    line_length: int = 1 << 20  # characters; also of one JSON record
    rows: int = 20_000_000


def _cp1252_for_bad_bytes(error):
    """Error handler: bytes that are no UTF-8 are what old software writes, mostly cp1252."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    if not error.encoding.startswith("utf-8"):
        return "\ufffd", error.end
    bad = error.object[error.start : error.end]
    try:
        return bad.decode("cp1252"), error.end
    except UnicodeDecodeError:
        return bad.decode("latin-1"), error.end


codecs.register_error(_UTF8_FALLBACK, _cp1252_for_bad_bytes)


def check_encoding(name):
    """The codec of an encoding's name, or ``None`` for one to be found out.

    :param name: name as Python knows it, such as 'cp1252', or ``None``
    :return: normalised name, or ``None``
    :raises ValueError: for what is no encoding of text files
    """
    if not name:
        return None
    try:
        codec = codecs.lookup(name).name
    except LookupError:
        codec = ""
    if not _TEXT_CODECS.fullmatch(codec):
        raise ValueError(f"{name!r} is no encoding of text files")
    return codec


def byte_blocks(stream, limits):
    """The unpacked content of a stream.

    A gzip stream is recognised by its first bytes, whatever its name.

    :param stream: ``bytes`` or a binary file opened for reading
    :param limits: :class:`Limits`
    :return: iterator of ``bytes``
    :raises Refused: for an archive of another kind, damaged data or more bytes than allowed
    """
    blocks = _read_blocks(stream)
    first = next(blocks, b"")
    for magic, name in _ARCHIVES.items():
        if first.startswith(magic):
            raise Refused("unknown_archive", name)
    is_packed = first.startswith(_GZIP_MAGIC)
    total = 0
    for block in _expand(first, blocks) if is_packed else _chain(first, blocks):
        if is_packed and not total and block.startswith(_GZIP_MAGIC):
            raise Refused("gzip_in_gzip")
        total += len(block)
        if total > limits.expanded_bytes:
            raise Refused("too_many_bytes", limit=limits.expanded_bytes)
        yield block


def _read_blocks(stream):
    """Blocks of a stream; the first is long enough to recognise what it is."""
    if isinstance(stream, (bytes, bytearray, memoryview)):
        stream = io.BytesIO(stream)
    first = b""
    while len(first) < 4096:
        block = stream.read(_BLOCK)
        if not block:
            break
        first += block
    yield first
    while block := stream.read(_BLOCK):
        yield block


def _chain(first, blocks):
    if first:
        yield first
    yield from blocks


def _expand(first, blocks):
    """The content of a gzip stream, which may be several one after the other."""
    unpacker, members, taken, given = zlib.decompressobj(wbits=31), 1, 0, 0
    for block in _chain(first, blocks):
        taken += len(block)
        while block:
            if unpacker.eof:
                if not block.strip(b"\0"):
                    break  # padding
                unpacker, members = zlib.decompressobj(wbits=31), members + 1
                if members > _MAX_GZIP_MEMBERS:
                    raise Refused("too_dense")
            try:
                content = unpacker.decompress(block, _BLOCK)
            except zlib.error as error:
                raise Refused("damaged_gzip", str(error)) from None
            block = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
            given += len(content)
            if given > max(_RATIO_FREE_BYTES, _MAX_RATIO * taken):
                raise Refused("too_dense")
            if content:
                yield content
    if not unpacker.eof:
        raise Refused("damaged_gzip", "the end is missing")


def text_blocks(stream, encoding, limits):
    """The text of a stream.

    Without a given encoding, a byte order mark or the zeros of UTF-16 decide; all else is read as
    UTF-8 in which every byte that does not fit stands for itself in cp1252 (or latin-1), so that a
    file of mixed encodings loses nothing.

    :param stream: ``bytes`` or a binary file opened for reading
    :param encoding: what :func:`check_encoding` returned
    :param limits: :class:`Limits`
    :return: iterator of ``str`` without byte order mark
    :raises Refused: see :func:`byte_blocks`
    """
    decoder, is_first = None, True
    for block in byte_blocks(stream, limits):
        if decoder is None:
            decoder = codecs.getincrementaldecoder(encoding or _guess_encoding(block))(
                _UTF8_FALLBACK
            )
        text = decoder.decode(block)
        if is_first and text:
            is_first, text = False, text.removeprefix("\ufeff")
        if text:
            yield text
    if decoder is not None and (text := decoder.decode(b"", final=True)):
        yield text


def _guess_encoding(head):
    """The encoding that the first bytes of a file speak for."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = head[:1024]
    half = len(head) // 2
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if half >= 4 and max(even, odd) > 0.7 * half and min(even, odd) < 0.1 * half:
        return "utf-16-be" if even > odd else "utf-16-le"
    return "utf-8"


class CutLine(str):
    """The beginning of a line that was too long."""

    __slots__ = ()


def unix_newlines(blocks):
    """The same text with LF as its only line end, whatever the blocks cut in two.

    :param blocks: iterator of ``str``
    :return: iterator of ``str``, none of them empty
    """
    held = ""
    for block in blocks:
        text = held + block
        # The other half of a CR LF may be in the next block.
        held = "\r" if text[-1] == "\r" else ""
        if held:
            text = text[:-1]
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if text:
            yield text
    if held:
        yield "\n"


def line_blocks(blocks, max_length):
    """The lines of a text, in lists, without their ends (LF, CR LF or CR).

    :param blocks: iterator of ``str``
    :param max_length: characters of the longest line that is kept whole
    :return: iterator of (list of lines, whether there is a NUL or a :class:`CutLine` in them)
    """
    pending, is_skipping = "", False
    for block in unix_newlines(blocks):
        text = pending + block
        lines = text.split("\n")
        pending = lines.pop()
        if is_skipping and lines:
            del lines[0]
            is_skipping = False
        if lines:
            yield lines, "\0" in text
        if is_skipping:
            pending = ""
        elif len(pending) > max_length:
            yield [CutLine(pending[:max_length])], True
            pending, is_skipping = "", True
    if pending:
        yield [pending], "\0" in pending


def first_lines(blocks, count=100):
    """The beginning of a file, for finding out what it is.

    :param blocks: what :func:`line_blocks` yields
    :param count: lines that are enough
    :return: (list of lines, whether there is a NUL or a :class:`CutLine` in them)
    """
    lines, is_odd = [], False
    for more, is_odd_too in blocks:
        lines += more
        is_odd = is_odd or is_odd_too
        if len(lines) >= count:
            break
    return lines, is_odd
