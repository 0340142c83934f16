"""A stage for stories of execution: a ledger, a clock, and a ClassIn that plays a script."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from tests.unit.clock import Clock
from worker.classin.endpoint import ApiVersion
from worker.classin.operation import Operation
from worker.classin.request import Request
from worker.classin.response import Reply
from worker.classin.school import School
from worker.config.settings import RetrySettings, Settings
from worker.encryption import FieldCipher
from worker.errors import NoReplyError, UnavailableError
from worker.execution.attempt import Sender
from worker.execution.executor import Executor
from worker.execution.file_streams import Files
from worker.execution.http_client import Stream
from worker.execution.leases import BEATS, LeaseTable
from worker.hooks import AttemptMade, Hook, RecordSettled
from worker.keyring import KeyRing
from worker.ledger.record import Priority, Record, Submission, new_id
from worker.ledger.store import RedisLedger
from worker.ledger.types import ReadyRecord
from worker.runtime.dispatcher import Dispatcher, QueuedRecord
from worker.runtime.fair_share import FairShare

#: What ClassIn does with one request: answer, let it perish, or something that a test does.
Act = Reply | NoReplyError | Callable[[], Reply]

#: The key ring of this process's tests.
RING = KeyRing.in_memory()

SCHOOL = School("main", "1000082", "Mb7SR6H")

#: Seconds after which a thread that does not get on counts as stuck.
STUCK_AFTER = 3600.0


def said(
    code: int | None,
    message: str = "",
    *,
    http: int = 200,
    data: object = None,
    retry_after: float | None = None,
) -> Reply:
    """An answer of ClassIn's."""
    result = None if data is None else {"data": data}
    return Reply(http, code, message, result, retry_after=retry_after)


@dataclass
class ClassIn:
    """Plays a script, whose last act is repeated, and keeps what it was sent."""

    script: list[Act]
    sent: list[Request] = field(default_factory=list)
    #: The files that went along, as far as they came, by ClassIn's names.
    files: list[dict[str, bytearray]] = field(default_factory=list)
    #: What happens after each piece of a file.
    between: Callable[[], object] = lambda: None

    def send(self, request: Request, dialect: ApiVersion, streams: Mapping[str, Stream]) -> Reply:
        """Take one request."""
        assert (request.form is None) == (dialect is ApiVersion.V2)
        assert streams.keys() == request.files.keys()
        self.sent.append(request)
        self.files.append({name: bytearray() for name in streams})
        for name, stream in streams.items():
            while piece := stream.read():
                self.files[-1][name] += piece
                self.between()
        act = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(act, NoReplyError):
            raise act
        return act if isinstance(act, Reply) else act()

    def timestamps(self) -> list[str]:
        """The time that each request was signed with."""
        return [
            request.headers["X-EEO-TS"] if request.form is None else request.form["timeStamp"]
            for request in self.sent
        ]


@dataclass
class Stage:
    """What a story of execution needs."""

    ledger: RedisLedger
    clock: Clock
    settings: Settings = field(
        default_factory=lambda: Settings(home=Path(), ring=KeyRing.in_memory())
    )
    patience: RetrySettings = field(default_factory=RetrySettings)
    schools: Mapping[str, School] = field(default_factory=lambda: {"main": SCHOOL})
    seals: FieldCipher = field(default_factory=lambda: FieldCipher(KeyRing.in_memory()))
    shares: FairShare = field(default_factory=FairShare)
    stopping: threading.Event = field(default_factory=threading.Event)
    #: How many operations that wait for each other one delivery may carry out.
    in_a_row: int = 1
    #: Who is told of attempts and settled records.
    on_attempt: Hook[AttemptMade] = field(default_factory=lambda: Hook("on_attempt"))
    on_settled: Hook[RecordSettled] = field(default_factory=lambda: Hook("on_settled"))
    #: Whom messages were sent for, unless the broker is away.
    published: list[ReadyRecord] = field(default_factory=list)
    broker_away: bool = False
    #: What each worker has in hand.
    hands: list[LeaseTable] = field(default_factory=list)
    #: What happens each time that a worker sleeps.
    asleep: Callable[[], object] = lambda: None

    def submit(self, operation: Operation, *, accepts_existing: bool = False) -> str:
        """Record an operation; gives its id."""
        return self.submit_raw(
            operation.spec.name, operation.to_dict(), accepts_existing=accepts_existing
        )

    def submit_raw(self, name: str, fields: Mapping[str, Any], **more: Any) -> str:  # noqa: ANN401
        """Record whatever was asked, without checking it; gives its id."""
        entry = Submission(
            **{"school": "main", "id": new_id(), **more}, operation=name, fields=fields
        )
        self.ledger.submit([entry])
        return entry.id

    def dispatch(
        self, classin: Sender, threads: int = 1, own_clock: Callable[[], float] | None = None
    ) -> Dispatcher:
        """Equip a worker that meets this ClassIn; its machine may have a clock of its own."""
        hand = LeaseTable(
            f"worker {len(self.hands)}",
            lasts=self.patience.lease,
            stuck_after=STUCK_AFTER,
            clock=own_clock or self.clock,
            awake=own_clock or self.clock,
        )
        self.hands.append(hand)
        executor = Executor(
            ledger=self.ledger,
            sender=classin,
            files=Files(self.ledger, self.settings),
            schools=self.schools,
            cipher=self.seals,
            retry=self.patience,
            leases=hand,
            stopping=self.stopping,
            on_attempt=self.on_attempt,
            clock=self.clock,
            sleep=self.sleep,
        )
        return Dispatcher(
            ledger=self.ledger,
            executor=executor,
            publisher=self,
            leases=hand,
            shares=self.shares,
            stopping=self.stopping,
            threads=threads,
            in_a_row=self.in_a_row,
            on_settled=self.on_settled,
            sleep=self.sleep,
        )

    def publish(self, due: Sequence[ReadyRecord]) -> None:
        """Take messages."""
        if self.broker_away:
            raise UnavailableError("the broker does not answer")
        self.published += due

    def put_back(self, ids: Sequence[str], priority: Priority) -> None:
        """Take a message for several."""
        self.publish([ReadyRecord(each, "", priority) for each in ids])

    def empty(self) -> Sequence[Priority]:
        """Say that messages may wait."""
        return ()

    def pass_time(self, seconds: float) -> None:
        """Let time go by in which all workers beat, as far as the ledger answers."""
        ends = self.clock.ms + round(seconds * 1000)
        while self.clock.ms < ends:
            self.clock.ms = min(ends, self.clock.ms + round(self.patience.lease / BEATS * 1000))
            for hand in self.hands:
                with suppress(UnavailableError):
                    hand.renew(self.ledger)

    def sleep(self, seconds: float) -> None:
        """Let a worker sleep; it goes on beating."""
        self.clock.waits.append(seconds)
        self.asleep()
        self.pass_time(seconds)

    def take_back(self, record_id: str) -> None:
        """Let a record's lease run out, and be taken back."""
        self.clock.forward(self.patience.lease)
        assert record_id in [due.id for due in self.ledger.requeue_due(100, orphans=True)]

    def perform(
        self, record_id: str, *script: Act, between: Callable[[], object] = lambda: None
    ) -> ClassIn:
        """Deliver the record's message once, to a worker that meets this ClassIn."""
        classin = ClassIn(list(script), between=between)
        self.deliver(self.dispatch(classin), QueuedRecord(record_id))
        return classin

    def deliver(self, dispatch: Dispatcher, *waiting: QueuedRecord) -> None:
        """Let a worker take these, and do all that there is to do then."""
        dispatch.enqueue(waiting, lambda: None)
        while not dispatch.is_idle:
            dispatch.drain_inbox(wait=False)
            dispatch.run_once()
            with suppress(Empty):
                while job := dispatch.jobs.get_nowait():
                    job()

    def seconds_until_due(self, record_id: str) -> float:
        """How long a deferred record still has to wait."""
        due_at = self.ledger.find(record_id).due_at
        assert due_at is not None
        return (due_at - self.clock.ms) / 1000

    def await_turn(self, record_id: str) -> float:
        """Let time go by until it is a record's turn, by its pace; gives how long that took."""
        began = self.clock.ms
        while record_id not in [due.id for due in self.ledger.turns(1).ready]:
            self.clock.ms += 50
        return (self.clock.ms - began) / 1000

    def carry_on(self, record_id: str, *script: Act) -> Record:
        """Deliver the record again each time it falls due, until it is settled.

        It must not be one that waits for its school.
        """
        while not (record := self.ledger.find(record_id)).state.settled:
            if record.due_at is not None:
                self.clock.ms = max(self.clock.ms, record.due_at)
            if record.paced:
                self.await_turn(record_id)
            self.perform(record_id, *script)
        return record
