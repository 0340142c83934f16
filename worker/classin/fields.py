"""Kinds of value and their limits.

Source: the parameter tables of the operations' pages; appendix/rules
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from annotated_types import BaseMetadata, GroupedMetadata, MaxLen, MinLen
from pydantic import (
    AfterValidator,
    Base64Bytes,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
)
from pydantic_core import PydanticCustomError

#: The largest file that an operation carries along, in bytes.
LARGEST_FILE = 1024 * 1024


def _no_bool(value: object) -> object:
    """Refuse true and false where a number is asked: Python would take them for 1 and 0."""
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "should be a whole number")
    return value


def _sendable(text: str) -> str:
    """Refuse half characters (lone surrogates), which no encoding can carry."""
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise PydanticCustomError("unsendable", "holds half a character (a lone surrogate)")
    return text


def _no_moment() -> PydanticCustomError:
    return PydanticCustomError(
        "moment", "should be seconds since 1970, or like 2026-09-01T08:00:00+08:00"
    )


def _whole_seconds(value: object) -> object:
    """Turn a moment with an offset, as an object or in ISO 8601, into seconds since 1970."""
    if isinstance(value, str):
        text = value.strip()
        try:
            # 13 digits reach beyond any moment; more would cost time, or not be read at all
            number = re.fullmatch("-?[0-9]{1,13}", text)
            value = int(text) if number else datetime.fromisoformat(text)
        except ValueError:
            raise _no_moment() from None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise PydanticCustomError(
                "moment", "needs an offset from UTC, as in 2026-09-01T08:00:00+08:00"
            )
        return int(value.timestamp())
    if not isinstance(value, int):
        raise _no_moment()
    return _no_bool(value)


@dataclass(frozen=True)
class Chars(GroupedMetadata):
    """Text of so many characters: `Annotated[str, Chars(1, 40)]`; longer text is refused."""

    fewest: int = 0
    most: int | None = None

    def __iter__(self) -> Iterator[BaseMetadata]:
        """Hand pydantic the single limits."""
        if self.fewest:
            yield MinLen(self.fewest)
        if self.most is not None:
            yield MaxLen(self.most)
        yield AfterValidator(_sendable)  # type: ignore[misc]  # pydantic takes its own kinds here too


_Id = Annotated[int, BeforeValidator(_no_bool), Field(gt=0, lt=2**63)]

CourseId = _Id
FolderId = _Id
ClassroomSettingId = _Id
StructureId = _Id
Uid = _Id

#: Seconds since 1970, in Python also an aware datetime; 0 means what the field says.
Moment = Annotated[int | datetime, BeforeValidator(_whole_seconds), Field(ge=0, lt=2**40)]

#: Yes or no; 1 or 0 on the wire.
Flag = Annotated[bool, PlainSerializer(int, return_type=int)]


def _strict_base64(value: object) -> object:
    """Refuse what base 64 cannot hold; pydantic's decoder would skip it."""
    try:
        if isinstance(value, (str, bytes)):
            base64.b64decode(value, validate=True)
    except ValueError:
        raise PydanticCustomError("base64_decode", "should be base 64") from None
    return value


class File(BaseModel):
    """A file that travels with its operation: up to 1 MB, its content in base 64 in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Chars(1, 128)]
    content: Annotated[
        Base64Bytes, BeforeValidator(_strict_base64), MinLen(1), MaxLen(LARGEST_FILE)
    ] = Field(repr=False)

    def summary(self) -> dict[str, object]:
        """Describe the file without its content: name, bytes, SHA-256."""
        digest = hashlib.sha256(self.content).hexdigest()
        return {"name": self.name, "bytes": len(self.content), "sha256": digest}
