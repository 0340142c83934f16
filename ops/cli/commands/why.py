"""`classin why`: why an operation is where it is."""

from typing import Annotated

import typer

from ops.cli.markup import marked
from ops.cli.options import AsJson
from ops.cli.output import grid, local, out, print_json, state_of
from ops.cli.queries import open_queries
from ops.insight.explain import inquire, points
from worker.config.settings import from_env


def why(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="As `enqueue` and `ls` give it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Tell why an operation is where it is, and what comes next."""
    inquiry = inquire(open_queries(), record_id, from_env().patience.give_up_after)
    if as_json:
        print_json(inquiry.to_dict())
        return
    record = inquiry.record
    answer = grid()
    for heading, text in points(inquiry, local):
        answer.add_row(heading, text)
    out().print(marked("[bold]{}[/] {}: {}", record.operation, record.id, state_of(record)))
    out().print(answer)
