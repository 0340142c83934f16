"""A finding of the doctor."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How serious a finding is."""

    WELL = "well"
    WARNING = "warning"
    ILL = "ill"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do about it."""

    subject: str
    health: Health
    said: str
    todo: str = ""
