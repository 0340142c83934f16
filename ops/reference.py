"""Generate files from declarations, for `make reference`.

Those of the operations make the reference page, the index by which operations are found without
importing them, and the stub of the package `producers`, which imports them on demand; those of the
keys make the page on Redis.
"""

import json
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import groupby
from pathlib import Path

import producers
from worker.classin import operations
from worker.classin.catalogue import declared
from worker.classin.classify import minds_repeats
from worker.classin.describe import FieldDescription, OperationDescription, explained
from worker.classin.operation import Idempotency, Operation
from worker.ledger.keys import all_keys

#: Where the pages, the index and the stub lie in the checkout.
PAGE = Path("docs/operations.md")
INDEX = Path("worker/classin/index.py")
STUB = Path("producers/__init__.pyi")
KEYS_PAGE = Path("docs/internals/redis-keys.md")

_HEAD = """# Operations

What ClassIn can be asked, chapter by chapter. This page is made from the catalogue
(`worker/classin/operations/`) by `make reference`; do not edit it. `classin ops NAME` shows the
same for one operation, `classin ops --json` for programs.
"""

_KEYS_HEAD = """# Redis keys

Every key begins with a prefix (`classin` unless another is set) and a colon; words in capitals
stand for anything. Scripts are those of `worker/ledger/scripts/`, which the other modules call.
This page is made from `worker/ledger/keys.py` by `make reference`; do not edit it.

A sequence is the time of submission in microseconds, made unique; it orders records and makes the
cursor of a page. An hour is counted from 1970. All moments are ms since 1970.

| key | type | lifetime | what it holds | who writes it |
|---|---|---|---|---|
"""

_KEYS_END = """
The queue of messages is named as the prefix. In the broker's Redis, its list of high priority is
`classin`, that of normal priority `classin\\x06\\x163`, that of low priority `classin\\x06\\x166`.
Celery keeps `_kombu.binding.*` besides, and short-lived lists for replies of its remote control.
"""

_INDEX_HEAD = '''"""The operations in short: there at once, while declarations take long to import.

Made from these declarations by `make reference`; do not edit it.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Brief(NamedTuple):
    """An operation in short; Spec has the meanings."""

    chapter: str
    title: str
    idempotency: str


# fmt: off
#: By name, in the order of the API's chapters.
INDEX: Mapping[str, Brief] = {
'''

_SILENT_HEAD = """
#: Writes of which a repeat is judged like the first request: none of their requests is announced.
UNANNOUNCED = frozenset({
"""

_TYPES_HEAD = """
#: The module of each class that operations' fields take: items and enumerations.
TYPES: Mapping[str, str] = {
"""

#: Characters of a line at most, as pyproject.toml has it.
_WIDTH = 100

_STUB_HEAD = "# Made by `make reference` from producers/__init__.py; do not edit it.\n"


def reference() -> str:
    """Return the reference page, in Markdown."""
    explanations = [explained(kind) for kind in declared()]
    parts = [_HEAD]
    for chapter, group in groupby(explanations, key=lambda each: each.chapter):
        parts.append(f"\n## {chapter.replace('_', ' ').capitalize()}\n")
        parts += [_section(each) for each in group]
    return "".join(parts)


def keys_page() -> str:
    """Write the page on Redis, in Markdown."""
    rows = (
        f"| `{info.pattern}` | {info.type} | {info.lives} | {info.holds} |"
        f" {', '.join(f'`{writer}`' for writer in info.writers.split(', '))} |\n"
        for info in (key.info for _, key in all_keys())
    )
    return "".join((_KEYS_HEAD, *rows, _KEYS_END))


def index() -> str:
    """Return the index, in Python."""
    rows = [
        f"    {_quoted(spec.name)}: Brief({_quoted(spec.chapter)}, {_quoted(spec.title)},"
        f" {_quoted(spec.idempotency.value)}),\n"
        for spec in (kind.spec for kind in declared())
    ]
    silent = [
        f"    {_quoted(spec.name)},\n"
        for spec in (kind.spec for kind in declared())
        if spec.idempotency is not Idempotency.READ_ONLY and not minds_repeats(spec)
    ]
    types = [f"    {_quoted(kind.__name__)}: {_quoted(_chapter(kind))},\n" for kind in _types()]
    return (
        f"{_INDEX_HEAD}{''.join(rows)}}}\n{_SILENT_HEAD}{''.join(silent)}}})\n"
        f"{_TYPES_HEAD}{''.join(types)}}}\n# fmt: on\n"
    )


def stub() -> str:
    """Return the stub of the package `producers`, with the module of each public name."""
    own = [value for name, value in vars(producers).items() if name in dir(producers)]
    homes = sorted({(each.__module__, each.__name__) for each in (*own, *declared(), *_types())})
    return _STUB_HEAD + "".join(_exported(module, f"{name} as {name}") for module, name in homes)


def _types() -> Iterator[type]:
    """Yield the public classes that the chapters define besides operations."""
    for chapter in operations.CHAPTERS:
        module = import_module(f"{operations.__name__}.{chapter}")
        for value in vars(module).values():
            own = isinstance(value, type) and value.__module__ == module.__name__
            if own and not issubclass(value, Operation) and not value.__name__.startswith("_"):
                yield value


def _chapter(kind: type) -> str:
    return kind.__module__.rpartition(".")[2]


def _exported(module: str, name: str) -> str:
    """Return an import as `ruff format` writes it."""
    line = f"from {module} import {name}\n"
    return line if len(line) <= _WIDTH + 1 else f"from {module} import (\n    {name},\n)\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _section(said: OperationDescription) -> str:
    lines = [f"\n### {said.name}\n", f"{said.title}. {said.remark}".strip(), ""]
    lines += list(_fields(said.fields)) or ["It takes no fields."]
    lines += [f"- {rule}" for rule in said.rules]
    lines += ["", f"**A repeat** is {said.repeat_in_words}", "", "```sh", said.example, "```", ""]
    lines += ["| code | verdict | means |", "|---|---|---|"]
    lines += [f"| {code.number} | {code.verdict} | {code.phrase} |" for code in said.codes]
    return "\n".join(lines) + "\n"


def _fields(fields: Sequence[FieldDescription]) -> Iterator[str]:
    if not fields:
        return
    yield from ("| field | needed | kind | remark |", "|---|---|---|---|")
    for field in fields:
        yield from _rows(field, "")
    yield ""


def _rows(field: FieldDescription, within: str) -> Iterator[str]:
    """Return the row of a field, and those of nested ones as `object.field` or `list[].field`."""
    needed = "yes" if field.required else ""
    yield f"| `{within}{field.name}` | {needed} | {field.kind} | {field.description} |"
    inside = f"{within}{field.name}{'.' if field.kind == 'object' else '[].'}"
    for item in field.items:
        yield from _rows(item, inside)


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
    INDEX.write_text(index(), encoding="utf-8")
    STUB.write_text(stub(), encoding="utf-8")
    KEYS_PAGE.write_text(keys_page(), encoding="utf-8")
