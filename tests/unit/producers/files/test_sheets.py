"""Operations from sheets."""

import pytest

from producers.files.sheets import Layout, check_sheet, read_map
from producers.intake.checked import Checked
from producers.intake.request import Options
from producers.intake.submitter import Submitter
from worker.errors import InvalidInputError, ValidationError
from worker.ledger.batch import BatchInfo
from worker.ledger.store import RedisLedger

STUDENTS = "Phone,Full name,Class\n13800000001,Li Lei,8a\n,,\n13800000002,Han Meimei,8b\n"
LAYOUT = Layout(
    operation="add_school_student",
    columns={"studentAccount": "Phone", "student_name": "Full name"},
)


def check(submitter: Submitter, text: str, layout: Layout = LAYOUT) -> Checked:
    """Check a sheet."""
    return check_sheet(text.encode(), layout, submitter, "rows.csv").checked


def faults(submitter: Submitter, text: str, layout: Layout = LAYOUT) -> list[str]:
    """What is wrong with it, as a whole or by rows."""
    try:
        return [str(fault) for fault in check(submitter, text, layout).faults]
    except ValidationError as error:
        return [str(fault) for fault in error.faults]


def of(operation: str, **more: object) -> Layout:
    """Another layout."""
    return Layout(operation=operation, **more)  # type: ignore[arg-type]  # as the test says


def test_each_row_becomes_an_operation(submitter: Submitter) -> None:
    """With its fields from the columns, and the number of its row."""
    checked = check(submitter, STUDENTS)

    assert checked.faults == []
    assert [each.row for each in checked.submissions] == [2, 4]
    assert checked.submissions[0].fields == {
        "studentAccount": "13800000001",
        "studentName": "Li Lei",
    }
    assert {each.source for each in checked.submissions} == {"rows.csv"}


@pytest.mark.parametrize("header", ["studentAccount,studentName", "STUDENT_ACCOUNT,studentname"])
def test_columns_that_are_called_like_fields_need_no_map(submitter: Submitter, header: str) -> None:
    """In either spelling; other columns do not matter."""
    checked = check(submitter, f"{header},Remark\n13800000001,Li Lei,x\n", of("add_school_student"))

    assert checked.faults == []
    assert checked.submissions[0].fields["studentAccount"] == "13800000001"


def test_faults_name_row_field_and_column_and_no_value(
    submitter: Submitter, ledger: RedisLedger
) -> None:
    """All at once; a column that was mixed up may be personal."""
    text = "Phone,Full name\n13800000001,\nnone of yours,Li Lei\n"

    found = faults(submitter, text)

    assert [each.partition(": ")[0] for each in found] == ["rows.csv row 2", "rows.csv row 3"]
    assert "studentName (Full name): is required" in found[0]
    assert "studentAccount (Phone): " in found[1]
    assert "yours" not in " ".join(found)
    mixed = of("edit_course", columns={"courseId": "Full name", "courseName": "Phone"})
    assert "Lei" not in " ".join(faults(submitter, STUDENTS, mixed))
    assert ledger.counts().by_state() == {}


@pytest.mark.parametrize(
    ("layout", "what"),
    [
        (of("add_school_student", columns={"studentAccount": "Phnoe"}), "did you mean Phone?"),
        (of("add_school_student", columns={"studentAcount": "Phone"}), "did you mean studentAcc"),
        (of("add_school_student", columns={"studentAccount": "Phone"}), "--map studentName=COLUMN"),
        (of("add_school_student", dedup="phone"), "--dedup: there is no column 'phone'; did you"),
        (of("add_school_studnt"), "did you mean add_school_student?"),
        (of("register", columns={"nickname": "Class"}), "exactly one of telephone and email"),
        (of("register_multiple"), "userJson: takes objects, which no cell holds"),
        (of("add_school_student", options=Options(priority="urgent")), "priority: should be one"),
    ],
)
def test_what_no_row_could_mend_is_told_before_any(
    submitter: Submitter, layout: Layout, what: str
) -> None:
    """Once, and not by rows."""
    found = faults(submitter, STUDENTS, layout)

    assert any(what in each for each in found), found
    assert not any("row" in each for each in found)


def test_columns_of_one_name_cannot_be_told_apart(submitter: Submitter) -> None:
    """Where they are asked for."""
    text = "Phone,Phone,Full name\n1,2,3\n"
    assert faults(submitter, text) == ["the sheet: has 2 columns 'Phone'"]


def test_what_is_said_of_all_rows(submitter: Submitter) -> None:
    """Priority, and what exists already."""
    options = Options(priority="low", if_exists="accept")
    layout = Layout(operation=LAYOUT.operation, columns=LAYOUT.columns, options=options)

    (first, _) = check(submitter, STUDENTS, layout).submissions

    assert (first.priority, first.accepts_existing) == ("low", True)


def test_the_same_sheet_twice_submits_nothing_twice(
    submitter: Submitter, ledger: RedisLedger
) -> None:
    """Rows are told apart by a column, of which the dedup key tells nothing."""
    layout = Layout(operation=LAYOUT.operation, columns=LAYOUT.columns, dedup="Phone")
    once = submitter.enter_batch(check(submitter, STUDENTS, layout), BatchInfo())

    checked = check(submitter, STUDENTS.replace("8b", "8c"), layout)
    again = submitter.enter_batch(checked, BatchInfo())

    assert [each.id for each in again] == [each.id for each in once]
    assert ledger.batches.info(checked.batch) is None
    assert "1380000" not in str(once[0].record().dedup_key)
    assert (
        "dedup_key (Phone): is empty" in faults(submitter, "Phone,Full name\n,Li Lei\n", layout)[0]
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["a=B,c=D"], {"a": "B", "c": "D"}),
        (["a=B", "c=Full name"], {"a": "B", "c": "Full name"}),
        (['a="B, C",d="E ""F"""'], {"a": "B, C", "d": 'E "F"'}),
        ([" a = B , c = D "], {"a": "B", "c": "D"}),
        (["a=B=C"], {"a": "B=C"}),
    ],
)
def test_a_map_is_read(given: list[str], expected: dict[str, str]) -> None:
    """Repeated, or with commas between; quotes as in CSV."""
    assert read_map(given) == expected


@pytest.mark.parametrize("given", ["a", "a=", "=B", 'a="B', "a=B,,c=D", "a=B,a=C"])
def test_a_map_that_is_none_is_refused(given: str) -> None:
    """With what it should be."""
    with pytest.raises(InvalidInputError, match="--map"):
        read_map([given])
