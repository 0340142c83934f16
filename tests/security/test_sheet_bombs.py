"""Sheets that are small and swell: each is refused in a line, in little memory and time."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook

from producers.files.table import read_grid
from producers.oneroster.reading.csv_rows import LONGEST_LINE, Sheet
from producers.oneroster.reading.schema import ORGS
from worker.errors import InvalidInputError

#: Megabytes that reading may take at its peak, the program itself among them; seconds of its work.
MOST_MEMORY, MOST_SECONDS = 300, 60

#: Reads a file in a process of its own, and tells what came of it.
READER = """
import json, resource, sys
from worker.errors import InvalidInputError
from producers.files.table import read_grid
with open(sys.argv[1], "rb") as file:
    content = file.read()
try:
    said = f"{len(read_grid(content).rows)} rows"
except InvalidInputError as error:
    said = str(error.faults[0])
used = resource.getrusage(resource.RUSAGE_SELF)
try:  # what this program itself had: the other counts what its parent had, too
    with open("/proc/self/status") as file:
        memory = int(file.read().partition("VmHWM:")[2].split()[0]) / 1024
except OSError:
    memory = used.ru_maxrss / 1024
print(json.dumps([said, memory, used.ru_utime + used.ru_stime]))
"""

SHEET = "xl/worksheets/sheet1.xml"
SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def read_apart(path: Path) -> str:
    """Read a sheet in a process of its own; its memory and time are bounded."""
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path)], capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said, memory, seconds = json.loads(done.stdout)
    assert memory < MOST_MEMORY, (said, memory)
    assert seconds < MOST_SECONDS, (said, seconds)
    assert "\n" not in said
    return str(said)


def workbook(
    path: Path, parts: dict[str, str], more: int = 0, *, packed: int = zipfile.ZIP_DEFLATED
) -> Path:
    """Write a workbook with some of its parts replaced, and more that nobody needs."""
    file = io.BytesIO()
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Phone", "Name"])
    sheet.append(["13800000001", "=1+1"])
    book.save(file)
    with zipfile.ZipFile(file) as plain, zipfile.ZipFile(path, "w", packed) as bomb:
        for name in plain.namelist():
            bomb.writestr(name, parts.get(name) or plain.read(name))
        for name in parts.keys() - {*plain.namelist()}:
            bomb.writestr(name, parts[name])
        for number in range(more):
            bomb.writestr(f"xl/media/{number}.bin", b"")
    return path


def worksheet(rows: str, behind: str = "") -> dict[str, str]:
    """A worksheet with these rows."""
    return {SHEET: f"<worksheet {SPACE}><sheetData>{rows}</sheetData>{behind}</worksheet>"}


def styles(inside: str) -> dict[str, str]:
    """Styles with this in them."""
    return {"xl/styles.xml": f"<styleSheet {SPACE}>{inside}</styleSheet>"}


def texts(inside: str) -> dict[str, str]:
    """Shared strings with this in them."""
    return {"xl/sharedStrings.xml": f"<sst {SPACE}>{inside}</sst>"}


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
LINES = "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 20_000))
CELL, MERGED = "<c><v>1</v></c>", '<mergeCell ref="A1:XFD104857"/>'

BOMBS: dict[str, Callable[[], dict[str, str]]] = {
    "wide_rows": lambda: worksheet(LINES),
    "far_row": lambda: worksheet('<row r="1"><c r="A1"/></row><row r="99999999999"><c/></row>'),
    "many_cells": lambda: worksheet(f"<row>{CELL * 50}</row>" * 22_000),
    "one_long_row": lambda: worksheet(f"<row>{CELL * 1_000_000}</row>"),
    "huge_dimension": lambda: {
        SHEET: f'<worksheet {SPACE}><dimension ref="A1:XFD1048576"/><sheetData>'
        '<row r="1"><c r="A1" t="str"><v>a</v></c></row></sheetData></worksheet>'
    },
    "merged_cells": lambda: worksheet(
        "<row><c/></row>",
        f"<mergeCells>{MERGED * 500_000}</mergeCells>",
    ),
    "styles": lambda: styles(f"<fonts>{'<font><b/></font>' * 500_000}</fonts>"),
    "one_long_text": lambda: texts(f"<si><t>{'a' * 15_000_000}</t></si>"),
    "many_texts": lambda: texts("<si><t>a</t></si>" * 600_000),
    "pieces_of_a_text": lambda: texts(f"<si>{'<r><t>a</t></r>' * 1_000_000}</si>"),
    "deep": lambda: worksheet(f"{'<a>' * 100_000}{'</a>' * 100_000}"),
    "entities": lambda: {SHEET: ENTITIES + worksheet("<row><c><v>&b;</v></c></row>")[SHEET]},
    "outer_entity": lambda: {
        SHEET: '<!DOCTYPE x [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
        + worksheet("<row><c><v>&b;</v></c></row>")[SHEET]
    },
    "no_xml": lambda: {SHEET: "<worksheet"},
    "zeros": lambda: {"xl/media/a.bin": "0" * 70_000_000},
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_workbook_that_swells_takes_little_memory(name: str, tmp_path: Path) -> None:
    """Whoever hands in sheets: 17 kB of XLSX took 3.9 GB, and the machine's other work with it."""
    packed = zipfile.ZIP_DEFLATED if name in {"zeros", "wide_rows"} else zipfile.ZIP_STORED
    path = workbook(tmp_path / "bomb.xlsx", BOMBS[name](), packed=packed)
    said = read_apart(path)
    assert said.startswith("the sheet: ") or name == "huge_dimension", said


def test_a_workbook_of_many_files_is_refused(tmp_path: Path) -> None:
    """Each entry of a ZIP costs memory before any is read."""
    said = read_apart(workbook(tmp_path / "bomb.xlsx", {}, more=2_000))
    assert said == "the sheet: holds more than 500 files"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n" + b"1\n" * 200_000, "has more than 100,000 rows"),
        (b"a,b\n" + b"," * 2_000_000 + b"x\n", "has more than 100,000 rows, 1,000,000 cells"),
        (b'a,b\n"' + b"x" * 10_000_000, "is a quote not closed?"),
        (b"a" * 21 * 1024**2, "has more than 20 MB"),
        (b"a,b\n1,\0\n", "is no text"),
        (b"\xff\xfea\0\n\0\0", "is neither UTF-8 nor GB18030"),
        (b"\xd0\xcf\x11\xe0", "is an old workbook, or has a password"),
    ],
)
def test_a_table_that_swells_is_refused_in_a_line(
    content: bytes, said: str, tmp_path: Path
) -> None:
    """CSV of many empty rows, cells, an open quote or nothing but zeros."""
    path = tmp_path / "bomb.csv"
    path.write_bytes(content)
    assert said in read_apart(path)


def test_an_opendocument_is_told_from_a_broken_workbook(tmp_path: Path) -> None:
    """It is a ZIP as well, and no attack: what would be right is said."""
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("content.xml", "<a/>")
    with pytest.raises(
        InvalidInputError, match=r"is an OpenDocument file: save it as \.xlsx or \.csv"
    ):
        read_grid(path.read_bytes())


def test_honest_sheets_are_read(tmp_path: Path) -> None:
    """A formula without a result is told of; 5,000 rows are no bomb."""
    grid = read_grid(workbook(tmp_path / "a.xlsx", {}).read_bytes())
    assert grid.header == ["Phone", "Name"]
    assert "is a formula without a result" in str(grid.rows[0].cells[1])
    file = io.StringIO()
    csv.writer(file).writerows([["Phone", "Name"], *([str(n), "课程"] for n in range(5_000))])
    assert len(read_grid(file.getvalue().encode()).rows) == 5_000


@pytest.mark.parametrize("packed", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_workbook_packed_as_no_program_does_is_refused(packed: int, tmp_path: Path) -> None:
    """Damaged LZMA ended with a traceback, and its head alone decides how much memory it takes."""
    said = read_apart(workbook(tmp_path / "odd.xlsx", {}, packed=packed))
    assert said == "the sheet: is packed in an unusual way; should be a plain ZIP"


def test_a_row_of_a_roster_that_does_not_end_is_refused() -> None:
    """Each of its lines is short, but it is kept as a whole, in memory."""
    cells = b'x","x' * 10 + b"\n"
    endless = b'sourcedId,name\n1,"' + cells * (LONGEST_LINE // len(cells) + 1)
    with pytest.raises(InvalidInputError, match="has an endless row"):
        list(Sheet(io.BytesIO(endless), ORGS).read(lambda _: None))


def test_a_roster_of_very_many_rows_is_refused() -> None:
    """What tells rows apart is kept in memory for each of them."""
    rows = b"sourcedId,name\n" + b"".join(b"%d,a\n" % number for number in range(100))
    with pytest.raises(InvalidInputError, match="has more than 50 lines: export fewer schools"):
        list(Sheet(io.BytesIO(rows), ORGS, most=50).read(lambda _: None))
