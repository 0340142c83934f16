"""Failures of a batch as a table that can be corrected and submitted again."""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ops.insight.progress import UNSUCCESSFUL
from ops.insight.status_text import status_text
from producers.files.csv_formulas import SafeWriter
from producers.files.table import MOST_BYTES, Grid, Row, read_grid
from worker.classin.field_types import Sensitivity, sensitivity_of
from worker.classin.operation import REGISTRY
from worker.config.file_access import FileAccess
from worker.errors import FieldError, InvalidInputError, ValidationError
from worker.execution.local_files import open_path
from worker.keyring import KeyRing
from worker.ledger.batch import BatchInfo, mark_of_file
from worker.ledger.record import Record
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter
from worker.printable import printable
from worker.private_files import created

#: Columns before those of the file, and after them.
_BEFORE = ("row",)
_BEHIND = ("id", "state", "reason", "code", "message", "what to do")

#: Records read at once.
_PAGE = 500


class Written(NamedTuple):
    """The number of rows written, and whether their cells are the file's own."""

    rows: int
    as_they_stood: bool


class _Source(NamedTuple):
    """The source of a row's cells."""

    header: Sequence[str]
    rows: Mapping[int, Row]
    #: The file's own columns, without those of an earlier table of failures.
    own: slice


def write_failures(
    ledger: RedisLedger,
    batch: str,
    path: Path,
    source: Path | None,
    keyring: KeyRing,
    *,
    note: Callable[[Sequence[str]], object] = lambda _: None,
) -> Written:
    """Write a batch's failures as CSV, readable by its owner only: it holds personal data.

    `source`: the batch's file, if it has moved. Without the unchanged file, cells come from the
    records. `note` is called with the ids before anything is written. Raises InvalidInputError,
    UnavailableError.
    """
    about = ledger.batches.info(batch) or BatchInfo()
    records = sorted(_unsuccessful(ledger, batch), key=lambda each: (each.row or 0, each.sequence))
    found = _source_of(about, source, keyring)
    if found is None:
        header, cells = _rebuilt(about, records)
    else:
        header = list(found.header[found.own])
        cells = [_cells_of(found, record) for record in records]
    note([record.id for record in records])
    text = io.StringIO()
    table = SafeWriter(text)
    table.writerow([*_named(_BEFORE, header), *header, *_named(_BEHIND, header)])
    for record, own in zip(records, cells, strict=True):
        table.writerow([record.row or "", *own, *_told(record)])
    _write(path, text.getvalue())
    return Written(len(records), found is not None)


def _unsuccessful(ledger: RedisLedger, batch: str) -> Iterator[Record]:
    for state in UNSUCCESSFUL:
        cursor = None
        while True:
            page = ledger.page(Filter(batch=batch, state=state.value), _PAGE, cursor)
            yield from page.complete()
            cursor = page.cursor
            if cursor is None:
                break


def _source_of(about: BatchInfo, given: Path | None, keyring: KeyRing) -> _Source | None:
    """Read the sheet of a batch, if it exists unchanged."""
    path = given or (Path(about.path) if about.path else None)
    if path is None or not about.columns:
        return None
    try:
        with open_path(path, FileAccess(None)) as file:  # no pipe: Redis may say where it lies
            content = file.read(MOST_BYTES + 1)  # nor is more read than any sheet has
    except (OSError, ValueError) as error:
        if given is None:
            return None
        why = error.strerror if isinstance(error, OSError) else "its name is none"
        raise _not_it(f"{given} cannot be read: {why}") from None
    if mark_of_file(keyring, content) != about.digest:
        if given is None:
            return None
        raise _not_it(f"{given} is not the file of this batch, or has been changed since")
    try:
        grid = read_grid(content, about.sheet)
    except ValidationError:
        return None
    return _Source(grid.header, {row.number: row for row in grid.rows}, _own(grid))


def _own(grid: Grid) -> slice:
    """Leave out the columns that an earlier table of failures added."""
    own = slice(len(_BEFORE), len(grid.header) - len(_BEHIND))
    inner = grid.header[own]
    around = [*_named(_BEFORE, inner), *inner, *_named(_BEHIND, inner)]
    return own if list(grid.header) == around else slice(0, len(grid.header))


def _named(names: Sequence[str], header: Sequence[str]) -> list[str]:
    """Return names for our columns that do not collide with the sheet's."""
    return [f"classin {name}" if name in header else name for name in names]


def _cells_of(source: _Source, record: Record) -> list[str]:
    row = source.rows.get(record.row or 0, Row(0, []))
    cells = (row.cell(column) for column in range(len(source.header))[source.own])
    return [cell if isinstance(cell, str) else "" for cell in cells]


def _rebuilt(about: BatchInfo, records: Iterable[Record]) -> tuple[list[str], list[list[str]]]:
    """Return rows from the records' fields, under the sheet's columns or ClassIn's names."""
    columns = dict(about.columns)
    if not columns:
        names = (name for record in records for name in record.fields)
        columns = {name: name for name in dict.fromkeys(names)}
    cells = [[_cell(record, name) for name in columns] for record in records]
    return list(columns.values()), cells


def _cell(record: Record, name: str) -> str:
    """Return a field as a cell; credentials are never written."""
    value = record.fields.get(name, "")
    kind = REGISTRY.get(record.operation)
    info = kind.field_named(name) if kind else None
    if info is None or sensitivity_of(info) is Sensitivity.CREDENTIAL:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _told(record: Record) -> list[str]:
    said = status_text(record)
    return [
        record.id,
        record.state.value,
        record.reason.value if record.reason else "",
        "" if record.code is None else str(record.code),
        printable(record.message or ""),
        printable(said.todo),
    ]


def _write(path: Path, text: str) -> None:
    """Write a file of mode 0600, with a byte order mark for spreadsheets."""
    try:
        path.unlink(missing_ok=True)  # another's rights would stay
        with created(path, "utf-8-sig") as file:
            file.write(text)
    except OSError as error:
        fault = FieldError("--failures", f"{path} cannot be written: {error.strerror}")
        raise InvalidInputError("watch", [fault]) from None


def _not_it(what: str) -> InvalidInputError:
    return InvalidInputError("watch", [FieldError("--file", what)])
