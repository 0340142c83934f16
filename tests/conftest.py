"""What the tiers share: a real Redis, a simulator, and settings that name both."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from ops.processes.redis_program import redis_program
from ops.processes.redis_server import PrivateRedis
from ops.simulator import DEFAULT_SCHOOL, SimulatorClient, create_app, in_thread
from producers import Submitter
from tests.redis_server import SharedRedis
from tests.stage import Environment
from worker.errors import UnavailableError
from worker.ledger.redis_client import connect
from worker.ledger.store import RedisLedger

# The same examples each time, however slow the machine; `make test-long` tries more of them.
for profile, examples in (("short", 50), ("long", 500)):
    hypothesis_settings.register_profile(
        profile,
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
hypothesis_settings.load_profile("short")


def pytest_configure(config: pytest.Config) -> None:
    """Let this process, and those that it starts, have a key ring of their own."""
    folder = tempfile.mkdtemp(prefix="cq-keys-")
    os.environ["XDG_CONFIG_HOME"] = folder
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_report_header() -> str:
    """Say which server the tests run on."""
    try:
        program = redis_program()
    except UnavailableError as missing:
        return str(missing)
    return f"server: {program} ({program.path})"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for a private Redis; its path is short, as a socket's must be."""
    path = Path(tempfile.mkdtemp(prefix="cq-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def _need_redis() -> None:
    """Without a server: fail in CI, skip at home."""
    try:
        redis_program()
    except UnavailableError as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[SharedRedis]:
    """One Redis for all tests of this process that need none of their own; `empty` it first."""
    _need_redis()
    with tempfile.TemporaryDirectory(prefix="cq-") as folder:
        home = Path(folder)
        with PrivateRedis(home, home / "redis.sock", durable=False) as server:
            shared = SharedRedis(server)
            yield shared
            shared.close()


@pytest.fixture
def server(shared_redis: SharedRedis) -> SharedRedis:
    """An empty Redis; `connected = False` takes it away."""
    shared_redis.empty()
    return shared_redis


@pytest.fixture
def redis(home: Path) -> Iterator[PrivateRedis]:
    """A Redis of the test's own."""
    _need_redis()
    with PrivateRedis(home, home / "redis.sock") as server:
        yield server


@pytest.fixture
def simulator() -> Iterator[SimulatorClient]:
    """A pretend ClassIn that answers over HTTP."""
    with in_thread(create_app()) as url:
        yield SimulatorClient(url)


@pytest.fixture
def environment(home: Path, redis: PrivateRedis, simulator: SimulatorClient) -> Environment:
    """Variables that name the test's Redis and simulator, with waits that cost no patience."""
    del redis  # only has to run
    environment = Environment({})
    environment.set(
        home=str(home),
        base_url=simulator.base_url,
        sid=DEFAULT_SCHOOL.sid,
        secret=DEFAULT_SCHOOL.secret,
        first_wait="0.05s",
        longest_wait="0.2s",
        rescue_every="0.2s",
        late_window="0.2s",
        worker_processes="1",
        threads="16",
    )
    return environment


@pytest.fixture
def ledger(environment: Environment) -> RedisLedger:
    """The ledger in the test's Redis."""
    settings = environment.settings
    return RedisLedger(connect(settings.ledger_url), keyring=settings.keyring)


@pytest.fixture
def submitter(environment: Environment) -> Submitter:
    """What takes the test's operations in."""
    return Submitter.from_settings(environment.settings)
