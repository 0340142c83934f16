"""Messages: what Celery's messages for recorded operations look like, without Celery.

They are of its protocol 2, as they lie in a Redis list: kombu's envelope around headers and body.
Whoever only submits can so do without loading Celery.
"""

import json
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from worker.config.settings import Settings
from worker.ledger.record import Priority
from worker.ledger.types import InlineQueue, ReadyRecord

#: The header by which a message of ours says that its record is there.
RECORDED = "recorded"

#: The header that names the records of a message for several.
IDS = "ids"

#: The task of a message that is for several operations, whatever their kinds.
SEVERAL = "classin.operations"

#: So many operations share a message: it costs as much as all of their records.
MOST = 32

#: Priorities by Redis's numbers, the least first; on other brokers they may count for nothing. What
#: another Celery sends without one has 0 there, and so is high; it may well send with one of these.
PRIORITIES = {Priority.HIGH: 0, Priority.NORMAL: 3, Priority.LOW: 6}

#: What separates a queue's name from the number of its list, unless that is 0.
SEPARATOR = "\x06\x16"

#: No arguments, no fields, no links to other tasks.
_BODY = b64encode(
    b'[[], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
).decode()


class MessagePublisher(Protocol):
    """A queue by which records reach workers. Each method raises UnavailableError."""

    def publish(self, due: Sequence[ReadyRecord]) -> None:
        """Put messages for these records on the queue."""

    def put_back(self, ids: Sequence[str], priority: Priority) -> None:
        """Put messages on the queue for records whose message came from there."""

    def empty(self) -> Collection[Priority]:
        """Return the priorities of which no message waits."""


def priority_of(properties: Mapping[str, Any]) -> Priority:
    """Read a message's priority; one that is none of ours is normal."""
    number = properties.get("priority")
    return next((name for name, its in PRIORITIES.items() if its == number), Priority.NORMAL)


def task_name(operation: str) -> str:
    """Name the Celery task of an operation."""
    return f"classin.{operation}"


def mailbox_of(settings: Settings) -> InlineQueue | None:
    """Describe the queue, if it lies in the ledger's own Redis."""
    return mailbox(settings.queue) if settings.broker_url in (None, settings.ledger_url) else None


def list_of(queue: str, priority: Priority) -> str:
    """Name the Redis list in which messages of a priority lie."""
    number = PRIORITIES[priority]
    return f"{queue}{SEPARATOR}{number}" if number else queue


def mailbox(queue: str) -> InlineQueue:
    """Describe the queue as it lies in Redis."""
    lists = {
        priority: (list_of(queue, priority), number) for priority, number in PRIORITIES.items()
    }
    several = _text(queue, SEVERAL, {IDS: ["@IDS@"]}).replace('"@IDS@"', "@IDS@")
    return InlineQueue(lists, _text(queue, task_name("@OPERATION@"), {}), several, MOST)


def _text(queue: str, task: str, headers: Mapping[str, Any]) -> str:
    message: Mapping[str, Any] = {
        "body": _BODY,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": task,
            "id": "@ID@",
            "root_id": "@ID@",
            "parent_id": None,
            "group": None,
            RECORDED: True,
            **headers,
        },
        "properties": {
            "correlation_id": "@ID@",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": "@PRIORITY@",
            "body_encoding": "base64",
            "delivery_tag": "@TAG@",
        },
    }
    return json.dumps(message).replace('"@PRIORITY@"', "@PRIORITY@")
