"""Encrypt credentials at rest: only the key ring decrypts them, each in its own place.

The only user of the cipher: AES-256-GCM, with school, record and field as associated data, so that
a moved or swapped value does not decrypt. The cipher is imported with the first credential: most
operations have none.
"""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from worker.classin.catalogue import CATALOGUE, find
from worker.classin.credentials import exchanged
from worker.classin.operation import Operation
from worker.classin.references import Place, places_of, written
from worker.classin.seals import Sealed, credentials_of
from worker.errors import DecryptionError, FieldError, InvalidInputError
from worker.keyring import KeyRing, canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

#: Purposes of keys: encryption, and marks by which equal credentials are recognised.
_SEALS, _MARKS = "seal", "credential-digest"

#: Bytes of the random nonce.
_NONCE = 12

#: Shown for a credential that cannot be decrypted.
UNOPENED = "*** (cannot be opened)"

_WHY = "it was sealed for another record or field, or under another key ring: submit it anew"


class FieldCipher:
    """Encrypt and decrypt credentials with a key ring. Each method raises what the ring does."""

    def __init__(self, keyring: KeyRing) -> None:
        self._keyring = keyring

    def encrypt(self, text: str, *owner: str | int) -> str:
        """Encrypt a text for its owner, with a random nonce.

        `owner`: what it belongs to; it decrypts only with the same words.
        """
        nonce = secrets.token_bytes(_NONCE)
        closed = self._cipher.encrypt(
            nonce, text.encode("utf-8", "surrogatepass"), canonical(owner)
        )
        return urlsafe_b64encode(nonce + closed).decode("ascii")

    def decrypt(self, token: str, *owner: str | int) -> str:
        """Return what `encrypt` was given.

        Raises DecryptionError for a foreign text, or another owner's.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # only where it is needed

        try:
            held = urlsafe_b64decode(token)
            opened = self._cipher.decrypt(held[:_NONCE], held[_NONCE:], canonical(owner))
        except (InvalidTag, ValueError):
            raise DecryptionError(_WHY) from None
        return opened.decode("utf-8", "surrogatepass")

    def encrypt_fields(
        self, operation: Operation, school: str, record_id: str
    ) -> Mapping[str, Any]:
        """Return an operation's fields as its record stores them, with credentials encrypted.

        Raises InvalidInputError for a credential that is encrypted already: it could not be
        decrypted.
        """
        name = operation.spec.name
        if places := places_of(operation, Sealed):
            raise InvalidInputError(name, [FieldError("", _broken(place)) for place in places])
        return self.sealed(name, operation.to_dict(), school, record_id)

    def sealed(
        self, name: str, fields: Mapping[str, Any], school: str, record_id: str
    ) -> Mapping[str, Any]:
        """Return an operation's JSON fields, valid or not, with credentials encrypted."""

        def close(value: object, place: Place) -> object:
            return Sealed(self.encrypt(json.dumps(value), school, record_id, *place)).to_dict()

        return exchanged(find(name), fields, close)

    def decrypt_fields(
        self, name: str, fields: Mapping[str, Any], school: str, record_id: str
    ) -> Mapping[str, Any]:
        """Return a record's JSON fields with credentials decrypted.

        Raises DecryptionError, which names the first credential that fails, and
        InvalidOperationError for an unknown operation.
        """
        return exchanged(find(name), fields, partial(self._opened, school, record_id))

    def reopened(
        self,
        name: str,
        fields: Mapping[str, Any],
        school: str,
        record_id: str,
        instead: Callable[[object], object] = lambda value: value,
    ) -> Mapping[str, Any]:
        """Return a record's fields with credentials decrypted as far as possible.

        `instead` returns the replacement of the others; by default they stay encrypted.
        """
        if name not in CATALOGUE:
            return fields

        def show(value: object, place: Place) -> object:
            try:
                return self._opened(school, record_id, value, place)
            except DecryptionError:
                return instead(value)

        return exchanged(find(name), fields, show)

    def revealed(
        self, name: str, fields: Mapping[str, Any], school: str, record_id: str
    ) -> Mapping[str, Any]:
        """Return a record's fields for a reader who asked for its credentials."""
        return self.reopened(name, fields, school, record_id, lambda _: UNOPENED)

    def comparable(self, operation: Operation, school: str) -> dict[str, Any]:
        """Return a decrypted operation's fields with a keyed mark for each credential.

        Equal credentials of a school have equal marks, which cannot be guessed without the ring.
        """
        if not credentials_of(type(operation)):
            return operation.to_dict()

        def mark(value: object, place: Place) -> str:
            del place
            return self._keyring.mac(_MARKS, canonical([school, value]))

        return {**exchanged(type(operation), operation.to_dict(), mark)}

    def _opened(self, school: str, record_id: str, value: object, place: Place) -> object:
        """Decrypt an encrypted value; return a plain one as it is. Raises DecryptionError."""
        held = Sealed.read(value)
        if held is None:
            return value
        try:
            return json.loads(self.decrypt(held.token, school, record_id, *place))
        except (DecryptionError, ValueError):
            raise DecryptionError(_broken(place)) from None

    @cached_property
    def _cipher(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # as above

        return AESGCM(self._keyring.derive(_SEALS))


def _broken(place: Place) -> str:
    return f"its sealed {written(place)} cannot be opened: {_WHY}"
