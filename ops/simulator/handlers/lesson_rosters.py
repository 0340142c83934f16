"""Students and labels of single lessons."""

from ops.simulator.handlers.courses import bad_labels
from ops.simulator.handlers.entries import entry
from ops.simulator.handlers.reach import reach, reach_within
from ops.simulator.handlers.registry import Answer, answers, listed
from ops.simulator.handlers.roles import attends, unfit_member
from ops.simulator.handlers.status import closed
from ops.simulator.state.lessons import Lesson, Phase
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.operation import Operation
from worker.classin.operations.lesson_rosters import (
    AddClassLabels,
    AddClassStudentMultiple,
    AddCourseClassStudent,
    DelClassStudentMultiple,
)
from worker.classin.operations.rosters import Role


@answers(AddClassStudentMultiple)
def add_class_student_multiple(
    institution: Institution, operation: AddClassStudentMultiple, now: float
) -> Answer:
    """Add each valid student; return an entry for every one."""
    lesson = _open(institution, operation, operation.class_id, now)
    if isinstance(lesson, Code):
        return Answer(lesson)
    entries = []
    for item in operation.student_json:
        code = (
            _not_of(institution, operation, lesson.class_id, item.uid)
            or _no_student(institution, lesson.course_id, item.uid)
            or join(institution, lesson.class_id, item.uid)
        )
        entries.append(entry(code, customColumn=item.custom_column))
    return Answer(Code.OK, entries)


@answers(DelClassStudentMultiple)
def del_class_student_multiple(
    institution: Institution, operation: DelClassStudentMultiple, now: float
) -> Answer:
    """Remove each student who is in the lesson."""
    lesson = _open(institution, operation, operation.class_id, now)
    if isinstance(lesson, Code):
        return Answer(lesson)
    codes = [leave(institution, lesson.class_id, uid) for uid in operation.student_uid_json]
    return Answer(Code.OK, [entry(code) for code in codes])


@answers(AddCourseClassStudent)
def add_course_class_student(
    institution: Institution, operation: AddCourseClassStudent, now: float
) -> Answer:
    """Add one student to each open lesson; return an entry for every lesson."""
    uid = operation.student_uid
    refusal = closed(institution, operation, operation.course_id, now)
    if refusal := refusal or _no_student(institution, operation.course_id, uid):
        return Answer(refusal)
    entries = []
    for class_id in operation.class_json:
        lesson = _open(institution, operation, class_id, now)
        refusal = (
            lesson if isinstance(lesson, Code) else _not_of(institution, operation, class_id, uid)
        )
        entries.append(entry(refusal or join(institution, class_id, uid)))
    return Answer(Code.OK, entries)


@answers(AddClassLabels)
def add_class_labels(institution: Institution, operation: AddClassLabels, now: float) -> Answer:
    """Replace the labels of each lesson by those listed for it."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    entries = []
    for item in operation.class_list:
        labels = item.class_label_id
        lesson = reach_within(institution, operation, operation.course_id, item.class_id)
        bad = bad_labels(institution, labels or ())
        if not isinstance(lesson, Code) and bad is None and labels is not None:
            institution.lessons.change(lesson, label_ids=labels)
        code = lesson if isinstance(lesson, Code) else bad or Code.OK
        entries.append(entry(code, customColumn=item.custom_column, classId=item.class_id))
    return Answer(Code.OK, entries)


def join(institution: Institution, class_id: int, uid: int) -> Code:
    """Add a student to a lesson, from its course or as a drop-in."""
    lesson = institution.lessons[class_id]
    members = institution.rosters.of(lesson.course_id).students
    if attends(institution, lesson, uid):
        return Code.IN_LESSON_ALREADY
    absent = tuple(other for other in lesson.absent if other != uid)
    drop_ins = lesson.drop_ins if uid in members else (*lesson.drop_ins, uid)
    institution.lessons.change(lesson, absent=absent, drop_ins=drop_ins)
    return Code.OK


def leave(institution: Institution, class_id: int, uid: int) -> Code:
    """Remove a student from a lesson, not from the course."""
    lesson = institution.lessons[class_id]
    members = institution.rosters.of(lesson.course_id).students
    if not attends(institution, lesson, uid):
        return Code.NOT_IN_LESSON
    drop_ins = tuple(other for other in lesson.drop_ins if other != uid)
    absent = (*lesson.absent, uid) if uid in members else lesson.absent
    institution.lessons.change(lesson, absent=absent, drop_ins=drop_ins)
    return Code.OK


def _open(
    institution: Institution,
    operation: AddClassStudentMultiple | DelClassStudentMultiple | AddCourseClassStudent,
    class_id: int,
    now: float,
) -> Lesson | Code:
    """Return a lesson whose students can change: any that is not over."""
    lesson = reach(institution, operation, operation.course_id, class_id, now)
    over = not isinstance(lesson, Code) and lesson.phase(now) is Phase.OVER
    return Code.LESSON_ENDED if over else lesson


def _no_student(institution: Institution, course_id: int, uid: int) -> Code | None:
    """Return why somebody cannot be a student in a course's lessons."""
    code = unfit_member(institution, course_id, Role.STUDENT, uid)
    return None if code is Code.STUDENT_ALREADY else code


def _not_of(institution: Institution, operation: Operation, class_id: int, uid: int) -> Code | None:
    """Return why somebody cannot be a student in this lesson."""
    lesson = institution.lessons[class_id]
    if uid == lesson.teacher_uid:
        return Code.TEACHER_AS_STUDENT
    if uid in lesson.assistant_uids:
        return listed(operation, Code.CO_TEACHER_AS_STUDENT, Code.STAFF_AS_STUDENT)
    return None
