"""The night in one page: `report`."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer

from ops.cli.markup import joined, marked
from ops.cli.options import AsJson
from ops.cli.output import coloured, err, local, out, print_json, print_page, table
from ops.insight.wait_text import closure_in_words
from ops.reports.markdown import ending, page_of, title_of
from ops.reports.notify import Sent, send
from ops.reports.report import Group, Report, gather
from producers.time_args import moment_of
from worker.config.settings import from_env
from worker.errors import FieldError, InvalidInputError, NotFoundError, UnreadableValueError
from worker.ledger.decoding import cannot_be_read, decoding
from worker.ledger.queries import LedgerQueries
from worker.ledger.record import new_id
from worker.ledger.redis_client import connect
from worker.ledger.report_store import Kept, ReportStore
from worker.ledger.schedule_store import ScheduleStore

#: Reports that `ls` lists.
_LISTED = 30


def report(  # noqa: PLR0913  # each is an option of the command
    what: Annotated[
        Literal["make", "ls"], typer.Argument(help="ls: those that are kept.")
    ] = "make",
    *,
    since: Annotated[
        str, typer.Option(metavar="WHEN", help="From when on: 24h, 2d, or 2026-09-01T18:00.")
    ] = "24h",
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="Send it there, as Apprise writes addresses. CLASSIN_REPORT_TO sets it, too.",
        ),
    ] = None,
    tz: Annotated[
        str | None,
        typer.Option(show_default="this machine's", help="By which clocks the page is written."),
    ] = None,
    last: Annotated[
        bool, typer.Option("--last", help="Show the last one that is kept, and make none.")
    ] = False,
    text: Annotated[
        bool, typer.Option("--text", help="Print the page of Markdown that is sent.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell the night in one page: runs, failures by cause, what to do; keep it, send it.

    Exit 1 if it was to be sent, and did not arrive everywhere.
    """
    if what == "ls":
        _list(as_json=as_json)
    elif last:
        _show_last(text=text, as_json=as_json)
    else:
        _make(since, to, tz, text=text, as_json=as_json)


def _open_reports() -> ReportStore:

    settings = from_env()
    return ReportStore(connect(settings.ledger_url, settings.redis_prefix))


def _make(
    since: str, to: Sequence[str] | None, tz: str | None, *, text: bool, as_json: bool
) -> None:
    """Gather a report, print it, send it, and keep it with what became of that."""
    clock, made = _clock_of(tz), _gathered(since)
    its_id, reports = new_id(), _open_reports()
    page = page_of(made, clock)
    kept = {"id": its_id, "title": title_of(made), "page": page, **made.to_dict(), "sent": []}
    reports.keep(its_id, made.until, json.dumps(kept, ensure_ascii=False))
    addresses = to or from_env().report_to
    sent = send(addresses, title_of(made), page) if addresses else []
    kept["sent"] = [each.to_dict() for each in sent]
    reports.keep(its_id, made.until, json.dumps(kept, ensure_ascii=False))
    if as_json:
        print_json(kept)
    elif text:
        print_page(page)
    else:
        _print(made)
        out().print(title_of(made))
    _tell(sent)
    if any(each.trouble for each in sent):
        raise typer.Exit(1)


def _gathered(since: str) -> Report:
    """Gather what was since then. Raises InvalidInputError."""
    now = time.time()
    faults: list[FieldError] = []
    start = moment_of("--since", since, now, faults)
    if start is not None and start > now * 1000:
        faults.append(FieldError("--since", f"should be past; got {since!r}"))
    if start is None or faults:
        raise InvalidInputError("report", faults)
    settings = from_env()
    redis = connect(settings.ledger_url, settings.redis_prefix)
    schedule = ScheduleStore(redis)
    return gather(LedgerQueries(redis), schedule, ReportStore(redis), start, schedule.now())


def _clock_of(tz: str | None) -> Callable[[int], str]:
    """Give what writes a moment for somebody elsewhere, at another time.

    Raises InvalidInputError.
    """
    try:
        zone = ZoneInfo(tz) if tz else None
    except (ValueError, OSError, KeyError):
        fault = FieldError("--tz", f"there is no time zone {tz!r}; they are like Asia/Shanghai")
        raise InvalidInputError("report", [fault]) from None

    def clock(ms: int) -> str:
        return datetime.fromtimestamp(ms / 1000).astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")

    return clock


def _tell(sent: Sequence[Sent]) -> None:
    for each in sent:
        said = f"not sent to {each.to}: {each.trouble}" if each.trouble else f"sent to {each.to}"
        err().print(said)


def _print(made: Report) -> None:
    """Print a report on a terminal."""
    out().print(marked("[bold]From {} to {}[/]", local(made.since), local(made.until)))
    if made.known_since > made.since:
        known = local(made.known_since)
        out().print(marked("[yellow]What settled before {} is not known any more.[/]", known))
    _print_runs(made)
    _print_counts(made)
    if made.groups:
        _heading("Failures by cause")
        out().print(_causes(made.groups))
    if made.closures:
        _heading("Schools that are closed")
        for closure in made.closures:
            out().print(marked("[yellow]{}[/]", closure_in_words(closure, local)))
    if made.lanes:
        _heading("Lanes that are stuck")
        rows = table("*lane", "#waiting", "since", "behind", "which is")
        for lane in made.lanes:
            rows.add_row(lane.name, f"{lane.waiting:,}", local(lane.since), lane.head, lane.stands)
        out().print(rows)
    out().print()


def _heading(text: str) -> None:
    out().print(marked("\n[bold]{}[/]", text))


def _print_runs(made: Report) -> None:

    if made.runs:
        _heading("Jobs")
        rows = table("job", "planned for", "ended", "*how")
        for run in made.runs:
            rows.add_row(run.job, local(run.tick), local(run.finished_at), ending(run))
        out().print(rows)


def _print_counts(made: Report) -> None:
    _heading("Operations")
    for title, numbers in (("settled", made.settled), ("not settled yet", made.waiting)):
        words = [marked("{} {}", f"{n:,}", coloured(state)) for state, n in numbers.items()]
        out().print(marked("{}: {}", title, joined(", ", words) or "none"))
    if made.oldest is not None:
        oldest = made.oldest
        which, since = f"{oldest.operation} {oldest.id}", local(oldest.enqueued_at)
        state = coloured(oldest.state)
        out().print(marked("waiting longest: {}, {}, since {}", which, state, since))


def _causes(groups: Sequence[Group]) -> object:
    rows = table("#number", "#mended", "*cause, and what to do")
    for group in groups:
        cause = group.cause
        code = "" if cause.code is None else f" {cause.code}:"
        said = marked("[bold]{} {}[/],{} {}", cause.operation, cause.stands, code, group.words)
        todo = group.todo if group.number else "Nothing: a retry went well."
        examples = ", ".join(group.examples)
        such = [marked("[dim]such as {}[/]", examples)] if examples else []
        mended = f"{group.mended:,}" if group.mended else ""
        rows.add_row(f"{group.number:,}", mended, joined("\n", [said, todo, *such]))
    return rows


def _kept(limit: int) -> list[Mapping[str, Any]]:
    """Give the last reports; of one that was changed in Redis only its id."""
    return [_report_of(each) or {"id": each.id} for each in _open_reports().last(limit)]


def _report_of(kept: Kept) -> Mapping[str, Any] | None:
    """Read a report that is kept; None: somebody changed it in Redis."""
    try:
        with decoding(f"report {kept.id}"):
            said = json.loads(kept.text)
            texts = [said[name] for name in ("id", "until", "title", "page")]
            texts += [one["to"] for one in said["sent"] if one["sent"] in {True, False}]
            return said if all(isinstance(each, str) for each in texts) else None
    except UnreadableValueError:
        return None


def _show_last(*, text: bool, as_json: bool) -> None:

    found = _kept(1)
    if not found:
        raise NotFoundError("no report is kept; make one with: classin report")
    if as_json:
        print_json(found[0])
    elif "page" not in found[0]:
        raise UnreadableValueError(cannot_be_read(f"report {found[0]['id']}"))
    elif text or not out().is_terminal:
        print_page(found[0]["page"])
    else:
        from rich.markdown import Markdown  # noqa: PLC0415  # rich

        out().print(Markdown(found[0]["page"]))


def _list(*, as_json: bool) -> None:
    found = _kept(_LISTED)
    if as_json:
        for each in found:
            print_json(each)
        return
    if not found:
        out().print("no report is kept; make one with: classin report")
        return
    rows = table("id", "until", "*what it says", "*sent to")
    for each in found:
        if "page" not in each:
            rows.add_row(each["id"], "", "unreadable: it was changed in Redis")
            continue
        sent = (f"{one['to']}{'' if one['sent'] else ' (not taken)'}" for one in each["sent"])
        rows.add_row(each["id"], each["until"], each["title"], ", ".join(sent))
    out().print(rows)
