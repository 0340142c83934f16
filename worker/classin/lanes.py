"""Derive the lane that keeps an operation in order."""

from collections.abc import Callable

from worker.classin.operation import Operation

#: The purpose of keyed marks in lane names.
PURPOSE = "lane"


def lane_of(school: str, operation: Operation, mark: Callable[[str, str], str]) -> str | None:
    """Return an operation's lane: the school and the entity in it; None if it has none.

    `mark` returns a keyed mark for a purpose and a personal text.
    """
    lane = operation.lane(lambda value: mark(PURPOSE, value))
    return None if lane is None else f"{school}:{lane}"
