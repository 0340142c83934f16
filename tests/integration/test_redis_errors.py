"""What keeps a real Redis from taking writes is told by its code, whatever its version says."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import pytest
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from ops.processes.redis_server import PrivateRedis
from tests.claiming import try_claim
from worker.errors import RedisUnavailableError, ScriptError
from worker.keyring import KeyRing
from worker.ledger.record import Submission
from worker.ledger.redis_client import connect
from worker.ledger.redis_errors import TROUBLES, error_code
from worker.ledger.schedule_models import Job
from worker.ledger.schedule_store import ScheduleStore
from worker.ledger.script_runner import try_write
from worker.ledger.store import RedisLedger

JOB = Job(name="nightly", cron="@daily", tz="UTC", words=("report",))
RECORD = Submission(id="a", operation="edit_course", school="main", fields={})


@pytest.fixture
def admin(redis: PrivateRedis) -> Redis:
    """Who brings the server into trouble."""
    return connect(redis.url)


def fill(admin: Redis, home: Path) -> None:
    """Leave no room."""
    del home
    admin.config_set("maxmemory", "1")


def demote(admin: Redis, home: Path) -> None:
    """Make a replica of it."""
    del home
    admin.replicaof("127.0.0.1", 1)


def break_saving(admin: Redis, home: Path) -> None:
    """Let it fail to write its file: there is a folder of that name."""
    (home / "dump.rdb").mkdir()
    admin.config_set("save", "3600 1")
    admin.bgsave()
    until = monotonic() + 10
    while admin.info("persistence")["rdb_last_bgsave_status"] == "ok":
        assert monotonic() < until
        sleep(0.01)


def lose_replicas(admin: Redis, home: Path) -> None:
    """Let it ask for a replica."""
    del home
    admin.config_set("min-replicas-to-write", "1")


MISHAPS = [
    ("OOM", fill), ("READONLY", demote), ("MISCONF", break_saving), ("NOREPLICAS", lose_replicas),
]  # fmt: skip


@pytest.mark.parametrize(("code", "mishap"), MISHAPS)
def test_what_keeps_redis_from_writing_is_told_by_its_code(
    admin: Redis, home: Path, code: str, mishap: Callable[[Redis, Path], None]
) -> None:
    """By a script, by a plain write, and by the trial of one."""
    mishap(admin, home)

    for write in (
        lambda: RedisLedger(admin).submit([RECORD]),
        lambda: RedisLedger(admin).set_paces({"main": 100}),
        lambda: ScheduleStore(admin, keyring=KeyRing.in_memory()).add(JOB),
        lambda: try_write(admin),
    ):
        with pytest.raises(RedisUnavailableError) as error:
            write()
        assert error.value.code == code
        assert str(error.value) == f"Redis {TROUBLES[code].said}"
    admin.config_set("save", "")  # so that it can stop


@contextmanager
def busy(redis: PrivateRedis, admin: Redis) -> Iterator[None]:
    """Let a script run all the while."""
    admin.config_set("lua-time-limit", "1")

    def run() -> None:
        with pytest.raises(ResponseError):
            connect(redis.url).eval("while true do end", 0)

    script = Thread(target=run)
    script.start()
    until = monotonic() + 10
    while not _is_busy(admin):
        assert monotonic() < until
    yield
    admin.script_kill()
    script.join()


def _is_busy(admin: Redis) -> bool:
    try:
        admin.ping()
    except RedisError as error:
        return error_code(error) == "BUSY"
    return False


def test_a_redis_that_is_busy_says_so(redis: PrivateRedis, admin: Redis) -> None:
    """To one command as to many in one go."""
    ledger = RedisLedger(admin)
    with busy(redis, admin):
        for ask in (lambda: ledger.submit([RECORD]), lambda: ledger.find("a")):
            with pytest.raises(RedisUnavailableError, match="is busy with a script") as error:
                ask()
            assert error.value.code == "BUSY"


def test_a_password_that_is_missing_or_wrong_is_told(redis: PrivateRedis, admin: Redis) -> None:
    """Each with what to do about it."""
    admin.config_set("requirepass", "right")
    try:
        for url, code in (
            (redis.url, "NOAUTH"),
            (redis.url.replace("unix://", "unix://:wrong@"), "WRONGPASS"),
        ):
            with pytest.raises(RedisUnavailableError) as error:
                RedisLedger(connect(url)).find("a")
            assert error.value.code == code
    finally:
        admin.config_set("requirepass", "")


def school_user(redis: PrivateRedis, admin: Redis, *, keys: str, commands: list[str]) -> Redis:
    """Connect as somebody who may not do all."""
    admin.acl_setuser("school", enabled=True, nopass=True, keys=[keys], commands=commands)
    return connect(redis.url.replace("unix://", "unix://school:any@"))


def test_a_user_who_may_not_write_our_keys_is_told(redis: PrivateRedis, admin: Redis) -> None:
    """Before Redis 7 only the trial of a write has the code."""
    user = school_user(redis, admin, keys="other", commands=["+@all"])

    for write in (lambda: RedisLedger(user).submit([RECORD]), lambda: try_write(user)):
        with pytest.raises(RedisUnavailableError) as error:
            write()
        assert error.value.code == "NOPERM"


def test_a_user_without_a_command_of_the_scripts_is_no_fault_of_a_record(
    redis: PrivateRedis, admin: Redis
) -> None:
    """The trial does what scripts do; it tells such a user from a script that fails."""
    user = school_user(redis, admin, keys="*", commands=["+@all", "-hset"])

    for write in (lambda: RedisLedger(user).submit([RECORD]), lambda: try_write(user)):
        with pytest.raises(RedisUnavailableError, match="does not let scripts write"):
            write()


def test_a_script_that_fails_on_what_it_finds_is_told_apart(admin: Redis) -> None:
    """Redis takes writes: it is the script that cannot go on."""
    ledger = RedisLedger(admin)
    admin.set("classin:op:a", "no record")

    with pytest.raises(ScriptError, match=r"^the script `report_and_claim` failed: [^\n]+$"):
        try_claim(ledger, "a", "lease", "worker", 10)

    assert admin.exists("classin:trial") == 0


def test_a_pipeline_names_the_trouble_and_not_the_command(admin: Redis, home: Path) -> None:
    """Its command may hold what is no business of a log."""
    fill(admin, home)
    pipeline = admin.pipeline(transaction=False)
    pipeline.hset("classin:source:x", "name", "Ada")

    with pytest.raises(ResponseError) as error:
        pipeline.execute()

    assert error_code(error.value) == "OOM"
    assert "Ada" not in str(error.value)


def test_a_client_connects_anew_to_what_has_become_a_replica(admin: Redis, home: Path) -> None:
    """Behind the same name there may be another server now."""
    first = admin.client_id()
    demote(admin, home)

    with pytest.raises(RedisError):
        admin.set("a", "b")

    assert admin.client_id() != first
