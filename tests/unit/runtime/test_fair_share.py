"""No school occupies all of a worker while others wait."""

from worker.ledger.types import Capacity
from worker.runtime.fair_share import FairShare


def test_a_school_has_room_until_its_share_is_taken() -> None:
    """And again when one of its operations is done."""
    shares = FairShare(2)
    shares.take(["main"], some_left=False)
    assert shares.room() == Capacity(2, {"main": 1})
    shares.take(["main"], some_left=False)
    assert shares.room() == Capacity(2, {"main": 0})
    shares.give_back("main")
    assert shares.room() == Capacity(2, {"main": 1})
    shares.give_back("main")
    assert shares.room() == Capacity(2)


def test_each_school_has_a_share_of_its_own() -> None:
    """One that is full takes nothing from the others."""
    shares = FairShare(1)
    shares.take(["main", "other"], some_left=False)
    assert shares.room() == Capacity(1, {"main": 0, "other": 0})


def test_without_a_limit_no_school_is_full() -> None:
    """However much of it is under way."""
    shares = FairShare()
    shares.take(["main"] * 100, some_left=True)
    assert shares.room() == Capacity()
    assert not shares.may_have_waiting("main")


def test_what_a_full_school_kept_waiting_is_remembered() -> None:
    """Until somebody has found that nothing waits, while there is room."""
    shares = FairShare(1)
    assert not shares.may_have_waiting("main")
    shares.take(["main"], some_left=True)
    assert shares.may_have_waiting("main")
    shares.none_waiting("main")
    assert shares.may_have_waiting("main")
    shares.give_back("main")
    shares.none_waiting("main")
    assert not shares.may_have_waiting("main")
    shares.none_waiting("main")


def test_a_full_school_of_which_all_was_taken_kept_nothing_waiting() -> None:
    """No other came meanwhile."""
    shares = FairShare(1)
    shares.take(["main"], some_left=False)
    assert not shares.may_have_waiting("main")
    shares.take([], some_left=True)
    assert shares.may_have_waiting("main")
