"""Read the sample files' calls with nothing but the standard library (see independent_billing.py).

A row is read, and then it is a duplicate, it is rejected, or it is taken as a call.
"""

import csv
import gzip
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from urllib.parse import unquote
from zoneinfo import ZoneInfo

BRUSSELS = ZoneInfo("Europe/Brussels")
# whose issuer says that they dial as in another country than Belgium
HOMES = {"C1013": "49", "C1014": "49", "C1015": "44", "C1016": "44"}
DISPOSITIONS = {"ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION"}


class Bad(Exception):
    """The row cannot be read."""


@dataclass
class Call:
    """A call as a row tells it."""

    uid: str
    code: str
    src: str
    dst: str
    start: datetime
    duration: int
    billsec: int
    disposition: str
    is_answered: bool
    direction: str = ""
    sip_user: str = ""
    trunk: str = ""
    other: str = ""  # the other leg's uid, where a row names it
    is_other_leg: bool = False
    leg: tuple = ()  # of Asterisk: linkedid, channel, dstchannel, answer
    source: str = ""

    @property
    def content(self):
        return (
            *(self.code, self.src, self.dst, self.start),
            *(self.duration, self.billsec, self.disposition),
        )


def digits(dialled, home="32"):
    """E.164 digits of a number, as it is dialled in a country."""
    if dialled.startswith("+"):
        return dialled[1:]
    if dialled.startswith("00"):
        return dialled[2:]
    return home + dialled[1:] if dialled.startswith("0") else dialled


def number(text, home="32"):
    if not re.fullmatch(r"\+?\d{2,20}", text):
        raise Bad(f"no number: {text}")
    return digits(text, home)


def moment(text, zone):
    """The moment of a stamp; of the hour that an autumn day has twice, the first one."""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Bad(f"no time: {text}") from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def seconds(duration, billsec):
    for text in (duration, billsec):
        if not re.fullmatch(r"\d+", text):
            raise Bad(f"no seconds: {text}")
    if int(billsec) > int(duration):
        raise Bad("more seconds billed than there were")
    return int(duration), int(billsec)


def fields(line, count, delimiter=","):
    try:
        found = next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise Bad(str(error)) from error
    if len(found) != count:
        raise Bad(f"{len(found)} columns")
    return found


# === ONE ROW OF EACH FORMAT ===


def freeswitch_csv(line):
    row = fields(line, 15)
    _name, src, dst, _context, start, answer, end, duration, billsec, cause, uid, bleg, code = row[
        :13
    ]
    for stamp in filter(None, (answer, end)):
        moment(stamp, timezone.utc)
    return Call(
        uid,
        code,
        number(src),
        number(dst),
        moment(start, timezone.utc),
        *seconds(duration, billsec),
        cause,
        is_answered=bool(answer),
        other=bleg,
    )


def freeswitch_json(line):
    def constant(name):
        raise Bad(f"JSON has no {name}")

    try:
        report = json.loads(line, parse_constant=constant)
    except ValueError as error:
        raise Bad(str(error)) from error
    value = {name: unquote(text) for name, text in report["variables"].items()}
    dialled = report["callflow"][-1]["caller_profile"]
    return Call(
        value["uuid"],
        value["accountcode"],
        number(dialled["caller_id_number"]),
        number(dialled["destination_number"]),
        datetime.fromtimestamp(int(value["start_epoch"]), timezone.utc),
        *seconds(value["duration"], value["billsec"]),
        value["hangup_cause"],
        is_answered=value["answer_epoch"] != "0",
        sip_user=value["sip_from_user"],
        trunk=value["sip_network_ip"],
        other=value.get("bridge_uuid", ""),
        is_other_leg="originating_leg_uuid" in value,
    )


def asterisk_csv(line):
    row = fields(line, 21)
    code, src, dst, _context, _clid, channel, other_channel = row[:7]
    start, answer, end, duration, billsec, disposition = row[9:15]
    uniqueid, linkedid, sequence = row[16], row[19], row[20]
    if disposition not in DISPOSITIONS:
        raise Bad(f"no disposition: {disposition}")
    stamps = [moment(stamp, BRUSSELS) if stamp else None for stamp in (start, answer, end)]
    begin = stamps[0].astimezone(timezone.utc)
    # the channel's id begins with the second in which it was made
    made = datetime.fromtimestamp(int(uniqueid.partition(".")[0]), timezone.utc)
    if made - begin > timedelta(minutes=30):
        begin = stamps[0].replace(fold=1).astimezone(timezone.utc)
    peer = re.fullmatch(r"(?:PJSIP|SIP)/(.+)-[0-9a-f]+", channel)
    return Call(
        f"{uniqueid}.{sequence}",
        code,
        number(src),
        number(dst),
        begin,
        *seconds(duration, billsec),
        disposition,
        is_answered=disposition == "ANSWERED",
        sip_user=peer[1] if peer else "",
        leg=(linkedid, channel, other_channel, answer),
    )


def header_csv(line):
    row = fields(line, 11, ";")
    uid, start, answer, src, dst, code, duration, billsec, result, direction, address = row
    if answer:
        moment(answer, timezone.utc)
    return Call(
        uid,
        code,
        number(src),
        number(dst, HOMES.get(code, "32")),
        moment(start, timezone.utc),
        *seconds(duration, billsec),
        result,
        is_answered=result == "answered",
        direction={"incoming": "inbound", "outgoing": "outbound"}[direction],
        trunk=address,
    )


READERS = {
    "freeswitch_csv": freeswitch_csv,
    "freeswitch_json": freeswitch_json,
    "asterisk_csv": asterisk_csv,
    "header_csv": header_csv,
}

# === ALL FILES ===


def lines_of(path, format_):
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    lines = [line for line in content.decode().split("\n") if line]
    if format_ == "header_csv":
        lines = [line for line in lines if not line.startswith("#")][1:]
    return lines


def mark_other_legs(calls):
    """Find the legs that another leg stands for."""
    named = {(call.source, call.other) for call in calls if not call.is_other_leg}
    billed = {
        (call.leg[0], call.leg[2], call.leg[3], call.billsec, call.dst)
        for call in calls
        if call.leg and call.is_answered
    }
    for call in calls:
        if (call.source, call.uid) in named:
            call.is_other_leg = True
        if call.leg and call.leg[1].endswith(";2"):
            linkedid, channel, _other, answer = call.leg
            first_half = channel[:-1] + "1"
            # forwarded elsewhere, the second half is a call of its own
            call.is_other_leg = (linkedid, first_half, answer, call.billsec, call.dst) in billed


def read_calls(folder, files):
    """Return the calls of all files in the order of their import, and the counts of each file.

    :param files: (source, format, name) of each file
    """
    known, counts = {}, []
    taken_of = []
    for source, format_, name in files:
        count = {"file": name, "read": 0, "taken": 0, "duplicate": 0, "rejected": 0}
        taken = []
        for line in lines_of(folder / name, format_):
            count["read"] += 1
            try:
                call = READERS[format_](line)
                call.source = source
                if not call.uid:
                    raise Bad("no id")
                first = known.setdefault((source, call.uid), call)
                if first is not call and first.content != call.content:
                    raise Bad("reported before, with another content")
            except Bad:
                count["rejected"] += 1
                continue
            if first is call:
                taken.append(call)
            count["taken" if first is call else "duplicate"] += 1
        counts.append(count)
        taken_of.append(taken)
    calls = [call for taken in taken_of for call in taken]
    mark_other_legs(calls)
    for count, taken in zip(counts, taken_of, strict=True):
        count["ignored"] = sum(bool(ignored(call)) for call in taken)
    return calls, counts


def ignored(call):
    """Return why a call costs nothing to anybody, or nothing."""
    if not call.is_answered or not call.billsec:
        return "no_answer"
    return "other_leg" if call.is_other_leg else None
