"""Courses. On the wire a course is what a school calls a class."""

from enum import IntEnum
from typing import Annotated

from pydantic import Field

from worker.classin.call import v1
from worker.classin.fields import (
    Chars,
    ClassroomSettingId,
    CourseId,
    File,
    Flag,
    FolderId,
    Moment,
    StructureId,
    Uid,
)
from worker.classin.operation import Needs, Operation, Repeat


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


class FormerHeadTeacher(IntEnum):
    """What becomes of the head teacher who is replaced."""

    JOINS_THE_TEACHERS = 1
    LEAVES = 2


class EditCourse(
    Operation,
    call=v1("course", "editCourse"),
    repeat=Repeat.CONVERGES,
    lane="course_id",
    codes=(
        1, 100, 102, 103, 104, 114, 144, 147, 149, 151, 152, 153, 154, 160, 260, 310, 311, 312,
        314, 331, 334, 369, 371, 373, 389, 400, 805, 883,
    ),
    rules=[Needs("cat_id", "course_name")],
):  # fmt: skip
    """Edit a course; only the fields given are changed.

    Where the pages disagree the narrower limit holds: 40 characters of name, not 90.
    Source: classroom/editCourse
    """

    course_id: CourseId
    folder_id: FolderId | None = Field(
        default=None, description="the course's new folder in the drive"
    )
    course_name: Annotated[str, Chars(1, 40)] | None = None
    expiry_time: Moment | None = Field(
        default=None, description="0: never expires; otherwise one day to one year ahead"
    )
    main_teacher_uid: Uid | None = Field(
        default=None, description="the head teacher, who can be replaced but not removed"
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
    filedata: Annotated[File | None, Field(alias="Filedata", description="the cover picture")] = (
        None
    )
    course_introduce: Annotated[str, Chars(0, 400)] | None = None
    classroom_setting_id: ClassroomSettingId | None = Field(
        default=None,
        description="for all lessons of the course; left out it may fall back to the default",
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
