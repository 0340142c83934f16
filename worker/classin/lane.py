"""Lane: whose operations must keep their order."""

from worker.classin.operation import Operation


def lane_of(school: str, operation: Operation) -> str | None:
    """Name an operation's lane: the school, and the entity in it; None if it has none."""
    lane = operation.lane()
    return None if lane is None else f"{school}:{lane}"
