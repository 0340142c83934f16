"""What a story of the SDK's calls is made of, and how the SDK's names map to ours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: What the SDK calls otherwise than the catalogue.
OPERATIONS = {
    "modify_course_student_nickname": "modify_course_student_nick_name",
    "modify_class_seatNum": "modify_class_seat_num",
    "move_unit": "move_activities",
    "add_activity_student": "add_activity_students",
    "delete_activity_student": "delete_activity_students",
    "create_lms_lesson": "create_classroom",
    "update_lms_lesson": "update_classroom",
    "add_newDoubleTeacher_lesson": "add_double_teacher_class",
    "edit_newDoubleTeacher_lesson": "edit_double_teacher_class",
    "del_newDoubleTeacher_lesson": "delete_double_teacher_class",
}

#: Parameters that the SDK names otherwise than the wire.
FIELDS = {
    ("create_unit", "unitName"): "name",
    ("create_lms_lesson", "lessonName"): "name",
    ("add_course_student_multiple", "user_list"): "studentJson",
    ("del_course_student_multiple", "user_list"): "studentUidJson",
}


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
    """One call: what it is given, when, and where its answer tells the ids that later ones need."""

    call: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    #: Not before so many seconds of the story.
    at: int = 0
    #: By the name that the story gives an id, where the answer has it.
    tells: Mapping[str, str] = field(default_factory=dict)


def filled(value: object, fill: Callable[[Id | Enclosed], object]) -> Any:  # noqa: ANN401  # JSON
    """Give arguments with every id and file, at whatever depth, turned into something else."""
    match value:
        case Id() | Enclosed():
            return fill(value)
        case dict():
            return {name: filled(each, fill) for name, each in value.items()}
        case list():
            return [filled(each, fill) for each in value]
        case _:
            return value


def wire_name(call: str, parameter: str, value: object) -> str:
    """Tell ClassIn's name for a parameter of the SDK."""
    match parameter:
        case "file_path":
            return "Filedata"
        case "account":
            return "email" if "@" in str(value) else "telephone"
        case _:
            return FIELDS.get((call, parameter), parameter)


def parameter(call: str, wire: str) -> str:
    """Tell the SDK's name for a field of ClassIn's: the way back."""
    match wire:
        case "Filedata":
            return "file_path"
        case "email" | "telephone" if call == "register":
            return "account"
        case _:
            return {(c, w): p for (c, p), w in FIELDS.items()}.get((call, wire), wire)


def told(reply: Any, path: str) -> Any:  # noqa: ANN401  # JSON
    """Find what lies there in an answer: `data.0.classId`."""
    for step in path.split("."):
        reply = reply[int(step) if step.isdigit() else step]
    return reply
