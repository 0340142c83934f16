"""The published SDKs, and how their names map to those of ClassIn's pages."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.sdk_steps import Step


@dataclass(frozen=True)
class Broken:
    """A call that sends what ClassIn refuses, and so do we."""

    call: str
    arguments: Mapping[str, Any]
    #: The field that is at fault.
    at_fault: str


@dataclass(frozen=True)
class Package:
    """An SDK. Both packages are imported as `eeo`: each has a folder of its own."""

    #: As PyPI has it.
    name: str
    #: Operations that it calls otherwise than the catalogue.
    calls: Mapping[str, str]
    #: Fields, by operation, that it names otherwise than ClassIn.
    parameters: Mapping[tuple[str, str], str]
    #: Operations that it has no call for.
    lacks: frozenset[str]
    #: Fields that its call does not take.
    not_taken: frozenset[tuple[str, str]]
    #: Fields that its call needs, though ClassIn does not.
    needed: frozenset[tuple[str, str]]
    #: Calls that cannot succeed, by the operation that they are meant for.
    broken: Mapping[str, Broken]
    #: Whether it takes the SID as a number, as it documents.
    takes_a_number: bool

    @property
    def home(self) -> Path:
        """Where `make setup` puts it: apart from what the project itself depends on."""
        return Path(sys.prefix) / self.name

    def call(self, operation: str) -> str:
        """Tell its name for an operation."""
        return self.calls.get(operation, operation)

    def parameter(self, operation: str, field: str) -> str:
        """Tell its name for a field of ClassIn's."""
        if field == "Filedata":
            return "file_path"
        if operation == "register" and field in {"email", "telephone"}:
            return "account"
        return self.parameters.get((operation, field), field)

    def has(self, operation: str) -> bool:
        """Say whether it has a call for an operation that can succeed."""
        return operation not in self.lacks and operation not in self.broken

    def taken(self, step: Step) -> Step:
        """Give a step without the fields that it does not take."""
        fields = {
            name: value
            for name, value in step.fields.items()
            if (step.operation, name) not in self.not_taken
        }
        return Step(step.operation, fields, step.at, step.tells)

    def can_do(self, step: Step) -> bool:
        """Say whether it can do a step just as it is."""
        needed = {name for operation, name in self.needed if operation == step.operation}
        return (
            self.has(step.operation) and self.taken(step) == step and needed <= step.fields.keys()
        )


#: What ClassIn's pages have and neither has.
_IN_NEITHER = frozenset(
    {
        "modify_password_by_telephone",
        "del_end_course_class",
        "delete_sub_school_account",
        "add_playback_user",
        "delete_playback_user",
        "set_playback_all_forbidden",
        "set_playback_all_viewable",
    }
)
_CALLS = {
    "modify_class_seat_num": "modify_class_seatNum",
    "modify_course_student_nick_name": "modify_course_student_nickname",
    "move_activities": "move_unit",
    "create_classroom": "create_lms_lesson",
    "update_classroom": "update_lms_lesson",
}
_PARAMETERS = {
    ("create_unit", "name"): "unitName",
    ("create_classroom", "name"): "lessonName",
    ("add_course_student_multiple", "studentJson"): "user_list",
    ("del_course_student_multiple", "studentUidJson"): "user_list",
}
_NOT_TAKEN = {("register", "isSentMessage"), ("register", "md5pass")}

EEO = Package(
    name="eeo",
    calls={
        **_CALLS,
        "add_activity_students": "add_activity_student",
        "delete_activity_students": "delete_activity_student",
        "add_double_teacher_class": "add_newDoubleTeacher_lesson",
        "edit_double_teacher_class": "edit_newDoubleTeacher_lesson",
        "delete_double_teacher_class": "del_newDoubleTeacher_lesson",
    },
    parameters=_PARAMETERS,
    lacks=_IN_NEITHER | {"set_webcast"},
    not_taken=frozenset(_NOT_TAKEN),
    needed=frozenset(),
    broken={
        "release_activity": Broken(
            "release_activity", {"courseId": 1, "activityIds": [2]}, "activityIds"
        )
    },
    takes_a_number=False,
)

EEO_PY_SDK = Package(
    name="eeo-py-sdk",
    calls={
        **_CALLS,
        "add_course_teacher": "add_course_teacher_v2",
        "add_activity_students": "activity_add_student",
        "delete_activity_students": "activity_delete_student",
        "add_double_teacher_class": "add_doubleTeacher_lesson",
        "edit_double_teacher_class": "edit_doubleTeacher_lesson",
        "delete_double_teacher_class": "del_doubleTeacher_lesson",
        "modify_school_conf": "edit_school_settings",
    },
    parameters={
        **_PARAMETERS,
        ("update_unit", "name"): "unitName",
        ("create_folder", "folderId"): "parentId",
        ("create_folder", "folderName"): "name",
        ("rename_folder", "folderName"): "name",
        ("rename_file", "fileName"): "name",
    },
    lacks=_IN_NEITHER,
    not_taken=frozenset(
        {
            *_NOT_TAKEN,
            *(
                (operation, "Filedata")
                for operation in (
                    "register", "add_teacher", "edit_teacher", "add_course", "edit_course",
                )
            ),
            ("add_course_student", "studentName"),
        }
    ),
    needed=frozenset(
        {("get_cloud_list", "folderId"), ("get_webcast_url", "classId"), ("update_unit", "name")}
    ),
    broken={
        "modify_course_student_nick_name": Broken(
            "modify_course_student_nickname", {"courseId": 1}, "courseId"
        ),
        "update_class_lock_status": Broken(
            "update_class_lock_status", {"classId": 1, "lockStatus": 1}, "lockStatus"
        ),
    },
    takes_a_number=True,
)  # fmt: skip

PACKAGES = (EEO, EEO_PY_SDK)
