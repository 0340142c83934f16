"""What Celery's AsyncResult says of a record."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import pytest
from celery import Celery
from celery.exceptions import TimeoutError  # noqa: A004  # Celery's own
from celery.result import AsyncResult, GroupResult
from redis import Redis

from tests.claiming import try_claim
from tests.unit.stage import Stage, said
from worker.broker.queue import Queues
from worker.broker.result_backend import LedgerResults, status_of
from worker.classin.operation import Operation
from worker.classin.operations.cloud import CreateFolder
from worker.errors import NotSentError, OperationFailedError, ReplyLostError
from worker.ledger.celery_groups import CeleryGroups
from worker.ledger.states import State
from worker.ledger.store import RedisLedger

FOLDER = CreateFolder(folder_id=747759, folder_name="tools")


@pytest.fixture
def slept() -> list[float]:
    """For how long results slept."""
    return []


@pytest.fixture
def results(queues: Queues, ledger: RedisLedger, redis: Redis, slept: list[float]) -> LedgerResults:
    """Results that read the test's ledger."""

    class Results(LedgerResults):
        """The same, connected to the test's ledger."""

        @cached_property
        def _ledger(self) -> RedisLedger:
            return ledger

        @cached_property
        def _groups(self) -> CeleryGroups:
            return CeleryGroups(redis)

    return Results(app=queues, sleep=slept.append)


def result_of(record_id: str, results: LedgerResults) -> "AsyncResult[object]":
    """What a program with a Celery of its own asks."""
    return AsyncResult(record_id, backend=results, app=results.app)


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_name_of_celery_s(state: State) -> None:
    """And a settled one is one that Celery takes for the end."""
    ready = {"SUCCESS", "FAILURE", "REVOKED"}
    assert (status_of(state) in ready) == state.settled


def test_a_record_that_waits_is_pending(stage: Stage, results: LedgerResults) -> None:
    """As one that nobody knows is: Celery has no other word."""
    for record_id in (stage.submit(FOLDER), "nowhere"):
        result = result_of(record_id, results)
        assert (result.state, result.result, result.ready()) == ("PENDING", None, False)


def test_a_success_gives_its_result(stage: Stage, results: LedgerResults) -> None:
    """What ClassIn sent back."""
    folder = stage.submit(FOLDER)
    stage.perform(folder, said(1, data=123456))
    result = result_of(folder, results)
    assert (result.state, result.successful()) == ("SUCCESS", True)
    assert result.get(timeout=1) == {"data": 123456}
    assert result.id == folder


@pytest.mark.parametrize(
    ("code", "message", "said_so"),
    [
        (193, "no such folder", "create_folder failed/refused: 193 no such folder"),
        (206, "", "create_folder failed/refused: 206 a folder of that name exists already"),
    ],
)
def test_a_failure_is_raised(
    stage: Stage, results: LedgerResults, code: int, message: str, said_so: str
) -> None:
    """With state, reason, code and words in one line."""
    folder = stage.submit(FOLDER)
    stage.perform(folder, said(code, message))
    result = result_of(folder, results)
    assert (result.state, result.failed()) == ("FAILURE", True)
    with pytest.raises(OperationFailedError, match=f"^{said_so}$"):
        result.get(timeout=1)
    assert isinstance(result.get(timeout=1, propagate=False), OperationFailedError)


def test_a_time_that_is_up_without_any_reply_is_raised(
    stage: Stage, results: LedgerResults
) -> None:
    """Without a code there are the words alone."""
    stage.patience = replace(stage.patience, give_up_after=0)
    folder = stage.submit(FOLDER)
    stage.perform(folder, NotSentError("no connection in time"))
    with pytest.raises(
        OperationFailedError, match=r"^create_folder failed/exhausted no connection"
    ):
        result_of(folder, results).get(timeout=1)


def test_a_doubt_is_a_failure(
    stage: Stage, results: LedgerResults, ring_bell: type[Operation]
) -> None:
    """Nobody may take it for done."""
    bell = stage.submit(ring_bell())
    stage.perform(bell, ReplyLostError("no reply in time"))
    with pytest.raises(OperationFailedError, match=r"^ring_bell uncertain no reply in time$"):
        result_of(bell, results).get(timeout=1)


def test_what_is_under_way_or_deferred_is_no_end(stage: Stage, results: LedgerResults) -> None:
    """Celery's words for both."""
    running, deferred = stage.submit(FOLDER), stage.submit(FOLDER)
    try_claim(stage.ledger, running, "one", "w", 10)
    stage.perform(deferred, said(901))
    assert result_of(running, results).state == "STARTED"
    assert result_of(deferred, results).state == "RETRY"
    assert not result_of(deferred, results).ready()


def test_the_ledger_is_never_written(stage: Stage, results: LedgerResults) -> None:
    """Whatever Celery wants to store or forget."""
    folder = stage.submit(FOLDER)
    before = stage.ledger.find(folder)
    results.store_result(folder, "another", "SUCCESS")
    result_of(folder, results).forget()
    assert stage.ledger.find(folder) == before


class App(Celery):
    """A program's own Celery, with results that are given."""

    def __init__(self, results: LedgerResults) -> None:
        super().__init__(set_as_current=False)
        self._results = results

    def _get_backend(self) -> LedgerResults:
        return self._results


def group_of(ids: Sequence[str], results: LedgerResults) -> GroupResult:
    """What a program keeps that sent several."""
    app = App(results)
    return GroupResult("g", [AsyncResult(each, app=app) for each in ids], app=app)


def test_a_group_is_joined_in_its_order(stage: Stage, results: LedgerResults) -> None:
    """However its parts ended one after the other."""
    first, second = stage.submit(FOLDER), stage.submit(FOLDER)
    stage.perform(second, said(1, data=2))
    stage.perform(first, said(1, data=1))
    group = group_of([first, second], results)
    assert group.get(timeout=1) == [{"data": 1}, {"data": 2}]
    assert group.join_native(timeout=1) == [{"data": 1}, {"data": 2}]
    assert group.successful()


def test_many_are_given_as_they_settle(
    stage: Stage, results: LedgerResults, slept: list[float]
) -> None:
    """Until all have, or the time is up; then it says so as Celery does."""
    first, second = stage.submit(FOLDER), stage.submit(FOLDER)
    stage.perform(first, said(1, data=1))
    heard: list[object] = []

    coming = results.get_many([first, second], timeout=5, interval=2, on_message=heard.append)
    record_id, meta = next(coming)
    assert (record_id, meta["status"], meta["result"]) == (first, "SUCCESS", {"data": 1})
    with pytest.raises(TimeoutError):
        next(coming)

    assert slept == [2, 2, 1]
    assert heard == [meta]
    stage.perform(second, said(193, "no such folder"))
    assert {each: meta["status"] for each, meta in results.get_many([first, second])} == {
        first: "SUCCESS", second: "FAILURE",
    }  # fmt: skip
    with pytest.raises(OperationFailedError, match="no such folder"):
        group_of([first, second], results).get(timeout=1)
    assert [*results.get_many([])] == []


def test_a_group_that_was_saved_comes_back(
    stage: Stage, results: LedgerResults, redis: Redis
) -> None:
    """By its id, in another process; only the ids are kept, for as long as Celery keeps results."""
    first, second = stage.submit(FOLDER), stage.submit(FOLDER)
    group_of([first, second], results).save(backend=results)
    assert 0 < redis.ttl("classin:group:g") <= 86_400
    stage.perform(first, said(1, data=1))
    stage.perform(second, said(1, data=2))

    again = GroupResult.restore("g", backend=results)

    assert again is not None
    assert again == group_of([first, second], results)
    again.delete(backend=results)
    assert redis.exists("classin:group:g") == 0
    assert GroupResult.restore("none", backend=results) is None


def test_chords_are_refused(results: LedgerResults) -> None:
    """The end of a delivery is not the end of its operation."""
    with pytest.raises(NotImplementedError, match="submit a batch instead"):
        results.on_chord_part_return()
