"""Call reports of FreeSWITCH's mod_json_cdr, and its CHANNEL_HANGUP_COMPLETE events as JSON."""

from urllib.parse import unquote

from .badrow import RAW_LENGTH, BadRow, Unreadable, bad_row
from .durations import parse_seconds
from .json_records import json_records
from .stamps import from_epoch, stamp_parser
from .stream import text_blocks, unix_newlines

_DIRECTIONS = {"outbound": "outbound", "inbound": "inbound"}
_EVENT_PREFIX = "variable_"


def read_freeswitch_json(stream, options):
    """The calls of a file of reports: one, an array, one a line or one after the other.

    Answered is what has an ``answer_epoch``; the seconds are ``billsec``, and without it
    ``billmsec``. The leg that another one originated (``originating_leg_uuid``, ``originator``) is
    the B-leg of a call and not to be charged (``ignored`` 'other_leg'), whichever comes first. The
    number dialled and the caller's number are those of the first profile of the call flow, the
    SIP user is the one that logged in, or else the one of the From header. FreeSWITCH's direction
    is that of the leg as its switch sees it and says nothing of the call; only ``call_direction``,
    which dial plans set, is taken.

    :param stream: ``bytes`` or a binary file
    :param options: :class:`options.Options`
    :return: iterator of call rows and bad rows
    """
    convert = _converter(options)
    texts = unix_newlines(text_blocks(stream, options.encoding, options.limits))
    for line, raw, value in json_records(texts, options.limits.line_length, _is_report):
        if not isinstance(value, BadRow):
            try:
                yield convert(line, raw[:RAW_LENGTH], value)
                continue
            except Unreadable as error:
                value = error.bad_row
        yield bad_row(line, raw, value)


def _is_report(value):
    return isinstance(value, dict) and _variables(value) is not None


def _variables(report):
    """The channel variables of a report or an event, or ``None``."""
    variables = report.get("variables")
    if isinstance(variables, dict):
        return variables
    if f"{_EVENT_PREFIX}uuid" in report:
        length = len(_EVENT_PREFIX)
        return {
            name[length:]: value for name, value in report.items() if name.startswith(_EVENT_PREFIX)
        }
    return None


def _converter(options):
    parse_stamp = stamp_parser(options.timezone, options.date_order)
    rounding, charges_b_legs = options.duration_rounding, options.charge_b_legs

    def convert(line, raw, report):
        variables = _variables(report) if isinstance(report, dict) else None
        if variables is None:
            raise Unreadable("line", "not_a_call", raw)

        def value(*names):
            for name in names:
                text = _text(variables.get(name))
                if text:
                    return text
            return ""

        profile = _first_profile(report)
        uid = value("uuid") or _text(profile.get("uuid"))
        answered_at = _epoch(value, "answer")
        answered = bool(value("answer_stamp")) if answered_at is None else answered_at > 0
        billsec = _seconds(value, "billsec", "billmsec", rounding) if answered else 0
        origin = value("originating_leg_uuid", "originator")
        ignored, other = "", value("bridge_uuid", "last_bridge_to")
        if charges_b_legs:
            other = ""
        elif origin and origin != uid:
            # A phone that rang in vain has no part in the conversation.
            ignored, other = "other_leg", origin if billsec else ""
        return {
            "uid": uid,
            "account_code": value("accountcode"),
            "direction": _DIRECTIONS.get(value("call_direction").lower(), ""),
            "src": _text(profile.get("caller_id_number"))
            or value("caller_id_number", "sip_from_user")
            or _text(report.get("Caller-Caller-ID-Number")),
            "dst": _text(profile.get("destination_number"))
            or _text(report.get("Caller-Destination-Number"))
            or value("destination_number", "sip_req_user", "sip_to_user"),
            "start": _start(value, parse_stamp),
            "duration": _seconds(value, "duration", "mduration", rounding),
            "billsec": billsec,
            "disposition": value("hangup_cause"),
            "answered": answered,
            "bleg_uid": other,
            "sip_user": value("sip_auth_username", "sip_from_user"),
            "trunk": value("sip_network_ip", "sip_received_ip")
            or _text(profile.get("network_addr")),
            "ignored": ignored,
            "line": line,
            "raw": raw,
        }

    return convert


def _text(value):
    """A value of a report as text, its percent signs decoded."""
    if isinstance(value, str):
        return unquote(value) if "%" in value else value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return ""


def _first_profile(report):
    """The profile with the number that the caller dialled: the last of the call flow."""
    flow = report.get("callflow")
    if isinstance(flow, dict):
        flow = [flow]
    if isinstance(flow, list) and flow and isinstance(flow[-1], dict):
        profile = flow[-1].get("caller_profile")
        if isinstance(profile, dict):
            return profile
    return {}


def _epoch(value, event):
    """The second of an event (0 for never), or ``None`` where the report does not say."""
    for name, per_second in ((f"{event}_epoch", 1), (f"{event}_uepoch", 1_000_000)):
        text = value(name)
        if text:
            if not (text.isascii() and text.isdigit() and len(text) <= 17):
                raise Unreadable(name, "not_a_stamp", text)
            return int(text) // per_second
    return None


def _start(value, parse_stamp):
    seconds = _epoch(value, "start")
    if seconds:
        try:
            return from_epoch(seconds)
        except OverflowError:
            raise Unreadable("start", "not_a_stamp", seconds) from None
    return parse_stamp(value("start_stamp"), "start")


def _seconds(value, name, name_of_milliseconds, rounding):
    text = value(name)
    if text:
        return parse_seconds(text, name, rounding)
    return parse_seconds(value(name_of_milliseconds), name, rounding, per_second=1000)
