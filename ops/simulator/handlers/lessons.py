"""Lessons of API version 1."""

from ops.simulator.handlers.checks import contradictory, unfit
from ops.simulator.handlers.drafts import changed_draft, more_data, new_draft, wanted
from ops.simulator.handlers.entries import entry
from ops.simulator.handlers.reach import FIXED, reach, settled, singly_taught
from ops.simulator.handlers.registry import Answer, answers
from ops.simulator.handlers.status import closed
from ops.simulator.state.lessons import Lesson, Phase
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.endpoint import ApiVersion
from worker.classin.operation import Operation
from worker.classin.operations.lessons import (
    AddCourseClass,
    AddCourseClassMultiple,
    DelCourseClass,
    DelEndCourseClass,
    EditCourseClass,
    ModifyClassSeatNum,
    NewLesson,
)

VIDEO_OFF = {"record": False, "live": False, "replay": False}


@answers(AddCourseClass)
def add_course_class(institution: Institution, operation: AddCourseClass, now: float) -> Answer:
    """Create a lesson, unless one has this unique identity."""
    identity = operation.course_unique_identity
    if (earlier := institution.lessons.identified(identity)) is not None:
        return _told(Code.IDENTITY_TAKEN, earlier)
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    code, lesson = _make(institution, operation, operation, now)
    return Answer(code) if lesson is None else _told(code, lesson)


@answers(AddCourseClassMultiple)
def add_course_class_multiple(
    institution: Institution, operation: AddCourseClassMultiple, now: float
) -> Answer:
    """Create each valid lesson; return an entry for every one."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    entries, seen = [], set[str]()
    for item in operation.class_json:
        identity = item.course_unique_identity
        earlier = institution.lessons.identified(identity)
        if identity in seen:
            code, lesson = Code.THERE_ALREADY, None
        elif earlier is not None:
            code, lesson = Code.IDENTITY_TAKEN, earlier
        else:
            code, lesson = _make(institution, operation, item, now)
        seen |= {identity} if identity else set()
        told = _told(code, lesson) if lesson is not None else Answer(code)
        echo = {"className": item.class_name, "customColumn": item.custom_column}
        entries.append(entry(code, data=told.data, **echo, **(told.beside or {})))
    return Answer(Code.OK, entries)


@answers(EditCourseClass)
def edit_course_class(institution: Institution, operation: EditCourseClass, now: float) -> Answer:
    """Set the given fields; the others stay."""
    lesson = reach(institution, operation, operation.course_id, operation.class_id, now)
    if isinstance(lesson, Code):
        return Answer(lesson)
    draft = changed_draft(operation, lesson, wanted(operation, ApiVersion.V1))
    refusal = (
        singly_taught(institution, operation, lesson)
        or settled(operation, lesson, draft.given, now)
        or unfit(institution, draft, now)
    )
    if refusal:
        return Answer(refusal)
    code, kept = Code.OK, dict[str, bool]()
    if lesson.begin_time - now < FIXED and draft.lesson.record and not lesson.record:
        code, kept = Code.EDITED_TOO_LATE_TO_RECORD, _video(lesson)
    elif contradictory(draft):
        code, kept = Code.EDITED_BAD_RECORDING, _video(lesson)
    changed = institution.lessons.change(lesson, **{**draft.said, **kept})
    enlist(institution, changed)
    return Answer(code, beside={"more_data": more_data(changed)})


@answers(ModifyClassSeatNum)
def modify_class_seat_num(
    institution: Institution, operation: ModifyClassSeatNum, now: float
) -> Answer:
    """Change the stage of a lesson."""
    lesson = reach(institution, operation, operation.course_id, operation.class_id, now)
    if isinstance(lesson, Code):
        return Answer(lesson)
    # The default of the second camera is off.
    said = {"is_dc": 0, **wanted(operation, ApiVersion.V1)}
    draft = changed_draft(operation, lesson, said)
    refusal = (
        singly_taught(institution, operation, lesson)
        or settled(operation, lesson, draft.given, now)
        or (Code.SEATS_FIXED if lesson.begin_time - now < FIXED else None)
        or unfit(institution, draft, now)
    )
    if refusal:
        return Answer(refusal)
    institution.lessons.change(lesson, **draft.said)
    return Answer(Code.OK)


@answers(DelCourseClass)
def del_course_class(institution: Institution, operation: DelCourseClass, now: float) -> Answer:
    """Delete a lesson that has not begun."""
    lesson = reach(institution, operation, operation.course_id, operation.class_id, now)
    if isinstance(lesson, Code):
        return Answer(lesson)
    match lesson.phase(now):
        case Phase.RUNNING:
            return Answer(Code.LESSON_RUNNING)
        case Phase.OVER:
            return Answer(Code.LESSON_ENDED)
        case Phase.AHEAD:
            return _delete(institution, operation, lesson)


@answers(DelEndCourseClass)
def del_end_course_class(
    institution: Institution, operation: DelEndCourseClass, now: float
) -> Answer:
    """Delete a lesson that has ended; the refusal of others is undocumented."""
    lesson = reach(institution, operation, operation.course_id, operation.class_id, now)
    if isinstance(lesson, Code):
        return Answer(lesson)
    match lesson.phase(now):
        case Phase.RUNNING:
            return Answer(Code.LESSON_RUNNING)
        case Phase.AHEAD:
            return Answer(Code.TYPE_NOT_SUPPORTED)
        case Phase.OVER:
            return _delete(institution, operation, lesson)


def enlist(institution: Institution, lesson: Lesson) -> None:
    """Add a lesson's teachers to its course."""
    roster = institution.rosters.of(lesson.course_id)
    roster.teachers |= {lesson.teacher_uid, *lesson.assistant_uids} - roster.staff


def _make(
    institution: Institution, operation: Operation, item: AddCourseClass | NewLesson, now: float
) -> tuple[Code, Lesson | None]:
    """Create one lesson: return the code, and the lesson if there is one."""
    course_id = operation.wire_fields()["courseId"]
    draft = new_draft(operation, course_id, wanted(item, ApiVersion.V1))
    if code := unfit(institution, draft, now):
        return code, None
    code, drafted = Code.OK, draft.lesson
    if contradictory(draft):
        code, drafted = Code.CREATED_BAD_RECORDING, drafted.model_copy(update=VIDEO_OFF)
    lesson = institution.lessons.add(drafted)
    enlist(institution, lesson)
    return code, lesson


def _delete(institution: Institution, operation: Operation, lesson: Lesson) -> Answer:
    if code := singly_taught(institution, operation, lesson):
        return Answer(code)
    institution.lessons.delete(lesson)
    return Answer(Code.OK)


def _told(code: Code, lesson: Lesson) -> Answer:
    return Answer(code, lesson.class_id, beside={"more_data": more_data(lesson)})


def _video(lesson: Lesson) -> dict[str, bool]:
    return {"record": lesson.record, "live": lesson.live, "replay": lesson.replay}
