"""A stage for whole syncs in one process: a ledger in memory, and the simulator without HTTP."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from ops.simulator import DEFAULT_SCHOOL
from ops.simulator.handlers import Answer
from ops.simulator.http.auth import Received
from ops.simulator.http.responses import encode
from ops.simulator.simulator import Simulator
from ops.simulator.state.drive import Folder
from ops.simulator.state.world import Institution, Seed
from producers.intake.submitter import Submitter
from producers.oneroster.applying.passwords import Passwords, Rule
from producers.oneroster.applying.sync import Place, Sync, Watching
from producers.oneroster.id_map import IdMap
from producers.oneroster.planning.diff import difference
from producers.oneroster.planning.proposal import Proposal
from producers.oneroster.planning.target import Options, intended
from producers.oneroster.roster import Export, Roster
from tests.redis_server import SharedRedis
from tests.unit.clock import Clock
from tests.unit.stage import Stage
from worker.broker.queue import Queues
from worker.classin.catalogue import CATALOGUE
from worker.classin.codes import Code
from worker.classin.endpoint import ApiVersion
from worker.classin.operation import Operation
from worker.classin.request import Request
from worker.classin.response import Reply, read_reply
from worker.classin.school import School
from worker.config.settings import RetrySettings, Settings
from worker.encryption import FieldCipher
from worker.errors import ReplyLostError
from worker.execution.executor import Executor
from worker.execution.file_streams import Files
from worker.execution.http_client import Stream
from worker.execution.leases import LeaseTable
from worker.keyring import KeyRing
from worker.ledger.keys import Keys
from worker.ledger.record import Record
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.sync_store import Source
from worker.ledger.types import Filter
from worker.runtime.dispatcher import Dispatcher, QueuedRecord

KEYS = Keys()

OUR_SCHOOL = School("main", DEFAULT_SCHOOL.sid, DEFAULT_SCHOOL.secret)

_KINDS: Mapping[tuple[str, str | None], type[Operation]] = {
    (kind.spec.endpoint.path, kind.spec.endpoint.action): kind for kind in CATALOGUE.values()
}


#: The calls at which a sync may be killed.
_MAY_BE_LAST = frozenset(
    {
        "begin",
        "note",
        "keep_steps",
        "steps",
        "keep_records",
        "records",
        "drop_steps",
        "settle",
        "keep_passwords",
    }
)


class Mortal(Source):
    """A source whose every call may be the last one of its process."""

    def __init__(self, stage: "SyncStage") -> None:
        super().__init__(stage.redis, "main", "sis")
        self._stage = stage

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401  # whatever it has
        if name in _MAY_BE_LAST:
            object.__getattribute__(self, "_stage").live()
        return super().__getattribute__(name)


class KilledError(Exception):
    """The process ends here."""


@dataclass
class PretendClassIn:
    """Carries requests to a simulator, and spoils some of the answers."""

    simulator: Simulator
    chance: Random = field(default_factory=lambda: Random(0))  # noqa: S311  # nothing secret
    #: How many of the answers get lost after all was done, and how many are 104.
    dropped: float = 0.0
    failing: float = 0.0
    #: What befalls an operation that was carried out, or would be: the answer, or None.
    befalls: Callable[[Operation], Answer | None] = lambda _: None
    #: What befalls an answer.
    alters: Callable[[Operation, Any], Any] = lambda _, answer: answer
    asked: Counter[str] = field(default_factory=Counter)

    def send(self, request: Request, dialect: ApiVersion, streams: Mapping[str, Stream]) -> Reply:
        """Take one request."""
        assert not streams
        received = _received(request, dialect)
        operation = self.simulator.admit(received)
        assert isinstance(operation, Operation), operation
        self.asked[operation.spec.name] += 1
        said = self.befalls(operation)
        if said is None and self.chance.random() < self.failing:
            said = Answer(Code.UNKNOWN_ERROR)
        if said is not None:
            return _reply(dialect, json.loads(encode(said, dialect)))
        entry = self.simulator.enter(received)
        said = self.simulator.stage.carry_out(entry, operation, self.simulator.now())
        body = self.alters(operation, json.loads(encode(said, dialect)))
        if self.chance.random() < self.dropped:
            raise ReplyLostError("the connection was closed")
        return _reply(dialect, body)


def _reply(dialect: ApiVersion, body: object) -> Reply:
    return read_reply(dialect, 200, {}, json.dumps(body).encode())


def _received(request: Request, dialect: ApiVersion) -> Received:
    target = urlsplit(request.target)
    action = parse_qs(target.query).get("action", [None])[0]
    kind = _KINDS[target.path, action]
    if request.form is not None:
        form = request.form
        proof = form["SID"], form["safeKey"], form["timeStamp"]
        return Received(dialect, kind, *proof, fields=form)
    head = request.headers
    proof = head["X-EEO-UID"], head["X-EEO-SIGN"], head["X-EEO-TS"]
    return Received(dialect, kind, *proof, fields=json.loads(request.body or b""))


@dataclass
class SyncStage:
    """One source, and the ClassIn that it is brought into."""

    home: Path
    server: SharedRedis
    chance: Random = field(default_factory=lambda: Random(0))  # noqa: S311  # nothing secret
    school: School = OUR_SCHOOL
    #: After so many more calls of what may fail, the sync is killed; None: never.
    lives: int | None = None

    def __post_init__(self) -> None:
        """Set it up, empty."""
        self.server.empty()
        self.redis = self.server.client()
        self.clock = Clock()
        self.ring = KeyRing.in_memory()
        self.ledger = RedisLedger(self.redis, self.clock.millis, keyring=self.ring)
        seed = Seed(folders=(Folder(folder_id=1, folder_name="Drive"),))
        self.simulator = Simulator(seed=seed, clock=self.clock, rates=False)
        self.classin = PretendClassIn(self.simulator, self.chance)
        self.stage = Stage(self.ledger, self.clock, schools={"main": self.school})
        #: Called when a batch is about to be carried out.
        self.before_work: Callable[[], object] = lambda: None

    @property
    def held(self) -> Institution:
        """What ClassIn holds of the school."""
        return self.simulator.stage.world.institution(self.school.sid)

    def source(self) -> "Mortal":
        """The memory of the source."""
        return Mortal(self)

    def new_sync(self) -> Sync:
        """A sync as a new process would begin it."""
        source = self.source()
        settings = Settings(
            home=self.home, broker_url="memory://", schools={"main": self.school}, ring=self.ring
        )
        submitter = Submitter(settings, self.ledger, cast("Queues", self.stage))
        watching = Watching(lambda _: self.live(), self.settled)
        passwords = Passwords(source, FieldCipher(self.ring), Rule(choose=self.chance.choice))
        place = Place(self.ledger, source, "main")
        return Sync(place, submitter, passwords, watching, self.clock)

    def let_go(self) -> None:
        """Let a minute pass, after which whoever held the source and is silent holds it no more."""
        self.redis.delete(KEYS.lock("source:main:sis"))

    def live(self) -> None:
        """Go on, unless the time has come."""
        if self.lives is not None:
            self.lives -= 1
            if self.lives < 0:
                raise KilledError

    def settled(self, batch: str, look_in: Callable[[], object]) -> None:
        """Carry all of it out, in any order that the ledger allows."""
        self.live()
        self.before_work()
        look_in()
        self.work()
        assert all(state.settled for state in self.ledger.batch_counts(batch)), (
            self.ledger.batch_counts(batch)
        )
        self.live()

    def work(self) -> None:
        """Carry out whatever there is."""
        dispatch = self._dispatch()
        while True:
            due, self.stage.published = self.stage.published, []
            if not due:
                open_ = [r for r in self._unsettled() if r.due_at is not None]
                if not open_:
                    return
                self.clock.ms = max(self.clock.ms, min(r.due_at or 0 for r in open_)) + 1
                due = [*self.ledger.requeue_due(100, orphans=False), *self.ledger.release(500)[0]]
            self.chance.shuffle(due)
            self.stage.deliver(dispatch, *(QueuedRecord(each.id) for each in due))

    def _dispatch(self) -> Dispatcher:
        hand = LeaseTable("worker", lasts=30, stuck_after=3600, clock=self.clock)
        executor = Executor(
            ledger=self.ledger,
            sender=self.classin,
            files=Files(self.ledger, self.stage.settings),
            schools={"main": self.school},
            cipher=FieldCipher(self.ring),
            retry=RetrySettings(),
            leases=hand,
            stopping=self.stage.stopping,
            clock=self.clock,
            sleep=self.clock.sleep,
        )
        return Dispatcher(
            ledger=self.ledger,
            executor=executor,
            publisher=self.stage,
            leases=hand,
            shares=self.stage.shares,
            stopping=self.stage.stopping,
            threads=8,
            sleep=self.clock.sleep,
        )

    def _unsettled(self) -> Sequence[Record]:
        page = self.ledger.page(Filter(state=State.DEFERRED), 1000)
        return page.records

    def records(self) -> int:
        """How many operations were ever submitted."""
        return sum(self.ledger.counts().by_state().values())

    def sync(self, export: Export, options: Options | None = None) -> dict[str, Any]:
        """One sync from its beginning to its end."""
        self.let_go()
        sync = self.new_sync()
        with sync.held():
            sync.resume()
            return sync.carry_out(self.proposal(sync, export, options), {"export": "a.zip"})

    def proposal(self, sync: Sync, export: Export, options: Options | None = None) -> Proposal:
        """What is to be brought about."""
        before, directory = sync.known()
        wanted, _ = intended(export, before, options or Options())
        return Proposal(difference(before, wanted), before, wanted, directory)

    def to(self, wanted: Roster) -> dict[str, Any]:
        """One sync that leads to a roster."""
        self.let_go()
        sync = self.new_sync()
        with sync.held():
            sync.resume()
            before, directory = sync.known()
            plan = difference(before, wanted)
            return sync.carry_out(Proposal(plan, before, wanted, directory), {})

    def known(self) -> tuple[Roster, IdMap]:
        """What is remembered."""
        return self.new_sync().known()
