"""Results: what Celery's `AsyncResult` says comes from the ledger; nothing is stored twice."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

from celery import Celery, states
from celery.backends.base import Backend, SyncBackendMixin
from celery.exceptions import TimeoutError  # noqa: A004  # Celery's own
from celery.result import GroupResult, result_from_tuple

from worker.config.settings import Settings, from_env
from worker.errors import NotFoundError, OperationFailedError
from worker.ledger.celery_groups import CeleryGroups
from worker.ledger.record import Record
from worker.ledger.redis_client import connect
from worker.ledger.states import State
from worker.ledger.store import RedisLedger

#: Seconds for which a group is kept where Celery is told to keep results for ever.
_KEPT = 400 * 86_400

#: States for which Celery has a word of its own; see `status_of` for the others.
_STATUS = {
    State.RUNNING: states.STARTED,
    State.DEFERRED: states.RETRY,
    State.SUCCEEDED: states.SUCCESS,
    State.PARTIAL: states.SUCCESS,
    State.CANCELLED: states.REVOKED,
}


def status_of(state: State) -> str:
    """Return Celery's word for a state; by default FAILURE if it is settled, else PENDING."""
    return _STATUS.get(state, states.FAILURE if state.settled else states.PENDING)


class LedgerResults(SyncBackendMixin, Backend):
    """A result backend that reads the ledger; `result` is the record's, or OperationFailedError."""

    app: Celery
    supports_native_join = True

    def __init__(
        self,
        app: Celery,
        *,
        sleep: Callable[[float], object] = time.sleep,
        **options: Any,  # noqa: ANN401  # as Celery has it
    ) -> None:
        super().__init__(app, **options)
        self._sleep = sleep

    @cached_property
    def _ledger(self) -> RedisLedger:
        return RedisLedger(connect(self._settings.ledger_url, self._settings.redis_prefix))

    @cached_property
    def _groups(self) -> CeleryGroups:
        return CeleryGroups(connect(self._settings.ledger_url, self._settings.redis_prefix))

    @property
    def _settings(self) -> Settings:
        return getattr(self.app, "settings", None) or from_env()

    def _get_task_meta_for(self, task_id: str) -> dict[str, Any]:
        try:
            return _meta_of(self._ledger.find(task_id))
        except NotFoundError:
            return {"status": states.PENDING, "result": None}

    def get_many(  # as Celery calls it
        self,
        task_ids: Iterable[str],
        timeout: float | None = None,
        interval: float | None = 0.5,
        no_ack: bool = True,  # noqa: ARG002, FBT001, FBT002  # nothing is acknowledged
        on_message: Callable[[dict[str, Any]], object] | None = None,
        on_interval: Callable[[], object] | None = None,
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield ids with what is known of them, each as soon as it has settled.

        Looks every `interval` seconds. Raises Celery's TimeoutError after `timeout` seconds.
        """
        left = dict.fromkeys(task_ids)
        waited = 0.0
        while left:
            for meta in map(_meta_of, self._ledger.find_all(list(left))):
                if meta["status"] in states.READY_STATES:
                    del left[meta["task_id"]]
                    if on_message is not None:
                        on_message(meta)
                    yield meta["task_id"], meta
            if not left:
                return
            pause = 0.5 if interval is None else interval
            if timeout is not None:
                if waited >= timeout:
                    raise TimeoutError(f"{len(left)} have not settled within {timeout} s")
                pause = min(pause, timeout - waited)
            if on_interval is not None:
                on_interval()
            self._sleep(pause)
            waited += pause

    def store_result(self, *_: object, **__: object) -> None:
        """Store nothing: the ledger has it."""

    def _forget(self, task_id: str) -> None:
        """Forget nothing: records are kept for those who look later."""

    def _save_group(self, group_id: str, result: GroupResult) -> GroupResult:
        """Keep which results a group has; what came of them the ledger knows."""
        lasts = self.prepare_expires(None, float) or _KEPT
        self._groups.save(group_id, json.dumps(result.as_tuple()), lasts)
        return result

    def _restore_group(self, group_id: str) -> dict[str, Any] | None:
        text = self._groups.find(group_id)
        return None if text is None else {"result": result_from_tuple(json.loads(text), self.app)}

    def _delete_group(self, group_id: str) -> None:
        self._groups.delete(group_id)

    def on_chord_part_return(self, *_: object, **__: object) -> None:
        """Refuse chords: a delivery's end is not its operation's."""
        raise NotImplementedError("chords are not carried out; submit a batch instead")


def _meta_of(record: Record) -> dict[str, Any]:
    """Return how a record stands, as Celery keeps it."""
    status = status_of(record.state)
    failed = status in states.EXCEPTION_STATES
    return {
        "task_id": record.id,
        "status": status,
        "result": OperationFailedError(_account(record)) if failed else record.result,
        "traceback": None,
        "children": [],
    }


def _account(record: Record) -> str:
    """Return in one line how a record stands."""
    reason = f"/{record.reason.value}" if record.reason else ""
    code = f": {record.code}" if record.code is not None else ""
    said = f" {record.message}" if record.message else ""
    return f"{record.operation} {record.state.value}{reason}{code}{said}"
