"""The door of workbooks."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.utils.exceptions import IllegalCharacterError

from tests.security.fuzz.archives import damaged_zip
from tests.security.fuzz.damage import spoiled
from tests.security.fuzz.door import Door
from tests.security.fuzz.exploring import passes
from tests.security.fuzz.test_fuzz_csv import HEADER, LAYOUTS, opened_for_sheets, rows

#: What stands in a part of a workbook, and what somebody may write there instead.
_TRICKS = (
    (b"<sheetData>", b'<sheetData><row r="1048576"><c r="XFD1048576" t="n"><v>1</v></c></row>'),
    (b"<sheetData>", b'<sheetData><row r="9999999999999"><c><v>1</v></c></row>'),
    (b"<sheetData>", b'<sheetData><row r="x"><c r="??" t="n"><v>x</v></c></row>'),
    (b't="inlineStr"', b't="d"'),
    (b't="s"', b't="n"'),
    (b"<v>0</v>", b"<v>99999999</v>"),
    (b"<v>1</v>", b"<v>-1</v>"),
    (b"<v>2</v>", b"<v>1e400</v>"),
    (b"<v>3</v>", b"<f>1+1</f><v>nan</v>"),
    (b"<?xml", b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><?xml'),
    (b"<sst", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><sst'),
    (b"worksheet", b"worksheeet"),
    (b'r:id="rId1"', b'r:id="rId99"'),
    (b"sheet1.xml", b"../../../etc/passwd"),
    (b'numFmtId="0"', b'numFmtId="22"'),
    (b"applyAlignment", b'numFmtId="x" y'),
)


def _book(found: list[tuple[str, ...]]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADER)
    for row in found:
        try:
            sheet.append(row)
        except (IllegalCharacterError, ValueError):
            continue
    out = BytesIO()
    try:
        book.save(out)
    except UnicodeEncodeError:  # half characters: nobody can save that
        return _book([])
    return out.getvalue()


@st.composite
def _books(draw: st.DrawFn) -> tuple[bytes, int]:
    content = _book(draw(rows()))
    tricks = dict(draw(st.lists(st.sampled_from(_TRICKS), max_size=3)))

    def turned(name: str, part: bytes) -> bytes:
        del name
        for old, new in tricks.items():
            part = part.replace(old, new, 1)
        return part

    content = draw(damaged_zip(content, turned))
    return content, draw(st.integers(0, len(LAYOUTS) - 1))


def _bomb(cells: int) -> bytes:
    """A small workbook that says much: one row of so many cells with nothing much in it."""
    with ZipFile(BytesIO(_book([]))) as sound, BytesIO() as out:
        with ZipFile(out, "w", ZIP_DEFLATED) as book:
            for name in sound.namelist():
                part = sound.read(name)
                if name.endswith("sheet1.xml"):
                    row = b"<row>" + b"<c><v>1</v></c>" * cells + b"</row>"
                    part = part.replace(b"<sheetData>", b"<sheetData>" + row)
                book.writestr(name, part)
        return out.getvalue()


DOOR = Door(
    "xlsx",
    st.one_of(
        _books(),
        st.tuples(st.integers(1, 400_000).map(_bomb), st.just(0)),
        st.tuples(spoiled(_book([])), st.just(0)),
    ),
    opened_for_sheets,
    examples=40,
)


def test_whatever_comes_as_a_workbook_is_taken_or_refused() -> None:
    """Whoever saves a workbook: no crash, no memory for nothing, no cell in what is said of it."""
    passes(DOOR)
