"""Verdicts: what one attempt means."""

from enum import StrEnum


class Verdict(StrEnum):
    """The meaning of one attempt; `worker.ledger.states` has the state that follows."""

    #: Carried out.
    DONE = "done"
    #: It is so already, explained by an earlier attempt or by the submitter's wish.
    ALREADY = "already"
    #: The main thing is done, a part of it is not.
    PARTIAL = "partial"
    #: A transient fault: retry.
    RETRY = "retry"
    #: Throttled: wait as told; no attempt is spent.
    THROTTLED = "throttled"
    #: Not possible now: defer.
    DEFER = "defer"
    #: Secret, permission or account: nothing of this school will succeed.
    LOCKED_OUT = "locked_out"
    #: The local clock differs from ClassIn's.
    CLOCK_SKEW = "clock_skew"
    #: The signature was refused, perhaps for a long text: sign with the other way of counting.
    MISSIGNED = "missigned"
    #: Permanent: the request or the state must change first.
    REFUSED = "refused"
    #: It may have been done, and a repeat could double it: a person decides.
    AMBIGUOUS = "ambiguous"
