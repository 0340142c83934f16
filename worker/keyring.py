"""Key ring: secrets of this installation that Redis does not have.

The ring is a file outside of what Redis writes, the same on each host that shares a ledger. One key
is derived for each purpose (HKDF-SHA256, RFC 5869): none decrypts what another encrypted.
"""

import base64
import binascii
import hmac
import json
import os
import secrets
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from worker.errors import FieldError, InvalidSettingsError
from worker.private_files import created, make_folders, read_secret

#: The variable with the file's path.
VARIABLE = "CLASSIN_KEYS"

#: Bytes of a key, and hex digits of a mark.
_KEY, _MARK = 32, 24


class KeyRing:
    """The keys of an installation; `load` returns the primary one, on first use.

    Each method raises what `load` does.
    """

    def __init__(self, load: Callable[[], bytes]) -> None:
        self._load = load
        self._derived: dict[str, bytes] = {}

    @classmethod
    def in_memory(cls) -> "KeyRing":
        """Return a ring with a random key that is not stored."""
        key = secrets.token_bytes(_KEY)
        return cls(lambda: key)

    @cached_property
    def _primary(self) -> bytes:
        return self._load()

    def open(self) -> None:
        """Load the ring now, so that its errors show early."""
        self.derive("")

    def derive(self, purpose: str) -> bytes:
        """Return the key of a purpose, 32 bytes."""
        key = self._derived.get(purpose)
        if key is None:
            key = self._derived[purpose] = _hkdf(self._primary, f"classin-queue/{purpose}")
        return key

    def mac(self, purpose: str, data: bytes) -> str:
        """Return the HMAC-SHA256 of data under the key of a purpose, as hex."""
        return hmac.digest(self.derive(purpose), data, "sha256").hex()

    def verify(self, purpose: str, data: bytes, mac: str) -> bool:
        """Return whether `mac` authenticates the data."""
        return hmac.compare_digest(self.mac(purpose, data).encode(), mac.encode("utf-8", "replace"))

    def mark(self, purpose: str, text: str) -> str:
        """Return 24 hex digits, equal for equal texts; they cannot be guessed without the key."""
        return self.mac(purpose, text.encode("utf-8", "surrogatepass"))[:_MARK]


def canonical(said: object) -> bytes:
    """Return the canonical bytes of a JSON value, as they are signed."""
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def _none() -> bytes:
    raise InvalidSettingsError(
        "there is no key ring", [FieldError(VARIABLE, "nobody said which to use")]
    )


#: For code that needs no key: any use raises.
NO_KEYS = KeyRing(_none)


def fingerprint(key: bytes) -> str:
    """Return a fingerprint of a key, which reveals nothing of it."""
    return _hkdf(key, "classin-queue/fingerprint").hex()[:32]


def read_key_file(path: Path) -> bytes | None:
    """Return the primary key of a file; None if there is no such file.

    Raises InvalidSettingsError.
    """
    try:
        return _primary_of(path, read_secret(path, ours_alone=True))
    except FileNotFoundError:
        return None
    except OSError as error:
        refuse(path, f"cannot be read: {error.strerror or 'unknown reason'}")


def make_key_file(path: Path) -> bool:
    """Create a file with a new key, readable by this user only; False if there is one already.

    It is created atomically. Raises InvalidSettingsError.
    """
    key = base64.b64encode(secrets.token_bytes(_KEY)).decode()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        make_folders(path.parent)
        with created(draft) as file:
            file.write(json.dumps({"primary": "k1", "keys": {"k1": key}}))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    except OSError as error:
        refuse(path, f"cannot be made: {error.strerror or 'unknown reason'}")
    finally:
        draft.unlink(missing_ok=True)
    return True


def refuse(path: Path, what: str) -> NoReturn:
    """Raise InvalidSettingsError for a key file, in one line."""
    raise InvalidSettingsError(
        "the key ring cannot be used", [FieldError(VARIABLE, f"{path} {what}")]
    )


def _primary_of(path: Path, text: bytes) -> bytes:
    """Parse a key file's JSON; errors quote nothing of it."""
    try:
        content: Any = json.loads(text)
        keys = {name: base64.b64decode(key, validate=True) for name, key in content["keys"].items()}
        primary = keys[content["primary"]]
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error, RecursionError):
        refuse(path, "is broken: restore it from the backup, or copy that of another host")
    if any(len(key) != _KEY for key in keys.values()):
        refuse(path, f"is broken: each key should have {_KEY} bytes")
    return primary


def _hkdf(key: bytes, purpose: str) -> bytes:
    """Return 32 bytes: one block of HKDF-SHA256 without salt."""
    extracted = hmac.digest(bytes(32), key, "sha256")
    return hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")
