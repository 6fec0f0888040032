"""Call files of FreeSWITCH's mod_cdr_csv (Master.csv)."""

from operator import itemgetter

from .badrow import Unreadable
from .csv_records import read_rows
from .durations import parse_seconds
from .stamps import NEVER, stamp_parser
from .stream import line_blocks, text_blocks

# The template "example", the module's default.
DEFAULT_COLUMNS = (
    "caller_id_name",
    "caller_id_number",
    "destination_number",
    "context",
    "start_stamp",
    "answer_stamp",
    "end_stamp",
    "duration",
    "billsec",
    "hangup_cause",
    "uuid",
    "bleg_uuid",
    "accountcode",
    "read_codec",
    "write_codec",
)
# A common extension of it.
Q850_COLUMNS = (*DEFAULT_COLUMNS[:10], "hangup_cause_q850", *DEFAULT_COLUMNS[10:])
# The template "asterisk" of the same module.
ASTERISK_LIKE_COLUMNS = (
    "accountcode",
    "caller_id_number",
    "destination_number",
    "context",
    "caller_id",
    "channel_name",
    "bridge_channel",
    "last_app",
    "last_arg",
    "start_stamp",
    "answer_stamp",
    "end_stamp",
    "duration",
    "billsec",
    "hangup_cause",
    "amaflags",
    "uuid",
    "userfield",
)
_REQUIRED = ("uuid", "destination_number", "start_stamp", "answer_stamp", "billsec")
_USED = (
    "uuid",
    "bleg_uuid",
    "accountcode",
    "caller_id_number",
    "destination_number",
    "start_stamp",
    "answer_stamp",
    "duration",
    "billsec",
    "hangup_cause",
    # in edited templates
    "sip_from_user",
    "sip_network_ip",
    "originating_leg_uuid",
)


def read_freeswitch_csv(stream, options):
    """The calls of a Master.csv.

    Answered is what has an answer stamp; the seconds are ``billsec``, since stamps may be no more
    precise than a minute. A row that names the leg it was originated by (``originating_leg_uuid``,
    in edited templates) is the B-leg of a call and not to be charged (``ignored``
    'other_leg').

    :param stream: ``bytes`` or a binary file
    :param options: :class:`options.Options`; ``columns`` is the list of the template's variables,
        else the 15 of the default template, or the 16 with ``hangup_cause_q850``
    :return: iterator of call rows and bad rows
    :raises ValueError: where the columns lack one that is needed
    """
    templates = [options.columns] if options.columns else [DEFAULT_COLUMNS, Q850_COLUMNS]
    converters = {len(columns): _converter(tuple(columns), options) for columns in templates}

    def convert(line, raw, fields):
        converter = converters.get(len(fields))
        if converter is None:
            raise Unreadable("line", "columns", len(fields), expected=len(templates[0]))
        return converter(line, raw, fields)

    texts = text_blocks(stream, options.encoding, options.limits)
    lines = line_blocks(texts, options.limits.line_length)
    return read_rows(
        lines, options.delimiter or ",", convert, max_length=options.limits.line_length
    )


def _converter(columns, options):
    missing = [name for name in _REQUIRED if name not in columns]
    if missing:
        raise ValueError(f"the columns lack {', '.join(missing)}")
    # Columns that the template has not are read from an empty one put behind the others.
    nothing = len(columns)
    pick = itemgetter(*(columns.index(name) if name in columns else nothing for name in _USED))
    parse_stamp = stamp_parser(options.timezone, options.date_order)
    rounding, charges_b_legs = options.duration_rounding, options.charge_b_legs
    start_epoch = columns.index("start_epoch") if "start_epoch" in columns else None

    def convert(line, raw, fields):
        fields.append("")
        (
            uid,
            bleg,
            account,
            src,
            dst,
            start,
            answer,
            duration,
            billsec,
            cause,
            sip_user,
            trunk,
            origin,
        ) = pick(fields)
        if start_epoch is not None and fields[start_epoch].isdigit():
            start = fields[start_epoch]
        answered = answer != "" and answer not in NEVER
        if answered or billsec:
            billsec = parse_seconds(billsec, "billsec", rounding)
        if not answered:
            billsec = 0
        ignored = ""
        if charges_b_legs:
            bleg = ""
        elif origin and origin != uid:
            # A phone that rang in vain has no part in the conversation.
            bleg, ignored = origin if billsec else "", "other_leg"
        return {
            "uid": uid,
            "account_code": account,
            "direction": "",
            "src": src,
            "dst": dst,
            "start": parse_stamp(start, "start"),
            "duration": parse_seconds(duration, "duration", rounding) if duration else billsec,
            "billsec": billsec,
            "disposition": cause,
            "answered": answered,
            "bleg_uid": bleg,
            "sip_user": sip_user,
            "trunk": trunk,
            "ignored": ignored,
            "line": line,
            "raw": raw,
        }

    return convert
