"""Check the parts of a workbook before any of them is read into memory."""

import io
from typing import IO, Any
from xml.parsers.expat import ParserCreate
from zipfile import ZipFile

from producers.files.zip_check import tricks
from worker.errors import FieldError, InvalidInputError

#: Maximum unpacked bytes of all parts, and maximum parts.
MOST_BYTES = 64 * 1024**2
MOST_PARTS = 500

#: Maximum elements of a part that is read as a whole (styles, merged cells), and of one row or
#: text.
MOST_ELEMENTS = 20_000
MOST_IN_ONE = 60_000

#: Maximum rows, cells and texts of a part.
MOST_ENTRIES, MOST_CELLS, MOST_TEXTS = 1_048_576, 1_000_000, 500_000

#: Maximum characters of one text (spreadsheets allow 32,767), and nesting depth.
LONGEST_TEXT = 100_000
DEEPEST = 40

#: Parts that are streamed, by root element: the element that holds the pieces, the piece, and the
#: maximum number.
_PIECES = {
    "worksheet": ("sheetData", "row", MOST_ENTRIES),
    "sst": ("sst", "si", MOST_TEXTS),
}


def check_workbook(content: bytes) -> bool:
    """Refuse a workbook that would expand too much; return whether it has formulas.

    Raises InvalidInputError, BadZipFile or ExpatError.
    """
    formulas = False
    with ZipFile(io.BytesIO(content)) as book:
        entries = book.infolist()
        if told := tricks(entries, MOST_PARTS, MOST_BYTES):
            raise too_much(told)
        if "xl/workbook.xml" not in (names := {entry.filename for entry in entries}):
            kind = "an OpenDocument" if "content.xml" in names else "no XLSX"
            raise too_much(f"is {kind} file: save it as .xlsx or .csv")
        for entry in entries:
            if entry.filename.endswith((".xml", ".rels")):
                with book.open(entry) as part:
                    formulas |= _Part().read(part)
    return formulas


def too_much(what: str) -> InvalidInputError:
    """Return the refusal of a sheet."""
    return InvalidInputError("nothing was submitted", [FieldError("the sheet", what)])


class _Part:
    """One part: its elements are counted as they are parsed, and none is kept."""

    def __init__(self) -> None:
        self._parser = parser = ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        #: The element that holds the pieces, and a piece's name; '': there are none.
        self._holder = self._piece = ""
        self._inside = self._formulas = False
        self._most = self._cells = 0
        self._depth = self._whole = self._entries = self._in_one = self._length = 0

    def read(self, part: IO[bytes]) -> bool:
        """Parse it; return whether there are formulas."""
        while chunk := part.read(64 * 1024):
            self._parser.Parse(chunk, False)  # noqa: FBT003  # as expat has it
        self._parser.Parse(b"", True)  # noqa: FBT003  # the same
        return self._formulas

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(" ")[2]
        if not self._depth:
            self._holder, self._piece, self._most = _PIECES.get(name, ("", "", 0))
        self._depth, self._length = self._depth + 1, 0
        if self._inside:
            self._in_one += 1
            self._formulas |= name == "f"
            self._cells += name == "c"
            if name == self._piece:
                self._entries, self._in_one = self._entries + 1, 0
        else:
            self._whole += 1
            self._inside = name == self._holder
        if self._depth > DEEPEST or any(len(each) > LONGEST_TEXT for each in attributes.values()):
            raise too_much("is no workbook of a spreadsheet program: save it anew as .xlsx")
        if self._whole > MOST_ELEMENTS or self._in_one > MOST_IN_ONE:
            what = f"has more than {MOST_ELEMENTS:,} styles, merged cells or the like"
            raise too_much(f"{what}: copy the values into a new one")
        if self._entries > self._most or self._cells > MOST_CELLS:
            what = f"{self._most:,} rows or texts, or {MOST_CELLS:,} cells"
            raise too_much(f"has more than {what}: hand it in in parts")

    def _end(self, name: str) -> None:
        self._depth, self._length = self._depth - 1, 0
        if self._inside and name.rpartition(" ")[2] == self._holder:
            self._inside = False

    def _text(self, text: str) -> None:
        self._length += len(text)
        if self._length > LONGEST_TEXT:
            raise too_much(f"has a cell of more than {LONGEST_TEXT:,} characters")

    def _doctype(self, *_: Any) -> None:  # noqa: ANN401  # as expat has it
        raise too_much("declares entities, as no spreadsheet program does: save it anew as .xlsx")
