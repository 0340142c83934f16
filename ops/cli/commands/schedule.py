"""`classin schedule`: jobs, and when they run."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ops.admin.actor import actor
from ops.cli.audit_trail import open_audit
from ops.cli.groups import ListByDefault
from ops.cli.job_check import faults_of, remark_on
from ops.cli.markup import marked
from ops.cli.options import AsJson, DryRun, Why
from ops.cli.output import err, local, out, print_json
from ops.cli.schedule_output import (
    coloured_state,
    job_to_dict,
    next_tick,
    print_difference,
    print_job,
    print_jobs,
)
from ops.cli.wiring import open_ledger
from ops.scheduling.jobs_file import differences, job_of, read_timetable
from ops.scheduling.service import ScheduleService
from worker.config.settings import from_env
from worker.errors import FieldError, InvalidInputError
from worker.ledger.redis_client import connect
from worker.ledger.schedule_store import ScheduleStore
from worker.scheduling.tick_claimer import BEAT

#: Of one job, show at most so many runs.
_MAX_RUNS = 10

schedule = typer.Typer(
    cls=ListByDefault,
    help="Say what is done at which times, and see how it went; `classin beat` does it.\n\n"
    "Without a command it lists the jobs.",
)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the job.")]


@schedule.command()
def ls(*, as_json: AsJson = False) -> None:
    """List the jobs: when each runs next, and how its last run ended."""
    store = _open_store()
    jobs, now = store.jobs(), store.now()
    last_runs = store.last_runs([planned.job.name for planned in jobs])
    if as_json:
        for planned in jobs:
            run = last_runs.get(planned.job.name)
            print_json({**job_to_dict(planned, now), "last_run": run.to_dict() if run else None})
    elif jobs:
        print_jobs(jobs, last_runs, now)
        _warn_without_beat()
    else:
        out().print("nothing is scheduled; see: classin schedule add --help")


@schedule.command()
def show(name: _Name, *, as_json: AsJson = False) -> None:
    """Show one job, when it runs next, and its last runs."""
    store = _open_store()
    planned, now, runs = store.find(name), store.now(), store.runs(0, _MAX_RUNS, name)
    if as_json:
        print_json({**job_to_dict(planned, now), "runs": [run.to_dict() for run in runs]})
    else:
        print_job(planned, runs, now)


@schedule.command()
def add(  # noqa: PLR0913  # each is an option of the command
    name: _Name,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="-- COMMAND...",
            help="What it does, as enqueue, sync, retry, prune or report with options.",
        ),
    ] = None,
    *,
    cron: Annotated[
        str | None,
        typer.Option(
            metavar="TIMES", help='Like "30 2 * * *": minute, hour, day, month, day of week.'
        ),
    ] = None,
    tz: Annotated[
        str | None,
        typer.Option(metavar="ZONE", show_default="UTC", help="By which clocks: Asia/Shanghai."),
    ] = None,
    if_running: Annotated[
        str | None,
        typer.Option(
            metavar="wait|skip|join",
            show_default="wait",
            help="What becomes of a run while the one before is under way.",
        ),
    ] = None,
    catch_up: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", show_default="6h", help="How late what was missed is still run, once."
        ),
    ] = None,
    time_limit: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            show_default="12h for enqueue and sync, 1h for others",
            help="How long a run may take: then it is ended, and has failed.",
        ),
    ] = None,
    dry_run: DryRun = False,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Add a job: a command, and when it runs.

    Example: classin schedule add night --cron "0 5 * * *" -- prune --yes
    """
    asked = {"cron": cron, "tz": tz, "if_running": if_running}
    asked |= {"catch_up": catch_up, "time_limit": time_limit}
    given = {key: text for key, text in asked.items() if text is not None}
    job = job_of(name, {**given, "run": words or []}, faults_of)
    if remark := remark_on(job.words):
        err().print(remark)
    if not dry_run:
        _open_service(why).add(job)
    if as_json:
        print_json({**job.to_dict(), "added": not dry_run})
        return
    said = "could be added" if dry_run else "is in the schedule"
    tick = next_tick(job.cron, job.tz, _open_store().now())
    out().print(marked("[bold]{}[/] {}; first run {}", job.name, said, local(tick)))
    _warn_without_beat()


@schedule.command()
def run(name: _Name, *, dry_run: DryRun = False, why: Why = "", as_json: AsJson = False) -> None:
    """Run a job now, besides its times."""
    if dry_run:
        _print_dry_run("run", name, as_json=as_json)
        return
    asked = _open_service(why).run(name)
    if as_json:
        print_json(asked.to_dict())
    else:
        told = "[bold]{}[/] {}; see it with: classin schedule show {}"
        out().print(marked(told, asked.id, coloured_state(asked), name))
        _warn_without_beat()


@schedule.command()
def pause(name: _Name, *, dry_run: DryRun = False, why: Why = "", as_json: AsJson = False) -> None:
    """Let a job not run until `resume`."""
    if dry_run:
        _print_dry_run("pause", name, as_json=as_json)
        return
    changed = _open_service(why).pause(name)
    said = f"{'pauses' if changed else 'paused already'}; `classin schedule resume {name}`"
    _print_change("pause", name, said, changed=changed, as_json=as_json)


@schedule.command()
def resume(name: _Name, *, dry_run: DryRun = False, why: Why = "", as_json: AsJson = False) -> None:
    """Let a paused job run again at its times."""
    if dry_run:
        _print_dry_run("resume", name, as_json=as_json)
        return
    changed = _open_service(why).resume(name)
    said = "goes on" if changed else "did not pause"
    _print_change("resume", name, said, changed=changed, as_json=as_json)


@schedule.command()
def rm(name: _Name, *, dry_run: DryRun = False, why: Why = "", as_json: AsJson = False) -> None:
    """Take a job out of the schedule."""
    if dry_run:
        _print_dry_run("rm", name, as_json=as_json)
        return
    _open_service(why).remove(name)
    _print_change("rm", name, "is out of the schedule", changed=True, as_json=as_json)


@schedule.command()
def apply(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file of jobs.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: DryRun = False,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Make the schedule what a file says.

    Shows what changes, and asks.
    """
    jobs = read_timetable(path, faults_of)
    found = differences(jobs, _open_store().jobs(), path.name)
    for remark in filter(None, (remark_on(job.words) for job in jobs)):
        err().print(remark)
    for each in found:
        if as_json:
            print_json({**each.to_dict(), "applied": not dry_run})
        else:
            print_difference(each)
    if dry_run or not found:
        if not as_json:
            out().print("nothing was changed" if found else "the schedule is so already")
        return
    if not yes:
        if not sys.stdin.isatty():
            fault = FieldError("--yes", "is needed where nobody can be asked; --dry-run only shows")
            raise InvalidInputError("nothing was changed", [fault])
        typer.confirm("Change the schedule so?", abort=True, err=True)
    _open_service(why).apply(found)
    if not as_json:
        out().print(f"{len(found)} jobs changed")
        _warn_without_beat()


def _print_dry_run(what: str, name: str, *, as_json: bool) -> None:
    """Print what would be done to a job. Raises NotFoundError."""
    job = _open_store().find(name).job
    if as_json:
        print_json({"name": job.name, "done": what, "changed": False})
    else:
        out().print(f"{what} {job.name}: could be done; nothing was changed")


def _print_change(what: str, name: str, said: str, *, changed: bool, as_json: bool) -> None:
    if as_json:
        print_json({"name": name, "done": what, "changed": changed})
    else:
        out().print(f"{name} {said}")


def _open_store() -> ScheduleStore:
    settings = from_env()
    return ScheduleStore(
        connect(settings.ledger_url, settings.redis_prefix), keyring=settings.keyring
    )


def _open_service(why: str) -> ScheduleService:
    return ScheduleService(_open_store(), open_audit(), actor(), why)


def _warn_without_beat() -> None:
    if open_ledger().holder(BEAT) is None:
        err().print(
            marked(
                "[yellow]No beat runs: nothing begins until `classin up` or `classin beat` does.[/]"
            )
        )
