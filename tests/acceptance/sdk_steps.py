"""What a story of the SDKs' calls is made of: operations and fields, by ClassIn's names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Id:
    """An id that an earlier call told, by the name that the story gives it."""

    name: str


@dataclass(frozen=True)
class Enclosed:
    """A file that goes along."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Step:
    """One operation: its fields, when, and where its answer tells the ids that later ones need."""

    operation: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    #: Not before so many seconds of the story.
    at: int = 0
    #: By the name that the story gives an id, where the answer has it.
    tells: Mapping[str, str] = field(default_factory=dict)


def filled(value: object, fill: Callable[[Id | Enclosed], object]) -> Any:  # noqa: ANN401  # JSON
    """Give fields with every id and file, at whatever depth, turned into something else."""
    match value:
        case Id() | Enclosed():
            return fill(value)
        case dict():
            return {name: filled(each, fill) for name, each in value.items()}
        case list():
            return [filled(each, fill) for each in value]
        case _:
            return value


def told(reply: Any, path: str) -> Any:  # noqa: ANN401  # JSON
    """Find what lies there in an answer: `data.0.classId`."""
    for step in path.split("."):
        reply = reply[int(step) if step.isdigit() else step]
    return reply
