"""A place to measure at: one candidate, its workers, and a Redis of its own."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ops.processes.redis_server import PrivateRedis
from ops.simulator import DEFAULT_SCHOOL
from tests.bench.candidates import Candidate
from tests.bench.processes import INTERVAL, Crew, cpu_seconds, memory_mb
from tests.bench.producer import Producer
from tests.bench.samples import UnmeasurableError
from tests.bench.target import Target
from worker.config.settings import environment_with
from worker.ledger.redis_client import connect
from worker.ledger.states import State
from worker.ledger.store import RedisLedger

#: The project's folder.
ROOT = Path(__file__).parents[2]

#: Seconds that operations get to be carried out, for all and for each: limits, not measures.
_PATIENCE, _EACH = 120.0, 0.1

#: Seconds that one question for what was answered may last.
_LOOK = 0.5

#: Operations count up from here, so that all of them have as many digits.
_FIRST = 10_000_000


class Place:
    """Where one candidate works. All times in seconds, by time.monotonic."""

    def __init__(
        self, candidate: Candidate, redis: PrivateRedis, target: Target, home: Path
    ) -> None:
        self.candidate = candidate
        self.redis_url = redis.url
        self.environment = _environment(candidate, redis.url, target.url, home)
        self._redis = redis
        self._target = target
        self._log = home / "workers.log"
        self._crew: Crew | None = None
        self._ledger = RedisLedger(connect(redis.url))
        self._next = _FIRST

    @contextmanager
    def staffed(self) -> Iterator[None]:
        """Have the workers running, and ready, while inside. Raises UnmeasurableError."""
        with Crew(self.candidate.workers, self.environment, self._log) as crew:
            crew.wait_until_said(self.candidate.ready, self.candidate.times)
            self._crew = crew
            yield
            self._crew = None

    def cpu(self) -> float:
        """Give the CPU time that workers and Redis have used so far."""
        return cpu_seconds([*self._pids(), *filter(None, [self._redis.pid])])

    def memory(self) -> float:
        """Give the workers' resident memory, in MB."""
        return memory_mb(self._pids())

    def carry_out(self, manner: str, number: int, latency: float) -> float:
        """Hand operations in, and wait until they are settled; gives how long that took.

        Raises UnmeasurableError.
        """
        before = self._settled() if self.candidate.is_ours else 0
        self._target.begin(latency)
        ends = time.monotonic() + _PATIENCE + _EACH * number
        with self.producer(manner, number) as producer:
            while (at := self._when(before + number)) is None:
                producer.look()
                if self._crew is not None:
                    self._crew.look()
                if time.monotonic() > ends:
                    raise UnmeasurableError(f"{number} operations are not settled in time")
            return at - float(producer.said()["began"])

    def waits(self, number: int) -> list[float]:
        """Hand operations in, now and then; gives how long after that each request arrived."""
        self._target.begin(0.0)
        with self.producer("now and then", number) as producer:
            sent: Mapping[str, float] = producer.said()["sent"]
            self._target.answered(number, _LOOK)
        arrivals = self._target.arrivals()
        if len(arrivals) < number:
            raise UnmeasurableError(f"{number - len(arrivals)} operations have not arrived")
        return [arrivals[int(name)] - at for name, at in sent.items()]

    def producer(self, manner: str, number: int) -> Producer:
        """Start to hand operations in, with numbers that were not used here."""
        numbers = range(self._next, self._next + number)
        self._next = numbers.stop
        return Producer(self.candidate, self.environment, manner, numbers)

    def queued(self) -> int:
        """Count what waits for our workers."""
        return self._ledger.counts().by_state()[State.QUEUED]

    def _pids(self) -> list[int]:
        return self._crew.pids if self._crew is not None else []

    def _when(self, number: int) -> float | None:
        """Wait a little for so many to be settled; gives when they were, or None.

        Of the peers, who keep no account, what was answered counts as settled: that is a little
        early.
        """
        if not self.candidate.is_ours:
            return self._target.answered(number, _LOOK)
        time.sleep(INTERVAL)
        return time.monotonic() if self._settled() >= number else None

    def _settled(self) -> int:
        counts = self._ledger.counts().by_state()
        settled = sum(number for state, number in counts.items() if state.settled)
        if settled != counts[State.SUCCEEDED]:
            raise UnmeasurableError("operations did not succeed")
        return settled


@contextmanager
def place(candidate: Candidate, target: Target) -> Iterator[Place]:
    """Make a place, with a Redis that syncs once a second; all is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home = Path(folder)
        with PrivateRedis(home, home / "redis.sock") as redis:
            yield Place(candidate, redis, target, home)


def _environment(
    candidate: Candidate, redis_url: str, target_url: str, home: Path
) -> Mapping[str, str]:
    """Give the variables that all processes of a place have, ours and the peers'."""
    variables = {
        "CLASSIN_HOME": str(home),
        "CLASSIN_BASE_URL": target_url,
        "CLASSIN_SID": DEFAULT_SCHOOL.sid,
        "CLASSIN_SECRET": DEFAULT_SCHOOL.secret,
        "BENCH_SOCKET": str(home / "redis.sock"),
        "BENCH_URL": target_url,
        "BENCH_THREADS": str(candidate.threads),
        "RQ_REDIS_URL": redis_url,
        "PYTHONPATH": str(ROOT),
    }
    # Whoever has compiled code kept away would measure the compiler.
    usual = environment_with({})
    return {name: text for name, text in usual.items() if not name.startswith("PYTHON")} | variables
