"""Make the sample files of demo/files: rate decks and the calls of September and October 2026.

    python3 demo/make_files.py [FOLDER]

The same files come out every time; they are committed, so this is only run to change them. What is
in each of them is counted in summary.json. Everything is made up (see sample_tables.py).

The files and how to read them:

- rates_provider.csv: the provider's retail prices in euro, "30/6" increments, one row a prefix
- rates_wholesale.xlsx: the reseller's purchase prices in euro, several codes in a cell, valid from
  2026-09-01, below a title
- freeswitch_Master.csv (freeswitch_csv, UTC): calls of C1001, C1003, C1004 and C1005
- freeswitch_Master_resent.csv: the end of the same file once more, with new calls behind it, for
  the same source
- freeswitch_cdr.json (freeswitch_json, UTC): calls of C1001, C1002 and C1005 at another switch,
  with both legs of each
- asterisk_Master.csv.gz (asterisk_csv, Europe/Brussels): calls of C1007, C1008, C1009 and C1012
- cdr_header.csv (header_csv, UTC): calls of C1002, C1006, C1010 and C1011
- cdr_resellers.csv (header_csv, UTC): calls of C1013 to C1016, who dial as in their own country

The accounts that they call for:

- customers C1001 Acme Logistics, C1002 Benelux Parts, C1003 Café Central, C1004 Dupont & Fils,
  C1007 Hotel du Parc, C1008 Horizon Travel, C1009 Imex Trading, C1010 Janssens Garage,
  C1011 Kestrel Insurance, C1012 Mertens Dental
- distributor R2001 with its customers C1005 Eyckmans Bakery and C1006 Fabri Notaries, and below it
  agent A3001 with C1013 Lindner Optik and C1014 Weingut Moll
- distributor R2002 with its customers C1015 Albion Removals and C1016 Marlow Books
- phone numbers 3227880100 to 3227880119 and 442079460100 to 442079460104: C1001 has ...100, ...101
  and 442079460100; C1002 ...102; C1003 ...103 and ...104; C1004 ...105 and 442079460101; C1005
  ...106; C1006 ...107; C1007 ...108 and ...109; C1008 ...110; C1009 ...111; C1010 ...112; C1011
  ...113, ...114 and 442079460102; C1012 ...115; the others are nobody's
- phone numbers 492214710100 and ...101 of C1013, ...102 of C1014, 442079460110 and ...111 of C1015,
  ...112 of C1016
- SIP users acme-100 to acme-103 of C1001 (in the JSON file, where it has no code) and mertens-1 and
  mertens-2 of C1012 (in the Asterisk file, likewise)
- trunk 198.51.100.10 of C1002 (JSON file and cdr_header.csv, without a code)
- caller number 3227880103 of C1003 (freeswitch_Master.csv, without a code)

Left for the lists of what could not be charged: calls of the unknown accounts C9999 and C1099,
calls to the satellite prefix 870 that no rate covers, incoming calls to numbers that nobody rents,
and bad rows. sample_edges.py has the calls that show where a rule begins and ends.
"""

import gzip
import io
import json
import random
import sys
import uuid
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sample_asterisk import AsteriskFile
from sample_calls import CallMaker, Summary
from sample_edges import edge_calls
from sample_tables import COUNTRIES, SPECIALS

BRUSSELS, UTC = ZoneInfo("Europe/Brussels"), ZoneInfo("UTC")
SEED = 20260901


# What the library writes tells the time of today.
CORE_PROPERTIES = b"""<?xml version="1.0" encoding="UTF-8"?>
<cp:coreProperties
 xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>A-Z</dc:title></cp:coreProperties>
"""


def money(millionths, digits=6):
    """A price with a fixed number of decimals."""
    return f"{millionths / 1_000_000:.{digits}f}"


# === RATE DECKS ===


def provider_rows():
    """(destination, prefix, price, connection fee, increments) of the retail deck."""
    for country, codes, fixed, mobile, mobile_codes in COUNTRIES:
        far = fixed > 100_000
        for code in codes.split():
            yield country, code, fixed, 0, "60/60" if far else "30/6"
        for index, code in enumerate(mobile_codes.split()):
            fee = 20_000 if mobile > 300_000 else 0
            yield f"{country} Mobile", code, mobile + 35 * index, fee, "60/60" if far else "30/6"
    for destination, code, price, fee in SPECIALS:
        yield destination, code, price, fee, "60/60" if price > 100_000 else "30/6"


def write_provider_deck(path):
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write("Destination,Prefix,Price/min (EUR),Connection fee,Billing increment\r\n")
        for destination, code, price, fee, increments in sorted(
            provider_rows(), key=lambda row: row[1]
        ):
            digits = 6 if price % 10 else 5
            out.write(
                f'"{destination}",{code},{money(price, digits)},{money(fee, 2)},{increments}\r\n'
            )


def wholesale_rows():
    """Rows of the wholesale deck: country, description, codes, price and increments."""
    for country, codes, fixed, mobile, mobile_codes in COUNTRIES:
        block = 60 if fixed > 100_000 else 1
        yield country, f"{country} Fixed", codes.replace(" ", ", "), fixed * 0.72, block, block
        if mobile_codes:
            codes = mobile_codes.replace(" ", "; ")
            yield country, f"{country} Mobile", codes, mobile * 0.8, block, block
    countries = [country for country, *_rest in COUNTRIES]
    for destination, code, price, _fee in SPECIALS:
        country = next((name for name in countries if destination.startswith(name)), "")
        yield country, destination, code, price * 0.9, 60, 60


def write_wholesale_deck(path):
    from openpyxl import Workbook

    workbook = Workbook()
    sheet = workbook.active
    sheet.title = "A-Z"
    sheet.append(["Wholesale voice, prices in EUR excluding VAT"])
    sheet.append([])
    sheet.append(
        ["Country", "Description", "Dial Code", "Rate per minute", "Interval 1", "Interval N"]
        + ["Effective Date", "End Date"]
    )
    for country, description, codes, price, first, following in wholesale_rows():
        effective = datetime(2026, 9, 1)
        price = round(price / 1_000_000, 6)
        sheet.append([country, description, codes, price, first, following, effective, None])
    buffer = io.BytesIO()
    workbook.save(buffer)
    # The same bytes every time: no time of today, no order of the day.
    with zipfile.ZipFile(buffer) as made, zipfile.ZipFile(path, "w") as out:
        for name in sorted(made.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            content = made.read(name)
            if name == "docProps/core.xml":
                content = CORE_PROPERTIES
            member = zipfile.ZipInfo(name, (2026, 8, 25, 12, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(member, content)


# === FREESWITCH MASTER.CSV ===


def stamp(moment, separator=" "):
    return moment.strftime(f"%Y-%m-%d{separator}%H:%M:%S") if moment else ""


def freeswitch_row(call):
    """A line of Master.csv in mod_cdr_csv's default template."""
    answer = call.answer if call.answered else None
    fields = [
        call.name,
        call.src,
        call.dst,
        "public" if call.inbound else "default",
        stamp(call.start),
        stamp(answer),
        stamp(call.end),
        call.duration,
        call.billsec,
        call.cause,
        call.uid,
        call.other_uid if call.answered else "",
        call.code,
        "PCMA" if call.answered else "",
        "PCMA" if call.answered else "",
    ]
    return ",".join(f'"{field}"' for field in fields) + "\n"


def freeswitch_calls(maker):
    calls = []
    for code, count in (("C1001", 460), ("C1004", 330), ("C1005", 280)):
        calls += maker.outbound(code, count)
    # Found by the number that calls.
    calls += [call.without_code() for call in maker.outbound("C1003", 170)]
    for code, count in (("C1001", 60), ("C1003", 40), ("C1004", 40), ("C1005", 30)):
        calls += maker.inbound(code, count)
    calls += maker.outbound("C1001", 5, unrated=True)
    calls += maker.outbound("C1004", 4, premium=True)
    calls += maker.outbound("C1001", 8, free=True)
    calls += maker.outbound("C1005", 3, seconds=(4000, 9000))
    calls += maker.unknown("C9999", 9)
    calls += maker.to_nobody(4)
    return sorted(calls, key=lambda call: (call.end, call.uid))


def write_freeswitch(maker, path, resent_path):
    summary, lines = Summary(), []
    calls = freeswitch_calls(maker)
    for number, call in enumerate(calls):
        lines.append(freeswitch_row(call))
        summary.add(call)
        if number % 120 == 60:
            lines.append(lines[-1])
            summary.add(call)
        if number in (300, 900):
            # Written again with another ending: the first report stands.
            lines.append(lines[-1].replace(call.cause, "MEDIA_TIMEOUT"))
            summary.conflict()
    good = [freeswitch_row(call) for call in maker.outbound("C1004", 7, seconds=(10, 90))]
    cut = len(good[0]) // 2
    bad = [
        good[0][:cut] + "\n",
        good[1].replace('"2026-', '"20X6-', 1),
        good[2].replace(",", ";"),
        good[3].rstrip("\n").rsplit(",", 1)[0] + "\n",
        _with_field(good[4], 8, "-17"),
        _with_field(good[5], 8, "12:30"),
        _with_field(good[6], 10, ""),
    ]
    for number, line in enumerate(bad):
        lines.insert(200 + 170 * number, line)
        summary.bad()
    path.write_text("".join(lines), encoding="utf-8")

    resent = Summary()
    old = [call for call in calls if call.code in ("C1001", "C1005")][-60:]
    new = sorted(maker.outbound("C1005", 8, day=(2026, 10, 31)), key=lambda call: call.end)
    new += edge_calls(resent_path.name)
    for call in old + new:
        resent.add(call)
    resent_path.write_text("".join(map(freeswitch_row, old + new)), encoding="utf-8")
    return {path.name: summary.counts(), resent_path.name: {**resent.counts(), "resent": len(old)}}


def _with_field(line, index, value):
    fields = line.rstrip("\n").split('","')
    fields[index] = value
    return '","'.join(fields) + "\n"


# === FREESWITCH JSON ===


def freeswitch_report(call, is_b_leg=False):
    """A report of mod_json_cdr, with the variables that matter to it."""
    uid, other = (call.other_uid, call.uid) if is_b_leg else (call.uid, call.other_uid)
    offset = timedelta(seconds=1 if is_b_leg else 0)
    start, answer, end = call.start + offset, call.answer, call.end
    if not call.answered:
        answer = None
    billed = (end - answer).total_seconds() if answer else 0
    variables = {
        "uuid": uid,
        "direction": "outbound" if is_b_leg else "inbound",
        "accountcode": "" if is_b_leg else call.code,
        "sip_from_user": call.sip_user or call.src,
        "sip_network_ip": call.trunk or "203.0.113.20",
        "caller_id": f'"{call.name}" <{call.src}>',
        "hangup_cause": call.cause,
        "start_stamp": stamp(start),
        "answer_stamp": stamp(answer),
        "end_stamp": stamp(end),
        "start_epoch": _epoch(start),
        "answer_epoch": _epoch(answer),
        "end_epoch": _epoch(end),
        "duration": str(int((end - start).total_seconds())),
        "billsec": str(int(billed)),
        "mduration": str(int((end - start).total_seconds() * 1000) + 417),
        "billmsec": str(int(billed * 1000) - 231 if billed else 0),
    }
    if is_b_leg:
        variables["originating_leg_uuid"] = variables["originator"] = other
        variables["call_uuid"] = other
    elif call.answered:
        variables["bridge_uuid"] = other
        variables["originated_legs"] = f"ARRAY::{other};Outbound Call;{call.dst}"
    profile = {
        "username": variables["sip_from_user"],
        "caller_id_name": call.name,
        "caller_id_number": call.src,
        "destination_number": call.dst,
        "network_addr": variables["sip_network_ip"],
        "uuid": uid,
        "context": "default",
    }
    return {
        "core-uuid": "6f1e5c3a-4f0b-4b53-9f0e-0d6b4c1a2b01",
        "switchname": "fs-json-1",
        "channel_data": {"state": "CS_REPORTING", "direction": variables["direction"]},
        "variables": {name: quote(value, safe=" :.-_;") for name, value in variables.items()},
        "callflow": [{"profile_index": "1", "caller_profile": profile}],
    }


def _epoch(moment):
    return str(int(moment.replace(tzinfo=UTC).timestamp())) if moment else "0"


def write_json(maker, path):
    summary, lines = Summary(), []
    calls = [call.without_code(sip_user=True) for call in maker.outbound("C1001", 26)]
    calls += [call.without_code(trunk="198.51.100.10") for call in maker.outbound("C1002", 20)]
    calls += maker.outbound("C1005", 10) + maker.inbound("C1001", 3) + maker.unknown("C1099", 1)
    for number, call in enumerate(sorted(calls, key=lambda call: (call.end, call.uid))):
        reports = [freeswitch_report(call), freeswitch_report(call, is_b_leg=True)]
        # The leg that was called may well be reported first.
        for report in reversed(reports) if number % 3 == 0 else reports:
            lines.append(json.dumps(report, separators=(",", ":")) + "\n")
        summary.add(call, other_legs=1)
        if number == 40:
            lines += lines[-2:]
            summary.add(call, other_legs=1)
    spare = [json.dumps(freeswitch_report(call)) for call in maker.outbound("C1005", 2)]
    lines.insert(30, spare[0][:400] + "\n")
    lines.insert(80, spare[1].replace('"CS_REPORTING"', "NaN") + "\n")
    summary.bad(2)
    path.write_text("".join(lines), encoding="utf-8")
    return {path.name: summary.counts()}


# === CSV WITH A HEADER ===

HEADER = "Call ID;Start time;Answer time;Caller;Called number;Account;Duration;Billed seconds"
HEADER += ";Result;Direction;Source IP\n"
RESULTS = {"NORMAL_CLEARING": "answered", "USER_BUSY": "busy", "NO_ANSWER": "no answer"}


def header_row(call):
    fields = [
        call.uid,
        stamp(call.start, "T") + "Z",
        stamp(call.answer, "T") + "Z" if call.answered else "",
        call.src,
        call.dst,
        call.code,
        call.duration,
        call.billsec,
        RESULTS.get(call.cause, "failed"),
        "incoming" if call.inbound else "outgoing",
        call.trunk or "203.0.113.40",
    ]
    return ";".join(map(str, fields)) + "\n"


def write_header_csv(maker, path, shared_uid):
    summary = Summary()
    calls = [call.without_code(trunk="198.51.100.10") for call in maker.outbound("C1002", 210)]
    calls += maker.outbound("C1006", 190) + maker.outbound("C1010", 150)
    calls += maker.outbound("C1011", 190)
    calls += maker.inbound("C1006", 14) + maker.inbound("C1011", 26)
    calls += maker.outbound("C1011", 3, unrated=True) + maker.unknown("C1099", 4)
    calls.sort(key=lambda call: (call.end, call.uid))
    # Two switches may come upon the same id: those are two calls.
    calls[10] = calls[10].with_uid(shared_uid)
    lines = ["# sbc-east, calls by end time, all times UTC\n", HEADER]
    for number, call in enumerate(calls):
        lines.append(header_row(call))
        summary.add(call)
        if number % 150 == 75:
            lines.append(lines[-1])
            summary.add(call)
    fields = header_row(maker.outbound("C1010", 1, seconds=(30, 60))[0]).split(";")
    swapped = fields.copy()
    swapped[6], swapped[7] = fields[7], str(int(fields[6]) + 1)
    bad = [
        ";".join(swapped),
        ";".join(fields[:6]) + "\n",
        ";".join([*fields[:4], "3,21E+10", *fields[5:]]),
        ";".join([fields[0], "yesterday", *fields[2:]]),
    ]
    for number, line in enumerate(bad):
        lines.insert(100 + 150 * number, line)
        summary.bad()
    for call in edge_calls(path.name):
        lines.append(header_row(call))
        summary.add(call)
    path.write_text("".join(lines), encoding="utf-8")
    return {path.name: summary.counts()}


def write_resellers(path):
    """Write the calls of resellers' customers.

    They have a seed of their own, so that the calls of the other files stay what they are.
    """
    maker, summary = CallMaker(random.Random(SEED + 1), BRUSSELS), Summary()
    calls = []
    for code, outbound, inbound in (
        ("C1013", 170, 24),
        ("C1014", 90, 12),
        ("C1015", 180, 30),
        ("C1016", 70, 8),
    ):
        calls += maker.outbound(code, outbound) + maker.inbound(code, inbound)
    calls += maker.outbound("C1015", 2, premium=True) + maker.outbound("C1013", 3, free=True)
    calls.sort(key=lambda call: (call.end, call.uid))
    lines = ["# sbc-koeln, calls by end time, all times UTC\n", HEADER]
    for number, call in enumerate(calls):
        lines.append(header_row(call))
        summary.add(call)
        if number == 250:
            lines.append(lines[-1])
            summary.add(call)
    for call in edge_calls(path.name):
        lines.append(header_row(call))
        summary.add(call)
    path.write_text("".join(lines), encoding="utf-8")
    return {path.name: summary.counts()}


def write_asterisk(maker, path):
    made = AsteriskFile(maker, BRUSSELS)
    made.fill(edge_calls(path.name))
    with open(path, "wb") as out, gzip.GzipFile("", "wb", 9, out, mtime=0) as packed:
        packed.write("".join(made.lines).encode())
    return {path.name: made.summary.counts()}


def make(folder):
    """Write all sample files into a folder.

    :param folder: :class:`pathlib.Path` of an existing folder
    """
    maker = CallMaker(random.Random(SEED), BRUSSELS)
    shared_uid = str(uuid.UUID(int=maker.random.getrandbits(128), version=4))
    write_provider_deck(folder / "rates_provider.csv")
    write_wholesale_deck(folder / "rates_wholesale.xlsx")
    maker.first_uid = shared_uid
    counts = write_freeswitch(
        maker, folder / "freeswitch_Master.csv", folder / "freeswitch_Master_resent.csv"
    )
    counts |= write_json(maker, folder / "freeswitch_cdr.json")
    counts |= write_asterisk(maker, folder / "asterisk_Master.csv.gz")
    counts |= write_header_csv(maker, folder / "cdr_header.csv", shared_uid)
    counts |= write_resellers(folder / "cdr_resellers.csv")
    counts["rates_provider.csv"] = {"rates": len(list(provider_rows())), "bad": 0}
    counts["rates_wholesale.xlsx"] = {
        "rates": sum(len(row[2].replace(";", ",").split(",")) for row in wholesale_rows()),
        "bad": 0,
    }
    text = json.dumps(counts, indent=2, sort_keys=True) + "\n"
    (folder / "summary.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "files"))
