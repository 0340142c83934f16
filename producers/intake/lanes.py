"""Lanes: those that a submitter names, and what names the others."""

from collections.abc import Callable

from worker.classin.operation import Operation

#: What names the lane of an operation for a school.
LaneOf = Callable[[str, Operation], str | None]


def own_lane(school: str, name: str) -> str:
    """Name a submitter's own lane; no operation has a field that is called lane."""
    return f"{school}:lane:{name}"


def is_own(school: str, lane: str | None) -> bool:
    """Say whether a submitter named this lane."""
    return lane is not None and lane.startswith(own_lane(school, ""))
