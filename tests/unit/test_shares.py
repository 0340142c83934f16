"""No school occupies all of a worker while others wait."""

from worker.shares import Shares


def test_a_school_has_room_until_its_share_is_taken() -> None:
    """And again when one of its operations is done."""
    shares = Shares(2)
    shares.take("main")
    assert shares.full() == []
    shares.take("main")
    assert shares.full() == ["main"]
    shares.give_back("main")
    assert shares.full() == []


def test_each_school_has_a_share_of_its_own() -> None:
    """One that is full takes nothing from the others."""
    shares = Shares(1)
    for school in ("main", "other"):
        shares.take(school)
    assert sorted(shares.full()) == ["main", "other"]


def test_without_a_limit_no_school_is_full() -> None:
    """However much of it is under way; and nobody waits at the door."""
    shares = Shares()
    for _ in range(100):
        shares.take("main")
    assert shares.full() == []
    assert not shares.may_have_waiting("main")
    with shares.door, shares.door:
        pass


def test_where_schools_share_one_claims_at_a_time() -> None:
    """Two threads could both find room for the last one."""
    shares = Shares(1)
    with shares.door:
        assert shares.door.locked()  # type: ignore[attr-defined]  # a lock here


def test_what_a_full_school_kept_waiting_is_remembered() -> None:
    """Until somebody has found that nothing waits."""
    shares = Shares(1)
    assert not shares.may_have_waiting("main")
    shares.take("main")
    shares.full()
    shares.give_back("main")
    assert shares.may_have_waiting("main")
    shares.none_waiting("main")
    assert not shares.may_have_waiting("main")
    shares.none_waiting("main")


def test_a_full_school_that_nobody_asked_about_kept_nothing_waiting() -> None:
    """No message came meanwhile."""
    shares = Shares(1)
    shares.take("main")
    shares.give_back("main")
    assert not shares.may_have_waiting("main")
