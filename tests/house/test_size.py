"""Files and functions stay small enough to be read at one go."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

#: Lines of a file, and of a function's body without its docstring.
LONGEST_FILE, LONGEST_FUNCTION = 400, 40


def _functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Give each function with the lines of its body."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield node.name, (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_no_source_file_is_too_long(root: Path, sources: Mapping[str, ast.Module]) -> None:
    """At most 400 lines."""
    lengths = {
        path: len((root / path).read_text(encoding="utf-8").splitlines()) for path in sources
    }
    assert {path: n for path, n in lengths.items() if n > LONGEST_FILE} == {}


def test_no_function_is_too_long(sources: Mapping[str, ast.Module]) -> None:
    """At most 40 lines of body."""
    lengths = {
        f"{path}: {name}": lines
        for path, tree in sources.items()
        for name, lines in _functions(tree)
    }
    assert {name: n for name, n in lengths.items() if n > LONGEST_FUNCTION} == {}
