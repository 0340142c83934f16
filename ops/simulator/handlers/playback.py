"""Live and replay of classrooms, and who may watch them again."""

from ops.simulator.handlers.checks import contradictory
from ops.simulator.handlers.drafts import changed_draft, live_info, live_url, wanted
from ops.simulator.handlers.entries import entry_v2
from ops.simulator.handlers.reach import FIXED
from ops.simulator.handlers.registry import Answer, answers
from ops.simulator.handlers.roles import attends
from ops.simulator.handlers.status import closed
from ops.simulator.state.lessons import Lesson, Phase
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.endpoint import ApiVersion
from worker.classin.operations.playback import (
    AddPlaybackUser,
    DeletePlaybackUser,
    SetPlaybackAllForbidden,
    SetPlaybackAllViewable,
    SetWebcast,
)

_OfOne = SetWebcast | AddPlaybackUser | DeletePlaybackUser
_OfSeveral = SetPlaybackAllForbidden | SetPlaybackAllViewable

#: A password for viewers: only whether there is one is kept.
_PASSWORD = "watchPassword"  # noqa: S105  # the name of a field


@answers(SetWebcast)
def set_webcast(institution: Institution, operation: SetWebcast, now: float) -> Answer:
    """Set the given fields; recording and live are fixed 20 minutes before the start.

    Few of its codes are documented: one stands for every fault.
    """
    lesson = _classroom(institution, operation)
    if isinstance(lesson, Code) or closed(institution, operation, operation.course_id, now):
        return Answer(Code.BUSINESS_PARAMETER_ERROR)
    said = wanted(operation, ApiVersion.V2)
    if _PASSWORD in said:
        said[_PASSWORD] = bool(said[_PASSWORD])
    draft = changed_draft(operation, lesson, said)
    filmed = draft.given & {"record", "live", "replay", "recordType"}
    if contradictory(draft) or (filmed and lesson.begin_time - now < FIXED):
        return Answer(Code.BUSINESS_PARAMETER_ERROR)
    changed = institution.lessons.change(lesson, **draft.said)
    return Answer(Code.OK, {"liveUrl": live_url(changed), "liveInfo": live_info(changed)})


@answers(AddPlaybackUser)
def add_playback_user(institution: Institution, operation: AddPlaybackUser, now: float) -> Answer:
    """Allow each person who is related to the course to watch."""
    lesson = _watched(institution, operation, now)
    if isinstance(lesson, Code):
        return Answer(lesson)
    may = _eligible(institution, lesson)
    let = [uid for uid in operation.uid_list if uid in may]
    institution.lessons.change(
        lesson, viewers=(*dict.fromkeys((*_viewers(institution, lesson), *let)),)
    )
    others = [uid for uid in operation.uid_list if uid not in may]
    return _told(let, [entry_v2(Code.VIEWER_NOT_IN_COURSE, uid=uid) for uid in others])


@answers(DeletePlaybackUser)
def delete_playback_user(
    institution: Institution, operation: DeletePlaybackUser, now: float
) -> Answer:
    """Forbid each person to watch; one who may not already counts as done."""
    lesson = _watched(institution, operation, now)
    if isinstance(lesson, Code):
        return Answer(lesson)
    left = (uid for uid in _viewers(institution, lesson) if uid not in operation.uid_list)
    institution.lessons.change(lesson, viewers=(*left,))
    return _told(operation.uid_list, [])


@answers(SetPlaybackAllForbidden)
def set_playback_all_forbidden(
    institution: Institution, operation: SetPlaybackAllForbidden, now: float
) -> Answer:
    """Forbid everybody to watch the classrooms."""
    return _each(institution, operation, now, everybody=False)


@answers(SetPlaybackAllViewable)
def set_playback_all_viewable(
    institution: Institution, operation: SetPlaybackAllViewable, now: float
) -> Answer:
    """Allow everybody who is eligible to watch the classrooms."""
    return _each(institution, operation, now, everybody=True)


def _each(
    institution: Institution, operation: _OfSeveral, now: float, *, everybody: bool
) -> Answer:
    """Set the viewers of each classroom with a replay; return entries for the others."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    key, ids = "activityId", operation.activity_ids
    if ids is None:
        key, ids = "classId", operation.class_ids or ()
    done: list[int] = []
    failed: list[dict[str, object]] = []
    for one in ids:
        found = _find(institution, operation.course_id, **{key: one})
        code = found if isinstance(found, Code) else _unwatchable(found, now)
        if code or isinstance(found, Code):
            failed.append(entry_v2(code or Code.CLASSROOM_UNKNOWN, **{key: one}))
            continue
        viewers = _eligible(institution, found) if everybody else ()
        institution.lessons.change(found, viewers=(*sorted(viewers),))
        done.append(one)
    return _told(done, failed)


def _watched(
    institution: Institution, operation: AddPlaybackUser | DeletePlaybackUser, now: float
) -> Lesson | Code:
    """Return the classroom of a replay, or why there is none."""
    if code := closed(institution, operation, operation.course_id, now):
        return code
    lesson = _classroom(institution, operation)
    if isinstance(lesson, Code):
        return lesson
    return _unwatchable(lesson, now) or lesson


def _classroom(institution: Institution, operation: _OfOne) -> Lesson | Code:
    """Return a classroom by activity id, else by lesson id."""
    if operation.activity_id is not None:
        return _find(institution, operation.course_id, activityId=operation.activity_id)
    return _find(institution, operation.course_id, classId=operation.class_id)


def _find(
    institution: Institution,
    course_id: int,
    *,
    activityId: int | None = None,  # noqa: N803  # ClassIn's names, as an answer repeats them
    classId: int | None = None,  # noqa: N803  # as before
) -> Lesson | Code:
    """Return a classroom of a course, or why it is out of reach."""
    if activityId is None:
        lesson = institution.lessons.find(classId or 0)
        known = lesson is not None and lesson.is_classroom and not lesson.deleted
        if lesson is None or not known or lesson.course_id != course_id:
            return Code.REPLAYED_LESSON_UNKNOWN
        return lesson
    activity = institution.activities.find(activityId)
    if activity is None or activity.course_id != course_id:
        return Code.NO_SUCH_ACTIVITY
    if activity.deleted:
        return Code.ACTIVITY_DELETED
    return activity if isinstance(activity, Lesson) else Code.REPLAYED_LESSON_UNKNOWN


def _unwatchable(lesson: Lesson, now: float) -> Code | None:
    """Return why a classroom has no replay."""
    if lesson.phase(now) is not Phase.OVER:
        return Code.NO_REPLAY_YET
    return None if lesson.record else Code.NO_REPLAY_WITHOUT_RECORDING


def _viewers(institution: Institution, lesson: Lesson) -> tuple[int, ...]:
    """Return who may watch: by default, its teachers and students."""
    if lesson.viewers is not None:
        return lesson.viewers
    everybody = _eligible(institution, lesson) | set(lesson.drop_ins)
    students = institution.rosters.of(lesson.course_id).students
    return tuple(
        uid for uid in sorted(everybody) if uid not in students or attends(institution, lesson, uid)
    )


def _eligible(institution: Institution, lesson: Lesson) -> frozenset[int]:
    """Return who can be allowed to watch: its teachers, the course's, and the course's students."""
    roster = institution.rosters.of(lesson.course_id)
    return roster.staff | {lesson.teacher_uid, *lesson.assistant_uids} | roster.students.keys()


def _told(done: list[int] | tuple[int, ...], failed: list[dict[str, object]]) -> Answer:
    return Answer(Code.OK, {"successList": [*done], "failedList": failed})
