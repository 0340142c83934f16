"""Submitting: what is handed in becomes a record, once."""

import base64
from dataclasses import replace

import pytest
from redis import Redis

from tests.claiming import try_claim
from tests.ledger_books import Books
from tests.submitting import submit_all
from tests.unit.clock import Clock
from tests.unit.ledger.hands import (
    DONE,
    ENTRY,
    PARTLY,
    REFUSED,
    UNSURE,
    attempt,
    claimed,
    entry,
    settled,
)
from worker.broker.messages import mailbox
from worker.errors import InvalidInputError, SubmitRefusedError
from worker.ledger.codec import PIECE
from worker.ledger.keys import PREFIX as QUEUE
from worker.ledger.keys import Keys
from worker.ledger.record import Priority, Submission
from worker.ledger.states import Reason, State
from worker.ledger.store import CHUNK, HEAVIEST, RedisLedger, chunks
from worker.ledger.types import Filter, ReadyRecord, SubmitResult, Transition

KEYS = Keys()

KEYED = replace(ENTRY, dedup_key="order 7")


def ids(ledger: RedisLedger) -> list[str]:
    """All records, oldest first."""
    return [record.id for record in ledger.page(Filter(), 10**6).records][::-1]


def test_a_submission_becomes_a_queued_record(ledger: RedisLedger, clock: Clock) -> None:
    """With everything that was handed in."""
    submission = replace(ENTRY, lane="main:folder_id:747759", stops_lane=True)
    assert ledger.submit([submission]) == [SubmitResult("a", new=True, ready=True)]
    record = ledger.find("a")
    assert record.state is State.QUEUED
    assert record.fields == {"folderId": 747759, "folderName": "课程1"}
    assert (record.operation, record.school, record.lane, record.stops_lane) == (
        "create_folder", "main", "main:folder_id:747759", True,
    )  # fmt: skip
    assert (record.batch, record.source, record.accepts_existing) == ("b", "test", True)
    assert record.enqueued_at == clock.ms
    assert (record.attempts, record.code, record.started_at, record.due_at) == (
        (), None, None, None,
    )  # fmt: skip


def test_a_submission_that_is_sent_twice_counts_once(ledger: RedisLedger) -> None:
    """The record stays as it became in between."""
    ledger.submit([ENTRY])
    ledger.advance(claimed(ledger), DONE, attempt(1))
    before = ledger.find("a")

    entered = ledger.submit([ENTRY, entry("b"), entry("b")])

    assert [(each.id, each.new, each.ready) for each in entered] == [
        ("a", False, False), ("b", True, True), ("b", False, True),
    ]  # fmt: skip
    assert ledger.find("a") == before
    assert ledger.counts().by_state() == {State.SUCCEEDED: 1, State.QUEUED: 1}
    assert ids(ledger) == ["a", "b"]


def test_more_than_a_chunk_is_taken_in(ledger: RedisLedger) -> None:
    """In order, each with a place of its own."""
    entries = [entry(f"{n:04}") for n in range(CHUNK + 1)]
    assert [each.id for each in submit_all(ledger, entries)] == [each.id for each in entries]
    records = ledger.find_all([each.id for each in entries])
    assert [record.id for record in records] == sorted(each.id for each in entries)
    assert len({record.sequence for record in records}) == CHUNK + 1
    assert [record.sequence for record in records] == sorted(record.sequence for record in records)


def test_what_is_heavy_goes_in_by_itself(ledger: RedisLedger) -> None:
    """A chunk takes in no more once it weighs as much as it may."""
    heavy = replace(ENTRY, contents={"Filedata": bytes(HEAVIEST)})
    several = [entry("x"), heavy, entry("y"), entry("z")]
    assert [[each.id for each in chunk] for chunk in chunks(several)] == [["x", "a"], ["y", "z"]]
    assert len(submit_all(ledger, several)) == 4


def test_files_go_along_in_pieces_until_the_record_is_settled(
    ledger: RedisLedger, redis: Redis
) -> None:
    """Small ones only: what is kept is read piece by piece."""
    content = bytes(range(256)) * (PIECE // 256) + b"end"
    ledger.submit([replace(ENTRY, contents={"Filedata": content, "empty": b""}), entry("b")])
    assert [ledger.file_piece("a", "Filedata", n) for n in range(3)] == [content[:-3], b"end", b""]
    assert ledger.file_piece("b", "Filedata", 0) == b""
    assert redis.hget(KEYS.file("a"), "Filedata:1") == base64.b64encode(b"end").decode()
    settled(ledger)
    assert ledger.file_piece("a", "Filedata", 0) == b""


def test_a_clock_that_goes_back_does_not_mix_the_order(ledger: RedisLedger, clock: Clock) -> None:
    """What comes later stands later."""
    ledger.submit([ENTRY])
    clock.forward(-3600)
    ledger.submit([entry("b")])
    assert ids(ledger) == ["a", "b"]


def test_nothing_to_submit_is_nothing(ledger: RedisLedger) -> None:
    """An empty file makes no record."""
    assert ledger.submit([]) == []
    assert ledger.counts().by_state() == {}


def retry(record_id: str, *, last: str | None = None) -> Submission:
    """What tries the first again, by somebody who knows of its last retry."""
    return replace(entry(record_id), retry_of="a", last_retry=last)


def ended(ledger: RedisLedger, standing: Transition = REFUSED) -> None:
    """Let a record be there that ended so."""
    ledger.submit([ENTRY])
    ledger.advance(claimed(ledger), standing, attempt(1))


def test_a_record_knows_what_tried_it_again(ledger: RedisLedger) -> None:
    """The last one that did, of those who knew of the one before."""
    ended(ledger, PARTLY)

    ledger.submit([retry("b"), retry("c", last="b")])

    assert ledger.find("a").retried_by == "c"
    assert [ledger.find(each).retry_of for each in "bc"] == ["a", "a"]


def test_a_retry_that_comes_too_late_is_the_first_s(ledger: RedisLedger) -> None:
    """Whether in another call or in the same; what goes along with it is taken in all the same."""
    ended(ledger)
    ledger.submit([retry("b")])

    entered = ledger.submit([retry("c"), entry("d"), retry("e", last="c")])

    assert [(each.id, each.new) for each in entered] == [("b", False), ("d", True), ("b", False)]
    assert ids(ledger) == ["a", "b", "d"]
    assert ledger.find("a").retried_by == "b"


@pytest.mark.parametrize("how", ["gone", "under way", "succeeded"])
def test_what_is_not_to_be_tried_again_stands_for_its_retry(ledger: RedisLedger, how: str) -> None:
    """Also when it was found to have succeeded after somebody had looked at it."""
    if how == "under way":
        ledger.submit([ENTRY])
    if how == "succeeded":
        ended(ledger, UNSURE)
        ledger.resolve("a", State.SUCCEEDED, "it is there", "ada")
    before = ids(ledger)

    (entered,) = ledger.submit([retry("b")])

    assert entered == SubmitResult("a", new=False, ready=False)
    assert ids(ledger) == before


def test_what_waits_for_a_late_retry_is_told_whom_to_wait_for(ledger: RedisLedger) -> None:
    """Nothing of that chunk is recorded; the refusal says which record stands for which id."""
    ended(ledger)
    ledger.submit([retry("b")])

    with pytest.raises(SubmitRefusedError) as refused:
        ledger.submit([entry("c"), retry("d"), entry("e", after="d")])

    assert (refused.value.position, refused.value.instead) == (3, {"d": "b"})
    assert ids(ledger) == ["a", "b"]


def test_what_is_refused_is_settled_at_once(redis: Redis, ledger: RedisLedger) -> None:
    """It is told of like any other, holds up nobody in its lane, and fails who waits for it."""
    ledger.submit([entry("a", lane="l")])

    entered = ledger.submit(
        [
            replace(entry("b", lane="l", after="a"), refused="links cannot be kept"),
            entry("c", lane="l"),
            entry("d", after="b"),
        ],
        mailbox(QUEUE),
    )

    assert [(each.new, each.ready) for each in entered] == [(True, False)] * 3
    record = ledger.find("b")
    assert (record.state, record.reason) == (State.FAILED, Reason.REFUSED)
    assert (record.message, record.attempts) == ("links cannot be kept", ())
    assert [(each.id, each.reason) for each in ledger.events.after("0-0", 9)] == [("b", "refused")]
    assert ledger.release(9) == ([], False)
    assert ledger.find("d").reason is Reason.DEPENDENCY
    settled(ledger)
    assert ledger.find("c").state is State.QUEUED
    Books.read(redis).check()


def test_what_is_refused_stays_so_when_it_is_handed_in_again(ledger: RedisLedger) -> None:
    """And cannot be claimed; what is there under its id already is left as it is."""
    bad = replace(ENTRY, refused="links cannot be kept")
    ledger.submit([bad])
    before = ledger.find("a")

    ledger.submit([ENTRY])
    ledger.submit([entry("b")])
    ledger.submit([replace(entry("b"), refused="links cannot be kept")])

    assert try_claim(ledger, "a", "lease", "w", 10) is None
    assert ledger.find("a") == before
    assert ledger.find("b").state is State.QUEUED


def test_a_late_retry_takes_no_dedup_key(ledger: RedisLedger) -> None:
    """It is free for who comes next."""
    ended(ledger)
    ledger.submit([retry("b")])
    late = replace(retry("c"), dedup_key="k")

    entered = ledger.submit([late, replace(entry("d"), dedup_key="k")])

    assert [each.id for each in entered] == ["b", "d"]


@pytest.mark.parametrize("priority", Priority)
def test_a_priority_stays_with_its_record(
    ledger: RedisLedger, clock: Clock, priority: Priority
) -> None:
    """Whoever sends its message is told."""
    ledger.submit([replace(ENTRY, priority=priority)])
    assert ledger.find("a").priority is priority
    clock.forward(60)
    assert ledger.requeue_lost(5, 60, empty=(*Priority,)) == [
        ReadyRecord("a", "create_folder", priority)
    ]


def test_a_dedup_key_brings_back_the_record_that_has_it(ledger: RedisLedger) -> None:
    """Under another id, and whatever became of it since."""
    assert ledger.submit([KEYED]) == [SubmitResult("a", new=True, ready=True)]
    assert ledger.find("a").dedup_key == "order 7"
    again = [replace(KEYED, id="b", batch="another")]
    assert ledger.submit(again) == [SubmitResult("a", new=False, ready=False)]
    settled(ledger)
    assert ledger.submit(again) == [SubmitResult("a", new=False, ready=False)]
    assert ids(ledger) == ["a"]
    assert ledger.batch_counts("another") == {}


def test_the_same_ids_can_be_sent_again_with_their_keys(ledger: RedisLedger) -> None:
    """The answer had been lost; whose message is missing still needs one."""
    both = [KEYED, replace(entry("b", after="a"), dedup_key="order 8")]
    ledger.submit(both)
    assert ledger.submit(both) == [
        SubmitResult("a", new=False, ready=True), SubmitResult("b", new=False, ready=False),
    ]  # fmt: skip


def test_a_dedup_key_twice_in_one_call_is_one_record(ledger: RedisLedger) -> None:
    """The first one."""
    assert ledger.submit([KEYED, replace(KEYED, id="b")]) == [
        SubmitResult("a", new=True, ready=True), SubmitResult("a", new=False, ready=False),
    ]  # fmt: skip
    assert ids(ledger) == ["a"]


@pytest.mark.parametrize(
    "other",
    [
        replace(KEYED, id="x", fields={"folderId": 1, "folderName": "another"}),
        replace(KEYED, id="x", operation="rename_folder"),
        replace(KEYED, id="x", digest="that of something else"),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_a_dedup_key_for_something_else_is_refused(
    ledger: RedisLedger, other: Submission, *, together: bool
) -> None:
    """With its position; nothing of the call is recorded."""
    if not together:
        ledger.submit([KEYED])
    wrong = "3: the dedup key is that of a, which asks for something else"
    with pytest.raises(InvalidInputError, match=wrong):
        ledger.submit([entry("y"), KEYED, other])
    assert ids(ledger) == ([] if together else ["a"])


def test_keys_in_another_order_of_fields_ask_for_the_same(ledger: RedisLedger) -> None:
    """What is compared is what is asked, not how it was written down."""
    ledger.submit([KEYED])
    turned = dict(reversed([*KEYED.fields.items()]))
    assert ledger.submit([replace(KEYED, id="b", fields=turned)])[0].id == "a"


def test_each_school_has_dedup_keys_of_its_own(ledger: RedisLedger) -> None:
    """The same name elsewhere is another one."""
    ledger.submit([KEYED, replace(KEYED, id="b", school="other")])
    assert ids(ledger) == ["a", "b"]
    assert ledger.find_ids("main", ["order 7"]) == {"order 7": "a"}
    assert ledger.find_ids("other", ["order 7"]) == {"order 7": "b"}


def test_a_dedup_key_is_not_readable_in_redis(ledger: RedisLedger, redis: Redis) -> None:
    """As a key it may name people; the record alone has it."""
    ledger.submit([replace(KEYED, dedup_key="Ada Lovelace")])
    assert [key for key in redis.scan_iter() if "Ada" in str(key)] == []


def test_records_are_found_by_id_and_by_key(ledger: RedisLedger) -> None:
    """What is neither is left out."""
    ledger.submit([KEYED, entry("b")])
    assert ledger.find_ids("main", ["order 7", "b", "x"]) == {"order 7": "a", "b": "b"}
    assert ledger.find_ids("main", []) == {}


@pytest.mark.parametrize("after", ["x", "a x", "b", "c"])
def test_an_unknown_id_to_wait_for_is_refused(ledger: RedisLedger, after: str) -> None:
    """Also its own, or one that comes behind it; then nothing is recorded."""
    wrong = f"2: waits for {after[-1]}, which is no record"
    with pytest.raises(InvalidInputError, match=wrong):
        ledger.submit([ENTRY, entry("b", after=after), entry("c")])
    assert ids(ledger) == []


def test_the_id_of_what_is_there_under_another_cannot_be_waited_for(ledger: RedisLedger) -> None:
    """No record will ever have it, so that the wait would not end."""
    ledger.submit([KEYED])
    with pytest.raises(InvalidInputError, match="2: waits for b, which is no record"):
        ledger.submit([replace(KEYED, id="b"), entry("c", after="b")])
    assert ids(ledger) == ["a"]
