"""A file is named for the noun that it defines."""

import ast
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

#: Names of drawers: anything could be in them.
DRAWERS = frozenset(
    stem + plural
    for stem in ("util", "helper", "common", "base", "manager", "misc")
    for plural in ("", "s")
)


def test_no_module_is_a_drawer(sources: Mapping[str, ast.Module]) -> None:
    """Neither a file nor a folder of the source has a name that says nothing."""
    named = {part for path in sources for part in PurePosixPath(path).with_suffix("").parts}
    assert named & DRAWERS == set()


def test_no_test_is_a_drawer(root: Path) -> None:
    """The same holds for the tests."""
    tests = (root / "tests").rglob("*.py")
    named = {part for path in tests for part in path.relative_to(root).with_suffix("").parts}
    assert {name.removeprefix("test_") for name in named} & DRAWERS == set()
