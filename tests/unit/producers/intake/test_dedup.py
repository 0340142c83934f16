"""Dedup keys: what was submitted before is not submitted again."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from producers.intake.request import SubmitRequest
from producers.intake.submitter import Submitter
from tests.redis_server import SharedRedis
from tests.unit.published import taken_from
from tests.unit.stage import RING, Stage, said
from worker.broker.queue import Queues
from worker.config.settings import Settings
from worker.errors import CONFLICT, InvalidInputError, SubmitRefusedError, UnavailableError
from worker.ledger.record import Submission
from worker.ledger.states import State
from worker.ledger.store import CHUNK, RedisLedger
from worker.ledger.types import InlineQueue, SubmitResult

FOLDER = {"folderId": 747759, "folderName": "tools"}


def create(key: str | None, number: int = 1, **more: object) -> dict[str, Any]:
    """A line that makes a folder in this one."""
    fields = {"folderId": number, "folderName": "tools"}
    return {"operation": "create_folder", "fields": fields, "dedup_key": key} | more


def check(submitter: Submitter, line: dict[str, Any]) -> list[Submission]:
    """Check one line, as another process would."""
    return submitter.check(SubmitRequest.read(line))


def test_the_same_key_gives_the_first_s_receipt(
    submitter: Submitter, queues: Queues, ledger: RedisLedger
) -> None:
    """Nothing is recorded and no message sent, however it is spelt."""
    first = submitter.submit("create_folder", FOLDER, dedup_key="a")
    spelt = {"folder_id": "747759", "folder_name": "tools"}

    again = submitter.submit("create_folder", spelt, dedup_key="a")

    assert (again.id, again.new, first.new) == (first.id, False, True)
    assert ledger.counts().by_state() == {State.QUEUED: 1}
    assert len(taken_from(queues)) == 1


def test_the_key_holds_when_all_is_done(submitter: Submitter, stage: Stage) -> None:
    """Well or not: the receipt leads to how it ended."""
    first = submitter.submit("create_folder", FOLDER, dedup_key="a")
    stage.perform(first.id, said(193))

    again = submitter.submit("create_folder", FOLDER, dedup_key="a")

    assert again.record().state is State.FAILED


@pytest.mark.parametrize(
    "more",
    [
        {"priority": "low"},
        {"lane": "import"},
        {"if_exists": "accept"},
        {"after": ["b"]},
        {"lane_on_failure": "stop"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_how_and_when_may_differ(submitter: Submitter, more: dict[str, Any]) -> None:
    """What is asked for is the same; it stays as it was asked for first."""
    submitter.submit("get_top_folder_id", dedup_key="b")
    first = submitter.submit("create_folder", FOLDER, dedup_key="a")

    assert submitter.submit("create_folder", FOLDER, dedup_key="a", **more).id == first.id


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("create_folder", FOLDER | {"folderName": "toys"}),
        ("create_folder", {"folderId": 5, "folderName": "tools"}),
        ("rename_folder", FOLDER),
    ],
)
def test_the_same_key_for_something_else_is_refused(
    submitter: Submitter, ledger: RedisLedger, name: str, fields: dict[str, Any]
) -> None:
    """With the record that has it."""
    first = submitter.submit("create_folder", FOLDER, dedup_key="a")

    with pytest.raises(InvalidInputError) as refused:
        submitter.submit(name, fields, dedup_key="a")

    told = f"dedup_key: is that of {first.id}, which asks for something else"
    assert [str(fault) for fault in refused.value.faults] == [told]
    assert ledger.counts().by_state() == {State.QUEUED: 1}


def test_each_school_has_keys_of_its_own(two_schools: Submitter) -> None:
    """The same in another school is another."""
    schools = ("main", "north")
    receipts = [
        two_schools.submit("get_top_folder_id", dedup_key="a", school=each) for each in schools
    ]
    assert [receipt.new for receipt in receipts] == [True, True]


def test_a_file_twice(submitter: Submitter, ledger: RedisLedger) -> None:
    """Nothing is done the second time; what is new in it, is."""
    lines = [create(f"k{n}", 1 + n) for n in range(3)]
    first = submitter.submit_many(lines)

    again = submitter.submit_many([*lines, create("k3", 9)])

    assert [receipt.new for receipt in again] == [False, False, False, True]
    assert [receipt.id for receipt in again][:3] == [receipt.id for receipt in first]
    assert ledger.counts().by_state().total() == 4


def test_results_are_compared_by_the_names_that_they_were_given(
    submitter: Submitter, stage: Stage
) -> None:
    """A file that refers to its own lines is known again, also when all of it is done."""
    fields = {"folderId": {"$result": "a"}, "folderName": "toys"}
    lines = [create("a"), {"operation": "rename_folder", "fields": fields, "dedup_key": "b"}]
    first = submitter.submit_many(lines)
    stage.perform(first[0].id, said(1, data="800001"))
    stage.perform(first[1].id, said(1))

    again = submitter.submit_many(lines)

    assert [(receipt.id, receipt.new) for receipt in again] == [(r.id, False) for r in first]


def test_an_identity_makes_no_difference(submitter: Submitter) -> None:
    """Each record has its own, which nobody asked for."""
    first = submitter.submit("add_course", {"courseName": "Physics"}, dedup_key="a")

    again = submitter.submit("add_course", {"courseName": "Physics"}, dedup_key="a")

    assert first.record().fields["courseUniqueIdentity"] == first.id
    assert again.id == first.id
    other = {"courseName": "Physics", "courseUniqueIdentity": "own"}
    with pytest.raises(InvalidInputError, match="asks for something else"):
        submitter.submit("add_course", other, dedup_key="a")


def test_a_file_is_compared_by_name_and_content(submitter: Submitter, tmp_path: Path) -> None:
    """Not by where it lies."""
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
        (folder / "cover.png").write_bytes(b"png")
    asked = [{"courseId": 1, "Filedata": f"@{folder}/cover.png"} for folder in folders]
    first = submitter.submit("edit_course", asked[0], dedup_key="a")
    assert submitter.submit("edit_course", asked[1], dedup_key="a").id == first.id

    (folders[1] / "cover.png").write_bytes(b"gif")

    with pytest.raises(InvalidInputError, match="asks for something else"):
        submitter.submit("edit_course", asked[1], dedup_key="a")


def test_the_same_line_twice_in_one_file_is_done_once(
    submitter: Submitter, ledger: RedisLedger
) -> None:
    """Both get the same receipt; who waits for them waits for one."""
    first, second, third = submitter.submit_many(
        [create("a"), create("a"), create(None, after=["a"])]
    )

    assert (first.id, first.new, second.new) == (second.id, True, False)
    assert third.record().after == (first.id,)
    assert ledger.counts().by_state().total() == 2


def test_one_key_for_two_things_in_one_file(submitter: Submitter, ledger: RedisLedger) -> None:
    """Both lines are named, and every such line."""
    with pytest.raises(InvalidInputError) as refused:
        submitter.submit_many([create("a", 1), create("b", 1), create("a", 2), create("b", 2)])

    assert [str(fault) for fault in refused.value.faults] == [
        "3: dedup_key: 'a' is that of 1, too, which asks for something else",
        "4: dedup_key: 'b' is that of 2, too, which asks for something else",
    ]
    assert ledger.counts().by_state() == {}


def test_every_conflict_of_a_large_file_is_told_before_anything_is_submitted(
    submitter: Submitter, ledger: RedisLedger
) -> None:
    """Also those behind the first chunk."""
    known = [create(f"k{n}", 1 + n) for n in range(0, CHUNK, 5)]
    submitter.submit_many(known)
    lines = [create(f"k{n}", 1 + n) for n in range(CHUNK + 100)]
    for n in (5, 100, 105, 495):
        lines[n] = create(f"k{n}", 9999)

    with pytest.raises(InvalidInputError) as refused:
        submitter.submit_many(lines)

    told = [str(fault).partition(": is that of")[0] for fault in refused.value.faults]
    assert told == [f"{n + 1}: dedup_key" for n in (5, 100, 105, 495)]
    assert ledger.counts().by_state().total() == len(known)


def test_a_key_that_is_an_id_is_nobody_s(submitter: Submitter, ledger: RedisLedger) -> None:
    """It is not taken for the key of the record with this id."""
    other = submitter.submit("get_top_folder_id")

    receipt = submitter.submit("create_folder", FOLDER, dedup_key=other.id)

    assert receipt.new
    assert receipt.id != other.id
    assert ledger.counts().by_state().total() == 2
    assert not submitter.submit("create_folder", FOLDER, dedup_key=other.id).new
    with pytest.raises(InvalidInputError, match="asks for something else"):
        submitter.submit("create_folder", FOLDER | {"folderId": 1}, dedup_key=other.id)


def test_one_key_cannot_stand_for_several_calls(submitter: Submitter) -> None:
    """A list that must be split has as many records as parts."""
    students = [{"uid": 1000 + n} for n in range(65)]
    fields = {"courseId": 1, "identity": 1, "studentJson": students}
    line = {"operation": "add_course_student_multiple", "fields": fields, "dedup_key": "a"}

    with pytest.raises(
        InvalidInputError, match="1: dedup_key: cannot stand for 3 calls: hand in fewer"
    ):
        submitter.submit_many([line])


class Rival(RedisLedger):
    """A ledger to which somebody else submits something just before a certain chunk."""

    def __init__(self, redis: Redis, before: int, rival: Submission) -> None:
        super().__init__(redis, keyring=RING)
        self.before, self.rival = before, rival

    def submit(
        self, submissions: Sequence[Submission], mailbox: InlineQueue | None = None
    ) -> Sequence[SubmitResult]:
        """Let the other one be first."""
        self.before -= 1
        if self.before == 0:
            super().submit([self.rival])
        return super().submit(submissions, mailbox)


class Reworded(RedisLedger):
    """A ledger that refuses in other words."""

    def submit(
        self, submissions: Sequence[Submission], mailbox: InlineQueue | None = None
    ) -> Sequence[SubmitResult]:
        """Refuse as it does, but say so otherwise."""
        try:
            return super().submit(submissions, mailbox)
        except SubmitRefusedError as refused:
            fault = replace(refused.faults[0], what="a clash, the dedup key is taken")
            raise SubmitRefusedError(refused.position, fault, refused.instead) from None


def test_no_wording_of_the_ledger_decides_what_is_told(
    settings: Settings, redis: Redis, queues: Queues
) -> None:
    """Whose key it is comes from what the ledger knows."""
    submitter = Submitter(settings, Reworded(redis, keyring=RING), queues)
    first = submitter.submit("create_folder", FOLDER, dedup_key="a")

    with pytest.raises(InvalidInputError) as refused:
        submitter.submit("create_folder", FOLDER | {"folderId": 1}, dedup_key="a")

    (fault,) = refused.value.faults
    assert fault.kind == CONFLICT
    assert fault.what == f"is that of {first.id}, which asks for something else"


def test_somebody_else_submits_the_same_at_the_same_time(
    settings: Settings, redis: Redis, queues: Queues, submitter: Submitter, ledger: RedisLedger
) -> None:
    """What waits for it within the same call waits for the other's, too."""
    lines = [create("a"), create("b", after=["a"]), create(None, after=["b"], lane="other")]
    (rival,) = check(submitter, lines[0])

    first, second, third = Submitter(settings, Rival(redis, 1, rival), queues).submit_many(lines)

    assert [receipt.new for receipt in (first, second, third)] == [False, True, True]
    assert first.id == rival.id
    assert second.record().after == (rival.id,)
    assert third.record().after == (second.id,)
    assert ledger.counts().by_state().total() == 3


@pytest.mark.parametrize("chunk", [1, 2])
def test_somebody_else_submits_the_same_meanwhile(
    settings: Settings, redis: Redis, queues: Queues, submitter: Submitter, chunk: int
) -> None:
    """Whoever comes second gets the other's receipt; who waits for it waits for the other's."""
    lines = [create(f"k{n}", 1 + n) for n in range(CHUNK + 1)]
    (rival,) = check(submitter, lines[0 if chunk == 1 else CHUNK])
    waiting = create(None, CHUNK + 9, after=["k0"])

    receipts = Submitter(settings, Rival(redis, chunk, rival), queues).submit_many(
        [*lines, waiting]
    )

    assert [receipt.id for receipt in receipts if not receipt.new] == [rival.id]
    assert receipts[-1].record().after == (receipts[0].id,)


def test_somebody_else_takes_a_key_meanwhile(
    settings: Settings, redis: Redis, queues: Queues, submitter: Submitter, ledger: RedisLedger
) -> None:
    """The refusal says how much was submitted before."""
    lines = [create(f"k{n}", 1 + n) for n in range(CHUNK + 1)]
    (rival,) = check(submitter, create(f"k{CHUNK}", 9999))

    with pytest.raises(InvalidInputError) as refused:
        Submitter(settings, Rival(redis, 2, rival), queues).submit_many(lines)

    assert str(refused.value) == (
        "only 500 of 501 were submitted\n"
        f"  k500: the dedup key is that of {rival.id}, which asks for something else"
    )
    assert ledger.counts().by_state().total() == CHUNK + 1


def test_redis_away_in_the_middle_says_how_far_it_came(
    submitter: Submitter, server: SharedRedis
) -> None:
    """And that keys make it safe to begin anew."""

    def go_away(_: int) -> None:
        server.connected = False

    with pytest.raises(UnavailableError) as away:
        submitter.submit_many(
            [create(f"k{n}", 1 + n) for n in range(CHUNK + 1)], on_entered=go_away
        )

    assert "recorded for certain: 500 of 501; with dedup keys it is safe to hand in" in str(
        away.value
    )
