"""The states that pages draw and explain are those of the code, and so are the verdicts."""

import re
from pathlib import Path

import pytest

from worker.classin.verdicts import Verdict
from worker.ledger.states import EDGES, Reason, State


@pytest.fixture(scope="module")
def drawn(root: Path) -> set[tuple[str, str]]:
    """The arrows of the drawing; `[*]` is the world outside."""
    text = (root / "ARCHITECTURE.md").read_text(encoding="utf-8")
    (diagram,) = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", text, re.DOTALL)
    return set(re.findall(r"^\s*(\S+) --> ([^\s:]+)", diagram, re.MULTILINE))


def test_the_drawing_has_every_edge_and_no_other(drawn: set[tuple[str, str]]) -> None:
    """An arrow for each edge of states.py."""
    edges = {(start.value, end.value) for start, ends in EDGES.items() for end in ends}
    assert {arrow for arrow in drawn if "[*]" not in arrow} == edges


def test_the_drawing_shows_which_states_are_settled(drawn: set[tuple[str, str]]) -> None:
    """An arrow leads out of the settled states, and out of no others."""
    out = {start for start, end in drawn if end == "[*]"}
    assert out == {state.value for state in State if state.settled}


def test_the_drawing_shows_where_records_begin(drawn: set[tuple[str, str]]) -> None:
    """A record begins with its work before it, unless it is refused as it comes."""
    begin = {end for start, end in drawn if start == "[*]"}
    assert begin == {State.QUEUED, State.BLOCKED, State.FAILED}


def test_the_operators_page_explains_every_state_and_reason(root: Path) -> None:
    """A row for each, in two tables."""
    text = (root / "docs" / "operating.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([a-z]+)` \| [^|]+ \|$", text, re.MULTILINE))
    assert explained == {*State, *Reason}


def test_the_page_on_execution_tells_of_every_verdict(root: Path) -> None:
    """Its table says which replies have it."""
    text = (root / "docs" / "internals" / "execution.md").read_text(encoding="utf-8")
    table = text.partition("| reply | verdict | then |")[2].partition("\n\n")[0]
    assert {*re.findall(r"`([a-z_]+)`", table)} >= {*Verdict}
