"""Records that were set aside: the ledger's scripts fail on them, and would again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Aside:
    """A record that was set aside: when (ms since 1970), and why."""

    id: str
    at: int
    why: str


class Asides(Protocol):
    """What a store of records does with those that it fails on."""

    def set_aside(self, record_id: str, why: str) -> None:
        """Let nobody find a record by itself. It stays as it is, and so does what waits for it."""

    def set_first_due_aside(self, why: str) -> str:
        """Do so with the record that `due` would look at first; returns its id, empty for none."""

    def asides(self) -> Sequence[Aside]:
        """Return what was set aside, the latest first."""

    def give_back_asides(self) -> int:
        """Let workers try once more what was set aside; returns how many records that are."""
