"""`classin cancel`: call operations off."""

from collections.abc import Mapping
from typing import Annotated

import typer

from ops.cli.admin import open_admin_service
from ops.cli.markup import marked
from ops.cli.options import AsJson, DryRun, Why
from ops.cli.output import coloured, err, out, print_json
from worker.errors import FieldError, InvalidInputError
from worker.ledger.states import State


def cancel(
    record_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="As `enqueue` and `ls` give them.")
    ] = None,
    *,
    batch: Annotated[
        str | None, typer.Option(help="Call off all of a batch that is not settled yet.")
    ] = None,
    why: Why = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Call operations off.

    What waits is cancelled at once, and what waits for it fails. What is running is not
    interrupted, but not repeated. What is settled stays as it is: then the exit code is 1.
    """
    service = open_admin_service()
    chosen = list(record_ids or [])
    if batch is not None:
        chosen += service.unsettled(batch)
    elif not chosen:
        raise InvalidInputError("cancel", [FieldError("", "needs an ID, or --batch")])
    if dry_run:
        _print_dry_run(service.standing(chosen), as_json=as_json)
        return
    too_late = False
    about = "" if batch is None else f"batch={batch}"
    for record_id, state in service.cancel(chosen, about, why):
        if state is None:
            too_late = True
            err().print(f"there is no record {record_id!r}")
            continue
        too_late |= state.settled and state is not State.CANCELLED
        if as_json:
            print_json({"id": record_id, "state": state.value})
        elif state is State.RUNNING:
            out().print(f"{record_id} is running: it is cancelled unless this attempt settles it")
        else:
            late = "" if state is State.CANCELLED else ", and stays so: it was too late"
            out().print(marked("{} is {}{}", record_id, coloured(state), late))
    if not chosen:
        out().print("nothing of that batch is unsettled")
    if too_late:
        raise typer.Exit(1)


def _print_dry_run(states: Mapping[str, State], *, as_json: bool) -> None:
    """Say where records stand, and of each whether it can be called off still."""
    for record_id, state in states.items():
        if as_json:
            print_json({"id": record_id, "state": state.value, "dry_run": True})
        else:
            then = "and stays so" if state.settled else "and would be called off"
            out().print(marked("{} is {}, {}", record_id, coloured(state), then))
