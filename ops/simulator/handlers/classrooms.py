"""Classrooms, the lessons of the newer half of the API."""

from ops.simulator.handlers.checks import contradictory, unfit
from ops.simulator.handlers.drafts import changed_draft, more_data, new_draft, wanted
from ops.simulator.handlers.lessons import enlist
from ops.simulator.handlers.reach import FIXED, settled, singly_taught
from ops.simulator.handlers.registry import Answer, answers
from ops.simulator.handlers.status import closed
from ops.simulator.state.lessons import Lesson
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.endpoint import ApiVersion
from worker.classin.operations.classrooms import CreateClassroom, UpdateClassroom

#: Maximum activities in a unit.
MOST_ACTIVITIES = 100


@answers(CreateClassroom)
def create_classroom(institution: Institution, operation: CreateClassroom, now: float) -> Answer:
    """Create a classroom, unless one has this unique identity.

    No page says what such a repeat answers: here "a parameter breaks a rule", the narrowest listed
    code, with the earlier ids.
    """
    earlier = institution.lessons.identified(operation.unique_identity)
    if earlier is not None:
        return Answer(Code.BUSINESS_PARAMETER_ERROR, _told(earlier))
    draft = new_draft(operation, operation.course_id, wanted(operation, ApiVersion.V2))
    refusal = (
        closed(institution, operation, operation.course_id, now)
        or _bad_unit(institution, operation.course_id, operation.unit_id, Code.TOO_MANY_UNITS)
        or unfit(institution, draft, now)
        or (Code.BUSINESS_PARAMETER_ERROR if contradictory(draft) else None)
    )
    if refusal:
        return Answer(refusal)
    lesson = institution.activities.add_classroom(draft.lesson)
    enlist(institution, lesson)
    return Answer(Code.OK, _told(lesson))


@answers(UpdateClassroom)
def update_classroom(institution: Institution, operation: UpdateClassroom, now: float) -> Answer:
    """Set the given fields; the others stay."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    lesson = _reach(institution, operation)
    if isinstance(lesson, Code):
        return Answer(lesson)
    draft = changed_draft(operation, lesson, wanted(operation, ApiVersion.V2))
    filmed = draft.given & {"record", "live", "replay"} and lesson.begin_time - now < FIXED
    refusal = (
        singly_taught(institution, operation, lesson)
        or settled(operation, lesson, draft.given, now)
        or (Code.LESSON_ALMOST_RUNNING if filmed else None)
        or unfit(institution, draft, now)
        or (Code.LIVE_WITHOUT_RECORDING if contradictory(draft) else None)
    )
    if refusal is None and operation.unit_id not in {None, lesson.unit_id}:
        refusal = _bad_unit(
            institution, operation.course_id, operation.unit_id, Code.TOO_MANY_ENTRIES
        )
    if refusal:
        return Answer(refusal)
    institution.activities.change(lesson, **draft.said)
    changed = institution.lessons[lesson.class_id]
    enlist(institution, changed)
    told = {"activityId": changed.activity_id, "name": changed.name, **more_data(changed)}
    return Answer(Code.OK, told)


def _reach(institution: Institution, operation: UpdateClassroom) -> Lesson | Code:
    """Return the classroom, or why it is out of reach."""
    lesson = institution.activities.find(operation.activity_id)
    if not isinstance(lesson, Lesson):
        return Code.NO_SUCH_LESSON
    if lesson.course_id != operation.course_id:
        return Code.LESSON_NOT_IN_COURSE
    return Code.LESSON_DELETED if lesson.deleted else lesson


def _bad_unit(
    institution: Institution, course_id: int, unit_id: int | None, full: Code
) -> Code | None:
    """Check a classroom's unit; without one, the default unit is used."""
    if unit_id is None:
        return None
    if institution.units.find(course_id, unit_id) is None:
        return Code.BUSINESS_PARAMETER_ERROR
    return full if len(institution.activities.of(unit_id)) >= MOST_ACTIVITIES else None


def _told(lesson: Lesson) -> dict[str, object]:
    ids = {"activityId": lesson.activity_id, "classId": lesson.class_id}
    return {**ids, "name": lesson.name, **more_data(lesson)}
