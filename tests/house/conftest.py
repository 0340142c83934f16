"""What the house checks look at: the project's folder and its source, parsed."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

#: The packages that make up the distribution.
PACKAGES = ("worker", "producers", "ops")


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def sources(root: Path) -> Mapping[str, ast.Module]:
    """Every source file, parsed, by its path below the project's folder."""
    return {
        path.relative_to(root).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
    }


@pytest.fixture(scope="session")
def imports(sources: Mapping[str, ast.Module]) -> Mapping[str, frozenset[str]]:
    """The modules that each source file imports, anywhere in it, by their full names."""
    return {path: frozenset(_imported(tree)) for path, tree in sources.items()}


@pytest.fixture(scope="session")
def scripts(root: Path) -> Mapping[str, str]:
    """The Lua scripts by name; those of their library begin with `lib/`."""
    folder = root / "worker" / "ledger" / "scripts"
    return {
        path.relative_to(folder).with_suffix("").as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.lua"))
    }


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
