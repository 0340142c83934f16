"""Tables, as CSV of any kind and as workbooks."""

import csv
import io
from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from producers.files.table import Cell, Unfit, read_grid
from worker.errors import InvalidInputError

CSV = "Phone,Full name\n13800000001,李雷\n\n13800000002,韩梅梅\n"


def rows(content: bytes, sheet: str | None = None) -> list[tuple[int, list[Cell]]]:
    """The rows below the names, with their numbers."""
    return [(row.number, list(row.cells)) for row in read_grid(content, sheet).rows]


def workbook(*lines: list[object], title: str = "People") -> bytes:
    """A workbook with one sheet."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = title
    for line in lines:
        sheet.append(line)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_of_many_kinds_is_read(encoding: str, separator: str) -> None:
    """Encodings, marks and separators; rows are numbered as a spreadsheet program does."""
    content = CSV.replace(",", separator).encode(encoding)

    assert read_grid(content).header == ["Phone", "Full name"]
    assert rows(content) == [(2, ["13800000001", "李雷"]), (4, ["13800000002", "韩梅梅"])]


def test_a_row_may_have_several_lines() -> None:
    """It counts as one."""
    assert rows(b'a,b\n"1\n2", 3 \n4,5\n') == [(2, ["1\n2", "3"]), (3, ["4", "5"])]


def test_numbers_that_were_phones_are_so_again() -> None:
    """Whole numbers lose their point; yes and no, and moments, are as fields take them."""
    moment = datetime(2026, 9, 1, 8)  # noqa: DTZ001  # workbooks know no zones
    content = workbook(
        ["a", "b", "c", "d"], [13800000000.0, 1.5, True, moment], [None, " ", None, None], [7]
    )

    assert rows(content) == [
        (2, ["13800000000", "1.5", "1", "2026-09-01T08:00:00"]),
        (4, ["7"]),
    ]


def test_what_a_workbook_cannot_tell_is_said() -> None:
    """Formulas that nobody worked out, errors, and numbers that have lost digits."""
    content = workbook(["a", "b", "c"], ["=1+1", "#N/A", 123456789012345678])

    ((_, cells),) = rows(content)

    told = [cell.what for cell in cells if isinstance(cell, Unfit)]
    assert [what.split(":")[0] for what in told] == [
        "is a formula without a result",
        "is an error of the spreadsheet's (#N/A)",
        "has more than 15 digits as a number",
    ]


def test_a_sheet_is_found_by_name() -> None:
    """A name that is nearly right is told."""
    content = workbook(["a"], ["1"])
    assert rows(content, "People") == [(2, ["1"])]
    with pytest.raises(InvalidInputError, match="there is no 'Peeple'; did you mean People"):
        read_grid(content, "Peeple")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"\n , \n", "is empty"),
        (b"\xff\xff\xff\x00", "is neither UTF-8 nor GB18030"),
        (b'a,b\n1,"2', "cannot be read at row 2"),
        (b"PK\x03\x04 and no more", "is a broken workbook"),
        (b"\xd0\xcf\x11\xe0", "is an old workbook"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, what: str) -> None:
    """With a word that helps."""
    with pytest.raises(InvalidInputError, match=what):
        read_grid(content)


CELLS = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="\ufeff"), min_size=1
)


@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=5),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_whatever_is_written_is_read(lines: list[list[str]], encoding: str) -> None:
    """Quotes, separators and signs of all kinds."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["a", "b", "c"], *lines])

    found = rows(text.getvalue().encode(encoding))

    assert found == [(number, line) for number, line in enumerate(lines, 2)]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Nothing else is raised."""
    with suppress(InvalidInputError):
        assert read_grid(content).header
