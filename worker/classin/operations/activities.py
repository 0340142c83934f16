"""Units and activities of a class, the newer half of the API (LMS)."""

from enum import IntEnum
from typing import Annotated

from pydantic import Field

from worker.classin.call import v2
from worker.classin.fields import Chars, CourseId
from worker.classin.operation import Operation, Repeat


class Publication(IntEnum):
    """Whether the members of the class see a unit."""

    DRAFT = 0
    PUBLISHED = 2


class CreateUnit(
    Operation,
    call=v2("/lms/unit/create"),
    repeat=Repeat.RECONCILES,
    lane="course_id",
    codes=(
        1, 147, 29200, 29208, 29213, 40031, 21601030, 101001001, 101002005, 101002006, 101002008,
        121601020, 121601021, 121601022, 121601023,
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
