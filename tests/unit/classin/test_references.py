"""References: fields that are filled from another record's result, once it is known."""

import copy
import json
from typing import Any

import pytest

from worker.classin.catalogue import CATALOGUE, read
from worker.classin.describe import example
from worker.classin.masking import masked
from worker.classin.operation import MASK, Operation
from worker.classin.operations.courses import EditCourse
from worker.classin.operations.lessons import AddCourseClassMultiple
from worker.classin.operations.users import RegisterMultiple
from worker.classin.references import Place, Reference, Source, referenced, renamed, resolve
from worker.errors import InvalidOperationError

#: What every story waits for, and its JSON.
EARLIER = Reference("earlier", "data.found")
WAITING = {"$result": "earlier", "path": "data.found"}

PICTURE = {"name": "a.jpg", "size": 1, "sha256": "0" * 64, "at": "https://files.example/secret"}


def faults(name: str, /, **fields: object) -> list[str]:
    """Everything that is wrong with these fields."""
    with pytest.raises(InvalidOperationError) as refused:
        read(name, fields)
    assert refused.value.__context__ is None
    return [str(fault) for fault in refused.value.faults]


def enrolment(*students: object, **fields: object) -> Operation:
    """Students for a course, as a whole or some of it not known yet."""
    given = {"courseId": 352861, "identity": 1, "studentJson": list(students), **fields}
    return read("add_course_student_multiple", given)


@pytest.mark.parametrize("waiting", [EARLIER, WAITING])
@pytest.mark.parametrize("spelling", ["courseId", "course_id"])
def test_a_reference_stands_for_a_value(waiting: object, spelling: str) -> None:
    """As an object or as JSON, in both spellings."""
    operation = read("edit_course", {spelling: waiting, "courseName": "Mathematics"})
    assert operation.to_dict() == {"courseId": WAITING, "courseName": "Mathematics"}
    assert operation.references() == {"earlier"}


def test_a_reference_leads_to_the_data_unless_it_says_where() -> None:
    """There most answers have the id of what was made."""
    assert Reference("earlier").to_dict() == {"$result": "earlier", "path": "data"}
    assert Reference.read({"$result": "earlier"}) == Reference("earlier")
    assert Reference.read(WAITING) == Reference.read(EARLIER) == EARLIER


@pytest.mark.parametrize("value", [None, 5, "earlier", [], {}, {"path": "data"}, {"$result": 5}])
def test_what_is_no_reference_is_not_read_as_one(value: object) -> None:
    """Neither a plain value nor an ill-formed reference."""
    assert Reference.read(value) is None


def test_references_lie_as_deep_as_values_do() -> None:
    """In a list's items, instead of an item, and in lists of plain values."""
    operation = enrolment({"uid": Reference("a")}, Reference("b"), {"uid": 12}, courseId=EARLIER)
    assert operation.references() == {"a", "b", "earlier"}
    assert operation.to_dict()["studentJson"] == [
        {"uid": {"$result": "a", "path": "data"}},
        {"$result": "b", "path": "data"},
        {"uid": 12},
    ]
    teachers = read("add_course_teacher", {"courseId": 5, "teacherUids": [11, WAITING]})
    assert teachers.to_dict()["teacherUids"] == [11, WAITING]


def open_source(found: object) -> Source:
    """A result that has this where EARLIER looks, and nothing masked."""
    result = {"data": {"found": found}}
    return Source(result, result)


def shows(place: Place) -> bool:
    """No field is masked."""
    del place
    return False


def test_a_whole_list_may_be_a_reference() -> None:
    """What it will hold is checked when it is known."""
    operation = enrolment(studentJson=EARLIER)
    assert operation.to_dict()["studentJson"] == WAITING
    fields = resolve(operation.to_dict(), lambda _: open_source([{"uid": 11}]), shows)
    assert read("add_course_student_multiple", fields) == enrolment({"uid": 11})


def test_the_record_s_fields_build_the_same_operation() -> None:
    """What the ledger keeps is enough, and two that wait for different results differ."""
    operation = enrolment({"uid": WAITING}, {"uid": 12})
    assert read(operation.spec.name, json.loads(json.dumps(operation.to_dict()))) == operation
    assert operation != enrolment({"uid": Reference("another")}, {"uid": 12})
    assert EditCourse(course_id=1).references() == frozenset()


def test_nothing_is_sent_while_it_waits() -> None:
    """What stands in a reference's place is nobody's id."""
    operation = read("edit_course", {"courseId": WAITING})
    with pytest.raises(ValueError, match="edit_course waits for results"):
        operation.wire_fields()


def test_all_else_is_checked_as_ever() -> None:
    """With every fault named at once, those of the references among them."""
    assert faults(
        "create_unit",
        courseId=WAITING,
        name={"$result": ""},
        publishFlag=1,
        content={"$result": "earlier", "path": "data..unitId", "pth": "data"},
        contnt="",
    ) == [
        "name.$result: should be the id of a record, as text",
        "content.path: should be names and positions with dots between them, like data.unitId",
        "content: a reference has $result and path, but no 'pth'",
        "publishFlag: should be one of 0 or 2; got 1",
        "contnt: unknown field; did you mean content?",
    ]


@pytest.mark.parametrize("record_id", [None, 5, "", "a\n", "\ud800", ["earlier"], WAITING])
def test_an_id_is_text_that_can_be_printed(record_id: object) -> None:
    """Whatever else is given; an object of Python's is looked at like JSON."""
    said = ["courseId.$result: should be the id of a record, as text"]
    assert faults("edit_course", courseId={"$result": record_id}) == said
    assert faults("edit_course", courseId=Reference(record_id)) == said  # type: ignore[arg-type]  # the very point


@pytest.mark.parametrize("path", [None, 5, "", ".", "data.", ".data", "a..b", "a\n", ["data"]])
def test_a_path_has_steps(path: object) -> None:
    """One at least, and none of them empty."""
    (fault,) = faults("edit_course", courseId={"$result": "earlier", "path": path})
    assert fault.startswith("courseId.path: should be names and positions with dots")


def test_a_fault_can_always_be_printed() -> None:
    """Even about half a character."""
    (fault,) = faults("edit_course", courseId={**WAITING, "\ud800": 1})
    assert fault.encode()


def test_a_fault_says_where_the_reference_lies() -> None:
    """By the names of ClassIn's, and the position in the list."""
    (fault,) = faults(
        "add_course_student_multiple",
        course_id=1,
        identity=1,
        student_json=[{"uid": 1}, {"uid": {"$result": 7}}],
    )
    assert fault.startswith("studentJson.1.uid.$result: ")


def test_a_file_is_never_a_reference() -> None:
    """Nor is a part of one."""
    for waiting in (WAITING, EARLIER):
        assert faults("edit_course", courseId=1, Filedata=waiting) == [
            "Filedata: cannot be a reference: no result holds a file"
        ]
    (fault,) = faults("edit_course", courseId=1, Filedata={**PICTURE, "name": WAITING})
    assert fault.startswith("Filedata.name: should be text")


def test_an_identity_is_never_a_reference() -> None:
    """Neither an operation's own nor those of its items."""
    said = "cannot be a reference: ClassIn knows a repeat by it"
    assert faults("add_course", courseName="a", courseUniqueIdentity=WAITING) == [
        f"courseUniqueIdentity: {said}"
    ]
    lesson = {**example(AddCourseClassMultiple)["classJson"][0], "courseUniqueIdentity": WAITING}
    assert faults("add_course_class_multiple", courseId=1, classJson=[lesson]) == [
        f"classJson.0.courseUniqueIdentity: {said}"
    ]


def test_a_reference_where_no_field_is_stays_unknown() -> None:
    """Or where a value lies deeper than the field's."""
    assert faults("edit_course", courseId=1, colour=WAITING) == ["colour: unknown field"]
    assert faults("edit_course", **{"courseId": 1, "$result": "earlier"}) == [
        "$result: unknown field"
    ]
    (fault,) = faults("edit_course", courseId=[WAITING])
    assert fault.startswith("courseId: should be a whole number; got [")


def test_rules_take_a_reference_for_given() -> None:
    """They ask only what is there."""
    waiting = read("edit_course", {"courseId": 1, "catId": 3, "courseName": WAITING})
    assert waiting.references() == {"earlier"}
    assert faults("edit_course", courseId=1, catId=WAITING) == ["catId needs courseName as well"]
    assert faults("register", telephone=WAITING, email=WAITING, password="secret1") == [
        "exactly one of telephone and email is needed"
    ]


def test_an_item_that_is_not_known_keeps_no_rules_yet() -> None:
    """Which of its fields it will have, nobody can tell."""
    operation = read("register_multiple", {"userJson": [WAITING]})
    assert operation.to_dict() == {"userJson": [WAITING]}


def test_two_unknown_students_are_not_one_student() -> None:
    """Checks that compare values do not stumble over those not known yet."""
    group = [{"studentUid": WAITING, "isLeader": 1}, {"studentUid": EARLIER, "isLeader": 0}]
    fields = {**example(CATALOGUE["add_course_group"]), "groupList": [group]}
    operation = read("add_course_group", fields)
    assert operation.to_dict()["groupList"][0][1]["studentUid"] == WAITING


def test_a_repr_shows_the_reference() -> None:
    """Not what stands in its place; what is sensitive or an address stays hidden."""
    told = repr(enrolment({"uid": WAITING, "name": "Mary"}, courseId=Reference("first")))
    assert "course_id={'$result': 'first', 'path': 'data'}" in told
    assert f"student_json=[{{'uid': {WAITING}, 'name': '***'}}]" in told
    told = repr(read("edit_course", {"courseId": WAITING, "Filedata": PICTURE}))
    assert "a.jpg" in told
    assert "files.example" not in told


def test_a_copy_waits_as_well() -> None:
    """Also the one with its identity filled in."""
    lesson = example(AddCourseClassMultiple)["classJson"][0]
    fields = {"courseId": WAITING, "classJson": [{**lesson, "teacherUid": WAITING}, WAITING]}
    operation = read("add_course_class_multiple", fields).identified("abc")
    assert operation.model_copy().references() == {"earlier"}
    shown = operation.to_dict()["classJson"]
    assert shown[0] == {
        **read("add_course_class_multiple", {**fields, "courseId": 1}).to_dict()["classJson"][0],
        "courseUniqueIdentity": "abc-0",
    }
    assert shown[1] == WAITING


def test_the_lane_of_an_unknown_entity_is_the_reference() -> None:
    """So that what is asked of the same one keeps its order; no person is named by it."""
    lane = "$result:earlier:data.found"
    assert read("edit_course", {"courseId": WAITING}).lane(str) == f"course_id:{lane}"
    member = read("add_school_student", {"studentAccount": WAITING, "studentName": "Mary"})
    assert member.lane(str) == f"student_account:{lane}"
    assert read("edit_course", {"courseId": 1, "folderId": WAITING}).lane(str) == "course_id:1"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("data", {"units": [{"id": 5}, None], "none": None, "0": "key"}),
        ("data.units.0.id", 5),
        ("data.units.0", {"id": 5}),
        ("data.0", "key"),
        ("more_data", 7),
        ("data.units.1", None),
        ("data.units.2", None),
        ("data.units.-1", None),
        ("data.units.\u0661", None),
        ("data.units.first", None),
        ("data.units." + "9" * 5000, None),
        ("data.none", None),
        ("data.none.id", None),
        ("data.id", None),
        ("more_data.id", None),
        ("id", None),
    ],
)
def test_a_path_counts_from_the_root_of_the_result(path: str, found: object) -> None:
    """By keys, and by positions in lists."""
    result = {"data": {"units": [{"id": 5}, None], "none": None, "0": "key"}, "more_data": 7}
    assert Reference("earlier", path).found_in(result) == found
    assert Reference("earlier", path).found_in(None) is None


def test_fields_are_filled_from_results() -> None:
    """Each result is looked up once, and the record's own fields stay as they are."""
    fields = enrolment(
        {"uid": WAITING}, {"uid": 12}, Reference("other"), courseId=EARLIER
    ).to_dict()
    before, asked = copy.deepcopy(fields), []

    def source_of(record_id: str) -> Source:
        asked.append(record_id)
        if record_id == "earlier":
            return open_source("11")
        result = {"data": {"uid": 13}}
        return Source(result, result)

    whole = resolve(fields, source_of, shows)
    assert read("add_course_student_multiple", whole) == enrolment(
        {"uid": 11}, {"uid": 12}, {"uid": 13}, courseId=11
    )
    assert fields == before
    assert asked == ["earlier", "other"]


def test_every_reference_that_leads_nowhere_is_named() -> None:
    """Whether the result lacks the place, or there is no result."""
    fields = enrolment({"uid": Reference("b", "data.0")}, courseId=EARLIER).to_dict()
    with pytest.raises(InvalidOperationError) as refused:
        resolve(fields, {"earlier": Source({"data": {}}, {"data": {}})}.get, shows)
    assert [str(fault) for fault in refused.value.faults] == [
        "courseId: the result of earlier has nothing at data.found",
        "studentJson.0.uid: the result of b has nothing at data.0",
    ]


def test_what_is_masked_fills_only_what_is_masked() -> None:
    """Be it a value or a part that has one within; all that is wrong is told, and none of it."""
    source = Source({"a": "quill", "b": {"c": "quill"}}, {"a": "***", "b": {"c": "***"}})
    fields = {
        "shown": Reference("r", "a").to_dict(),
        "part": Reference("r", "b").to_dict(),
        "hidden": Reference("r", "a").to_dict(),
    }
    with pytest.raises(InvalidOperationError) as refused:
        resolve(fields, lambda _: source, lambda place: place == ("hidden",))
    assert [str(fault) for fault in refused.value.faults] == [
        "shown: r keeps what is at a masked; this field is not",
        "part: r keeps what is at b masked; this field is not",
    ]
    del fields["shown"], fields["part"]
    assert resolve(fields, lambda _: source, lambda _: True) == {"hidden": "quill"}


def test_fields_without_references_stay_as_they_are() -> None:
    """No result is asked for, and what is ill-formed is left to the checks."""
    fields = {"courseId": 5, "folderId": {"$result": 7}}
    sources: dict[str, Source] = {}
    assert resolve(fields, sources.__getitem__, shows) == renamed(fields, {}) == fields
    assert referenced(fields) == set()


def test_references_are_named_without_building_an_operation() -> None:
    """Of whatever kind it is."""
    assert referenced({"a": WAITING, "b": [{"c": [{"$result": "other"}]}]}) == {"earlier", "other"}


def test_references_may_be_renamed() -> None:
    """To the ids that stand behind a submitter's own names; others stay."""
    fields = {"courseId": {"$result": "my course"}, "teacherUids": [WAITING, 5]}
    assert renamed(fields, {"my course": "abc"}) == {
        "courseId": {"$result": "abc", "path": "data"},
        "teacherUids": [WAITING, 5],
    }


def test_what_lies_too_deep_is_no_reference() -> None:
    """However deep another Celery's fields are, they break nothing."""
    deep: Any = WAITING
    for _ in range(5000):
        deep = [deep]
    assert referenced({"courseId": deep}) == set()
    assert referenced({"courseId": deep, "folderId": Reference("other")}) == {"other"}
    (fault,) = faults("edit_course", courseId={"a": [[WAITING]]})
    assert fault.startswith("courseId: should be a whole number; got {")


def test_a_record_shows_what_it_waits_for() -> None:
    """Except in fields that are never shown."""
    account = {"telephone": WAITING, "password": "secret1"}
    shown = masked(RegisterMultiple, {"userJson": [account, WAITING], "other": WAITING})
    assert shown == {
        "userJson": [{"telephone": MASK, "password": MASK}, WAITING],
        "other": MASK,
    }
    for ill_formed in ({**WAITING, "password": "secret1"}, {"$result": ["secret1"]}):
        assert "secret1" not in str(masked(RegisterMultiple, {"userJson": [ill_formed]}))
