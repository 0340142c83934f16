"""The door of JSON lines."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st

from producers.files.jsonl import check_lines
from tests.security.fuzz.canaries import CHILD, EMAIL, PASSWORD, PHONE
from tests.security.fuzz.damage import damaged, spoiled, written
from tests.security.fuzz.door import Door
from tests.security.fuzz.exploring import passes
from tests.security.fuzz.oracle import Take
from tests.security.fuzz.place import a_place
from worker.ledger.batch import BatchInfo

#: Lines as somebody would hand them in.
LINES: tuple[Any, ...] = (
    {
        "operation": "register",
        "fields": {"telephone": PHONE, "nickname": CHILD, "password": PASSWORD},
        "dedup_key": "a",
        "if_exists": "accept",
    },
    {"operation": "register", "fields": {"email": EMAIL, "password": PASSWORD}, "school": "main"},
    {"operation": "add_school_student", "fields": {"studentAccount": PHONE, "studentName": CHILD}},
    {
        "operation": "register_multiple",
        "fields": {
            "userJson": [
                {"telephone": PHONE, "nickname": CHILD, "password": PASSWORD},
                {"telephone": PHONE + "1", "nickname": CHILD, "password": PASSWORD},
            ]
        },
    },
    {
        "operation": "create_folder",
        "fields": {"folderId": 747759, "folderName": "tools"},
        "dedup_key": "grade 8",
        "priority": "low",
        "lane": "folders",
        "lane_on_failure": "stop",
    },
    {
        "operation": "create_folder",
        "fields": {"folderId": {"$result": "grade 8", "path": "data"}, "folderName": "x"},
        "after": ["a"],
    },
    {
        "operation": "add_course_student_multiple",
        "fields": {"courseId": 352861, "identity": 1, "studentJson": [{"uid": 1002003}]},
    },
    {"operation": "edit_course", "fields": {"course_id": 352861, "course_name": "Physics 8a"}},
)


@st.composite
def _files(draw: st.DrawFn) -> bytes:
    lines = draw(st.lists(damaged(LINES).map(written), min_size=1, max_size=4))
    content: bytes = draw(spoiled(b"\n".join(lines)))
    return content


@contextmanager
def _opened() -> Iterator[Take]:
    with a_place() as place:

        def take(content: bytes) -> Iterable[str]:
            place.clear()
            checked = check_lines(content.splitlines(keepends=True), place.submitter, "a file")
            yield from map(str, checked.faults)
            if checked.faults:
                place.must_be_empty()
            else:
                place.submitter.enter_batch(checked, BatchInfo(source="a file"))
            place.must_keep_still()

        yield take


DOOR = Door("jsonl", _files() | st.binary(max_size=300), _opened)


def test_whatever_comes_as_json_lines_is_taken_or_refused() -> None:
    """Anybody who writes a file of operations: no crash, no hang, no canary, nothing half done."""
    passes(DOOR)
