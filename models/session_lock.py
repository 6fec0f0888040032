"""A lock that outlives commits, and ends with the process at the latest."""

import zlib
from contextlib import contextmanager

from psycopg2.errors import InFailedSqlTransaction


@contextmanager
def session_lock(cr, subject, number):
    """Lock something for as long as the block lasts, whatever is committed meanwhile.

    PostgreSQL holds it for the connection: a process that is killed holds nothing.

    :param subject: what kind of thing it is, any text
    :param number: which one of them
    :return: yields whether it is locked; False while another connection holds it
    """
    key = zlib.crc32(subject.encode()) - 2**31, number
    cr.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
    held = cr.fetchone()[0]
    try:
        yield held
    finally:
        if held:
            try:
                cr.execute("SELECT pg_advisory_unlock(%s, %s)", key, log_exceptions=False)
            except InFailedSqlTransaction:
                # whatever stopped the block has left the transaction as it was
                cr.rollback()
                cr.execute("SELECT pg_advisory_unlock(%s, %s)", key)
