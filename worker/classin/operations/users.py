"""Users: their accounts, and their places in the institution as students and teachers."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, Any

from annotated_types import MaxLen, MinLen
from pydantic import Field

from worker.classin.endpoint import v1, v2
from worker.classin.field_rules import OneOf
from worker.classin.field_types import (
    Account,
    Avatar,
    Chars,
    CustomColumn,
    Email,
    Flag,
    LessonId,
    Md5Password,
    Nickname,
    Password,
    PersonName,
    Phone,
    Picture,
    Sensitivity,
    Stars,
    Uid,
)
from worker.classin.operation import Bulk, Idempotency, Item, Operation

#: So much of a name is kept; ClassIn cuts what is longer.
_LONGEST_NAME = 24


class Membership(IntEnum):
    """What a registered user becomes in the institution."""

    NONE = 0
    STUDENT = 1
    TEACHER = 2


class Register(
    Operation,
    endpoint=v1("course", "register"),
    idempotency=Idempotency.CONFLICT_DETECTED,
    lane="telephone",
    codes=(
        1, 100, 102, 114, 131, 134, 135, 137, 224, 288, 340, 341, 342, 461, 820, 821, 845, 877,
        101003002,
    ),
    already=[135, 461],
    partial={340: None, 820: "add_school_student", 821: "add_teacher"},
    rules=[
        OneOf("telephone", "email"),
        OneOf("password", "md5pass", unless="is_sent_message"),
    ],
    accepts_existing=True,
):  # fmt: skip
    """Register a user.

    An account that exists answers 135 or 461 with its UID, and keeps nickname, password and
    picture; a membership asked for may then come with a plain 1. Nobody may be registered who has
    not agreed to it.
    Source: user/register
    """

    telephone: Phone | None = Field(default=None, description="the account, unless email is")
    email: Email | None = Field(default=None, description="the account, unless telephone is")
    nickname: Nickname | None = Field(
        default=None,
        description="left out: the phone number; a new member bears it in the institution as well",
    )
    password: Password | None = Field(default=None, description="the password, or else md5pass")
    md5pass: Annotated[
        Md5Password | None,
        Field(alias="md5pass", description="the password's MD5; goes unused with isSentMessage 1"),
    ] = None
    filedata: Annotated[
        Avatar | None,
        Field(alias="Filedata", description="picture: jpg, gif or png of 300 x 300 pixels"),
        Sensitivity.PERSONAL,
    ] = None
    add_to_school_member: Membership | None = Field(
        default=None, description="takes effect for accounts that exist, too"
    )
    is_sent_message: Flag | None = Field(
        default=None,
        description="1 sends the password by SMS, and needs addToSchoolMember; from an unlisted"
        " page, which says that ClassIn would then make up a missing password",
    )

    def mending(
        self, code: int, result: Mapping[str, Any], item: int | None = None
    ) -> Operation | None:
        """Make the user the member of the institution that was asked for."""
        del result, item
        return _joining(self, self.spec.partial.get(code))


class NewUser(Item, rules=[OneOf("telephone", "email"), OneOf("password", "md5pass")]):
    """One user to register."""

    telephone: Phone | None = Field(default=None, description="the account, unless email is")
    email: Email | None = Field(default=None, description="the account, unless telephone is")
    nickname: Nickname | None = Field(
        default=None, description="a new member bears it in the institution as well"
    )
    password: Password | None = Field(default=None, description="the password, or else md5pass")
    md5pass: Annotated[
        Md5Password | None, Field(alias="md5pass", description="the password's MD5")
    ] = None
    add_to_school_member: Membership | None = None
    custom_column: CustomColumn | None = Field(default=None, description="your own mark")


class RegisterMultiple(
    Operation,
    endpoint=v1("course", "registerMultiple"),
    idempotency=Idempotency.CONFLICT_DETECTED,
    codes=(
        1, 100, 102, 114, 131, 134, 135, 137, 155, 224, 288, 450, 461, 820, 821, 845, 101003002,
    ),
    already=[135, 461],
    partial={820: "add_school_student", 821: "add_teacher"},
    bulk=Bulk("user_json", echo=("customColumn", "telephone"), made="data", most=10),
    accepts_existing=True,
):  # fmt: skip
    """Register several users.

    As for a single one, except that no pictures can be set.
    Source: user/registerMultiple
    """

    user_json: Annotated[tuple[NewUser, ...], MinLen(1), MaxLen(10)]

    def mending(
        self, code: int, result: Mapping[str, Any], item: int | None = None
    ) -> Operation | None:
        """Make the item's user the member of the institution that was asked for."""
        del result
        if item is None or not 0 <= item < len(self.user_json):
            return None
        return _joining(self.user_json[item], self.spec.partial.get(code))


class ModifyPassword(
    Operation,
    endpoint=v1("course", "modifyPassword"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="uid",
    codes=(1, 100, 102, 104, 114),
    rules=[OneOf("password", "md5pass")],
):
    """Change the password of a user whose old one is known.

    A repeat brings an old password that no longer holds, and may be refused with a code that no
    page lists; ModifyPasswordByTelephone repeats cleanly.
    Source: user/modifyPassword
    """

    uid: Uid
    old_md5pass: Annotated[
        Md5Password, Field(alias="oldMd5pass", description="the present password's MD5")
    ]
    password: Password | None = Field(default=None, description="the new one, or else md5pass")
    md5pass: Annotated[
        Md5Password | None, Field(alias="md5pass", description="the new password's MD5")
    ] = None


class ModifyPasswordByTelephone(
    Operation,
    endpoint=v1("course", "modifyPasswordByTelephone"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="uid",
    codes=(1, 100, 102, 104, 113, 114, 134, 137, 227, 400),
    rules=[OneOf("password", "md5pass")],
):
    """Set the password of a user whose old one is not known.

    Takes the UID, whatever its name says, of a student or teacher of the institution.
    Source: user/modifyPasswordByTelephone
    """

    uid: Uid
    password: Password | None = Field(default=None, description="the new one, or else md5pass")
    md5pass: Annotated[
        Md5Password | None, Field(alias="md5pass", description="the new password's MD5")
    ] = None


class AddSchoolStudent(
    Operation,
    endpoint=v1("course", "addSchoolStudent"),
    idempotency=Idempotency.CONFLICT_DETECTED,
    lane="student_account",
    codes=(1, 100, 102, 104, 113, 114, 128, 133, 134, 288, 886, 101003002),
    already=[133],
):
    """Make a registered user a student of the institution.

    133 leaves open whether the name was taken over: EditSchoolStudent sets it. No UID comes back.
    Source: user/addSchoolStudent
    """

    student_account: Account
    student_name: PersonName


class EditSchoolStudent(
    Operation,
    endpoint=v1("course", "editSchoolStudent"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="student_uid",
    codes=(1, 100, 102, 104, 228),
):
    """Change a student's name in the institution.

    Neither a teacher's name of the same user nor names within courses follow.
    Source: user/editSchoolStudent
    """

    student_uid: Uid
    student_name: PersonName


class ModifyCourseStudentNickName(
    Operation,
    endpoint=v2("/schooluser/modifyCourseStudentNickName"),
    idempotency=Idempotency.IDEMPOTENT,
    codes=(
        1, 101001001, 101002005, 101002006, 101002008, 101004005, 110100067, 121601058, 121601059,
        121601060,
    ),
    bulk=Bulk("student_uids", echo=("studentUid",), most=100),
):  # fmt: skip
    """Give students, in all their courses, the names that they bear in the institution.

    Ended courses keep theirs; a later change of name needs another call.
    Source: user/modifyCourseStudentNickName
    """

    student_uids: Annotated[tuple[Uid, ...], MaxLen(100)]


class AddTeacher(
    Operation,
    endpoint=v1("course", "addTeacher"),
    idempotency=Idempotency.CONFLICT_DETECTED,
    lane="teacher_account",
    codes=(
        1, 100, 102, 103, 104, 113, 114, 122, 131, 133, 288, 400, 845, 884, 101003002,
    ),
    already=[133],
):  # fmt: skip
    """Make a registered user a teacher of the institution.

    The number that comes back is not the UID, and good for nothing.
    Source: user/addTeacher
    """

    teacher_account: Account
    teacher_name: PersonName
    filedata: Annotated[
        Picture | None,
        Field(alias="Filedata", description="the teacher's picture; no page states a limit"),
        Sensitivity.PERSONAL,
    ] = None


class EditTeacher(
    Operation,
    endpoint=v1("course", "editTeacher"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="teacher_uid",
    codes=(1, 100, 102, 103, 104, 219),
):
    """Change a teacher's name and picture in the institution.

    Source: user/editTeacher
    """

    teacher_uid: Uid
    teacher_name: PersonName
    filedata: Annotated[
        Picture | None,
        Field(alias="Filedata", description="the teacher's picture; no page states a limit"),
        Sensitivity.PERSONAL,
    ] = None


class StopUsingTeacher(
    Operation,
    endpoint=v1("course", "stopUsingTeacher"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="teacher_uid",
    codes=(1, 100, 102, 104, 114, 122, 136, 317, 339, 386, 400, 402),
):
    """Deactivate a teacher.

    Takes some minutes, in which other operations on the teacher are put off (800, 804, 805).
    Refused while courses or lessons of the teacher have not ended.
    Source: user/stopUsingTeacher
    """

    teacher_uid: Uid


class RestartUsingTeacher(
    Operation,
    endpoint=v1("course", "restartUsingTeacher"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="teacher_uid",
    codes=(1, 100, 102, 104, 114, 122, 136, 400, 800),
):
    """Reactivate a teacher.

    800 means that the deactivation is not through yet.
    Source: user/restartUsingTeacher
    """

    teacher_uid: Uid


class StudentComment(Item):
    """A teacher's evaluation of one student."""

    student_uid: Uid
    star_num: Stars
    comment: Annotated[str, Chars(0, 1000), Sensitivity.PERSONAL]
    custom_column: CustomColumn | None = Field(default=None, description="your own mark")


class UpdateClassStudentComment(
    Operation,
    endpoint=v1("course", "updateClassStudentComment"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="class_id",
    codes=(1, 100, 102, 104, 167, 228, 233, 369, 400),
    bulk=Bulk("comment_json", echo=("studentUid", "customColumn")),
):
    """Write the teacher's evaluations of students of a lesson.

    Source: user/updateClassStudentComment
    """

    class_id: LessonId
    comment_json: tuple[StudentComment, ...]


def _joining(user: Register | NewUser, way: str | None) -> Operation | None:
    """Build the operation of that name, which takes a registered user into the institution."""
    account = user.telephone or user.email
    if account is None:
        return None
    name = (user.nickname or account)[:_LONGEST_NAME]
    match way:
        case "add_school_student":
            return AddSchoolStudent(student_account=account, student_name=name)
        case "add_teacher":
            return AddTeacher(teacher_account=account, teacher_name=name)
        case _:
            return None
