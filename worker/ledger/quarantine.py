"""Sparing: an exchange with the ledger that fails on one record harms no other.

A script changes all that it is given, or nothing. Where it fails on what it was given, the halves
are given to it by themselves, until it is known on which record it fails; that one is set aside.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from worker.errors import ScriptError
from worker.ledger.types import Capacity, Claim, ClaimUpdate, Exchanged, Ledger, ReadyRecord, Turns
from worker.trouble_log import TroubleLog

log = logging.getLogger(__name__)

_TURNS = TroubleLog(log)


@dataclass(frozen=True, slots=True)
class Question:
    """What an exchange is about: what is noted, and what is asked for, by id and lease."""

    notes: Sequence[ClaimUpdate]
    asked: Mapping[str, str]
    worker: str
    lasts: float
    room: Capacity
    #: Of what is asked for, that which came without a message.
    messageless: Collection[str] = ()

    def put_to(self, ledger: Ledger) -> Exchanged:
        """Ask. Raises UnavailableError and ScriptError."""
        return ledger.report_and_claim(
            self.notes, self.asked, self.worker, self.lasts, self.room, self.messageless
        )

    def halves(self) -> tuple[Self, Self]:
        """Divide it; notes stay in front."""
        middle = (len(self.notes) + len(self.asked)) // 2
        asked = list(self.asked.items())
        at = max(0, middle - len(self.notes))
        first = replace(self, notes=self.notes[:middle], asked=dict(asked[:at]))
        return first, replace(self, notes=self.notes[middle:], asked=dict(asked[at:]))

    def after(self, claims: Sequence[Claim]) -> Self:
        """Return it with less room, once these are claimed."""
        room, taken = self.room, Counter(claim.record.school for claim in claims)
        of = dict(room.of)
        for school, number in taken.items():
            left = of.get(school, room.of_any)
            if left is not None:
                of[school] = max(0, left - number)
        suspects = room.suspects
        if suspects is not None:
            suspects = max(0, suspects - sum(claim.record.lost_workers > 0 for claim in claims))
        return replace(self, room=replace(room, of=of, suspects=suspects))


def exchange(ledger: Ledger, question: Question) -> Exchanged:
    """Exchange; what the ledger fails on is set aside.

    Raises UnavailableError: ask all of it again.
    """
    try:
        found = question.put_to(ledger)
    except ScriptError as error:
        if len(question.notes) + len(question.asked) <= 1:
            ids = (*(note.claim.record.id for note in question.notes), *question.asked)
            _set_aside(ledger, ids, error)
            return Exchanged([None] * len(question.notes), [], [])
    else:
        ids = tuple(question.notes[at].claim.record.id for at in found.unsound)
        _set_aside(ledger, ids, ScriptError("its note, or it itself, cannot be worked with"))
        return found
    first, second = question.halves()
    one = exchange(ledger, first)
    other = exchange(ledger, second.after(one.claims))
    return Exchanged(
        noted=[*one.noted, *other.noted],
        claims=[*one.claims, *other.claims],
        missing=[*one.missing, *other.missing],
        put_off=[*one.put_off, *other.put_off],
        full=one.full or other.full,
        paced=one.paced + other.paced,
    )


def _set_aside(ledger: Ledger, ids: Sequence[str], error: ScriptError) -> None:
    for record_id in ids:
        ledger.set_aside(record_id, str(error))
        _tell(record_id, "is set aside", error)


def beat(ledger: Ledger, worker: str, lasts: float, claims: Sequence[Claim]) -> set[str]:
    """Renew leases; returns those that are over, that on which the ledger fails among them.

    Raises UnavailableError.
    """
    try:
        return set(ledger.renew_leases(worker, lasts, claims))
    except ScriptError as error:
        if not claims:
            raise
        if len(claims) == 1:
            _tell(claims[0].record.id, "is renewed no more", error)
            return {claims[0].lease}
    middle = len(claims) // 2
    halves = (claims[:middle], claims[middle:])
    return set().union(*(beat(ledger, worker, lasts, half) for half in halves))


def due(ledger: Ledger, limit: int, *, orphans: bool) -> Sequence[ReadyRecord]:
    """Return what must be carried to a worker; what the ledger fails on is set aside.

    Raises UnavailableError.
    """
    try:
        return ledger.requeue_due(limit, orphans=orphans)
    except ScriptError as error:
        if limit > 1:
            return due(ledger, limit // 2, orphans=orphans)
        _tell(ledger.set_first_due_aside(str(error)), "is set aside", error)
        return []


def turns(ask: Callable[[int], Turns], limit: int) -> Turns:
    """Return whose turn it is; nobody's where the ledger fails on one of them.

    Rescue comes to those who wait when their time is up, and sets that one aside. Raises
    UnavailableError.
    """
    try:
        found = ask(limit)
    except ScriptError as error:
        _TURNS.trouble("nobody has a turn", error)
        return Turns([], None)
    _TURNS.over("turns are given again")
    return found


def _tell(record_id: str, what: str, error: ScriptError) -> None:
    log.error("%s %s: %s", record_id, what, error)
