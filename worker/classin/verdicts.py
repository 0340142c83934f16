"""Verdicts: what one attempt means."""

from enum import StrEnum


class Verdict(StrEnum):
    """What one attempt means; `worker.ledger.states` says which state follows."""

    #: Carried out.
    DONE = "done"
    #: It is so already, and an earlier attempt of ours (or the submitter's wish) explains why.
    ALREADY = "already"
    #: The main thing is done, a part of it is not.
    PARTIAL = "partial"
    #: A passing fault: repeat.
    RETRY = "retry"
    #: We speak too fast: wait as told; this spends no attempt.
    THROTTLED = "throttled"
    #: Not now, but later by itself.
    DEFER = "defer"
    #: The secret, a permission or the account: nothing of this school will pass.
    LOCKED_OUT = "locked_out"
    #: Our time is not ClassIn's.
    CLOCK_SKEW = "clock_skew"
    #: The signature, perhaps because a long text is counted in another way: sign it in that one.
    MISSIGNED = "missigned"
    #: Never by itself: the request or the world must change first.
    REFUSED = "refused"
    #: It may have been done, and repeating could do it twice: a person decides.
    AMBIGUOUS = "ambiguous"
