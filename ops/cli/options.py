"""Options that many commands have."""

from typing import Annotated

import typer

#: The option that every command has.
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: one object, or one a line.")]
