"""Operations: what they take, and what they give to the wire and to the record."""

import pytest

from worker.classin.catalogue import read
from worker.classin.codes import Code
from worker.classin.endpoint import v1, v2
from worker.classin.field_rules import Needs
from worker.classin.field_types import File
from worker.classin.operation import Idempotency, Operation
from worker.classin.operations.activities import CreateUnit, Publication
from worker.classin.operations.cloud import CreateFolder, GetTopFolderId
from worker.classin.operations.courses import EditCourse, FormerHeadTeacher, Subject
from worker.errors import InvalidOperationError

COVER = File(name="cover.png", size=3, sha256="0" * 64, at="https://files.example/secret")


def faults(name: str, /, **fields: object) -> list[str]:
    """Everything that is wrong with these fields."""
    with pytest.raises(InvalidOperationError) as refused:
        read(name, fields)
    assert refused.value.subject == name
    return [str(fault) for fault in refused.value.faults]


def test_an_operation_knows_what_its_class_declares() -> None:
    """Name, chapter and title come from the class itself."""
    spec = EditCourse.spec
    assert (spec.name, spec.chapter) == ("edit_course", "courses")
    assert spec.title == "Edit a course; only the fields given are changed"
    assert spec.endpoint == v1("course", "editCourse")
    assert spec.endpoint.target == "/partner/api/course.api.php?action=editCourse"
    assert CreateUnit.spec.endpoint == v2("/lms/unit/create")
    assert CreateUnit.spec.endpoint.target == "/lms/unit/create"
    assert spec.done == {Code.OK}
    assert CreateUnit.spec.done == {Code.OK, Code.UNIT_CREATED}


@pytest.mark.parametrize(
    "fields",
    [
        {"courseId": 352861, "courseName": "Today is a good day"},
        {"course_id": 352861, "course_name": "Today is a good day"},
        {"courseId": "352861", "course_name": "Today is a good day"},
    ],
)
def test_fields_are_taken_in_both_spellings(fields: dict[str, object]) -> None:
    """ClassIn's camel case and Python's own lead to the same operation."""
    named = EditCourse(course_id=352861, course_name="Today is a good day")
    assert read("edit_course", fields) == named


def test_every_field_reaches_the_wire_under_its_name() -> None:
    """The whole page of edit_course, each kind of value as ClassIn takes it."""
    operation = EditCourse(
        course_id=352861,
        folder_id=123456,
        course_name="Today is a good day",
        expiry_time=0,
        main_teacher_uid=1001,
        subject_id=Subject.MATHEMATICS,
        cat_id=0x7,
        stamp=FormerHeadTeacher.LEAVES,
        course_introduce="",
        classroom_setting_id=5,
        allow_add_friend=True,
        allow_student_modify_nickname=False,
        not_allow_delete_course_student_replay=True,
    )
    assert operation.wire_fields() == {
        "courseId": 352861,
        "folderId": 123456,
        "courseName": "Today is a good day",
        "expiryTime": 0,
        "mainTeacherUid": 1001,
        "subjectId": 2,
        "catId": 7,
        "stamp": 2,
        "courseIntroduce": "",
        "classroomSettingId": 5,
        "allowAddFriend": 1,
        "allowStudentModifyNickname": 0,
        "notAllowDeleteCourseStudentReplay": 1,
    }


def test_a_file_goes_along_under_its_own_name() -> None:
    """Beside the fields, not among them."""
    operation = read("edit_course", {"courseId": 352861, "filedata": COVER})
    assert operation.wire_fields() == {"courseId": 352861}
    assert operation.files() == {"Filedata": COVER}


def test_what_is_absent_travels_nowhere() -> None:
    """Neither to ClassIn nor into the record."""
    operation = EditCourse(course_id=352861, course_name=None)
    assert operation.wire_fields() == operation.to_dict() == {"courseId": 352861}
    assert operation.files() == {}


def test_the_record_s_fields_build_the_same_operation() -> None:
    """What the ledger keeps is enough, the file included."""
    operation = read("edit_course", {"courseId": 1, "filedata": COVER, "allowAddFriend": 0})
    assert operation.to_dict()["Filedata"] == {
        "name": "cover.png",
        "size": 3,
        "sha256": "0" * 64,
        "at": "https://files.example/secret",
    }
    assert read("edit_course", operation.to_dict()) == operation


def test_an_operation_never_changes() -> None:
    """What was checked stays as it was checked."""
    with pytest.raises(ValueError, match="frozen"):
        setattr(EditCourse(course_id=352861), "course_id", 0)  # noqa: B010  # a type checker refuses the plain way


def test_a_repr_shows_not_where_a_file_lies() -> None:
    """An address may open it to whoever reads a log."""
    operation = read("edit_course", {"courseId": 1, "filedata": COVER})
    assert "cover.png" in repr(operation)
    assert "files.example" not in repr(operation) + repr(COVER)


def test_the_lane_is_the_entity_that_is_named() -> None:
    """Operations without one have no order to keep."""
    assert EditCourse(course_id=352861).lane(str) == "course_id:352861"
    assert CreateFolder(folder_id=747759, folder_name="tools").lane(str) == "folder_id:747759"
    assert GetTopFolderId().lane(str) is None


def test_the_fields_that_take_a_file_are_known() -> None:
    """In both spellings, each with ClassIn's."""
    assert EditCourse.file_fields() == {"filedata": "Filedata", "Filedata": "Filedata"}
    assert CreateFolder.file_fields() == {}


def test_a_rule_between_fields_is_kept() -> None:
    """A place in the organisation goes along with a name only."""
    assert faults("edit_course", courseId=1, catId=3) == ["catId needs courseName as well"]
    assert faults("edit_course", courseId=1, catId=3, courseName=None) != []
    EditCourse(course_id=1, cat_id=3, course_name="Mathematics")


def test_all_faults_are_named_at_once() -> None:
    """Missing, unknown, ill-typed and over-long fields together."""
    assert faults("create_unit", name="x" * 51, publishFlag=1, contnt="") == [
        "courseId: is required",
        "name: should have at most 50 characters; has 51",
        "publishFlag: should be one of 0 or 2; got 1",
        "contnt: unknown field; did you mean content?",
    ]


@pytest.mark.parametrize("character", ["x", "é", "第", "😀"])
@pytest.mark.parametrize("characters", [300, 600, 1023, 1024, 1025, 2000])
def test_an_introduction_may_be_of_any_length(character: str, characters: int) -> None:
    """No page gives a limit, though the sources disagree on how some lengths are signed."""
    text = character * characters
    fields = {"courseId": 1, "name": "a", "publishFlag": 0, "content": text}
    assert read("create_unit", fields).wire_fields()["content"] == text


def test_the_older_generation_signs_no_text() -> None:
    """There the length of a text is bounded by its own limit alone."""
    assert EditCourse(course_id=1, course_introduce="第" * 400).course_introduce == "第" * 400


def test_a_declaration_with_a_lane_that_is_no_field_is_refused() -> None:
    """A slip in the catalogue shows when it is imported."""
    with pytest.raises(TypeError, match=r"Slip: no such field: \{'folder_id'\}"):

        class Slip(
            Operation,
            endpoint=v2("/x"),
            idempotency=Idempotency.IDEMPOTENT,
            codes=[1],
            lane="folder_id",
        ):
            """Slip."""


def test_a_declaration_with_a_rule_about_no_field_is_refused() -> None:
    """The same for its rules."""
    rules = [Needs("here", "there")]
    with pytest.raises(TypeError, match=r"Slip: no such field: \{'there'\}"):

        class Slip(
            Operation, endpoint=v2("/x"), idempotency=Idempotency.IDEMPOTENT, codes=[1], rules=rules
        ):
            """Slip."""

            here: int | None = None


def test_a_declaration_with_an_unlisted_success_is_refused() -> None:
    """A code that means success stands among the operation's codes."""
    with pytest.raises(TypeError, match="Slip: not among its codes"):

        class Slip(
            Operation,
            endpoint=v2("/x"),
            idempotency=Idempotency.IDEMPOTENT,
            codes=[1],
            done=[29213],
        ):
            """Slip."""


def test_a_draft_is_published_as_zero() -> None:
    """An enumeration travels as its number."""
    unit = CreateUnit(course_id=1, name="a", publish_flag=Publication.DRAFT)
    assert unit.to_dict()["publishFlag"] == 0
