"""Order: whom the lines of a batch wait for, by name, and what speaks against it: pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from producers.intake.checked import Entry
from producers.intake.submissions import SubmissionBuilder
from worker.classin.references import renamed
from worker.classin.validation_messages import nearest
from worker.errors import CONFLICT, FieldError
from worker.ledger.record import Submission

#: A record's id, by school and name: its id itself, or its dedup key.
Known = Mapping[tuple[str, str], str]

#: So many circles are drawn, and similar names looked for: each costs a look at the whole batch.
_MOST_LOOKS = 20

#: Of a circle with more lines, only some are shown.
_LONGEST_RING = 12


def ordered(entries: Sequence[Entry], known: Known, builder: SubmissionBuilder) -> list[Submission]:
    """Build what can be submitted, with ids in place of names; the entries take the faults."""
    order = _Order(entries, known)
    submissions: list[Submission] = []
    for position, entry in enumerate(entries):
        if entry.dedup_key is None and not entry.names:  # it has nothing to do with any other
            entry.submissions = builder.of(entry)
        else:
            ids = order.look_up(position)
            entry.submissions = builder.of(entry, ids)
        submissions += entry.submissions
    return submissions


class _Order:
    """Finds whom each line names."""

    def __init__(self, entries: Sequence[Entry], known: Known) -> None:
        self._entries = entries
        self._known = known
        #: Which line has a dedup key first.
        self._first: dict[tuple[str, str], int] = {}
        self._looks = 0
        for position, entry in enumerate(entries):
            if entry.dedup_key is not None:
                self._first.setdefault((entry.school, entry.dedup_key), position)

    def look_up(self, position: int) -> Mapping[str, str]:
        """Return ids by the names that a line uses; it takes the faults. Asked for in order."""
        entry = self._entries[position]
        ids: dict[str, str] = {}
        faults = list(self._conflict(position))
        for name in entry.names:
            if (record_id := self._known.get((entry.school, name))) is not None:
                ids[name] = record_id
            elif (why := self._against(position, name)) is not None:
                faults.append(FieldError(_place(entry, name), why))
            else:
                other = self._entries[self._first[entry.school, name]]
                ids[name] = other.submissions[0].id
        entry.refuse(*faults)
        return ids

    def _conflict(self, position: int) -> Iterator[FieldError]:
        """Find a line before it that has its dedup key, and asks for something else."""
        entry = self._entries[position]
        if entry.dedup_key is None or not entry.operations:
            return
        first = self._entries[self._first[entry.school, entry.dedup_key]]
        if first.operations and first.digest != entry.digest:
            what = (
                f"{entry.dedup_key!r} is that of {first.where}, too, which asks for something else"
            )
            yield FieldError("dedup_key", what, CONFLICT)

    def _against(self, position: int, name: str) -> str | None:
        """Return why a line cannot wait for what it names, if so."""
        school = self._entries[position].school
        other = self._first.get((school, name))
        if other is None:
            return f"there is no record {name!r}{self._near_miss(school, name)}"
        where = self._entries[other].where
        if other == position:
            return f"{name!r} is its own dedup key: it would wait for itself"
        if other > position:
            circle = self._circles.get((position, other))
            if circle is not None:
                return f"{name!r} makes a cycle: {circle}"
            return f"{name!r} ({where}) comes later: put it before this one"
        return f"{name!r} ({where}) has faults" if self._entries[other].faults else None

    def _near_miss(self, school: str, name: str) -> str:
        self._looks += 1
        if self._looks > _MOST_LOOKS:
            return ""
        return nearest(name, [key for its_school, key in self._first if its_school == school])

    @cached_property
    def _circles(self) -> Mapping[tuple[int, int], str]:
        """Find the steps ahead that lead back to where they start, each with the whole circle."""
        waits_for = {
            position: set(self._others(position)) for position in range(len(self._entries))
        }
        found: dict[tuple[int, int], str] = {}
        for _ in range(_MOST_LOOKS):
            try:
                TopologicalSorter(waits_for).prepare()
            except CycleError as error:
                circle = _from_first(error.args[1][:0:-1])
                drawn = _drawn([self._entries[position].where for position in circle])
                ahead = [step for step in pairwise(circle) if step[1] > step[0]]
                found |= dict.fromkeys(ahead, drawn)
                for start, end in ahead:
                    waits_for[start].discard(end)
            else:
                break
        return found

    def _others(self, position: int) -> Iterator[int]:
        """Yield the other lines that a line names and that nobody has submitted before."""
        entry = self._entries[position]
        for name in entry.names:
            other = self._first.get((entry.school, name))
            if other not in {None, position} and (entry.school, name) not in self._known:
                yield other


def _from_first(ring: Sequence[int]) -> list[int]:
    """Walk once around, from the first line back to it."""
    start = ring.index(min(ring))
    return [*ring[start:], *ring[:start], ring[start]]


def _drawn(ring: Sequence[str]) -> str:
    return " -> ".join(ring if len(ring) <= _LONGEST_RING else [*ring[:5], "...", *ring[-3:]])


def _place(entry: Entry, name: str) -> str:
    """Return where a line names another: in a reference or besides."""
    refers = any(name in each.references() for each in entry.operations)
    return "$result" if refers else "after"


def pointed(entry: Submission, ids: Mapping[str, str]) -> Submission:
    """Let a submission wait for others than it was to; most stay as they are."""
    if ids.keys().isdisjoint(entry.after):
        return entry
    after = tuple(ids.get(each, each) for each in entry.after)
    return replace(entry, after=after, fields=renamed(entry.fields, ids))
