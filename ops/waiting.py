"""What an operation waits for, in words and as JSON."""

from collections.abc import Callable
from typing import Any

from worker.classin.codes import Code
from worker.ledger.ledger import Closure, Obstacle
from worker.ledger.record import iso


def in_words(obstacle: Obstacle, moment: Callable[[int], str]) -> str:
    """Say what it waits for; `moment` writes ms since 1970 for the reader."""
    due = f", due {moment(obstacle.due_at)}" if obstacle.due_at is not None else ""
    if obstacle.behind is not None and obstacle.state is not None:
        return f"waiting behind {obstacle.behind}, {obstacle.state.value}{due}"
    if obstacle.closure is not None:
        return f"waiting: {closure_in_words(obstacle.closure, moment)}"
    return f"waiting for its turn, by the pace of its kind{due}"


def closure_in_words(closure: Closure, moment: Callable[[int], str]) -> str:
    """Say why a school is not spoken to, and until when."""
    since = f"since {moment(closure.since)}"
    if closure.by_hand:
        why = f": {closure.why}" if closure.why else ""
        return f"school {closure.school} is paused by hand {since}{why}"
    code = Code.known(closure.code)
    said = f" ({closure.code}: {code.phrase})" if code else ""
    how = "held" if closure.held else "paused"
    look = f"; next look {moment(closure.next_look)}" if closure.next_look is not None else ""
    return f"school {closure.school} is {how} {since}{said}{look}"


def to_json(obstacle: Obstacle | None) -> dict[str, Any] | None:
    """Give what it waits for as `waits_for` of a record's JSON."""
    if obstacle is None:
        return None
    closure = obstacle.closure
    return {
        "behind": obstacle.behind,
        "state": obstacle.state.value if obstacle.state else None,
        "due_at": iso(obstacle.due_at),
        "pace": obstacle.pace,
        "school": closure_to_json(closure) if closure else None,
    }


def closure_to_json(closure: Closure) -> dict[str, Any]:
    """Give why a school is not spoken to."""
    return {
        "school": closure.school,
        "closed": "held" if closure.held else "paused",
        "by_hand": closure.by_hand,
        "since": iso(closure.since),
        "code": closure.code,
        "why": closure.why,
        "next_look": iso(closure.next_look),
        "waiting": closure.parked,
    }
