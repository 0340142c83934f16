"""Sealing: credentials lie in Redis only as what the key ring opens, each in its own place.

The one way to the cipher: AES-256-GCM, with school, record and field as associated data, so that
nothing opens that was moved or swapped. It is imported when the first credential comes: most
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

#: What keys are for: sealing, and marks by which equal credentials are known.
_SEALS, _MARKS = "seal", "credential-digest"

#: Bytes of a nonce, which is random.
_NONCE = 12

#: Shown of a credential that cannot be opened.
UNOPENED = "*** (cannot be opened)"

_WHY = "it was sealed for another record or field, or under another key ring: submit it anew"


class FieldCipher:
    """Seals credentials with a key ring, and opens them. Each method raises what the ring does."""

    def __init__(self, keyring: KeyRing) -> None:
        self._keyring = keyring

    def encrypt(self, text: str, *owner: str | int) -> str:
        """Seal a text for its owner; the same text never looks the same.

        `owner`: what it belongs to; without the same words it does not open.
        """
        nonce = secrets.token_bytes(_NONCE)
        closed = self._cipher.encrypt(
            nonce, text.encode("utf-8", "surrogatepass"), canonical(owner)
        )
        return urlsafe_b64encode(nonce + closed).decode("ascii")

    def decrypt(self, token: str, *owner: str | int) -> str:
        """Return what `seal` took.

        Raises DecryptionError for what is none of ours, or is another's.
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
        """Return an operation's fields as its record keeps them: each credential sealed.

        Raises InvalidInputError where one is sealed already: it could not be opened.
        """
        name = operation.spec.name
        if places := places_of(operation, Sealed):
            raise InvalidInputError(name, [FieldError("", _broken(place)) for place in places])
        return self.sealed(name, operation.to_dict(), school, record_id)

    def sealed(
        self, name: str, fields: Mapping[str, Any], school: str, record_id: str
    ) -> Mapping[str, Any]:
        """Return JSON fields of an operation, right or not, with each credential sealed."""

        def close(value: object, place: Place) -> object:
            return Sealed(self.encrypt(json.dumps(value), school, record_id, *place)).to_dict()

        return exchanged(find(name), fields, close)

    def decrypt_fields(
        self, name: str, fields: Mapping[str, Any], school: str, record_id: str
    ) -> Mapping[str, Any]:
        """Return JSON fields of a record with each credential open.

        Raises DecryptionError, which names the first that cannot be opened, and
        InvalidOperationError where there is no such operation.
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
        """Return a record's fields with its credentials open, as far as they can be.

        `instead` gives what stands for the others: what is sealed itself, unless it says so.
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
        """Return a record's fields for whoever asked to see its credentials."""
        return self.reopened(name, fields, school, record_id, lambda _: UNOPENED)

    def comparable(self, operation: Operation, school: str) -> dict[str, Any]:
        """Return the fields of an operation, which is open, with a mark for each credential.

        Equal ones of a school have equal marks, from which nobody without the ring can guess them.
        """
        if not credentials_of(type(operation)):
            return operation.to_dict()

        def mark(value: object, place: Place) -> str:
            del place
            return self._keyring.mac(_MARKS, canonical([school, value]))

        return {**exchanged(type(operation), operation.to_dict(), mark)}

    def _opened(self, school: str, record_id: str, value: object, place: Place) -> object:
        """Open what is sealed; what is plain stays so. Raises DecryptionError."""
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
