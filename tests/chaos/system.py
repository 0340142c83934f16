"""The system that a trial is made on: its parts, what can be done to them, and what they tell."""

import os
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random

from kombu.exceptions import OperationalError

from ops.admin.retry import RetryService, Wanted
from ops.processes.redis_server import PrivateRedis
from ops.simulator import Seed, SimulatorClient, create_app, in_thread
from producers import Submitter
from producers.retry.edits import Setting
from tests.chaos.crew import Crew
from tests.chaos.mender import Mender
from tests.chaos.producer import Producer, batch_of
from tests.chaos.receiver import SECRET, Receiver, receiver
from tests.chaos.trouble import LATE
from tests.chaos.verdict import Evidence
from tests.chaos.work import PACES, Step
from worker.broker.queue import Queues, build_queues
from worker.classin.school import School
from worker.config.settings import from_env
from worker.errors import UnavailableError
from worker.ledger.audit import Audit
from worker.ledger.keys import PREFIX as QUEUE
from worker.ledger.record import Record
from worker.ledger.redis_client import connect
from worker.ledger.states import WebhookState
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter, ReadyRecord

#: Records read together.
_PAGE = 500

#: The variable that names another broker than the trial's own Redis, for the queue.
BROKER = "CLASSIN_BROKER_URL"

#: Waits that suit a trial of minutes.
_WAITS = {
    "CLASSIN_ATTEMPTS": "3",
    "CLASSIN_FIRST_WAIT": "0.1s",
    "CLASSIN_LONGEST_WAIT": "0.4s",
    "CLASSIN_DEFERRALS": "1s 2s 4s",
    "CLASSIN_THROTTLED_WAIT": "1s",
    "CLASSIN_CONNECT_TIMEOUT": "0.5s",
    "CLASSIN_REPLY_TIMEOUT": "4s",
    "CLASSIN_LEASE": "5s",
    "CLASSIN_RESCUE_EVERY": "1s",
    "CLASSIN_ADRIFT_AFTER": "5s",
    "CLASSIN_LOOKS": "1s 2s",
    "CLASSIN_PACE": " ".join(f"{name}={pace * 60:.0f}/m" for name, pace in PACES.items()),
    "CLASSIN_WEBHOOK_SECRET": SECRET,
    "CLASSIN_LATE_WINDOW": f"{2 * LATE:.1f}s",
}

#: Where a webhook stands when nothing more is to be told.
_TOLD = frozenset({WebhookState.DELIVERED, WebhookState.GIVEN_UP})

#: The crew kills the process that it starts; with a supervisor between, workers would but end.
_SIZE = {"CLASSIN_WORKER_PROCESSES": "1", "CLASSIN_THREADS": "16"}


class System:
    """Redis, ledger, queues, ClassIn, workers, and who hears of batches."""

    def __init__(
        self,
        redis: PrivateRedis,
        simulator: SimulatorClient,
        crew: Crew,
        receiver: Receiver,
        variables: Mapping[str, str],
    ) -> None:
        self._settings = settings = from_env(variables)
        self._redis = redis
        self._queues: Queues = build_queues(settings)
        self.simulator = simulator
        self.crew = crew
        self.receiver = receiver
        self.ledger = RedisLedger(connect(settings.ledger_url), keyring=settings.keyring)
        self.submitter = Submitter(settings, self.ledger, self._queues)

    def kill_redis(self) -> None:
        """End Redis without a warning."""
        if self._redis.pid is not None:
            os.kill(self._redis.pid, signal.SIGKILL)

    def start_redis(self) -> None:
        """Start Redis again, with the data that it had."""
        self._redis.start()

    def kill_rescuer(self) -> None:
        """Kill the worker that looks after what is due; all, where its name does not tell which."""
        holder = self.ledger.holder("rescue") or ""
        named = [int(text) for text in re.findall(r"\b\d+\b", holder)]
        alive = self.crew.alive
        self.crew.kill([pid for pid in alive if pid in named] or alive)

    def lose_messages(self) -> int:
        """Empty the queue, of whatever broker; gives how many messages were lost.

        Raises UnavailableError.
        """
        with self._queues.connection_for_write() as connection:
            no_answer: tuple[type[BaseException], ...]
            no_answer = (OperationalError, OSError, *connection.connection_errors)
            try:
                queue = self._queues.amqp.queues[QUEUE].bind(connection.default_channel)
                return queue.purge() or 0
            except no_answer as error:
                raise UnavailableError(f"the queue cannot be emptied: {error}") from error

    def send_again(self, records: Sequence[ReadyRecord]) -> None:
        """Put one more message for each on the queue. Raises UnavailableError."""
        self._queues.publish(records)

    def retry(self, record_id: str, step: Step) -> list[str]:
        """Try a record again with what mends it, as a person does; return the new records' ids.

        Raises InvalidInputError and UnavailableError.
        """
        redis = connect(self._settings.ledger_url)
        ledger = RedisLedger(redis, keyring=self._settings.keyring)
        retrying = RetryService(Submitter(self._settings, ledger), ledger, Audit(redis), "trial")
        settings = [Setting(name, value) for name, value in (step.mended or {}).items()]
        wanted = Wanted(ids=[record_id], settings=settings)
        tried = list(retrying.retry(retrying.preview(wanted), wanted))
        return [receipt.id for each in tried for receipt in each.receipts]

    def all_told(self, handfuls: Sequence[Sequence[Step]]) -> bool:
        """Say whether the receiver has taken what there is to tell of these batches."""
        with suppress(UnavailableError):
            return all(self._is_told(batch_of(each)) for each in handfuls if len(each) > 1)
        return False

    def _is_told(self, batch: str) -> bool:
        about = self.ledger.batches.info(batch)
        webhook = about.webhook if about else None
        return webhook is not None and webhook.complete and webhook.told in _TOLD

    def is_quiet(self) -> bool:
        """Say whether nothing is under way, and no message waits."""
        with suppress(UnavailableError):
            states = +self.ledger.counts().by_state()
            return all(state.settled for state in states) and self._queues.is_empty()
        return False

    def evidence(
        self, producer: Producer, handfuls: Sequence[Sequence[Step]], mender: Mender
    ) -> Evidence:
        """Gather all that is known of what was handed in."""
        return Evidence(
            {number: due.id for number, due in producer.receipts.items()},
            list(self._records()),
            self.simulator.journal(),
            self.simulator.state(),
            batches={batch_of(each): len(each) for each in handfuls if len(each) > 1},
            news=self.receiver.news,
            retries=mender.told,
        )

    def _records(self) -> Iterator[Record]:
        cursor = None
        while True:
            page = self.ledger.page(Filter(), _PAGE, cursor)
            yield from page.records
            if (cursor := page.cursor) is None:
                return


@contextmanager
def system(
    home: Path, schools: Sequence[School], world: Seed, workers: int, random: Random
) -> Iterator[System]:
    """Start all parts, with data and logs in `home`; they are gone afterwards.

    `random`: the luck of who hears of batches. A broker that the environment names runs already.
    Raises UnavailableError if a part does not start.
    """
    tables = (f'[{one.name}]\nsid = "{one.sid}"\nsecret = "{one.secret}"\n' for one in schools)
    (home / "schools.toml").touch(0o600)
    (home / "schools.toml").write_text("\n".join(tables), encoding="utf-8")
    # Its rates are off: with waits of a second nobody lets pass the five that they ask for.
    app = create_app(world, {one.sid: one.secret for one in schools}, rates=False)
    with ExitStack() as stack:
        redis = stack.enter_context(PrivateRedis(home, home / "redis.sock"))
        url = stack.enter_context(in_thread(app))
        told = stack.enter_context(receiver(random))
        variables = {
            **_WAITS,
            **_SIZE,
            BROKER: os.environ.get(BROKER, ""),
            "CLASSIN_HOME": str(home),
            "CLASSIN_BASE_URL": url,
            "CLASSIN_SCHOOLS": str(home / "schools.toml"),
        }
        crew = stack.enter_context(Crew(workers, variables, home))
        yield System(redis, SimulatorClient(url, timeout=60), crew, told, variables)
