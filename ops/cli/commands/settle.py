"""`classin settle`: decide an uncertain operation."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ops.cli.admin import open_admin_service
from ops.cli.markup import marked
from ops.cli.options import AsJson, DryRun
from ops.cli.output import coloured, out, print_json
from worker.errors import FieldError, InvalidInputError
from worker.ledger.states import State


def settle(  # noqa: PLR0913  # each is an option of the command
    record_id: Annotated[str, typer.Argument(metavar="ID", help="As `ls` gives it.")],
    *,
    succeeded: Annotated[bool, typer.Option("--succeeded", help="It was done.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="It was not done.")] = False,
    reason: Annotated[str, typer.Option(help="How you know; it stays with the record.")] = "",
    result: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="What ClassIn made: '{\"data\": 123}', say."),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Decide an uncertain operation: it was done, or it was not.

    What waited for it failed when it became uncertain: these are named, so that they can be
    retried; --result fills in what they refer to.
    """
    faults = []
    if succeeded == failed:
        faults.append(FieldError("", "needs either --succeeded or --failed"))
    if not reason.strip():
        faults.append(FieldError("--reason", "is required: how is it known?"))
    told = None
    if result is not None:
        told = _json_object(result)
        if told is None:
            faults.append(FieldError("--result", "should be a JSON object, like '{\"data\": 123}'"))
        elif failed:
            faults.append(FieldError("--result", "is for what succeeded"))
    if faults:
        raise InvalidInputError("settle", faults)
    state = State.SUCCEEDED if succeeded else State.FAILED
    let_down = open_admin_service().settle(record_id, state, reason, told, dry_run=dry_run)
    _print_settled(record_id, state, let_down, dry_run=dry_run, as_json=as_json)


def _print_settled(
    record_id: str, state: State, let_down: Sequence[str], *, dry_run: bool, as_json: bool
) -> None:
    """Say what was decided, and what to do about those that failed because of it."""
    if as_json:
        told = {"id": record_id, "state": state.value, "let_down": [*let_down]}
        print_json({**told, "dry_run": True} if dry_run else told)
        return
    said = "would be" if dry_run else "is"
    out().print(marked("{} {} {} now", record_id, said, coloured(state)))
    if let_down:
        out().print(f"{len(let_down):,} failed because it was uncertain. To retry them:")
        again = let_down if state is State.SUCCEEDED else [record_id, *let_down]
        out().print(f"classin retry {' '.join(again)}", soft_wrap=True)


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
