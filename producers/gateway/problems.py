"""Problem details (RFC 9457): how the gateway reports errors."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from producers.intake.request import SubmitRequest
from worker.errors import (
    CONFLICT,
    ClassinError,
    FieldError,
    NotFoundError,
    UnavailableError,
    ValidationError,
)

#: Seconds for Retry-After.
LATER = {"retry-after": "5"}

#: For responses after which the connection closes.
LAST = {"connection": "close"}


class ProblemError(Exception):
    """A problem document as an exception; `errors` names every fault."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = HTTPStatus(status)
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})

    def to_dict(self) -> dict[str, Any]:
        """Return the problem document."""
        said = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
        }
        return {**said, "errors": list(self.errors)} if self.errors else said

    def response(self) -> Response:
        """Return the HTTP response."""
        return Response(
            json.dumps(self.to_dict()),
            self.status,
            self.headers,
            media_type="application/problem+json",
        )


def problem_of(error: ClassinError) -> ProblemError:
    """Convert one of our exceptions into a problem."""
    match error:
        case NotFoundError():
            return ProblemError(404, str(error))
        case UnavailableError():
            # The error's own text may name internal hosts.
            return ProblemError(
                503, "The ledger does not answer now; nothing was lost.", headers=LATER
            )
        case ValidationError():
            return of_faults((None, fault) for fault in error.faults)
        case _:
            return ProblemError(500, "Something is wrong here; the log says what.")


def of_faults(found: Iterable[tuple[int | None, FieldError]]) -> ProblemError:
    """Return a problem for faults of operations.

    Each comes with its operation's position from 0; None: there is only one operation.
    """
    all_of_it = list(found)
    errors = [{"detail": fault.text, "pointer": _pointer(at, fault)} for at, fault in all_of_it]
    if all(fault.kind == CONFLICT for _, fault in all_of_it):
        return ProblemError(409, "The key stands for something else already.", errors)
    return ProblemError(422, "Nothing was submitted: see errors.", errors)


def of_line(fault: FieldError) -> FieldError:
    """Mark a fault of the line itself, as opposed to one of its fields."""
    return replace(fault, where=f".{fault.where}") if fault.where else fault


def _pointer(at: int | None, fault: FieldError) -> str:
    """Return a JSON pointer to the place of a fault."""
    steps = fault.where.split(".") if fault.where else []
    if steps == ["$result"]:
        steps = ["fields"]
    elif steps[:1] == [""]:
        steps = steps[1:]
    elif steps and steps[0] not in SubmitRequest.model_fields:
        steps = ["fields", *steps]
    position = [] if at is None else [str(at)]
    escaped = (step.replace("~", "~0").replace("/", "~1") for step in [*position, *steps])
    return "#" + "".join(f"/{step}" for step in escaped)
