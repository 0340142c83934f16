"""The institution: its labels, accounts and settings, and links into its lessons."""

from typing import Any

from ops.simulator.handlers import Answer, answer
from ops.simulator.handlers.schools import MOST_LABELS
from ops.simulator.state.world import Institution, World
from worker.classin.catalogue import read

NOW = 1_800_000_000
DAY = 24 * 3600

ANN, CAT = 1002001, 1002003
COURSE, OTHER_COURSE = 352861, 414193


def ask(held: Institution, operation: str, **fields: Any) -> Answer:  # noqa: ANN401  # any field
    """Carry an operation out as of NOW."""
    return answer(held, read(operation, fields), NOW)


def foretell(held: Institution) -> None:
    """Move the seeded lesson of COURSE to tomorrow."""
    lesson = next(iter(held.lessons))
    held.lessons.change(lesson, begin_time=NOW + DAY, end_time=NOW + DAY + 3600)


def test_a_label_is_made_once(held: Institution) -> None:
    """Its id comes back as text, also the second time; a hundred are the most."""
    assert ask(held, "add_school_label", labelName="autumn") == Answer(1, {"labelId": "700001"})
    assert ask(held, "add_school_label", labelName="autumn") == Answer(353, {"labelId": "700001"})
    for number in range(MOST_LABELS - 1):
        held.labels.add(f"{number}")
    assert ask(held, "add_school_label", labelName="one more") == Answer(354)


def test_a_label_is_renamed_and_deleted(world: World, held: Institution) -> None:
    """A name that another label has is 353; unknown labels and other schools' are told apart."""
    theirs = world.institution("2").labels.add("theirs").label_id
    mine, other = (held.labels.add(name).label_id for name in ("mine", "other"))
    rename = {"labelId": mine, "labelName": "mine"}
    assert ask(held, "update_school_label", **rename) == Answer(1)
    assert ask(held, "update_school_label", **rename | {"labelName": "other"}) == Answer(353)
    assert ask(held, "update_school_label", **rename | {"labelName": "ours"}) == Answer(1)
    codes = [ask(held, "delete_school_label", labelId=i).code for i in (mine, mine, theirs)]
    assert codes == [1, 356, 355]
    assert [label.label_id for label in held.labels.all] == [other]


def test_a_sub_account_is_deleted_once(held: Institution) -> None:
    """22101 afterwards, and for who is none."""
    codes = [
        ask(held, "delete_sub_school_account", UID=uid).code for uid in (ANN, 1000002, 1000002)
    ]
    assert codes == [22101, 1, 22101]


def test_settings_are_set_one_by_one(held: Institution) -> None:
    """What is not given stays."""
    ask(held, "modify_school_conf", allowViewReplay=0, allowNewStudentViewReplay=1)
    ask(held, "modify_school_conf", allowViewReplay=1)
    assert held.snapshot()["settings"] == {"allowViewReplay": 1, "allowNewStudentViewReplay": 1}


def test_a_link_opens_the_client_in_a_lesson(held: Institution) -> None:
    """It tells the phone number; who has no part in the lesson gets none."""
    foretell(held)
    into = {"courseId": COURSE, "classId": 880001}
    said = ask(held, "get_login_linked", **into, uid=ANN)
    assert str(said.data).startswith("classin://")
    assert "telephone=13800000011" in str(said.data)
    assert str(ask(held, "get_login_linked", **into, uid=ANN, deviceType=2).data)[:5] == "https"
    codes = [ask(held, "get_login_linked", **into, uid=uid).code for uid in (99, CAT, 1000002)]
    assert codes == [150, 150, 467]


def test_a_lesson_that_has_no_link(held: Institution) -> None:
    """Over, deleted, of another course, or of none."""
    link = {"courseId": COURSE, "classId": 880001, "uid": ANN}
    assert ask(held, "get_login_linked", **link) == Answer(145)
    assert ask(held, "get_login_linked", **link | {"courseId": OTHER_COURSE}) == Answer(142)
    assert ask(held, "get_login_linked", **link | {"classId": 1}) == Answer(143)
    held.lessons.delete(next(iter(held.lessons)))
    assert ask(held, "get_login_linked", **link) == Answer(212)
