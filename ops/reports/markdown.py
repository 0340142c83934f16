"""A report as Markdown, for mail, chat and the terminal."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from ops.insight.wait_text import closure_in_words
from ops.reports.report import Group, Report
from worker.ledger.schedule_models import Run, RunState
from worker.ledger.states import State
from worker.printable import printable

#: Runs of one job that are listed; of more, their results are counted.
MOST_OF_A_JOB = 3

#: Inline markup of Markdown; `_` inside a word is none.
_MARKUP = re.compile(r"[\\`*\[\]!|~>]|(?<!\w)_|_(?!\w)")

#: Format ms since 1970 for the reader.
Moment = Callable[[int], str]


def title_of(report: Report) -> str:
    """Return the report's title."""
    bad = sum(run.state is RunState.FAILED for run in report.runs)
    done = report.settled.get(State.SUCCEEDED, 0)
    parts = [f"{done:,} done"]
    parts.append(f"{report.failures:,} to look at" if report.failures else "nothing to look at")
    if bad:
        parts.append(f"{bad} job{'s'[: bad != 1]} failed")
    if report.closures:
        names = ", ".join(closure.school for closure in report.closures)
        parts.append(f"{names} closed")
    return printable(f"ClassIn: {', '.join(parts)}")


def page_of(report: Report, moment: Moment) -> str:
    """Return the report as lines of Markdown."""
    lines = [f"# {title_of(report)}", "", f"From {moment(report.since)} to {moment(report.until)}."]
    if report.known_since > report.since:
        lines.append(f"What settled before {moment(report.known_since)} is not counted any more.")
    for heading, body in (
        ("Jobs", [*_runs(report.runs, moment)]),
        ("Operations", [*_counts(report)]),
        ("To look at", [*_groups(report.groups)]),
        (
            "Schools that are closed",
            [as_text(closure_in_words(c, moment)) for c in report.closures],
        ),
        ("Lanes that are stuck", [*_lanes(report, moment)]),
    ):
        if body:
            lines += ["", f"## {heading}", "", *(f"- {text}" for text in body)]
    return "\n".join(lines) + "\n"


def _runs(runs: Sequence[Run], moment: Moment) -> Iterator[str]:
    by_job: dict[str, list[Run]] = {}
    for run in runs:
        by_job.setdefault(run.job, []).append(run)
    for job, mine in by_job.items():
        name = as_text(job)
        if len(mine) <= MOST_OF_A_JOB:
            yield from (f"**{name}** {moment(run.tick)}: {as_text(ending(run))}" for run in mine)
        else:
            numbers = {state: sum(run.state is state for run in mine) for state in RunState}
            yield f"**{name}**: {_numbered(numbers)}; the last {as_text(ending(mine[-1]))}"


def ending(run: Run) -> str:
    """Return how a run ended, or its state."""
    told = run.said or run.trouble
    if run.state is RunState.FAILED:
        told = run.trouble.rpartition("\n")[2] or run.said
        told = f"exit code {run.code}; {told}" if run.code is not None else told
    if run.joined:
        told = f"with {run.joined}"
    late = " late" if run.late else ""
    return f"{run.state.value}{late}{': ' if told else ''}{told}"


def _counts(report: Report) -> Iterator[str]:
    yield f"settled: {_numbered(report.settled) or 'none'}"
    if report.waiting:
        yield f"not settled yet: {_numbered(report.waiting)}"
    if report.mended:
        yield f"brought through by a retry: {report.mended:,}"
    if report.oldest is not None:
        oldest = report.oldest
        which = as_text(f"{oldest.operation} {oldest.id}")
        yield f"waiting longest: {which}, {oldest.state.value}"


def _groups(groups: Sequence[Group]) -> Iterator[str]:
    for group in groups:
        if group.number:
            cause = group.cause
            code = f" {cause.code}:" if cause.code is not None else ""
            mended = f" ({group.mended:,} more mended)" if group.mended else ""
            told = as_text(
                f"{cause.operation} {cause.stands},{code} {group.words}"
                f"{mended}. {group.todo} Such as {', '.join(group.examples)}"
            )
            yield f"**{group.number:,}** {told}"


def _closures(report: Report, moment: Moment) -> Iterator[str]:
    return (as_text(closure_in_words(closure, moment)) for closure in report.closures)


def _lanes(report: Report, moment: Moment) -> Iterator[str]:
    for lane in report.lanes:
        yield as_text(
            f"{lane.name}: {lane.waiting:,} wait behind {lane.head} ({lane.stands}),"
            f" since {moment(lane.since)}"
        )


def _numbered(numbers: Mapping[State, int] | Mapping[RunState, int]) -> str:
    return ", ".join(f"{number:,} {state.value}" for state, number in numbers.items() if number)


def as_text(text: str) -> str:
    """Escape a text for Markdown: one line, no markup, no link, no HTML."""
    marked = _MARKUP.sub(r"\\\g<0>", printable(" ".join(text.split())))
    return marked.replace("&", "&amp;").replace("<", "&lt;")
