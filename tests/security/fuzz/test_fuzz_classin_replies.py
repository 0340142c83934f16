"""The door of ClassIn's replies: whatever comes back for a request."""

import json
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from typing import Any

from tests.raw_server import server, take
from tests.security.fuzz.canaries import CHILD, PASSWORD, PHONE
from tests.security.fuzz.door import Door
from tests.security.fuzz.exploring import passes
from tests.security.fuzz.http_answers import answers
from tests.security.fuzz.oracle import BrokenError, Take
from tests.security.fuzz.place import SCHOOL, a_place
from tests.unit.clock import Clock
from tests.unit.stage import Stage
from worker.classin.catalogue import read
from worker.config.settings import RetrySettings, Timeouts
from worker.execution.http_client import Transport
from worker.ledger.record import Submission, new_id
from worker.ledger.store import RedisLedger
from worker.runtime.dispatcher import QueuedRecord

#: Operations of either dialect, of one thing and of many, with canaries in what is sent.
OPERATIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("register", {"telephone": PHONE, "nickname": CHILD, "password": PASSWORD}),
    (
        "register_multiple",
        {"userJson": [{"telephone": PHONE, "nickname": CHILD, "password": PASSWORD}]},
    ),
    ("create_folder", {"folderId": 747759, "folderName": "tools"}),
    ("create_unit", {"courseId": 414193, "name": "Week 1", "publishFlag": 2}),
    (
        "add_course_student_multiple",
        {"courseId": 352861, "identity": 1, "studentJson": [{"uid": 1002003}, {"uid": 5}]},
    ),
)


@contextmanager
def _opened() -> Iterator[Take]:
    said = [b""]

    def behave(connection: socket.socket) -> None:
        with suppress(OSError):
            take(connection)
            connection.sendall(said[0])
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)

    turns = cycle(OPERATIONS)
    with a_place() as place, server(behave) as url:
        transport = Transport(url, Timeouts(connect=10, reply=10))

        def try_out(answer: bytes) -> Iterable[str]:
            place.clear()
            said[0] = answer
            name, fields = next(turns)
            clock = Clock()
            ledger = RedisLedger(place.redis, clock.millis)
            stage = Stage(
                ledger, clock, patience=RetrySettings(attempts=2), schools={SCHOOL.name: SCHOOL}
            )
            own_id = new_id()
            kept = stage.seals.encrypt_fields(read(name, fields), SCHOOL.name, own_id)
            entry = Submission(id=own_id, operation=name, school=SCHOOL.name, fields=kept)
            ledger.submit([entry])
            stage.deliver(stage.dispatch(transport), QueuedRecord(entry.id))
            record = ledger.find(entry.id)
            if not record.attempts:
                raise BrokenError(f"no attempt was noted: {record.state} {record.message}")
            if (record.message or "").startswith("an error in the worker"):
                raise BrokenError(record.message)
            place.must_keep_still()
            yield json.dumps(record.to_dict(), allow_nan=False)

        yield try_out


DOOR = Door("classin_replies", answers(), _opened, examples=40)


def test_whatever_classin_answers_is_judged() -> None:
    """Whoever answers in ClassIn's place: no error in a worker, no bomb, no canary."""
    passes(DOOR)
