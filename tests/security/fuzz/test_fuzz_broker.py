"""The doors of the broker, with a worker behind them: messages, and commands to all workers."""

import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from producers import Submitter
from tests.security.celery_messages import PIDBOX, command, message
from tests.security.fuzz.canaries import CHILD, PASSWORD, PHONE, must_show_no_signature
from tests.security.fuzz.damage import damaged, odd_values, spoiled, written
from tests.security.fuzz.door import Door
from tests.security.fuzz.exploring import passes
from tests.security.fuzz.oracle import BrokenError, Take
from tests.security.fuzz.place import must_tell_nothing
from tests.security.fuzz.system import Log, a_system
from tests.stage import WorkerProcess
from worker.broker.messages import IDS, SEVERAL
from worker.classin.operations.cloud import CreateFolder
from worker.ledger.keys import PREFIX as QUEUE
from worker.ledger.redis_client import connect

_PERSON = {"telephone": PHONE, "nickname": CHILD, "password": PASSWORD}

_MARK = "00000000-0000-4000-8000-000000000000"

#: Messages as they lie in Redis, and the bodies within.
MESSAGES: tuple[Any, ...] = tuple(
    map(
        json.loads,
        (
            message(),
            message(_PERSON, {"task": "classin.register"}),
            message(headers={"school": "main", "if_exists": "accept", "retries": 3}),
            message(headers={"eta": "2026-12-01T08:00:00+00:00", "expires": "2099-01-01T00:00:00"}),
            message({}, {"task": SEVERAL, IDS: ["a", "b"], "recorded": True}),
            message({}, {"recorded": True}),
        ),
    )
)
COMMANDS: tuple[Any, ...] = tuple(
    map(
        json.loads,
        (
            command("ping"),
            command("stats", reply_to={"exchange": "reply.celery.pidbox", "routing_key": _MARK}),
            command("query_task", arguments={"ids": ["a", 5]}),
            command("shutdown"),
            command("pool_shrink", arguments={"n": 5}, destination=["x"]),
            command("rate_limit", arguments={"task_name": "classin.register", "rate_limit": "1/h"}),
        ),
    )
)


@st.composite
def _written(draw: st.DrawFn, sound: tuple[Any, ...]) -> bytes:
    """Write an envelope; what lies within is damaged as well."""
    value = draw(damaged(sound))
    if isinstance(value, dict) and isinstance(value.get("body"), str) and draw(st.booleans()):
        try:
            inner = json.loads(base64.b64decode(value["body"]))
        except ValueError:
            inner = draw(odd_values)
        value["body"] = base64.b64encode(written(draw(damaged([inner])))).decode()
    return draw(spoiled(written(value), 2))


_ITEMS = st.one_of(
    st.tuples(st.just("message"), _written(MESSAGES)),
    st.tuples(st.just("message"), st.binary(max_size=60)),
    st.tuples(st.just("command"), _written(COMMANDS)),
    st.tuples(st.just("command"), st.binary(max_size=60)),
)


@contextmanager
def _opened() -> Iterator[Take]:
    with a_system() as environment:
        log = Path(environment.variables["CLASSIN_HOME"], "..", "worker.log")
        worker = WorkerProcess(environment, log)
        redis = connect(environment.settings.ledger_url)
        submitter = Submitter.from_settings(environment.settings)
        worker.start()
        said = Log(log)

        def take(items: list[tuple[str, bytes]]) -> Iterable[str]:
            for where, content in items:
                if where == "message":
                    redis.lpush(QUEUE, content)
                else:
                    redis.publish(PIDBOX, content)
            record = submitter.submit(CreateFolder(folder_id=747759, folder_name="x")).wait(50)
            if not record.state.settled or not worker.alive:
                raise BrokenError(f"the worker carries nothing out: {record.state}\n{said.news()}")
            new = said.news()
            if "Traceback" in new:
                raise BrokenError(f"a traceback in the log: {new[-3000:]}")
            must_show_no_signature(new)
            must_tell_nothing(redis)
            yield new

        try:
            yield take
        finally:
            worker.kill()


DOOR = Door(
    "broker",
    st.lists(_ITEMS, min_size=1, max_size=20),
    _opened,
    limit=120.0,
    examples=15,
)


def test_whatever_lies_on_the_broker_a_worker_goes_on() -> None:
    """Who may write to the broker: no worker ends, stops or fails, and no canary in its log."""
    passes(DOOR)
