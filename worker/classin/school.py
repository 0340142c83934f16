"""A school: whom ClassIn knows us as."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class School:
    """An SID with its secret, under the name by which submitters call it."""

    name: str
    sid: str  # digits
    secret: str = field(repr=False)
