"""`classin ops`: the catalogue, explained."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Annotated

import typer

from ops.cli.markup import marked
from ops.cli.ops_table import print_listing
from ops.cli.options import AsJson
from ops.cli.output import out, print_json, table
from worker.classin.catalogue import CATALOGUE, find
from worker.classin.describe import FieldDescription, OperationDescription, explained


def ops(
    operation: Annotated[str | None, typer.Argument(help="One to explain; without, all.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List what ClassIn can be asked, or explain one operation."""
    if not as_json and operation is None:
        print_listing()
        return

    kinds = [find(operation)] if operation is not None else list(CATALOGUE.values())
    for explanation in map(explained, kinds):
        if as_json:
            print_json(explanation.to_dict())
        else:
            _print_one(explanation)


def _print_one(said: OperationDescription) -> None:
    out().print(marked("[bold]{}[/]: {}.", said.name, said.title))
    if said.remark:
        out().print(said.remark)
    out().print()
    fields = table("field", "needed", "*kind", "*remark")
    for field in _with_items(said.fields):
        needed = "yes" if field.required else ""
        fields.add_row(field.name, needed, field.kind, field.description)
    if said.fields:
        out().print(fields)
    else:
        out().print("It takes no fields.")
    for rule in said.rules:
        out().print(f"Rule: {rule}")
    out().print()
    codes = table("#code", "verdict", "*means")
    for code in said.codes:
        codes.add_row(str(code.number), code.verdict, code.phrase)
    out().print(codes)
    out().print(marked("\n[bold]A repeat[/]: {}", said.repeat_in_words))
    out().print(marked("[bold]Example[/]: {}", said.example), soft_wrap=True)


def _with_items(fields: Iterable[FieldDescription]) -> Iterator[FieldDescription]:
    """Give each field, and below a list the fields of its objects, a step to the right."""
    for field in fields:
        yield field
        for item in field.items:
            yield replace(item, name=f"  {item.name}")
