"""Whatever happens to a ledger, in any order: its books are right, and all comes to an end."""

from redis import Redis

from tests.ledger_machine import whatever_happens


def test_whatever_happens_all_comes_to_an_end(redis: Redis) -> None:
    """Producers, workers that die, crashes, persons; on a Redis in memory."""
    whatever_happens(redis, examples=25, steps=50)
