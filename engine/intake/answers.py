"""Whether a call was answered, in the words of switches and of people."""

import re
from functools import lru_cache

from .columns import name_key, words

YES = words("1 yes y true t")
NO = words("0 no n false f")

# What is said of the call as a whole.
_UNANSWERED = words(
    "no false noanswer notanswered unanswered busy failed failure cancel cancelled canceled"
    " congestion congested chanunavail unavailable rejected declined error missed abandoned"
    " besetzt nichtangenommen occupe nonrepondu ocupado nocontestada occupato nonrisposto"
)
# Why a call was never connected: hangup causes of ISDN and of FreeSWITCH, and reasons of SIP. What
# may end a conversation as well, such as a temporary failure, is none of these.
_NEVER_CONNECTED = words(
    "callrejected originatorcancel userbusy nouserresponse subscriberabsent usernotregistered"
    " unallocatednumber numberchanged noroutedestination noroutetransitnet invalidnumberformat"
    " incompatibledestination gatewaydown progresstimeout loserace pickedoff"
    " busyhere busyeverywhere decline notfound forbidden requestterminated requesttimeout"
    " temporarilyunavailable addressincomplete"
)
_SIP_CODE = re.compile(r"(?:sip\W*)?([3-6]\d\d)(?!\d)", re.ASCII | re.IGNORECASE)
_Q850_CODES = words("17 18 19 20 21")
# Asterisk writes an answer time, too, where it had picked up itself to play something.
_ASTERISK = words("noanswer busy failed congestion")
_NAMES_OF_CAUSES = ("cause", "code", "reason", "release", "q850", "sip")


@lru_cache(maxsize=1024)
def is_unanswered(disposition):
    """Whether a disposition says that nobody answered.

    It decides even where seconds are counted: some switches count those of ringing.

    >>> is_unanswered('NO ANSWER'), is_unanswered('ANSWERED'), is_unanswered('')
    (True, False, False)
    """
    return name_key(disposition) in _UNANSWERED


@lru_cache(maxsize=1024)
def is_never_connected(cause):
    """Whether a hangup cause, or the code of a SIP response or of Q.850, is one of calls that were
    never connected. It denies seconds of conversation, and does not decide against them.

    >>> is_never_connected('CALL_REJECTED'), is_never_connected('486 Busy Here')
    (True, True)
    >>> is_never_connected('NORMAL_CLEARING'), is_never_connected('200'), is_never_connected('0')
    (False, False, False)
    """
    return (
        name_key(cause) in _NEVER_CONNECTED
        or cause in _Q850_CODES
        or _SIP_CODE.match(cause) is not None
    )


@lru_cache(maxsize=1024)
def outweighs_answer(disposition):
    """Whether a disposition decides against the time of an answer, too: Asterisk's do.

    >>> outweighs_answer('NO ANSWER'), outweighs_answer('missed')
    (True, False)
    """
    return name_key(disposition) in _ASTERISK


def is_cause(name):
    """Whether a column is one of causes and codes, which say how a call ended; any other one that
    is chosen for the disposition says what became of it.

    :param name: name of the column as it is in the file
    :return: ``bool``

    >>> is_cause('Hangup-Cause'), is_cause('sip_code'), is_cause('Disposition')
    (True, True, False)
    """
    key = name_key(name)
    return any(part in key for part in _NAMES_OF_CAUSES)
