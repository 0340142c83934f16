"""Validate a lesson draft, in codes that the operation's page lists."""

from ops.simulator.handlers.drafts import MOST_SEATS, SECOND_CAMERA, Draft
from ops.simulator.handlers.reach import TIMES
from ops.simulator.handlers.registry import listed
from ops.simulator.handlers.roles import unfit_teacher
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.endpoint import ApiVersion

#: Minimum seconds of a lesson's length, and of its start ahead.
SHORTEST, LONGEST, SOONEST = 15 * 60, 24 * 3600, 60
#: Maximum seconds that a lesson may start ahead: three years in version 1, two years else.
FARTHEST = {ApiVersion.V1: 3 * 366 * 24 * 3600, ApiVersion.V2: 2 * 366 * 24 * 3600}
#: Maximum students on stage with HD.
HD_SEATS = (1, 6)


def unfit(institution: Institution, draft: Draft, now: float) -> Code | None:
    """Return the code for an invalid lesson; its recording is checked elsewhere."""
    return (
        _bad_times(draft, now)
        or _bad_teacher(institution, draft)
        or _bad_co_teachers(institution, draft)
        or _bad_stage(draft)
        or _bad_folder(institution, draft)
    )


def contradictory(draft: Draft) -> bool:
    """Return whether live or replay is on without a recording."""
    lesson = draft.lesson
    return bool(draft.given & {"record", "live", "replay"}) and (
        not lesson.record and (lesson.live or lesson.replay)
    )


def _bad_times(draft: Draft, now: float) -> Code | None:
    if not draft.given & TIMES:
        return None
    begin, end = draft.lesson.begin_time, draft.lesson.end_time
    moved = draft.before is None or draft.before.begin_time != begin
    farthest = now + FARTHEST[draft.operation.spec.endpoint.version]
    out_of_range = (Code.START_OUT_OF_RANGE, Code.BAD_PARAMETERS, Code.BUSINESS_PARAMETER_ERROR)
    if end <= begin:
        return listed(draft.operation, Code.ENDS_BEFORE_START, Code.BAD_LESSON_LENGTH)
    if moved and begin < now + SOONEST:
        return listed(draft.operation, Code.STARTS_TOO_SOON, *out_of_range)
    if moved and begin > farthest:
        return listed(draft.operation, *out_of_range)
    return None if SHORTEST <= end - begin <= LONGEST else Code.BAD_LESSON_LENGTH


def _bad_teacher(institution: Institution, draft: Draft) -> Code | None:
    if "teacher_uid" not in draft.given:
        return None
    lesson, uid = draft.lesson, draft.lesson.teacher_uid
    if code := unfit_teacher(institution, lesson.course_id, uid):
        return code
    if uid in lesson.drop_ins:
        return listed(draft.operation, Code.DROP_IN_AS_TEACHER, Code.STUDENT_AS_TEACHER)
    if "assistant_uids" not in draft.given and uid in lesson.assistant_uids:
        return listed(draft.operation, Code.CO_TEACHER_AS_TEACHER, Code.TEACHER_AS_CO_TEACHER)
    return None


def _bad_co_teachers(institution: Institution, draft: Draft) -> Code | None:
    uids = draft.lesson.assistant_uids
    if "assistant_uids" not in draft.given:
        return None
    if len(set(uids)) < len(uids):
        return listed(draft.operation, Code.CO_TEACHER_TWICE, Code.BUSINESS_PARAMETER_ERROR)
    return next(filter(None, (_bad_co_teacher(institution, draft, uid) for uid in uids)), None)


def _bad_co_teacher(institution: Institution, draft: Draft, uid: int) -> Code | None:
    lesson, people = draft.lesson, institution.people
    roster = institution.rosters.of(lesson.course_id)
    tests: tuple[tuple[bool, tuple[Code, ...]], ...] = (
        (uid == lesson.teacher_uid, (Code.TEACHER_AS_ASSISTANT, Code.TEACHER_AS_CO_TEACHER)),
        (people.is_deactivated_teacher(uid), (Code.CO_TEACHER_DEACTIVATED,)),
        (people.is_cancelled(uid), (Code.CO_TEACHER_CANCELLED,)),
        (uid in roster.students, (Code.STUDENT_AS_CO_TEACHER,)),
        (uid in roster.auditors, (Code.AUDITOR_AS_CO_TEACHER,)),
        (uid in lesson.drop_ins, (Code.DROP_IN_AS_CO_TEACHER, Code.STUDENT_AS_CO_TEACHER)),
        (not people.is_teacher(uid), (Code.CO_TEACHER_NOT_HERE,)),
    )
    return next((listed(draft.operation, *ways) for wrong, ways in tests if wrong), None)


def _bad_stage(draft: Draft) -> Code | None:
    lesson = draft.lesson
    if not draft.given & {"seat_num", "is_hd", "is_dc"}:
        return None
    if lesson.seat_num > MOST_SEATS:
        return listed(draft.operation, Code.TOO_MANY_SEATS)
    if lesson.is_dc == SECOND_CAMERA and lesson.seat_num != 1:
        return listed(draft.operation, Code.NO_DUAL_CAMERA_HERE, Code.NO_DUAL_CAMERA_IN_CLASSROOM)
    if lesson.is_hd and lesson.seat_num not in HD_SEATS:
        return listed(draft.operation, Code.TOO_MANY_SEATS_FOR_HD, Code.BUSINESS_PARAMETER_ERROR)
    return None


def _bad_folder(institution: Institution, draft: Draft) -> Code | None:
    folder_id = draft.lesson.folder_id
    if "folder_id" not in draft.given or folder_id is None or folder_id in institution.drive:
        return None
    return listed(draft.operation, Code.FOLDER_NOT_IN_DRIVE)
