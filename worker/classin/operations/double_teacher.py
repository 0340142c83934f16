"""Online double-teacher lessons: a main lesson that sub-lessons of other courses follow."""

from enum import IntEnum
from typing import Annotated

from annotated_types import MaxLen, MinLen
from pydantic import Field

from worker.classin.endpoint import v2
from worker.classin.field_rules import AllOrNone, AtLeastOne
from worker.classin.field_types import Chars, CourseId, Flag, Identity, LessonId, Moment, Uid
from worker.classin.operation import Bulk, Idempotency, Item, Operation
from worker.classin.operations.classrooms import (
    CameraHide,
    LiveState,
    OpenState,
    People,
    RecordState,
    RecordType,
)
from worker.classin.operations.lessons import Resolution, SecondCamera


class SharedOnstage(IntEnum):
    """Whether students go on stage by themselves; the numbers are those of this chapter alone."""

    NOT_AUTOMATIC = 1
    AUTOMATIC = 2


UseMainRecord = Annotated[
    Flag | None,
    Field(description="the main lesson's recording is used; with 1 the other four are 0"),
]


class SubLesson(
    Item,
    rules=[
        AllOrNone("use_co_main_record", "record_state", "record_type", "live_state", "open_state")
    ],
):
    """One sub-lesson to create; teacher and times are those of the main lesson."""

    course_id: CourseId = Field(
        description="neither the main lesson's nor another sub-lesson's", examples=[123457]
    )
    class_name: Annotated[str, Chars(1, 50)]
    assistant_uids: tuple[Uid, ...] | None = Field(default=None, description="the co-teachers")
    camera_hide: CameraHide = None
    is_auto_onstage: SharedOnstage | None = None
    seat_num: People = None
    is_hd: Resolution | None = None
    is_dc: SecondCamera | None = None
    use_co_main_record: UseMainRecord = None
    record_state: RecordState = None
    record_type: RecordType | None = None
    live_state: LiveState = None
    open_state: OpenState = None
    unique_identity: Identity | None = None


class AddDoubleTeacherClass(
    Operation,
    endpoint=v2("/lms/onlineDoubleTeacher/addClass"),
    idempotency=Idempotency.KEYED,
    lane="main_course_id",
    codes=(
        1, 104, 124, 136, 140, 142, 143, 144, 145, 147, 149, 153, 165, 172, 173, 212, 219, 221, 222,
        226, 269, 318, 319, 320, 322, 324, 325, 326, 328, 350, 368, 385, 387, 388, 450, 451, 454,
        767, 769, 800, 804, 808, 863, 875, 884, 885, 21304, 21305, 21317, 21319, 101002005,
        101002006, 101002008, 110100073, 121601005, 121601006, 121601008, 121601009, 121601010,
        121601011, 121601012, 121601014, 121601020, 121601022, 121601030, 121601031, 121601032,
        121601033, 121601034, 121601035, 121601036, 121601037, 121601038, 121601070, 122301036,
        122301037,
    ),
    identity="sub_class_json.unique_identity",
    bulk=Bulk(
        "sub_class_json", echo=("uniqueIdentity", "courseId", "className"),
        results="data.subClassData", made="classId", most=20,
    ),
):  # fmt: skip
    """Create sub-lessons of a lesson or classroom, which becomes a double-teacher lesson.

    From then on only the operations of this chapter work on it. At most 100 sub-lessons in all, 20
    in a call.
    Source: onlineDoubleTeacher/addClass
    """

    main_course_id: CourseId
    main_class_id: LessonId
    sub_class_json: Annotated[tuple[SubLesson, ...], MinLen(1), MaxLen(100)]


class EditDoubleTeacherClass(
    Operation,
    endpoint=v2("/lms/onlineDoubleTeacher/editClass"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 104, 124, 136, 140, 142, 143, 144, 145, 147, 153, 165, 172, 173, 212, 219, 221, 222, 226,
        268, 269, 318, 319, 320, 322, 324, 325, 326, 328, 350, 368, 385, 387, 388, 450, 451, 454,
        767, 769, 800, 804, 808, 863, 875, 884, 885, 21304, 21305, 21317, 21319, 101002005,
        101002006, 101002008, 121601005, 121601006, 121601008, 121601009, 121601010, 121601012,
        121601020, 121601021, 121601022, 121601031, 121601033, 121601034, 121601035, 121601036,
        121601042, 121601044, 122301037,
    ),
    bulk=Bulk(None, echo=("classId", "isMainClass")),
    rules=[
        AtLeastOne(
            "class_name", "teacher_uid", "start_time", "end_time", "assistant_uids", "camera_hide",
            "is_auto_onstage", "seat_num", "is_hd", "is_dc", "use_co_main_record", "record_type",
            "record_state", "live_state", "open_state",
        ),
        AllOrNone("record_type", "record_state", "live_state", "open_state"),
    ],
):  # fmt: skip
    """Edit a double-teacher lesson, main or sub; only the fields given are changed.

    The answer to an edit of the main lesson tells of each sub-lesson too.
    Source: onlineDoubleTeacher/editClass
    """

    course_id: CourseId
    class_id: LessonId
    class_name: Annotated[str, Chars(1, 50)] | None = None
    teacher_uid: Uid | None = Field(
        default=None, description="of the main lesson, which the others follow"
    )
    start_time: Moment | None = Field(
        default=None, description="of the main lesson; at most 2 years ahead"
    )
    end_time: Moment | None = Field(default=None, description="of the main lesson")
    assistant_uids: tuple[Uid, ...] | None = Field(
        default=None, description="all co-teachers; left out they may be removed"
    )
    camera_hide: CameraHide = None
    is_auto_onstage: SharedOnstage | None = None
    seat_num: People = None
    is_hd: Resolution | None = None
    is_dc: SecondCamera | None = None
    use_co_main_record: UseMainRecord = Field(
        default=None,
        description="of a sub-lesson: the main lesson's recording is used; with 1 the other four"
        " are 0",
    )
    record_state: RecordState = None
    record_type: RecordType | None = None
    live_state: LiveState = None
    open_state: OpenState = None


class DeleteDoubleTeacherClass(
    Operation,
    endpoint=v2("/lms/onlineDoubleTeacher/deleteClass"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 104, 142, 143, 144, 147, 149, 101002005, 101002006, 101002008, 121601016, 121601020,
        121601022, 121601031, 121601032, 121601034, 121601042,
    ),
    already=[142, 143, 121601042],
    bulk=Bulk(None, echo=("classId",)),
):  # fmt: skip
    """Delete a double-teacher lesson: the main one with its sub-lessons, or one of these alone.

    Source: onlineDoubleTeacher/deleteClass
    """

    course_id: CourseId
    class_id: LessonId
