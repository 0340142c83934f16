"""Courses."""

from ops.simulator.handlers.entries import entry
from ops.simulator.handlers.registry import Answer, answers
from ops.simulator.handlers.roles import has_lessons
from ops.simulator.handlers.status import closed
from ops.simulator.state.lessons import Phase
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.operation import Operation
from worker.classin.operations.courses import (
    AddCourse,
    AddCourseLabels,
    EditCourse,
    EndCourse,
    FormerHeadTeacher,
)

#: Minimum and maximum seconds until a course expires: five years for a new one, else one.
SHORTEST = 24 * 3600
LONGEST = 366 * 24 * 3600  # a year that begins before a leap day is one, too
LONGEST_AT_FIRST = (5 * 365 + 2) * 24 * 3600

#: Fields of the roster, not of the course.
_OF_THE_ROSTER = frozenset({"mainTeacherUid", "stamp"})
#: Fields that an empty value leaves unchanged.
_UNCHANGED = ("expiryTime", "")


@answers(AddCourse)
def add_course(institution: Institution, operation: AddCourse, now: float) -> Answer:
    """Create a course, unless one has this unique identity."""
    if earlier := institution.identified(operation.course_unique_identity):
        return Answer(Code.IDENTITY_TAKEN, earlier)
    fields = _kept(operation)
    if code := _bad_expiry(fields.get("expiryTime"), now, LONGEST_AT_FIRST):
        return Answer(code)
    if operation.folder_id is not None and operation.folder_id not in institution.drive:
        return Answer(Code.FOLDER_NOT_IN_DRIVE)
    head = operation.main_teacher_uid or None
    if head is not None and (code := _unfit(institution, operation, head)):
        return Answer(code)
    course = institution.add_course(operation.course_name, fields)
    institution.rosters.of(course.course_id).head_teacher = head
    return Answer(Code.OK, course.course_id)


@answers(EditCourse)
def edit_course(institution: Institution, operation: EditCourse, now: float) -> Answer:
    """Set the given fields; the others stay."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    fields = _kept(operation)
    expiry = fields.get("expiryTime")
    if code := _bad_expiry(expiry, now, LONGEST) or _too_early(institution, operation, expiry):
        return Answer(code)
    if operation.folder_id is not None and operation.folder_id not in institution.drive:
        return Answer(Code.FOLDER_NOT_IN_DRIVE)
    if operation.main_teacher_uid:
        if code := _unfit_to_follow(institution, operation, operation.main_teacher_uid, now):
            return Answer(code)
        stays = operation.stamp is not FormerHeadTeacher.LEAVES
        roster = institution.rosters.of(operation.course_id)
        roster.appoint(operation.main_teacher_uid, former_stays=stays)
    course = institution.courses[operation.course_id]
    institution.courses[course.course_id] = course.edited(fields)
    return Answer(Code.OK)


@answers(EndCourse)
def end_course(institution: Institution, operation: EndCourse, now: float) -> Answer:
    """End a course, and delete its lessons that are ahead."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    lessons = institution.lessons.of(operation.course_id)
    phases = {lesson.class_id: lesson.phase(now) for lesson in lessons}
    if Phase.RUNNING in phases.values():
        return Answer(Code.COURSE_IN_SESSION)
    for lesson in lessons:
        if phases[lesson.class_id] is Phase.AHEAD:
            institution.lessons.delete(lesson)
    course = institution.courses[operation.course_id]
    institution.courses[course.course_id] = course.model_copy(update={"ended": True})
    return Answer(Code.OK)


@answers(AddCourseLabels)
def add_course_labels(institution: Institution, operation: AddCourseLabels, now: float) -> Answer:
    """Replace the labels of each course by those listed for it."""
    if not operation.course_list:
        return Answer(Code.EMPTY_LIST)
    entries = []
    for item in operation.course_list:
        labels = item.label_ids
        code = closed(institution, operation, item.course_id, now)
        code = code or bad_labels(institution, labels or ())
        if code is None and labels is not None:
            course = institution.courses[item.course_id]
            relabelled = course.model_copy(update={"label_ids": labels})
            institution.courses[item.course_id] = relabelled
        entries.append(
            entry(code or Code.OK, customColumn=item.custom_column, courseId=item.course_id)
        )
    return Answer(Code.OK, entries)


def _kept(operation: Operation) -> dict[str, object]:
    """Return the fields that a course keeps, a file as its digest."""
    files = {name: file.summary() for name, file in operation.files().items()}
    fields = operation.wire_fields() | files
    return {
        name: value
        for name, value in fields.items()
        if name not in _OF_THE_ROSTER and (name, value) != _UNCHANGED
    }


def _bad_expiry(expiry: object, now: float, longest: int) -> Code | None:
    """Check a course's expiry; 0 is never."""
    if not isinstance(expiry, int) or not expiry:
        return None
    if expiry < now + SHORTEST:
        return Code.EXPIRES_TOO_SOON
    return Code.EXPIRES_TOO_LATE if expiry > now + longest else None


def _too_early(institution: Institution, operation: EditCourse, expiry: object) -> Code | None:
    """Check that the course does not expire before its last lesson ends."""
    ends = [lesson.end_time for lesson in institution.lessons.of(operation.course_id)]
    early = isinstance(expiry, int) and expiry and expiry < max(ends, default=0)
    return Code.EXPIRES_BEFORE_LAST_LESSON if early else None


def _unfit(institution: Institution, operation: Operation, head: int) -> Code | None:
    """Check whether somebody can head a course."""
    people = institution.people
    if people.user(head) is None and Code.NO_SUCH_HEAD_TEACHER in operation.spec.codes:
        return Code.NO_SUCH_HEAD_TEACHER
    if people.is_deactivated_teacher(head):
        return Code.HEAD_TEACHER_DEACTIVATED
    if people.is_cancelled(head):
        return Code.HEAD_TEACHER_CANCELLED
    return None if people.is_teacher(head) else Code.HEAD_TEACHER_NOT_HERE


def _unfit_to_follow(
    institution: Institution, operation: EditCourse, head: int, now: float
) -> Code | None:
    """Check whether somebody can take over this course from its head teacher."""
    roster = institution.rosters.of(operation.course_id)
    if code := _unfit(institution, operation, head):
        return code
    if head in roster.students:
        return Code.STUDENT_AS_HEAD_TEACHER
    if head in roster.auditors:
        return Code.AUDITOR_AS_HEAD_TEACHER
    former = roster.head_teacher
    if former in (None, head) or operation.stamp is not FormerHeadTeacher.LEAVES:
        return None
    busy = has_lessons(institution, operation.course_id, former, now)
    return Code.HEAD_TEACHER_HAS_LESSONS if busy else None


def bad_labels(institution: Institution, label_ids: tuple[int, ...]) -> Code | None:
    """Check that the institution has all these labels."""
    strange = [label_id for label_id in label_ids if label_id not in institution.labels]
    if not strange:
        return None
    foreign = institution.elsewhere(lambda other: any(one in other.labels for one in strange))
    return Code.SOME_LABELS_FOREIGN if foreign else Code.SOME_LABELS_MISSING
