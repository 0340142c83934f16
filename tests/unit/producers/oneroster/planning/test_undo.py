"""Undoing: a school without what one sync did to it."""

from producers.oneroster.planning.diff import Change, difference
from producers.oneroster.planning.undo import undone
from producers.oneroster.roster import Course, Person, Role, Roster
from tests.unit.producers.oneroster.applying.test_operations import person, school


def did(before: Roster, after: Roster) -> list[Change]:
    """What a sync did."""
    return [*difference(before, after).steps()]


def test_all_of_it_is_undone() -> None:
    """If nothing has changed since."""
    before = school("ab", "fg", taught="fg", learnt="ab")
    for after in (Roster(), school("b", "g", taught="g", learnt="b"), school("abc", "f")):
        assert undone(did(before, after), after) == before
    assert undone([], before) == before


def test_what_has_changed_again_stays() -> None:
    """Only the rest is undone."""
    before, after = school("a", "f"), school("ab", "f")
    now = school("ab", "f")
    now.people["b"] = Person("b", "b@example.org", "Bo", Role.STUDENT)
    assert undone(did(before, after), now) == now
    assert undone(did(school("a"), school("ab")), school("a")) == school("a")


def test_a_course_that_has_ended_stays() -> None:
    """Nothing in it can be changed any more."""
    before = school("a", "f", taught="f", learnt="a")
    now = school("a", "f", taught="f", learnt="a")
    now.courses["k"] = Course("k", "Art", ended=True)
    assert undone(did(before, now), now) == now
    assert undone(did(Roster(), before), now).courses == now.courses


def test_people_who_go_leave_their_courses() -> None:
    """Whoever put them there."""
    now = school("ab", "fg", taught="fg", learnt="ab")
    back = undone(did(school("a", "fg"), school("ab", "fg")), now)
    assert back == school("a", "fg", taught="fg", learnt="a")


def test_a_course_keeps_a_teacher() -> None:
    """Who stays in the school for it."""
    now = school("a", "g", taught="g", learnt="a")
    assert undone(did(school("a"), school("a", "g")), now) == now


def test_nobody_is_left_in_a_course_that_goes() -> None:
    """With the course all that is in it."""
    now = school("a", "f", taught="f", learnt="a")
    assert undone(did(school("a", "f"), now), now) == school("a", "f")


def test_a_name_that_nobody_knew_does_not_come_back() -> None:
    """There is nothing to go back to."""
    before = Roster({"a": person("a", called="")})
    now = Roster({"a": person("a")})
    assert undone(did(before, now), now) == now
