"""What the README says is so: variables, commands, lines of JSON, Python."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from ops.cli.build import build
from producers.intake.request import SubmitRequest
from worker.classin.catalogue import CATALOGUE, read
from worker.config.settings import from_env


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    """The README's text."""
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def commands() -> Mapping[str, set[str]]:
    """The options of each command of `classin`, of those in groups by both words."""
    return dict(_options(get_command(build()), ""))


def _options(command: Any, name: str) -> Iterator[tuple[str, set[str]]]:  # noqa: ANN401  # typer's
    if name:
        yield name, {option for parameter in command.params for option in parameter.opts}
    for word, inner in getattr(command, "commands", {}).items():
        yield from _options(inner, f"{name} {word}".strip())


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def _variables(tree: ast.Module) -> Iterator[str]:
    """Give the names of variables among a module's texts; a bare prefix is none."""
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if re.fullmatch(r"CLASSIN_[A-Z_]*[A-Z]", text):
                yield text


def _table(readme: str) -> dict[str, str]:
    """Give the variables that the table lists, each with its second cell."""
    return dict(re.findall(r"^\| `(CLASSIN_\w+)` \| (.*?) \|", readme, re.MULTILINE))


def test_the_table_of_variables_is_what_the_settings_read(
    readme: str, sources: Mapping[str, ast.Module]
) -> None:
    """No variable is missing, and none is made up."""
    assert _table(readme).keys() == set(_variables(sources["worker/config/settings.py"]))


def test_the_defaults_are_what_the_settings_take(readme: str) -> None:
    """To set a variable to the default that the table gives changes nothing."""
    defaults = {
        name: cell.strip("`") for name, cell in _table(readme).items() if cell.startswith("`")
    }
    assert defaults
    assert from_env(defaults) == from_env({})


def test_every_command_in_it_exists(readme: str, commands: Mapping[str, set[str]]) -> None:
    """Each `classin X` is a command, with the options that are written behind it."""
    written = [
        *re.findall(r"`(?:\S*/)?classin ([a-z].*?)`", readme),
        *(
            line
            for block in _blocks(readme, "(?:sh|console)")
            for line in re.findall(r"^\s*(?:\$ )?(?:\S*/)?classin ([a-z].*)$", block, re.MULTILINE)
        ),
    ]
    assert written
    for line in written:
        command, *words = line.partition("  #")[0].partition(" -- ")[0].split()
        if words and (inner := f"{command} {words[0]}") in commands:
            command = inner
        assert command in commands, line
        assert {word for word in words if word.startswith("--")} <= commands[command], line


def test_every_line_of_json_in_it_can_be_submitted(readme: str) -> None:
    """The examples of files of operations pass the checks of `classin enqueue`."""
    lines = [line for block in _blocks(readme, "jsonl") for line in block.splitlines()]
    assert lines
    for text in lines:
        line = SubmitRequest.read(json.loads(text))
        read(line.operation, line.fields)


def test_the_python_in_it_compiles(readme: str) -> None:
    """Each snippet is Python, and imports what is there."""
    snippets = _blocks(readme, "python")
    assert snippets
    for snippet in snippets:
        tree = ast.parse(snippet)
        compile(tree, "README.md", "exec")
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                module = import_module(node.module)
                assert all(hasattr(module, alias.name) for alias in node.names), snippet


def test_what_it_links_to_is_there(readme: str, root: Path) -> None:
    """Each link to a file of the project leads somewhere."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", readme)
    links += re.findall(r'src="(?!https?:)([^"]+)"', readme)
    assert links
    assert [link for link in links if not (root / link).exists()] == []


def test_the_number_of_operations_is_true(readme: str, root: Path) -> None:
    """Wherever it is named."""
    texts = [readme, (root / "CHANGELOG.md").read_text(encoding="utf-8")]
    named = re.findall(r"\b[Aa]ll (\S+) operations\b", " ".join(texts))

    assert named == [str(len(CATALOGUE))] * len(named) != []
