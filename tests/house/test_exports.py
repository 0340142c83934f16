"""What a package says that it exports is what is there."""

import ast
from collections.abc import Iterator, Mapping
from importlib import import_module

import pytest


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _bound(tree: ast.Module, package: str) -> Iterator[str]:
    """Give the names that a module defines, or takes over from below its own package."""
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.ImportFrom() if (node.module or "").startswith(f"{package}."):
                yield from (alias.asname or alias.name for alias in node.names)
            case ast.Assign():
                yield from (target.id for target in node.targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


@pytest.fixture(scope="module")
def exporting(sources: Mapping[str, ast.Module]) -> Mapping[str, ast.Module]:
    """The modules with an `__all__`, by their full names."""
    return {_module(path): tree for path, tree in sources.items() if "__all__" in _bound(tree, " ")}


def test_exports_can_be_imported(exporting: Mapping[str, ast.Module]) -> None:
    """Each name of each `__all__` is there."""
    missing = [
        f"{name}.{export}"
        for name in exporting
        for module in [import_module(name)]
        for export in module.__all__
        if not hasattr(module, export)
    ]
    assert exporting
    assert missing == []


def test_exports_are_complete(exporting: Mapping[str, ast.Module]) -> None:
    """Each public name that such a module defines or takes over is in its `__all__`."""
    for name, tree in exporting.items():
        public = {bound for bound in _bound(tree, name) if not bound.startswith("_")}
        assert public <= set(import_module(name).__all__), name
