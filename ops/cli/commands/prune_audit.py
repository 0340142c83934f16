"""What is kept, and for how long: `prune` and `audit`."""

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.options import AsJson, DryRun, Once, Why
from ops.cli.output import err, local, out, print_json, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worker.ledger.pruner import Pruned, Retention

#: Of more ids of an entry only the number is told; --json has them all.
_MOST_IDS = 3


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
    from ops.admin.actor import author
    from ops.cli.wiring import open_pruning

    ages = _ages(
        {
            "--succeeded-after": succeeded_after,
            "--others-after": others_after,
            "--dedup-after": dedup_after,
            "--syncs-after": syncs_after,
        }
    )
    pruning, now, who = open_pruning(), round(time.time() * 1000), author(once)
    if not (dry_run or yes):
        _must_be_asked()
        _print(pruning.run(ages, now, who=who, dry_run=True), as_json=False, dry_run=True)
        typer.confirm("Take them out?", abort=True, err=True)
    gone = 0

    def step(number: int) -> None:
        nonlocal gone
        gone += number
        status.update(f"{gone:,} pruned ...")

    with err().status("looking ...") as status:
        pruned = pruning.run(ages, now, who=who, why=why, dry_run=dry_run, on_step=step)
    _print(pruned, as_json=as_json, dry_run=dry_run)


def _ages(said: "Mapping[str, str]") -> "Retention":
    from worker.config.env import read_seconds
    from worker.errors import FieldError, InvalidInputError
    from worker.ledger.pruner import Retention

    seconds, faults = [], []
    for option, text in said.items():
        try:
            seconds.append(read_seconds(text))
        except ValueError:
            faults.append(FieldError(option, f"should be a time like 7d or 12h; got {text!r}"))
    if faults:
        raise InvalidInputError("prune", faults)
    return Retention(*seconds)


def _must_be_asked() -> None:
    from worker.errors import FieldError, InvalidInputError

    if not sys.stdin.isatty():
        fault = FieldError("--yes", "nobody can be asked here: say so, or look with --dry-run")
        raise InvalidInputError("nothing was pruned", [fault])


def _print(pruned: "Pruned", *, as_json: bool, dry_run: bool) -> None:
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


def audit(
    *,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="2d, 90m, or 2026-09-01T08:00.")
    ] = None,
    who: Annotated[str, typer.Option(help="A user, or 'key NAME'.")] = "",
    what: Annotated[str, typer.Option(help="retry, cancel, settle, pause ...")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what was changed by hand: who, when, what and why.

    The newest first. It has ids, filters and names of fields, and no values.
    """
    from ops.cli.wiring import open_audit
    from producers.time_args import moment_of
    from worker.errors import FieldError, InvalidInputError

    faults: list[FieldError] = []
    start = moment_of("--since", since, time.time(), faults)
    if faults:
        raise InvalidInputError("audit", faults)
    deeds = open_audit().deeds(limit, since=start, who=who, what=what)
    if as_json:
        for deed in deeds:
            print_json(deed.to_dict())
        return
    if not deeds:
        out().print("nothing was changed by hand")
        return
    rows = table("when", "who", "what", "*about", "*why")
    for deed in deeds:
        more = len(deed.ids) - _MOST_IDS
        ids = " ".join(deed.ids[:_MOST_IDS]) + (f" and {more:,} more" if more > 0 else "")
        about = " ".join(part for part in (deed.about, ids) if part)
        rows.add_row(local(deed.at), deed.who, deed.what, about, deed.why)
    out().print(rows)
