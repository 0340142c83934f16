"""The environment is read in one file."""

import ast
from collections.abc import Iterator, Mapping

#: What of `os` tells or changes the environment.
_READERS = frozenset({"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"})


def _reads(tree: ast.Module) -> Iterator[int]:
    """Give the lines that reach for the environment."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in _READERS:
                yield node.lineno
            case ast.ImportFrom(module="os", names=names):
                yield from (node.lineno for alias in names if alias.name in _READERS)


def test_only_the_settings_read_the_environment(sources: Mapping[str, ast.Module]) -> None:
    """Whatever a deployment may choose is read in worker/config/settings.py, and nowhere else."""
    reading = {path for path, tree in sources.items() if any(_reads(tree))}
    assert reading == {"worker/config/settings.py"}
