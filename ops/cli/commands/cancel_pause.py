"""By hand: `cancel`, `pause`, `resume`."""

from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.options import AsJson, DryRun, Why
from ops.cli.output import coloured, err, marked, out, print_json

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    from ops.cli.wiring import open_mending
    from worker.errors import FieldError, InvalidInputError
    from worker.ledger.states import State

    mending = open_mending()
    chosen = list(record_ids or [])
    if batch is not None:
        chosen += mending.unsettled(batch)
    elif not chosen:
        raise InvalidInputError("cancel", [FieldError("", "needs an ID, or --batch")])
    if dry_run:
        _print_standing(mending.standing(chosen), as_json=as_json)
        return
    too_late = False
    about = "" if batch is None else f"batch={batch}"
    for record_id, state in mending.cancel(chosen, about, why):
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


def _print_standing(states: "Mapping[str, State]", *, as_json: bool) -> None:
    """Say where records stand, and of each whether it can be called off still."""
    for record_id, state in states.items():
        if as_json:
            print_json({"id": record_id, "state": state.value, "dry_run": True})
        else:
            then = "and stays so" if state.settled else "and would be called off"
            out().print(marked("{} is {}, {}", record_id, coloured(state), then))


def _print_gate(school: str, *, is_closed: bool, as_json: bool) -> None:
    """Say whether a school is closed, and that nothing was changed."""
    if as_json:
        print_json({"school": school, "paused": is_closed, "dry_run": True})
    else:
        state = "closed" if is_closed else "open"
        out().print(f"school {school} is {state}; nothing was changed")


def pause(
    school: Annotated[str, typer.Argument(help="As the settings name it.")],
    *,
    why: Why = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Let a school's operations wait until `resume`; what is running ends first."""
    from ops.cli.wiring import open_mending

    if dry_run:
        _print_gate(school, is_closed=open_mending().is_closed(school), as_json=as_json)
        return
    changed = open_mending().pause(school, why)
    if as_json:
        print_json({"school": school, "paused": True, "changed": changed})
    else:
        said = "is paused" if changed else "was paused already"
        out().print(f"school {school} {said}; open it with: classin resume {school}")


def resume(
    school: Annotated[str, typer.Argument(help="As the settings name it.")],
    *,
    why: Why = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Let a school's operations go on, whatever closed it."""
    from ops.cli.wiring import open_mending

    if dry_run:
        _print_gate(school, is_closed=open_mending().is_closed(school), as_json=as_json)
        return
    changed = open_mending().resume(school, why)
    if as_json:
        print_json({"school": school, "paused": False, "changed": changed})
    else:
        out().print(f"school {school} {'is open again' if changed else 'was open'}")
