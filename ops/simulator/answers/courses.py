"""Courses."""

from ops.simulator.answers.registry import Answer, answers
from ops.simulator.world import Institution
from worker.classin.codes import Code
from worker.classin.operations.courses import EditCourse

#: Seconds that a course must, and may, live on.
SHORTEST = 24 * 3600
LONGEST = 366 * 24 * 3600  # a year that begins before a leap day is one, too


@answers(EditCourse)
def edit_course(institution: Institution, operation: EditCourse, now: float) -> Answer:
    """Set the fields given; the others stay."""
    course = institution.courses.get(operation.course_id)
    if course is None:
        return Answer(Code.NO_SUCH_COURSE)
    fields = operation.wire_fields()
    if code := _bad_expiry(fields.get("expiryTime"), now):
        return Answer(code)
    if operation.folder_id is not None and operation.folder_id not in institution.drive:
        return Answer(Code.FOLDER_NOT_IN_DRIVE)
    files = {name: file.summary() for name, file in operation.files().items()}
    institution.courses[course.course_id] = course.edited(fields | files)
    return Answer(Code.OK)


def _bad_expiry(expiry: int | None, now: float) -> Code | None:
    """Check when a course is to expire; 0 is never."""
    if not expiry:
        return None
    if expiry < now + SHORTEST:
        return Code.EXPIRES_TOO_SOON
    return Code.EXPIRES_TOO_LATE if expiry > now + LONGEST else None
