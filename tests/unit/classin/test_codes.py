"""ClassIn's numbers."""

import re

import pytest

from tests.tables import for_each
from worker.classin.catalogue import CATALOGUE
from worker.classin.codes import Code
from worker.classin.operation import Operation
from worker.classin.remedies import Remedy
from worker.classin.verdicts import Verdict

#: The only words that a phrase may begin in capitals.
PROPER = ("ClassIn ", "SID")

#: What only maintenance, operations that are no more, and pushes speak of.
UNLISTED = {393, 822, 852, 860, 861, 862, 901, 10003}


@for_each("code", Code)
def test_every_code_has_a_meaning(code: Code) -> None:
    """Words of its own, in the middle of a sentence."""
    assert code.phrase
    assert code.phrase == code.phrase.strip()
    assert code.phrase[0].islower() or code.phrase.startswith(PROPER)
    assert not code.phrase.endswith((".", "!", ":", ","))
    assert len(code.phrase) <= 90
    assert [other for other in Code if other.phrase == code.phrase] == [code]


@for_each("code", Code)
def test_every_code_has_a_name(code: Code) -> None:
    """Words, not numbers."""
    assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", code.name)
    assert len(code.name) <= 30


def test_no_number_stands_twice() -> None:
    """The later one would only be another name of the first."""
    assert list(Code.__members__.values()) == list(Code)


@pytest.mark.parametrize("remedy", Remedy)
def test_a_remedy_is_a_sentence(remedy: Remedy) -> None:
    """Whole, of one line in a terminal or two, and unlike the others."""
    assert remedy.value[0].isupper()
    assert remedy.value.endswith(".")
    assert len(remedy.value) <= 140
    assert len(Remedy.__members__) == len(Remedy)


def test_every_remedy_is_of_use() -> None:
    """Some code has it, or it belongs to a state of the record."""
    of_states = {Remedy.NOTHING_YET, Remedy.RESUBMIT}
    assert {code.remedy for code in Code} == set(Remedy) - of_states


@pytest.mark.parametrize("number", [1, 104, 206, 101002005])
def test_a_number_leads_to_its_code(number: int) -> None:
    """Codes are numbers, and are found by them."""
    assert Code.known(number) == number


@pytest.mark.parametrize("number", [None, 0, -1, 2, 10**30])
def test_an_unlisted_number_leads_nowhere(number: int | None) -> None:
    """Nor does the lack of one."""
    assert Code.known(number) is None


@for_each("code", Code)
def test_remedy_and_verdict_agree(code: Code) -> None:
    """Nobody is told to wait for what is not repeated, nor to act on what is."""
    waiting = {Remedy.WAIT, Remedy.NOTHING_YET, Remedy.SLOW_DOWN}
    passing = {Verdict.RETRY, Verdict.DEFER, Verdict.THROTTLED}
    assert (code.remedy in waiting) == (code.verdict in passing)
    assert (code.remedy is Remedy.SLOW_DOWN) == (code.verdict is Verdict.THROTTLED)
    assert (code.remedy is Remedy.NOTHING) == (code.verdict is Verdict.DONE)
    assert (code.remedy is Remedy.ACCOUNT) == (code.verdict is Verdict.LOCKED_OUT)
    assert (code.remedy is Remedy.CLOCK) == (code.verdict is Verdict.CLOCK_SKEW)


@for_each("code", Code)
def test_only_an_operation_says_already_or_partly(code: Code) -> None:
    """And nothing is unsure because of a number."""
    assert code.verdict not in {Verdict.ALREADY, Verdict.PARTIAL, Verdict.AMBIGUOUS}


@for_each("kind", CATALOGUE.values())
def test_what_is_partly_done_is_looked_at(kind: type[Operation]) -> None:
    """A repeat would do the main thing twice."""
    assert {Code(number).remedy for number in kind.spec.partial} <= {Remedy.LOOK}


def test_no_code_is_listed_for_nothing() -> None:
    """Each stands on the page of an operation, but for a known few."""
    listed = {code for kind in CATALOGUE.values() for code in kind.spec.codes}
    assert set(Code) - listed == UNLISTED
