"""Courses. On the wire a course is what a school calls a class."""

from enum import IntEnum
from typing import Annotated, Literal

from annotated_types import MaxLen
from pydantic import Field

from worker.classin.endpoint import v1
from worker.classin.field_rules import Needs
from worker.classin.field_types import (
    OR_EMPTY,
    Ahead,
    Chars,
    ClassroomSettingId,
    CourseId,
    Cover,
    Flag,
    FolderId,
    Identity,
    LabelId,
    Moment,
    StructureId,
    Uid,
)
from worker.classin.operation import Bulk, Idempotency, Item, Operation


class Subject(IntEnum):
    """What is taught, in primary and secondary schools."""

    NONE = 0
    CHINESE = 1
    MATHEMATICS = 2
    ENGLISH = 3
    PHYSICS = 4
    CHEMISTRY = 5
    BIOLOGY = 6
    POLITICS = 7
    HISTORY = 8
    GEOGRAPHY = 9
    MORAL_EDUCATION = 10
    MUSIC = 11
    PHYSICAL_EDUCATION = 12
    FINE_ARTS = 13
    GENERAL_TECHNOLOGY = 14
    INFORMATION_TECHNOLOGY = 15
    SCIENCE = 16
    OTHER = 99


#: How far ahead a course expires, in days; a year may have a leap day.
_ONE_YEAR, _FIVE_YEARS = Ahead(1, 366), Ahead(1, 5 * 365 + 2)

HeadTeacher = Annotated[Uid | Literal[""], OR_EMPTY]


class FormerHeadTeacher(IntEnum):
    """What becomes of the head teacher who is replaced."""

    JOINS_THE_TEACHERS = 1
    LEAVES = 2


class AddCourse(
    Operation,
    endpoint=v1("course", "addCourse"),
    idempotency=Idempotency.KEYED,
    lane="course_unique_identity",
    codes=(
        1, 100, 102, 103, 104, 114, 151, 154, 160, 260, 331, 334, 371, 373, 389, 398, 400, 460, 805,
        883,
    ),
    already=[398],
    identity="course_unique_identity",
):  # fmt: skip
    """Create a course.

    A repeat with the same identity answers 398 with the first one's id, whatever its other fields.
    After 260 (head teacher not added) look whether the course is there: no page tells.
    Source: classroom/addCourse
    """

    course_name: Annotated[str, Chars(1, 90)]
    folder_id: FolderId | None = Field(
        default=None, description="the course's folder in the drive; left out: an empty one"
    )
    filedata: Annotated[
        Cover | None,
        Field(
            alias="Filedata",
            description="the cover picture; left out: the institution's, if any; no page states a"
            " limit of kind or size",
        ),
    ] = None
    expiry_time: Annotated[Moment | Literal[""], OR_EMPTY, _FIVE_YEARS] | None = Field(
        default=None,
        description="0, empty or left out: never expires; otherwise a day to 5 years ahead, and"
        " later lessons move it on",
    )
    main_teacher_uid: HeadTeacher | None = Field(
        default=None,
        description="the head teacher, whose changes of the course in the client do not come back"
        " here; empty or left out: none",
    )
    subject_id: Subject | None = Field(
        default=None, description="for primary and secondary schools"
    )
    cat_id: StructureId | None = Field(
        default=None, description="place in the organisation, for primary and secondary schools"
    )
    course_introduce: Annotated[str, Chars(0, 400)] | None = None
    classroom_setting_id: ClassroomSettingId | None = Field(
        default=None, description="for all lessons of the course; 0 or left out: the default"
    )
    course_unique_identity: Identity | None = Field(
        default=None, description="your own name for the course, never used before"
    )
    allow_add_friend: Flag | None = Field(
        default=None, description="members may befriend each other; left out: the institution's"
    )
    allow_student_modify_nickname: Flag | None = Field(
        default=None, description="students may change their name in the class; left out: no"
    )
    not_allow_delete_course_student_replay: Flag | None = Field(
        default=None, description="1 bars former students from what the course holds"
    )


class EditCourse(
    Operation,
    endpoint=v1("course", "editCourse"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 100, 102, 103, 104, 114, 144, 147, 149, 151, 152, 153, 154, 160, 260, 310, 311, 312,
        314, 331, 334, 369, 371, 373, 389, 400, 805, 883,
    ),
    rules=[Needs("cat_id", "course_name")],
    shown=["course_name"],
):  # fmt: skip
    """Edit a course; only the fields given are changed.

    Where the pages disagree the narrower limit holds: 40 characters of name, not 90, and a year
    until it expires, not five.
    Source: classroom/editCourse
    """

    course_id: CourseId
    folder_id: FolderId | None = Field(
        default=None, description="the course's new folder in the drive"
    )
    course_name: Annotated[str, Chars(1, 40)] | None = None
    expiry_time: Annotated[Moment | Literal[""], OR_EMPTY, _ONE_YEAR] | None = Field(
        default=None,
        description="0: never expires; empty or left out: unchanged; otherwise a day to a year"
        " ahead",
    )
    main_teacher_uid: HeadTeacher | None = Field(
        default=None,
        description="the head teacher, who can be replaced but not removed, and whose changes of"
        " the course in the client do not come back here; empty or left out: unchanged",
    )
    subject_id: Subject | None = Field(
        default=None,
        description="for primary and secondary schools; left out it may fall back to 0",
    )
    cat_id: StructureId | None = Field(
        default=None, description="place in the organisation, for primary and secondary schools"
    )
    stamp: FormerHeadTeacher | None = Field(
        default=None,
        description="whether a replaced head teacher joins the teachers (left out: yes)",
    )
    filedata: Annotated[
        Cover | None,
        Field(
            alias="Filedata",
            description="the cover picture; no page states a limit of kind or size",
        ),
    ] = None
    course_introduce: Annotated[str, Chars(0, 400)] | None = None
    classroom_setting_id: ClassroomSettingId | None = Field(
        default=None,
        description="for all lessons of the course; 0: the default, to which it may fall back when"
        " left out",
    )
    allow_add_friend: Flag | None = Field(
        default=None, description="members may befriend each other"
    )
    allow_student_modify_nickname: Flag | None = Field(
        default=None, description="students may change their name in the class"
    )
    not_allow_delete_course_student_replay: Flag | None = Field(
        default=None, description="1 bars former students from what the course holds"
    )


class EndCourse(
    Operation,
    endpoint=v1("course", "endCourse"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(1, 100, 102, 104, 114, 144, 147, 149, 153, 369, 394),
):
    """End a course, which deletes its lessons that have not started and dissolves its chat.

    Refused during a lesson (394). What a repeat answers is not told, perhaps 153. No operation
    deletes a course.
    Source: classroom/endCourse
    """

    course_id: CourseId


class CourseLabels(Item, shown=["label_ids"]):
    """The labels of one course."""

    course_id: CourseId
    label_ids: Annotated[tuple[LabelId, ...], MaxLen(10)] | None = Field(
        default=None, description="all that it shall have; an empty list removes all"
    )
    custom_column: Annotated[str, Chars()] | None = Field(default=None, description="your own mark")


class AddCourseLabels(
    Operation,
    endpoint=v1("course", "addCourseLabels"),
    idempotency=Idempotency.IDEMPOTENT,
    codes=(1, 100, 102, 104, 144, 147, 149, 155, 358, 359, 399),
    bulk=Bulk("course_list", echo=("courseId", "customColumn")),
):
    """Set the labels of courses; the labels given take the place of those there are.

    Source: classroom/addCourseLabels
    """

    course_list: tuple[CourseLabels, ...]
