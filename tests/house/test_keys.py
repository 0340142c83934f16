"""Every Redis key is listed: the ledger's in keys.py, all in docs/internals/ledger.md."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from worker.ledger import keys


def _table(text: str) -> set[str]:
    """Give the keys of a table: its first cells that begin as ours do."""
    return set(re.findall(r"^\|\s*`?(classin(?::[\w:.-]+)?)`?\s*\|", text, re.MULTILINE))


def _is_listed(name: str, listed: set[str]) -> bool:
    """Say whether a key, or the fixed part in front of a longer one, is among those listed.

    Words in capitals stand for anything.
    """
    return any(
        re.fullmatch(re.sub(r"\b[A-Z]+\b", ".+", key), name)
        or re.split(r"\b[A-Z]+\b", key)[0] == name
        for key in listed
    )


def _strings(tree: ast.Module) -> Iterator[str]:
    """Give a module's texts; of those with gaps, what stands in front of the first."""
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
                yield text
            case ast.Constant(value=str(text)) if id(node) not in parts:
                yield text


@pytest.fixture(scope="module")
def in_scripts(scripts: Mapping[str, str]) -> set[str]:
    """The keys that the scripts name."""
    return {key for text in scripts.values() for key in re.findall(r"'(classin:[^']*)'", text)}


@pytest.fixture(scope="module")
def in_python(sources: Mapping[str, ast.Module]) -> Mapping[str, set[str]]:
    """The keys that each source file names."""
    return {
        path: {text for text in _strings(tree) if re.fullmatch(r"classin:\S+", text)}
        for path, tree in sources.items()
    }


def test_the_ledgers_keys_are_in_its_table(
    in_scripts: set[str], in_python: Mapping[str, set[str]]
) -> None:
    """What the scripts and the ledger name stands in the table of keys.py."""
    listed = _table(keys.__doc__ or "")
    ours = in_scripts.union(
        *(names for path, names in in_python.items() if path.startswith("worker/ledger/"))
    )
    assert ours
    assert {name for name in ours if not _is_listed(name, listed)} == set()


def test_the_table_lists_nothing_else(
    in_scripts: set[str], in_python: Mapping[str, set[str]]
) -> None:
    """Each key of the table is named somewhere; the queue's own name is Celery's to use."""
    named = in_scripts.union(*in_python.values())
    listed = _table(keys.__doc__ or "") - {"classin"}
    assert {key for key in listed if not any(_is_listed(name, {key}) for name in named)} == set()


def test_all_keys_are_on_the_map(root: Path, in_python: Mapping[str, set[str]]) -> None:
    """The page on the ledger lists the table of keys.py and what else is named."""
    mapped = _table((root / "docs" / "internals" / "ledger.md").read_text(encoding="utf-8"))
    assert _table(keys.__doc__ or "") <= mapped
    named = set().union(*in_python.values())
    assert {name for name in named if not _is_listed(name, mapped)} == set()
