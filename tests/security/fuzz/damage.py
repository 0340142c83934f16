"""Damage: valid things made invalid, with their structure in mind, and raw bytes besides."""

import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from tests.security.fuzz.canaries import ALL

Json = Any
Path = tuple[str | int, ...]

#: Texts that went wrong somewhere before: half characters, NUL, right to left, unnormalised ...
ODD_TEXTS = (
    "", " ", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\u202etxt.exe", "\u200b", "\ufeff",
    "e\u0301", "\u00e9", "\U0001f3eb" * 20, "\x1b[2J\x1b]0;owned\x07", "[bold red]x[/]", "[/x]",
    "=cmd|' /C calc'!A0", "@/etc/passwd", "@file:///etc/passwd", "@", "@~", "@http://[", "%s%n{0}",
    "{got}", "${jndi:x}", "../../etc", "\r\nX: y", "1e999", "-0", "0x10", "1_000", "\uff11",
    "\u0661", "NaN", "null", "true", "[]", "{}", "x" * 5000, "9" * 5000, "(" * 300,
)  # fmt: skip

ODD_NUMBERS = (
    0, -1, 1, 2**31, 2**32, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400, 0.1, -0.0,
    1e308, 5e-324, float("inf"), float("-inf"), float("nan"),
)  # fmt: skip


def _deep(levels: int) -> Json:
    value: Json = []
    for level in range(levels):
        value = [value] if level % 2 else {"$result": value, "path": "a"}
    return value


_ODD: tuple[Json, ...] = (
    *ODD_TEXTS, *ODD_NUMBERS, None, True, False, [], {}, [[]], [None], {"": None}, {"$result": 1},
    {"$result": "a"}, {"$result": "a", "path": "data.0.x=1.y"}, {"$result": "a", "path": ""},
    {"$result": "a", "path": "." * 400}, {"$result": ["a"]}, {"$sealed": "eA=="}, {"$sealed": {}},
    {"name": "x", "size": 1, "sha256": "0" * 64, "at": "/etc/passwd"},
    {"at": "file:///etc/passwd"}, ["a"] * 1500, _deep(60), _deep(400),
)  # fmt: skip

odd_values = st.one_of(
    st.sampled_from(_ODD).map(deepcopy),
    st.text(st.characters(exclude_categories=[]), max_size=30),
    st.integers(),
    st.floats(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    ),
)


def _paths(value: Json, at: Path = ()) -> Iterator[Path]:
    if at:
        yield at
    if isinstance(value, dict):
        for name in value:
            yield from _paths(value[name], (*at, name))
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from _paths(each, (*at, position))


def _above(value: Json, path: Path) -> tuple[Json, Any]:
    for step in path[:-1]:
        value = value[step]
    return value, path[-1]


def _wrapped(draw: st.DrawFn, value: Json) -> Json:
    """Leave a value where it is, in another shape: a canary stays in its secret place."""
    shapes: tuple[Callable[[Json], Json], ...] = (
        lambda each: [each],
        lambda each: {"x": each},
        lambda each: [each, each, {"y": [each]}],
        lambda each: f"{each}\x00",
        lambda each: f"\ud800{each}",
        lambda each: f" {each}\u202e",
        lambda each: str(each) * 400,
        lambda each: {"$sealed": each},
    )
    return draw(st.sampled_from(shapes))(value)


def _strike(draw: st.DrawFn, value: Json) -> None:
    """Damage one place of a JSON value."""
    paths = list(_paths(value))
    if not paths:
        return
    above, last = _above(value, draw(st.sampled_from(paths)))
    match draw(st.integers(0, 6)):
        case 0:
            del above[last]
        case 1 if isinstance(above, dict):
            above[draw(st.sampled_from(ODD_TEXTS))] = draw(odd_values)
        case 2:
            above[last] = _wrapped(draw, above[last])
        case 3 if isinstance(above, list):
            above.extend([deepcopy(above[last])] * draw(st.sampled_from((1, 3, 60))))
        case _ if not _holds_a_canary(above[last]) or draw(st.booleans()):
            above[last] = draw(odd_values)
        case _:
            above[last] = _wrapped(draw, above[last])


def _holds_a_canary(value: Json) -> bool:
    return isinstance(value, str) and value in ALL


@st.composite
def damaged(draw: st.DrawFn, sound: Sequence[Json]) -> Json:
    """Give one of these values, sound or damaged in a few places."""
    value = deepcopy(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(0, 4))):
        _strike(draw, value)
    return value


def written(value: Json) -> bytes:
    """Write a value as JSON, as somebody would who knows no rules: NaN, half characters ..."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _with_twice_the_keys(content: bytes) -> bytes:
    return content.replace(b'{"', b'{"operation": null, "fields": [], "', 1)


#: What becomes of content on its way: marks, encodings, line ends, cuts.
_WAYS: tuple[Callable[[bytes], bytes], ...] = (
    lambda content: b"\xef\xbb\xbf" + content,
    lambda content: b"\xef\xbb\xbf" * 3 + content,
    lambda content: content.decode("utf-8", "replace").encode("utf-16"),
    lambda content: content.decode("utf-8", "replace").encode("utf-32-be"),
    lambda content: content.decode("utf-8", "replace").encode("gb18030", "replace"),
    lambda content: content.decode("utf-8", "replace").encode("utf-7", "replace"),
    lambda content: content.replace(b"\n", b"\r\n"),
    lambda content: content.replace(b"\n", b"\r"),
    lambda content: content.replace(b"\n", b"\n\r\r\n"),
    lambda content: content.replace(b",", b";"),
    lambda content: content + "\u7ae0".encode()[:2],
    lambda content: content.replace(b'"', b"'"),
    lambda content: content + content,
    lambda content: content + b"\x00" * 200,
    lambda content: b"[" * 5000 + content,
    lambda content: content + b'{"a":' * 3000,
    lambda content: b'"' + content,
    _with_twice_the_keys,
)

_BYTES = (b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\n", b"\r", b'"', b"'", b",", b"{", b"\x1b")


@st.composite
def spoiled(draw: st.DrawFn, content: bytes, most: int = 4) -> bytes:
    """Give content as it is, or with some bytes of it lost or changed.

    Nothing is moved to another place: what is secret must not come to stand for a name.
    """
    if draw(st.booleans()):
        return content
    if draw(st.integers(0, 4)) == 0:
        content = draw(st.sampled_from(_WAYS))(content)
    changed = bytearray(content)
    for _ in range(draw(st.integers(0, most))):
        at = draw(st.integers(0, len(changed)))
        match draw(st.integers(0, 3)):
            case 0:
                changed[at : at + 1] = draw(st.sampled_from(_BYTES))
            case 1:
                changed[at:at] = draw(st.sampled_from(_BYTES) | st.binary(max_size=8))
            case 2:
                del changed[at : at + 1]
            case _ if draw(st.integers(0, 2)) == 0:
                del changed[at:]
    return bytes(changed)
