"""`classin retry`: what failed, once more."""

from typing import Annotated

import typer

from ops.cli.options import AsJson
from ops.cli.output import out, print_json


def retry(
    record_ids: Annotated[
        list[str], typer.Argument(metavar="ID...", help="As `enqueue` and `ls` give them.")
    ],
    *,
    mend: Annotated[
        bool, typer.Option("--mend", help="Submit what does the rest of a partial one, instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Submit settled operations anew; of a partial bulk operation, the items that failed.

    The new record is linked to the old one, which stays as it was.
    """
    from ops.cli.connection import open_submitter

    submitter = open_submitter()
    for record_id in record_ids:
        for receipt in submitter.retry(record_id, mend=mend):
            if as_json:
                state = receipt.record().state.value
                print_json({"id": receipt.id, "state": state, "retry_of": record_id})
            else:
                out().print(f"{record_id} is tried again as [bold]{receipt.id}[/]")
