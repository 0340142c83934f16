"""The audit trail: who did what, when, and why."""

import pytest
from redis import Redis

from worker.ledger.audit import MOST_IDS, Audit


@pytest.fixture
def audit(redis: Redis) -> Audit:
    """An empty trail."""
    return Audit(redis)


def test_what_was_done_is_told_newest_first(audit: Audit) -> None:
    """With everything that was said of it."""
    audit.note("ada", "cancel", about="batch=b", ids=["x", "y"], why="wrong file")
    audit.note("key sis", "retry", ids=["z"])

    last, first = audit.deeds(5)

    assert (last.who, last.what, last.ids) == ("key sis", "retry", ("z",))
    assert first.to_dict() == {
        "at": first.to_dict()["at"],
        "who": "ada",
        "what": "cancel",
        "about": "batch=b",
        "ids": ["x", "y"],
        "why": "wrong file",
    }
    assert audit.deeds(1) == [last]


def test_what_is_looked_for_is_found(audit: Audit) -> None:
    """By who, by what, by when; together as well."""
    for who, what in (("ada", "pause"), ("bob", "pause"), ("ada", "resume")):
        audit.note(who, what, about="main")
    resumed = audit.deeds(1)[0]

    assert [deed.what for deed in audit.deeds(9, who="ada")] == ["resume", "pause"]
    assert [deed.who for deed in audit.deeds(9, what="pause")] == ["bob", "ada"]
    assert [deed.who for deed in audit.deeds(9, who="ada", what="pause")] == ["ada"]
    assert audit.deeds(9, since=resumed.at + 1) == []
    assert audit.deeds(9, since=resumed.at)[0] == resumed


def test_many_ids_make_several_entries(audit: Audit) -> None:
    """None is left out."""
    ids = [f"r{n}" for n in range(MOST_IDS + 1)]

    audit.note("ada", "retry", ids=ids)

    found = audit.deeds(9)
    assert [len(deed.ids) for deed in found] == [1, MOST_IDS]
    assert [*found[1].ids, *found[0].ids] == ids


def test_a_long_trail_is_read_to_its_beginning(audit: Audit) -> None:
    """More than one look takes."""
    for n in range(1100):
        audit.note("ada", "pause" if n else "keys", about=str(n))

    assert [deed.about for deed in audit.deeds(5, what="keys")] == ["0"]
    assert len(audit.deeds(2000)) == 1100


def test_half_characters_do_no_harm(audit: Audit) -> None:
    """A person may have pasted them."""
    audit.note("ada", "pause", why="so \ud800")
    assert audit.deeds(1)[0].why == "so ?"
