"""Remote control: what Celery's `inspect` may ask a worker, and nothing besides.

Who may publish to the broker reaches every worker so: Celery's own commands would end it, let it
take another queue or none, show what other messages hold, or its environment.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from celery import bootsteps
from celery.worker import state
from celery.worker.consumer.tasks import Tasks
from celery.worker.control import Panel
from celery.worker.pidbox import Pidbox

from worker.broker.message_check import fault_of_command, is_name
from worker.trouble_log import RareLog

#: Requests that one reply shows.
_MOST_SHOWN = 1000

_rare = RareLog(__name__)

#: What Celery knows of the requests in its hands; the stubs know less of it.
_requests: Any = state

Answer = Mapping[str, Any] | Sequence[Any]


def _queue_of(consumer: Any) -> str:  # noqa: ANN401  # Celery's
    return str(consumer.app.conf.task_default_queue)


def consumes(consumer: Any) -> bool:  # noqa: ANN401  # Celery's, of which the stubs know less
    """Whether a consumer has its channel open, and takes messages from the queue."""
    tasks = consumer.task_consumer
    if tasks is None or not tasks.consuming_from(_queue_of(consumer)):
        return False
    return not getattr(tasks.channel, "closed", False)


def _ping(consumer: Any, _: Mapping[str, Any]) -> Answer:  # noqa: ANN401
    """Answer only where messages are consumed: health checks ask this."""
    return {"ok": "pong"} if consumes(consumer) else {"error": "it consumes nothing"}


def _stats(consumer: Any, _: Mapping[str, Any]) -> Answer:  # noqa: ANN401
    stats: dict[str, Any] = consumer.controller.stats()
    for where in ("transport_options", "userid", "login_method", "alternates"):
        stats.get("broker", {}).pop(where, None)
    return stats


def _registered(consumer: Any, _: Mapping[str, Any]) -> Answer:  # noqa: ANN401
    """Name the tasks; Celery's own would show any attribute of them that is asked for."""
    return sorted(name for name in consumer.app.tasks if not name.startswith("celery."))


def _active_queues(consumer: Any, _: Mapping[str, Any]) -> Answer:  # noqa: ANN401
    return [{"name": _queue_of(consumer)}] if consumes(consumer) else []


def _shown(requests: Any) -> Answer:  # noqa: ANN401  # of whatever collection
    """Show what waits here, without what it holds: that may be a child's name, or a password."""
    some = sorted(requests, key=lambda each: each.id)[:_MOST_SHOWN]
    return [{"id": each.id, "eta": each.eta and each.eta.isoformat()} for each in some]


def _query_task(_: Any, arguments: Mapping[str, Any]) -> Answer:  # noqa: ANN401
    given = arguments.get("ids")
    ids = {each for each in given if is_name(each)} if isinstance(given, list) else {given}
    scheduled = set(_requests.scheduled_requests)
    return {
        each.id: ["scheduled" if each in scheduled else "reserved", {"id": each.id}]
        for each in {*_requests.reserved_requests, *scheduled}
        if each.id in ids
    }


def _reserved(*_: object) -> Answer:
    return _shown(set(_requests.reserved_requests) - set(_requests.active_requests))


#: All that a worker does on command. What cancels and paces is our own, and goes by the ledger;
#: a worker ends by SIGTERM, from who may send one.
COMMANDS: Mapping[str, Callable[[Any, Mapping[str, Any]], Answer]] = {
    "ping": _ping,
    "stats": _stats,
    "registered": _registered,
    "active_queues": _active_queues,
    "active": lambda *_: _shown(_requests.active_requests),
    "reserved": _reserved,
    "scheduled": lambda *_: _shown(_requests.scheduled_requests),
    "query_task": _query_task,
}


class GuardedPidbox(Pidbox):
    """Celery's mailbox for commands, which does what is meant and survives the rest."""

    c: Any
    hostname: str
    consumer: Any

    def start(self, c: Any) -> None:  # noqa: ANN401
        """Listen; what cannot be decoded is not ours to reject, as it needs no acknowledgement."""
        super().start(c)
        self.consumer.on_decode_error = lambda *_: self._refuse("it is not JSON")

    def on_message(self, body: Any, message: Any) -> None:  # noqa: ANN401
        """Obey a command, or refuse it in one line; nothing of it ends the worker."""
        try:
            fault = fault_of_command(body, message.headers)
            if fault is not None:
                self._refuse(fault)
                return
            self.c.app.clock.forward()
            destination = body.get("destination")
            if not destination or self.hostname in destination:
                self._obey(body)
        except self.c.connection_errors:
            raise  # the consumer connects anew
        except Exception as error:  # noqa: BLE001  # whatever it is
            self._refuse(type(error).__name__)

    def _obey(self, command: Mapping[str, Any]) -> None:
        method, reply_to = command["method"], command.get("reply_to")
        do = COMMANDS.get(method)
        if do is None:
            named = method if method in Panel.data else "it is of no known name"
            self._refuse(f"{named}: not offered")
            answer: Answer = {"error": f"not offered; a worker knows {', '.join(sorted(COMMANDS))}"}
        else:
            answer = do(self.c, command.get("arguments") or {})
        if reply_to is not None:
            self._reply(answer, reply_to, command.get("ticket"))

    def _reply(self, answer: Answer, reply_to: Mapping[str, str], ticket: str | None) -> None:
        """Reply to who waits on Celery's own exchange for it, and on no other."""
        exchange = self.node.mailbox.reply_exchange.name
        if reply_to["exchange"] != exchange:
            self._refuse("its reply is to go where none may go")
            return
        self.node.reply({self.hostname: answer}, exchange, reply_to["routing_key"], ticket)

    @staticmethod
    def _refuse(fault: str) -> None:
        _rare.error(f"a command to all workers was refused: {fault}")


class Control(bootsteps.StartStopStep):
    """Celery's step of this name, with our mailbox."""

    requires = (Tasks,)

    def __init__(self, c: Any, **options: Any) -> None:  # noqa: ANN401
        self._box = GuardedPidbox(c)
        super().__init__(c, **options)

    def include_if(self, c: Any) -> bool:  # noqa: ANN401
        """Only where the broker can tell all workers something."""
        return bool(c.conninfo.supports_exchange_type("fanout"))

    def start(self, c: Any) -> None:  # noqa: ANN401
        """Listen."""
        self._box.start(c)

    def stop(self, c: Any) -> None:  # noqa: ANN401
        """Listen no more; the connection may be lost."""
        with suppress(Exception):
            self._box.stop(c)

    def shutdown(self, c: Any) -> None:  # noqa: ANN401
        """Listen no more."""
        self._box.shutdown(c)
