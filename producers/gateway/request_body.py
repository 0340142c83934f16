"""Parse a request body as JSON or JSON lines. Pure."""

import json
from typing import Any, NamedTuple, NoReturn

from producers.gateway.problems import LAST, ProblemError

#: Maximum operations in a request.
MOST_OPERATIONS = 10_000

#: Maximum values in a body: each is a Python object, far larger than its text.
MOST_VALUES = 500_000
_MARKS = (b",", b"[", b"{")

_JSON = "application/json"
_LINES = frozenset({"application/jsonl", "application/x-ndjson", "application/x-jsonlines"})


class Asked(NamedTuple):
    """The parsed body: unchecked objects, and whether they were a list."""

    objects: list[Any]
    is_list: bool


def are_lines(content_type: str) -> bool:
    """Return whether a body is JSON lines; False: JSON. Raises ProblemError for anything else."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in _LINES and kind != _JSON:
        kinds = ", ".join([_JSON, *sorted(_LINES)])
        raise ProblemError(415, f"The body should be {kinds}.", headers={"accept-post": kinds})
    return kind in _LINES


def read_body(body: bytes, *, lines: bool) -> Asked:
    """Parse a body. Raises ProblemError."""
    if sum(map(body.count, _MARKS)) > MOST_VALUES:
        raise ProblemError(413, f"A body has at most {MOST_VALUES:,} values.", headers=LAST)
    if lines:
        asked = Asked(_lines(body), is_list=True)
    else:
        found = _parsed(body, "The body")
        asked = (
            Asked(found, is_list=True) if isinstance(found, list) else Asked([found], is_list=False)
        )
    if len(asked.objects) > MOST_OPERATIONS:
        _too_many()
    if not asked.objects:
        raise ProblemError(
            422, "There is no operation in the list.", [{"detail": "is empty", "pointer": "#"}]
        )
    return asked


def _lines(body: bytes) -> list[Any]:
    found = []
    for number, line in enumerate(body.splitlines(), 1):
        if line.strip():
            found.append(_parsed(line, f"Line {number}"))
            if len(found) > MOST_OPERATIONS:
                _too_many()
    return found


def _too_many() -> NoReturn:
    raise ProblemError(
        413, f"At most {MOST_OPERATIONS:,} operations are taken in at once.", headers=LAST
    )


def _parsed(text: bytes, what: str) -> Any:  # noqa: ANN401  # any JSON value
    try:
        return json.loads(text.decode("utf-8-sig"), parse_constant=_no_number)
    except UnicodeDecodeError:
        fault = "is not UTF-8"
    except RecursionError:
        fault = "is nested too deep"
    except json.JSONDecodeError as error:
        fault = f"is not JSON: {error.msg}, at line {error.lineno}, column {error.colno}"
    except ValueError as error:
        fault = f"is not JSON: {error}"
    raise ProblemError(400, f"{what} {fault}.")


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
