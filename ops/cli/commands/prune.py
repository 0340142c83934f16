"""`classin prune`: delete settled records that are old enough."""

import sys
import time
from collections.abc import Mapping
from typing import Annotated

import typer

from ops.admin.actor import author
from ops.cli.options import AsJson, DryRun, Once, Why
from ops.cli.output import err, out, print_json
from worker.config.env import read_seconds
from worker.config.settings import from_env
from worker.errors import FieldError, InvalidInputError
from worker.ledger.pruner import Pruned, Pruner, Retention
from worker.ledger.redis_client import connect


def prune(  # noqa: PLR0913  # each is an option of the command
    *,
    succeeded_after: Annotated[
        str, typer.Option(metavar="TIME", help="How long what succeeded is kept.")
    ] = "7d",
    others_after: Annotated[
        str, typer.Option(metavar="TIME", help="How long all other settled ones are kept.")
    ] = "90d",
    dedup_after: Annotated[
        str, typer.Option(metavar="TIME", help="How long a dedup key is known without its record.")
    ] = "400d",
    syncs_after: Annotated[
        str, typer.Option(metavar="TIME", help="How long a sync can be looked at and undone.")
    ] = "400d",
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    why: Why = "",
    once: Once = None,
    as_json: AsJson = False,
) -> None:
    """Take out what settled long ago, and nobody needs any more.

    What is not settled stays, and what that refers to. Dedup keys stay known for a while
    after their records; then the same again is something new. The last sync of each source stays.
    Runs of jobs that were taken out go like what failed, the audit trail's entries after two years.
    """
    ages = _ages(
        {
            "--succeeded-after": succeeded_after,
            "--others-after": others_after,
            "--dedup-after": dedup_after,
            "--syncs-after": syncs_after,
        }
    )
    pruner, now, who = _open_pruner(), round(time.time() * 1000), author(once)
    if not (dry_run or yes):
        _check_terminal()
        _print(pruner.run(ages, now, who=who, dry_run=True), as_json=False, dry_run=True)
        typer.confirm("Take them out?", abort=True, err=True)
    gone = 0

    def step(number: int) -> None:
        nonlocal gone
        gone += number
        status.update(f"{gone:,} pruned ...")

    with err().status("looking ...") as status:
        pruned = pruner.run(ages, now, who=who, why=why, dry_run=dry_run, on_step=step)
    _print(pruned, as_json=as_json, dry_run=dry_run)


def _open_pruner() -> Pruner:
    settings = from_env()
    redis = connect(settings.ledger_url, settings.redis_prefix, submits=True)
    return Pruner(redis, settings.keyring)


def _ages(said: Mapping[str, str]) -> Retention:

    seconds, faults = [], []
    for option, text in said.items():
        try:
            seconds.append(read_seconds(text))
        except ValueError:
            faults.append(FieldError(option, f"should be a time like 7d or 12h; got {text!r}"))
    if faults:
        raise InvalidInputError("prune", faults)
    return Retention(*seconds)


def _check_terminal() -> None:

    if not sys.stdin.isatty():
        fault = FieldError("--yes", "nobody can be asked here: say so, or look with --dry-run")
        raise InvalidInputError("nothing was pruned", [fault])


def _print(pruned: Pruned, *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        print_json({"dry_run": dry_run, **pruned.to_dict()})
        return
    counted = ", ".join(f"{number:,} {state.value}" for state, number in pruned.records.items())
    said = "would go" if dry_run else "are gone"
    out().print(f"{counted} {said}" if counted else "nothing is old enough")
    if pruned.syncs or pruned.runs:
        out().print(f"so are {pruned.syncs:,} syncs, and {pruned.runs:,} runs of former jobs")
    if pruned.kept:
        out().print(f"{pruned.kept:,} as old are kept: others that are not settled need them")
