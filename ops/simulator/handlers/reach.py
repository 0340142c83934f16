"""Whether a lesson is within an operation's reach, in codes that the operation's page lists.

A state without a listed code does not hinder the operation.
"""

from collections.abc import Set as AbstractSet

from ops.simulator.handlers.registry import listed
from ops.simulator.handlers.status import closed
from ops.simulator.state.lessons import Lesson, Phase
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.operation import Operation

#: Seconds before the start from which most parts, more parts, and the time are fixed.
FIXED, MORE_FIXED, TIME_FIXED = 20 * 60, 5 * 60, 60
#: Parts that can change until the end.
TEACHERS = frozenset({"teacher_uid", "assistant_uids"})
TIMES = frozenset({"begin_time", "end_time"})
#: Parts that are fixed some time before the start.
_SETTLED = TIMES | {
    "class_name", "folder_id", "seat_num", "is_hd", "is_dc",
    "isAutoOnstage", "teachMode", "cameraHide",
}  # fmt: skip


def reach(
    institution: Institution, operation: Operation, course_id: int, class_id: int, now: float
) -> Lesson | Code:
    """Return a lesson of a course, or why the operation cannot use it."""
    if code := closed(institution, operation, course_id, now):
        return code
    return reach_within(institution, operation, course_id, class_id)


def reach_within(
    institution: Institution, operation: Operation, course_id: int, class_id: int
) -> Lesson | Code:
    """Return a lesson of a course that was checked already."""
    lesson = institution.lessons.find(class_id)
    if lesson is None:
        foreign = institution.elsewhere(lambda other: class_id in other.lessons)
        ways = [Code.FOREIGN_LESSON] if foreign else []
        ways += [Code.NO_SUCH_LESSON, Code.LESSON_NOT_IN_COURSE]
    elif lesson.course_id != course_id:
        ways = [Code.LESSON_NOT_IN_COURSE, Code.NO_SUCH_LESSON]
    elif lesson.deleted:
        ways = [Code.LESSON_DELETED, Code.LESSON_GONE, Code.NO_SUCH_LESSON]
    elif lesson.is_classroom and not institution.lessons.has_two_teachers(lesson):
        ways = [Code.MADE_AS_CLASSROOM]
    else:
        return lesson
    return listed(operation, *ways) or lesson or Code.NO_SUCH_LESSON


def singly_taught(institution: Institution, operation: Operation, lesson: Lesson) -> Code | None:
    """Refuse double-teacher lessons, which have operations of their own."""
    if not institution.lessons.has_two_teachers(lesson):
        return None
    return listed(operation, Code.TYPE_NOT_SUPPORTED, Code.BUSINESS_PARAMETER_ERROR)


def settled(
    operation: Operation, lesson: Lesson, given: AbstractSet[str], now: float
) -> Code | None:
    """Return why these parts of a lesson can no longer change."""
    teachers_only = given <= TEACHERS
    match lesson.phase(now):
        case Phase.OVER:
            ended = (Code.LESSON_ENDED, Code.TEACHERS_FIXED)
            return listed(operation, *(reversed(ended) if teachers_only else ended))
        case Phase.RUNNING:
            return None if teachers_only else listed(operation, Code.LESSON_RUNNING)
        case Phase.AHEAD:
            return _too_late(operation, lesson.begin_time - now, given)


def _too_late(operation: Operation, left: float, given: AbstractSet[str]) -> Code | None:
    """Return the parts that are fixed so many seconds before the start."""
    ways: list[Code] = []
    if left < TIME_FIXED and given & TIMES:
        ways.append(Code.TIME_FIXED)
    if left < MORE_FIXED and given & _SETTLED:
        ways.append(Code.LESSON_ABOUT_TO_RUN)
    if left < FIXED and given & _SETTLED:
        ways.append(Code.LESSON_ALMOST_RUNNING)
    return listed(operation, *ways)
