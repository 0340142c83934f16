"""Options that many commands have."""

from typing import Annotated, Literal

import typer

#: The option that every command has.
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: one object, or one a line.")]

#: The option of what changes something by hand.
Why = Annotated[str, typer.Option("--why", help="For those who look later; `audit` tells it.")]

#: The option by which a job says for which of its runs it is.
Once = Annotated[str | None, typer.Option("--once", metavar="RUN", hidden=True)]

#: The option of what changes something: to look first.
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what it would do.")]

#: The option of what runs until it is ended.
LogLevel = Annotated[
    Literal["error", "warning", "info", "debug"], typer.Option(help="How much it says.")
]
