"""Parse rate limits such as `create_classroom=1000/m all=50/s`."""

import re
from collections.abc import Mapping

from worker.classin.index import INDEX
from worker.classin.validation_messages import LONGEST_ECHO, nearest
from worker.errors import FieldError, InvalidInputError

#: By operation, or by `all`: minimum milliseconds between two requests; None lifts a limit.
Paces = Mapping[str, float | None]

#: The word for all operations of a school.
ALL = "all"

#: ClassIn's documented limit, which applies by default.
USUAL: Paces = {"create_classroom": 60.0}

_UNITS = {"s": 1000.0, "m": 60_000.0, "h": 3_600_000.0}


def read_paces(text: str, where: str) -> Paces:
    """Parse rate limits, separated by spaces or commas.

    Raises InvalidInputError, which names every fault.
    """
    paces: dict[str, float | None] = {}
    faults: list[FieldError] = []
    for word in text.replace(",", " ").split():
        name, _, pace = word.partition("=")
        if name not in INDEX and name != ALL:
            near = nearest(name, [*INDEX, ALL])
            faults.append(FieldError(where, f"ClassIn knows no {name[:LONGEST_ECHO]!r}{near}"))
        elif name in paces:
            faults.append(FieldError(where, f"{name} should be there once only"))
        else:
            try:
                paces[name] = _milliseconds(pace)
            except ValueError:
                right = f"{name} should be like {name}=10/s, 600/m, 50/h or none"
                faults.append(FieldError(where, f"{right}; got {pace[:LONGEST_ECHO]!r}"))
    if faults:
        raise InvalidInputError("paces", faults)
    return paces


def paces_of(school: str, *said: Paces) -> dict[str, float]:
    """Return a school's limits by "SCHOOL OPERATION", or "SCHOOL" for all; the last one wins."""
    last = {name: pace for paces in said for name, pace in paces.items()}
    return {
        school if name == ALL else f"{school} {name}": pace
        for name, pace in last.items()
        if pace is not None
    }


def _milliseconds(pace: str) -> float | None:
    """Convert a rate into the milliseconds between two requests. Raises ValueError."""
    if pace == "none":
        return None
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)/([smh])", pace)
    if not found or not float(found[1]):
        raise ValueError(pace)
    return _UNITS[found[2]] / float(found[1])
