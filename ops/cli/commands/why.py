"""One record, and all that bears on it: `why`."""

from typing import Annotated

import typer

from ops.cli.options import AsJson
from ops.cli.output import local, marked, out, print_json, state_of


def why(
    record_id: Annotated[str, typer.Argument(metavar="ID", help="As `enqueue` and `ls` give it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Tell why an operation is where it is, and what comes next."""
    from rich.table import Table

    from ops.cli.wiring import open_queries
    from ops.insight.explain import inquire, points
    from worker.config.settings import from_env

    inquiry = inquire(open_queries(), record_id, from_env().patience.give_up_after)
    if as_json:
        print_json(inquiry.to_dict())
        return
    record = inquiry.record
    answer = Table.grid(padding=(0, 2))
    answer.add_column(style="bold", no_wrap=True)
    answer.add_column(overflow="fold")
    for heading, text in points(inquiry, local):
        answer.add_row(heading, text)
    out().print(marked("[bold]{}[/] {}: {}", record.operation, record.id, state_of(record)))
    out().print(answer)
