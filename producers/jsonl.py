"""Operations from JSON lines: one object a line, as `Line` describes it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from producers.submission import Line, Submitter
from worker.classin.errors import Fault, Invalid
from worker.ledger.record import Submission, new_id


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a file's lines, before anything is submitted."""

    batch: str
    submissions: Sequence[Submission]
    #: By line number, from 1: `line 7: fields.courseId: is required`.
    faults: Sequence[Fault]


def check_lines(lines: Iterable[bytes], submitter: Submitter, source: str) -> Checked:
    """Check every line; blank ones are passed over."""
    batch = new_id()
    submissions: list[Submission] = []
    faults: list[Fault] = []
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        try:
            line = Line.read(_parse(raw))
            submissions += submitter.check(line, source=source, batch=batch)
        except Invalid as error:
            faults += [Fault(f"line {number}", str(fault)) for fault in error.faults]
    return Checked(batch, submissions, faults)


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
