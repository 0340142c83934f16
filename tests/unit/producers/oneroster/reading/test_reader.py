"""What a bundle says: people, courses and enrolments, and the faults of each."""

import tracemalloc
from pathlib import Path

import pytest

from ops.simulator.bundle import Size, invent, write_bundle
from producers.oneroster.reading.schema import Version
from producers.oneroster.roster import Course, Person, Role, Roster
from tests.unit.producers.oneroster.little_school import (
    deltas,
    in_1_2,
    make_plan,
    read,
    read_path,
    school,
    then,
)
from worker.errors import InvalidInputError


def test_a_bundle_becomes_people_courses_and_enrolments(tmp_path: Path) -> None:
    """Each once."""
    files = school()
    files["users"][1]["phone"] = "+1 (212) 555-0100"
    roster = read(tmp_path, files).roster
    assert roster == Roster(
        people={
            "a": Person("a", "a@example.org", "Ann Nowhere", Role.STUDENT),
            "b": Person("b", "001-2125550100", "Bo Nowhere", Role.STUDENT),
            "t": Person("t", "t@example.org", "Tam Nowhere", Role.TEACHER),
        },
        courses={"k": Course("k", "Biology 7", ("y",), "2027-06-30")},
        teachers={"k": ("t",)},
        students={"k": ("a", "b")},
    )


@pytest.mark.parametrize("name", ["users", "classes", "enrollments", "roles"])
def test_an_indispensable_file_must_be_there(tmp_path: Path, name: str) -> None:
    """Or all that it would have had would be removed."""
    files = in_1_2(school())
    read(tmp_path, files)
    (tmp_path / f"{name}.csv").unlink()
    with pytest.raises(InvalidInputError, match=f"{name}.csv: is not there, but should be: bulk"):
        read_path(tmp_path)
    rest = {key: rows for key, rows in files.items() if key != name}
    with pytest.raises(InvalidInputError, match=f"{name}.csv: is not there, but is needed"):
        read(tmp_path / "without", rest, version=Version.V1_2)


def test_every_broken_file_is_named_before_anything_is_read(tmp_path: Path) -> None:
    """Missing columns and unreadable files alike."""
    read(tmp_path, school())
    (tmp_path / "orgs.csv").write_bytes(b"\xff")
    (tmp_path / "users.csv").write_text("sourcedId,enabledUser\n")
    with pytest.raises(InvalidInputError) as refused:
        read_path(tmp_path)
    assert [fault.where for fault in refused.value.faults] == [
        "orgs.csv",
        "users.csv row 1: orgSourcedIds",
        "users.csv row 1: role",
        "users.csv row 1: username",
        "users.csv row 1: givenName",
        "users.csv row 1: familyName",
    ]


def test_files_that_are_not_there_leave_their_references_unchecked(tmp_path: Path) -> None:
    """A warning says so."""
    files = school()
    del files["orgs"], files["courses"], files["academicSessions"]
    reading = read(tmp_path, files)
    assert len(reading.warnings) == 3
    assert reading.left_out == []
    assert reading.roster.courses["k"].last_day == ""


@pytest.mark.parametrize(
    ("file", "number", "column", "value", "said"),
    [
        ("classes", 0, "courseSourcedId", "x", "classes.csv row 2: courseSourcedId: is not in c"),
        ("classes", 0, "schoolSourcedId", "x", "classes.csv row 2: schoolSourcedId: is not in o"),
        ("classes", 0, "termSourcedIds", "y,x", "classes.csv row 2: termSourcedIds: is not in a"),
        ("enrollments", 1, "classSourcedId", "x", "enrollments.csv row 3: classSourcedId: is no"),
        ("enrollments", 1, "userSourcedId", "x", "enrollments.csv row 3: userSourcedId: is no us"),
        ("enrollments", 1, "role", "pupil", "enrollments.csv row 3: role: should be one of"),
        ("enrollments", 1, "role", "teacher", "enrollments.csv row 3: role: is teacher; the same"),
        ("users", 1, "email", "", "users.csv row 3: email: has neither phone nor e-mail"),
        ("users", 1, "email", "A@Example.org", "users.csv row 3: email: is the account of an ear"),
        ("users", 1, "enabledUser", "yes", "users.csv row 3: enabledUser: should be one of true"),
        ("users", 1, "sourcedId", "a", "users.csv row 3: sourcedId: stands in an earlier row"),
    ],
)
def test_a_fault_costs_its_row(
    tmp_path: Path, file: str, number: int, column: str, value: str, said: str
) -> None:
    """And what refers to it."""
    files = school()
    files[file][number][column] = value
    reading = read(tmp_path, files)
    assert reading.left_out[0].startswith(said)
    assert "b" not in reading.roster.students.get("k", ())


def test_nobody_is_student_and_teacher_of_one_class(tmp_path: Path) -> None:
    """The later row is the fault, also where the school has them in both roles."""
    files = school()
    files["enrollments"].append(files["enrollments"][2] | {"sourcedId": "4", "role": "student"})
    assert read(tmp_path / "1", files).left_out == [
        "enrollments.csv row 5: role: is student; the same person is teacher in the school"
    ]


def test_the_same_enrolment_twice_is_one(tmp_path: Path) -> None:
    """As where a class has two terms."""
    files = school()
    files["enrollments"].append(files["enrollments"][0] | {"sourcedId": "4"})
    reading = read(tmp_path, files)
    assert reading.faults == []
    assert reading.roster.students == {"k": ("a", "b")}


def test_staff_who_teach_are_teachers(tmp_path: Path) -> None:
    """Others of the staff are left out with a warning, and so is the family."""
    files = school()
    files["users"][2]["role"] = "administrator"
    files["users"] += [
        files["users"][2] | {"sourcedId": "u", "role": "aide", "email": ""},
        files["users"][2] | {"sourcedId": "v", "role": "guardian", "email": ""},
    ]
    reading = read(tmp_path, files)
    assert reading.roster.people["t"].role is Role.TEACHER
    assert reading.roster.teachers == {"k": ("t",)}
    assert sorted(reading.roster.people) == ["a", "b", "t"]
    assert reading.left_out == []
    assert reading.warnings == [
        "users.csv row 6: role: is guardian, who has no place in a course: left out",
        "users.csv row 5: sourcedId: is of the staff, and enrolled as a teacher nowhere: left out",
    ]


def test_staff_need_an_account_of_their_own_to_teach(tmp_path: Path) -> None:
    """It is the enrolment that is the fault: elsewhere they are not wanted."""
    for number, email in enumerate(("", "a@example.org")):
        files = school()
        files["users"][2] |= {"role": "aide", "email": email}
        reading = read(tmp_path / f"{number}", files)
        assert reading.left_out == [
            (
                "enrollments.csv row 4: userSourcedId: "
                "needs a phone number or an e-mail address of their own in users.csv"
            )
        ]


def test_staff_do_not_learn(tmp_path: Path) -> None:
    """Roles that disagree are a fault."""
    files = school()
    files["users"][1]["role"] = "aide"
    assert read(tmp_path, files).left_out == [
        "enrollments.csv row 3: role: is student; the same person is of the staff"
    ]


def test_who_only_looks_on_is_left_out(tmp_path: Path) -> None:
    """An enrolment as proctor is neither."""
    files = school()
    files["enrollments"][1]["role"] = "proctor"
    reading = read(tmp_path, files)
    assert reading.warnings == [
        "enrollments.csv row 3: role: is proctor, who is neither student nor teacher: left out"
    ]
    assert reading.roster.students == {"k": ("a",)}


def test_in_1_2_the_primary_role_counts(tmp_path: Path) -> None:
    """Whatever the order of the rows."""
    files = in_1_2(school())
    extra = files["roles"][2] | {"sourcedId": "x", "roleType": "secondary", "role": "student"}
    for number, roles in enumerate(([extra, *files["roles"]], [*files["roles"], extra])):
        reading = read(tmp_path / f"{number}", files | {"roles": roles})
        assert reading.faults == []
        assert reading.roster.people["t"].role is Role.TEACHER


def test_in_1_2_people_and_their_roles_must_find_each_other(tmp_path: Path) -> None:
    """A person without a role, a role without a person."""
    files = in_1_2(school())
    files["roles"][1]["userSourcedId"] = "x"
    assert read(tmp_path, files).left_out == [
        "users.csv row 3: sourcedId: has no role in roles.csv",
        "roles.csv row 3: userSourcedId: is not in users.csv",
        "enrollments.csv row 3: userSourcedId: is no user who could be read",
    ]


def test_the_preferred_name_counts(tmp_path: Path) -> None:
    """Where 1.2 tells it."""
    files = in_1_2(school())
    files["users"][0] |= {"preferredGivenName": "Annie"}
    assert read(tmp_path, files).roster.people["a"].name == "Annie Nowhere"


def test_names_that_are_too_long_are_shortened_with_a_warning(tmp_path: Path) -> None:
    """Of courses and of people; ClassIn would cut them without a word."""
    files = school()
    files["classes"][0]["title"] = "Advanced Placement Biology for everybody (section 2)"
    files["users"][0]["givenName"] = "Ann Belinda Cordelia Dorothea"
    reading = read(tmp_path, files)
    assert reading.roster.courses["k"].name == "Advanced Placement Biology…y (section 2)"
    assert len(reading.roster.people["a"].name) == 24
    assert len(reading.warnings) == 2


def test_a_bad_phone_number_makes_the_address_the_account(tmp_path: Path) -> None:
    """With a warning."""
    files = school()
    files["users"][0]["phone"] = "555-0100"
    reading = read(tmp_path, files)
    assert reading.roster.people["a"].account == "a@example.org"
    assert reading.warnings == [
        (
            "users.csv row 2: phone: "
            "should be 11 digits (mainland China) or like +1 800 643 7676; not used"
        )
    ]


def test_who_may_not_log_in_is_not_there(tmp_path: Path) -> None:
    """Nor are their enrolments, which is no fault."""
    files = school()
    files["users"][0]["enabledUser"] = "false"
    reading = read(tmp_path, files)
    assert reading.faults == []
    assert reading.roster.students == {"k": ("b",)}
    assert sorted(reading.roster.people) == ["b", "t"]


def test_of_several_primary_teachers_one_is_taken(tmp_path: Path) -> None:
    """The same one in whatever order they come."""
    files = school()
    files["users"].append(files["users"][2] | {"sourcedId": "s", "email": "s@example.org"})
    second = files["enrollments"][2] | {"sourcedId": "4", "userSourcedId": "s"}
    for number, rows in enumerate(
        ([*files["enrollments"], second], [second, *files["enrollments"]])
    ):
        reading = read(tmp_path / f"{number}", files | {"enrollments": rows})
        assert reading.roster.teachers == {"k": ("s", "t")}
        assert len(reading.warnings) == 1


def test_a_session_that_ends_before_it_begins_is_a_warning(tmp_path: Path) -> None:
    """It is read all the same."""
    files = school()
    files["academicSessions"][0]["endDate"] = "2026-06-30"
    reading = read(tmp_path, files)
    assert reading.warnings == [
        "academicSessions.csv row 2: endDate: is before startDate; should be the last day"
    ]


def test_a_delta_refers_to_what_was_applied(tmp_path: Path) -> None:
    """Its enrolments name people and classes that it does not have."""
    files = school()
    before = read(tmp_path / "1", files).roster
    new = files["users"][0] | {"sourcedId": "d", "email": "d@example.org", "status": "active"}
    row = files["enrollments"][0] | {"sourcedId": "9", "userSourcedId": "d", "status": "active"}
    nobody = row | {"sourcedId": "10", "userSourcedId": "x"}
    change = files | {"users": [new], "enrollments": [row, nobody]}
    reading = read(tmp_path / "2", change, before, modes=deltas("users", "enrollments"))
    assert reading.left_out == [
        "enrollments.csv row 3: userSourcedId: is no user who could be read"
    ]
    after = then(make_plan(reading.export, before), before)
    assert after.students == {"k": ("a", "b", "d")}
    assert after.teachers == before.teachers


def test_a_delta_of_1_2_may_leave_roles_as_they_are(tmp_path: Path) -> None:
    """A person whose name changed keeps the role."""
    files = in_1_2(school())
    before = read(tmp_path / "1", files).roster
    changed = files["users"][2] | {"givenName": "Tamsin", "status": "active"}
    modes = deltas("users") | {"roles": "absent"}
    reading = read(tmp_path / "2", files | {"users": [changed]}, before, modes=modes)
    assert reading.left_out == []
    assert reading.export.people["t"] == Person(
        "t", "t@example.org", "Tamsin Nowhere", Role.TEACHER
    )


def test_a_delta_of_1_2_may_give_a_new_role_alone(tmp_path: Path) -> None:
    """To somebody of whom nothing else has changed; a role beside the first changes nothing."""
    files = in_1_2(school())
    before = read(tmp_path / "1", files).roster
    for kind, role in (("primary", Role.TEACHER), ("secondary", Role.STUDENT)):
        row = files["roles"][1] | {"roleType": kind, "role": "teacher", "status": "active"}
        modes = deltas("roles")
        reading = read(tmp_path / kind, files | {"roles": [row]}, before, modes=modes)
        assert reading.left_out == []
        after = then(make_plan(reading.export, before), before)
        assert after.people["b"].role is role


def test_files_are_not_held_in_memory(tmp_path: Path) -> None:
    """Of 20,000 enrolments two ids each are kept, and those once."""
    size = Size(students=2000, teachers=100, classes=800, enrolments=20_000)
    path = write_bundle(tmp_path / "a.zip", invent(size))
    tracemalloc.start()
    try:
        reading = read_path(path)
        make_plan(reading.export, Roster())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(map(len, reading.export.students.values())) > 18_000
    assert peak < 15 * 1024**2
