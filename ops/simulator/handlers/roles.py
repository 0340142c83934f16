"""Role conflicts: what a person is already, and therefore cannot become."""

from ops.simulator.state.lessons import Lesson, Phase
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.operations.rosters import Role


def unfit_member(institution: Institution, course_id: int, role: Role, uid: int) -> Code | None:
    """Return why somebody cannot join a course as a student or an auditor."""
    roster, audits = institution.rosters.of(course_id), role is Role.AUDITOR
    if institution.people.user(uid) is None:
        return Code.BAD_REQUEST_DATA
    if institution.people.is_cancelled(uid):
        return Code.AUDITOR_CANCELLED if audits else Code.STUDENT_CANCELLED
    if code := _teaches(institution, course_id, role, uid):
        return code
    if uid in roster.students:
        return Code.STUDENT_ALREADY
    if uid in roster.auditors:
        return Code.AUDITOR_ALREADY
    return None if institution.people.is_student(uid) else Code.STUDENT_NOT_HERE


def unfit_teacher(institution: Institution, course_id: int, uid: int) -> Code | None:
    """Return why somebody cannot teach in a course."""
    people, roster = institution.people, institution.rosters.of(course_id)
    if people.is_deactivated_teacher(uid):
        return Code.TEACHER_DEACTIVATED
    if people.is_cancelled(uid):
        return Code.TEACHER_CANCELLED
    if not people.is_teacher(uid):
        return Code.TEACHER_NOT_HERE
    if uid in roster.students:
        return Code.STUDENT_AS_TEACHER
    return Code.AUDITOR_AS_TEACHER if uid in roster.auditors else None


def has_lessons(institution: Institution, course_id: int, uid: int, now: float) -> bool:
    """Return whether somebody still teaches or co-teaches lessons of a course."""
    lessons = institution.lessons.of(course_id)
    return any(gives(lesson, uid) and lesson.phase(now) is not Phase.OVER for lesson in lessons)


def gives(lesson: Lesson, uid: int) -> bool:
    """Return whether somebody teaches or co-teaches a lesson."""
    return uid == lesson.teacher_uid or uid in lesson.assistant_uids


def attends(institution: Institution, lesson: Lesson, uid: int) -> bool:
    """Return whether somebody is a student of a lesson, by its course or as a drop-in."""
    students = institution.rosters.of(lesson.course_id).students
    return uid in lesson.drop_ins or (uid in students and uid not in lesson.absent)


def _teaches(institution: Institution, course_id: int, role: Role, uid: int) -> Code | None:
    """Return the teaching role in a course that excludes this role."""
    roster, audits = institution.rosters.of(course_id), role is Role.AUDITOR
    if uid == roster.head_teacher and not audits:
        return Code.HEAD_TEACHER_AS_STUDENT
    if uid in roster.staff:
        return Code.TEACHER_AS_AUDITOR if audits else Code.TEACHER_AS_STUDENT
    taught = any(gives(lesson, uid) for lesson in institution.lessons.of(course_id))
    return Code.STAFF_AS_STUDENT if taught else None
