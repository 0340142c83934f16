"""The reference page of all operations, made from the catalogue: `make reference` writes it."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from ops.explanation import Explanation, FieldExplanation, explained
from worker.classin.catalogue import CATALOGUE

#: Where the page lies in the checkout.
PAGE = Path("docs/operations.md")

_HEAD = """# Operations

What ClassIn can be asked, chapter by chapter. This page is made from the catalogue
(`worker/classin/operations/`) by `make reference`; do not edit it. `classin ops NAME` shows the
same for one operation, `classin ops --json` for programs.
"""


def reference() -> str:
    """Write the whole page, in Markdown."""
    explanations = [explained(kind) for kind in CATALOGUE.values()]
    parts = [_HEAD]
    for chapter, group in groupby(explanations, key=lambda each: each.chapter):
        parts.append(f"\n## {chapter.replace('_', ' ').capitalize()}\n")
        parts += [_section(each) for each in group]
    return "".join(parts)


def _section(said: Explanation) -> str:
    lines = [f"\n### {said.name}\n", f"{said.title}. {said.remark}".strip(), ""]
    lines += list(_fields(said.fields)) or ["It takes no fields."]
    lines += [f"- {rule}" for rule in said.rules]
    lines += ["", f"**A repeat** is {said.repeat_in_words}", "", "```sh", said.example, "```", ""]
    lines += ["| code | verdict | means |", "|---|---|---|"]
    lines += [f"| {code.number} | {code.verdict} | {code.phrase} |" for code in said.codes]
    return "\n".join(lines) + "\n"


def _fields(fields: Sequence[FieldExplanation]) -> Iterator[str]:
    if not fields:
        return
    yield from ("| field | needed | kind | remark |", "|---|---|---|---|")
    for field in fields:
        yield from _rows(field, "")
    yield ""


def _rows(field: FieldExplanation, within: str) -> Iterator[str]:
    """Write a field's row, and those of a list's objects as `list[].field`."""
    needed = "yes" if field.required else ""
    yield f"| `{within}{field.name}` | {needed} | {field.kind} | {field.description} |"
    for item in field.items:
        yield from _rows(item, f"{within}{field.name}[].")


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
