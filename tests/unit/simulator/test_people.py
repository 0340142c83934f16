"""Users, and what they are in one school."""

import json
from typing import Any

import pytest

from ops.simulator.handlers import Answer, answer
from ops.simulator.state.world import Institution, Seed, World
from worker.classin.catalogue import read
from worker.classin.field_types import File

NOW = 1_800_000_000
DAY = 24 * 3600

TEACHER, OTHER_TEACHER, FORMER_TEACHER = 1001001, 1001002, 1001009
STUDENT, OTHER_STUDENT = 1002001, 1002002
COURSE = 352861


def ask(held: Institution, operation: str, **fields: Any) -> Answer:  # noqa: ANN401  # any field
    """Carry an operation out as of NOW."""
    return answer(held, read(operation, fields), NOW)


def register(held: Institution, account: str, **fields: Any) -> Answer:  # noqa: ANN401  # any field
    """Register an account, by phone number or e-mail address."""
    kind = "email" if "@" in account else "telephone"
    return ask(held, "register", **{kind: account, "password": "secret1"} | fields)


def cancel(held: Institution, uid: int) -> None:
    """Let a user give up the account."""
    user = held.people.user(uid)
    assert user is not None
    held.people.users.keep(user.model_copy(update={"cancelled": True}))


@pytest.mark.parametrize(("account", "code"), [("13912345678", 135), ("a@b.example", 461)])
def test_an_account_is_registered_once(held: Institution, account: str, code: int) -> None:
    """The UID comes back as a number; the same account again brings it with a code of its own."""
    assert register(held, account, nickname="Ann") == Answer(1, 1100001)
    assert register(held, account, nickname="Bob") == Answer(code, 1100001)
    user = held.people.by_account(account)
    assert user is not None
    assert user.nickname == "Ann"


def test_a_user_is_a_person_in_every_school(world: World) -> None:
    """The UID is the same everywhere, the membership is each school's own."""
    one, two = world.institution("1"), world.institution("2")
    register(one, "13912345678", addToSchoolMember=1)
    assert register(two, "13912345678", addToSchoolMember=2) == Answer(135, 1100001)
    assert (one.people.is_student(1100001), one.people.is_teacher(1100001)) == (True, False)
    assert (two.people.is_student(1100001), two.people.is_teacher(1100001)) == (False, True)
    assert one.people.user(1100001) == two.people.user(1100001)


def test_a_member_bears_the_nickname_or_the_account(held: Institution) -> None:
    """Without a nickname the phone number serves."""
    register(held, "13912345678", nickname="Ann", addToSchoolMember=1)
    register(held, "13912345679", addToSchoolMember=1)
    names = [held.people.students[uid].name for uid in (1100001, 1100002)]
    assert names == ["Ann", "13912345679"]


def test_a_password_is_never_kept(held: Institution) -> None:
    """The state tells that there is one, not which."""
    register(held, "13912345678", password="very-secret")
    md5 = "0" * 31 + "9"
    ask(held, "modify_password", uid=1100001, oldMd5pass=md5, md5pass=md5)
    shown = json.dumps(held.snapshot())
    assert '"passwordSet": true' in shown
    assert "very-secret" not in shown
    assert md5 not in shown


def test_an_sms_goes_to_new_members_with_a_phone(held: Institution) -> None:
    """877 without a membership, or without a phone number."""
    assert register(held, "13912345678", isSentMessage=1) == Answer(877)
    assert register(held, "a@b.example", isSentMessage=1, addToSchoolMember=1) == Answer(877)
    assert register(held, "13912345678", isSentMessage=1, addToSchoolMember=1).code == 1


def test_several_are_registered_each_with_a_code(held: Institution) -> None:
    """One entry for each, in order, with the phone number and the mark where they were given."""
    users = [
        {"telephone": "13912345678", "password": "secret1", "customColumn": "row 2"},
        {"email": "a@b.example", "password": "secret1", "addToSchoolMember": 2},
        {"telephone": "13800000011", "password": "secret1"},
    ]
    said = ask(held, "register_multiple", userJson=users)
    assert said.code == 1
    ok = {"errno": 1, "error": "carried out"}
    assert isinstance(said.data, list)
    assert said.data[:2] == [
        {"data": 1100001, "telephone": "13912345678", "customColumn": "row 2"} | ok,
        {"data": 1100002} | ok,
    ]
    assert (said.data[2]["errno"], said.data[2]["data"]) == (135, STUDENT)
    assert held.people.is_teacher(1100002)


def test_a_password_is_set_for_members_only(held: Institution) -> None:
    """An unknown UID is 400, a user of no role in the institution 227."""
    register(held, "13912345678")
    codes = [
        ask(held, "modify_password_by_telephone", uid=uid, password="secret2").code
        for uid in (99, 1100001, FORMER_TEACHER, STUDENT, TEACHER)
    ]
    assert codes == [400, 227, 227, 1, 1]
    md5 = "a" * 32
    assert ask(held, "modify_password", uid=99, oldMd5pass=md5, md5pass=md5).code == 100


def test_a_registered_user_becomes_a_student_once(held: Institution) -> None:
    """Unknown accounts are 113; a second time is 133, and keeps the name."""
    fields = {"studentAccount": "13912345678", "studentName": "Ann"}
    assert ask(held, "add_school_student", **fields) == Answer(113)
    register(held, "13912345678")
    assert ask(held, "add_school_student", **fields) == Answer(1)
    assert ask(held, "add_school_student", **fields | {"studentName": "Anna"}) == Answer(133)
    assert held.people.students[1100001].name == "Ann"


def test_the_institution_and_the_cancelled_are_no_students(held: Institution) -> None:
    """128 for its own account, 886 for an account that its user gave up."""
    register(held, "13912345678")
    cancel(held, 1100001)
    said = [
        ask(held, "add_school_student", studentAccount=account, studentName="X").code
        for account in ("13800000000", "13912345678")
    ]
    assert said == [128, 886]


def test_a_students_name_is_changed_in_the_institution_only(held: Institution) -> None:
    """Courses keep the old name; who is no student is 228."""
    edit = {"studentName": "Ann"}
    assert ask(held, "edit_school_student", studentUid=STUDENT, **edit) == Answer(1)
    assert ask(held, "edit_school_student", studentUid=TEACHER, **edit) == Answer(228)
    assert held.people.students[STUDENT].name == "Ann"
    assert held.rosters.of(COURSE).students[STUDENT] == "Student 1"


def test_a_registered_user_becomes_a_teacher_once(held: Institution) -> None:
    """What comes back is not the UID; a deactivated teacher is there already as well."""
    add = {"teacherName": "Ann"}
    assert ask(held, "add_teacher", teacherAccount="13912345678", **add) == Answer(113)
    register(held, "13912345678")
    said = ask(held, "add_teacher", teacherAccount="13912345678", **add)
    assert said.code == 1
    assert said.data not in (None, 1100001)
    assert ask(held, "add_teacher", teacherAccount="13912345678", **add) == Answer(133)
    assert ask(held, "add_teacher", teacherAccount="13800000009", **add) == Answer(133)
    cancel(held, STUDENT)
    assert ask(held, "add_teacher", teacherAccount="13800000011", **add) == Answer(884)


def test_a_teachers_name_is_changed(held: Institution) -> None:
    """Who is no teacher is 219."""
    edit = {"teacherName": "Ann"}
    assert ask(held, "edit_teacher", teacherUid=TEACHER, **edit) == Answer(1)
    assert ask(held, "edit_teacher", teacherUid=STUDENT, **edit) == Answer(219)
    assert held.people.teachers[TEACHER].name == "Ann"


def test_a_teacher_is_deactivated_and_reactivated(held: Institution) -> None:
    """Both can be done again; the teacher stays known all the time."""
    for _ in range(2):
        assert ask(held, "stop_using_teacher", teacherUid=OTHER_TEACHER) == Answer(1)
        assert held.people.is_deactivated_teacher(OTHER_TEACHER)
        assert not held.people.is_teacher(OTHER_TEACHER)
    for _ in range(2):
        assert ask(held, "restart_using_teacher", teacherUid=OTHER_TEACHER) == Answer(1)
        assert held.people.is_teacher(OTHER_TEACHER)
        assert not held.people.is_deactivated_teacher(OTHER_TEACHER)


def test_who_cannot_be_deactivated(held: Institution) -> None:
    """Unknown users, students, the institution, its sub-accounts, and teachers of courses."""
    uids = (99, STUDENT, 1000001, 1000002, TEACHER)
    codes = [ask(held, "stop_using_teacher", teacherUid=uid).code for uid in uids]
    assert codes == [400, 136, 386, 402, 339]
    assert ask(held, "restart_using_teacher", teacherUid=STUDENT) == Answer(136)
    assert ask(held, "restart_using_teacher", teacherUid=99) == Answer(400)


def test_a_teacher_of_ended_courses_is_deactivated(held: Institution) -> None:
    """Only courses that go on hinder it."""
    for course_id in tuple(held.courses):
        ask(held, "end_course", courseId=course_id)
    assert ask(held, "stop_using_teacher", teacherUid=TEACHER) == Answer(1)


def test_a_teacher_with_lessons_ahead_is_not_deactivated(held: Institution) -> None:
    """317, also for a co-teacher of one."""
    lesson = next(iter(held.lessons))
    times = {"begin_time": NOW + DAY, "end_time": NOW + DAY + 3600}
    held.lessons.change(lesson, **times, assistant_uids=(OTHER_TEACHER,))
    assert ask(held, "stop_using_teacher", teacherUid=TEACHER) == Answer(317)
    assert ask(held, "stop_using_teacher", teacherUid=OTHER_TEACHER) == Answer(317)


def test_names_are_copied_into_courses_that_go_on(held: Institution) -> None:
    """Each student has an entry; an ended course keeps the old name."""
    ask(held, "add_course_student", courseId=414193, identity=2, studentUid=STUDENT)
    ask(held, "end_course", courseId=COURSE)
    ask(held, "edit_school_student", studentUid=STUDENT, studentName="Ann")
    said = ask(held, "modify_course_student_nick_name", studentUids=[STUDENT, TEACHER])
    assert said == Answer(
        1,
        [
            {"studentUid": STUDENT, "code": 1, "msg": "carried out"},
            {
                "studentUid": TEACHER,
                "code": 121601059,
                "msg": "this person is no student of the institution",
            },
        ],
    )
    assert held.rosters.of(414193).auditors[STUDENT] == "Ann"
    assert held.rosters.of(COURSE).students[STUDENT] == "Student 1"


def test_students_of_a_lesson_are_evaluated(held: Institution) -> None:
    """Each has an entry; strangers to the school and to the lesson are told apart."""
    lesson = next(iter(held.lessons))
    comments = [
        {"studentUid": uid, "starNum": 4.5, "comment": "good", "customColumn": f"{uid}"}
        for uid in (STUDENT, 1002005, TEACHER)
    ]
    fields = {"classId": lesson.class_id, "commentJson": comments}
    said = ask(held, "update_class_student_comment", **fields)
    assert isinstance(said.data, list)
    assert [one["errno"] for one in said.data] == [1, 167, 228]
    assert said.data[0]["studentUid"] == STUDENT
    assert said.data[0]["customColumn"] == f"{STUDENT}"
    kept = held.snapshot()["lessons"][0]["comments"]
    assert kept == {f"{STUDENT}": {"starNum": 4.5, "comment": "good"}}
    assert ask(held, "update_class_student_comment", **fields | {"classId": 1}) == Answer(233)


def test_the_state_of_people_is_a_seed(held: Institution) -> None:
    """What one simulator holds another can begin with, and UIDs go on from there."""
    register(held, "13912345678", addToSchoolMember=2)
    ask(held, "add_course_teacher", courseId=COURSE, teacherUids=[1100001])
    ask(held, "add_school_label", labelName="autumn")
    seed = Seed.model_validate(json.loads(json.dumps(held.snapshot())))
    after = World(["1"], seed).institution("1")
    assert after.snapshot() == held.snapshot()
    assert register(after, "13912345679") == Answer(1, 1100002)


def test_a_picture_is_kept_as_its_digest(held: Institution) -> None:
    """The user's, and the teacher's in the institution, which another name does not remove."""
    picture = File(name="ann.png", size=3, sha256="0" * 64, at="redis")
    register(held, "13912345678", Filedata=picture)
    teacher = {"teacherAccount": "13912345678", "teacherName": "Ann"}
    ask(held, "add_teacher", **teacher, Filedata=picture)
    ask(held, "edit_teacher", teacherUid=1100001, teacherName="Anna")
    user = held.people.user(1100001)
    assert user is not None
    assert user.avatar == held.people.teachers[1100001].picture == picture.summary()
