"""Whoever cannot start, or go on, ends with a line that says why, and never with exit code 0."""

import resource
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ops.processes.supervisor import classin as command_line
from tests.stage import PATIENCE, PLAIN_CELERY, Environment, WorkerProcess, until
from worker.broker.queue import build_queues
from worker.config.settings import environment_with
from worker.ledger.redis_client import connect
from worker.runtime.container import WorkerContainer
from worker.runtime.watchdog import STALLED

#: Each way to start a worker.
WORKERS = {
    "alone": command_line("worker", "--processes", "1"),
    "several": command_line("worker", "--processes", "2"),
    "up": command_line("up"),
    "plain Celery": [*PLAIN_CELERY[:-1], "error"],
}


def limited(command: Sequence[str], limits: str) -> list[str]:
    """Write a command that begins with these limits, in words of `ulimit`."""
    return ["sh", "-c", f'ulimit {limits} && exec "$@"', "sh", *command]


def run(command: Sequence[str], environment: Environment) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        command,
        # Celery warns whoever is root, as in a container.
        env={**environment_with(environment.variables), "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def complaint(done: "subprocess.CompletedProcess[str]") -> str:
    """Give the one line that a command which did not start has left."""
    assert done.returncode not in (0, None)
    line, *more = done.stderr.splitlines()
    assert more in ([], ["the worker did not start: exit code 1"])
    return line


@pytest.mark.parametrize("command", WORKERS.values(), ids=WORKERS)
def test_too_few_descriptors_are_told_before_any_thread_stalls(
    environment: Environment, command: list[str]
) -> None:
    """What the threads need, what there is, and what would help."""
    environment.set(threads="1000", redis_url=environment.settings.ledger_url)

    said = complaint(run(limited(command, "-n 1024"), environment))

    for part in ("1000 threads", "3100", "1024", "CLASSIN_THREADS", " 308"):
        assert part in said


@pytest.mark.parametrize("command", [WORKERS["alone"], PLAIN_CELERY], ids=["alone", "plain"])
def test_soft_limit_of_descriptors_is_raised(
    environment: Environment, worker: WorkerProcess, command: Sequence[str]
) -> None:
    """Where the system allows more, a worker takes what it needs."""
    environment.set(threads="100")

    worker.start(limited(command, "-Sn 128"))

    assert worker.process is not None
    assert resource.prlimit(worker.process.pid, resource.RLIMIT_NOFILE)[0] == 400


def test_worker_without_descriptors_ends_visibly(
    environment: Environment, worker: WorkerProcess
) -> None:
    """It does not stall for good, and says what it lacks."""
    environment.set(
        connect_timeout="0.5s", reply_timeout="1s", grace="2s", stalled_after="2s", lease="2s"
    )
    worker.start()
    assert worker.process is not None

    resource.prlimit(worker.process.pid, resource.RLIMIT_NOFILE, (4, 4))

    assert worker.process.wait(PATIENCE) == STALLED
    assert "file descriptor" in worker.said()


@pytest.mark.parametrize("way", ["alone", "several", "plain Celery"])
def test_worker_that_may_not_write_does_not_start(environment: Environment, way: str) -> None:
    """A Redis that answers, and refuses its first word: the exit code says so as well."""
    redis = connect(environment.settings.ledger_url)
    redis.replicaof("127.0.0.1", "1")

    assert "Redis" in complaint(run(WORKERS[way], environment))


@pytest.mark.parametrize(
    "command",
    [
        *(WORKERS[way] for way in ("alone", "up", "plain Celery")),
        *(command_line(*words) for words in (["enqueue", "get_top_folder_id"], ["gateway"])),
        command_line("beat"),
    ],
    ids=["alone", "up", "plain Celery", "enqueue", "gateway", "beat"],
)
def test_broker_address_of_an_unknown_scheme_is_told(
    environment: Environment, command: list[str]
) -> None:
    """By whoever would use it, at once: one line names it, below the one that says of what."""
    environment.set(broker_url="foo://hunter2@x")

    done = run(command, environment)

    assert (done.returncode, done.stdout) == (2, "")
    _, said = done.stderr.splitlines()
    assert "CLASSIN_BROKER_URL: Celery knows no 'foo'" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("way", "url"),
    [
        ("several", "redis://:hunter2@nohost.invalid:6379/0"),
        ("up", "amqp://guest:hunter2@127.0.0.1:1//"),
    ],
)
def test_broker_that_is_away_is_told_at_start(environment: Environment, way: str, url: str) -> None:
    """As a Redis that is away: whoever starts a worker sees it at once."""
    environment.set(broker_url=url)

    done = run(WORKERS[way], environment)

    assert "broker" in complaint(done)
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("words", "query"),
    [(["ls"], "db=x"), (["worker"], "socket_timeout=soon"), (["gateway"], "colour=red")],
)
def test_redis_address_with_an_option_that_is_none(
    environment: Environment, words: list[str], query: str
) -> None:
    """It is said where it stands, without a traceback."""
    environment.set(redis_url=f"redis://:hunter2@localhost:1/0?{query}")

    done = run(command_line(*words), environment)

    assert (done.returncode, done.stdout) == (2, "")
    assert "CLASSIN_REDIS_URL" in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("where", ["/sys/classin", "{file}/home", "/proc/1/classin"])
def test_home_that_cannot_be_written(environment: Environment, tmp_path: Path, where: str) -> None:
    """One line names it, and what would help."""
    file = tmp_path / "file"
    file.touch()
    home = where.format(file=file)
    environment.set(home=home)

    said = complaint(run(command_line("up"), environment))

    assert home in said
    assert "CLASSIN_HOME" in said


def test_gateway_without_its_certificate(environment: Environment, tmp_path: Path) -> None:
    """It is told before the gateway says that it listens."""
    there = str(tmp_path / "nowhere.pem")
    words = ["--port", "0", "--certificate", there, "--private-key", there]

    done = run(command_line("gateway", *words), environment)

    assert (done.returncode, done.stdout) == (2, "")
    assert "--certificate: " in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_every_thread_has_a_connection_to_the_ledger(environment: Environment) -> None:
    """However many threads ask at the same time, none is turned away."""
    threads = 150
    environment.set(threads=str(threads))
    ledger = WorkerContainer(environment.settings, build_queues(environment.settings)).ledger

    with ThreadPoolExecutor(threads) as pool:
        asked = [pool.submit(ledger.events.after, "$", 1, 1.0) for _ in range(threads)]
        assert [each.result() for each in asked] == [[]] * threads


@pytest.fixture
def short_lived() -> Iterator[Path]:
    """A folder whose path is short, as that of a socket in it must be."""
    with TemporaryDirectory(prefix="cd-") as path:
        yield Path(path)


def test_demonstration_that_is_ended_leaves_nothing_running(short_lived: Path) -> None:
    """Its Redis, simulator and worker end with it, and it does not claim success."""
    demo = subprocess.Popen(
        command_line("demo"),
        env={**environment_with({}), "TMPDIR": str(short_lived)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    until(lambda: any(short_lived.glob("*/home/worker.log")), "the demonstration has begun")

    demo.terminate()

    _, said = demo.communicate(timeout=PATIENCE)
    assert (demo.returncode, said.strip()) == (1, b"")
    assert list(short_lived.iterdir()) == []
