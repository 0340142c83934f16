"""Results: what Celery's `AsyncResult` says comes from the ledger; nothing is stored twice."""

from functools import cached_property
from typing import Any

from celery import Celery, states
from celery.backends.base import Backend, SyncBackendMixin

from worker.classin.errors import NotFound, OperationFailed
from worker.ledger.in_redis import RedisLedger, connect
from worker.ledger.lifecycle import State
from worker.ledger.record import Record
from worker.settings import Settings, from_env

#: A record's state in Celery's words.
STATUS = {
    State.QUEUED: states.PENDING,
    State.BLOCKED: states.PENDING,
    State.RUNNING: states.STARTED,
    State.DEFERRED: states.RETRY,
    State.SUCCEEDED: states.SUCCESS,
    State.PARTIAL: states.SUCCESS,
    State.FAILED: states.FAILURE,
    State.UNCERTAIN: states.FAILURE,
    State.CANCELLED: states.REVOKED,
}


class LedgerResults(SyncBackendMixin, Backend):
    """A result backend that reads the ledger; `result` is the record's, or OperationFailed."""

    app: Celery

    @cached_property
    def _ledger(self) -> RedisLedger:
        settings: Settings = getattr(self.app, "settings", None) or from_env()
        return RedisLedger(connect(settings.ledger_url))

    def _get_task_meta_for(self, task_id: str) -> dict[str, Any]:
        try:
            record = self._ledger.find(task_id)
        except NotFound:
            return {"status": states.PENDING, "result": None}
        status = STATUS[record.state]
        failed = status in states.EXCEPTION_STATES
        return {
            "task_id": record.id,
            "status": status,
            "result": OperationFailed(_account(record)) if failed else record.result,
            "traceback": None,
            "children": [],
        }

    def store_result(self, *_: object, **__: object) -> None:
        """Store nothing: the ledger has it."""

    def _forget(self, task_id: str) -> None:
        """Forget nothing: records are kept for those who look later."""

    def _save_group(self, *_: object, **__: object) -> None:
        raise NotImplementedError("groups and chords are not kept; submit a batch instead")

    def on_chord_part_return(self, *_: object, **__: object) -> None:
        """Refuse chords: a delivery's end is not its operation's."""
        raise NotImplementedError("groups and chords are not kept; submit a batch instead")


def _account(record: Record) -> str:
    """Say in one line how a record stands."""
    reason = f"/{record.reason.value}" if record.reason else ""
    code = f": {record.code}" if record.code is not None else ""
    said = f" {record.message}" if record.message else ""
    return f"{record.operation} {record.state.value}{reason}{code}{said}"
