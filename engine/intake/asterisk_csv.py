"""Call files of Asterisk's cdr_csv (Master.csv) and of cdr_custom's "Simple" mapping."""

import re
from hashlib import sha256

from .asterisk_legs import mark_duplicate_legs
from .badrow import Unreadable
from .csv_records import read_rows
from .durations import parse_seconds
from .stamps import stamp_parser
from .stream import line_blocks, text_blocks

_CDR_CSV = (
    "accountcode",
    "src",
    "dst",
    "dcontext",
    "clid",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
)
CDR_CUSTOM_COLUMNS = (*_CDR_CSV[4:5], *_CDR_CSV[1:4], *_CDR_CSV[5:], *_CDR_CSV[:1]) + (
    "uniqueid",
    "userfield",
    "sequence",
)
_NEW = ("peeraccount", "linkedid", "sequence")
# By number of columns; the second of two is taken where the 17th column is no unique id.
_LAYOUTS = {
    16: (_CDR_CSV,),
    17: ((*_CDR_CSV, "uniqueid"), (*_CDR_CSV, "userfield")),
    18: ((*_CDR_CSV, "uniqueid", "userfield"),),
    19: ((*_CDR_CSV, *_NEW),),
    20: ((*_CDR_CSV, "uniqueid", *_NEW), (*_CDR_CSV, "userfield", *_NEW)),
    21: ((*_CDR_CSV, "uniqueid", "userfield", *_NEW),),
}
_UNIQUE_ID = re.compile(r"(?:.*-)?(\d{9,11})\.\d+", re.ASCII)
# The technologies whose channels are named after a peer.
_PEER_TECHNOLOGIES = frozenset(("SIP", "PJSIP", "IAX2", "SCCP", "Skinny", "MGCP", "OOH323"))
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}", re.ASCII)
_DISPOSITIONS = frozenset(("ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION", "UNKNOWN"))


def read_asterisk_csv(stream, options):
    """The calls of a Master.csv of 16 to 21 columns.

    Answered is a disposition of ANSWERED and nothing else: rows of NO ANSWER carry an answer time
    and seconds where the switch itself had picked up. The ``uid`` is ``uniqueid.sequence``, or
    ``linkedid.sequence``. Without a sequence several rows of one call share their unique id: there
    an answered row has it for its ``uid``, and any other one with a mark of its content behind it.
    Without a unique id the ``uid`` is a mark of the whole row.

    Which of the rows of a call are charged: see :mod:`asterisk_legs`.

    :param stream: ``bytes`` or a binary file
    :param options: :class:`options.Options`; ``columns`` is the list of the columns' names in files
        of another layout, for example :data:`CDR_CUSTOM_COLUMNS`
    :return: iterator of call rows and bad rows
    :raises ValueError: where the columns lack one that is needed
    """
    parse_stamp = stamp_parser(options.timezone, options.date_order, _epoch_in)
    rounding = options.duration_rounding
    columns = options.columns
    layouts = {len(columns): (tuple(columns),)} if columns else _LAYOUTS
    converters = {
        count: tuple(_converter(layout, parse_stamp, rounding) for layout in choice)
        for count, choice in layouts.items()
    }
    expected = str(min(converters)) if len(converters) == 1 else "16-21"

    def convert(line, raw, fields):
        choice = converters.get(len(fields))
        if choice is None:
            raise Unreadable("line", "columns", len(fields), expected=expected)
        converter = choice[0]
        if len(choice) == 2 and not _UNIQUE_ID.fullmatch(fields[16]):
            converter = choice[1]
        return converter(line, raw, fields)

    texts = text_blocks(stream, options.encoding, options.limits)
    lines = line_blocks(texts, options.limits.line_length)
    rows = read_rows(
        lines, options.delimiter or ",", convert, max_length=options.limits.line_length
    )
    return mark_duplicate_legs(rows)


def _converter(columns, parse_stamp, rounding):
    place = {name: index for index, name in enumerate(columns)}
    try:
        at_account, at_src, at_dst = place["accountcode"], place["src"], place["dst"]
        at_start, at_duration = place["start"], place["duration"]
        at_billsec, at_disposition = place["billsec"], place["disposition"]
        at_channel, at_answer = place["channel"], place["answer"]
        at_dstchannel = place["dstchannel"]
    except KeyError as error:
        raise ValueError(f"the columns lack {error}") from None
    at_uid = place.get("uniqueid", place.get("linkedid"))
    at_linked, at_sequence = place.get("linkedid"), place.get("sequence")

    def convert(line, raw, fields):
        uid = unique_id = fields[at_uid] if at_uid is not None else ""
        disposition = fields[at_disposition]
        answered = disposition == "ANSWERED"
        if not answered and disposition not in _DISPOSITIONS:
            raise Unreadable("disposition", "not_a_call", disposition)
        if unique_id and at_sequence is not None and fields[at_sequence]:
            uid = f"{unique_id}.{fields[at_sequence]}"
        elif not unique_id:
            uid = "row-" + _mark(fields, 32)
        elif not answered:
            uid = f"{unique_id}-{_mark(fields, 8)}"
        seconds = parse_seconds(fields[at_billsec], "billsec", rounding)
        channel = fields[at_channel]
        sip_user, trunk = _caller(channel)
        row = {
            "uid": uid,
            "account_code": fields[at_account],
            "direction": "",
            "src": fields[at_src],
            "dst": fields[at_dst],
            "start": parse_stamp(fields[at_start], "start", unique_id),
            "duration": parse_seconds(fields[at_duration], "duration", rounding),
            "billsec": seconds if answered else 0,
            "disposition": disposition,
            "answered": answered,
            "bleg_uid": "",
            "sip_user": sip_user,
            "trunk": trunk,
            "ignored": "",
            "line": line,
            "raw": raw,
        }
        linked_id = fields[at_linked] if at_linked is not None else ""
        legs = None
        if answered and seconds and (linked_id or channel.endswith(";2")):
            legs = linked_id, unique_id, channel, fields[at_dstchannel], fields[at_answer]
        return row, legs

    return convert


def _mark(fields, length):
    return sha256("\x1f".join(fields).encode("utf-8", "replace")).hexdigest()[:length]


def _epoch_in(unique_id):
    """The second at which the channel was made, which its id begins with."""
    try:
        return int(unique_id[:10])
    except ValueError:
        match = _UNIQUE_ID.fullmatch(unique_id)
        return int(match[1]) if match else None


def _caller(channel):
    """(SIP user, trunk) of a channel such as ``PJSIP/acme-100-0000002a``."""
    technology, _slash, peer = channel.partition("/")
    if technology not in _PEER_TECHNOLOGIES:
        return "", ""
    peer = peer.rpartition("-")[0] or peer
    return ("", peer) if peer[:1].isdigit() and _ADDRESS.fullmatch(peer) else (peer, "")
