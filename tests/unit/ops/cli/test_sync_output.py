"""What a sync would do, and what came of it, as people see it."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from ops.cli import sync_output
from ops.cli.console import PlainConsole
from producers.oneroster.id_map import IdMap
from producers.oneroster.planning.diff import difference
from producers.oneroster.planning.proposal import Proposal
from producers.oneroster.reading.row_errors import RowFault, Severity
from producers.oneroster.roster import Course, Person, Role, Roster

ANN = Person("a", "a@example.org", "Ann [b]", Role.STUDENT)
TAM = Person("t", "13800000001", "Tam", Role.TEACHER)
BEFORE = Roster({"a": ANN}, {"k": Course("k", "Art"), "l": Course("l", "Music")})
AFTER = Roster(
    {"a": Person("a", "b@example.org", "Bo", Role.STUDENT), "t": TAM},
    {"k": Course("k", "Art", ended=True)},
    {"k": ("t",)},
    {"k": ("a",)},
)
COUNTS = {"created": 1, "changed": 0, "removed": 0, "unchanged": 1234, "failed": 2}
ABOUT: dict[str, Any] = {
    "id": "4tejcaco5td67isk",
    "source": "main:sis",
    "began_at": "2027-01-15T08:00:00+00:00",
    "state": "partly done",
    "batches": ["abcdefghijklmnop"],
    "operations": 1234,
    "export": "a [1].zip",
    "counts": {"people": COUNTS},
    "failures": [
        {"operation": "end_course", "why": "[odd] (9)", "number": 7, "record": "bmememeb5jsgyb35"}
    ],
}

Show = Callable[..., str]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Show:
    """What is printed, in a terminal that is so wide."""

    def show(printing: Callable[[], None], width: int = 120) -> str:
        console = PlainConsole(width=width, file=io.StringIO(), highlight=False)
        monkeypatch.setattr(sync_output, "out", lambda: console)
        monkeypatch.setattr(sync_output, "err", lambda: console)
        printing()
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    return show


def plan(*, every: bool = False, reveal: bool = False, as_json: bool = False) -> None:
    """Print the plan from before to after."""
    found = difference(BEFORE, AFTER, ["course k: odd [thing]"])
    proposal = Proposal(found, BEFORE, AFTER, IdMap())
    sync_output.print_plan(proposal, [], every=every, reveal=reveal, as_json=as_json)


def test_a_plan_shows_each_change(shown: Show) -> None:
    """Names and accounts are hidden, though not which of them changes."""
    lines = [" ".join(line.split()) for line in shown(plan).splitlines()]
    assert lines[:5] == [
        "warning course k: odd [thing]",
        "create change remove keep",
        "people 1 1 0 0",
        "courses 0 1 1 0",
        "teachers 1 0 0 0",
    ]
    assert lines[7:] == [
        "what before after",
        "person a change name, account student *** *** student *** ***",
        "person t create teacher *** ***",
        "course k teachers t",
        "course k enrol a",
        "course k change Art Art (ended)",
        "course l remove Music",
        "",
        "so far, nothing was submitted",
    ]


def test_names_are_shown_to_who_asks(shown: Show) -> None:
    """As they are, brackets and all."""
    told = shown(lambda: plan(reveal=True))
    assert "student Ann [b] a@example.org" in told
    assert "***" not in told


def test_a_plan_for_programs(shown: Show, capsys: pytest.CaptureFixture[str]) -> None:
    """A line of JSON for each change."""
    assert shown(lambda: plan(as_json=True)) == ""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 6
    assert lines[3] == {"what": "course k", "change": "enrol", "before": "", "after": "a"}


def test_only_some_of_many_alike_are_shown(shown: Show) -> None:
    """Unless all are wanted."""
    many = {f"p{n}": Person(f"p{n}", f"{n}@example.org", "Ann", Role.STUDENT) for n in range(30)}
    wanted = Roster(many)
    proposal = Proposal(difference(Roster(), wanted), Roster(), wanted, IdMap())

    def show(*, every: bool) -> str:
        return shown(
            lambda: sync_output.print_plan(proposal, [], every=every, reveal=False, as_json=False)
        )

    assert show(every=False).count("person p") == 8
    assert "... and 22 more like these: --all shows them" in show(every=False)
    assert show(every=True).count("person p") == 30


def test_nothing_to_do_is_said_so(shown: Show) -> None:
    """Rather than shown as an empty table."""
    proposal = Proposal(difference(BEFORE, BEFORE), BEFORE, BEFORE, IdMap())
    told = shown(
        lambda: sync_output.print_plan(proposal, [], every=False, reveal=False, as_json=False)
    )
    assert told == "nothing to do: ClassIn is as it should be\n"


def test_a_report_says_what_came_of_it(shown: Show, capsys: pytest.CaptureFixture[str]) -> None:
    """And why some of it failed."""
    told = shown(lambda: sync_output.print_report(ABOUT, [], as_json=False))
    assert "sync 4tejcaco5td67isk of main:sis, a [1].zip: 1,234 operations" in told
    assert told.endswith("\npartly done: 1 created, 0 changed, 0 removed, 2 failed\n")
    assert "1,234       2" in told
    assert "7  end_course  [odd] (9)  bmememeb5jsgyb35" in told
    sync_output.print_report(ABOUT, [], as_json=True)
    assert json.loads(capsys.readouterr().out) == ABOUT


def test_a_report_of_one_under_way(shown: Show) -> None:
    """It has no counts yet."""
    about = {**ABOUT, "state": "under way", "batches": [], "operations": 0}
    del about["counts"], about["failures"]
    told = shown(lambda: sync_output.print_report(about, [], as_json=False))
    assert told == "sync 4tejcaco5td67isk of main:sis, a [1].zip: 0 operations\nunder way\n"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_names_of_syncs_are_never_cut(shown: Show, width: int) -> None:
    """Other commands take them."""
    undoing = {**ABOUT, "undoes": "one", "failures": []}
    told = shown(lambda: sync_output.print_runs([ABOUT, undoing]), width)
    assert told.count("4tejcaco5td67isk") == 2
    assert max(map(len, told.splitlines())) <= width
    failures = shown(lambda: sync_output.print_report(ABOUT, [], as_json=False), width)
    assert "bmememeb5jsgyb35" in failures


def test_faults_alike_are_told_together(shown: Show) -> None:
    """The most frequent first, and no more than a few kinds."""
    alike = [RowFault("users.csv", n, "phone", "is odd", Severity.WARNING, "x") for n in range(3)]
    other = [
        RowFault("users.csv", n, "email", f"is [{n}]", Severity.LEFT_OUT, "x") for n in range(9)
    ]
    told = shown(lambda: sync_output.print_report({**ABOUT}, [*other, *alike], as_json=False))
    assert "is odd (and 2 more like it)" in told.splitlines()[0]
    assert "is [0]" in told
    assert "... and 2 other kinds of faults: --errors has them all" in told


def test_faults_are_written_with_their_rows() -> None:
    """As CSV."""
    file = io.StringIO()
    fault = RowFault("users.csv", 2, "phone", "is odd", Severity.WARNING, 'a,"b"')
    sync_output.write_faults([fault], file)
    head, row = csv.reader(io.StringIO(file.getvalue()))
    assert head == ["file", "row", "column", "severity", "what", "raw"]
    assert row == ["users.csv", "2", "phone", "warning", "is odd", 'a,"b"']
