"""Groups of another Celery in Redis: which results belong together, by the group's id."""

from redis import Redis

from worker.ledger import keys
from worker.ledger.reader import reaching_redis


class CeleryGroups:
    """The groups that programs saved. Each method raises UnavailableError when Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def save(self, group_id: str, text: str, lasts: float) -> None:
        """Keep what a group consists of for so many seconds."""
        with reaching_redis():
            self._redis.set(keys.group(group_id), text, ex=max(1, round(lasts)))

    def find(self, group_id: str) -> str | None:
        """Return what was saved; None if nothing was, or not any more."""
        with reaching_redis():
            found = self._redis.get(keys.group(group_id))
        return None if found is None else str(found)

    def delete(self, group_id: str) -> None:
        """Forget a group."""
        with reaching_redis():
            self._redis.delete(keys.group(group_id))
