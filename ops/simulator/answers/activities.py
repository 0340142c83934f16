"""Units and activities of a class."""

from ops.simulator.answers.registry import Answer, answers
from ops.simulator.world import Institution
from worker.classin.codes import Code
from worker.classin.operations.activities import CreateUnit


@answers(CreateUnit)
def create_unit(institution: Institution, operation: CreateUnit, now: float) -> Answer:
    """Make a unit, unless the class has one of that name."""
    del now
    course_id = operation.course_id
    if course_id not in institution.courses:
        foreign = institution.elsewhere(lambda other: course_id in other.courses)
        return Answer(Code.FOREIGN_COURSE if foreign else Code.COURSE_UNKNOWN)
    if institution.has_unit(course_id, operation.name):
        return Answer(Code.UNIT_NAME_TAKEN)
    unit = institution.add_unit(
        course_id, operation.name, operation.publish_flag, operation.content or ""
    )
    return Answer(Code.OK, {"name": unit.name, "unitId": unit.unit_id})
