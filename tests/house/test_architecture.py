"""What ARCHITECTURE.md and the pages below docs/internals and docs/adr name is there."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.house.conftest import PACKAGES

#: Most files of a row of "Where to change what".
MOST_FILES = 3


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    """What ARCHITECTURE.md says."""
    return (root / "ARCHITECTURE.md").read_text(encoding="utf-8")


def _section(text: str, heading: str) -> str:
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def _functions(tree: ast.Module) -> set[str]:
    """Return the functions of a module, and the methods of its classes by both names."""
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for cls in tree.body:
        if isinstance(cls, ast.ClassDef):
            methods = (node for node in cls.body if isinstance(node, ast.FunctionDef))
            found |= {f"{cls.name}.{method.name}" for method in methods}
    return found


def test_the_walk_names_what_is_there(text: str, sources: Mapping[str, ast.Module]) -> None:
    """Each step's function is in its file."""
    steps = re.findall(r"\| `(\S+\.py)` \| `(\S+)` \|$", _section(text, "The walk"), re.MULTILINE)
    assert steps
    assert [step for step in steps if step[1] not in _functions(sources[step[0]])] == []


def test_each_change_takes_few_files(text: str) -> None:
    """A row of "Where to change what" names at most three."""
    rows = re.findall(r"^\| an? .*$", _section(text, "Where to change what"), re.MULTILINE)
    assert rows
    assert [row for row in rows if row.split("|")[2].count(",") + 1 > MOST_FILES] == []


def test_every_package_of_the_worker_is_drawn(text: str, root: Path) -> None:
    """The drawing of the packages leaves none out."""
    folders = (path.parent.name for path in (root / "worker").glob("*/__init__.py"))
    drawn = set(re.findall(r"\bworker\.(\w+)", _section(text, "Packages")))
    assert set(folders) <= drawn


def test_files_that_pages_name_are_there(root: Path) -> None:
    """A path is a file; a name alone is that of a source file or a script."""
    names = {
        path.name
        for package in (*PACKAGES, "tests")
        for path in (root / package).rglob("*")
        if path.suffix in {".py", ".lua"}
    }
    missing = [
        f"{page.name}: {name}"
        for folder in (root, root / "docs" / "internals", root / "docs" / "adr")
        for page in folder.glob("*.md")
        if page.name != "CHANGELOG.md"
        for name in re.findall(r"`([\w./]+\.(?:py|lua))`", page.read_text(encoding="utf-8"))
        if not ((root / name).exists() if "/" in name else name in names)
    ]
    assert missing == []
