"""Derive the lane that keeps an operation in order."""

from collections.abc import Callable

from worker.classin.operation import Operation

#: The purpose for which a key ring marks what is personal in the name of a lane.
PURPOSE = "lane"


def lane_of(school: str, operation: Operation, mark: Callable[[str, str], str]) -> str | None:
    """Name an operation's lane: the school, and the entity in it; None if it has none.

    `mark` gives for a purpose and a text what stands for a person: a key ring's.
    """
    lane = operation.lane(lambda value: mark(PURPOSE, value))
    return None if lane is None else f"{school}:{lane}"
