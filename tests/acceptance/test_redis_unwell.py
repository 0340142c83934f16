"""A Redis that answers and is not well: what is typed meanwhile, and what works meanwhile."""

from ops.embedded import PrivateRedis
from tests.stage import Command
from worker.ledger.in_redis import connect


def test_commands_that_only_read_say_what_is_wrong_with_redis(
    redis: PrivateRedis, classin: Command
) -> None:
    """On stderr, beside what they were asked for; one that submits says it, and fails."""
    connect(redis.url).config_set("maxmemory", "1")

    for words in (["stats"], ["ls"], ["lanes"]):
        done = classin(*words)
        assert done.returncode == 0
        assert done.stderr.startswith("Redis is full (maxmemory)")
    assert classin("doctor").returncode == 1
    submitted = classin("enqueue", "edit_course", "courseId=3", "courseName=x")
    assert submitted.returncode == 1
    assert submitted.stderr.startswith("Redis is full (maxmemory)")
    assert submitted.stderr.count("\n") == 1
