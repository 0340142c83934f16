"""What is done at which times: `schedule`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ops.cli.options import AsJson, Why
from ops.cli.output import Marked, err, lines, local, marked, out, print_json, table

if TYPE_CHECKING:
    from ops.scheduling.jobs_file import Difference
    from ops.scheduling.service import ScheduleService
    from worker.ledger.schedule_models import Planned, Run
    from worker.ledger.schedule_store import ScheduleStore

#: Of one job, so many runs and so many ticks to come are shown.
_RUNS, _TICKS = 10, 3

_COLOURS = {
    "waiting": "cyan",
    "running": "blue",
    "succeeded": "green",
    "failed": "red",
    "skipped": "dim",
    "joined": "dim",
}

What = Literal["ls", "add", "show", "run", "pause", "resume", "rm", "apply"]


def schedule(  # noqa: PLR0913  # each is an option of the command
    what: Annotated[What, typer.Argument()] = "ls",
    name: Annotated[
        str | None, typer.Argument(help="Of the job; to apply, the path of a TOML file.")
    ] = None,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="-- COMMAND...",
            help="To add: what it does, as enqueue, sync, retry, prune or report with options.",
        ),
    ] = None,
    *,
    cron: Annotated[
        str | None,
        typer.Option(help='When, like "30 2 * * *": minute, hour, day, month, day of week.'),
    ] = None,
    tz: Annotated[
        str | None, typer.Option(show_default="UTC", help="By which clocks, like Asia/Shanghai.")
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
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Apply without asking.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Say what is done at which times, and see how it went; `classin beat` does it."""
    from worker.errors import FieldError, InvalidInputError

    if what == "ls":
        _list(as_json=as_json)
        return
    if not name:
        raise InvalidInputError("schedule", [FieldError("", f"{what} needs a NAME")])
    asked = {"cron": cron, "tz": tz, "if_running": if_running}
    asked |= {"catch_up": catch_up, "time_limit": time_limit}
    given = {key: text for key, text in asked.items() if text is not None}
    if what == "add":
        planning = None if dry_run else _planning(why)
        _add(name, {**given, "run": words or []}, planning, as_json=as_json)
    elif given or words:
        raise InvalidInputError("schedule", [FieldError("", f"{what} takes no times and no words")])
    elif what == "apply":
        _apply(Path(name), why, yes=yes, dry_run=dry_run, as_json=as_json)
    elif what == "show":
        _show(name, as_json=as_json)
    elif dry_run:
        _would(what, name, as_json=as_json)
    elif what == "run":
        _run(name, _planning(why), as_json=as_json)
    else:
        _change(what, name, _planning(why), as_json=as_json)


def _open() -> "ScheduleStore":
    from worker.config.settings import from_env
    from worker.ledger.redis_client import connect
    from worker.ledger.schedule_store import ScheduleStore

    settings = from_env()
    return ScheduleStore(connect(settings.ledger_url), keyring=settings.keyring)


def _planning(why: str) -> "ScheduleService":
    from ops.admin.actor import actor
    from ops.cli.wiring import open_audit
    from ops.scheduling.service import ScheduleService

    return ScheduleService(_open(), open_audit(), actor(), why)


def _add(
    name: str, asked: dict[str, object], planning: "ScheduleService | None", *, as_json: bool
) -> None:
    """Add a job; without planning, only say whether that could be done."""
    from ops.cli.commands.job_check import faults_of, remark_on
    from ops.scheduling.jobs_file import job_of

    job = job_of(name, asked, faults_of)
    if remark := remark_on(job.words):
        err().print(remark)
    if planning is not None:
        planning.add(job)
    if as_json:
        print_json({**job.to_dict(), "added": planning is not None})
        return
    said = "could be added" if planning is None else "is in the schedule"
    tick = _next_of(job.cron, job.tz, _open().now())
    out().print(marked("[bold]{}[/] {}; first run {}", job.name, said, local(tick)))
    _warn_without_beat()


def _apply(path: Path, why: str, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Show what a file changes, ask, and change it."""
    from ops.cli.commands.job_check import faults_of, remark_on
    from ops.scheduling.jobs_file import differences, read_timetable
    from worker.errors import FieldError, InvalidInputError

    jobs = read_timetable(path, faults_of)
    found = differences(jobs, _open().jobs(), path.name)
    for remark in filter(None, (remark_on(job.words) for job in jobs)):
        err().print(remark)
    for each in found:
        if as_json:
            print_json({**each.to_dict(), "applied": not dry_run})
        else:
            _print_difference(each)
    if dry_run or not found:
        if not as_json:
            out().print("nothing was changed" if found else "the schedule is so already")
        return
    if not yes:
        if not sys.stdin.isatty():
            fault = FieldError("--yes", "is needed where nobody can be asked; --dry-run only shows")
            raise InvalidInputError("nothing was changed", [fault])
        typer.confirm("Change the schedule so?", abort=True, err=True)
    _planning(why).apply(found)
    if not as_json:
        out().print(f"{len(found)} jobs changed")
        _warn_without_beat()


def _print_difference(each: "Difference") -> None:
    from ops.scheduling.jobs_file import Kind, written

    sign, colour = {
        Kind.ADD: ("+", "green"),
        Kind.CHANGE: ("~", "yellow"),
        Kind.REMOVE: ("-", "red"),
    }[each.kind]
    out().print(marked(f"[{colour}]{sign} {{}}[/]", each.job.name))
    if each.kind is Kind.ADD:
        for part, text in written(each.job).items():
            out().print(marked("    {} [green]{}[/]", f"{part:10}", text))
    for part, was, will in each.changes:
        out().print(marked("    {} [red]{}[/] → [green]{}[/]", f"{part:10}", was, will))


def _would(what: str, name: str, *, as_json: bool) -> None:
    """Say what would be done to a job. Raises NotFoundError."""
    job = _open().find(name).job
    if as_json:
        print_json({"name": job.name, "done": what, "changed": False})
    else:
        out().print(f"{what} {job.name}: could be done; nothing was changed")


def _run(name: str, planning: "ScheduleService", *, as_json: bool) -> None:
    run = planning.run(name)
    if as_json:
        print_json(run.to_dict())
    else:
        told = "[bold]{}[/] {}; see it with: classin schedule show {}"
        out().print(marked(told, run.id, _state_of(run), name))
        _warn_without_beat()


def _change(what: str, name: str, planning: "ScheduleService", *, as_json: bool) -> None:
    """Take a job out, let it pause, or let it go on."""
    if what == "rm":
        planning.remove(name)
        changed, said = True, "is out of the schedule"
    elif what == "pause":
        changed = planning.pause(name)
        said = f"{'pauses' if changed else 'paused already'}; `classin schedule resume {name}`"
    else:
        changed = planning.resume(name)
        said = "goes on" if changed else "did not pause"
    if as_json:
        print_json({"name": name, "done": what, "changed": changed})
    else:
        out().print(f"{name} {said}")


def _list(*, as_json: bool) -> None:
    from ops.scheduling.jobs_file import written

    there = _open()
    jobs, now = there.jobs(), there.now()
    last = there.last_runs([planned.job.name for planned in jobs])
    if as_json:
        for planned in jobs:
            run = last.get(planned.job.name)
            print_json({**_json(planned, now), "last_run": run.to_dict() if run else None})
        return
    if not jobs:
        out().print("nothing is scheduled; see: classin schedule add --help")
        return
    rows = table(
        "job", "*when", "next run", "last run", "*how it ended", "time limit", "*what it does"
    )
    for planned in jobs:
        job, run = planned.job, last.get(planned.job.name)
        paused, following = planned.paused, _next_of(job.cron, job.tz, now)
        tick = marked("[yellow]paused[/]") if paused else local(following)
        if not planned.signed:
            tick = marked("[red]never: not signed[/]")
        rows.add_row(
            job.name,
            f"{job.cron} {job.tz}",
            tick,
            local(run.tick) if run else "",
            _ending_of(run) if run else "",
            written(job)["time_limit"],
            written(job)["run"],
        )
    out().print(rows)
    _warn_without_beat()


def _show(name: str, *, as_json: bool) -> None:
    from rich.table import Table

    from ops.scheduling.jobs_file import written
    from worker.ledger.schedule_models import UNSIGNED

    there = _open()
    planned, now = there.find(name), there.now()
    runs = there.runs(0, _RUNS, name)
    if as_json:
        print_json({**_json(planned, now), "runs": [run.to_dict() for run in runs]})
        return
    answer = Table.grid(padding=(0, 2))
    answer.add_column(style="bold", no_wrap=True)
    answer.add_column(overflow="fold")
    for part, text in written(planned.job).items():
        answer.add_row(part, text)
    ticks = ["paused"] if planned.paused else [local(tick) for tick in _ticks(planned, now)]
    if not planned.signed:
        ticks = [UNSIGNED]
    answer.add_row("next runs", ", ".join(ticks))
    out().print(marked("[bold]{}[/]", name))
    out().print(answer)
    if runs:
        out().print()
        out().print(_history(runs))


def _history(runs: Sequence["Run"]) -> object:
    rows = table("planned for", "began", "ended", "*how it ended")
    for run in runs:
        by_hand = " by hand" if run.by_hand else ", missed before" if run.late else ""
        rows.add_row(
            f"{local(run.tick)}{by_hand}",
            local(run.started_at),
            local(run.finished_at),
            _ending_of(run, in_short=False),
        )
    return rows


def _state_of(run: "Run") -> Marked:
    return Marked(f"[{_COLOURS[run.state.value]}]{run.state.value}[/]")


def _ending_of(run: "Run", *, in_short: bool = True) -> Marked:
    """Write how a run ended, or where it stands."""
    told = run.said or run.trouble
    if run.state.value == "failed":
        told = run.trouble or run.said
        told = f"exit code {run.code}: {told}" if run.code is not None else told
    if run.joined:
        told = f"with {run.joined}"
    if in_short:
        told = told.partition("\n")[0]
    return marked("{}{}{}", _state_of(run), ": " if told else "", lines(told))


def _json(planned: "Planned", now: int) -> dict[str, object]:
    from worker.ledger.record import iso

    never = planned.paused or not planned.signed
    ticks = [] if never else [iso(tick) for tick in _ticks(planned, now)]
    states = {"paused": planned.paused, "signed": planned.signed}
    return {**planned.job.to_dict(), **states, "next": ticks}


def _ticks(planned: "Planned", now: int) -> list[int]:
    """Give the next ticks of a job."""
    found: list[int] = []
    while len(found) < _TICKS:
        tick = _next_of(planned.job.cron, planned.job.tz, found[-1] if found else now)
        if tick is None:
            break
        found.append(tick)
    return found


def _next_of(cron: str, tz: str, now: int) -> int | None:
    """Give the first tick after a moment; None if there is none, or this machine cannot say."""
    from worker.errors import ValidationError
    from worker.scheduling.cron import CronSchedule

    try:
        return CronSchedule(cron, tz).after(now)
    except ValidationError:  # a zone that this machine does not know
        return None


def _warn_without_beat() -> None:
    from ops.cli.wiring import open_ledger
    from worker.scheduling.tick_claimer import BEAT

    if open_ledger().holder(BEAT) is None:
        err().print(
            marked(
                "[yellow]No beat runs: nothing begins until `classin up` or `classin beat` does.[/]"
            )
        )
