"""Units and activities of a class, the newer half of the API (LMS)."""

from enum import IntEnum
from typing import Annotated

from annotated_types import MinLen
from pydantic import Field

from worker.classin.endpoint import v2
from worker.classin.field_rules import AtLeastOne
from worker.classin.field_types import ActivityId, Chars, CourseId, Moment, Uid, UnitId
from worker.classin.operation import Bulk, Idempotency, Operation


class Publication(IntEnum):
    """Whether the members of the class see a unit."""

    DRAFT = 0
    PUBLISHED = 2


class ActivityType(IntEnum):
    """What an activity is, other than a classroom."""

    HOMEWORK = 2
    QUIZ = 3
    RECORDED_LESSON = 4
    LEARNING_MATERIAL = 5
    DISCUSSION = 6
    ANSWER_SHEET = 7
    CHECK_IN = 8  # a task that recurs


class CreateUnit(
    Operation,
    endpoint=v2("/lms/unit/create"),
    idempotency=Idempotency.CONFLICT_DETECTED,
    lane="course_id",
    codes=(
        1, 147, 29200, 29208, 29213, 40031, 21601030, 101001001, 101002005, 101002006, 101002008,
        121601018, 121601020, 121601021, 121601022, 121601023,
    ),
    done=[29213],
    already=[29208],
):  # fmt: skip
    """Create a unit in a class.

    A repeat answers 29208 without the unit's id, and no operation lists units.
    Source: LMS/createUnit
    """

    course_id: CourseId
    name: Annotated[str, Chars(1, 50)] = Field(description="new within the class, drafts included")
    publish_flag: Publication
    content: Annotated[str, Chars()] | None = Field(default=None, description="introduction")


class UpdateUnit(
    Operation,
    endpoint=v2("/lms/unit/update"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 147, 40004, 40020, 50003, 101001001, 101002005, 101002006, 101002008, 121601020,
        121601021, 121601022, 121601023,
    ),
    rules=[AtLeastOne("name", "content", "publish_flag")],
):  # fmt: skip
    """Edit a unit; only the fields given are changed.

    Publishing it does not publish its activities: see release_activity.
    Source: LMS/updateUnit
    """

    course_id: CourseId
    unit_id: UnitId
    name: Annotated[str, Chars(1, 50)] | None = Field(
        default=None, description="new within the class"
    )
    content: Annotated[str, Chars()] | None = Field(default=None, description="introduction")
    publish_flag: Publication | None = Field(
        default=None, description="what is published cannot become a draft again"
    )


class DeleteUnit(
    Operation,
    endpoint=v2("/lms/unit/delete"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 147, 29057, 29060, 40001, 40020, 101001001, 101002005, 101002006, 101002008, 121601020,
        121601021, 121601022, 121601023,
    ),
    already=[40020],
):  # fmt: skip
    """Delete a unit and its activities.

    Refused when a classroom in it runs or has ended. A repeat answers 40020, and so does a wrong
    id.
    Source: LMS/deleteUnit
    """

    course_id: CourseId
    unit_id: UnitId


class MoveActivities(
    Operation,
    endpoint=v2("/lms/unit/move"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 147, 29046, 29048, 29050, 29138, 29203, 50004, 101001001, 101002005, 101002006,
        101002008, 121601020, 121601021, 121601022, 121601023,
    ),
):  # fmt: skip
    """Move all activities of one unit to another.

    Source: LMS/moveActivity
    """

    course_id: CourseId
    unit_id: UnitId = Field(description="the unit that they leave")
    to_unit_id: UnitId = Field(description="another unit of the class", examples=[123457])


class CreateActivityNoClass(
    Operation,
    endpoint=v2("/lms/activity/createActivityNoClass"),
    idempotency=Idempotency.UNSAFE,
    lane="course_id",
    codes=(
        1, 147, 40020, 40031, 101001001, 101002005, 101002006, 101002008, 121601020, 121601021,
        121601022, 121601023,
    ),
):  # fmt: skip
    """Create the draft of an activity other than a classroom.

    release_activity publishes it. A unit holds at most 100 activities.
    Source: LMS/createActivityNoClass
    """

    course_id: CourseId
    unit_id: UnitId
    activity_type: ActivityType
    name: Annotated[str, Chars(1, 50)]
    teacher_uid: Uid = Field(description="joins the class if not yet in it")
    start_time: Moment | None = Field(default=None, description="at most 3 years ahead")
    end_time: Moment | None = None


class ReleaseActivity(
    Operation,
    endpoint=v2("/lms/activity/release"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 147, 29149, 29184, 29601, 30002, 101001001, 101002005, 101002006, 101002008, 110100065,
        121601020, 121601021, 121601022, 121601023,
    ),
    already=[29184],
):  # fmt: skip
    """Publish an activity of any kind.

    One a call: the page's table has a list of them, which ClassIn refuses. Homework without content
    is refused (29601), and no operation fills it in: that is done in the client.
    Source: LMS/releaseActivity
    """

    course_id: CourseId
    activity_id: ActivityId


class DeleteActivity(
    Operation,
    endpoint=v2("/lms/activity/delete"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 147, 29149, 30002, 40005, 40006, 101001001, 101002005, 101002006, 101002008, 121601020,
        121601021, 121601022, 121601023,
    ),
    already=[29149],
):  # fmt: skip
    """Delete an activity of any kind.

    Refused for a classroom that runs or has ended.
    Source: LMS/deleteActivity
    """

    course_id: CourseId
    activity_id: ActivityId


class AddActivityStudents(
    Operation,
    endpoint=v2("/lms/activity/addStudent"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 147, 29149, 30002, 40030, 101002005, 101002006, 101002008, 110100069, 110100070,
        121601020, 121601021, 121601022, 121601023,
    ),
    bulk=Bulk("student_uids", echo=("studentUid",)),
):  # fmt: skip
    """Add students to an activity, other than homework and quizzes.

    A new activity has all members of the class. A classroom takes any student of the institution,
    another activity only members of the class. A repeat answers 1.
    Source: LMS/addStudent
    """

    course_id: CourseId
    activity_id: ActivityId
    student_uids: Annotated[tuple[Uid, ...], MinLen(1)]


class DeleteActivityStudents(
    Operation,
    endpoint=v2("/lms/activity/deleteStudent"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 147, 29149, 30002, 30008, 101002005, 101002006, 101002008, 110100069, 121601020,
        121601021, 121601022, 121601023,
    ),
):  # fmt: skip
    """Remove students from an activity, other than homework and quizzes.

    The answer tells nothing of each student.
    Source: LMS/deleteStudent
    """

    course_id: CourseId
    activity_id: ActivityId
    student_uids: Annotated[tuple[Uid, ...], MinLen(1)]
