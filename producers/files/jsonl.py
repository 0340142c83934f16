"""Operations from JSON lines: one object a line, as `Line` describes it."""

import json
from collections.abc import Iterable
from functools import partial

from producers.intake.checked import Checked, Position
from producers.intake.request import Line
from producers.intake.submitter import Submitter
from worker.errors import Fault, Invalid


def check_lines(lines: Iterable[bytes], submitter: Submitter, source: str) -> Checked:
    """Check every line; blank ones are passed over."""
    numbered = (
        (Position(f"line {number}", number), partial(_read, raw))
        for number, raw in enumerate(lines, 1)
        if raw.strip()
    )
    return submitter.check_all(numbered, source)


def _read(raw: bytes) -> Line:
    return Line.read(_parse(raw))


def _parse(raw: bytes) -> object:
    """Read one line. Raises Invalid."""
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        fault = "is not UTF-8"
    except RecursionError:
        fault = "is nested too deep"
    except ValueError as error:
        fault = f"is not JSON ({error})"
    raise Invalid("line", [Fault("", fault)])
