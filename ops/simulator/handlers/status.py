"""Whether a course can still be changed."""

from ops.simulator.handlers.registry import listed
from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.operation import Operation


def closed(
    institution: Institution, operation: Operation, course_id: int, now: float
) -> Code | None:
    """Return why an operation cannot use a course, in a code that its page lists.

    A state without a listed code does not hinder the operation.
    """
    course = institution.courses.get(course_id)
    if course is None:
        foreign = institution.elsewhere(lambda other: course_id in other.courses)
        ways = [Code.FOREIGN_COURSE] if foreign else []
        ways += [Code.NO_SUCH_COURSE, Code.COURSE_UNKNOWN]
    elif course.deleted:
        ways = [Code.COURSE_DELETED, Code.NO_SUCH_COURSE, Code.COURSE_UNKNOWN]
    elif course.ended:
        ways = [Code.COURSE_ENDED, Code.COURSE_FINISHED, Code.COURSE_OVER, Code.COURSE_EXPIRED]
    elif course.expired(now):
        ways = [Code.COURSE_EXPIRED, Code.COURSE_FINISHED, Code.COURSE_OVER]
    else:
        return None
    return listed(operation, *ways)
