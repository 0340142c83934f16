"""Pulse: whether work gets on, as the ledger shows it."""

from typing import NamedTuple


class QueueHealth(NamedTuple):
    """Whether work gets on. Times are ms since 1970, by the clock of the store."""

    now: int
    #: Since when the oldest has been due, or had its message, without being taken; None: nothing.
    oldest_due: int | None
    #: When a record settled last, as far as the events go back.
    last_settled: int | None
    #: Worker processes that are alive.
    workers: int
