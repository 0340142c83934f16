"""What is said where a server does not answer."""

import pytest
from redis.exceptions import ConnectionError as NoConnectionError

from ops.cli.wiring import in_one_line
from worker.errors import RedisUnavailableError, UnavailableError


@pytest.fixture(autouse=True)
def private(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that name no Redis."""
    monkeypatch.delenv("CLASSIN_REDIS_URL", raising=False)


def unavailable(said: str, cause: Exception | None) -> RedisUnavailableError:
    """The error of a ledger that cannot be reached."""
    error = RedisUnavailableError(said)
    error.__cause__ = cause
    return error


def test_a_private_redis_that_is_away_is_known_in_any_words() -> None:
    """By what happened, not by the path that an error names; also behind another error."""
    away = unavailable("nobody there", NoConnectionError("nobody there"))
    behind = UnavailableError("recorded for certain: 0 of 1")
    behind.__cause__ = away

    for error in (away, behind):
        assert "start it with `classin up`" in in_one_line(error)


@pytest.mark.parametrize(
    "error",
    [
        unavailable("is full: redis.sock", None),
        UnavailableError("no redis-server on PATH, so redis.sock is not there"),
    ],
    ids=["full", "no program"],
)
def test_other_troubles_are_told_as_they_are(error: UnavailableError) -> None:
    """Nothing is to be started for them."""
    assert in_one_line(error) == str(error)
