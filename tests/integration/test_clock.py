"""A Redis whose clock goes back by two hours, as at a start in another time zone."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from ops.doctor import examine_redis
from ops.processes.redis_program import redis_program
from tests.claiming import try_claim
from tests.stage import Environment, until
from worker.errors import UnavailableError
from worker.ledger.record import Submission
from worker.ledger.redis_client import connect
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Transition

STEP = 7200

#: Where the library lies that lets a process see another time.
_PLACES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib*/faketime/libfaketime.so.1")


@dataclass
class RedisInTime:
    """A Redis whose clock can be set."""

    url: str
    client: Redis
    setting: Path

    def set_back(self, seconds: int) -> None:
        """Let its clock be behind by so much, and wait until it is."""
        before = self.client.time()[0]
        self.setting.write_text(f"-{seconds}")
        until(lambda: self.client.time()[0] < before - seconds / 2, "its clock is set back")


@pytest.fixture
def redis_in_time(home: Path) -> Iterator[RedisInTime]:
    """A Redis with a clock of its own; skipped where there is no libfaketime, or no server."""
    found = [each for place in _PLACES for each in Path("/").glob(place.lstrip("/"))]
    if not found:
        pytest.skip("there is no libfaketime (Debian and Ubuntu: apt install libfaketime)")
    try:
        program = redis_program()
    except UnavailableError as missing:
        pytest.skip(str(missing))
    setting = home / "time"
    setting.write_text("+0")
    socket = home / "timed.sock"
    process = subprocess.Popen(
        [program.path, "--port", "0", "--unixsocket", socket, "--dir", home, "--save", ""],
        env={
            **os.environ,
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(setting),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        },
        stdout=subprocess.DEVNULL,
    )
    try:
        until(socket.exists, "Redis listens")
        url = f"unix://{socket}"
        yield RedisInTime(url, connect(url), setting)
    finally:
        process.kill()
        process.wait()


def test_nothing_waits_for_a_clock_that_went_back(redis_in_time: RedisInTime) -> None:
    """Leases, due times and rights end when they would have; people are told of the step."""
    ledger = RedisLedger(redis_in_time.client)
    ids = ["leased", "deferred"]
    ledger.submit(
        [Submission(id=each, operation="edit_course", school="main", fields={}) for each in ids]
    )
    assert try_claim(ledger, "leased", "one", "w", 2) is not None
    claim = try_claim(ledger, "deferred", "two", "w", 2)
    assert claim is not None
    ledger.advance(claim, Transition(state=State.DEFERRED, due_in=2), None)
    assert ledger.acquire_lock("rescue", "one", 2)

    redis_in_time.set_back(STEP)

    found: set[str] = set()

    def all_come_back() -> bool:
        found.update(each.id for each in ledger.requeue_due(10, orphans=True))
        return found == {*ids} and ledger.acquire_lock("rescue", "other", 2)

    until(all_come_back, "all of it comes back")
    step = ledger.clock_state()
    assert STEP - 60 < step.stepped_by / 1000 <= STEP
    assert abs(step.ahead - step.stepped_by) < 1000


def test_the_doctor_says_that_the_clock_went_back(
    redis_in_time: RedisInTime, environment: Environment
) -> None:
    """Though no script has met it yet: no worker is about."""
    environment.set(redis_url=redis_in_time.url)
    RedisLedger(redis_in_time.client).acquire_lock("anything", "anybody", 1)
    redis_in_time.set_back(STEP)
    said = {each.subject: each.said for each in examine_redis(environment.settings)}
    assert said["clock of Redis"].startswith("went back by ")
