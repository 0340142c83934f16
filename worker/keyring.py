"""Key ring: secrets of this installation that Redis does not have.

A file of its own, outside of what Redis writes, the same on each host that shares a ledger. One key
is derived for each purpose (HKDF-SHA256, RFC 5869): none opens what another closed.
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

#: The variable that names the file.
VARIABLE = "CLASSIN_KEYS"

#: Bytes of a key, and hex digits of a mark.
_KEY, _MARK = 32, 24


class KeyRing:
    """What the keys of an installation do; `load` gives the primary one, at the first use.

    Each method raises what `load` does.
    """

    def __init__(self, load: Callable[[], bytes]) -> None:
        self._load = load
        self._derived: dict[str, bytes] = {}

    @classmethod
    def in_memory(cls) -> "KeyRing":
        """Return a ring that nobody else has."""
        key = secrets.token_bytes(_KEY)
        return cls(lambda: key)

    @cached_property
    def _primary(self) -> bytes:
        return self._load()

    def open(self) -> None:
        """Load the ring now, so that what is wrong with it shows early."""
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
        """Return whether `mac` made this of that data."""
        return hmac.compare_digest(self.mac(purpose, data).encode(), mac.encode("utf-8", "replace"))

    def mark(self, purpose: str, text: str) -> str:
        """Return 24 hex digits: equal for equal texts; nobody can guess these without the key."""
        return self.mac(purpose, text.encode("utf-8", "surrogatepass"))[:_MARK]


def canonical(said: object) -> bytes:
    """Return the same bytes for the same JSON value, and others for any other: what is signed."""
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def _none() -> bytes:
    raise InvalidSettingsError(
        "there is no key ring", [FieldError(VARIABLE, "nobody said which to use")]
    )


#: For what needs no key: whoever asks it for one hears so.
NO_KEYS = KeyRing(_none)


def fingerprint(key: bytes) -> str:
    """Return what tells a key from others, and nothing of it."""
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
    """Make a file with a new key, readable by this user only; False if there is one already.

    It is there whole or not at all. Raises InvalidSettingsError.
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
    """Say what is wrong with a key file, in one line. Raises InvalidSettingsError."""
    raise InvalidSettingsError(
        "the key ring cannot be used", [FieldError(VARIABLE, f"{path} {what}")]
    )


def _primary_of(path: Path, text: bytes) -> bytes:
    """Read the JSON of a key file; nothing of it is quoted."""
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
    """Derive 32 bytes: one block of HKDF-SHA256 without salt."""
    extracted = hmac.digest(bytes(32), key, "sha256")
    return hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")
