"""Outcome: what of a plan is done, by what became of a step."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from producers.oneroster.applying.operations import Step
from producers.oneroster.applying.results import Outcome, outcome_of
from producers.oneroster.id_map import IdMap, KnownCourse, KnownPerson
from producers.oneroster.planning.diff import (
    Change,
    CourseChange,
    PersonChange,
    StudentChange,
    TeacherChange,
)
from producers.oneroster.roster import Course, Person, Role
from tests.unit.producers.oneroster.applying.test_operations import person
from worker.classin.catalogue import read
from worker.classin.verdicts import Verdict
from worker.ledger.record import Attempt, Record
from worker.ledger.states import Reason, State

COMING = (PersonChange(None, person("a")), PersonChange(None, person("f", Role.TEACHER)))
REGISTER: dict[str, Any] = {
    "userJson": [
        {"email": "a@example.org", "password": "secret1", "customColumn": "0"},
        {"email": "f@example.org", "password": "secret1", "customColumn": "1"},
    ]
}
MADE = (CourseChange(None, Course("k", "Art")), TeacherChange("k", (), ("f",)))
COURSE = {"courseName": "Art", "mainTeacherUid": 8}
ENROLLED = (StudentChange("k", ("a",), ()), StudentChange("k", ("b",), ()))
ENROL: dict[str, Any] = {
    "courseId": 5,
    "identity": 1,
    "studentJson": [{"uid": 7, "customColumn": "0"}, {"uid": 9, "customColumn": "1"}],
}


def entry(code: int, mark: int | None = None, data: object = None) -> dict[str, Any]:
    """One entry of a bulk answer."""
    said: dict[str, Any] = {"errno": code, "error": ""}
    if mark is not None:
        said["customColumn"] = str(mark)
    return said if data is None else {**said, "data": data}


def attempts(number: int) -> tuple[Attempt, ...]:
    """So many attempts."""
    return tuple(Attempt(n, 0, 1, 200, 1, "", Verdict.DONE) for n in range(1, number + 1))


def everybody() -> IdMap:
    """All who are named here are registered."""
    return IdMap({name: KnownPerson(number) for number, name in enumerate("abf", 7)})


def judged(
    operation: str,
    fields: Mapping[str, Any],
    effects: tuple[Change, ...],
    data: object = None,
    directory: IdMap | None = None,
    **more: Any,  # noqa: ANN401  # a record's
) -> Outcome:
    """What came of a step whose record stands so."""
    result = None if data is None else {"data": data}
    said = {"state": State.SUCCEEDED, "attempts": attempts(1), "result": result, **more}
    record = Record(
        id="r", operation=operation, school="main", fields=fields, sequence=1, enqueued_at=0, **said
    )
    known = directory if directory is not None else IdMap()
    step = Step("s:1", operation, fields, effects)
    return outcome_of(
        step, record, known, known.owners(known.people), lambda it: read(it.operation, it.fields)
    )


def reasons(outcome: Outcome) -> list[str]:
    """Why something failed."""
    return [failure.why for failure in outcome.failures]


def test_who_is_registered_has_a_uid() -> None:
    """Entries may come in any order."""
    known = IdMap()
    data = [entry(1, 1, 8), entry(1, 0, "7")]
    told = judged("register_multiple", REGISTER, COMING, data, known)
    assert told == Outcome([*COMING])
    assert known.people == {
        "a": KnownPerson(7, frozenset({Role.STUDENT}), account="a@example.org"),
        "f": KnownPerson(8, frozenset({Role.TEACHER}), account="f@example.org"),
    }


def test_without_marks_entries_go_by_position() -> None:
    """ClassIn may leave them out."""
    known = IdMap()
    told = judged(
        "register_multiple", REGISTER, COMING, [entry(1, data=7), entry(1, data=8)], known
    )
    assert told.failures == []
    assert [one.uid for one in known.people.values()] == [7, 8]


@pytest.mark.parametrize("tried", [1, 2])
def test_an_account_that_was_there_keeps_its_name_and_password(tried: int) -> None:
    """Unless an earlier attempt of ours may have made it: then the password may be ours."""
    known = IdMap()
    data = [entry(461, 0, 7), entry(1, 1, 8)]
    told = judged("register_multiple", REGISTER, COMING, data, known, attempts=attempts(tried))
    assert told.achieved == [PersonChange(None, person("a", called="")), COMING[1]]
    assert told.old_accounts == ({"a"} if tried == 1 else set())
    assert known.people["a"].older


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (entry(134, 0), "no phone number looks like this (134)"),
        (entry(1, 0), "no UID came back"),
        (entry(999999, 0), "a code that no page lists (999999)"),
        ({"errno": 999999, "error": "odd", "customColumn": "0"}, "odd (999999)"),
    ],
)
def test_who_was_refused_is_told_of(said: dict[str, Any], why: str) -> None:
    """The others are there."""
    known = IdMap()
    data = [said, entry(1, 1, 8)]
    told = judged("register_multiple", REGISTER, COMING, data, known, state=State.PARTIAL)
    assert told.achieved == [COMING[1]]
    assert reasons(told) == [why]
    assert known.people.keys() == {"f"}


def test_who_is_registered_but_no_member_has_a_uid() -> None:
    """The next round makes a member of them."""
    known = IdMap()
    data = [entry(820, 0, 7), entry(1, 1, 8)]
    told = judged("register_multiple", REGISTER, COMING, data, known, state=State.PARTIAL)
    assert told == Outcome([COMING[1]])
    assert known.people["a"] == KnownPerson(7, account="a@example.org")


def test_a_uid_has_one_person() -> None:
    """Whose account it is stays."""
    known = IdMap({"x": KnownPerson(7)})
    data = [entry(461, 0, 7), entry(461, 1, 7)]
    told = judged("register_multiple", REGISTER, COMING, data, known)
    assert told.achieved == []
    assert reasons(told) == ["the account is that of x, too: a UID has one person"] * 2


def test_what_the_answer_does_not_mention_did_not_go_well() -> None:
    """Unless all of it did."""
    data = [entry(1, 1, 8)]
    told = judged("register_multiple", REGISTER, COMING, data, state=State.PARTIAL)
    assert reasons(told) == ["the answer does not mention it"]


def test_a_step_that_is_not_submitted_is_done() -> None:
    """ClassIn has no part in it."""
    told = outcome_of(Step("s:1", "", {}, MADE), None, IdMap(), {}, lambda _: read("", {}))
    assert told == Outcome([*MADE])


def test_a_course_has_an_id() -> None:
    """And is the next one of its class."""
    known = IdMap(courses={"k": KnownCourse(4, ended=True)})
    known.people["f"] = KnownPerson(8)
    assert judged("add_course", COURSE, MADE, 5, known) == Outcome([*MADE])
    assert known.courses["k"] == KnownCourse(5, 1)
    told = judged("add_course", COURSE, MADE, "", everybody())
    assert (reasons(told), told.achieved) == (["no course id came back"], [])


def test_of_a_course_that_was_there_little_is_known() -> None:
    """Neither its name nor who teaches in it."""
    known = IdMap()
    told = judged("add_course", COURSE, MADE, 5, known, already=True)
    assert told == Outcome([CourseChange(None, Course("k", ""))])
    assert known.courses["k"] == KnownCourse(5)


def test_who_has_nobody_s_account_is_in_no_course() -> None:
    """Though ClassIn has somebody there: whose account it is."""
    told = judged("add_course_student_multiple", ENROL, ENROLLED, [entry(163, 0), entry(1, 1)])
    assert reasons(told) == ["has no account that is nobody else's"] * 2


def test_a_course_may_be_refused_for_its_main_teacher() -> None:
    """Then it goes with another, or without."""
    refused: dict[str, Any] = {"state": State.FAILED, "reason": Reason.REFUSED}
    told = judged("add_course", COURSE, MADE, **refused, code=389)
    assert [failure.follows for failure in told.failures] == [True, False]
    told = judged("add_course", COURSE, MADE, **refused, code=400)
    assert [failure.follows for failure in told.failures] == [False, False]


@pytest.mark.parametrize("code", [153, None])
def test_a_course_that_is_over_has_ended(code: int | None) -> None:
    """Whoever ended it: an attempt whose answer got lost, perhaps."""
    known = IdMap(courses={"k": KnownCourse(5)})
    gone = CourseChange(Course("k", "Art"), None)
    more: dict[str, Any] = {}
    if code is not None:
        more = {"state": State.FAILED, "reason": Reason.REFUSED, "code": code}
    assert judged("end_course", {"courseId": 5}, (gone,), directory=known, **more).achieved == [
        gone
    ]
    assert known.courses["k"].ended


def test_who_is_enrolled_is_known_one_by_one() -> None:
    """163: is there already; 841: is there, without a name."""
    data = [entry(163, 0), entry(841, 1)]
    told = judged(
        "add_course_student_multiple", ENROL, ENROLLED, data, everybody(), state=State.PARTIAL
    )
    assert told == Outcome([*ENROLLED])
    data = [entry(1, 1), entry(228, 0)]
    told = judged(
        "add_course_student_multiple", ENROL, ENROLLED, data, everybody(), state=State.PARTIAL
    )
    assert told.achieved == [ENROLLED[1]]
    assert [failure.effect for failure in told.failures] == [ENROLLED[0]]


@pytest.mark.parametrize(
    ("state", "more", "why", "follows"),
    [
        (State.FAILED, {"code": 153}, "the course's time has run out (153)", False),
        (
            State.FAILED,
            {"reason": Reason.DEPENDENCY},
            "something that it needs did not succeed",
            True,
        ),
        (State.CANCELLED, {}, "was called off", False),
        (State.UNCERTAIN, {"message": "silence"}, "may have been done: silence", False),
        (State.FAILED, {}, "no answer", False),
    ],
)
def test_a_whole_step_may_fail(
    state: State, more: dict[str, Any], why: str, *, follows: bool
) -> None:
    """For a reason that people can read."""
    told = judged("add_course_student_multiple", ENROL, ENROLLED, state=state, **more)
    assert {(each.why, each.follows, each.record) for each in told.failures} == {
        (why, follows, "r")
    }


def test_what_a_reference_did_not_find_follows() -> None:
    """The operation was never sent: it goes without those who failed."""
    fields = {**ENROL, "courseId": {"$result": "c", "path": "data"}}
    told = judged("add_course_student_multiple", fields, ENROLLED, state=State.FAILED, attempts=())
    assert all(failure.follows for failure in told.failures)


def test_a_step_without_effects_can_fail() -> None:
    """It is told of, too."""
    fields = {"studentUids": [7]}
    told = judged("modify_course_student_nick_name", fields, (), state=State.FAILED, code=104)
    assert [failure.effect for failure in told.failures] == [None]
    assert judged("modify_course_student_nick_name", fields, ()) == Outcome()


@pytest.mark.parametrize(
    ("operation", "field", "before", "after"),
    [
        ("add_school_student", "roles", frozenset(), frozenset({Role.STUDENT})),
        ("add_teacher", "roles", frozenset(), frozenset({Role.TEACHER})),
        ("restart_using_teacher", "stopped", True, False),
        ("stop_using_teacher", "stopped", False, True),
    ],
)
def test_what_a_person_is_now(operation: str, field: str, before: object, after: object) -> None:
    """The directory knows."""
    fields: dict[str, Any] = {
        "add_school_student": {"studentAccount": "a@example.org", "studentName": "Ann"},
        "add_teacher": {"teacherAccount": "a@example.org", "teacherName": "Ann"},
    }.get(operation, {"teacherUid": 7})
    told: dict[str, Any] = {field: before}
    known = IdMap({"a": replace(KnownPerson(7), **told)})
    change = PersonChange(None, Person("a", "a@example.org", "Ann", Role.STUDENT))
    assert judged(operation, fields, (change,), directory=known).achieved == [change]
    assert getattr(known.people["a"], field) == after
