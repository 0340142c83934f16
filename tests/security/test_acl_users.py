"""Redis's users, as docker-compose starts them: what each of them may do, and what none may."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import httpx
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from ops.processes.redis_program import redis_program
from ops.processes.supervisor import classin as command_line
from ops.simulator import DEFAULT_SCHOOL, SimulatorClient
from tests.stage import PATIENCE, Command, Environment, WorkerProcess, start, until
from worker.errors import UnavailableError
from worker.ledger.redis_client import connect
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter

ROOT = Path(__file__).parents[2]

#: The oldest server that knows rules for keys and commands together.
OLDEST = (7, 0)

_PASSWORDS = {name: f"{name}0canary" for name in ("classin", "sis", "looker")}

#: How another Celery hands an operation in, as the README says.
_SUBMIT = """
from sys import argv
from celery import Celery
sis = Celery("sis", broker=argv[1])
print(sis.send_task("classin.create_folder", kwargs={"folderId": 747759, "folderName": argv[2]},
                    queue="classin", headers={"school": "main"}, priority=int(argv[3])).id)
"""

#: Connects to the server as one of its users.
As = Callable[[str], "Redis"]


def _compose_command(home: Path) -> str:
    """Return the shell line by which docker-compose starts Redis, its places moved into a home."""
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    block = compose.partition("      - -c\n      - |\n")[2].partition("    environment:\n")[0]
    script = dedent(block)
    assert script.startswith("exec redis-server")
    place = f"dir {home}\nport 0\nunixsocket {home}/redis.sock\nuser root on >root ~* &* +@all"
    moved = script.replace("$$", "$").replace("dir /data", place)
    return moved.replace("/etc/redis-acl.conf", str(ROOT / "ops" / "redis-acl.conf"))


def _client(home: Path, user: str, password: str) -> Redis:
    return Redis(
        unix_socket_path=f"{home}/redis.sock",
        username=user,
        password=password,
        decode_responses=True,
    )


@pytest.fixture
def server(home: Path) -> Iterator[Path]:
    """The server as docker-compose starts it; gives its folder."""
    try:
        program = redis_program()
    except UnavailableError as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    if program.number < OLDEST:
        pytest.skip(f"{program} knows no rules for keys and commands together")
    (home / "redis-server").symlink_to(program.path)
    passwords = {f"{name.upper()}_PASSWORD": word for name, word in _PASSWORDS.items()}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _compose_command(home)],
            env={"PATH": f"{home}:/usr/bin:/bin", **passwords},
            stdout=log,
            stderr=log,
        )

    def answers() -> bool:
        assert process.poll() is None, (home / "log").read_text(encoding="utf-8")
        try:
            return bool(_client(home, "root", "root").ping())
        except RedisError:
            return False

    until(answers, "the server answers")
    yield home
    process.terminate()
    process.wait(30)


@pytest.fixture
def connect_as(server: Path) -> As:
    """Connect as a user, by name."""
    return lambda name: _client(server, name, _PASSWORDS[name])


@pytest.fixture
def denied(server: Path) -> Callable[[], Sequence[str]]:
    """Tell what the server has denied so far."""

    def told() -> Sequence[str]:
        found = _client(server, "root", "root").acl_log()
        return [f"{each['username']} {each['object']}" for each in found]

    return told


def _environment(home: Path, user: str, simulator: SimulatorClient) -> Environment:
    environment = Environment({})
    environment.set(
        home=str(home),
        redis_url=f"unix://{user}:{_PASSWORDS[user]}@{home}/redis.sock",
        base_url=simulator.base_url,
        sid=DEFAULT_SCHOOL.sid,
        secret=DEFAULT_SCHOOL.secret,
        rescue_every="0.2s",
        worker_processes="1",
        threads="8",
    )
    return environment


@pytest.fixture
def ours(server: Path, simulator: SimulatorClient) -> Environment:
    """The settings of who runs as `classin`."""
    return _environment(server, "classin", simulator)


@pytest.fixture
def worker(ours: Environment, tmp_path: Path) -> Iterator[WorkerProcess]:
    """A worker process of the user `classin`, not yet started."""
    process = WorkerProcess(ours, tmp_path / "worker.log")
    yield process
    process.kill()


def _submit_as_sis(home: Path, name: str, priority: int = 0) -> str:
    broker = f"redis+socket://sis:{_PASSWORDS['sis']}@{home}/redis.sock"
    done = subprocess.run(
        [sys.executable, "-c", _SUBMIT, broker, name, str(priority)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_all_of_the_system_runs_as_the_shipped_user(
    ours: Environment, worker: WorkerProcess, denied: Callable[[], Sequence[str]]
) -> None:
    """All processes want no right that `classin` lacks: else operators would give it everything."""
    worker.start()
    classin = Command(ours)
    with _running(ours, "beat"), _running(ours, "gateway", "--port", "0") as gateway:
        _story(classin)
        _story_over_http(classin, gateway)
    worker.stop()

    assert denied() == []


@contextmanager
def _running(environment: Environment, *words: str) -> Iterator[Callable[[], str]]:
    """Let a command run beside the story; tells what it has said."""
    with tempfile.NamedTemporaryFile() as log:
        process = start(command_line(*words), environment, stdout=log, stderr=log)
        yield lambda: Path(log.name).read_text(encoding="utf-8")
        process.terminate()
        assert process.wait(60) == 0


def _story(classin: Command) -> None:
    """Do most of what an operator does."""
    for words in (
        ("enqueue", "create_folder", "folderId=747759", "folderName=u", "--wait"),
        ("enqueue", "edit_course", "courseId=404404", "courseName=none"),
        ("ls",),
        ("stats", "--since", "10m"),
        ("lanes",),
        ("schools",),
        ("pause", "main"),
        ("resume", "main"),
        ("schedule", "add", "nightly", "--cron", "0 5 * * 0", "--", "retry", "--nightly"),
        ("schedule", "run", "nightly"),
        ("retry", "--state", "failed", "--force", "--yes"),
        ("keys", "add", "client"),
        ("keys", "revoke", "client"),
        ("report",),
        ("prune", "--yes"),
        ("audit",),
        ("doctor",),
    ):
        done = classin(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    ran = "succeeded"
    until(lambda: ran in classin("schedule", "ls").stdout, "the beat has carried the job out")


def _story_over_http(classin: Command, gateway: Callable[[], str]) -> None:
    """Hand an operation in, and wait for its end."""
    token = classin("keys", "add", "http", "--rate", "100/m").stdout.strip()
    until(lambda: "described at" in gateway(), "the gateway listens")
    address = gateway().partition("gateway: ")[2].partition(",")[0]
    headers = {"authorization": f"Bearer {token}", "idempotency-key": "once"}
    body = {"operation": "create_folder", "fields": {"folderId": 747759, "folderName": "http"}}
    with httpx.Client(base_url=address, headers=headers, timeout=PATIENCE) as client:
        place = client.post("/v1/operations", json=body).headers["location"]
        assert client.get(place, params={"wait": 60}).json()["state"] == "succeeded"
        assert client.get("/healthz").status_code == 200


def test_another_celery_hands_operations_in(
    server: Path, ours: Environment, worker: WorkerProcess, denied: Callable[[], Sequence[str]]
) -> None:
    """Plain `send_task` of the user `sis` works, at any priority, and needs no more rights."""
    ids = [_submit_as_sis(server, f"folder {n}", n) for n in (0, 3, 6, 9)]
    worker.start()
    ledger = RedisLedger(connect(ours.settings.ledger_url))

    def carried_out() -> set[str]:
        page = ledger.page(Filter(state=State.SUCCEEDED), 10)
        return {each.id for each in page.records}

    until(lambda: carried_out() == set(ids), "all of them are carried out")
    assert denied() == []


#: What somebody who took over a SIS would try with its user of Redis.
ATTACKS: Sequence[tuple[str | int, ...]] = (
    ("HGETALL", "classin:op:5sxsmjnvzf5wq4sm"),
    ("HSET", "classin:api-keys", "0badc0de", "{}"),
    ("HSET", "classin:job:evil", "command", "enqueue"),
    ("SADD", "classin:jobs", "evil"),
    ("DEL", "classin:audit"),
    ("LRANGE", "classin", 0, -1),
    ("LRANGE", "classin\x06\x163", 0, -1),
    ("RPOP", "classin"),
    ("BRPOP", "classin", 1),
    ("DEL", "classin"),
    ("SADD", "classin", "of another type"),
    ("LPUSH", "_kombu.binding.classin", "of another type"),
    ("LPUSH", "classin:events", "x"),
    ("LPUSH", "classin:ill-formed", "x"),
    ("SADD", "_kombu.binding.celery.pidbox", "x"),
    ("LPUSH", "celery@host.celery.pidbox", "[]"),
    ("PUBLISH", "/0.celery.pidbox", "[]"),
    ("PUBLISH", "anything", "[]"),
    ("SUBSCRIBE", "/0.celeryev"),
    ("PSUBSCRIBE", "*"),
    ("EVAL", "return redis.call('HGETALL', 'classin:api-keys')", 0),
    ("EVAL", "return 1", 0),
    ("SCRIPT", "LOAD", "return 1"),
    ("FUNCTION", "LOAD", "#!lua name=x\n"),
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("CONFIG", "GET", "*"),
    ("CONFIG", "SET", "dir", "/"),
    ("ACL", "LIST"),
    ("ACL", "SETUSER", "sis", "+@all"),
    ("KEYS", "*"),
    ("SCAN", "0"),
    ("RANDOMKEY",),
    ("DBSIZE",),
    ("INFO",),
    ("MONITOR",),
    ("CLIENT", "LIST"),
    ("CLIENT", "KILL", "TYPE", "normal"),
    ("MODULE", "LIST"),
    ("REPLICAOF", "127.0.0.1", "6379"),
    ("SHUTDOWN", "NOSAVE"),
    ("SAVE",),
    ("SELECT", "1"),
    ("SWAPDB", "0", "1"),
)


def test_another_celery_can_push_and_nothing_else(connect_as: As) -> None:
    """Who has the password of a SIS reads no record, writes no job or key, and stops no worker."""
    sis = connect_as("sis")

    assert {attack for attack in ATTACKS if not _is_refused(sis, attack)} == set()


#: What is the server's own: also who took over a worker gets no further into its machine with it.
OF_THE_SERVER: Sequence[tuple[str | int, ...]] = (
    ("CONFIG", "GET", "*"),
    ("CONFIG", "SET", "dir", "/"),
    ("ACL", "LIST"),
    ("ACL", "SETUSER", "classin", "+@all"),
    ("MODULE", "LIST"),
    ("FUNCTION", "LOAD", "#!lua name=x\n"),
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("KEYS", "*"),
    ("MONITOR",),
    ("SAVE",),
    ("SHUTDOWN", "NOSAVE"),
    ("REPLICAOF", "127.0.0.1", "6379"),
    ("MIGRATE", "127.0.0.1", "6379", "classin:events", "0", "10"),
    ("SCRIPT", "FLUSH"),
    ("GET", "of-another-application"),
    ("SET", "of-another-application", "x"),
    ("PUBLISH", "of-another-application", "x"),
)


def test_a_worker_taken_over_does_not_own_the_server(connect_as: As) -> None:
    """Who has the password of `classin` has the ledger, but neither the server nor other keys."""
    ours = connect_as("classin")

    assert {attack for attack in OF_THE_SERVER if not _is_refused(ours, attack)} == set()


def test_who_only_looks_changes_nothing(
    server: Path, ours: Environment, simulator: SimulatorClient, connect_as: As
) -> None:
    """Who has the password of `looker` sees operations, and can neither change nor submit any."""
    Command(ours)("enqueue", "create_folder", "folderId=747759", "folderName=seen")
    classin = Command(_environment(server, "looker", simulator))

    for words in (("ls",), ("stats",), ("lanes",), ("schools",)):
        assert classin(*words).returncode == 0, words
    assert classin("pause", "main").returncode == 1
    assert classin("keys", "add", "mine").returncode == 1
    refused = (*OF_THE_SERVER, *(each for each in ATTACKS if each[0] in {"HSET", "SADD", "LPUSH"}))
    refused = (*refused, ("EVAL", "return redis.call('SET', 'classin:trial', 'x')", 0))
    looker = connect_as("looker")
    assert {attack for attack in refused if not _is_refused(looker, attack)} == set()


def test_nobody_comes_in_without_a_name(server: Path) -> None:
    """Whoever reaches the port and knows no user gets nothing, with any password."""
    for password in (None, "", *_PASSWORDS.values()):
        client = Redis(unix_socket_path=f"{server}/redis.sock", password=password)
        with pytest.raises(AuthenticationError):
            client.ping()


def _is_refused(client: Redis, attack: Sequence[str | int]) -> bool:
    """Whether the server says that this user may not; any other answer is none."""
    try:
        client.execute_command(*attack)  # type: ignore[no-untyped-call]  # untyped in redis-py
    except NoPermissionError:
        return True
    except RedisError as error:
        return "NOPERM" in str(error) or "ACL failure" in str(error)
    return False
