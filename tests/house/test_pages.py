"""What the pages say is so: links, commands, variables, lines of JSON, Python."""

import ast
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from ops.cli.build import build
from producers.intake.request import SubmitRequest
from tests.pages import Block, anchors, blocks, links, pages
from worker.classin.catalogue import CATALOGUE, read
from worker.config.settings import from_env

#: Pages that are to be read whole, and their most lines.
LIMITS = {"README.md": 200, "README.zh-CN.md": 200, "ARCHITECTURE.md": 150, "SECURITY.md": 150}

#: Made from the catalogue; test_reference.py compares the two.
GENERATED = "docs/operations.md"


@pytest.fixture(scope="module")
def texts(root: Path) -> Mapping[str, str]:
    """The pages' texts, by their paths below the project's folder."""
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in pages(root)
    }


@pytest.fixture(scope="module")
def commands() -> Mapping[str, set[str]]:
    """The options of each command of `classin`, of those in groups by both words."""
    return dict(_options(get_command(build()), ""))


class RecordingEnvironment(dict[str, str]):
    """An environment that remembers which variables were read."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.read: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401  # as dict has it
        """Note the name."""
        self.read.add(name)
        return default

    def __getitem__(self, name: str) -> str:
        """Note the name."""
        self.read.add(name)
        return super().__getitem__(name)


def _options(command: Any, name: str) -> Iterator[tuple[str, set[str]]]:  # noqa: ANN401  # typer's
    if name:
        yield name, {option for parameter in command.params for option in parameter.opts}
    for word, inner in getattr(command, "commands", {}).items():
        yield from _options(inner, f"{name} {word}".strip())


def _variables(text: str) -> dict[str, str]:
    """Return the variables that the table lists, each with its second cell."""
    return dict(re.findall(r"^\| `(CLASSIN_\w+)` \| (.*?) \|", text, re.MULTILINE))


def _all_blocks(texts: Mapping[str, str], language: str) -> Iterator[tuple[str, Block]]:
    for page, text in texts.items():
        for block in blocks(text, language):
            yield page, block


@pytest.mark.parametrize("page", LIMITS)
def test_page_can_be_read_whole(page: str, texts: Mapping[str, str]) -> None:
    """The first pages do not grow; what is more has a page of its own in docs/."""
    assert len(texts[page].splitlines()) <= LIMITS[page]


def test_links_lead_somewhere(texts: Mapping[str, str], root: Path) -> None:
    """Each link leads to a file of the project, and its anchor to a heading there."""
    broken = []
    for page, text in texts.items():
        for link in links(text):
            path, _, anchor = link.partition("#")
            target = os.path.normpath(Path(page).parent / path) if path else page
            if not (root / target).exists() or (anchor and anchor not in anchors(texts[target])):
                broken.append(f"{page}: {link}")
    assert broken == []


def test_every_page_is_reached_from_the_readme(texts: Mapping[str, str]) -> None:
    """Who begins at README.md finds all of them."""
    reached: set[str] = set()
    ahead = ["README.md"]
    while ahead:
        page = ahead.pop()
        if page in texts and page not in reached:
            reached.add(page)
            targets = (link.partition("#")[0] for link in links(texts[page]))
            ahead += [os.path.normpath(Path(page).parent / target) for target in targets if target]
    assert texts.keys() - reached == set()


def test_variables_are_those_that_the_settings_read(texts: Mapping[str, str]) -> None:
    """No variable is missing in the table, and none is made up."""
    environment = RecordingEnvironment()
    from_env(environment)
    read_ones = {name for name in environment.read if name.startswith("CLASSIN_")}
    assert _variables(texts["docs/configuration.md"]).keys() == read_ones


def test_defaults_are_those_that_the_settings_take(texts: Mapping[str, str]) -> None:
    """To set a variable to the default that the table shows changes nothing."""
    table = _variables(texts["docs/configuration.md"])
    defaults = {name: cell.strip("`") for name, cell in table.items() if cell.startswith("`")}
    assert defaults
    assert from_env(defaults) == from_env({})


def test_variables_named_anywhere_are_in_the_table(texts: Mapping[str, str]) -> None:
    """A page names no variable that is not read."""
    table = _variables(texts["docs/configuration.md"])
    named = {
        (page, name)
        for page, text in texts.items()
        if page != "CHANGELOG.md"
        for name in re.findall(r"\bCLASSIN_[A-Z_]*[A-Z]\b", text)
    }
    assert {each for each in named if each[1] not in table} == set()


def test_commands_exist(texts: Mapping[str, str], commands: Mapping[str, set[str]]) -> None:
    """Each `classin X` is a command, with the options that are written behind it."""
    wrong = []
    for page, text in texts.items():
        prose = "" if page == "CHANGELOG.md" else text
        written = re.findall(r"`(?:\S*/)?classin ([a-z][^`]*)`", prose)
        for block in blocks(prose, "sh"):
            written += [
                line.partition("classin ")[2]
                for line in block.commands
                if re.match(r"(?:\w+=\S+ )*classin [a-z]", line)
            ]
        wrong += [f"{page}: {line}" for line in written if not _is_command(line, commands)]
    assert wrong == []


def _is_command(line: str, commands: Mapping[str, set[str]]) -> bool:
    command, *words = line.partition(" -- ")[0].split()
    if words and (inner := f"{command} {words[0]}") in commands:
        command = inner
    options = {word for word in words if word.startswith("--")}
    return options <= commands.get(command, set()) if command in commands else False


def test_make_targets_exist(texts: Mapping[str, str], root: Path) -> None:
    """Each `make X` is a target of the Makefile."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(
        re.findall(r"(?:`|^)(?:\w+=\S+ )*make ([a-z-]+)", " ".join(texts.values()), re.MULTILINE)
    )
    assert named
    assert named - targets == set()


def test_lines_of_json_can_be_submitted(texts: Mapping[str, str]) -> None:
    """The examples of files of operations pass the checks of `classin enqueue`."""
    lines = [line for _, block in _all_blocks(texts, "jsonl") for line in block.text.splitlines()]
    assert lines
    for text in lines:
        request = SubmitRequest.read(json.loads(text))
        read(request.operation, request.fields)


def test_json_and_toml_can_be_read(texts: Mapping[str, str]) -> None:
    """What is shown of other forms is well-formed."""
    for _, block in _all_blocks(texts, "json"):
        json.loads(block.text)
    for _, block in _all_blocks(texts, "toml"):
        tomllib.loads(block.text)


def test_python_compiles(texts: Mapping[str, str]) -> None:
    """Each snippet is Python, and imports what is there."""
    snippets = list(_all_blocks(texts, "python"))
    assert snippets
    for page, snippet in snippets:
        tree = ast.parse(snippet.text)
        compile(tree, page, "exec")
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                module = import_module(node.module)
                assert all(hasattr(module, alias.name) for alias in node.names), snippet


def test_number_of_operations_is_true(texts: Mapping[str, str]) -> None:
    """Wherever it is named."""
    every = " ".join(text for page, text in texts.items() if page != GENERATED)
    named = re.findall(r"\b[Aa]ll\s+\[?(\d+)\s+operations\b", every)
    assert named == [str(len(CATALOGUE))] * len(named) != []


def test_the_chinese_readme_is_typed_the_same(texts: Mapping[str, str]) -> None:
    """Its blocks are those of README.md, but for their comments: run there, they are run here."""
    assert _typed(texts["README.zh-CN.md"]) == _typed(texts["README.md"])


def _typed(text: str) -> list[tuple[str, list[str]]]:
    """Return what is typed in each block; a comment follows two blanks or begins a line."""
    return [
        (block.language, [re.sub(r"(?:^|  )#.*$|  +# .*$", "", line) for line in lines])
        for block in blocks(text)
        if (lines := block.text.splitlines()) and block.language not in {"text", ""}
    ]
