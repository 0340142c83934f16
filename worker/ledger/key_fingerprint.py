"""Which key ring a ledger goes with: Redis knows its fingerprint, and no key."""

from pathlib import Path

from redis import Redis

from worker.errors import InvalidSettingsError
from worker.keyring import fingerprint, make_key_file, read_key_file, refuse
from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import translate_redis_errors

#: What helps a host that has another key ring, or none.
_COPY = (
    "copy the key file of the first host there; if it is lost for good, `classin keys init --anew`"
)


class KeyFingerprint:
    """The key file of this host, and the mark of it in a ledger.

    Each method raises InvalidSettingsError and UnavailableError.
    """

    def __init__(self, path: Path, redis: Redis) -> None:
        self._path = path
        self._redis = redis
        self._keys = keys_of(redis)
        self._is_marked = False

    def are_there(self) -> bool:
        """Return whether both agree; False if neither the file nor a mark is there yet."""
        return self._found() is not None

    def load(self) -> bytes:
        """Return the primary key; the first that ever asks makes the file."""
        key = self._found()
        if key is not None:
            return self._agreed(key)
        made = make_key_file(self._path)
        key = read_key_file(self._path)
        if key is None:
            refuse(self._path, "was taken away as it was made")
        try:
            return self._agreed(key)
        except InvalidSettingsError:
            if made:  # another host was first: this one is of no use
                self._path.unlink(missing_ok=True)
            raise

    def replace(self) -> None:
        """Let the ledger go with the key ring of this host from now on; make one if it has none."""
        make_key_file(self._path)
        key = read_key_file(self._path)
        with translate_redis_errors():
            self._redis.set(self._keys.keyring, fingerprint(key or b""))

    def _found(self) -> bytes | None:
        """Return this host's key, if it has one, and it is not another than the ledger's."""
        key, known = read_key_file(self._path), self._known()
        if key is None and known is not None:
            refuse(self._path, f"is missing, but this ledger goes with a key ring: {_COPY}")
        if key is not None and known not in {None, fingerprint(key)}:
            refuse(self._path, f"is another key ring than this ledger goes with: {_COPY}")
        self._is_marked = known is not None
        return key

    def _agreed(self, key: bytes) -> bytes:
        """Mark the ledger, unless it is marked; by the first mark all others are measured."""
        if not self._is_marked:
            with translate_redis_errors():
                self._redis.set(self._keys.keyring, fingerprint(key), nx=True)
            self._found()
        return key

    def _known(self) -> str | None:
        with translate_redis_errors():
            found = self._redis.get(self._keys.keyring)
        return None if found is None else str(found)
