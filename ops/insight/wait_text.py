"""What an operation waits for, as text."""

from collections.abc import Callable

from worker.classin.codes import Code
from worker.ledger.types import SchoolPause, WaitReason


def in_words(obstacle: WaitReason, moment: Callable[[int], str]) -> str:
    """Return what it waits for; `moment` formats ms since 1970."""
    due = f", due {moment(obstacle.due_at)}" if obstacle.due_at is not None else ""
    if obstacle.behind is not None and obstacle.state is not None:
        return f"waiting behind {obstacle.behind}, {obstacle.state.value}{due}"
    if obstacle.closure is not None:
        return f"waiting: {closure_in_words(obstacle.closure, moment)}"
    if obstacle.quiet:
        until = f" until {moment(obstacle.due_at)}" if obstacle.due_at is not None else ""
        return f"waiting{until}: an earlier request of its lane may still be carried out"
    return f"waiting for its turn, by its pace: {obstacle.ahead or 0:,} are before it"


def closure_in_words(closure: SchoolPause, moment: Callable[[int], str]) -> str:
    """Return why a school is paused, and until when."""
    since = f"since {moment(closure.since)}"
    if closure.by_hand:
        why = f": {closure.why}" if closure.why else ""
        return f"school {closure.school} is paused by hand {since}{why}"
    code = Code.known(closure.code)
    said = f" ({closure.code}: {code.phrase})" if code else ""
    how = "held" if closure.held else "paused"
    look = f"; next look {moment(closure.next_look)}" if closure.next_look is not None else ""
    return f"school {closure.school} is {how} {since}{said}{look}"
