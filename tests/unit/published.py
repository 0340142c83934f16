"""The broker in memory, looked into."""

from typing import Any

from worker.broker.messages import IDS
from worker.broker.queue import Queues
from worker.ledger.keys import PREFIX as QUEUE


def taken_from(queues: Queues) -> list[dict[str, Any]]:
    """Take every message from the queue, as it lay there."""
    taken: list[dict[str, Any]] = []
    with queues.connection_for_read() as connection:
        queue = queues.amqp.queues[QUEUE].bind(connection.default_channel)
        queue.declare()
        while True:
            message: Any = queue.get(no_ack=True)  # the stubs know less of it
            if message is None:
                return taken
            taken.append(message.serializable())


def ids_in(message: dict[str, Any]) -> list[str]:
    """Give the ids that a message of ours, as it lay there, is for."""
    headers = message["headers"]
    ids: list[str] = headers.get(IDS, [headers["id"]])
    return ids
