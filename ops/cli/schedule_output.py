"""The schedule and its jobs, printed for people and as JSON."""

from collections.abc import Mapping, Sequence

from ops.cli.markup import Marked, lines, marked
from ops.cli.output import grid, local, out, table
from ops.scheduling.jobs_file import Difference, Kind, written
from worker.errors import ValidationError
from worker.ledger.record import iso
from worker.ledger.schedule_models import UNSIGNED, Planned, Run
from worker.scheduling.cron import CronSchedule

#: Of one job, show at most so many ticks to come.
_MAX_TICKS = 3

_COLOURS = {
    "waiting": "cyan",
    "running": "blue",
    "succeeded": "green",
    "failed": "red",
    "skipped": "dim",
    "joined": "dim",
}


def print_jobs(jobs: Sequence[Planned], last_runs: Mapping[str, Run], now: int) -> None:
    """Print a table of jobs; times in ms since 1970."""
    rows = table(
        "job", "*when", "next run", "last run", "*how it ended", "time limit", "*what it does"
    )
    for planned in jobs:
        job, run = planned.job, last_runs.get(planned.job.name)
        tick = local(next_tick(job.cron, job.tz, now))
        rows.add_row(
            job.name,
            f"{job.cron} {job.tz}",
            marked("[red]never: not signed[/]")
            if not planned.signed
            else (marked("[yellow]paused[/]") if planned.paused else tick),
            local(run.tick) if run else "",
            _outcome(run) if run else "",
            written(job)["time_limit"],
            written(job)["run"],
        )
    out().print(rows)


def print_job(planned: Planned, runs: Sequence[Run], now: int) -> None:
    """Print one job and its last runs."""
    answer = grid()
    for part, text in written(planned.job).items():
        answer.add_row(part, text)
    ticks = ["paused"] if planned.paused else [local(tick) for tick in _next_ticks(planned, now)]
    answer.add_row("next runs", ", ".join(ticks if planned.signed else [UNSIGNED]))
    out().print(marked("[bold]{}[/]", planned.job.name))
    out().print(answer)
    if not runs:
        return
    rows = table("planned for", "began", "ended", "*how it ended")
    for run in runs:
        origin = " by hand" if run.by_hand else ", missed before" if run.late else ""
        times = (f"{local(run.tick)}{origin}", local(run.started_at), local(run.finished_at))
        rows.add_row(*times, _outcome(run, in_short=False))
    out().print()
    out().print(rows)


def print_difference(each: Difference) -> None:
    """Print what a file changes about one job."""
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


def coloured_state(run: Run) -> Marked:
    """Return the state of a run in its colour."""
    return Marked(f"[{_COLOURS[run.state.value]}]{run.state.value}[/]")


def _outcome(run: Run, *, in_short: bool = True) -> Marked:
    """Return how a run ended, or its state."""
    told = run.said or run.trouble
    if run.state.value == "failed":
        told = run.trouble or run.said
        told = f"exit code {run.code}: {told}" if run.code is not None else told
    if run.joined:
        told = f"with {run.joined}"
    if in_short:
        told = told.partition("\n")[0]
    return marked("{}{}{}", coloured_state(run), ": " if told else "", lines(told))


def job_to_dict(planned: Planned, now: int) -> dict[str, object]:
    """Return a job as JSON has it, with its next runs."""
    never = planned.paused or not planned.signed
    ticks = [] if never else [iso(tick) for tick in _next_ticks(planned, now)]
    states = {"paused": planned.paused, "signed": planned.signed}
    return {**planned.job.to_dict(), **states, "next": ticks}


def _next_ticks(planned: Planned, now: int) -> list[int]:
    found: list[int] = []
    while len(found) < _MAX_TICKS:
        tick = next_tick(planned.job.cron, planned.job.tz, found[-1] if found else now)
        if tick is None:
            break
        found.append(tick)
    return found


def next_tick(cron: str, tz: str, now: int) -> int | None:
    """Return the first tick after a moment (ms since 1970).

    None if there is none, or if this machine does not know the time zone.
    """
    try:
        return CronSchedule(cron, tz).after(now)
    except ValidationError:
        return None
