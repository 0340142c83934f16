"""Rows of a CSV file: each is read, or its fault named by file, row and column."""

import io
from collections.abc import Iterator

import pytest

from producers.oneroster.reading.csv_rows import Row, Sheet
from producers.oneroster.reading.row_errors import RowFault, Severity
from producers.oneroster.reading.schema import ENROLLMENTS, ORGS, SESSIONS, Table, items_of, moment
from worker.errors import InvalidInputError

HEADER = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
GOOD = "o,,,Nowhere High,school,,\n"


def sheet(text: str | bytes, table: Table = ORGS, *, delta: bool = False) -> Sheet:
    """A file with this text."""
    raw = text if isinstance(text, bytes) else text.encode()
    return Sheet(io.BytesIO(raw), table, delta=delta)


def read(
    text: str | bytes, table: Table = ORGS, *, delta: bool = False
) -> tuple[list[Row], list[RowFault]]:
    """The rows that count, and the faults."""
    faults: list[RowFault] = []
    rows = [row for row in sheet(text, table, delta=delta).read(faults.append) if row.fit]
    return rows, faults


def told(text: str, *, delta: bool = False) -> list[str]:
    """What is said of rows under a good header."""
    return [str(fault) for fault in read(HEADER + text, delta=delta)[1]]


def test_values_may_hold_quotes_commas_and_line_ends() -> None:
    """As RFC 4180 has it; they are stripped."""
    rows, faults = read(HEADER + '" o ",,,"Nowhere ""High"",\nor so",school,,\n')
    assert faults == []
    assert [(row.number, row["sourcedId"], row["name"]) for row in rows] == [
        (2, "o", 'Nowhere "High",\nor so')
    ]


def test_rows_are_counted_as_a_spreadsheet_does() -> None:
    """The header is row 1, a blank line is one, a value with line ends makes no more of them."""
    said = told('o,,,"a\n\nb",school,,\n\np,,,,school,,\n')
    assert said == ["orgs.csv row 4: name: is required"]


def test_the_raw_row_goes_with_its_fault_but_is_not_shown() -> None:
    """It may tell of children; whoever logs a fault logs no row."""
    (fault,) = read(HEADER + 'o,,,"Ann\nNowhere",kindergarten,,\n')[1]
    assert fault.raw == 'o,,,"Ann\nNowhere",kindergarten,,'
    assert "Ann" not in f"{fault} {fault!r}"
    assert "kindergarten" not in f"{fault} {fault!r}"
    assert (fault.file, fault.row, fault.column) == ("orgs.csv", 2, "type")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("o,,,x,school,\n", "orgs.csv row 2: has 6 columns; should have 7, as the header"),
        ("o,,,x,school,,,\n", "orgs.csv row 2: has 8 columns; should have 7, as the header"),
        (",,,x,school,,\n", "orgs.csv row 2: sourcedId: is required"),
        ("o,,,x,shop,,\n", "orgs.csv row 2: type: should be one of department, school, district"),
        ('o,,,"x"y,school,,\n', "orgs.csv row 2: is no CSV: ',' expected after '\"'"),
    ],
)
def test_a_bad_row_is_left_out(row: str, said: str) -> None:
    """Those around it count."""
    rows, (fault,) = read(HEADER + row + GOOD)
    assert str(fault).startswith(said)
    assert fault.severity is Severity.LEFT_OUT
    assert [(row.number, row["sourcedId"]) for row in rows] == [(3, "o")]


def test_an_id_counts_once() -> None:
    """The later row is left out."""
    rows, faults = read(HEADER + GOOD + GOOD)
    assert [row.number for row in rows] == [2]
    assert [str(fault) for fault in faults] == [
        "orgs.csv row 3: sourcedId: stands in an earlier row, too"
    ]


def test_a_bad_optional_value_is_left_out_of_its_row() -> None:
    """With a warning; the row counts."""
    rows, (fault,) = read(HEADER + "o,gone,,Nowhere,school,,\n")
    assert rows[0]["status"] == ""
    assert fault.severity is Severity.WARNING
    assert str(fault).endswith("status: should be one of active, tobedeleted; it is not used")


def test_everybody_may_add_words_of_their_own_where_oneroster_says_so() -> None:
    """They begin with `ext:`."""
    assert told("o,,,Nowhere,ext:circus,,\n") == []


@pytest.mark.parametrize(
    ("begin", "said"),
    [
        ("2026-09-01", ""),
        ("01.09.2026", "should be a date like 2026-09-01"),
        ("20260901", "should be a date like 2026-09-01"),
        ("2026-02-30", "is no day of the calendar"),
        ("", "is required"),
    ],
)
def test_dates_are_days_of_the_calendar(begin: str, said: str) -> None:
    """Written with the year first."""
    header = "sourcedId,title,type,startDate,endDate,schoolYear\n"
    faults = read(f"{header}y,2026,term,{begin},2027-06-30,2027\n", SESSIONS)[1]
    assert [fault.what for fault in faults] == ([said] if said else [])


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("2026-09-01T08:00:00.000Z", True),
        ("2026-09-01T08:00:00+08:00", True),
        ("2026-09-01T08:00:00", False),
        ("2026-09-01", False),
        ("yesterday", False),
    ],
)
def test_moments_have_an_offset(value: str, *, right: bool) -> None:
    """As OneRoster writes them."""
    assert (moment(value) == "") is right


def test_lists_have_commas() -> None:
    """Nothing between two of them is no value."""
    assert items_of("a, b,,c") == ("a", "b", "c")
    assert items_of("a") == ("a",)
    assert items_of("") == ()


def test_an_unknown_column_is_a_warning_with_the_nearest_right_one() -> None:
    """Columns of one's own are called metadata.something."""
    faults = sheet("sourcedId,name,type,identifer,metadata.street,colour\n").faults()
    assert [str(fault) for fault in faults] == [
        "orgs.csv row 1: identifer: is no column of this file; did you mean identifier?",
        "orgs.csv row 1: colour: is no column of this file",
    ]
    assert {fault.severity for fault in faults} == {Severity.WARNING}


def test_a_missing_column_or_one_that_comes_twice_stops_the_run() -> None:
    """All of them are named at once."""
    faults = sheet("sourcedId,name,Type,name\n").faults()
    assert [str(fault) for fault in faults if fault.severity is Severity.BROKEN] == [
        "orgs.csv row 1: name: stands twice in the header",
        "orgs.csv row 1: type: is missing from the header",
    ]
    assert "did you mean type?" in str(faults[-1])


def test_in_a_delta_each_row_says_what_becomes_of_it() -> None:
    """Even a column that a bulk may lack is needed."""
    assert [str(fault) for fault in sheet("sourcedId,name,type\n", delta=True).faults()] == [
        "orgs.csv row 1: status: is missing from the header"
    ]
    said = told("o,,,x,school,,\np,active,,x,school,,\nq,perhaps,,x,school,,\n", delta=True)
    assert said == [
        "orgs.csv row 2: status: is required",
        "orgs.csv row 4: status: should be one of active, tobedeleted",
    ]


def test_a_row_that_is_to_be_deleted_need_not_say_more() -> None:
    """Of an enrolment class, person and role are needed all the same."""
    assert told("o,tobedeleted,,,,,\n", delta=True) == []
    header = "sourcedId,status,classSourcedId,schoolSourcedId,userSourcedId,role\n"
    rows, faults = read(
        f"{header}1,tobedeleted,k,,a,student\n2,tobedeleted,,,,\n", ENROLLMENTS, delta=True
    )
    assert [row["sourcedId"] for row in rows] == ["1"]
    assert {fault.column for fault in faults} == {"classSourcedId", "userSourcedId", "role"}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "orgs.csv row 1: has no header"),
        (b"\n", "orgs.csv row 1: has no header"),
        (b"\xff\xfes\x00", r"orgs.csv: is not UTF-8 \(line 1\)"),
        (HEADER.encode() + b"o,,,\xe9,school,,\n", r"orgs.csv: is not UTF-8 \(line 2\)"),
        (HEADER.encode() + b'o,,,"x,school,,\n', "orgs.csv row 2: has a quote that is not closed"),
        (b'"' + bytes(200_000), "orgs.csv row 1: has no header: field larger"),
        (
            HEADER.encode() + GOOD.encode() + b'p,,,"' + b"x\n" * 100_000,
            "orgs.csv row 3: has a quote that is not closed",
        ),
        (HEADER.encode() + b"o,,,x,school,,\rp,,,x,school,,\r", "row 2: has line ends that are"),
    ],
)
def test_a_broken_file_stops_the_run(raw: bytes, said: str) -> None:
    """Whatever comes after is not to be trusted."""
    with pytest.raises(InvalidInputError, match=said):
        read(raw)


def test_a_file_without_rows_is_no_fault() -> None:
    """The header alone will do."""
    assert read(HEADER) == ([], [])


def test_a_large_file_is_read_as_it_comes() -> None:
    """The first rows are there before the last ones are read."""

    class Endless(io.RawIOBase):
        """A file that has no end."""

        def __init__(self) -> None:
            self._lines = self._written()

        def _written(self) -> Iterator[bytes]:
            yield HEADER.encode()
            number = 0
            while True:
                number += 1
                yield f"{number},,,x,school,,\n".encode()

        def readline(self, size: int | None = -1, /) -> bytes:
            """Give a line."""
            del size
            return next(self._lines)

    rows = Sheet(Endless(), ORGS).read(lambda _: None)  # type: ignore[arg-type]  # all that is asked of it
    assert [next(rows)["sourcedId"] for _ in range(3)] == ["1", "2", "3"]
