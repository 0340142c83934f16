"""Archives: ZIP files whose members or headers were tampered with."""

from collections.abc import Callable
from io import BytesIO
from warnings import catch_warnings, simplefilter
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile

from hypothesis import strategies as st

from tests.security.fuzz.damage import spoiled

#: Names that lead elsewhere, or that nobody expects.
_NAMES = (
    "../out.csv", "/etc/passwd", "C:\\x.csv", "a\\..\\b.csv", "users.csv", "USERS.CSV", " ", ".",
    "a/" * 200 + "x.csv", "\u202evsc.exe", "x\x00.csv", "deep/users.csv", "__MACOSX/users.csv",
)  # fmt: skip


@st.composite
def damaged_zip(
    draw: st.DrawFn,
    content: bytes,
    turned: Callable[[str, bytes], bytes] = lambda _, part: part,
) -> bytes:
    """Give an archive with other members, or other bytes; `turned` says what becomes of a part."""
    packed = draw(st.sampled_from((ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA)))
    out = BytesIO()
    with ZipFile(BytesIO(content)) as sound, ZipFile(out, "w", packed) as made, catch_warnings():
        simplefilter("ignore")  # of names that come twice
        names = sound.namelist()
        left_out = draw(st.sets(st.sampled_from(names), max_size=1))
        for name in names:
            if name not in left_out:
                part = turned(name, sound.read(name))
                made.writestr(name, draw(spoiled(part, 2)) if draw(st.booleans()) else part)
        for name in draw(st.lists(st.sampled_from((*_NAMES, *names)), max_size=1)):
            made.writestr(name, draw(st.binary(max_size=50)))
    return draw(spoiled(out.getvalue(), 2)) if draw(st.integers(0, 2)) == 0 else out.getvalue()
