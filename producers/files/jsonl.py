"""Operations as JSON lines: one object a line, in the shape of `SubmitRequest`."""

import json
from collections.abc import Iterable
from functools import partial

from producers.intake.checked import Checked, Position
from producers.intake.request import SubmitRequest
from producers.intake.submitter import Submitter
from worker.errors import FieldError, ValidationError


def check_lines(lines: Iterable[bytes], submitter: Submitter, source: str) -> Checked:
    """Check every line; empty ones are skipped."""
    numbered = (
        (Position(f"line {number}", number), partial(_read, raw))
        for number, raw in enumerate(lines, 1)
        if raw.strip()
    )
    return submitter.check_all(numbered, source)


def _read(raw: bytes) -> SubmitRequest:
    return SubmitRequest.read(_parse(raw))


def _parse(raw: bytes) -> object:
    """Parse one line. Raises ValidationError."""
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        fault = "is not UTF-8"
    except RecursionError:
        fault = "is nested too deep"
    except ValueError as error:
        fault = f"is not JSON ({error})"
    raise ValidationError("line", [FieldError("", fault)])
