"""Lesson drafts, read from the operations of either API family."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from ops.simulator.state.lessons import Lesson
from worker.classin.endpoint import ApiVersion
from worker.classin.operation import Fields, Operation

#: What a lesson calls the fields of either family; others are kept under their own names.
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
#: What is said of the request, or of where the lesson is.
_NOT_OF_A_LESSON = frozenset({"courseId", "classId", "activityId", "customColumn"})
#: The most students that go on stage.
MOST_SEATS = 12
#: A second camera in full HD makes the first one so.
SECOND_CAMERA, FULL_HD = 3, 2


@dataclass(frozen=True, slots=True)
class Draft:
    """A lesson as an operation would make or leave it."""

    operation: Operation
    lesson: Lesson
    #: What was given for it, by the lesson's attributes, or by ClassIn's names for others.
    said: Mapping[str, Any]
    #: As it was; None for a new one.
    before: Lesson | None = None

    @property
    def given(self) -> AbstractSet[str]:
        """The names of what was given."""
        return self.said.keys()


def wanted(item: Fields, dialect: ApiVersion) -> dict[str, Any]:
    """Return what an operation or an item of it says of a lesson."""
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
        # There the teacher counts as well, and too many are cut to the most.
        said["seat_num"] = min(said["seat_num"] - 1, MOST_SEATS)
    if said.get("is_dc") == SECOND_CAMERA:
        said["is_hd"] = FULL_HD
    return said


def new_draft(
    operation: Operation, course_id: int, said: Mapping[str, Any], **fields: object
) -> Draft:
    """Draft a new lesson; `fields` are what nobody has to give."""
    said = {**fields, **said}
    lesson = Lesson.model_validate({"class_id": 0, "course_id": course_id, **said})
    return Draft(operation, lesson, said)


def changed_draft(operation: Operation, lesson: Lesson, said: Mapping[str, Any]) -> Draft:
    """Draft a lesson as it would be after an edit."""
    return Draft(operation, lesson.model_copy(update=dict(said)), said, lesson)


def live_url(lesson: Lesson) -> str:
    """Return the web page that shows a lesson; empty when it is not recorded."""
    return webcast(lesson.course_id, lesson.class_id) if lesson.record else ""


def live_info(lesson: Lesson) -> dict[str, str]:
    """Return the streams to pull, which are there with recording and live only."""
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
    """Return the addresses as they stand under `more_data`, and in a classroom's data."""
    return {"live_url": live_url(lesson), "live_info": live_info(lesson)}
