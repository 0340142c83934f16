"""Outcomes that a test assigns to operations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from worker.ledger.record import FailedBecause
from worker.ledger.states import Reason, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The fields of a record that are set when it settles; see Record."""

    state: State
    reason: Reason | None = None
    code: int | None = None
    message: str | None = None
    result: Mapping[str, Any] | None = None
    already: bool = False
    failed_because: FailedBecause | None = None


def succeeded(data: object = None, **more: object) -> Outcome:
    """Return a success, with ClassIn's answer: its `data`, and further keys of the result."""
    said = {key: value for key, value in {"data": data, **more}.items() if value is not None}
    return Outcome(state=State.SUCCEEDED, code=1, result=said or None)


def failed(code: int, message: str = "") -> Outcome:
    """Return a refusal by ClassIn, with its code and message."""
    return Outcome(state=State.FAILED, reason=Reason.REFUSED, code=code, message=message)
