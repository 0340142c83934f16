"""A roster kept in step with the school's system: `sync`."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from ops.admin.actor import actor
from ops.cli.audit_trail import audit_reveal, open_audit
from ops.cli.options import AsJson, Why
from ops.cli.output import out, print_json
from ops.cli.sync_output import print_plan, print_report, print_runs, write_faults
from ops.cli.sync_runner import SyncRunner
from producers.oneroster.planning.proposal import guard
from producers.oneroster.planning.removal_guard import LIMITS
from producers.oneroster.planning.target import Options
from producers.oneroster.reading.row_errors import RowFault, Severity
from producers.oneroster.roster import Kind
from worker.config.settings import from_env
from worker.errors import FieldError, InvalidInputError
from worker.ledger.redis_client import connect
from worker.ledger.sync_store import SyncStore
from worker.private_files import private_file

sync = typer.Typer(
    help="Keep people and courses in step with the school's system.", no_args_is_help=True
)

_School = Annotated[str | None, typer.Option(help="The school, where there are several.")]
_SourceName = Annotated[
    str,
    typer.Option("--source", help="Your name for where exports come from; each has a memory."),
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan; submit nothing.")]
_All = Annotated[bool, typer.Option("--all", help="With --dry-run: show every change.")]
_Reveal = Annotated[
    bool, typer.Option("--reveal", help="With --dry-run: show people's names and accounts, too.")
]
_AllowRemovals = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND",
        help="Let any number of people, courses or enrolments go; may be given several times.",
    ),
]
_MostRemoved = Annotated[
    list[str] | None,
    typer.Option(metavar="KIND=PART", help="How many may go unasked, as in people=5%."),
]


@sync.command()
def oneroster(  # noqa: PLR0913  # each is an option of the command
    path: Annotated[Path, typer.Argument(help="A OneRoster export: a folder or a ZIP.")],
    *,
    school: _School = None,
    source: _SourceName = "sis",
    dry_run: _DryRun = False,
    every: _All = False,
    reveal: _Reveal = False,
    errors: Annotated[
        Path | None,
        typer.Option(help="Write all faults down with their rows: a new CSV for your eyes only."),
    ] = None,
    allow_removals: _AllowRemovals = None,
    most_removed: _MostRemoved = None,
    no_removals: Annotated[bool, typer.Option("--no-removals", help="Remove nothing.")] = False,
    end_courses: Annotated[
        bool, typer.Option("--end-courses", help="End courses whose last session is over.")
    ] = False,
    passwords: Annotated[
        Path | None,
        typer.Option(help="Hand out the passwords of new accounts: a new CSV for your eyes only."),
    ] = None,
    password_rule: Annotated[
        str | None, typer.Option(help="How passwords are made, of {id}, {account} and {random}.")
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="Whom to tell when what is submitted settled.")
    ] = None,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Submit what has changed since the last export, and see it through.

    Exit 0: ClassIn is as the export says; 1: some of it failed; 2: nothing was submitted, because
    the export cannot be read, or too much would go.
    """
    limits, allowed = _limits(most_removed or []), _kinds(allow_removals or [])
    options = Options(not no_removals, end_courses, datetime.now().astimezone().date())
    desk = SyncRunner(school, source, password_rule, quiet=as_json)
    told = desk.webhook(webhook)
    faults: list[RowFault] = []
    with (
        _private(errors) as fault_file,
        _private(passwords) as password_file,
        nullcontext() if dry_run else desk.held(),
    ):
        if not dry_run:
            desk.resume()
        proposal = desk.propose(path, options, faults.append)
        if reveal and dry_run:
            audit_reveal("reveal", f"people of {desk.place} in {path.name}")
        if fault_file is not None:
            audit_reveal("errors", f"{len(faults):,} faulty rows of {desk.place} in {path.name}")
            write_faults(faults, fault_file)
        if dry_run:
            print_plan(proposal, faults, every=every, reveal=reveal, as_json=as_json)
            return
        guard(proposal, limits, allowed)
        if allowed:
            names = " ".join(sorted(kind.value for kind in allowed))
            _note(f"{desk.place} of {path.name}, allowing removals of {names}", why)
        about = desk.carry_out(proposal, {"export": path.name, **_counted(faults)}, told)
        if password_file is not None:
            desk.hand_out(password_file)
    print_report(about, faults, as_json=as_json)
    _exit(about)


@sync.command()
def undo(  # noqa: PLR0913  # each is an option of the command
    run: Annotated[str, typer.Argument(help="The sync to undo, as `classin sync runs` names it.")],
    *,
    dry_run: _DryRun = False,
    every: _All = False,
    reveal: _Reveal = False,
    allow_removals: _AllowRemovals = None,
    most_removed: _MostRemoved = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Take back what a sync did, as far as that stands and ClassIn offers a way.

    The next sync brings it again, unless the export has changed.
    """
    limits, allowed = _limits(most_removed or []), _kinds(allow_removals or [])
    desk = SyncRunner.of_sync(run, quiet=as_json)
    with nullcontext() if dry_run else desk.held():
        if not dry_run:
            desk.resume()
        proposal = desk.undoing(run)
        if dry_run or not yes:
            if reveal:
                audit_reveal("reveal", f"people of {desk.place}, undoing {run}")
            print_plan(proposal, [], every=every, reveal=reveal, as_json=as_json)
        if dry_run:
            return
        guard(proposal, limits, allowed)
        if not yes:
            typer.confirm("Do this?", abort=True, err=True)
        _note(f"undo {run} of {desk.place}", why)
        about = desk.carry_out(proposal, {"undoes": run})
    print_report(about, [], as_json=as_json)
    _exit(about)


@sync.command()
def runs(
    *,
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the last syncs, the latest first."""
    found = _syncs().latest(limit)
    if as_json:
        for about in found:
            print_json(about)
    elif not found:
        out().print("no syncs yet; begin with: classin sync oneroster EXPORT --dry-run")
    else:
        print_runs(found)


@sync.command()
def show(
    run: Annotated[str, typer.Argument(help="A sync, as `classin sync runs` names it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Tell what came of one sync."""
    print_report(_syncs().about(run), [], as_json=as_json)


def _syncs() -> SyncStore:

    settings = from_env()
    return SyncStore(connect(settings.ledger_url, settings.redis_prefix))


def _note(about: str, why: str) -> None:
    """Write what is about to be done into the audit trail."""
    open_audit().note(actor(), "sync", about=about, why=why)


def _private(path: Path | None) -> AbstractContextManager[TextIO | None]:

    return nullcontext() if path is None else private_file(path)


def _counted(faults: Sequence[RowFault]) -> dict[str, int]:

    left_out = sum(fault.severity is Severity.LEFT_OUT for fault in faults)
    return {"left_out": left_out, "warnings": len(faults) - left_out}


def _exit(about: Mapping[str, Any]) -> None:
    if about["failures"]:
        raise typer.Exit(1)


def _kinds(names: Sequence[str]) -> set[Kind]:
    """Read what may go. Raises InvalidInputError."""
    return {_kind("--allow-removals", name) for name in names}


def _limits(said: Sequence[str]) -> dict[Kind, float]:
    """Read how many may go. Raises InvalidInputError."""
    limits = {}
    for word in said:
        name, _, part = word.partition("=")
        try:
            limit = float(part.removesuffix("%")) / 100
        except ValueError:
            limit = -1.0
        if not part.endswith("%") or not 0 <= limit <= 1:
            what = f"should be a kind and a part, like people=5%; got {word!r}"
            raise InvalidInputError("sync", [FieldError("--most-removed", what)])
        limits[_kind("--most-removed", name)] = limit
    return limits


def _kind(option: str, name: str) -> Kind:

    for kind in LIMITS:
        if kind.value == name:
            return kind
    raise InvalidInputError(
        "sync", [FieldError(option, f"{name!r} is none of {', '.join(LIMITS)}")]
    )
