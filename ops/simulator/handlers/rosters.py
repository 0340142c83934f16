"""Course members, and their names in the course."""

from ops.simulator.handlers.entries import entry, entry_v2
from ops.simulator.handlers.registry import Answer, answers
from ops.simulator.handlers.roles import attends, has_lessons, unfit_member, unfit_teacher
from ops.simulator.handlers.status import closed
from ops.simulator.state.lessons import Lesson, Phase
from ops.simulator.state.rosters import Grouping, GroupMember, Roster
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.operations.rosters import (
    AddCourseGroup,
    AddCourseStudent,
    AddCourseStudentMultiple,
    AddCourseTeacher,
    DelCourseGroup,
    DelCourseStudent,
    DelCourseStudentMultiple,
    EditCourseGroup,
    Groups,
    ModifyCourseTeacher,
    ModifyGroupMemberNickname,
    RemoveCourseTeacher,
    Role,
)

#: Maximum auditors of a course.
MOST_AUDITORS = 20


@answers(AddCourseStudent)
def add_course_student(institution: Institution, operation: AddCourseStudent, now: float) -> Answer:
    """Add one person."""
    course_id = operation.course_id
    if code := closed(institution, operation, course_id, now):
        return Answer(code)
    uid, name = operation.student_uid, operation.student_name
    return Answer(_join(institution, course_id, operation.identity, uid, name))


@answers(AddCourseStudentMultiple)
def add_course_student_multiple(
    institution: Institution, operation: AddCourseStudentMultiple, now: float
) -> Answer:
    """Add several people; duplicates are added once."""
    course_id, role = operation.course_id, operation.identity
    if code := closed(institution, operation, course_id, now):
        return Answer(code)
    if not operation.student_json:
        return Answer(Code.EMPTY_LIST)
    entries, seen = [], set()
    for item in operation.student_json:
        twice = item.uid in seen
        seen.add(item.uid)
        code = (
            Code.THERE_ALREADY
            if twice
            else _join(institution, course_id, role, item.uid, item.name)
        )
        entries.append(entry(code, customColumn=item.custom_column))
    return Answer(Code.OK, entries)


@answers(DelCourseStudent)
def del_course_student(institution: Institution, operation: DelCourseStudent, now: float) -> Answer:
    """Remove one person."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    uid = operation.student_uid
    return Answer(_leave(institution, operation.course_id, operation.identity, uid))


@answers(DelCourseStudentMultiple)
def del_course_student_multiple(
    institution: Institution, operation: DelCourseStudentMultiple, now: float
) -> Answer:
    """Remove several people; the reply names none of them."""
    course_id, role = operation.course_id, operation.identity
    if code := closed(institution, operation, course_id, now):
        return Answer(code)
    left = [_leave(institution, course_id, role, uid) for uid in operation.student_uid_json]
    return Answer(Code.OK, [entry(code) for code in left])


@answers(AddCourseTeacher)
def add_course_teacher(institution: Institution, operation: AddCourseTeacher, now: float) -> Answer:
    """Add teachers to the course."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    uids = operation.teacher_uids
    codes = [_enlist(institution, operation.course_id, uid) for uid in uids]
    entries = [entry_v2(code, teacherUid=uid) for code, uid in zip(codes, uids, strict=True)]
    return Answer(Code.OK, entries)


@answers(ModifyCourseTeacher)
def modify_course_teacher(
    institution: Institution, operation: ModifyCourseTeacher, now: float
) -> Answer:
    """Give the lessons ahead to another teacher; return an entry for each."""
    course_id, uid = operation.course_id, operation.teacher_uid
    if code := closed(institution, operation, course_id, now):
        return Answer(code)
    if institution.people.user(uid) is None:
        return Answer(Code.BAD_REQUEST_DATA)
    if code := unfit_teacher(institution, course_id, uid):
        return Answer(code)
    lessons = institution.lessons.of(course_id)
    ahead = [lesson for lesson in lessons if lesson.phase(now) is Phase.AHEAD]
    if not ahead:
        return Answer(Code.NO_LESSON_AHEAD)
    entries = [
        entry(_hand_over(institution, lesson, uid), classId=lesson.class_id) for lesson in ahead
    ]
    return Answer(Code.OK, entries)


@answers(RemoveCourseTeacher)
def remove_course_teacher(
    institution: Institution, operation: RemoveCourseTeacher, now: float
) -> Answer:
    """Remove a teacher from the course; not its head teacher."""
    course_id, uid = operation.course_id, operation.teacher_uid
    if code := closed(institution, operation, course_id, now):
        return Answer(code)
    if institution.people.user(uid) is None:
        return Answer(Code.BAD_REQUEST_DATA)
    if uid not in institution.people.teachers:
        return Answer(Code.TEACHER_NOT_HERE)
    roster = institution.rosters.of(course_id)
    if uid not in roster.teachers:
        return Answer(Code.TEACHER_NOT_LISTED)
    if has_lessons(institution, course_id, uid, now):
        return Answer(Code.TEACHER_HAS_LESSONS)
    roster.teachers.remove(uid)
    return Answer(Code.OK)


@answers(ModifyGroupMemberNickname)
def modify_group_member_nickname(
    institution: Institution, operation: ModifyGroupMemberNickname, now: float
) -> Answer:
    """Copy everybody's name from the institution into the course."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    roster = institution.rosters.of(operation.course_id)
    for uid, student in institution.people.students.items():
        roster.rename(uid, student.name)
    return Answer(Code.OK)


@answers(AddCourseGroup)
def add_course_group(institution: Institution, operation: AddCourseGroup, now: float) -> Answer:
    """Divide the course's students into groups, once; strangers are left out."""
    course_id, groups = operation.course_id, operation.group_list
    course = institution.courses.get(course_id)
    if course is None or not course.goes_on(now):
        return Answer(Code.GROUPING_NOT_SET)
    roster = institution.rosters.of(course_id)
    if roster.groups is not None:
        return Answer(Code.GROUPING_EXISTS)
    if code := _bad_groups(institution, course_id, groups):
        return Answer(code)
    known = _known(roster, groups)
    roster.groups = Grouping(
        group_id=institution.new_grouping_id(), group_name=operation.group_name, group_list=known
    )
    whole = sum(map(len, known)) == sum(map(len, groups))
    return Answer(Code.OK if whole else Code.GROUPED_WITHOUT_SOME, roster.groups.group_id)


@answers(EditCourseGroup)
def edit_course_group(institution: Institution, operation: EditCourseGroup, now: float) -> Answer:
    """Replace the groups."""
    del now
    course_id, groups = operation.course_id, operation.group_list
    roster = institution.rosters.of(course_id)
    if roster.groups is None or roster.groups.group_id != operation.group_id:
        return Answer(Code.NO_GROUPING)
    if _bad_groups(institution, course_id, groups):
        return Answer(Code.GROUPING_NOT_SET)
    roster.groups = Grouping(
        group_id=operation.group_id,
        group_name=operation.group_name,
        group_list=_known(roster, groups),
    )
    return Answer(Code.OK)


@answers(DelCourseGroup)
def del_course_group(institution: Institution, operation: DelCourseGroup, now: float) -> Answer:
    """Delete the groups."""
    del now
    roster = institution.rosters.of(operation.course_id)
    if roster.groups is None or roster.groups.group_id != operation.group_id:
        return Answer(Code.NO_GROUPING)
    roster.groups = None
    return Answer(Code.OK)


def _join(institution: Institution, course_id: int, role: Role, uid: int, name: str | None) -> Code:
    """Add a student or auditor to a course; return the entry's code."""
    if code := unfit_member(institution, course_id, role, uid):
        return code
    roster = institution.rosters.of(course_id)
    if role is Role.AUDITOR and len(roster.auditors) >= MOST_AUDITORS:
        return Code.TOO_MANY_MEMBERS
    members = roster.students if role is Role.STUDENT else roster.auditors
    members[uid] = name or institution.people.students[uid].name
    return Code.OK


def _leave(institution: Institution, course_id: int, role: Role, uid: int) -> Code:
    """Remove a student or auditor from a course; return the entry's code."""
    if institution.people.user(uid) is None:
        return Code.BAD_REQUEST_DATA
    roster = institution.rosters.of(course_id)
    members = roster.students if role is Role.STUDENT else roster.auditors
    return Code.NOT_IN_COURSE if members.pop(uid, None) is None else Code.OK


def _enlist(institution: Institution, course_id: int, uid: int) -> Code:
    """Add a teacher to a course; return the entry's code."""
    roster = institution.rosters.of(course_id)
    if uid == roster.head_teacher:
        return Code.HEAD_TEACHER_ALREADY
    if uid in roster.teachers:
        return Code.THERE_ALREADY
    if code := unfit_teacher(institution, course_id, uid):
        return code
    roster.teachers.add(uid)
    return Code.OK


def _hand_over(institution: Institution, lesson: Lesson, uid: int) -> Code:
    """Give a lesson to another teacher; return the entry's code."""
    if lesson.is_classroom:
        return Code.MADE_AS_CLASSROOM
    if institution.lessons.has_two_teachers(lesson):
        return Code.TYPE_NOT_SUPPORTED
    if attends(institution, lesson, uid):
        return Code.STUDENT_AS_LESSON_TEACHER
    if uid in lesson.assistant_uids:
        return Code.CO_TEACHER_AS_TEACHER
    institution.lessons.change(lesson, teacher_uid=uid)
    roster = institution.rosters.of(lesson.course_id)
    if uid not in roster.staff:
        roster.teachers.add(uid)
    return Code.OK


def _bad_groups(institution: Institution, course_id: int, groups: Groups) -> Code | None:
    """Return what is wrong with the people in groups; strangers are allowed."""
    uids = {member.student_uid for group in groups for member in group}
    leaders = {member.student_uid for group in groups for member in group if member.is_leader}
    students = institution.rosters.of(course_id).students.keys()
    if not any(map(institution.people.is_student, uids)):
        return Code.GROUPED_NOT_HERE
    if not uids & students:
        return Code.GROUPED_NOT_IN_COURSE
    return Code.BAD_GROUP_LEADER if leaders - students else None


def _known(roster: Roster, groups: Groups) -> tuple[tuple[GroupMember, ...], ...]:
    """Return the groups without people who are no students of the course."""
    return tuple(
        tuple(
            GroupMember(student_uid=member.student_uid, is_leader=member.is_leader)
            for member in group
            if member.student_uid in roster.students
        )
        for group in groups
    )
