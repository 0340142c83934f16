"""Units and activities of a class."""

from ops.simulator.handlers.classrooms import MOST_ACTIVITIES
from ops.simulator.handlers.entries import entry_v2
from ops.simulator.handlers.lesson_rosters import join, leave
from ops.simulator.handlers.reach import singly_taught
from ops.simulator.handlers.registry import Answer, answers
from ops.simulator.handlers.status import closed
from ops.simulator.state.activities import Activity, Task
from ops.simulator.state.lessons import Lesson, Phase
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.operations.activities import (
    ActivityType,
    AddActivityStudents,
    CreateActivityNoClass,
    CreateUnit,
    DeleteActivity,
    DeleteActivityStudents,
    DeleteUnit,
    MoveActivities,
    Publication,
    ReleaseActivity,
    UpdateUnit,
)

#: Maximum seconds that an activity may start ahead: three years.
FARTHEST = 3 * 366 * 24 * 3600
#: Kinds of activity whose students cannot change.
_FOR_ALL = frozenset({ActivityType.HOMEWORK, ActivityType.QUIZ})


@answers(CreateUnit)
def create_unit(institution: Institution, operation: CreateUnit, now: float) -> Answer:
    """Create a unit, unless the class has one of that name."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    if institution.units.named(operation.course_id, operation.name):
        return Answer(Code.UNIT_NAME_TAKEN)
    unit = institution.units.add(
        operation.course_id, operation.name, operation.publish_flag, operation.content or ""
    )
    return Answer(Code.OK, {"name": unit.name, "unitId": unit.unit_id})


@answers(UpdateUnit)
def update_unit(institution: Institution, operation: UpdateUnit, now: float) -> Answer:
    """Set the given fields; a unit may be given its own name again."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    unit = institution.units.find(operation.course_id, operation.unit_id)
    if unit is None:
        return Answer(Code.NO_SUCH_UNIT)
    if unit.publish_flag and operation.publish_flag is Publication.DRAFT:
        return Answer(Code.NO_WAY_BACK_TO_DRAFT)
    holder = institution.units.named(unit.course_id, operation.name or unit.name)
    if holder is not None and holder.unit_id != unit.unit_id:
        return Answer(Code.UNIT_RENAMED_TO_TAKEN)
    fields = operation.model_dump(
        mode="json", include={"name", "content", "publish_flag"}, exclude_none=True
    )
    institution.units.change(unit, **fields)
    return Answer(Code.OK, {"unitId": unit.unit_id})


@answers(DeleteUnit)
def delete_unit(institution: Institution, operation: DeleteUnit, now: float) -> Answer:
    """Delete a unit and its activities, unless a classroom in it has begun."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    unit = institution.units.find(operation.course_id, operation.unit_id)
    if unit is None:
        return Answer(Code.NO_SUCH_UNIT)
    activities = institution.activities.of(unit.unit_id)
    if any(isinstance(one, Lesson) and one.phase(now) is not Phase.AHEAD for one in activities):
        return Answer(Code.UNIT_HAS_CLASSROOM)
    for activity in activities:
        institution.activities.delete(activity)
    institution.units.delete(unit)
    return Answer(Code.OK, {"unitId": unit.unit_id})


@answers(MoveActivities)
def move_activities(institution: Institution, operation: MoveActivities, now: float) -> Answer:
    """Move all activities of a unit to another; the emptied unit stays."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    if operation.unit_id == operation.to_unit_id:
        return Answer(Code.SAME_UNIT)
    source = institution.units.find(operation.course_id, operation.unit_id)
    target = institution.units.find(operation.course_id, operation.to_unit_id)
    if source is None:
        return Answer(Code.UNIT_UNKNOWN)
    if target is None:
        return Answer(Code.NO_TARGET_UNIT)
    moving = institution.activities.of(source.unit_id)
    if len(moving) + len(institution.activities.of(target.unit_id)) > MOST_ACTIVITIES:
        return Answer(Code.TARGET_UNIT_FULL)
    for activity in moving:
        institution.activities.change(activity, unit_id=target.unit_id)
    return Answer(Code.OK)


@answers(CreateActivityNoClass)
def create_activity_no_class(
    institution: Institution, operation: CreateActivityNoClass, now: float
) -> Answer:
    """Create the draft of an activity; its teacher joins the class."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    if institution.units.find(operation.course_id, operation.unit_id) is None:
        return Answer(Code.NO_SUCH_UNIT)
    if len(institution.activities.of(operation.unit_id)) >= MOST_ACTIVITIES:
        return Answer(Code.TOO_MANY_UNITS)
    drafted = Task.model_validate({"activity_id": 0, **operation.wire_fields()})
    begin, end = drafted.start_time or 0, drafted.end_time
    if not institution.people.is_teacher(drafted.teacher_uid) or begin > now + FARTHEST:
        return Answer(Code.BUSINESS_PARAMETER_ERROR)
    if end is not None and end <= begin:
        return Answer(Code.BUSINESS_PARAMETER_ERROR)
    task = institution.activities.add_task(drafted)
    roster = institution.rosters.of(task.course_id)
    roster.teachers |= {task.teacher_uid} - roster.staff
    return Answer(Code.OK, {"name": task.name, "activityId": task.activity_id})


@answers(ReleaseActivity)
def release_activity(institution: Institution, operation: ReleaseActivity, now: float) -> Answer:
    """Publish an activity; homework needs content, which only the client can add."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    activity = _reach(institution, operation.course_id, operation.activity_id)
    if isinstance(activity, Code):
        return Answer(activity)
    if activity.published:
        return Answer(Code.PUBLISHED_ALREADY)
    if isinstance(activity, Task) and activity.activity_type == ActivityType.HOMEWORK:
        return Answer(Code.ACTIVITY_EMPTY)
    institution.activities.change(activity, published=True)
    return Answer(Code.OK, {"activityId": activity.activity_id, "name": activity.name})


@answers(DeleteActivity)
def delete_activity(institution: Institution, operation: DeleteActivity, now: float) -> Answer:
    """Delete an activity, but no classroom that has begun."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    activity = _reach(institution, operation.course_id, operation.activity_id)
    if isinstance(activity, Code):
        return Answer(activity)
    if isinstance(activity, Lesson):
        if code := singly_taught(institution, operation, activity):
            return Answer(code)
        if (phase := activity.phase(now)) is not Phase.AHEAD:
            running = phase is Phase.RUNNING
            return Answer(Code.CLASSROOM_RUNNING if running else Code.CLASSROOM_ENDED)
    institution.activities.delete(activity)
    return Answer(Code.OK, {"activityId": activity.activity_id, "name": activity.name})


@answers(AddActivityStudents)
def add_activity_students(
    institution: Institution, operation: AddActivityStudents, now: float
) -> Answer:
    """Add each student who can be added; an existing one counts as added."""
    activity = _open(institution, operation, now, Code.NO_ADDING_TO_ACTIVITY)
    if isinstance(activity, Code):
        return Answer(activity)
    codes = [_added(institution, activity, uid) for uid in operation.student_uids]
    entries = [
        entry_v2(code, studentUid=uid)
        for uid, code in zip(operation.student_uids, codes, strict=True)
    ]
    return Answer(Code.OK, entries)


@answers(DeleteActivityStudents)
def delete_activity_students(
    institution: Institution, operation: DeleteActivityStudents, now: float
) -> Answer:
    """Remove students from an activity; a missing one counts as removed."""
    activity = _open(institution, operation, now, Code.NO_REMOVING_FROM_ACTIVITY)
    if isinstance(activity, Code):
        return Answer(activity)
    if isinstance(activity, Lesson):
        for uid in operation.student_uids:
            leave(institution, activity.class_id, uid)
    else:
        absent = dict.fromkeys((*activity.absent, *operation.student_uids))
        institution.activities.change(activity, absent=tuple(absent))
    return Answer(Code.OK)


def _reach(institution: Institution, course_id: int, activity_id: int) -> Activity | Code:
    """Return an activity of a course, or why it is out of reach."""
    activity = institution.activities.find(activity_id)
    if activity is None or activity.course_id != course_id:
        return Code.NO_SUCH_ACTIVITY
    return Code.ACTIVITY_DELETED if activity.deleted else activity


def _open(
    institution: Institution,
    operation: AddActivityStudents | DeleteActivityStudents,
    now: float,
    fixed: Code,
) -> Activity | Code:
    """Return an activity whose students can change; `fixed` is the code of kinds that forbid it."""
    if code := closed(institution, operation, operation.course_id, now):
        return code
    activity = _reach(institution, operation.course_id, operation.activity_id)
    if isinstance(activity, Code):
        return activity
    if isinstance(activity, Task) and activity.activity_type in _FOR_ALL:
        return fixed
    return Code.ACTIVITY_ENDED if activity.end_time and activity.end_time <= now else activity


def _added(institution: Institution, activity: Activity, uid: int) -> Code:
    """Add one student: to a classroom any of the institution, else members of the class only."""
    if isinstance(activity, Lesson):
        if not institution.people.is_student(uid):
            return Code.BUSINESS_PARAMETER_ERROR
        join(institution, activity.class_id, uid)
        return Code.OK
    roster = institution.rosters.of(activity.course_id)
    if uid not in roster.students and uid not in roster.auditors:
        return Code.STUDENT_NOT_IN_COURSE
    task = institution.activities.find(activity.activity_id)
    if isinstance(task, Task) and uid in task.absent:
        absent = tuple(other for other in task.absent if other != uid)
        institution.activities.change(task, absent=absent)
    return Code.OK
