"""Groups of another Celery in Redis: which results belong together, by the group's id."""

from redis import Redis

from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import translate_redis_errors


class CeleryGroups:
    """The groups that programs saved. Each method raises UnavailableError when Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._keys = keys_of(redis)

    def save(self, group_id: str, text: str, lasts: float) -> None:
        """Keep what a group consists of for so many seconds."""
        with translate_redis_errors():
            self._redis.set(self._keys.group(group_id), text, ex=max(1, round(lasts)))

    def find(self, group_id: str) -> str | None:
        """Return what was saved; None if nothing was, or not any more."""
        with translate_redis_errors():
            found = self._redis.get(self._keys.group(group_id))
        return None if found is None else str(found)

    def delete(self, group_id: str) -> None:
        """Forget a group."""
        with translate_redis_errors():
            self._redis.delete(self._keys.group(group_id))
