"""What the doctor, the commands and the workers say of a real Redis that is not well."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from ops.health.finding import Finding, Health
from ops.health.redis_server import examine_server
from ops.processes.home_mark import HomeMark
from ops.processes.redis_server import PrivateRedis
from worker.ledger import key_sizes
from worker.ledger.data_set import FOREIGN, DataSet, DataSetWatch
from worker.ledger.record import Submission
from worker.ledger.redis_client import connect
from worker.ledger.store import RedisLedger


@pytest.fixture
def client(redis: PrivateRedis) -> Redis:
    """A client of a Redis of the test's own."""
    return connect(redis.url)


def look(client: Redis, home: Path | None = None) -> dict[str, Finding]:
    """What the doctor finds, by subject."""
    found = examine_server(client, client.info(), HomeMark(home))
    return {finding.subject: finding for finding in found}


def fill(client: Redis) -> None:
    """Leave no room."""
    client.config_set("maxmemory", "1")


def demote(client: Redis) -> None:
    """Make a replica of it."""
    client.replicaof("127.0.0.1", 1)


def test_the_doctor_tries_a_write_and_leaves_nothing(client: Redis) -> None:
    """All is well, and as it was."""
    found = look(client)

    assert {finding.health for finding in found.values()} == {Health.WELL}
    assert found["writes"].said == "one was tried, and taken"
    assert client.dbsize() == 0


@pytest.mark.parametrize(
    ("mishap", "said", "todo"),
    [(fill, "is full", "maxmemory"), (demote, "is a replica", "CLASSIN_REDIS_URL")],
)
def test_a_redis_that_takes_no_writes_is_not_well(
    client: Redis, mishap: Callable[[Redis], None], said: str, todo: str
) -> None:
    """It answers, and is ill all the same; what to do is said besides."""
    mishap(client)

    found = look(client)["writes"]

    assert found.health is Health.ILL
    assert said in found.said
    assert todo in found.todo


def test_workers_notice_that_a_data_set_vanished(
    client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """They say so once, tell their paces anew, and the doctor says it for a week."""
    told = []
    watch = DataSetWatch(DataSet(client), lambda: told.append("paces"))
    watch.look()
    watch.look()
    assert "data" not in look(client)

    client.flushall()
    watch.look()
    watch.look()

    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert told == ["paces", "paces"]
    found = look(client)["data"]
    assert found.health is Health.WARNING
    assert found.said.startswith("all that Redis had was lost, noticed at 2")
    assert 0 < client.ttl("classin:vanished") <= 7 * 86_400


def test_a_data_set_of_another_version_is_told_of(
    client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """In one line, as a worker starts and by the doctor: its records cannot be read."""
    DataSet(client).mark()
    assert "layout" not in look(client)

    client.delete("classin:layout")
    DataSetWatch(DataSet(client), lambda: None).look()

    assert [record.getMessage() for record in caplog.records] == [FOREIGN]
    assert look(client)["layout"].health is Health.ILL


def test_the_doctor_compares_the_private_data_with_those_of_last_time(
    client: Redis, home: Path
) -> None:
    """The home remembers which data set it had."""
    HomeMark(home).keep(DataSet(client).mark())
    assert "data" not in look(client, home)

    client.flushall()

    assert look(client, home)["data"].said == "all that Redis had was lost, since `classin up` ran"
    DataSet(client).mark()
    assert "data" in look(client, home)


def test_families_of_keys_are_measured(client: Redis) -> None:
    """All of them while they are few; the largest stand first."""
    ledger = RedisLedger(client)
    ledger.submit(
        [Submission(id=f"r{n}", operation="x", school="main", fields={}) for n in range(50)]
    )
    client.set("another", "x" * 1_000_000)

    found = key_sizes.sizes(client)

    assert found.exact
    by_name = {family.name: family for family in found.families}
    assert found.families[0].name == "others"
    assert by_name["classin:op"].keys == 50
    assert by_name["classin:ix:state"].keys == 1
    assert sum(family.keys for family in found.families) == client.dbsize()
    measured = sum(client.memory_usage(key) or 0 for key in client.scan_iter("classin:op:*"))
    assert by_name["classin:op"].bytes == pytest.approx(measured, rel=0.1)


def test_of_very_many_keys_a_sample_is_measured(client: Redis) -> None:
    """The work is bounded; few large keys are measured by themselves, whatever the sample has."""
    pipeline = client.pipeline(transaction=False)
    for number in range(4_000):
        pipeline.hset(f"classin:op:{number}", "state", "queued")
        pipeline.zadd("classin:ix:all", {str(number): number})
    pipeline.execute()

    found = key_sizes.sizes(client, most=1_000)

    assert not found.exact
    by_name = {family.name: family for family in found.families}
    assert by_name["classin:op"].keys == pytest.approx(4_000, rel=0.05)
    assert by_name["classin:ix:all"] == ("classin:ix:all", 1, client.memory_usage("classin:ix:all"))
