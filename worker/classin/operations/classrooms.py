"""Classrooms: the lessons of the newer half of the API (LMS), each an activity of a unit."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, Any

from pydantic import Field

from worker.classin.endpoint import v2
from worker.classin.field_rules import AllOrNone, AtLeastOne, Needs
from worker.classin.field_types import (
    ActivityId,
    Chars,
    CountFromOne,
    CourseId,
    Flag,
    FolderId,
    Identity,
    Moment,
    Uid,
    UnitId,
    WholeNumber,
    told_id,
)
from worker.classin.operation import Idempotency, Item, Operation
from worker.classin.operations.lessons import OmoBroadcast, Resolution, SecondCamera

#: As the table of codes names it; to submit does not need the table.
_CREATED_WITHOUT_LIVE = 267


class RecordType(IntEnum):
    """What is recorded."""

    CLASSROOM = 0
    CAMERA = 1  # the teacher's
    BOTH = 2


CameraHide = Annotated[
    Flag | None, Field(description="1: a smart classroom, without seats; nobody goes on stage")
]
GoesOnstage = Annotated[
    Flag | None,
    Field(description="1: students go on stage by themselves; lessons have it inverted"),
]
People = Annotated[
    CountFromOne | None,
    Field(description="people on stage with the teacher: 7 is one teacher and six students"),
]
RecordState = Annotated[Flag | None, Field(description="it is recorded")]
LiveState = Annotated[Flag | None, Field(description="it can be followed on a web page")]
OpenState = Annotated[Flag | None, Field(description="anybody can see it again")]
AllowCheck = Annotated[
    Flag | None, Field(description="members may see each other's reports and marks")
]

RiskMonitor = Annotated[
    Flag | None,
    Field(description="AI watches for risks in the teaching, if the institution has that"),
]
Subtitle = Annotated[Flag | None, Field(description="what was said, as text")]
TeachingAnalysis = Annotated[Flag | None, Field(description="an analysis of the teaching")]
AgentId = Annotated[
    WholeNumber | None,
    Field(
        description="who analyses: 5000930 sciences (left out), 5000931 humanities; in public"
        " schools 5000932 sciences, 5000933 humanities"
    ),
]

_AGENT_ANALYSES = Needs("teaching_analysis_agent_id", "teaching_analysis")


class AiSummary(Item, rules=[_AGENT_ANALYSES]):
    """What AI makes of a lesson; what is left out is off."""

    chapter: Flag | None = Field(default=None, description="a summary by chapters")
    subtitle: Subtitle = None
    teaching_analysis: TeachingAnalysis = None
    teaching_analysis_agent_id: AgentId = None

    def once_more(self) -> "ChangedAiSummary":
        """Say the same in an edit, which must name the summary by chapters."""
        return ChangedAiSummary(
            chapter=bool(self.chapter),
            subtitle=self.subtitle,
            teaching_analysis=self.teaching_analysis,
            teaching_analysis_agent_id=self.teaching_analysis_agent_id,
        )


class ChangedAiSummary(Item, rules=[_AGENT_ANALYSES]):
    """What AI makes of a lesson from now on; what is left out may fall back to off."""

    chapter: Flag = Field(description="a summary by chapters")
    subtitle: Subtitle = None
    teaching_analysis: TeachingAnalysis = None
    teaching_analysis_agent_id: AgentId = None


class CreateClassroom(
    Operation,
    endpoint=v2("/lms/activity/createClass"),
    idempotency=Idempotency.KEYED,
    lane="course_id",
    codes=(
        1, 100, 104, 119, 120, 136, 147, 158, 160, 161, 165, 172, 173, 219, 220, 221, 267, 268, 318,
        319, 320, 322, 324, 325, 326, 387, 388, 390, 451, 454, 769, 800, 804, 884, 885, 21304,
        21317, 21319, 29138, 40031, 101001001, 101002005, 101002006, 101002008, 101003001,
        110100066, 121601003, 121601004, 121601020, 121601021, 121601022, 121601023, 121601070,
        121604007, 121604008, 122301070, 142601001,
    ),
    partial={267: "update_classroom"},
    identity="unique_identity",
    rules=[
        AllOrNone("record_type", "record_state", "live_state", "open_state"),
        Needs("live_state", "record_state"), Needs("open_state", "record_state"),
    ],
):  # fmt: skip
    """Create a classroom, published, for all members of a class.

    At most 1,000 calls a minute, and 100 activities in a unit.
    Source: LMS/createClassroom
    """

    course_id: CourseId
    unit_id: UnitId | None = Field(
        default=None, description="left out: the unit for what has no topic"
    )
    name: Annotated[str, Chars(1, 50)]
    teacher_uid: Uid
    start_time: Moment = Field(description="at most 2 years ahead")
    end_time: Moment = Field(
        description="15 minutes to 24 hours after the start",
        examples=["2027-09-01T09:00:00+08:00"],
    )
    assistant_uids: tuple[Uid, ...] | None = Field(default=None, description="the co-teachers")
    camera_hide: CameraHide = None
    is_auto_onstage: GoesOnstage = None
    seat_num: People = None
    is_hd: Resolution | None = None
    is_dc: SecondCamera | None = None
    record_type: RecordType | None = None
    record_state: RecordState = None
    live_state: LiveState = None
    open_state: OpenState = None
    is_allow_check: AllowCheck = None
    unique_identity: Identity | None = None
    omo_station_broadcast: OmoBroadcast = None
    cloud_folder_id: FolderId | None = Field(
        default=None, description="a folder of the drive; left out: the course's"
    )
    ai_summary_config: AiSummary | None = Field(
        default=None, description="what AI makes of the lesson; left out: nothing"
    )
    ai_risk_monitor: RiskMonitor = None

    def mending(
        self, code: int, result: Mapping[str, Any], item: int | None = None
    ) -> Operation | None:
        """Set the recording again; what may fall back when it is left out goes along."""
        del item
        made = result.get("data")
        activity_id = told_id(made.get("activityId")) if isinstance(made, dict) else None
        if code != _CREATED_WITHOUT_LIVE or self.record_state is None or activity_id is None:
            return None
        ai = self.ai_summary_config
        return UpdateClassroom(
            course_id=self.course_id,
            activity_id=activity_id,
            assistant_uids=self.assistant_uids,
            cloud_folder_id=self.cloud_folder_id,
            ai_summary_config=None if ai is None else ai.once_more(),
            ai_risk_monitor=self.ai_risk_monitor,
            record_type=self.record_type,
            record_state=self.record_state,
            live_state=self.live_state,
            open_state=self.open_state,
        )


class UpdateClassroom(
    Operation,
    endpoint=v2("/lms/activity/updateClass"),
    idempotency=Idempotency.IDEMPOTENT,
    lane="course_id",
    codes=(
        1, 100, 121, 124, 136, 140, 142, 143, 144, 145, 147, 153, 165, 172, 173, 212, 219, 221, 222,
        226, 269, 318, 319, 320, 322, 324, 325, 326, 328, 350, 368, 385, 387, 388, 450, 451, 454,
        767, 769, 800, 804, 808, 863, 875, 884, 885, 21304, 21305, 21317, 21319, 101001001,
        101002005, 101002006, 101002008, 121601005, 121601006, 121601008, 121601009, 121601010,
        121601020, 121601021, 121601022, 121601023, 121604007, 121604008, 122301070, 142601001,
    ),
    rules=[
        AllOrNone("record_type", "record_state", "live_state", "open_state"),
        Needs("live_state", "record_state"), Needs("open_state", "record_state"),
        AtLeastOne(
            "unit_id", "name", "teacher_uid", "start_time", "end_time", "assistant_uids",
            "camera_hide", "is_auto_onstage", "seat_num", "is_hd", "is_dc", "record_type",
            "record_state", "live_state", "open_state", "is_allow_check", "omo_station_broadcast",
            "cloud_folder_id", "ai_summary_config", "ai_risk_monitor",
        ),
    ],
):  # fmt: skip
    """Edit a classroom; only the fields given are changed, though some may fall back.

    Most of it until 20 minutes before the start. Neither drafts nor double-teacher lessons. Of the
    co-teachers, the folder and what AI does no page tells whether they stay when left out.
    Source: LMS/updateClassroom
    """

    course_id: CourseId
    activity_id: ActivityId
    unit_id: UnitId | None = Field(default=None, description="the unit to move it to")
    name: Annotated[str, Chars(1, 50)] | None = None
    teacher_uid: Uid | None = None
    start_time: Moment | None = None
    end_time: Moment | None = Field(
        default=None, description="15 minutes to 24 hours after the start"
    )
    assistant_uids: tuple[Uid, ...] | None = Field(
        default=None, description="all co-teachers; left out they may be removed"
    )
    camera_hide: CameraHide = None
    is_auto_onstage: GoesOnstage = None
    seat_num: People = None
    is_hd: Resolution | None = None
    is_dc: SecondCamera | None = None
    record_type: RecordType | None = None
    record_state: RecordState = None
    live_state: LiveState = None
    open_state: OpenState = None
    is_allow_check: AllowCheck = None
    omo_station_broadcast: OmoBroadcast = None
    cloud_folder_id: FolderId | None = Field(
        default=None,
        description="a folder of the drive; left out it may fall back to the course's",
    )
    ai_summary_config: ChangedAiSummary | None = Field(
        default=None, description="what AI makes of the lesson; give all of it that is to be on"
    )
    ai_risk_monitor: RiskMonitor = None
