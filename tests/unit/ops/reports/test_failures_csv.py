"""What did not succeed, as a table to be mended."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from ops.reports.failures_csv import write_failures
from tests.unit.ledger.hands import ENTRY, REFUSED, settled
from tests.unit.stage import RING
from worker.ledger.batch import BatchInfo, mark_of_file
from worker.ledger.record import Submission
from worker.ledger.store import RedisLedger

SHEET = "id,Phone,Word,Remark\n1,13800000001,secret-word,x\n2,13800000002,other-word,=y\n"
REGISTER = replace(
    ENTRY,
    operation="register",
    fields={"telephone": "13800000002", "password": "other-word"},
    row=3,
)


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    """A sheet that was handed in."""
    path = tmp_path / "people.csv"
    path.write_text(SHEET, encoding="utf-8")
    return path


def about(path: Path) -> BatchInfo:
    """What is said of it."""
    digest = mark_of_file(RING, path.read_bytes())
    columns = {"telephone": "Phone", "password": "Word"}
    return BatchInfo(file=path.name, path=str(path), digest=digest, columns=columns)


def fail(ledger: RedisLedger, entry: Submission, said: BatchInfo) -> None:
    """Let an operation of a batch fail."""
    ledger.batches.open(str(entry.batch), said)
    ledger.submit([entry])
    settled(ledger, entry.id, REFUSED)


def table(path: Path) -> list[list[str]]:
    """What was written."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_rows_are_as_they_stood(ledger: RedisLedger, sheet: Path, tmp_path: Path) -> None:
    """A column of the file's own that is called like one of ours stays its own."""
    fail(ledger, REGISTER, about(sheet))
    out = tmp_path / "out.csv"

    assert write_failures(ledger, "b", out, None, RING) == (1, True)

    header, row = table(out)
    assert header[:6] == ["row", "id", "Phone", "Word", "Remark", "classin id"]
    assert row[:6] == ["3", "2", "13800000002", "other-word", "'=y", "a"]


def test_a_table_of_failures_that_fails_again_grows_no_wider(
    ledger: RedisLedger, sheet: Path, tmp_path: Path
) -> None:
    """The columns that we had added are left out."""
    fail(ledger, REGISTER, about(sheet))
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    write_failures(ledger, "b", first, None, RING)
    fail(ledger, replace(REGISTER, id="c", batch="again", row=2), about(first))

    write_failures(ledger, "again", second, None, RING)

    assert table(second)[0] == table(first)[0]
    assert table(second)[1][:6] == ["2", "2", "13800000002", "other-word", "'=y", "c"]


def test_without_the_file_credentials_stay_out(
    ledger: RedisLedger, sheet: Path, tmp_path: Path
) -> None:
    """They are in no file of ours."""
    fail(ledger, REGISTER, about(sheet))
    sheet.unlink()
    out = tmp_path / "out.csv"

    assert write_failures(ledger, "b", out, None, RING) == (1, False)

    header, row = table(out)
    assert header[:4] == ["row", "Phone", "Word", "id"]
    assert row[:4] == ["3", "13800000002", "", "a"]


def test_a_batch_of_which_nothing_is_known_has_its_fields(
    ledger: RedisLedger, tmp_path: Path
) -> None:
    """Under ClassIn's names; an older file there is replaced, with its rights."""
    ledger.submit([ENTRY])
    settled(ledger, "a", REFUSED)
    out = tmp_path / "out.csv"
    out.write_text("old", encoding="utf-8")
    out.chmod(0o644)

    write_failures(ledger, "b", out, None, RING)

    assert table(out)[0][:4] == ["row", "folderId", "folderName", "id"]
    assert out.stat().st_mode & 0o777 == 0o600
