"""Recording, live and replay of lessons."""

from ops.simulator.handlers.checks import contradictory
from ops.simulator.handlers.drafts import changed_draft, more_data, wanted, webcast
from ops.simulator.handlers.entries import entry
from ops.simulator.handlers.reach import FIXED, reach, reach_within
from ops.simulator.handlers.registry import Answer, answers
from ops.simulator.handlers.status import closed
from ops.simulator.state.lessons import Lesson, Phase
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.endpoint import ApiVersion
from worker.classin.operations.broadcast import (
    DeleteClassVideo,
    GetWebcastUrl,
    LessonVideo,
    SetClassVideoMultiple,
    UpdateClassLockStatus,
)


@answers(SetClassVideoMultiple)
def set_class_video_multiple(
    institution: Institution, operation: SetClassVideoMultiple, now: float
) -> Answer:
    """Set the recording of each lesson or classroom, until 20 minutes before it."""
    if code := closed(institution, operation, operation.course_id, now):
        return Answer(code)
    entries = [_filmed(institution, operation, item, now) for item in operation.class_json]
    return Answer(Code.OK, entries)


@answers(DeleteClassVideo)
def delete_class_video(institution: Institution, operation: DeleteClassVideo, now: float) -> Answer:
    """Delete one clip, or all, of a lesson that is over."""
    lesson = _known(institution, operation.class_id)
    if lesson is None:
        return Answer(Code.LESSON_NOT_HERE)
    left = [clip for clip in lesson.clips if clip not in lesson.deleted_clips]
    wanted_clips = left if operation.file_id is None else [operation.file_id]
    if lesson.phase(now) is not Phase.OVER:
        return Answer(Code.LESSON_NOT_OVER)
    if not lesson.record:
        return Answer(Code.NOT_RECORDED)
    if operation.file_id in lesson.deleted_clips:
        return Answer(Code.CLIP_GONE)
    if operation.file_id is not None and operation.file_id not in left:
        return Answer(Code.NO_SUCH_CLIP)
    if not left:
        return Answer(Code.VIDEOS_GONE)
    if lesson.locked:
        return Answer(Code.VIDEO_LOCKED)
    institution.lessons.change(lesson, deleted_clips=(*lesson.deleted_clips, *wanted_clips))
    return Answer(Code.OK)


@answers(UpdateClassLockStatus)
def update_class_lock_status(
    institution: Institution, operation: UpdateClassLockStatus, now: float
) -> Answer:
    """Lock or unlock the recordings of a lesson that is over."""
    lesson = _known(institution, operation.class_id)
    if lesson is None:
        return Answer(Code.LESSON_NOT_HERE)
    if lesson.phase(now) is not Phase.OVER:
        return Answer(Code.LOCK_BEFORE_END)
    institution.lessons.change(lesson, locked=operation.is_lock)
    return Answer(Code.OK)


@answers(GetWebcastUrl)
def get_webcast_url(institution: Institution, operation: GetWebcastUrl, now: float) -> Answer:
    """Return the web page of a course, or of one of its lessons."""
    course_id, class_id = operation.course_id, operation.class_id
    if class_id is None:
        code = closed(institution, operation, course_id, now)
        return Answer(code) if code else Answer(Code.OK, webcast(course_id))
    lesson = reach(institution, operation, course_id, class_id, now)
    if isinstance(lesson, Code):
        return Answer(lesson)
    return Answer(Code.OK, webcast(course_id, class_id))


def _filmed(
    institution: Institution, operation: SetClassVideoMultiple, item: LessonVideo, now: float
) -> dict[str, object]:
    """Set the recording of one lesson, and return its entry."""
    lesson = reach_within(institution, operation, operation.course_id, item.class_id)
    if isinstance(lesson, Code):
        return entry(lesson, customColumn=item.custom_column)
    draft = changed_draft(operation, lesson, wanted(item, ApiVersion.V1))
    if contradictory(draft):
        return entry(Code.RECORDING_NEEDED, customColumn=item.custom_column)
    if lesson.begin_time - now < FIXED:
        return entry(Code.VIDEO_FIXED, customColumn=item.custom_column)
    changed = institution.lessons.change(lesson, **draft.said)
    return entry(Code.OK, customColumn=item.custom_column, more_data=more_data(changed))


def _known(institution: Institution, class_id: int) -> Lesson | None:
    """Return a lesson that is not deleted."""
    lesson = institution.lessons.find(class_id)
    return None if lesson is None or lesson.deleted else lesson
