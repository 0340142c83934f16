"""By hand: `cancel`, `pause`, `resume`."""

from typing import Annotated

import typer

from ops.cli.options import AsJson
from ops.cli.output import coloured, err, out, print_json


def cancel(
    record_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="As `enqueue` and `ls` give them.")
    ] = None,
    *,
    batch: Annotated[
        str | None, typer.Option(help="Call off all of a batch that is not settled yet.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Call operations off.

    What waits is cancelled at once, and what waits for it fails. What is running is not
    interrupted, but not repeated. What is settled stays as it is: then the exit code is 1.
    """
    from ops.cli.connection import open_mending
    from worker.classin.errors import Fault, InvalidInput, NotFound
    from worker.ledger.lifecycle import State

    mending = open_mending()
    chosen = list(record_ids or [])
    if batch is not None:
        chosen += mending.unsettled(batch)
    elif not chosen:
        raise InvalidInput("cancel", [Fault("", "needs an ID, or --batch")])
    too_late = False
    for record_id in chosen:
        try:
            state = mending.cancel(record_id)
        except NotFound as error:
            too_late = True
            err().print(str(error))
            continue
        too_late |= state.settled and state is not State.CANCELLED
        if as_json:
            print_json({"id": record_id, "state": state.value})
        elif state is State.RUNNING:
            out().print(f"{record_id} is running: it is cancelled unless this attempt settles it")
        else:
            late = "" if state is State.CANCELLED else ", and stays so: it was too late"
            out().print(f"{record_id} is {coloured(state)}{late}")
    if not chosen:
        out().print("nothing of that batch is unsettled")
    if too_late:
        raise typer.Exit(1)


def pause(
    school: Annotated[str, typer.Argument(help="As the settings name it.")],
    *,
    why: Annotated[str, typer.Option(help="For those who look later.")] = "",
    as_json: AsJson = False,
) -> None:
    """Let a school's operations wait until `resume`; what is running ends first."""
    from ops.cli.connection import open_mending

    changed = open_mending().pause(school, why)
    if as_json:
        print_json({"school": school, "paused": True, "changed": changed})
    else:
        said = "is paused" if changed else "was paused already"
        out().print(f"school {school} {said}; open it with: classin resume {school}")


def resume(
    school: Annotated[str, typer.Argument(help="As the settings name it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Let a school's operations go on, whatever closed it."""
    from ops.cli.connection import open_mending

    changed = open_mending().resume(school)
    if as_json:
        print_json({"school": school, "paused": False, "changed": changed})
    else:
        out().print(f"school {school} {'is open again' if changed else 'was open'}")
