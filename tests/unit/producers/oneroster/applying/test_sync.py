"""Stories of single syncs: who may write, what is taken up, and what is told at the end."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from producers.oneroster.planning.diff import difference
from producers.oneroster.planning.proposal import Proposal
from producers.oneroster.roster import Course, Person, Role, Roster
from tests.redis_server import SharedRedis
from tests.unit.producers.oneroster.applying.test_operations import person, school
from tests.unit.producers.oneroster.sync_stage import KilledError, SyncStage
from tests.unit.producers.oneroster.test_any_sync import differences
from worker.classin.codes import Code
from worker.classin.operation import Operation
from worker.errors import InvalidInputError, NotFoundError
from worker.ledger.keys import Keys

KEYS = Keys()

WANTED = school("ab", "fg", taught="fg", learnt="ab")


@pytest.fixture
def it(tmp_path: Path, server: SharedRedis) -> SyncStage:
    """A school that has nothing yet."""
    return SyncStage(tmp_path, server)


def proposal(it: SyncStage, wanted: Roster = WANTED) -> Proposal:
    """What leads from what is known to what is wanted."""
    before, directory = it.known()
    return Proposal(difference(before, wanted), before, wanted, directory)


def in_answers(name: str, **changed: object) -> Any:  # noqa: ANN401  # alters answers
    """Spoil the entries of an operation's answers."""

    def alter(operation: Operation, answer: Any) -> Any:  # noqa: ANN401  # JSON
        if operation.spec.name == name:
            for each in answer["data"]:
                each.update(changed)
        return answer

    return alter


def killed() -> None:
    """End here."""
    raise KilledError


def test_a_sync_tells_what_it_did(it: SyncStage) -> None:
    """Also those who ask later."""
    about = it.to(WANTED)
    assert (about["state"], about["operations"], about["failures"]) == ("done", 4, [])
    assert about["counts"]["people"]["created"] == 4
    assert about["began_at"] == about["ended_at"] == "2027-01-15T08:00:00+00:00"
    source = it.source()
    assert source.syncs.about(about["id"]) == source.syncs.latest(5)[0] == about
    assert source.open_sync() is None
    assert len(source.syncs.changes(about["id"])) == 7


def test_two_syncs_of_a_source_do_not_run_at_once(it: SyncStage) -> None:
    """The second is told so, and harms nothing."""
    first, second = it.new_sync(), it.new_sync()
    with first.held():
        with pytest.raises(InvalidInputError, match="another sync of it is at work"), second.held():
            pass
        assert first.carry_out(proposal(it), {})["state"] == "done"


def test_whose_hold_ran_out_writes_nothing(it: SyncStage) -> None:
    """Another took over meanwhile, and ended; the first then finds the source free again."""
    first = it.new_sync()

    def overtaken() -> None:
        it.before_work = lambda: None
        it.let_go()
        it.to(school("ab", "fg", taught="gf", learnt="ab"))
        it.let_go()

    it.before_work = overtaken
    with (
        pytest.raises(InvalidInputError, match="another sync has taken it over"),
        first.held(),
    ):
        first.carry_out(proposal(it), {})
    roster, _ = it.known()
    assert roster.teachers == {"k": ("g", "f")}
    assert len(it.held.courses) == 1
    assert it.to(roster)["operations"] == 0


def test_a_proposal_that_is_out_of_date_is_not_carried_out(it: SyncStage) -> None:
    """Reading the export took so long that another sync began and ended."""
    late = it.new_sync()
    old = proposal(it)
    with pytest.raises(InvalidInputError, match="taken it over"), late.held():  # noqa: PT012  # a story
        it.let_go()
        it.to(WANTED)
        it.let_go()
        late.carry_out(old, {})
    assert len(it.held.courses) == 1


def test_secrets_may_change_while_it_is_interrupted(it: SyncStage) -> None:
    """What was submitted cannot be opened, and is asked for anew."""
    it.before_work = killed
    with pytest.raises(KilledError):
        it.to(WANTED)
    it.before_work = lambda: None
    assert it.records() == 4
    it.school = replace(it.school, secret="another")
    it.simulator._secrets[it.school.sid] = "another"  # noqa: SLF001  # as ClassIn changed it, too
    about = it.to(WANTED)
    assert (about["failures"], it.known()[0]) == ([], WANTED)
    states = {each["state"] for each in it.source().syncs.latest(5)}
    assert states == {"interrupted", "done"}


def test_records_may_be_gone_before_they_are_judged(it: SyncStage) -> None:
    """Then nothing is known of them; the next sync finds what is there."""
    work = it.work

    def pruned() -> None:
        work()
        it.redis.delete(*(KEYS.record(r) for r in _registered(it)))

    it.work = pruned  # type: ignore[method-assign]  # for this once
    about = it.to(WANTED)
    assert about["failures"][0]["why"] == "its record is no longer kept"
    it.work = work  # type: ignore[method-assign]
    assert it.to(WANTED)["failures"] == []
    assert it.known()[0] == WANTED
    assert len(it.held.people.users.all) == 4
    assert len(it.held.courses) == 1


def _registered(it: SyncStage) -> list[str]:
    parts = it.source().records(str(it.source().open_sync()))
    return [each for part in parts for each in part]


def test_answers_without_marks_go_by_position(it: SyncStage) -> None:
    """ClassIn may not repeat them."""

    def alter(_: Operation, answer: Any) -> Any:  # noqa: ANN401  # JSON
        if isinstance(answer["data"], list):
            for each in answer["data"]:
                each.pop("customColumn", None)
        return answer

    it.classin.alters = alter
    assert it.to(WANTED)["failures"] == []
    assert [one.name for one in it.held.people.students.values()] == ["Ann", "Ann"]


def test_entries_may_come_in_another_order(it: SyncStage) -> None:
    """Their marks tell whose they are."""

    def alter(operation: Operation, answer: Any) -> Any:  # noqa: ANN401  # JSON
        if operation.spec.name == "register_multiple":
            answer["data"].reverse()
        return answer

    it.classin.alters = alter
    assert it.to(WANTED)["failures"] == []
    _, directory = it.known()
    accounts = {one.uid: one.account for one in it.held.people.users.all}
    assert accounts == {one.uid: one.account for one in directory.people.values()}


@pytest.mark.parametrize("role", Role)
def test_who_is_registered_but_no_member_becomes_one(it: SyncStage, role: Role) -> None:
    """In the next round of the same sync."""

    def alter(operation: Operation, answer: Any) -> Any:  # noqa: ANN401  # JSON
        if operation.spec.name == "register_multiple":
            (each,) = answer["data"]
            it.held.people.students.clear()
            it.held.people.teachers.clear()
            student = role is Role.STUDENT
            each["errno"] = int(
                Code.REGISTERED_NOT_AS_STUDENT if student else Code.REGISTERED_NOT_AS_TEACHER
            )
        return answer

    it.classin.alters = alter
    wanted = Roster({"a": person("a", role)})
    about = it.to(wanted)
    assert (about["failures"], len(about["batches"]), it.known()[0]) == ([], 2, wanted)


def test_who_is_in_a_course_without_a_name_is_in_it(it: SyncStage) -> None:
    """841 is no failure."""
    it.classin.alters = in_answers("add_course_student_multiple", errno=841)
    assert it.to(WANTED)["failures"] == []
    assert it.known()[0] == WANTED


def test_an_account_of_somebody_else_is_left_to_them(it: SyncStage) -> None:
    """Whoever has it keeps it, and what needs the other is left out."""
    it.to(WANTED)
    ann = Person("z", "a@example.org", "Zoe", Role.STUDENT)
    wanted = school("ab", "fg", taught="fg", learnt="ab")
    wanted.people["z"] = ann
    wanted.students["k"] = ("a", "b", "z")
    about = it.to(wanted)
    assert {failure["why"] for failure in about["failures"]} == {
        "the account is that of a, too: a UID has one person",
        "has no account that is nobody else's",
    }
    assert about["counts"]["people"]["failed"] == 1
    assert it.known()[0] == WANTED


def test_who_gets_another_sourced_id_keeps_the_account(it: SyncStage) -> None:
    """A student and the head teacher of a course, as when a school changes its system."""
    it.to(WANTED)
    wanted = school("ab", "fg", taught="fg", learnt="ab")
    for old, new in (("a", "z"), ("f", "y")):
        wanted.people[new] = replace(wanted.people.pop(old), id=new)
    wanted.teachers["k"], wanted.students["k"] = ("y", "g"), ("b", "z")
    uids = {name: known.uid for name, known in it.known()[1].people.items()}
    about = it.to(wanted)
    now = it.known()[1].people
    assert (about["failures"], it.known()[0]) == ([], wanted)
    assert (now["z"].uid, now["y"].uid) == (uids["a"], uids["f"])
    assert it.to(wanted)["operations"] == 0
    assert differences(it, *it.known()) == []


def test_a_course_is_made_without_a_teacher_who_was_refused(it: SyncStage) -> None:
    """Its students learn there all the same."""
    it.classin.alters = in_answers("register_multiple", errno=134, data=0)
    about = it.to(WANTED)
    assert about["failures"][0]["number"] == 4
    assert about["state"] == "partly done"
    assert it.known()[0] == Roster(courses={"k": Course("k", "Art")})


def test_there_is_nothing_to_undo_of_what_there_is_not(it: SyncStage) -> None:
    """It is said so, rather than that nothing is to do."""
    with pytest.raises(NotFoundError):
        it.new_sync().undoing("nine")
