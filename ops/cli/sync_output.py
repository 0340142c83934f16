"""What a sync would do, and what came of it, for people."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TextIO

from ops.cli.markup import Marked, marked
from ops.cli.output import err, local, out, print_json, table
from producers.files.csv_formulas import SafeWriter
from producers.oneroster.planning.diff import (
    CourseChange,
    PersonChange,
    Plan,
    StudentChange,
    TeacherChange,
)
from producers.oneroster.planning.proposal import Proposal
from producers.oneroster.reading.row_errors import RowFault, Severity
from producers.oneroster.roster import Course, Person
from worker.errors import UnreadableValueError
from worker.ledger.decoding import decoding

#: So many lines of a kind are shown, unless all are wanted.
_MOST = 8

_HIDDEN = "***"

_COLUMNS = ("file", "row", "column", "severity", "what", "raw")

#: A line of a plan: the kind of thing, its id, what happens, before, after.
_Line = tuple[str, str, str, str, str]


def write_faults(faults: Iterable[RowFault], file: TextIO) -> None:
    """Write faults down with their rows."""
    writer = SafeWriter(file)
    writer.writerow(_COLUMNS)
    for each in faults:
        writer.writerow([each.file, each.row, each.column, each.severity, each.what, each.raw])


def print_plan(
    proposal: Proposal,
    faults: Sequence[RowFault],
    *,
    every: bool,
    reveal: bool,
    as_json: bool,
) -> None:
    """Show what would change."""
    plan = proposal.plan
    if as_json:
        for kind, name, how, before, after in _lines(plan, reveal=reveal):
            print_json({"what": f"{kind} {name}", "change": how, "before": before, "after": after})
        return
    _print_faults(faults)
    for warning in plan.warnings[: None if every else _MOST]:
        err().print(marked("[yellow]warning[/] {}", warning))
    if not plan:
        out().print("nothing to do: ClassIn is as it should be")
        return
    counts = table("", "#create", "#change", "#remove", "#keep")
    for each, count in plan.counts.items():
        numbers = (count.created, count.changed, count.removed, count.unchanged)
        counts.add_row(str(each), *(f"{number:,}" for number in numbers))
    out().print(counts)
    out().print()
    rows = table("what", "", "*before", "*after")
    seen: Counter[tuple[str, str]] = Counter()
    for kind, name, how, before, after in _lines(plan, reveal=reveal):
        seen[kind, how] += 1
        if every or seen[kind, how] <= _MOST:
            rows.add_row(f"{kind} {name}", how, before, after)
    out().print(rows)
    if not every and (more := sum(max(number - _MOST, 0) for number in seen.values())):
        out().print(f"... and {more:,} more like these: --all shows them")
    out().print(marked("\nso far, nothing was submitted"))


@decoding("what is known of this sync")
def print_report(about: Mapping[str, Any], faults: Sequence[RowFault], *, as_json: bool) -> None:
    """Show what came of a sync."""
    if as_json:
        print_json(about)
        return
    _print_faults(faults)
    out().print(_headline(about))
    if counts := about.get("counts"):
        rows = table("", "#created", "#changed", "#removed", "#unchanged", "#failed")
        for kind, of in counts.items():
            failed = marked("[red]{}[/]", f"{of['failed']:,}") if of["failed"] else "0"
            numbers = [f"{of[name]:,}" for name in ("created", "changed", "removed", "unchanged")]
            rows.add_row(kind, *numbers, failed)
        out().print(rows)
    if failures := about.get("failures"):
        out().print()
        rows = table("#failed", "*operation", "*why", "for example")
        for each in failures[:_MOST]:
            number = f"{each['number']:,}"
            rows.add_row(number, each["operation"], each["why"], each["record"])
        out().print(rows)
        out().print("see one with: classin show ID; the next sync tries again")
    out().print(_in_short(about))


def print_runs(found: Iterable[Mapping[str, Any]]) -> None:
    """List syncs."""
    # The names of syncs are what other commands take: they are never cut.
    rows = table("sync", "*began", "*source", "*export", "*state", "#operations", "#failed")
    for about in found:
        try:
            rows.add_row(*_run_of(about))
        except UnreadableValueError:
            rows.add_row(str(about.get("id", "")), "", "", "", "unreadable")
    out().print(rows)


@decoding("a sync")
def _run_of(about: Mapping[str, Any]) -> Sequence[str]:
    failed = sum(each["number"] for each in about.get("failures", ()))
    texts = (
        about["id"],
        _moment(about["began_at"]),
        about["source"],
        _origin(about),
        about["state"],
        f"{about['operations']:,}",
        f"{failed:,}" if failed else "",
    )
    return [str(text) for text in texts]


def _headline(about: Mapping[str, Any]) -> Marked:
    batches = " ".join(about["batches"])
    told = f"{about['operations']:,} operations"
    told = f"{told} in batch {batches}" if batches else told
    return marked(
        "sync [bold]{}[/] of {}, {}: {}", about["id"], about["source"], _origin(about), told
    )


def _in_short(about: Mapping[str, Any]) -> str:
    """Sum it up, as the list of scheduled jobs shows it."""
    if "counts" not in about:
        return str(about["state"])
    sums: Counter[str] = Counter()
    for of in about["counts"].values():
        sums.update(of)
    told = (f"{sums[name]:,} {name}" for name in ("created", "changed", "removed", "failed"))
    return f"{about['state']}: {', '.join(told)}"


def _origin(about: Mapping[str, Any]) -> str:
    return f"undoing {about['undoes']}" if "undoes" in about else str(about.get("export", ""))


def _moment(text: str) -> str:
    return local(round(datetime.fromisoformat(text).timestamp() * 1000))


def _print_faults(faults: Sequence[RowFault]) -> None:
    """Show the faults of an export, those alike together."""
    alike = Counter((each.file, each.column, each.what, each.severity) for each in faults)
    first = {(each.file, each.column, each.what, each.severity): each for each in reversed(faults)}
    for key, number in alike.most_common(_MOST):
        colour = "red" if first[key].severity is Severity.LEFT_OUT else "yellow"
        more = f" (and {number - 1:,} more like it)" if number > 1 else ""
        err().print(marked(f"[{colour}]{{}}[/] {{}}{{}}", first[key].severity, first[key], more))
    if len(alike) > _MOST:
        err().print(f"... and {len(alike) - _MOST:,} other kinds of faults: --errors has them all")


def _lines(plan: Plan, *, reveal: bool) -> Iterator[_Line]:
    """Write a plan down, a line for each person or course in a change."""
    for change in plan.steps():
        match change:
            case PersonChange(before, after):
                was, now = (_person(each, reveal=reveal) for each in (before, after))
                yield "person", change.id, _how_person(before, after), was, now
            case CourseChange(before=had, after=has):
                yield "course", change.id, _how(had, has), _course(had), _course(has)
            case TeacherChange(course, taught, teach):
                yield "course", course, "teachers", " ".join(taught), " ".join(teach)
            case StudentChange(course, added, removed):
                yield from (("course", course, "enrol", "", name) for name in added)
                yield from (("course", course, "let out", name, "") for name in removed)


def _how(before: object, after: object) -> str:
    return "create" if before is None else "remove" if after is None else "change"


def _how_person(before: Person | None, after: Person | None) -> str:
    """Say what changes of a person, which can be told though it is not shown."""
    if before is None or after is None:
        return _how(before, after)
    told = (
        ("name", before.name != after.name),
        ("account", before.account != after.account),
        ("role", before.role is not after.role),
    )
    return "change " + ", ".join(what for what, changed in told if changed)


def _person(person: Person | None, *, reveal: bool) -> str:
    if person is None:
        return ""
    named = (person.name, person.account) if reveal else (_HIDDEN, _HIDDEN)
    return " ".join((str(person.role), *named))


def _course(course: Course | None) -> str:
    if course is None:
        return ""
    return f"{course.name} (ended)" if course.ended else course.name
