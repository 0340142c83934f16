"""How the simulator's unit tests ask it, and the ids that a fresh school has."""

from collections.abc import Mapping
from typing import Any

from ops.simulator.handlers import Answer, answer
from ops.simulator.state.world import Institution
from worker.classin.bulk_results import item_results
from worker.classin.catalogue import read

NOW = 1_800_000_000
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600

HEAD, TEACHER, FORMER_TEACHER = 1001001, 1001002, 1001009
ANN, BEN, CAT, DAN = 1002001, 1002002, 1002003, 1002004
COURSE, OTHER_COURSE, THIRD_COURSE = 352861, 414193, 132323
#: A lesson of COURSE that is over, and was recorded.
PAST = 880001

#: Tomorrow, for an hour, in the words of either half of the API.
TOMORROW = {"beginTime": NOW + DAY, "endTime": NOW + DAY + HOUR}
TOMORROW_TOO = {"startTime": NOW + DAY, "endTime": NOW + DAY + HOUR}


def ask(held: Institution, operation: str, at: float = NOW, /, **fields: object) -> Answer:
    """Carry an operation out; whatever comes back is a code of its page, for items as well."""
    asked = read(operation, fields)
    said = answer(held, asked, at)
    result = {"data": said.data, **(said.beside or {})}
    codes = [said.code, *(item.code for item in item_results(asked, result))]
    assert [code for code in codes if code not in asked.spec.codes] == []
    return said


def entries(said: Answer, code: str = "errno") -> list[int]:
    """Give the codes of a bulk answer, which is itself a success."""
    return [entry[code] for entry in items(said)]


def items(said: Answer) -> list[dict[str, Any]]:
    """Give the entries of a bulk answer, which is itself a success."""
    assert said.code == 1
    assert isinstance(said.data, list)
    return said.data


def data(said: Answer) -> Mapping[str, Any]:
    """Give what a success carries."""
    assert said.code == 1
    assert isinstance(said.data, dict)
    return said.data


def lesson(held: Institution, **fields: object) -> int:
    """Make a lesson of COURSE tomorrow: its id."""
    given = {"courseId": COURSE, "className": "Letters", "teacherUid": HEAD}
    said = ask(held, "add_course_class", **{**given, **TOMORROW, **fields})
    assert said.code == 1
    assert isinstance(said.data, int)
    return said.data


def classroom(held: Institution, **fields: object) -> dict[str, int]:
    """Make a classroom of COURSE tomorrow: its ids."""
    given = {"courseId": COURSE, "name": "Letters", "teacherUid": HEAD}
    said = data(ask(held, "create_classroom", **{**given, **TOMORROW_TOO, **fields}))
    return {"classId": said["classId"], "activityId": said["activityId"]}


def past_classroom(held: Institution) -> dict[str, int]:
    """Make a classroom of COURSE that is over, and was recorded: its ids."""
    made = classroom(held, name="Sets")
    lesson = held.lessons[made["classId"]]
    held.lessons.change(lesson, begin_time=NOW - DAY, end_time=NOW - DAY + HOUR, record=True)
    return made


def unit(held: Institution, name: str = "Unit A", course_id: int = COURSE) -> int:
    """Make a unit: its id."""
    made = ask(held, "create_unit", courseId=course_id, name=name, publishFlag=0)
    return int(data(made)["unitId"])


def task(held: Institution, unit_id: int, kind: int = 6, **fields: object) -> int:
    """Make the draft of an activity of COURSE: its id."""
    given = {"courseId": COURSE, "unitId": unit_id, "activityType": kind, "name": "Talk"}
    made = ask(held, "create_activity_no_class", **{**given, "teacherUid": HEAD, **fields})
    return int(data(made)["activityId"])
