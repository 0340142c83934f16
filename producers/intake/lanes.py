"""Lanes that a submitter names."""


def own_lane(school: str, name: str) -> str:
    """Return a submitter's own lane; no operation has a field that is called lane."""
    return f"{school}:lane:{name}"


def is_own(school: str, lane: str | None) -> bool:
    """Return whether a submitter named this lane."""
    return lane is not None and lane.startswith(own_lane(school, ""))
