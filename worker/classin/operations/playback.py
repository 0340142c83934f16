"""Live and replay of classrooms: what is recorded and shown, and who may watch it again."""

from typing import Annotated

from annotated_types import MinLen
from pydantic import Field

from worker.classin.endpoint import v2
from worker.classin.field_rules import AtLeastOne
from worker.classin.field_types import (
    ActivityId,
    Chars,
    CourseId,
    Flag,
    LessonId,
    Sensitivity,
    Uid,
    WholeNumber,
)
from worker.classin.operation import Bulk, Idempotency, Operation
from worker.classin.operations.classrooms import RecordType
from worker.classin.operations.lessons import OmoBroadcast

ClassroomActivity = Annotated[
    ActivityId | None, Field(description="the classroom as an activity; counts if both are given")
]
ClassroomLesson = Annotated[
    LessonId | None, Field(description="the classroom as a lesson: activityId is advised instead")
]
Untold = Annotated[
    WholeNumber | None, Field(description="only its name is known: ask ClassIn before you send it")
]


class SetWebcast(
    Operation,
    endpoint=v2("/lms/activity/setWebcast"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(1, 101002005, 101002006, 101002008, 121601020),
    rules=[
        AtLeastOne("activity_id", "class_id"),
        AtLeastOne(
            "record_state", "record_type", "live_state", "open_state", "use_co_main_record",
            "omo_station_broadcast", "watch_by_login", "watch_password", "allow_unlogged_chat",
            "webcast_all_forbidden", "live_and_playback_viewing_set",
            "live_and_playback_class_member_state", "live_and_playback_user_state",
            "live_and_playback_student_uids", "webcast_introduce", "custom_column",
        ),
    ],
):  # fmt: skip
    """Set recording, live and replay of a classroom; what is left out stays.

    Some of it is fixed from 20 minutes before the start: no page at hand tells what, nor whether
    recordState, recordType, liveState and openState go together, as in update_classroom: give all
    four. Codes beyond those listed may come. Older lessons: set_class_video_multiple.
    Source: broadcast/setWebcast (its first part), SDK eeo-py-sdk 0.2.0
    """

    course_id: CourseId
    activity_id: ClassroomActivity = None
    class_id: ClassroomLesson = None
    record_state: Flag | None = Field(default=None, description="it is recorded")
    record_type: RecordType | None = None
    live_state: Flag | None = Field(
        default=None, description="the lesson can be followed on a web page"
    )
    open_state: Flag | None = Field(default=None, description="anybody can see it again there")
    use_co_main_record: Flag | None = Field(
        default=None,
        description="1: a sub-lesson of two teachers shows the main lesson's recording",
    )
    omo_station_broadcast: OmoBroadcast = None
    watch_by_login: Flag | None = Field(default=None, description="only who is logged in may watch")
    watch_password: Annotated[str, Chars(), Sensitivity.CREDENTIAL] | None = Field(
        default=None, description="what a viewer must know"
    )
    allow_unlogged_chat: Flag | None = Field(
        default=None, description="who is not logged in may chat"
    )
    webcast_all_forbidden: Untold = None
    live_and_playback_viewing_set: Untold = None
    live_and_playback_class_member_state: Untold = None
    live_and_playback_user_state: Untold = None
    live_and_playback_student_uids: tuple[Uid, ...] | None = Field(
        default=None, description="only its name is known: ask ClassIn before you send it"
    )
    webcast_introduce: Annotated[str, Chars()] | None = Field(
        default=None, description="only its name is known: ask ClassIn before you send it"
    )
    custom_column: Annotated[str, Chars()] | None = Field(default=None, description="your own mark")


class AddPlaybackUser(
    Operation,
    endpoint=v2("/playback/addPlaybackUser"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 147, 166, 29149, 30002, 101002005, 101002006, 101002008, 121601020, 121601021, 121601022,
        121601023, 121609003, 121609004, 121609005, 121609006,
    ),
    already=[166],
    accepts_existing=True,
    bulk=Bulk(
        "uid_list", echo=("uid",), results="data.failedList", succeeded="data.successList"
    ),
    rules=[AtLeastOne("activity_id", "class_id")],
):  # fmt: skip
    """Let people watch the replay of a classroom in the client.

    After the lesson, and only if it was recorded. Who may be let: its teachers, the head teacher,
    the teachers and students of the course. Nobody is taken off; who may watch already, may.
    Source: LMS/addPlaybackUser
    """

    course_id: CourseId
    activity_id: ClassroomActivity = None
    class_id: ClassroomLesson = None
    uid_list: Annotated[tuple[Uid, ...], MinLen(1)]


class DeletePlaybackUser(
    Operation,
    endpoint=v2("/playback/deletePlaybackUser"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 147, 29149, 30002, 101002005, 101002006, 101002008, 121601020, 121601021, 121601022,
        121601023, 121609004, 121609005, 121609006, 121609007,
    ),
    already=[121609007],
    accepts_existing=True,
    bulk=Bulk(
        "uid_list", echo=("uid",), results="data.failedList", succeeded="data.successList"
    ),
    rules=[AtLeastOne("activity_id", "class_id")],
):  # fmt: skip
    """Keep people from watching the replay of a classroom in the client.

    After the lesson, and only if it was recorded. Who may not watch as it is, needs no taking off:
    the page says so, though its table has a code for it (121609007), which is taken for the same.
    Source: LMS/deletePlaybackUser
    """

    course_id: CourseId
    activity_id: ClassroomActivity = None
    class_id: ClassroomLesson = None
    uid_list: Annotated[tuple[Uid, ...], MinLen(1)]


ClassroomActivities = Annotated[
    Annotated[tuple[ActivityId, ...], MinLen(1)] | None,
    Field(description="classrooms of the course, as activities; count if both are given"),
]
ClassroomLessons = Annotated[
    Annotated[tuple[LessonId, ...], MinLen(1)] | None,
    Field(description="classrooms of the course, as lessons: activityIds is advised instead"),
]


class SetPlaybackAllForbidden(
    Operation,
    endpoint=v2("/playback/setPlaybackAllForbidden"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 147, 29149, 30002, 101002005, 101002006, 101002008, 121601020, 121601021, 121601022,
        121601023, 121603001, 121609004, 121609005, 121609006,
    ),
    bulk=Bulk(
        "activity_ids", instead="class_ids", echo=("activityId", "classId"),
        results="data.failedList", succeeded="data.successList",
    ),
    rules=[AtLeastOne("activity_ids", "class_ids")],
):  # fmt: skip
    """Let nobody watch the replays of classrooms in the client.

    After the lessons, and only of those that were recorded. add_playback_user lets single people
    watch again. The page's samples name the list otherwise than its table, which holds here.
    Source: LMS/setPlaybackAllForbidden
    """

    course_id: CourseId
    activity_ids: ClassroomActivities = None
    class_ids: ClassroomLessons = None


class SetPlaybackAllViewable(
    Operation,
    endpoint=v2("/playback/setPlaybackAllViewable"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 147, 29149, 30002, 101002005, 101002006, 101002008, 121601020, 121601021, 121601022,
        121601023, 121603001, 121609004, 121609005, 121609006,
    ),
    bulk=Bulk(
        "activity_ids", instead="class_ids", echo=("activityId", "classId"),
        results="data.failedList", succeeded="data.successList",
    ),
    rules=[AtLeastOne("activity_ids", "class_ids")],
):  # fmt: skip
    """Let everybody who may be let watch the replays of classrooms in the client.

    After the lessons, and only of those that were recorded. Whether who joins the course later may
    watch as well is not told.
    Source: LMS/setPlaybackAllViewable
    """

    course_id: CourseId
    activity_ids: ClassroomActivities = None
    class_ids: ClassroomLessons = None
