"""Journal of every request and its outcome. It holds no secret and no signature."""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

#: Maximum entries, the latest ones; the counts include all.
LONGEST = 200_000


@dataclass(slots=True)
class Entry:
    """One request."""

    #: From 1, in order of arrival.
    n: int
    #: Arrival in seconds since 1970, by the machine's clock.
    at: float
    #: None for an unknown operation.
    operation: str | None
    #: The request's SID.
    school: str | None
    #: As received, without signature; a file as name, bytes and sha256.
    fields: dict[str, Any]
    #: The time it was signed for.
    timestamp: int | None
    #: Whether it was carried out, whatever the reply.
    applied: bool = False
    #: From 1, in the order in which requests were carried out; None: it was not.
    turn: int | None = None
    #: The reply's code, or "dropped", "garbled", "status 503"; None while in progress.
    outcome: int | str | None = None
    #: Index of the rule that struck, from 0.
    fault: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {name: getattr(self, name) for name in _NAMES}


_NAMES = tuple(field.name for field in fields(Entry))


@dataclass(slots=True)
class Counts:
    """Requests of one operation, and how many of them were carried out."""

    requests: int = 0
    applied: int = 0


class Journal:
    """Entries in order of arrival."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._entries: deque[Entry] = deque(maxlen=longest)
        self._counts: dict[str | None, Counts] = {}
        self._arrived = 0
        self._carried_out = 0

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def open(
        self,
        at: float,
        operation: str | None,
        school: str | None,
        fields: dict[str, Any],
        timestamp: int | None,
    ) -> Entry:
        """Add a request that has just arrived."""
        self._arrived += 1
        entry = Entry(self._arrived, at, operation, school, fields, timestamp)
        self._entries.append(entry)
        self._counts.setdefault(operation, Counts()).requests += 1
        return entry

    def note_applied(self, entry: Entry) -> None:
        """Record that a request was carried out."""
        self._carried_out += 1
        entry.applied, entry.turn = True, self._carried_out
        self._counts[entry.operation].applied += 1

    def select(self, operation: str | None = None, *, applied: bool | None = None) -> list[Entry]:
        """Return the entries of one operation, or the applied (or other) ones; None: all."""
        return [
            entry
            for entry in self._entries
            if operation in (None, entry.operation) and applied in (None, entry.applied)
        ]

    def applied(self, operation: str, **fields: object) -> int:
        """Return how often an operation was carried out with these fields, by ClassIn's names."""
        return sum(carries(entry.fields, fields) for entry in self.select(operation, applied=True))

    def counts(self) -> dict[str, Counts]:
        """Return counts by operation; unknown ones are under `unknown`."""
        return {name or "unknown": counts for name, counts in self._counts.items()}


def carries(fields: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    """Return whether all wanted fields are among these, compared as text."""
    return all(name in fields and _text(fields[name]) == _text(wanted[name]) for name in wanted)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
