"""Recording, live and replay of lessons."""

from typing import Annotated

from annotated_types import MinLen
from pydantic import Field

from worker.classin.endpoint import v1
from worker.classin.field_rules import AllOrNone
from worker.classin.field_types import Chars, CourseId, CustomColumn, Flag, LessonId
from worker.classin.operation import Bulk, Idempotency, Item, Operation

Record = Annotated[
    Flag | None,
    Field(description="the classroom is recorded; recordScene, live and replay need it"),
]
RecordScene = Annotated[Flag | None, Field(description="the teacher's camera is recorded as well")]
Live = Annotated[Flag | None, Field(description="the lesson can be followed on a web page")]
Replay = Annotated[Flag | None, Field(description="it can be seen again on that page")]
WatchByLogin = Annotated[
    Flag | None,
    Field(description="only who is logged in may watch; counts with two of record, live, replay"),
]
AllowUnloggedChat = Annotated[
    Flag | None,
    Field(description="who is not logged in may chat and like; counts with record and live"),
]


class LessonVideo(
    Item,
    rules=[AllOrNone("record", "live", "replay")],
    shown=["record", "live", "replay"],
):
    """What is recorded and shown of one lesson; what is left out stays, the three at once."""

    class_id: LessonId
    record: Record = None
    record_scene: RecordScene = None
    live: Live = None
    replay: Replay = None
    watch_by_login: WatchByLogin = None
    allow_unlogged_chat: AllowUnloggedChat = None
    custom_column: CustomColumn | None = None


class SetClassVideoMultiple(
    Operation,
    endpoint=v1("course", "setClassVideoMultiple"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(1, 100, 102, 104, 114, 142, 143, 144, 149, 155, 212, 251, 252, 253, 369),
    bulk=Bulk("class_json", echo=("customColumn",)),
):
    """Set recording, live and replay of several lessons.

    Until 20 minutes before a lesson. The repair for a lesson that was made without its recording.
    Source: broadcast/setClassVideoMultiple
    """

    course_id: CourseId
    class_json: Annotated[tuple[LessonVideo, ...], MinLen(1)]


class DeleteClassVideo(
    Operation,
    endpoint=v1("course", "deleteClassVideo"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="class_id",
    codes=(1, 100, 102, 104, 233, 254, 369, 384, 630, 631, 632, 633, 634),
    already=[632, 634],
):
    """Delete recordings of a lesson that has ended.

    Cannot be undone; what is locked stays.
    Source: broadcast/deleteClassVideo
    """

    class_id: LessonId
    file_id: Annotated[str, Chars(1)] | None = Field(
        default=None, description="one clip; left out: all clips of the lesson"
    )


class UpdateClassLockStatus(
    Operation,
    endpoint=v1("course", "updateClassLockStatus"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="class_id",
    codes=(1, 100, 102, 104, 233, 369, 391),
):
    """Keep the recordings of a lesson that has ended from being deleted, or no longer.

    Source: broadcast/updateClassLockStatus
    """

    class_id: LessonId
    is_lock: Flag


class GetWebcastUrl(
    Operation,
    endpoint=v1("course", "getWebcastUrl"),
    idempotency=Idempotency.READ_ONLY,
    codes=(1, 100, 102, 142, 143, 144, 149, 212, 369),
):
    """Get the address of the web page that shows a course or a lesson.

    The address never changes.
    Source: broadcast/getWebcastUrl
    """

    course_id: CourseId
    class_id: LessonId | None = Field(default=None, description="left out: the whole course")
