"""What the ledger knows of a batch before any of it is submitted."""

from collections import defaultdict
from collections.abc import Callable, Container, Sequence
from dataclasses import replace

from producers.intake.checked import Entry
from producers.intake.dependencies import Known
from producers.intake.ledger import IntakeLedger
from producers.intake.submissions import SubmissionBuilder
from worker.errors import CONFLICT, FieldError, SubmitRefusedError
from worker.ledger.record import Record

#: Names that are looked up in one call.
_NAMES = 1000

#: Entries that are compared in one call.
_COMPARED = 50


def look_up(
    ledger: IntakeLedger,
    builder: SubmissionBuilder,
    entries: Sequence[Entry],
    sees: Callable[[Record], bool] | None = None,
) -> Known:
    """Find the records that a batch names; the entries take the faults. Raises UnavailableError.

    `sees`: which of them the submitter may know of; all others are as if they were not there.
    """
    known = known_to(ledger, entries)
    hidden = set[str]() if sees is None else _hidden(ledger, known, sees)
    refuse_other(ledger, builder, entries, known, hidden)
    seen = {name: record_id for name, record_id in known.items() if record_id not in hidden}
    refuse_lost(ledger, entries, seen)
    return seen


def _hidden(ledger: IntakeLedger, known: Known, sees: Callable[[Record], bool]) -> set[str]:
    ids = sorted(set(known.values()))
    return {
        record.id
        for start in range(0, len(ids), _NAMES)
        for record in ledger.find_all(ids[start : start + _NAMES])
        if not sees(record)
    }


def known_to(ledger: IntakeLedger, entries: Sequence[Entry]) -> Known:
    """Find the records that a batch names, or that have its dedup keys. Raises UnavailableError."""
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for entry in entries:
        if found := entry.names:
            names[entry.school] |= dict.fromkeys(found)
        if entry.dedup_key is not None:
            names[entry.school][entry.dedup_key] = None
    return {
        (school, name): record_id
        for school, all_of_it in names.items()
        for start in range(0, len(all_of_it), _NAMES)
        for name, record_id in ledger.find_ids(school, [*all_of_it][start : start + _NAMES]).items()
    }


def refuse_other(
    ledger: IntakeLedger,
    builder: SubmissionBuilder,
    entries: Sequence[Entry],
    known: Known,
    hidden: Container[str] = (),
) -> None:
    """Refuse what has the dedup key of a record that was asked for something else.

    To submit again what is known changes nothing, and tells. `hidden`: ids that are not told.
    """
    # A key that is an id, too, may be nobody's: submitting it would not be a repetition.
    again = [
        entry
        for entry in entries
        if entry.operations
        and entry.dedup_key is not None
        and known.get((entry.school, entry.dedup_key), entry.dedup_key) != entry.dedup_key
    ]
    for start in range(0, len(again), _COMPARED):
        left = again[start : start + _COMPARED]
        while left:
            try:
                ledger.submit([replace(builder.of(entry)[0], after=()) for entry in left])
            except SubmitRefusedError as refused:
                entry = left[refused.position - 1]
                owner = known[entry.school, entry.dedup_key or ""]
                what = f"is that of {owner}, which asks for something else"
                if owner in hidden:
                    what = "is in use for something else"
                entry.refuse(FieldError("dedup_key", what, CONFLICT))
                left = left[refused.position :]
            else:
                break


def refuse_lost(ledger: IntakeLedger, entries: Sequence[Entry], known: Known) -> None:
    """Refuse what refers to the result of a record that was pruned, though its key is known."""
    wanted = [
        (entry, name, known[entry.school, name])
        for entry in entries
        if entry.names  # few wait for any
        for name in sorted(set[str]().union(*(each.references() for each in entry.operations)))
        if (entry.school, name) in known
    ]
    ids = list(dict.fromkeys(record_id for _, _, record_id in wanted))
    kept = {
        each
        for start in range(0, len(ids), _NAMES)
        for each in ledger.find_ids("", ids[start : start + _NAMES])
    }
    for entry, name, record_id in wanted:
        if record_id not in kept:
            what = f"the result of {name!r} is kept no longer: give the value itself"
            entry.refuse(FieldError("$result", what))
