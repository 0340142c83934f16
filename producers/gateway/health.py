"""Health, judged from the ledger's queue health. Pure."""

from typing import Any, NamedTuple

from worker.ledger.types import QueueHealth


class Health(NamedTuple):
    """Health, with the values that it is judged by. Times in seconds."""

    stuck: bool
    oldest_due: float | None
    since_settled: float | None
    workers: int

    def to_dict(self) -> dict[str, Any]:
        """Return it for a monitoring system."""
        return {
            "status": "stuck" if self.stuck else "ok",
            "redis": True,
            "workers": self.workers,
            "oldest_due_seconds": self.oldest_due,
            "last_settled_seconds": self.since_settled,
        }


#: The health while the ledger does not answer.
AWAY = {"status": "stuck", "redis": False}


def judged(pulse: QueueHealth, stuck_after: float) -> Health:
    """Judge the queue's health: it is stuck if due work waits so long while nothing settles.

    A long queue alone is healthy: its first records have waited longest.
    """
    due = None if pulse.oldest_due is None else (pulse.now - pulse.oldest_due) / 1000
    settled = None if pulse.last_settled is None else (pulse.now - pulse.last_settled) / 1000
    waits = due is not None and due > stuck_after
    gets_on = bool(pulse.workers) and settled is not None and settled <= stuck_after
    return Health(waits and not gets_on, due, settled, pulse.workers)
