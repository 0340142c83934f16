"""A finding of the doctor."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """Severity of a finding."""

    WELL = "well"
    WARNING = "warning"
    ILL = "ill"


@dataclass(frozen=True, slots=True)
class Finding:
    """A subject, its health, and the remedy."""

    subject: str
    health: Health
    said: str
    todo: str = ""
