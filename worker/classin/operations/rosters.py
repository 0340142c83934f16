"""Rosters: a course's students, auditors, teachers and groups, and their names in it."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Annotated, Any

from annotated_types import MinLen
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from worker.classin.endpoint import v1, v2
from worker.classin.field_types import Chars, CourseId, CustomColumn, Flag, GroupId, PersonName, Uid
from worker.classin.operation import Bulk, Idempotency, Item, Operation


class Role(IntEnum):
    """What a person is in a course."""

    STUDENT = 1
    AUDITOR = 2


class AddCourseStudent(
    Operation,
    endpoint=v1("course", "addCourseStudent"),
    idempotency=Idempotency.CONFLICT_DETECTED,
    lane="course_id",
    codes=(
        1, 100, 102, 104, 113, 114, 129, 130, 134, 144, 147, 149, 153, 155, 163, 164, 174, 228,
        332, 333, 369, 400, 841, 886, 887,
    ),
    already={163: {"identity": Role.STUDENT}, 164: {"identity": Role.AUDITOR}},
    partial={841: "modify_group_member_nickname"},
):  # fmt: skip
    """Add a student or an auditor to a course and all its lessons, later ones too.

    The user must be a student of the institution. By default a course takes 20 auditors.
    Source: classroom/addCourseStudent
    """

    course_id: CourseId
    identity: Role
    student_uid: Uid
    student_name: PersonName | None = Field(
        default=None,
        description="an auditor's name in the institution; left out: the phone number",
    )

    def mending(
        self, code: int, result: Mapping[str, Any], item: int | None = None
    ) -> Operation | None:
        """Give the course's members their names, which the new member's lack of one asks for."""
        del code, result, item
        return ModifyGroupMemberNickname(course_id=self.course_id)


class DelCourseStudent(
    Operation,
    endpoint=v1("course", "delCourseStudent"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(1, 100, 102, 104, 106, 114, 144, 147, 149, 153, 162, 369, 400),
    already=[162],
):
    """Remove a student or an auditor from a course.

    162 answers a repeat, and a wrong UID as well.
    Source: classroom/delCourseStudent
    """

    course_id: CourseId
    identity: Role
    student_uid: Uid


class NewMember(Item):
    """One person to add to a course."""

    uid: Uid
    name: PersonName | None = Field(
        default=None,
        description="an auditor's name in the institution; left out: the phone number",
    )
    custom_column: CustomColumn | None = Field(default=None, description="your own mark")


class AddCourseStudentMultiple(
    Operation,
    endpoint=v1("course", "addCourseStudentMultiple"),
    idempotency=Idempotency.CONFLICT_DETECTED,
    lane="course_id",
    codes=(
        1, 100, 102, 104, 113, 114, 125, 129, 130, 131, 133, 134, 144, 147, 149, 153, 155, 163,
        164, 174, 228, 288, 332, 333, 369, 400, 464, 841, 886, 887,
    ),
    already={163: {"identity": Role.STUDENT}, 164: {"identity": Role.AUDITOR}},
    partial={841: "modify_group_member_nickname"},
    bulk=Bulk("student_json", echo=("customColumn",), most=30),
):  # fmt: skip
    """Add several students or auditors to a course.

    The answer names nobody: its entries go by customColumn, else by position. Here 133 means an
    account that is listed twice. 30 a call is what ClassIn recommends.
    Source: classroom/addCourseStudentMultiple
    """

    course_id: CourseId
    identity: Role = Field(description="the same for all of them")
    student_json: tuple[NewMember, ...]

    def mending(
        self, code: int, result: Mapping[str, Any], item: int | None = None
    ) -> Operation | None:
        """Give the course's members their names; once does for all items."""
        del code, result, item
        return ModifyGroupMemberNickname(course_id=self.course_id)


class DelCourseStudentMultiple(
    Operation,
    endpoint=v1("course", "delCourseStudentMultiple"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(1, 100, 102, 104, 114, 134, 144, 147, 153, 155, 162, 369, 400),
    already=[162],
    bulk=Bulk("student_uid_json"),
):
    """Remove several students or auditors from a course.

    The entries of the answer go by position. 162 answers a repeat, and a wrong UID as well.
    Source: classroom/delCourseStudentMultiple
    """

    course_id: CourseId
    identity: Role = Field(description="the same for all of them")
    student_uid_json: Annotated[tuple[Uid, ...], MinLen(1)]


class ModifyCourseTeacher(
    Operation,
    endpoint=v1("course", "modifyCourseTeacher"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 100, 102, 104, 114, 134, 136, 144, 146, 147, 149, 153, 172, 173, 187, 188, 189, 190,
        324, 328, 369, 387, 400, 466, 805, 884,
    ),
    bulk=Bulk(None, echo=("classId",)),
):  # fmt: skip
    """Replace the teacher of those lessons of a course that have not started.

    The answer has an entry for each lesson; double-teacher lessons stay as they are, with an error.
    Source: classroom/modifyCourseTeacher
    """

    course_id: CourseId
    teacher_uid: Uid = Field(description="the new teacher")


class RemoveCourseTeacher(
    Operation,
    endpoint=v1("course", "removeCourseTeacher"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 100, 102, 104, 114, 122, 136, 144, 147, 149, 153, 315, 316, 317, 369, 400,
    ),
    already=[316],
):  # fmt: skip
    """Remove a teacher from a course.

    Refused while the teacher has lessons there that have not ended. 316 answers a repeat, and a
    wrong UID as well.
    Source: classroom/removeCourseTeacher
    """

    course_id: CourseId
    teacher_uid: Uid


class AddCourseTeacher(
    Operation,
    endpoint=v2("/course/addCourseTeacher"),
    idempotency=Idempotency.CONFLICT_DETECTED,
    lane="course_id",
    codes=(
        1, 104, 133, 136, 144, 147, 149, 172, 173, 387, 884, 30013, 30022, 30031, 101001001,
        101002005, 101002006, 101002008, 121601020, 121601021, 121601022, 121601030,
    ),
    already=[133],
    bulk=Bulk("teacher_uids", echo=("teacherUid",)),
):  # fmt: skip
    """Add teachers to a course.

    Source: classroom/addCourseTeacher
    """

    course_id: CourseId
    teacher_uids: tuple[Uid, ...]


class GroupMember(Item):
    """A student in a group."""

    student_uid: Uid
    is_leader: Flag = Field(description="1 for exactly one of a group")


def _with_one_leader(group: Sequence[GroupMember]) -> Sequence[GroupMember]:
    if (leaders := sum(member.is_leader for member in group)) != 1:
        raise PydanticCustomError(
            "leaders", "should have exactly one leader; has {leaders}", {"leaders": leaders}
        )
    return group


def _nobody_twice(groups: Sequence[Sequence[GroupMember]]) -> Sequence[Sequence[GroupMember]]:
    members = [member.student_uid for group in groups for member in group]
    if twice := sorted({uid for uid in members if members.count(uid) > 1}):
        raise PydanticCustomError("twice", "lists a student twice: {uid}", {"uid": twice[0]})
    return groups


Group = Annotated[tuple[GroupMember, ...], AfterValidator(_with_one_leader)]
Groups = Annotated[tuple[Group, ...], AfterValidator(_nobody_twice)]

GroupingName = Annotated[str, Chars(1, 20)]


class AddCourseGroup(
    Operation,
    endpoint=v1("course", "addCourseGroup"),
    idempotency=Idempotency.CONFLICT_DETECTED,
    lane="course_id",
    codes=(1, 100, 102, 104, 890, 892, 895, 896, 897, 898),
    already=[892],
    partial={898: None},
):
    """Create the grouping of a course's students.

    A repeat answers 892 without the grouping's id, and no operation reads it; whether 892 is about
    the course or the name is not told. 898: made, though without some of the students.
    Source: classroom/addCourseGroup
    """

    course_id: CourseId
    group_list: Groups
    group_name: GroupingName


class EditCourseGroup(
    Operation,
    endpoint=v1("course", "editCourseGroup"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(1, 100, 102, 104, 890, 893),
):
    """Edit the grouping of a course's students.

    Source: classroom/editCourseGroup
    """

    course_id: CourseId
    group_id: GroupId = Field(description="the grouping")
    group_list: Groups
    group_name: GroupingName


class DelCourseGroup(
    Operation,
    endpoint=v1("course", "delCourseGroup"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(1, 100, 102, 104, 891, 893),
    already=[893],
):
    """Delete the grouping of a course's students.

    893 answers a repeat, and a wrong id as well.
    Source: classroom/delCourseGroup
    """

    course_id: CourseId
    group_id: GroupId = Field(description="the grouping")


class ModifyGroupMemberNickname(
    Operation,
    endpoint=v1("course", "modifyGroupMemberNickname"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(1, 100, 102, 104, 144, 147, 149, 153, 842, 843, 21323),
):
    """Give a course's students and auditors the names that they bear in the institution.

    842: some have them now, others not; again does no harm. A later change of name needs another
    call.
    Source: group/modifyGroupMemberNickname
    """

    course_id: CourseId
