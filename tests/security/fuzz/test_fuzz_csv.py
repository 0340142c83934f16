"""The door of sheets as CSV."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO

from hypothesis import strategies as st

from producers.files.sheets import Layout, check_sheet
from tests.security.fuzz.canaries import CHILD, EMAIL, PASSWORD, PHONE
from tests.security.fuzz.damage import ODD_TEXTS, spoiled
from tests.security.fuzz.door import Door
from tests.security.fuzz.exploring import passes
from tests.security.fuzz.oracle import Take
from tests.security.fuzz.place import a_place
from worker.ledger.batch import BatchInfo

HEADER = ("Phone", "Mail", "Full name", "Password", "Class")

#: Cells of the rows below: those of a person, and what may stand there by mistake.
CELLS = (PHONE, EMAIL, CHILD, PASSWORD, "8a", *ODD_TEXTS)

LAYOUTS = (
    Layout(
        operation="register",
        columns={"telephone": "Phone", "nickname": "Full name", "password": "Password"},
    ),
    Layout(
        operation="register",
        columns={"email": "Mail", "password": "Password"},
        dedup="Mail",
    ),
    Layout(
        operation="add_school_student",
        columns={"studentAccount": "Phone", "studentName": "Full name"},
        dedup="Phone",
        options={"priority": "low", "lane": "students"},
    ),
    Layout(operation="create_folder", columns={"folderId": "Class", "folderName": "Full name"}),
    Layout(operation="add_school_student"),
)


@st.composite
def rows(draw: st.DrawFn) -> list[tuple[str, ...]]:
    """Rows of people, of whom some have cells that belong elsewhere, or are odd."""
    good = (PHONE, EMAIL, CHILD, PASSWORD, "8a")
    odd = st.lists(st.sampled_from(CELLS), max_size=7).map(tuple)
    found: list[tuple[str, ...]] = draw(
        st.lists(st.one_of(st.just(good), odd, st.permutations(good).map(tuple)), max_size=6)
    )
    return found


@st.composite
def _sheets(draw: st.DrawFn) -> tuple[bytes, int]:
    text = StringIO()
    writer = csv.writer(text, delimiter=draw(st.sampled_from(",;\t")))
    writer.writerows([HEADER, *draw(rows())])
    content = text.getvalue().encode("utf-8", "surrogatepass")
    return draw(spoiled(content)), draw(st.integers(0, len(LAYOUTS) - 1))


@contextmanager
def opened_for_sheets() -> Iterator[Take]:
    """Take sheets, each with the number of its layout."""
    with a_place() as place:

        def take(given: tuple[bytes, int]) -> Iterable[str]:
            place.clear()
            content, layout = given
            checked = check_sheet(content, LAYOUTS[layout], place.submitter, "rows.csv").checked
            yield from map(str, checked.faults)
            if checked.faults:
                place.must_be_empty()
            else:
                place.submitter.enter_batch(checked, BatchInfo(source="rows.csv"))
            place.must_keep_still(misplaced=True)

        yield take


DOOR = Door(
    "csv",
    _sheets() | st.tuples(st.binary(max_size=300), st.just(0)),
    opened_for_sheets,
)


def test_whatever_comes_as_csv_is_taken_or_refused() -> None:
    """Whoever writes a sheet: no crash, no hang, no cell quoted, nothing half done."""
    passes(DOOR)
