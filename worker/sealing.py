"""Sealing: credentials lie in Redis only as what their school's secret opens.

The one way to the cipher: Fernet, with a key derived from the secret by HKDF-SHA256. It is imported
when the first credential comes: most operations have none.
"""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from worker.classin.catalogue import CATALOGUE, find, read
from worker.classin.credentials import exchanged
from worker.classin.errors import Fault, InvalidInput, SealBroken
from worker.classin.operation import Operation
from worker.classin.references import Place, is_sealed
from worker.classin.school import School
from worker.classin.seals import Sealed, credentials_of

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

#: What a key is for, so that no two purposes, and no two schools, have the same.
_SEALS = "classin-queue/credential/1"
_MARKS = "classin-queue/credential-digest/1"

#: Shown of a credential that cannot be opened any more.
UNOPENED = "*** (sealed under another secret)"


def seal(text: str, school: School) -> str:
    """Seal a text so that only the school's secret opens it; the same text never looks the same."""
    return _cipher(school).encrypt(text.encode("utf-8", "surrogatepass")).decode("ascii")


def open_sealed(token: str, school: School) -> str:
    """Give the text that `seal` took.

    Raises SealBroken for a token of another secret or school, or that is none.
    """
    from cryptography.fernet import InvalidToken  # noqa: PLC0415  # only where it is needed

    try:
        return _cipher(school).decrypt(token).decode("utf-8", "surrogatepass")
    except (InvalidToken, ValueError):
        raise SealBroken(f"it was not sealed with the secret of school {school.name!r}") from None


def at_rest(
    operation: Operation, school: str, school_named: Callable[[str], School]
) -> Mapping[str, Any]:
    """Give an operation's fields as a record keeps them: each credential sealed.

    What comes sealed is opened and checked, and stays as it is. Raises Invalid.
    """
    kind = type(operation)
    if not credentials_of(kind):
        return operation.to_json()
    its = school_named(school)
    _checked(operation, its)
    return sealed(kind.spec.name, operation.to_json(), its)


def sealed(name: str, fields: Mapping[str, Any], school: School | None) -> Mapping[str, Any]:
    """Give JSON fields of an operation, right or not, with each credential sealed.

    Nothing is kept of the credentials of a school that nobody knows.
    """

    def close(value: object, place: Place) -> object:
        del place
        if Sealed.read(value):
            return value
        return Sealed(seal(json.dumps(value), school) if school else "").to_json()

    return exchanged(find(name), fields, close)


def opened(name: str, fields: Mapping[str, Any], school: School | None) -> Mapping[str, Any]:
    """Give JSON fields of an operation, right or not, with each credential open.

    For a school that nobody knows they stay as they are. Raises SealBroken, which names the first
    that cannot be opened, and InvalidOperation where there is no such operation.
    """
    return exchanged(find(name), fields, partial(_opened, school)) if school else fields


def revealed(name: str, fields: Mapping[str, Any], school: School | None) -> Mapping[str, Any]:
    """Give a record's fields for whoever asked to see its credentials, as far as they open."""
    if name not in CATALOGUE:
        return fields

    def show(value: object, place: Place) -> object:
        if Sealed.read(value) is None:
            return value
        try:
            return _opened(school, value, place) if school else UNOPENED
        except SealBroken:
            return UNOPENED

    return exchanged(find(name), fields, show)


def comparable(
    operation: Operation, school: str, school_named: Callable[[str], School]
) -> dict[str, Any]:
    """Give an operation's fields with a mark in place of each credential.

    Equal ones of a school have equal marks, from which nobody without its secret can guess them.
    Raises Invalid.
    """
    kind = type(operation)
    if not credentials_of(kind):
        return operation.to_json()
    its = school_named(school)
    key = _derived(its, _MARKS)

    def mark(value: object, place: Place) -> str:
        del place
        return hmac.digest(key, json.dumps(value).encode(), "sha256").hex()

    return {**exchanged(kind, _checked(operation, its).to_json(), mark)}


def _checked(operation: Operation, school: School) -> Operation:
    """Give an operation with its credentials open. Raises Invalid."""
    if not is_sealed(operation):
        return operation
    name = operation.spec.name
    try:
        return read(name, opened(name, operation.to_json(), school))
    except SealBroken as broken:
        raise InvalidInput(name, [Fault("", str(broken))]) from None


def _opened(school: School, value: object, place: Place) -> object:
    """Open what is sealed; what is plain is of an older record. Raises SealBroken."""
    held = Sealed.read(value)
    if held is None:
        return value
    where = ".".join(map(str, place))
    if not held.token:
        raise SealBroken(f"its {where} was not kept, since its school was unknown: submit it anew")
    try:
        return json.loads(open_sealed(held.token, school))
    except (SealBroken, ValueError):
        raise SealBroken(
            f"its sealed {where} can no longer be opened, since the school's secret changed:"
            " submit it anew"
        ) from None


@cache
def _cipher(school: School) -> "Fernet":
    """Make a school's cipher, once."""
    from cryptography.fernet import Fernet  # noqa: PLC0415  # only where it is needed

    return Fernet(urlsafe_b64encode(_derived(school, _SEALS)))


@cache
def _derived(school: School, purpose: str) -> bytes:
    """Derive a key of 32 bytes from a school's secret, for one purpose."""
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415  # as above
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415  # as above

    info = f"{purpose}\0{school.name}".encode()
    return HKDF(SHA256(), length=32, salt=None, info=info).derive(school.secret.encode())
