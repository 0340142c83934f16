"""Lessons of the older half of the API. On the wire a lesson is a "class".

The newer half calls them classrooms; what one half made should not be edited with the other.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, Any

from annotated_types import MaxLen, MinLen
from pydantic import Field

from worker.classin.endpoint import v1
from worker.classin.field_rules import AllOrNone, AtLeastOne, Needs, NotBoth
from worker.classin.field_types import (
    Chars,
    Count,
    CourseId,
    CustomColumn,
    Flag,
    FolderId,
    Identity,
    LessonId,
    Moment,
    Uid,
    told_id,
)
from worker.classin.operation import Bulk, Idempotency, Item, Operation
from worker.classin.operations.broadcast import (
    AllowUnloggedChat,
    LessonVideo,
    Live,
    Record,
    RecordScene,
    Replay,
    SetClassVideoMultiple,
    WatchByLogin,
)

#: As the table of codes names it; to submit does not need the table.
_EDITED_WITHOUT_RECORDING = 284


class TeachMode(IntEnum):
    """How the students take part."""

    ONLINE_CLASSROOM = 1  # they have seats on the screen
    SMART_CLASSROOM = 2  # they sit in one room: no seats, nobody goes on stage


class Onstage(IntEnum):
    """Whether students go on stage by themselves; classrooms put it the other way round."""

    AUTOMATIC = 0
    NOT_AUTOMATIC = 1


class Resolution(IntEnum):
    """How sharp the pictures are; above normal only with 1 or 6 students on stage."""

    NORMAL = 0
    HD = 1
    FULL_HD = 2


class SecondCamera(IntEnum):
    """The teacher's second camera; only with 1 student on stage, and then in full HD."""

    OFF = 0
    FULL_HD = 3


Begin = Annotated[Moment, Field(description="one minute to 3 years ahead")]
End = Annotated[
    Moment,
    Field(
        description="15 minutes to 24 hours after the start",
        examples=["2027-09-01T09:00:00+08:00"],
    ),
]
Folder = Annotated[
    FolderId | None, Field(description="the lesson's folder in the drive; left out: the course's")
]
Mode = Annotated[TeachMode | None, Field(description="2 keeps all students off stage")]
Seats = Annotated[
    Count | None,
    Field(
        description="students on stage besides the teacher, up to what the school may have",
        examples=[6],
    ),
]
CoTeacher = Annotated[Uid | None, Field(description="the one co-teacher")]
CoTeachers = Annotated[tuple[Uid, ...] | None, Field(description="all co-teachers, each once")]
LessonIdentity = Annotated[
    Identity | None,
    Field(description="of all lessons of the school; one deleted by hand keeps it taken"),
]
Introduction = Annotated[str, Chars(0, 1000)]
OmoBroadcast = Annotated[
    Flag | None, Field(description="OMO station broadcast, where the school has it")
]


class AddCourseClass(
    Operation,
    endpoint=v1("course", "addCourseClass"),
    idempotency=Idempotency.KEYED,
    lane="course_id",
    codes=(
        1, 100, 102, 104, 114, 119, 120, 136, 144, 147, 149, 153, 160, 165, 172, 173, 259, 268, 280,
        281, 318, 319, 320, 322, 323, 324, 326, 330, 368, 369, 387, 388, 398, 400, 454, 460, 800,
        804, 808, 824, 884, 885, 21316, 21317, 121601001, 121601002, 121601003, 121601004,
        121601005, 121601006, 121601007, 121601008, 121601009, 121601010, 121601011, 121601012,
        121601070, 121604007,
    ),
    done=[121601002],
    already=[398],
    partial={280: "set_class_video_multiple", 281: "set_class_video_multiple",
            824: "edit_course_class"},
    identity="course_unique_identity",
    rules=[
        NotBoth("assistant_uid", "assistant_uids"), Needs("live", "record"),
        Needs("replay", "record"), Needs("record_scene", "record"),
    ],
):  # fmt: skip
    """Create a lesson in a course.

    A repeat answers 398 with the earlier lesson's id, even if that was since deleted by hand.
    Source: classroom/addCourseClass
    """

    course_id: CourseId
    class_name: Annotated[str, Chars(1, 90)]
    begin_time: Begin
    end_time: End
    teacher_uid: Uid
    folder_id: Folder = None
    teach_mode: Mode = None
    is_auto_onstage: Onstage | None = None
    seat_num: Seats = None
    is_hd: Resolution | None = None
    is_dc: SecondCamera | None = None
    assistant_uid: CoTeacher = None
    assistant_uids: CoTeachers = None
    record: Record = None
    record_scene: RecordScene = None
    live: Live = None
    replay: Replay = None
    watch_by_login: WatchByLogin = None
    allow_unlogged_chat: AllowUnloggedChat = None
    course_unique_identity: LessonIdentity = None
    class_introduce: Introduction | None = None
    omo_station_broadcast: OmoBroadcast = None

    def mending(
        self, code: int, result: Mapping[str, Any], item: int | None = None
    ) -> Operation | None:
        """Give the lesson the recording or the introduction that it was made without."""
        del item
        return _mended(code, self.course_id, result, self)


class NewLesson(
    Item,
    rules=[
        NotBoth("assistant_uid", "assistant_uids"),
        Needs("live", "record"),
        Needs("replay", "record"),
        Needs("record_scene", "record"),
    ],
):
    """One of several lessons to create."""

    class_name: Annotated[str, Chars(1, 50)]
    begin_time: Begin
    end_time: End
    teacher_uid: Uid
    folder_id: Folder = None
    teach_mode: Mode = None
    is_auto_onstage: Onstage | None = None
    seat_num: Seats = None
    is_hd: Resolution | None = None
    is_dc: SecondCamera | None = None
    assistant_uid: CoTeacher = None
    assistant_uids: CoTeachers = None
    custom_column: CustomColumn | None = None
    record: Record = None
    record_scene: RecordScene = None
    live: Live = None
    replay: Replay = None
    watch_by_login: WatchByLogin = None
    allow_unlogged_chat: AllowUnloggedChat = None
    course_unique_identity: LessonIdentity = None
    class_introduce: Introduction | None = None
    omo_station_broadcast: OmoBroadcast = None


class AddCourseClassMultiple(
    Operation,
    endpoint=v1("course", "addCourseClassMultiple"),
    idempotency=Idempotency.KEYED,
    lane="course_id",
    codes=(
        1, 100, 102, 104, 114, 119, 120, 122, 133, 136, 144, 147, 149, 153, 155, 160, 161, 165, 172,
        173, 220, 259, 268, 280, 281, 318, 319, 320, 322, 324, 326, 330, 368, 369, 387, 388, 398,
        400, 454, 460, 800, 804, 808, 824, 884, 885, 21316, 21317, 121601001, 121601002, 121601003,
        121601004, 121601005, 121601006, 121601007, 121601008, 121601009, 121601010, 121601011,
        121601012, 121601070, 121604007,
    ),
    done=[121601002],
    already=[398],
    partial={280: "set_class_video_multiple", 281: "set_class_video_multiple",
            824: "edit_course_class"},
    identity="class_json.course_unique_identity",
    bulk=Bulk("class_json", echo=("customColumn", "className"), made="data", most=30),
):  # fmt: skip
    """Create several lessons in a course.

    Of more than 50 in a call the rest would be dropped; 30 are recommended.
    Source: classroom/addCourseClassMultiple
    """

    course_id: CourseId
    class_json: Annotated[tuple[NewLesson, ...], MinLen(1), MaxLen(50)]

    def mending(
        self, code: int, result: Mapping[str, Any], item: int | None = None
    ) -> Operation | None:
        """Give one lesson the recording or the introduction that it was made without."""
        if item is None or item >= len(self.class_json):
            return None
        return _mended(code, self.course_id, result, self.class_json[item])


class EditCourseClass(
    Operation,
    endpoint=v1("course", "editCourseClass"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 100, 102, 104, 114, 119, 120, 136, 140, 142, 143, 144, 145, 160, 165, 172, 173, 212, 268,
        282, 283, 284, 318, 319, 320, 321, 322, 323, 324, 325, 326, 327, 328, 330, 350, 369, 372,
        385, 387, 388, 400, 454, 466, 800, 804, 825, 880, 884, 885, 21316, 21317, 121601001,
        121601002, 121601003, 121601004, 121601005, 121601006, 121601007, 121601008, 121601009,
        121601010, 121601011, 121601012, 121604007,
    ),
    done=[121601002],
    partial={282: None, 283: None, 284: "set_class_video_multiple", 825: None},
    rules=[
        NotBoth("assistant_uid", "assistant_uids"), Needs("live", "record"),
        Needs("replay", "record"), Needs("record_scene", "record"),
        Needs("begin_time", "end_time"), AllOrNone("record", "live", "replay"),
    ],
    shown=["class_name"],
):  # fmt: skip
    """Edit a lesson; only the fields given are changed, though two may fall back.

    Name, times and folder until 20 minutes before the start, teachers until the end. The number
    on stage is for modify_class_seat_num.
    Source: classroom/editCourseClass
    """

    course_id: CourseId
    class_id: LessonId
    class_name: Annotated[str, Chars(1, 50)] | None = None
    begin_time: Moment | None = Field(default=None, description="one minute to 3 years ahead")
    end_time: Moment | None = Field(
        default=None, description="15 minutes to 24 hours after the start"
    )
    teacher_uid: Uid | None = None
    folder_id: FolderId | None = Field(
        default=None, description="left out it may fall back to the course's folder"
    )
    teach_mode: Mode = None
    is_auto_onstage: Onstage | None = None
    assistant_uid: CoTeacher = None
    assistant_uids: tuple[Uid, ...] | None = Field(
        default=None, description="all co-teachers, each once; an empty list removes them"
    )
    record: Record = None
    record_scene: RecordScene = None
    live: Live = None
    replay: Replay = None
    watch_by_login: WatchByLogin = None
    allow_unlogged_chat: AllowUnloggedChat = None
    class_introduce: Introduction | None = None
    omo_station_broadcast: Flag | None = Field(
        default=None, description="OMO station broadcast; left out it may be switched off"
    )

    def mending(
        self, code: int, result: Mapping[str, Any], item: int | None = None
    ) -> Operation | None:
        """Set the recording once more, in case the video service is well again."""
        del result, item
        if code != _EDITED_WITHOUT_RECORDING or self.record is None:
            return None
        return _video(self.course_id, self.class_id, self)


class ModifyClassSeatNum(
    Operation,
    endpoint=v1("course", "modifyClassSeatNum"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 100, 102, 104, 140, 142, 143, 144, 145, 147, 149, 153, 212, 259, 348, 349, 367, 368, 369,
        466, 808, 121601007, 121601011, 121601012,
    ),
    rules=[AtLeastOne("seat_num", "is_hd")],
):  # fmt: skip
    """Change what happens on stage in a lesson: number, sharpness, second camera.

    Until 20 minutes before the start.
    Source: classroom/modifyClassSeatNum
    """

    course_id: CourseId
    class_id: LessonId
    seat_num: Seats = None
    is_hd: Resolution | None = None
    is_dc: SecondCamera | None = Field(
        default=None, description="left out it may be switched off; 3 only with 1 student on stage"
    )


class DelCourseClass(
    Operation,
    endpoint=v1("course", "delCourseClass"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(1, 100, 102, 104, 114, 140, 142, 143, 144, 145, 212, 369, 466, 823),
    already=[212],
    partial={823: None},
):
    """Delete a lesson that has not begun.

    Its unique identity is free again.
    Source: classroom/delCourseClass
    """

    course_id: CourseId
    class_id: LessonId


class DelEndCourseClass(
    Operation,
    endpoint=v1("course", "delEndCourseClass"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(1, 100, 102, 104, 114, 140, 142, 143, 144, 145, 212, 369, 823),
    already=[212],
    partial={823: None},
):
    """Delete a lesson that has ended.

    The documentation has this page but links it nowhere: ask ClassIn before relying on it.
    Source: classroom/delEndCourseClass
    """

    course_id: CourseId
    class_id: LessonId


def _mended(
    code: int, course_id: int, result: Mapping[str, Any], lesson: AddCourseClass | NewLesson
) -> Operation | None:
    """Build what gives a new lesson the part that it was made without."""
    class_id = told_id(result.get("data"))
    match code:
        case 280 | 281 if class_id is not None:
            return _video(course_id, class_id, lesson)
        case 824 if class_id is not None and lesson.class_introduce is not None:
            return EditCourseClass(
                course_id=course_id,
                class_id=class_id,
                folder_id=lesson.folder_id,  # this and the broadcast may fall back when left out
                class_introduce=lesson.class_introduce,
                omo_station_broadcast=lesson.omo_station_broadcast,
            )
    return None


def _video(
    course_id: int, class_id: int, lesson: AddCourseClass | NewLesson | EditCourseClass
) -> SetClassVideoMultiple:
    """Build what sets the recording of one lesson."""
    video = LessonVideo(
        class_id=class_id,
        record=bool(lesson.record),
        record_scene=lesson.record_scene,
        live=bool(lesson.live),
        replay=bool(lesson.replay),
        watch_by_login=lesson.watch_by_login,
        allow_unlogged_chat=lesson.allow_unlogged_chat,
    )
    return SetClassVideoMultiple(course_id=course_id, class_json=(video,))
