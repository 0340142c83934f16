"""What ClassIn calls people and courses: kept for good."""

from producers.oneroster.id_map import IdMap, KnownCourse, KnownPerson, identity_of
from producers.oneroster.roster import Role

KNOWN = IdMap(
    {
        "a b": KnownPerson(7, frozenset({Role.STUDENT}), account="a@example.org"),
        "f": KnownPerson(8, frozenset(Role), stopped=True, older=True),
        "g": KnownPerson(9),
    },
    {"k": KnownCourse(5), "l": KnownCourse(6, 2, ended=True)},
)


def test_it_can_be_kept_and_read_back() -> None:
    """Entry by entry, whatever the names."""
    assert IdMap.read(dict(KNOWN.entries())) == KNOWN
    assert IdMap.read({}) == IdMap()


def test_a_uid_has_an_owner() -> None:
    """By which somebody else's account is known."""
    assert KNOWN.owners({"a b", "f", "g"}) == {7: "a b", 8: "f", 9: "g"}
    assert KNOWN.owners({"f"}) == {8: "f"}


def test_a_course_that_ended_does_not_run() -> None:
    """Nor one that nobody knows."""
    assert KNOWN.running("k") == KnownCourse(5)
    assert KNOWN.running("l") is None
    assert KNOWN.running("m") is None


def test_a_teacher_is_active_until_stopped() -> None:
    """Who is none is not."""
    assert KnownPerson(1, frozenset({Role.TEACHER})).active_teacher
    assert [one.active_teacher for one in KNOWN.people.values()] == [False, False, False]


def test_accounts_are_not_shown() -> None:
    """They are personal data."""
    assert "example.org" not in repr(KNOWN)


def test_an_identity_is_the_same_each_time() -> None:
    """And another for each source, class and number."""
    names = {identity_of(s, c, n) for s in ("main:a", "main:b") for c in "kl" for n in (0, 1)}
    assert len(names) == 8
    assert {len(name) for name in names} == {32}
    assert identity_of("main:a", "k", 0) == identity_of("main:a", "k", 0)
