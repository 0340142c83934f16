"""ClassIn's numbers."""

import pytest

from worker.classin.catalogue import CATALOGUE
from worker.classin.codes import Code, Remedy
from worker.classin.verdicts import Verdict


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_meaning(code: Code) -> None:
    """Words of its own, in the middle of a sentence."""
    assert code.phrase
    assert not code.phrase.endswith(".")
    assert [other for other in Code if other.phrase == code.phrase] == [code]


@pytest.mark.parametrize("number", [1, 104, 206, 101002005])
def test_a_number_leads_to_its_code(number: int) -> None:
    """Codes are numbers, and are found by them."""
    assert Code.known(number) == number


@pytest.mark.parametrize("number", [None, 0, -1, 2, 10**30])
def test_an_unlisted_number_leads_nowhere(number: int | None) -> None:
    """Nor does the lack of one."""
    assert Code.known(number) is None


@pytest.mark.parametrize("code", Code)
def test_remedy_and_verdict_agree(code: Code) -> None:
    """Nobody is told to wait for what is not repeated, nor to act on what is."""
    waiting = {Remedy.WAIT, Remedy.NOTHING_YET, Remedy.SLOW_DOWN}
    passing = {Verdict.AGAIN, Verdict.LATER, Verdict.THROTTLED}
    assert (code.remedy in waiting) == (code.verdict in passing)
    assert (code.remedy is Remedy.NOTHING) == (code.verdict is Verdict.DONE)
    assert (code.remedy is Remedy.ACCOUNT) == (code.verdict is Verdict.LOCKED_OUT)


def test_no_code_is_listed_for_nothing() -> None:
    """Each stands on the page of an operation, or may meet any of them."""
    listed = {code for kind in CATALOGUE.values() for code in kind.spec.codes}
    anywhere = {253, 460, 464, 131, 800, 901, 29057, 29060, 101003001, 101003002}
    assert set(Code) - listed == anywhere
