"""Fault isolation: a call of the ledger that fails on one record harms no other.

A script changes all that it is given, or nothing. Where it fails, the call is repeated with each
half of what it was given, until the record on which it fails is known; that one is quarantined.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from worker.errors import ScriptError
from worker.ledger.store import RedisLedger
from worker.ledger.types import Claim, ClaimRequest, ClaimResult, ReadyRecord, TurnList
from worker.trouble_log import TroubleLog

log = logging.getLogger(__name__)

_TURNS = TroubleLog(log)


def report_and_claim(ledger: RedisLedger, request: ClaimRequest) -> ClaimResult:
    """Call `ledger.report_and_claim`; quarantine each record on which it fails.

    Raises UnavailableError: repeat the whole request.
    """
    try:
        found = ledger.report_and_claim(request)
    except ScriptError as error:
        if len(request.updates) + len(request.leases) <= 1:
            ids = (*(update.claim.record.id for update in request.updates), *request.leases)
            _quarantine(ledger, ids, error)
            return ClaimResult([None] * len(request.updates), [], [])
    else:
        ids = tuple(request.updates[at].claim.record.id for at in found.invalid)
        _quarantine(ledger, ids, ScriptError("its note, or it itself, cannot be worked with"))
        return found
    first, second = _halves(request)
    one = report_and_claim(ledger, first)
    other = report_and_claim(ledger, replace(second, capacity=second.capacity.after(one.claims)))
    return ClaimResult(
        results=[*one.results, *other.results],
        claims=[*one.claims, *other.claims],
        missing=[*one.missing, *other.missing],
        refused_suspects=[*one.refused_suspects, *other.refused_suspects],
        full=one.full or other.full,
        paced=one.paced + other.paced,
    )


def _halves(request: ClaimRequest) -> tuple[ClaimRequest, ClaimRequest]:
    """Divide a request; the updates come first."""
    updates, leases = request.updates, list(request.leases.items())
    middle = (len(updates) + len(leases)) // 2
    at = max(0, middle - len(updates))
    first = replace(request, updates=updates[:middle], leases=dict(leases[:at]))
    return first, replace(request, updates=updates[middle:], leases=dict(leases[at:]))


def _quarantine(ledger: RedisLedger, ids: Sequence[str], error: ScriptError) -> None:
    for record_id in ids:
        ledger.quarantine.add(record_id, str(error))
        _log(record_id, "is set aside", error)


def renew_leases(
    ledger: RedisLedger, worker: str, lasts: float, claims: Sequence[Claim]
) -> set[str]:
    """Renew leases; return those that are over, and those on whose records the ledger fails.

    Raises UnavailableError.
    """
    try:
        return set(ledger.renew_leases(worker, lasts, claims))
    except ScriptError as error:
        if not claims:
            raise
        if len(claims) == 1:
            _log(claims[0].record.id, "is renewed no more", error)
            return {claims[0].lease}
    middle = len(claims) // 2
    halves = (claims[:middle], claims[middle:])
    return set().union(*(renew_leases(ledger, worker, lasts, half) for half in halves))


def requeue_due(ledger: RedisLedger, limit: int, *, orphans: bool) -> Sequence[ReadyRecord]:
    """Call `ledger.requeue_due`; quarantine the first record on which it fails.

    Raises UnavailableError.
    """
    try:
        return ledger.requeue_due(limit, orphans=orphans)
    except ScriptError as error:
        if limit > 1:
            return requeue_due(ledger, limit // 2, orphans=orphans)
        _log(ledger.quarantine.add_first_due(str(error)), "is set aside", error)
        return []


def turns(ask: Callable[[int], TurnList], limit: int) -> TurnList:
    """Call `ask`, a ledger's `turns`; return an empty list if it fails on one record.

    `requeue_due` finds those records when their time is up, and quarantines that one. Raises
    UnavailableError.
    """
    try:
        found = ask(limit)
    except ScriptError as error:
        _TURNS.trouble("nobody has a turn", error)
        return TurnList([], None)
    _TURNS.over("turns are given again")
    return found


def _log(record_id: str, what: str, error: ScriptError) -> None:
    log.error("%s %s: %s", record_id, what, error)
