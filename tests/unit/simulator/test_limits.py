"""What is refused because of other requests: the rules alone, at any time."""

from typing import Any

import pytest

from ops.simulator.limits import MOST_CALLS, Limits
from worker.classin.catalogue import CATALOGUE, read
from worker.classin.operation import Operation

NOW = 1_800_000_000
ANN: dict[str, Any] = {"telephone": "13912345678", "password": "secret1"}
REGISTER = read("register", ANN)


def classroom(course_id: int = 352861) -> Operation:
    """A classroom to create."""
    times = {"startTime": NOW + 3600, "endTime": NOW + 7200}
    fields = {"courseId": course_id, "name": "Numbers", "teacherUid": 1001001}
    return read("create_classroom", fields | times)


def lesson(course_id: int = 352861) -> Operation:
    """A lesson to create."""
    times = {"beginTime": NOW + 3600, "endTime": NOW + 7200}
    fields = {"courseId": course_id, "className": "Numbers", "teacherUid": 1001001}
    return read("add_course_class", fields | times)


def test_the_same_parameters_come_twice_only_after_five_seconds() -> None:
    """Counted from the last equal request, be it one that was refused."""
    limits = Limits()
    at = [NOW, NOW + 4.9, NOW + 9.8, NOW + 14.8, NOW + 15]
    said = [limits.refusal("1", REGISTER, moment) for moment in at]
    assert said == [None, 101003002, 101003002, None, 101003002]


def test_other_parameters_and_other_schools_are_not_the_same() -> None:
    """Only an equal request of the same school repeats one."""
    limits = Limits()
    other = read("register", {**ANN, "telephone": "13912345679"})
    asked = [("1", REGISTER), ("2", REGISTER), ("1", other)]
    assert [limits.refusal(*each, NOW) for each in asked] == [None] * 3


def test_operations_that_do_not_know_the_limit_may_repeat() -> None:
    """Their pages do not list the code."""
    limits = Limits()
    assert [limits.refusal("1", lesson(), NOW) for _ in range(3)] == [None] * 3
    knowing = {name for name, kind in CATALOGUE.items() if 101003002 in kind.spec.codes}
    assert knowing == {"register", "register_multiple", "add_teacher", "add_school_student"}


def test_a_thousand_classrooms_go_into_a_minute() -> None:
    """Of one school; a minute after the first there is room for one more."""
    limits = Limits()
    said = {limits.refusal("1", classroom(), NOW + n / 100) for n in range(MOST_CALLS)}
    assert said == {None}
    assert limits.refusal("1", classroom(7), NOW + 59) == 101003001
    assert limits.refusal("2", classroom(), NOW + 59) is None
    assert [limits.refusal("1", classroom(), NOW + 60) for _ in range(2)] == [None, 101003001]


def test_rates_can_be_switched_off() -> None:
    """What overlaps is refused all the same."""
    limits = Limits(rates=False)
    assert [limits.refusal("1", REGISTER, NOW) for _ in range(2)] == [None, None]
    with limits.at_work("1", lesson()):
        assert limits.refusal("1", lesson(), NOW) == 460


@pytest.mark.parametrize(
    ("name", "fields", "code"),
    [
        ("add_course", {"courseName": "Art"}, 460),
        ("add_course", {"courseName": "Arts", "courseUniqueIdentity": "x"}, 460),
        (
            "add_course_student_multiple",
            {"courseId": 352861, "identity": 1, "studentJson": [{"uid": 1002003}]},
            464,
        ),
    ],
)
def test_writes_to_one_course_do_not_overlap(name: str, fields: dict[str, Any], code: int) -> None:
    """A course that is not there yet goes by its identity, or else its name."""
    limits, operation = Limits(), read(name, fields)
    with limits.at_work("1", operation):
        assert limits.refusal("1", operation, NOW) == code
        assert limits.refusal("2", operation, NOW) is None
        assert limits.refusal("1", lesson(), NOW) is None
    assert limits.refusal("1", operation, NOW) is None


def test_what_is_at_work_on_another_course_does_not_matter() -> None:
    """Nor does an operation whose page does not list the code."""
    limits = Limits()
    with limits.at_work("1", lesson()), limits.at_work("1", lesson(414193)):
        assert limits.refusal("1", lesson(132323), NOW) is None
        assert limits.refusal("1", lesson(414193), NOW) == 460
        assert limits.refusal("1", classroom(), NOW) is None
    with limits.at_work("1", classroom()):
        assert limits.refusal("1", lesson(), NOW) is None
