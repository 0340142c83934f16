"""Passwords on their way through a real Redis: nobody who reads all of it finds one."""

from collections.abc import Callable
from pathlib import Path

from redis import Redis

from ops.simulator import SimulatorClient
from ops.simulator.faults import FaultRule
from producers import Submitter
from producers.retry.service import retry
from tests.stage import Command, Environment, WorkerProcess, until
from worker.ledger.redis_client import connect
from worker.ledger.states import State

MD5 = "5d41402abc4b2a76b9719d911017c592"
PHONE = {"telephone": "13912345678"}
FIRST, SECOND, THIRD = "Kirsche-72-Baum", "Apfel-31-Zweig", "Birne-45-Blatt"


def everything_in(redis: "Redis") -> str:
    """Write out all keys with all that they hold."""
    read: dict[str, Callable[[str], object]] = {
        "string": redis.get,
        "hash": redis.hgetall,
        "list": lambda key: redis.lrange(key, 0, -1),
        "set": redis.smembers,
        "zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
        "stream": redis.xrange,
    }
    return "\n".join(f"{key} {read[str(redis.type(key))](key)}" for key in redis.scan_iter())


def found(redis: "Redis", home: Path, worker: WorkerProcess) -> list[str]:
    """Give which of the passwords lie in Redis, in its files, or in what the worker wrote."""
    files = b"\n".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    text = "\n".join([everything_in(redis), files.decode(errors="replace"), worker.said()])
    assert PHONE["telephone"] in text  # it would be found
    return [each for each in (FIRST, SECOND, THIRD, MD5) if each in text]


def test_a_password_lies_nowhere_in_redis(
    worker: WorkerProcess,
    environment: Environment,
    home: Path,
    simulator: SimulatorClient,
    submitter: Submitter,
    classin: Command,
) -> None:
    """Neither while it waits, nor when it was refused and tried again; ClassIn gets it right."""
    redis = connect(environment.settings.ledger_url)
    simulator.faults(FaultRule(operation="register", match=PHONE, first=1, code=137))
    account = {**PHONE, "password": FIRST}
    users = [
        {"telephone": "13912345679", "password": SECOND},
        {"email": "ada@school.example", "md5pass": MD5},
    ]
    one = submitter.submit("register", account, dedup_key="ada")
    several = submitter.submit("register_multiple", {"userJson": users})
    assert classin("enqueue", "register", "email=b@school.example", f"password={THIRD}").stdout
    assert found(redis, home, worker) == []

    worker.start()
    refused = one.wait(60)
    (again,) = retry(submitter, one.id)

    assert (refused.state, refused.code) == (State.FAILED, 137)
    assert {each.wait(60).state for each in (again, several)} == {State.SUCCEEDED}
    until(lambda: simulator.applied("register", email="b@school.example") == 1, "all is done")
    assert found(redis, home, worker) == []
    sent = simulator.journal("register")
    assert {entry.fields["password"] for entry in sent} == {FIRST, THIRD}
    assert simulator.applied("register", password=FIRST) == 1
    (together,) = simulator.journal("register_multiple")
    assert SECOND in str(together.fields["userJson"])
    assert MD5 in str(together.fields["userJson"])
    assert FIRST in classin("show", one.id, "--reveal").stdout
    assert FIRST not in classin("show", one.id).stdout
