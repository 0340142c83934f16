"""Encrypted credentials as values in fields. Pure: no cipher."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from worker.classin.field_shape import by_spelling, field_shape
from worker.classin.field_types import Sensitivity, sensitivity_of

#: The key that marks an encrypted value.
SEAL = "$sealed"


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted credential."""

    #: The ciphertext.
    token: str

    def to_dict(self) -> dict[str, str]:
        """Return it as a record's fields hold it."""
        return {SEAL: self.token}

    @classmethod
    def read(cls, value: object) -> "Sealed | None":
        """Parse one, given as an object or as JSON; None if it is none, or ill-formed."""
        if isinstance(value, Sealed):
            return value
        if not isinstance(value, dict) or value.keys() != {SEAL}:
            return None
        token = value[SEAL]
        return cls(token) if isinstance(token, str) else None


@cache
def credentials_of(kind: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """Return the fields that are credentials, or hold items with some, by both spellings."""
    return {
        spelling: field
        for spelling, field in by_spelling(kind).items()
        if is_credential(field) or credentials_within(field)
    }


def is_credential(field: FieldInfo) -> bool:
    """Return whether a field is a credential."""
    return sensitivity_of(field) is Sensitivity.CREDENTIAL


def credentials_within(field: FieldInfo) -> Mapping[str, FieldInfo]:
    """Return the credentials of a field's items."""
    base = field_shape(field).base
    return credentials_of(base) if issubclass(base, BaseModel) else {}
