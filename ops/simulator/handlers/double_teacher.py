"""Online double-teacher lessons: a main lesson that sub-lessons of other courses follow."""

from ops.simulator.handlers.checks import contradictory, unfit
from ops.simulator.handlers.drafts import (
    Draft,
    changed_draft,
    live_info,
    live_url,
    new_draft,
    wanted,
)
from ops.simulator.handlers.entries import entry_v2
from ops.simulator.handlers.lessons import enlist
from ops.simulator.handlers.reach import FIXED, TIMES, reach, settled
from ops.simulator.handlers.registry import Answer, answers, listed
from ops.simulator.handlers.status import closed
from ops.simulator.state.lessons import Lesson, Phase
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.endpoint import ApiVersion
from worker.classin.operations.double_teacher import (
    AddDoubleTeacherClass,
    DeleteDoubleTeacherClass,
    EditDoubleTeacherClass,
    SubLesson,
)

#: Maximum sub-lessons per call, and per main lesson.
MOST_AT_ONCE, MOST_IN_ALL = 20, 100
#: What a sub-lesson takes from its main lesson.
_OF_THE_MAIN = TIMES | {"teacher_uid"}


@answers(AddDoubleTeacherClass)
def add_double_teacher_class(
    institution: Institution, operation: AddDoubleTeacherClass, now: float
) -> Answer:
    """Create each valid sub-lesson; return an entry for every one."""
    course_id, items = operation.main_course_id, operation.sub_class_json
    main = reach(institution, operation, course_id, operation.main_class_id, now)
    if main is Code.NO_SUCH_LESSON:
        return Answer(Code.NO_MAIN_LESSON)
    if isinstance(main, Code):
        return Answer(main)
    if main.main_class_id is not None:  # a sub-lesson leads no others
        return Answer(Code.NO_MAIN_LESSON)
    if code := settled(operation, main, TIMES, now):
        return Answer(code)
    if len(items) > MOST_AT_ONCE:
        return Answer(Code.FIELD_MISSING)
    if len(institution.lessons.subs(main)) + len(items) > MOST_IN_ALL:
        return Answer(Code.TOO_MANY_SUB_LESSONS)
    entries = [_add_sub(institution, operation, main, item, now) for item in items]
    told = {"mainClassId": main.class_id, "mainCourseId": main.course_id}
    return Answer(Code.OK, {**told, "subClassData": entries})


@answers(EditDoubleTeacherClass)
def edit_double_teacher_class(
    institution: Institution, operation: EditDoubleTeacherClass, now: float
) -> Answer:
    """Set the given fields; sub-lessons share teacher and times of the main lesson."""
    lesson = reach(institution, operation, operation.course_id, operation.class_id, now)
    if isinstance(lesson, Code):
        return Answer(lesson)
    if not institution.lessons.has_two_teachers(lesson):
        return Answer(Code.NOT_DOUBLE_TEACHER)
    draft = changed_draft(operation, lesson, wanted(operation, ApiVersion.V2))
    if lesson.main_class_id is not None and draft.given & _OF_THE_MAIN:
        return Answer(Code.SUB_LESSON_FIXED)
    filmed = draft.given & {"record", "live", "replay"} and lesson.begin_time - now < FIXED
    refusal = (
        settled(operation, lesson, draft.given, now)
        or (Code.LESSON_ALMOST_RUNNING if filmed else None)
        or unfit(institution, draft, now)
        or _bad_video(draft)
    )
    if refusal:
        return Answer(refusal)
    shared = {name: value for name, value in draft.said.items() if name in _OF_THE_MAIN}
    followers = [
        _follow(institution, changed_draft(operation, sub, shared), sub, now)
        for sub in institution.lessons.subs(lesson)
    ]
    return Answer(Code.OK, [_change(institution, draft, lesson), *followers])


@answers(DeleteDoubleTeacherClass)
def delete_double_teacher_class(
    institution: Institution, operation: DeleteDoubleTeacherClass, now: float
) -> Answer:
    """Delete a lesson that has not begun; a main one with its sub-lessons."""
    lesson = reach(institution, operation, operation.course_id, operation.class_id, now)
    if isinstance(lesson, Code):
        return Answer(lesson)
    if not institution.lessons.has_two_teachers(lesson):
        return Answer(Code.NOT_DOUBLE_TEACHER)
    if lesson.phase(now) is not Phase.AHEAD:
        return Answer(Code.LESSON_GONE)
    entries = []
    for one in (lesson, *institution.lessons.subs(lesson)):
        institution.lessons.delete(one)
        entries.append(entry_v2(Code.OK, classId=one.class_id))
    return Answer(Code.OK, entries)


def _add_sub(
    institution: Institution,
    operation: AddDoubleTeacherClass,
    main: Lesson,
    item: SubLesson,
    now: float,
) -> dict[str, object]:
    """Create one sub-lesson, and return its entry.

    No page says with which code an earlier id comes back: here "a parameter breaks a rule".
    """
    echo = {
        "courseId": item.course_id,
        "className": item.class_name,
        "uniqueIdentity": item.unique_identity,
    }
    if (earlier := institution.lessons.identified(item.unique_identity)) is not None:
        return entry_v2(Code.BUSINESS_PARAMETER_ERROR, classId=earlier.class_id, **echo)
    draft = new_draft(
        operation,
        item.course_id,
        wanted(item, ApiVersion.V2),
        main_class_id=main.class_id,
        teacher_uid=main.teacher_uid,
        begin_time=main.begin_time,
        end_time=main.end_time,
    )
    refusal = (
        closed(institution, operation, item.course_id, now)
        or _same_course(institution, main, item.course_id)
        or unfit(institution, draft, now)
        or _bad_video(draft)
    )
    if refusal:
        return entry_v2(refusal, **echo)
    lesson = institution.lessons.add(draft.lesson)
    enlist(institution, lesson)
    return entry_v2(Code.OK, classId=lesson.class_id, **echo, **_addresses(lesson))


def _same_course(institution: Institution, main: Lesson, course_id: int) -> Code | None:
    """Check that every lesson of the group is in a course of its own."""
    taken = {main.course_id, *(sub.course_id for sub in institution.lessons.subs(main))}
    return Code.SAME_COURSE_TWICE if course_id in taken else None


def _bad_video(draft: Draft) -> Code | None:
    """Check the recording: no live without it, and none beyond the main lesson's."""
    lesson = draft.lesson
    own = lesson.record or lesson.live or lesson.replay
    if contradictory(draft) or (draft.said.get("useCoMainRecord") and own):
        return listed(draft.operation, Code.RECORDING_AGAINST_LIVE, Code.LIVE_AGAINST_RECORDING)
    return None


def _follow(institution: Institution, draft: Draft, sub: Lesson, now: float) -> dict[str, object]:
    """Apply the main lesson's edit to a sub-lesson, and return its entry."""
    if code := unfit(institution, draft, now):
        return entry_v2(code, isMainClass=0, classId=sub.class_id)
    return _change(institution, draft, sub)


def _change(institution: Institution, draft: Draft, lesson: Lesson) -> dict[str, object]:
    """Apply a draft to a lesson, and return its entry."""
    changed = institution.lessons.change(lesson, **draft.said)
    enlist(institution, changed)
    is_main = int(lesson.main_class_id is None)
    return entry_v2(Code.OK, isMainClass=is_main, classId=lesson.class_id, **_addresses(changed))


def _addresses(lesson: Lesson) -> dict[str, object]:
    return {"liveUrl": live_url(lesson), "liveInfo": live_info(lesson)}
