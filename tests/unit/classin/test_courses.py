"""What a course may be given: empty fields, the default setting, covers, times of expiry."""

from typing import Any

import pytest

from worker.classin.catalogue import read
from worker.classin.describe import explained
from worker.classin.operations.courses import AddCourse, EditCourse
from worker.classin.time_limits import untimely
from worker.errors import InvalidOperationError

NOW = 1_800_000_000
DAY = 24 * 3600
PLACE = {"name": "cover.webp", "size": 3 * 2**20, "sha256": "0" * 64, "at": "https://a.example/c"}


def edit(**fields: object) -> Any:  # noqa: ANN401  # an edit
    """Edit a course."""
    return read("edit_course", {"courseId": 1, **fields})


def test_the_default_classroom_setting_can_be_sent() -> None:
    """It is 0: to send it is the one way back to it."""
    assert edit(classroomSettingId=0).wire_fields()["classroomSettingId"] == 0
    with pytest.raises(
        InvalidOperationError, match="classroomSettingId: should be at least 0; got -1"
    ):
        edit(classroomSettingId=-1)


@pytest.mark.parametrize("name", ["expiryTime", "mainTeacherUid"])
@pytest.mark.parametrize("operation", [{"courseId": 1}, {"courseName": "Physics"}])
def test_what_may_be_empty_travels_empty(name: str, operation: dict[str, object]) -> None:
    """In an edit that means: unchanged; the record keeps it so."""
    kind = "edit_course" if "courseId" in operation else "add_course"
    built = read(kind, {**operation, name: ""})
    assert built.wire_fields()[name] == ""
    assert read(kind, built.to_dict()) == built


@pytest.mark.parametrize("value", [" ", "x", "0x1", True, [], {}])
@pytest.mark.parametrize("name", ["expiryTime", "mainTeacherUid"])
def test_what_is_not_quite_empty_is_refused(name: str, value: object) -> None:
    """With one fault, as ever."""
    with pytest.raises(InvalidOperationError) as refused:
        edit(**{name: value})
    assert [fault.where for fault in refused.value.faults] == [name]


def test_a_cover_of_any_kind_and_size_goes_along() -> None:
    """No page states a limit, and the explanation says so."""
    for name in ("edit_course", "add_course"):
        fields = {"courseId": 1} if name == "edit_course" else {"courseName": "Physics"}
        assert read(name, {**fields, "Filedata": PLACE}).files()["Filedata"].size == 3 * 2**20
    for kind in (EditCourse, AddCourse):
        (cover,) = [each for each in explained(kind).fields if each.name == "Filedata"]
        assert cover.description.endswith("no page states a limit of kind or size")


def test_a_teachers_picture_of_any_kind_and_size_goes_along() -> None:
    """Only of an avatar do the pages state limits."""
    teacher = {"teacherUid": 1, "teacherName": "Wang", "Filedata": PLACE}
    assert read("edit_teacher", teacher).files()["Filedata"].name == "cover.webp"
    with pytest.raises(InvalidOperationError, match="should be a jpg, jpeg, gif or png"):
        read("register", {"email": "a@b.example", "password": "secret", "Filedata": PLACE})


@pytest.mark.parametrize(
    ("ahead", "in_time"),
    [
        (-NOW + 1, False),
        (-1, False),
        (DAY - 1, False),
        (DAY, True),
        (366 * DAY, True),
        (366 * DAY + 1, False),
    ],
)
def test_an_expiry_in_the_past_or_beyond_a_year_is_untimely(ahead: int, in_time: bool) -> None:  # noqa: FBT001
    """Told before it is sent, by the time that is given; a year may have a leap day."""
    faults = untimely(edit(expiryTime=NOW + ahead), NOW)
    assert [fault.where for fault in faults] == ([] if in_time else ["expiryTime"])


@pytest.mark.parametrize("expiry", [0, "", None])
def test_no_expiry_is_never_untimely(expiry: object) -> None:
    """Never, unchanged, or not given."""
    assert untimely(edit(expiryTime=expiry), NOW) == []


@pytest.mark.parametrize(("days", "in_time"), [(0, False), (1, True), (1827, True), (1828, False)])
def test_a_new_course_may_last_for_five_years(days: int, in_time: bool) -> None:  # noqa: FBT001
    """Two of them leap years, perhaps."""
    course = read("add_course", {"courseName": "Physics", "expiryTime": NOW + days * DAY})
    assert (untimely(course, NOW) == []) is in_time


def test_an_untimely_expiry_is_told_with_what_would_be_right() -> None:
    """In one line."""
    (fault,) = untimely(edit(expiryTime=1), NOW)
    assert str(fault) == (
        "expiryTime: should be at least 1 day and at most 366 days ahead; got 1, which is past"
    )


def test_an_expiry_that_comes_later_is_judged_later() -> None:
    """A reference has no time yet."""
    assert untimely(edit(expiryTime={"$result": "a", "path": "data.when"}), NOW) == []
