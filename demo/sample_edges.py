"""Calls on the edges of the rules, written down one by one: allowances that run out in a call, days
that are not the same day everywhere, numbers that call each other."""

import uuid
from datetime import datetime

from sample_calls import Call
from sample_tables import ACCOUNTS

SPACE = uuid.UUID("5f0c2f2e-6f0b-4d6c-9a51-3d8f3b0a7c11")

# By file: the start in UTC, the account code that is written, who calls, whom (E.164), the seconds.
EDGES = {
    "freeswitch_Master_resent.csv": (
        # The number is C1002's from 10 September.
        ("2026-09-04 09:00:00", "", "3235550017", "3227880102", 60),
        ("2026-09-15 09:00:00", "", "3235550017", "3227880102", 75),
        # An account calls a number of its own, and one of another account.
        ("2026-09-21 10:00:00", "C1001", "3227880100", "3227880101", 95),
        ("2026-09-22 10:00:00", "", "3227880103", "3227880100", 130),
        # Not an account's code but an extension; the number that calls tells whose it is.
        ("2026-09-22 11:00:00", "203", "3227880103", "33199000123", 140),
        # The 100 minutes to mobiles of C1003 end in the second of these.
        ("2026-09-17 08:00:00", "", "3227880103", "32470000111", 2900),
        ("2026-09-24 08:00:00", "", "3227880103", "32485000222", 2400),
        # The 500 minutes to the Benelux of C1001 end in a call with a connection fee.
        ("2026-09-17 12:00:00", "C1001", "3227880100", "31205550123", 6100),
        ("2026-09-21 12:00:00", "C1001", "3227880100", "31205550123", 5700),
        ("2026-09-23 12:00:00", "C1001", "3227880100", "31205550123", 5900),
        ("2026-09-25 12:00:00", "C1001", "3227880100", "32900000123", 1900),
        ("2026-10-05 12:00:00", "C1001", "3227880100", "32900000123", 125),
    ),
    "asterisk_Master.csv.gz": (
        # Both packages of C1009 end: the one for mobiles in a call that goes on with the other one.
        ("2026-09-07 12:00:00", "C1009", "3227880111", "32470000333", 3300),
        ("2026-09-14 12:00:00", "C1009", "3227880111", "31205550321", 5200),
        ("2026-09-16 12:00:00", "C1009", "3227880111", "31205550321", 5300),
        ("2026-09-18 12:00:00", "C1009", "3227880111", "31205550321", 5100),
        ("2026-09-22 12:00:00", "C1009", "3227880111", "31205550321", 5200),
        ("2026-09-29 12:00:00", "C1009", "3227880111", "32470000333", 4000),
        # In Brussels the one is of September and the other of October.
        ("2026-09-30 21:30:00", "C1009", "3227880111", "3225550123", 200),
        ("2026-09-30 22:30:00", "C1009", "3227880111", "3225550123", 200),
    ),
    "cdr_header.csv": (
        # The package of C1006 ends in it, for its reseller as well.
        ("2026-09-29 10:00:00", "C1006", "3227880107", "32470000444", 5300),
        # At the same moment it is September in London and October in Brussels.
        ("2026-09-30 22:30:00", "C1011", "3227880113", "33199000123", 610),
        ("2026-09-30 22:30:00", "C1006", "3227880107", "33199000123", 610),
        # The switch says that it is an outgoing call, whoever's the number is.
        ("2026-10-06 09:00:00", "C1011", "3227880113", "3227880114", 95),
    ),
    "cdr_resellers.csv": (
        # The package of C1013 ends in the last of these, for the distributor as well; the agent
        # between them buys nothing.
        ("2026-09-09 10:00:00", "C1013", "492214710100", "31205550777", 7000),
        ("2026-09-16 10:00:00", "C1013", "492214710100", "3225550777", 7100),
        ("2026-09-21 10:00:00", "C1013", "492214710100", "31205550777", 7000),
        ("2026-09-23 10:00:00", "C1013", "492214710100", "3225550777", 7100),
        ("2026-09-28 10:00:00", "C1013", "492214710100", "31205550777", 7000),
        # At the same moment it is September in London and October in Berlin.
        ("2026-09-30 22:30:00", "C1013", "492214710100", "33199000123", 610),
        ("2026-09-30 22:30:00", "C1015", "442079460110", "33199000123", 610),
    ),
}


def edge_calls(name):
    """Return the calls of a file, in the order in which they ended."""
    names = {numbers[0]: account for account, numbers in ACCOUNTS.values()}
    calls = [
        Call(
            uid=str(uuid.uuid5(SPACE, f"{name} {number}")),
            other_uid=str(uuid.uuid5(SPACE, f"{name} {number} other")),
            code=code,
            name=names.get(src, "+" + src),
            src="+" + src,
            dst="+" + dst,
            number=dst,
            start=datetime.fromisoformat(start),
            ring=6,
            billsec=billsec,
            cause="NORMAL_CLEARING",
            inbound=src not in names,
        )
        for number, (start, code, src, dst, billsec) in enumerate(EDGES[name])
    ]
    return sorted(calls, key=lambda call: (call.end, call.uid))
