"""The institution itself: its labels, accounts and settings, and links into its lessons."""

from enum import IntEnum
from typing import Annotated

from pydantic import Field

from worker.classin.endpoint import v1, v2
from worker.classin.field_rules import AtLeastOne
from worker.classin.field_types import Chars, CourseId, Flag, LabelId, LessonId, Seconds, Uid
from worker.classin.operation import Idempotency, Operation

LabelName = Annotated[str, Chars(1, 20)]


class AddSchoolLabel(
    Operation,
    endpoint=v1("course", "addSchoolLabel"),
    idempotency=Idempotency.CONFLICT_DETECTED,
    lane="label_name",
    codes=(1, 100, 102, 104, 353, 354),
    already=[353],
):
    """Create a label.

    A repeat answers 353 with the label's id. At most 100 labels; the colour is chosen by chance.
    Source: school/addSchoolLabel
    """

    label_name: LabelName


class UpdateSchoolLabel(
    Operation,
    endpoint=v1("course", "updateSchoolLabel"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="label_id",
    codes=(1, 100, 102, 104, 353, 355, 356),
):
    """Rename a label.

    Whether a repeat meets 353, as the name is taken by the label itself, is not told.
    Source: school/updateSchoolLabel
    """

    label_id: LabelId
    label_name: LabelName


class DeleteSchoolLabel(
    Operation,
    endpoint=v1("course", "deleteSchoolLabel"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="label_id",
    codes=(1, 100, 102, 104, 355, 356),
    already=[356],
):
    """Delete a label.

    356 answers a repeat, and a wrong id as well.
    Source: school/deleteSchoolLabel
    """

    label_id: LabelId


class DeleteSubSchoolAccount(
    Operation,
    endpoint=v1("course", "deleteSubSchoolAccount"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="uid",
    codes=(1, 100, 102, 104, 22101),
    already=[22101],
):
    """Delete a sub-account of the institution.

    22101 answers a repeat, and a wrong UID as well. No index links to the page: ask ClassIn first.
    Source: school/deleteSubSchoolAccount
    """

    uid: Annotated[Uid, Field(alias="UID", description="the sub-account's")]


class ModifySchoolConf(
    Operation,
    endpoint=v2("/school/modifySchoolConf"),
    idempotency=Idempotency.IDEMPOTENT,
    codes=(1, 101001001, 101002005, 101002006, 101002008, 121601020, 121601030),
    rules=[AtLeastOne("allow_view_replay", "allow_new_student_view_replay")],
):
    """Change settings of the institution; only those given are changed.

    Source: school/editSchoolSettings
    """

    allow_view_replay: Flag | None = Field(
        default=None, description="members of a lesson may watch its replay"
    )
    allow_new_student_view_replay: Flag | None = Field(
        default=None, description="students who come later may watch replays of earlier lessons"
    )


class Device(IntEnum):
    """Where the client runs."""

    COMPUTER = 1  # Windows or macOS
    IOS = 2
    ANDROID = 3


class GetLoginLinked(
    Operation,
    endpoint=v1("course", "getLoginLinked"),
    idempotency=Idempotency.READ_ONLY,
    codes=(
        1, 100, 102, 104, 114, 134, 142, 143, 144, 145, 150, 212, 369, 467, 888,
    ),
    private=["data"],
):  # fmt: skip
    """Get the link that opens the client in a lesson.

    The link tells the user's phone number; the password is asked all the same. An account by
    e-mail needs a phone number bound to it (467).
    Source: getLoginLinked
    """

    uid: Uid
    life_time: Seconds | None = Field(
        default=None, description="left out: a day; of no visible use since June 2021"
    )
    course_id: CourseId
    class_id: LessonId
    device_type: Device | None = Field(default=None, description="left out: a computer")
