"""Lesson drafts, read from the operations of either API family."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from ops.simulator.state.lessons import Lesson
from worker.classin.endpoint import ApiVersion
from worker.classin.operation import Fields, Operation

#: Lesson attributes by the field names of both API families; others keep their names.
_WORDS = {
    "className": "class_name",
    "name": "class_name",
    "beginTime": "begin_time",
    "startTime": "begin_time",
    "endTime": "end_time",
    "teacherUid": "teacher_uid",
    "assistantUids": "assistant_uids",
    "folderId": "folder_id",
    "cloudFolderId": "folder_id",
    "unitId": "unit_id",
    "seatNum": "seat_num",
    "isHd": "is_hd",
    "isDc": "is_dc",
    "record": "record",
    "recordState": "record",
    "live": "live",
    "liveState": "live",
    "replay": "replay",
    "openState": "replay",
    "courseUniqueIdentity": "unique_identity",
    "uniqueIdentity": "unique_identity",
}
#: Fields about the request, or the lesson's place.
_NOT_OF_A_LESSON = frozenset({"courseId", "classId", "activityId", "customColumn"})
#: Maximum students on stage.
MOST_SEATS = 12
#: A full-HD second camera sets the first one to full HD.
SECOND_CAMERA, FULL_HD = 3, 2


@dataclass(frozen=True, slots=True)
class Draft:
    """A lesson as an operation would create or change it."""

    operation: Operation
    lesson: Lesson
    #: The given fields, by lesson attribute, else by ClassIn's name.
    said: Mapping[str, Any]
    #: The lesson before; None for a new one.
    before: Lesson | None = None

    @property
    def given(self) -> AbstractSet[str]:
        """The names of the given fields."""
        return self.said.keys()


def wanted(item: Fields, dialect: ApiVersion) -> dict[str, Any]:
    """Return the lesson fields of an operation or item."""
    fields = item.model_dump(mode="json", by_alias=True, exclude_none=True)
    said = {
        _WORDS.get(name, name): value
        for name, value in fields.items()
        if name not in _NOT_OF_A_LESSON
    }
    if (only := said.pop("assistantUid", None)) is not None:
        said["assistant_uids"] = (only,)
    if "assistant_uids" in said:
        said["assistant_uids"] = tuple(said["assistant_uids"])
    for switch in {"record", "live", "replay"} & said.keys():
        said[switch] = bool(said[switch])
    if "seat_num" in said and dialect is ApiVersion.V2:
        # In this family the teacher counts as well, and an excess is cut.
        said["seat_num"] = min(said["seat_num"] - 1, MOST_SEATS)
    if said.get("is_dc") == SECOND_CAMERA:
        said["is_hd"] = FULL_HD
    return said


def new_draft(
    operation: Operation, course_id: int, said: Mapping[str, Any], **fields: object
) -> Draft:
    """Draft a new lesson; `fields` are its defaults."""
    said = {**fields, **said}
    lesson = Lesson.model_validate({"class_id": 0, "course_id": course_id, **said})
    return Draft(operation, lesson, said)


def changed_draft(operation: Operation, lesson: Lesson, said: Mapping[str, Any]) -> Draft:
    """Draft a lesson after an edit."""
    return Draft(operation, lesson.model_copy(update=dict(said)), said, lesson)


def live_url(lesson: Lesson) -> str:
    """Return the web page of a lesson; empty if it is not recorded."""
    return webcast(lesson.course_id, lesson.class_id) if lesson.record else ""


def live_info(lesson: Lesson) -> dict[str, str]:
    """Return the stream addresses of a lesson with recording and live."""
    if not (lesson.record and lesson.live):
        return {}
    address = f"pull.live.example/{lesson.course_id}/{lesson.class_id}"
    return {
        "RTMP": f"rtmp://{address}",
        "HLS": f"https://{address}.m3u8",
        "FLV": f"https://{address}.flv",
    }


def webcast(course_id: int, class_id: int | None = None) -> str:
    """Return the web page of a course or of one of its lessons."""
    page = f"https://live.example/webcast?course={course_id}"
    return page if class_id is None else f"{page}&lesson={class_id}"


def more_data(lesson: Lesson) -> dict[str, object]:
    """Return the addresses in the form of `more_data` and of a classroom's data."""
    return {"live_url": live_url(lesson), "live_info": live_info(lesson)}
